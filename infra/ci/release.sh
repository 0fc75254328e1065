#!/usr/bin/env bash
# The bootstraps of ARCH as they are uploaded (NAME-ARCH.zip, the same bytes for the same bootstrap), and the parts list of
# each (NAME.cdx.json, CycloneDX), in target/release-files. TOOLS has cargo-cyclonedx.
set -euo pipefail
cd "$(dirname "$0")/../.."
arch=$1 tools=$2 out=target/release-files
rm -rf "$out" && mkdir -p "$out"
PATH="$PWD/$tools:$PATH" cargo cyclonedx --quiet --manifest-path crates/lambdas/bootstrap/Cargo.toml --format json \
    --describe binaries --target "${arch/arm64/aarch64}-unknown-linux-gnu"
for name in rebalance-planned trade-execution workflow-outcome sweeper; do
    python3 infra/ci/zip.py "target/lambda/$arch/$name/bootstrap" "$out/$name-$arch.zip"
    mv "crates/lambdas/bootstrap/${name}_bin.cdx.json" "$out/$name.cdx.json"
done
# The workspace's other programs are described, too.
find crates -name '*_bin.cdx.json' -delete
(cd "$out" && sha256sum ./*.zip ./*.json >SHA256SUMS && cat SHA256SUMS)
