#!/usr/bin/env bash
# The four functions of a build of this machine as bootstraps: FROM/NAME becomes TO/NAME/bootstrap.
set -euo pipefail
cd "$(dirname "$0")/../.."
for name in rebalance-planned trade-execution workflow-outcome sweeper; do
    mkdir -p "$2/$name"
    strip -o "$2/$name/bootstrap" "$1/$name"
done
