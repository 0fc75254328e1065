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

# page PLAN_FILE NAME [STATE]: executes a plan, in a directory of its own if none is named, and draws it; prints PAGE=LEGS, the
# legs with orders. A plan that fails has a page, too.
page() {
    local state=${3:-$out/$2}
    "$program" run "$1" --now --state "$state" --json > "$out/$2.json" || [ $? -eq 3 ]
    local id legs
    id=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["plan_id"])' "$out/$2.json")
    legs=$(python3 -c 'import json,sys; print(sum(leg["children"] > 0 for leg in json.load(open(sys.argv[1]))["legs"]))' "$out/$2.json")
    { time "$program" report "$id" --state "$state" --out "$out/$2.html" > "$out/$2.txt"; } 2> "$out/$2.took"
    echo "$out/$2.html=$legs"
}

pages=("$(page "$here/../../examples/plans/growth-and-bonds.json" example)")
real="$here/../../../shared/events/real-plan-2026-01-26.json"
if [ -f "$real" ]; then
    pages+=("$(page "$real" real)")
else
    echo "skipped: ../shared absent"
fi
# Four days of one account: the first plan leaves nothing to sell, so that the others fail in part.
for day in 17 18 19 20; do
    sed "s/2026-11-20/2026-11-$day/g" "$here/../../examples/plans/growth-and-bonds.json" > "$out/day-$day-plan.json"
    looked=$(page "$out/day-$day-plan.json" "day-$day" "$out/days")
    [ "$day" != 18 ] || pages+=("$looked")
done
"$program" report --since 2026-11-01 --state "$out/days" --out "$out/month.html" > "$out/month.txt"
pages+=("$out/month.html")
cat "$out"/*.txt
for took in "$out"/*.took; do
    awk -v page="$(basename "$took" .took)" '{ printf "%s: the page took %.2f s of processor time, of at most 1\n", page, $1 + $2; slow = $1 + $2 > 1 } END { exit slow || NR != 1 }' "$took"
done
cd "$here"
npm ci --silent
node look.mjs "${CHROMIUM:-$(command -v chromium)}" "$out/screenshots" "${pages[@]}"
