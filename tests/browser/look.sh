#!/usr/bin/env bash
# Pages of real output in headless Chromium: tests/browser/look.sh ALCHEMISER OUT_DIR
set -euo pipefail
shopt -s inherit_errexit
program=$(realpath "$1")
out=$2
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out"
mkdir -p "$out"
TIMEFORMAT='%U %S'
out=$(realpath "$out")

# page PLAN_FILE NAME: executes a plan in a directory of its own and draws it; prints PAGE=LEGS, the legs with orders.
page() {
    "$program" run "$1" --now --state "$out/$2" --json > "$out/$2.json"
    local id legs
    id=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["plan_id"])' "$out/$2.json")
    legs=$(python3 -c 'import json,sys; print(sum(leg["children"] > 0 for leg in json.load(open(sys.argv[1]))["legs"]))' "$out/$2.json")
    { time "$program" report "$id" --state "$out/$2" --out "$out/$2.html" > "$out/$2.txt"; } 2> "$out/$2.took"
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
for took in "$out"/*.took; do
    awk -v page="$(basename "$took" .took)" '{ printf "%s: the page took %.2f s of processor time, of at most 1\n", page, $1 + $2; slow = $1 + $2 > 1 } END { exit slow || NR != 1 }' "$took"
done
cd "$here"
npm ci --silent
node look.mjs "${CHROMIUM:-$(command -v chromium)}" "$out/screenshots" "${pages[@]}"
