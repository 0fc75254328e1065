// The CDK app: `npx cdk synth`, `npx cdk deploy`. Its context (cdk.json, --context) says where the translated template and
// the bootstraps are.

import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";

import { answer } from "../lib/nag.js";
import { AlchemiserStack } from "../lib/stack.js";

function context(app: App, name: string): string {
  const value: unknown = app.node.tryGetContext(name);
  if (typeof value !== "string" || value === "") {
    throw new Error(`CDK_CONTEXT: expected the context ${name}, found ${JSON.stringify(value)}; add --context ${name}=…`);
  }
  return value;
}

function main(): void {
  const app = new App();
  const stack = new AlchemiserStack(app, "Alchemiser", {
    template: context(app, "template"),
    bootstraps: context(app, "bootstraps"),
    stackName: `alchemiser-${context(app, "stage")}`,
  });
  answer(stack);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
