import assert from "node:assert/strict";
import { test } from "node:test";

import { faults, targetsOf } from "./check.mjs";

const SOUND = `permissions:
  contents: read
jobs:
  one:
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - run: make ci
`;
const targets = targetsOf("ci: lint test ## all\nlint:\n\t@echo\nX := y\n.PHONY: ci\n");

test("a sound workflow has no faults", () => {
  assert.deepEqual([...targets], ["ci", "lint"]);
  assert.deepEqual(faults(SOUND, targets), []);
});

test("every rule bites", () => {
  for (const [there, instead, fault] of [
    ["make ci", "make ci && curl x", "expected one make target, found run: make ci && curl x"],
    ["make ci", "|", "expected one make target, found run: |"],
    ["make ci", "make cj", "expected a target of the Makefile, found cj"],
    ["@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "expected OWNER/NAME@COMMIT # vVERSION, found uses: actions/checkout@v7"],
    ["permissions:", "perms:", "expected permissions for the workflow, found none"],
    ["      - run", "      target: [ci, cj]\n      - run", "expected a target of the Makefile, found cj"],
  ]) {
    assert.ok(SOUND.includes(there));
    assert.deepEqual(faults(SOUND.replace(there, instead), targets), [fault]);
  }
});
