// The stack of infra/template.yaml, with the bootstraps as assets. Everything but the functions' code is the template's:
// test/equal.test.ts compares the two, so there is nothing to keep in step here.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { DefaultStackSynthesizer, Stack } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import type { Construct } from "constructs";

/** The functions by their logical ids, with the directories of their bootstraps. */
export const FUNCTIONS: Record<string, string> = {
  RebalancePlannedFunction: "rebalance-planned",
  TradeExecutionFunction: "trade-execution",
  WorkflowOutcomeFunction: "workflow-outcome",
  SweeperFunction: "sweeper",
};

export interface AlchemiserProps {
  /** The template after its transform, in JSON: `make cdk` writes it. */
  readonly template: string;
  /** A directory that holds NAME/bootstrap for each function: `make lambdas` fills it. */
  readonly bootstraps: string;
  /** The stack's name. */
  readonly stackName: string;
}

export class AlchemiserStack extends Stack {
  constructor(scope: Construct, id: string, props: AlchemiserProps) {
    super(scope, id, {
      stackName: props.stackName,
      analyticsReporting: false,
      // The check of the bootstrap stack's version is the CLI's own; in the template it would be a difference.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
    });
    expectFile("CDK_TEMPLATE_MISSING", props.template, "run `make cdk`, which translates infra/template.yaml");
    const template = new CfnInclude(this, "Template", { templateFile: props.template });
    for (const [logicalId, name] of Object.entries(FUNCTIONS)) {
      const path = join(props.bootstraps, name);
      expectFile("CDK_BOOTSTRAP_MISSING", join(path, "bootstrap"), "run `make lambdas` and link target/lambda/deployed");
      const asset = new Asset(this, `${logicalId}Code`, { path });
      const resource = template.getResource(logicalId) as CfnFunction;
      resource.code = { s3Bucket: asset.s3BucketName, s3Key: asset.s3ObjectKey };
    }
  }
}

function expectFile(code: string, path: string, next: string): void {
  if (!existsSync(path)) {
    throw new Error(`${code}: expected a file at ${path}, found none; ${next}`);
  }
}
