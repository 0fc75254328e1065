// What cdk-nag's AWS Solutions rules say of the template, and why some of it stays.

import { type Stack, Validations } from "aws-cdk-lib";

/** A rule, the resources it speaks of, and why they stay as they are. */
export interface Answer {
  readonly rule: string;
  readonly resources: readonly string[];
  readonly reason: string;
}

const KEYS_BELOW_A_PREFIX =
  "S3 keys are made of accounts, plans and numbers that come with the plans: the narrowest resource is a prefix, and a " +
  "role has only the prefixes and actions that its function uses.";

export const ANSWERS: readonly Answer[] = [
  below("accounts", "SweeperRole", "TradeExecutionRole"),
  below("executions", "RebalancePlannedRole", "SweeperRole", "TradeExecutionRole", "WorkflowOutcomeRole"),
  below("learned", "TradeExecutionRole", "WorkflowOutcomeRole"),
  below("ledger", "WorkflowOutcomeRole"),
  below("open", "RebalancePlannedRole", "SweeperRole", "TradeExecutionRole"),
  below("probe", "RebalancePlannedRole", "SweeperRole", "TradeExecutionRole", "WorkflowOutcomeRole"),
  below("quotes", "TradeExecutionRole", "WorkflowOutcomeRole"),
  below("reports", "WorkflowOutcomeRole"),
  {
    rule: "AwsSolutions-S1",
    resources: ["StateBucket"],
    reason:
      "Server access logs are best effort and need a second bucket; who touched the bucket is answered by CloudTrail's " +
      "data events, which the account turns on, and what was written is hash-chained.",
  },
  {
    rule: "AwsSolutions-SQS3",
    resources: ["ExecutionsDeadLetters", "RequestsDeadLetters"],
    reason: "It is a dead-letter queue itself, of Lambda's destination or of a rule, which the rule does not look at.",
  },
  {
    rule: "AwsSolutions-SQS4",
    resources: [
      "ExecutionsDeadLetters",
      "OutcomesDeadLetters",
      "OutcomesQueue",
      "PlansDeadLetters",
      "PlansQueue",
      "RequestsDeadLetters",
    ],
    reason:
      "Only EventBridge and Lambda send and receive, over TLS; no other account is let in, and a policy that denies plain " +
      "HTTP would guard against this account's own clients only.",
  },
];

function below(prefix: string, ...resources: string[]): Answer {
  return { rule: `AwsSolutions-IAM5[Resource::<StateBucket.Arn>/${prefix}/*]`, resources, reason: KEYS_BELOW_A_PREFIX };
}

/** Answers what is said of each named resource; what is said of any other one stays a violation. */
export function answer(stack: Stack, answers: readonly Answer[] = ANSWERS): void {
  for (const { rule, resources, reason } of answers) {
    for (const resource of resources) {
      Validations.of(stack.node.findChild("Template").node.findChild(resource)).acknowledge({ id: rule, reason });
    }
  }
}
