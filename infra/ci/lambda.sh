#!/usr/bin/env bash
# The four functions as processes of their own: the example plan goes in by `cargo lambda invoke`, the events that one
# function writes to STATE/events are the next one's input, and the ledger comes out. Only 127.0.0.1 is used.
# The programs are those of `make test`: the emulator builds nothing, it only passes invocations on.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=${PORT:-9177}
work=$(mktemp -d)
state=$work/state
export ALCHEMISER_STATE="file:$state" ALCHEMISER_AGE=restated ALCHEMISER_LOOPBACK_ONLY=1
# Lambda's own, for every function.
export AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256

cargo lambda watch --quiet --only-lambda-apis --invoke-address 127.0.0.1 --invoke-port "$port" >"$work/emulator.log" 2>&1 &
processes=($!)
trap 'kill "${processes[@]}" 2>/dev/null || true; wait "${processes[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 1 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "${processes[0]}" || { cat "$work/emulator.log"; exit 1; }
    sleep 0.1
done
for name in rebalance-planned trade-execution workflow-outcome sweeper; do
    AWS_LAMBDA_FUNCTION_NAME=$name AWS_LAMBDA_RUNTIME_API="http://127.0.0.1:$port/.rt/$name" \
        "target/debug/$name" >"$work/$name.log" 2>&1 &
    processes+=($!)
done

invoke() { # function, event
    timeout 300 cargo lambda invoke --invoke-address 127.0.0.1 --invoke-port "$port" "$1" --data-file "$2" || {
        cat "$work"/*.log >&2
        return 1
    }
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
