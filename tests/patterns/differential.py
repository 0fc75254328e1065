#!/usr/bin/env python3
"""Generated patterns on generated events: what `crates/host` says against LocalStack's matcher and moto's.

Reads the lines of `cargo run -p alchemiser-host --example patterns` on standard input. Both judges leave EventBridge's way in
places (to LocalStack a star stands for at least one character, and a number has no lower case; to moto an empty array
exists); where they contradict each other a pair has no verdict, and the count of those is bounded. Where they agree, the
host must agree with them. `--contradictions` prints the pairs without a verdict.
"""
import collections
import json
import sys

from localstack.services.events.event_rule_engine import EventPatternCompiler, EventRuleEngine
from moto.events.models import EventPattern

CONTRADICTIONS_MAX = 0.02  # of all pairs


def localstack(pattern, event):
    EventPatternCompiler().compile_event_pattern(pattern)
    try:
        return EventRuleEngine().evaluate_pattern_on_event(pattern, event)
    except AttributeError:
        return None  # it asks a number for its lower case


def moto(pattern, event):
    return EventPattern.load(json.dumps(pattern)).matches_event(event)


def main():
    counts = collections.Counter()
    wrong = []
    for line in sys.stdin:
        pair = json.loads(line)
        judges = localstack(pair["pattern"], pair["event"]), moto(pair["pattern"], pair["event"])
        counts["pairs"] += 1
        if judges[0] != judges[1]:
            counts["contradictions"] += 1
            if sys.argv[1:] == ["--contradictions"]:
                print(judges, line, end="")
        elif judges[0] != pair["matches"]:
            wrong.append((judges[0], line.strip()))
        else:
            counts["match" if judges[0] else "no match"] += 1
    for expected, line in wrong[:10]:
        print(f"FAILED: both matchers say {expected}: {line}")
    print(f"patterns: {dict(counts)}, {len(wrong)} of them against both matchers")
    if wrong:
        sys.exit(1)
    if min(counts["match"], counts["no match"]) * 10 < counts["pairs"]:
        sys.exit("FAILED: expected at least a tenth of the pairs on either side")
    if counts["contradictions"] > CONTRADICTIONS_MAX * counts["pairs"]:
        sys.exit(f"FAILED: expected the judges to contradict each other in at most {CONTRADICTIONS_MAX:.0%} of the pairs")


if __name__ == "__main__":
    main()
