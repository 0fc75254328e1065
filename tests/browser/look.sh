#!/usr/bin/env bash
# Pages of real output in headless Chromium: tests/browser/look.sh ALCHEMISER OUT_DIR
set -euo pipefail
program=$(realpath "$1")
out=$2
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out"
mkdir -p "$out"
out=$(realpath "$out")

# page PLAN_FILE NAME: executes a plan in a directory of its own and draws it; prints PAGE=LEGS, the legs with orders.
page() {
    "$program" run "$1" --now --state "$out/$2" --json > "$out/$2.json"
    local id legs
    id=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["plan_id"])' "$out/$2.json")
    legs=$(python3 -c 'import json,sys; print(sum(leg["children"] > 0 for leg in json.load(open(sys.argv[1]))["legs"]))' "$out/$2.json")
    "$program" report "$id" --state "$out/$2" --out "$out/$2.html" > "$out/$2.txt"
    echo "$out/$2.html=$legs"
}

pages=("$(page "$here/../../examples/plans/growth-and-bonds.json" example)")
real="$here/../../../shared/events/real-plan-2026-01-26.json"
if [ -f "$real" ]; then
    pages+=("$(page "$real" real)")
else
    echo "skipped: ../shared absent"
fi
"$program" report --since 2000-01-01 --state "$out/example" --out "$out/month.html" > "$out/month.txt"
pages+=("$out/month.html")
cat "$out"/*.txt
cd "$here"
npm ci --silent
node look.mjs "${CHROMIUM:-$(command -v chromium)}" "$out/screenshots" "${pages[@]}"
