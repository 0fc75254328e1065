#!/bin/sh
# The example plan over HTTP: an exchange on a free port of this machine, a look at the account, the plan, and the end.
set -eu
program=${1:-target/debug/alchemiser}
state=${2:-state/http}
out=$(mktemp)
"$program" exchange --port 0 --world examples/worlds/growth-and-bonds.toml >"$out" &
exchange=$!
trap 'kill $exchange 2>/dev/null; rm -f "$out"' EXIT INT TERM
until url=$(sed -n 's/^exchange on //p' "$out") && [ -n "$url" ]; do
	kill -0 $exchange
	sleep 0.1
done
export APCA_API_KEY_ID=PKALCHEMISER APCA_API_SECRET_KEY=alchemiser-secret ALCHEMISER_LOOPBACK_ONLY=1
plan=examples/plans/growth-and-bonds.json
"$program" doctor --account paper --endpoint "$url" --plan $plan
"$program" run $plan --now --broker alpaca --account paper --endpoint "$url" --set working_time.normal=12 --state "$state"
"$program" verify --state "$state"
