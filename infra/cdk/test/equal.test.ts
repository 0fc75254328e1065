import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";

import { App } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";

import { ANSWERS, type Answer, answer } from "../lib/nag.js";
import { AlchemiserStack, FUNCTIONS } from "../lib/stack.js";

type Json = Record<string, any>;

const TEMPLATE = resolve(process.env.CDK_TEMPLATE ?? "../../target/cdk/template.json");
const work = mkdtempSync(join(tmpdir(), "alchemiser-cdk-"));
after(() => rmSync(work, { recursive: true }));

/** Directories as `make lambdas` leaves them, each bootstrap with bytes of its own. */
function bootstraps(without?: string): string {
  const root = mkdtempSync(join(work, "bootstraps-"));
  for (const name of Object.values(FUNCTIONS).filter((name) => name !== without)) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, "bootstrap"), `the bootstrap of ${name}`);
  }
  return root;
}

function stack(template = TEMPLATE, directory = bootstraps()): { app: App; stack: AlchemiserStack } {
  const app = new App({ outdir: mkdtempSync(join(work, "out-")), context: { "aws:cdk:enable-asset-metadata": false } });
  const props = { template, bootstraps: directory, stackName: "alchemiser-paper" };
  return { app, stack: new AlchemiserStack(app, "Alchemiser", props) };
}

function synthesized(template = TEMPLATE): Json {
  return stack(template).app.synth().getStackByName("alchemiser-paper").template as Json;
}

/** The template without its functions' code, and the code by function. */
function apart(template: Json): { rest: Json; code: Json } {
  const rest: Json = structuredClone(template);
  const code: Json = {};
  for (const [id, resource] of Object.entries<Json>(rest.Resources)) {
    if (resource.Type === "AWS::Lambda::Function") {
      code[id] = resource.Properties.Code;
      delete resource.Properties.Code;
    }
  }
  return { rest, code };
}

function read(path: string): Json {
  return JSON.parse(readFileSync(path, "utf8"));
}

test("everything but the code is the template's", () => {
  assert.deepEqual(apart(synthesized()).rest, apart(read(TEMPLATE)).rest);
});

test("every function's code is an asset of its own", () => {
  const { code } = apart(synthesized());
  assert.deepEqual(Object.keys(code).sort(), Object.keys(FUNCTIONS).sort());
  const keys = Object.values(code).map((place) => place.S3Key);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.every((key) => /^[0-9a-f]{64}\.zip$/.test(key)), String(keys));
});

test("a change of the template is a change of the stack", () => {
  for (const change of [
    (template: Json) => (template.Resources.PlansQueue.Properties.VisibilityTimeout = 91),
    (template: Json) => (template.Resources.TradeExecutionFunction.Properties.Timeout = 600),
    (template: Json) => delete template.Resources.SweeperSilentAlarm,
    (template: Json) => (template.Parameters.Stage.Default = "live"),
  ]) {
    const changed = read(TEMPLATE);
    change(changed);
    const path = join(mkdtempSync(join(work, "template-")), "template.json");
    writeFileSync(path, JSON.stringify(changed));
    const found = apart(synthesized(path)).rest;
    assert.deepEqual(found, apart(changed).rest);
    assert.notDeepEqual(found, apart(read(TEMPLATE)).rest);
  }
});

test("a template or a bootstrap that is missing is named", () => {
  assert.throws(() => stack(join(work, "absent.json")), /^Error: CDK_TEMPLATE_MISSING: expected a file at .*absent.json/);
  assert.throws(() => stack(TEMPLATE, bootstraps("sweeper")), /^Error: CDK_BOOTSTRAP_MISSING: .*sweeper.bootstrap, found none/);
});

/** What cdk-nag says of the stack: the rule and the resource. */
function said(answers: readonly Answer[]): string[] {
  const { app, stack: checked } = stack();
  answer(checked, answers);
  const report = new AwsSolutionsChecks(app).validateScope(checked);
  const each = report.violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath?.split("/").at(-1)}`));
  return [...new Set(each)].sort();
}

/** The app as the CDK's command line starts it. */
function app(context: Json): { status: number | null; stderr: string; outdir: string } {
  const outdir = mkdtempSync(join(work, "app-"));
  const quiet = { "aws:cdk:enable-asset-metadata": false };
  const env = { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify({ ...quiet, ...context }) };
  const { status, stderr } = spawnSync(process.execPath, ["dist/bin/alchemiser.js"], { env, encoding: "utf8" });
  return { status, stderr, outdir };
}

test("the app writes the stack of its stage, or one line", () => {
  const whole = { template: TEMPLATE, bootstraps: bootstraps(), stage: "live" };
  const good = app(whole);
  assert.equal(good.status, 0, good.stderr);
  const found = read(join(good.outdir, "Alchemiser.template.json"));
  assert.deepEqual(apart(found).rest, apart(read(TEMPLATE)).rest);
  const manifest = read(join(good.outdir, "manifest.json"));
  assert.equal(manifest.artifacts.Alchemiser.properties.stackName, "alchemiser-live");
  const bad = app({ ...whole, bootstraps: undefined });
  assert.deepEqual([bad.status, bad.stderr], [
    2, "CDK_CONTEXT: expected the context bootstraps, found undefined; add --context bootstraps=…\n",
  ]);
});

test("cdk-nag has nothing to say that is not answered", () => {
  assert.deepEqual(said(ANSWERS), []);
});

test("every answer is to something that is said", () => {
  const found = said([]);
  const answered = ANSWERS.flatMap(({ rule, resources }) => resources.map((resource) => `${rule} ${resource}`));
  assert.deepEqual(answered.sort(), found);
  assert.ok(ANSWERS.every(({ reason }) => reason.length > 20));
});
