use super::*;

/// The deployed template with one thing replaced: the error's code and words.
#[track_caller]
fn check(there: &str, instead: &str, code: &str, message: &str) {
    assert!(DEPLOYED.contains(there), "{there} is not in the template");
    let error = Deployment::parse(&DEPLOYED.replacen(there, instead, 1)).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

#[track_caller]
fn check_unsupported(there: &str, instead: &str, message: &str) {
    check(there, instead, "TEMPLATE_UNSUPPORTED", message);
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// The wiring that is run is the wiring that is deployed.
#[test]
fn what_is_deployed() {
    let deployed = Deployment::deployed().unwrap();
    let functions: Vec<_> =
        deployed.functions.iter().map(|f| (f.name.as_str(), f.timeout)).collect();
    let expected = [
        ("rebalance-planned", seconds(15)),
        ("sweeper", seconds(50)),
        ("trade-execution", seconds(900)),
        ("workflow-outcome", seconds(60)),
    ];
    assert_eq!(functions, expected);
    let trade = deployed.function("TradeExecutionFunction").unwrap();
    let dead_letters = Some("ExecutionsDeadLetters".to_owned());
    let expected = Handover { age_max: seconds(600), retries: 2, dead_letters };
    assert_eq!((&trade.asynchronous, trade.concurrency), (&expected, None));
    let variables =
        ["ALCHEMISER_ACCOUNT", "ALCHEMISER_BROKER", "ALCHEMISER_BUS", "ALCHEMISER_STATE"];
    assert!(variables.iter().all(|name| trade.variables.iter().any(|own| own == name)));
    let every = seconds(60);
    let schedule = Schedule { function: "SweeperFunction".to_owned(), every };
    assert_eq!(deployed.schedules, [schedule]);
}

#[test]
fn what_the_queues_do() {
    let deployed = Deployment::deployed().unwrap();
    let plans = deployed.queue("PlansQueue").unwrap();
    let redrive = Redrive { receives_max: 5, dead_letters: "PlansDeadLetters".to_owned() };
    let reader =
        Reader { function: "RebalancePlannedFunction".to_owned(), batch: 1, answer: Answers::Each };
    assert_eq!((plans.visibility, plans.retention), (seconds(90), seconds(345_600)));
    assert_eq!((&plans.redrive, &plans.reader), (&Some(redrive), &Some(reader)));
    let dead = deployed.queue("PlansDeadLetters").unwrap();
    assert_eq!((dead.retention, &dead.redrive, &dead.reader), (seconds(1_209_600), &None, &None));
    let rule = |id: &str| deployed.targets.iter().find(|target| target.route.rule == id).unwrap();
    let dead_letters = Some("PlansDeadLetters".to_owned());
    let expected = Handover { age_max: seconds(900), retries: 185, dead_letters };
    assert_eq!(rule("RebalancePlannedRule").handover, expected);
}

/// What is not honored is refused by its name.
#[test]
fn what_is_not_honored_is_refused_by_name() {
    let expected = "expected what is honored here, found the";
    check_unsupported(
        "      VisibilityTimeout: 90",
        "      DelaySeconds: 5\n      VisibilityTimeout: 90",
        &format!("PlansQueue: {expected} property DelaySeconds"),
    );
    check_unsupported(
        "          RetryPolicy: # a plan",
        "          InputPath: $.detail\n          RetryPolicy: # a plan",
        &format!("RebalancePlannedRule.Targets[0]: {expected} property InputPath"),
    );
    check_unsupported(
        "            BatchSize: 1\n",
        "            BatchSize: 1\n            FilterCriteria: {}\n",
        &format!("RebalancePlannedFunction.Events.Plans: {expected} property FilterCriteria"),
    );
    check_unsupported(
        "          Type: ScheduleV2",
        "          Type: Schedule",
        &format!("SweeperFunction.Events.EveryMinute: {expected} event source Schedule"),
    );
    check_unsupported(
        "    Type: AWS::SNS::Topic\n",
        "    Type: AWS::SQS::QueueX\n",
        &format!("Topic: {expected} resource type AWS::SQS::QueueX"),
    );
    check_unsupported(
        "      Timeout: 900",
        "      Timeout: !ImportValue seconds",
        &format!(
            "TradeExecutionFunction.Timeout: {expected} intrinsic {{\"Fn::ImportValue\":\"seconds\"}}"
        ),
    );
    check_unsupported(
        "        source: [alchemiser.execution]\n        detail-type: [TradeExec",
        "        source: [!Ref BrokerAccount]\n        detail-type: [TradeExec",
        &format!("TradeExecutionRequestedRule: {expected} intrinsic {{\"Ref\":\"BrokerAccount\"}}"),
    );
    check_unsupported(
        "      EventPattern:\n        source: [alchemiser.execution]\n        detail-type: [TradeExec",
        "      State: DISABLED\n      EventPattern:\n        source: [alchemiser.execution]\n        detail-type: [TradeExec",
        &format!("TradeExecutionRequestedRule: {expected} state \"DISABLED\""),
    );
    check_unsupported(
        "Globals:\n",
        "Globals:\n  Api: {}\n",
        &format!("Globals: {expected} section Api"),
    );
}

#[test]
fn what_is_no_number_no_queue_and_no_rate_is_refused() {
    check(
        "      VisibilityTimeout: 90",
        "      VisibilityTimeout: soon",
        "TEMPLATE_NOT_A_NUMBER",
        "PlansQueue.VisibilityTimeout: expected a whole number of at least 0, found \"soon\"",
    );
    check(
        "              Fn::GetAtt: [ExecutionsDeadLetters, Arn]",
        "              Fn::GetAtt: [Topic, Arn]",
        "TEMPLATE_NOT_A_QUEUE",
        "TradeExecutionFunction: expected a queue of the template for what fails, found {\"Fn::GetAtt\":[\"Topic\",\"Arn\"]}",
    );
    check(
        "rate(1 minute)",
        "cron(0 12 * * ? *)",
        "TEMPLATE_NOT_A_RATE",
        "function SweeperFunction: expected a schedule like rate(1 minute), found \"cron(0 12 * * ? *)\"",
    );
}

#[test]
fn a_parameter_that_is_set_otherwise_is_honored() {
    let two = DEPLOYED.replacen("at a time.\n    Default: 0", "at a time.\n    Default: 2", 1);
    let deployed = Deployment::parse(&two).unwrap();
    assert_eq!(deployed.function("TradeExecutionFunction").unwrap().concurrency, Some(2));
}

#[test]
fn rates_are_read() {
    for (expression, expected) in [
        ("rate(1 minute)", Some(60)),
        ("rate(5 minutes)", Some(300)),
        ("rate(2 hours)", Some(7_200)),
        ("rate(1 day)", Some(86_400)),
        ("rate(0 minutes)", None),
        ("rate(1 second)", None),
        ("every minute", None),
    ] {
        assert_eq!(rate(expression), expected.map(seconds), "{expression}");
    }
}
