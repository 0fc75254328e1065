#!/usr/bin/env bash
# The four functions as processes of their own: the example plan goes in by `cargo lambda invoke`, the events that one
# function writes to STATE/events are the next one's input, and the ledger comes out. Only 127.0.0.1 is used.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=${PORT:-9177}
state=$(mktemp -d)/state
export ALCHEMISER_STATE="file:$state" ALCHEMISER_AGE=restated

# The emulator builds a function on its first invocation, with cargo's own cache.
cargo build --quiet --locked -p alchemiser-cli -p alchemiser-bootstrap
cargo lambda watch --quiet --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port" >"$state.log" 2>&1 &
emulator=$!
trap 'kill "$emulator" 2>/dev/null || true; wait "$emulator" 2>/dev/null || true' EXIT
for _ in $(seq 1 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$emulator" || { cat "$state.log"; exit 1; }
    sleep 0.1
done

invoke() { # function, event
    cargo lambda invoke --invoke-address 127.0.0.1 --invoke-port "$port" "$1" --data-file "$2"
    echo
}
invoke rebalance-planned examples/plans/growth-and-bonds.json
invoke sweeper tests/events/sweeper.tick.json
invoke trade-execution "$state"/events/TradeExecutionRequested-*.json
invoke workflow-outcome "$state"/events/WorkflowCompleted-*.json
invoke sweeper tests/events/sweeper.tick.json | grep '"seen":0'
# What is not a function's own: answered as it should be, and nothing hangs.
invoke rebalance-planned tests/events/rebalance-planned.without-body.json | grep -F '"itemIdentifier":"m-without-body"'
invoke rebalance-planned tests/events/rebalance-planned.other-type.json | grep -F '"batchItemFailures":[]'
invoke trade-execution tests/events/trade-execution.unclaimed.json | grep -F '"itemIdentifier":"m-unclaimed"'
invoke workflow-outcome tests/events/workflow-outcome.other-type.json | grep -F '"batchItemFailures":[]'
test -s "$state"/ledger/SIM000000001/date=*/growth-and-bonds-2026-11-20.jsonl
target/debug/alchemiser verify --state "$state"
