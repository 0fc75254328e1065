use super::*;

const PLANS: &str = "RebalancePlannedFunction";
const TRADE: &str = "TradeExecutionFunction";
const SWEEPER: &str = "SweeperFunction";

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn entry(source: &str, detail_type: &str, detail: &str) -> Entry {
    let (source, detail_type) = (source.to_owned(), detail_type.to_owned());
    Entry { source, detail_type, detail: detail.to_owned(), id: String::new(), time: String::new() }
}

fn plan() -> Entry {
    entry("alchemiser.portfolio", "RebalancePlanned", r#"{"plan_id":"p"}"#)
}

fn request() -> Entry {
    entry("alchemiser.execution", "TradeExecutionRequested", r#"{"epoch":1}"#)
}

/// A cloud without its schedule, whose first tick would be in every script.
struct World(Cloud);

impl World {
    fn new(faults: Script) -> Self {
        Self::at_pace(faults, 1)
    }

    fn at_pace(faults: Script, pace: i32) -> Self {
        let mut deployment = Deployment::deployed().unwrap();
        deployment.schedules.clear();
        let manner = Manner { pace, faults, ..Manner::deployed() };
        Self(Cloud::new(deployment, manner, at(0)))
    }

    fn put(&mut self, entry: &Entry, seconds: i64) {
        self.0.put(entry, at(seconds)).unwrap();
    }

    fn start(&mut self, seconds: i64) -> Option<Invocation> {
        self.0.start(at(seconds), |_| true)
    }

    /// Starts what is due, and says which function is at which try; it fails.
    fn failing(&mut self, seconds: i64) -> Option<(String, u32)> {
        let invocation = self.start(seconds)?;
        let outcome = Outcome::Failed { error_type: "BOOM".into(), message: "no".into() };
        self.0.ended(&invocation.id, &outcome, at(seconds));
        Some((invocation.function, invocation.attempt))
    }

    /// Starts what is due and answers it.
    fn answering(&mut self, seconds: i64, answer: &str) -> Option<(String, u32)> {
        let invocation = self.start(seconds)?;
        self.0.ended(&invocation.id, &Outcome::Answered(answer.to_owned()), at(seconds));
        Some((invocation.function, invocation.attempt))
    }

    fn dead(&self) -> Vec<String> {
        self.0.dead_letters().into_iter().map(|(queue, _)| queue).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what is compared with it is an option")]
fn given(function: &str, attempt: u32) -> Option<(String, u32)> {
    Some((function.to_owned(), attempt))
}

/// A message that failed is seen again after its visibility timeout, and is a dead letter after five receives.
#[test]
fn a_message_comes_again_until_it_is_a_dead_letter() {
    let mut world = World::new(Script::default());
    world.put(&plan(), 0);
    for attempt in 1..=5 {
        let seconds = 90 * i64::from(attempt - 1);
        assert_eq!(world.failing(seconds), given(PLANS, attempt));
        assert_eq!((world.failing(seconds), world.failing(seconds + 89)), (None, None));
        assert_eq!(world.0.wake_at(), Some(at(seconds + 90)));
    }
    assert_eq!((world.failing(450), world.dead()), (None, vec!["PlansDeadLetters".to_owned()]));
    assert!(world.0.is_idle());
    let (_, letter) = world.0.dead_letters().pop().unwrap();
    assert!(letter.body.contains(r#""detail":{"plan_id":"p"}"#), "{}", letter.body);
}

/// An answer names the messages that failed; one that names none has done all.
#[test]
fn an_answer_says_which_messages_failed() {
    let mut world = World::new(Script::default());
    for (answer, comes_again) in [
        (r#"{"batchItemFailures":[]}"#, false),
        (r#"{"batchItemFailures":null}"#, false),
        ("null", false),
        (r#"{"batchItemFailures":[{"itemIdentifier":"somebody"}]}"#, true),
        (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, true),
        (r#"{"batchItemFailures":1}"#, true),
        ("no JSON", true),
    ] {
        world.put(&plan(), 0);
        assert_eq!(world.answering(0, answer), given(PLANS, 1));
        assert_eq!(world.0.is_idle(), !comes_again, "{answer}");
        let rest = comes_again.then(|| world.answering(90, "{}")).flatten();
        assert_eq!(rest, comes_again.then(|| (PLANS.to_owned(), 2)), "{answer}");
    }
    world.put(&plan(), 100);
    let invocation = world.start(100).unwrap();
    let payload: Value = serde_json::from_str(&invocation.payload).unwrap();
    let id = payload["Records"][0]["messageId"].as_str().unwrap();
    let answer = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{id}"}}]}}"#);
    world.0.ended(&invocation.id, &Outcome::Answered(answer), at(100));
    assert!(!world.0.is_idle());
}

/// An asynchronous event is tried three times, a minute and two apart, and is a dead letter then.
#[test]
fn a_request_is_tried_three_times() {
    let mut world = World::new(Script::default());
    world.put(&request(), 0);
    assert_eq!((world.failing(0), world.failing(59)), (given(TRADE, 1), None));
    assert_eq!((world.failing(60), world.failing(179)), (given(TRADE, 2), None));
    assert_eq!((world.failing(180), world.0.is_idle()), (given(TRADE, 3), true));
    let (queue, letter) = world.0.dead_letters().pop().unwrap();
    let record: Value = serde_json::from_str(&letter.body).unwrap();
    assert_eq!(queue, "ExecutionsDeadLetters");
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(record["responsePayload"]["errorType"], "BOOM");
    assert_eq!(record["requestPayload"]["detail"]["epoch"], 1);
}

/// What no function could take in ten minutes is given up.
#[test]
fn a_request_grows_too_old() {
    let mut world = World::new(Script::default());
    world.put(&request(), 0);
    assert_eq!(world.0.start(at(600), |_| false), None);
    assert!(world.dead().is_empty());
    assert_eq!(world.start(601), None);
    assert_eq!(world.dead(), ["ExecutionsDeadLetters"]);
    // A retry that would come too late does not come.
    world.put(&request(), 700);
    let invocation = world.start(700).unwrap();
    let outcome = Outcome::Failed { error_type: "Sandbox.Timedout".into(), message: String::new() };
    world.0.ended(&invocation.id, &outcome, at(700 + 580));
    assert_eq!((world.dead().len(), world.start(2_000)), (2, None));
}

#[test]
fn a_function_that_may_not_run_is_waited_for() {
    let mut world = World::new(Script::default());
    world.put(&plan(), 0);
    world.put(&request(), 0);
    let free = |function: &Function| function.name == "rebalance-planned";
    assert_eq!(world.0.start(at(0), free).map(|i| i.function), Some(PLANS.to_owned()));
    assert_eq!(world.0.start(at(0), free), None);
    assert_eq!(world.start(1).map(|i| i.function), Some(TRADE.to_owned()));
}

/// The schedule ticks at once and every minute, and a tick that failed is not tried again.
#[test]
fn the_sweeper_ticks_every_minute() {
    let deployment = Deployment::deployed().unwrap();
    let mut world = World(Cloud::new(deployment, Manner::deployed(), at(0)));
    assert_eq!((world.failing(0), world.failing(59)), (given(SWEEPER, 1), None));
    assert_eq!((world.failing(60), world.failing(60)), (given(SWEEPER, 1), None));
    assert_eq!(world.0.wake_at(), Some(at(120)));
    assert!(world.dead().is_empty());
}

#[test]
fn waits_are_divided_by_the_pace_and_timeouts_are_not() {
    let mut world = World::at_pace(Script::default(), 30);
    world.put(&plan(), 0);
    assert_eq!((world.failing(0), world.failing(2)), (given(PLANS, 1), None));
    let again = world.start(3).unwrap();
    assert_eq!((again.attempt, again.timeout), (2, SignedDuration::from_secs(15)));
}

/// H9: what the script says comes twice, late, after tries, or never.
#[test]
fn deliveries_go_wrong_by_script() {
    let on = || On::Delivered("TradeExecutionRequested".to_owned());
    let faults = Script::default().with(on(), 1, Blow::Twice).with(on(), 2, Blow::Lost).with(
        on(),
        3,
        Blow::Late { seconds: 30 },
    );
    let mut world = World::new(faults);
    world.put(&request(), 0);
    assert_eq!(world.answering(0, "{}"), given(TRADE, 1));
    assert_eq!((world.answering(0, "{}"), world.answering(0, "{}")), (given(TRADE, 1), None));
    world.put(&request(), 1);
    assert!(world.0.is_idle());
    world.put(&request(), 2);
    world.put(&request(), 3);
    assert_eq!((world.answering(3, "{}"), world.answering(31, "{}")), (given(TRADE, 1), None));
    assert_eq!(world.answering(32, "{}"), given(TRADE, 1));
    let lost = Happened::Lost { detail_type: "TradeExecutionRequested".to_owned() };
    assert_eq!(world.0.happened().filter(|(_, happened)| *happened == lost).count(), 1);
}

/// A target that cannot be reached is tried ever later, until its age or its tries are over.
#[test]
fn a_target_that_cannot_be_reached_is_tried_again() {
    let on = || On::Delivered("TradeExecutionRequested".to_owned());
    let faults = Script::default().with(on(), 1, Blow::Unreachable { tries: 2 }).with(
        on(),
        2,
        Blow::Unreachable { tries: 1_000 },
    );
    let mut world = World::new(faults);
    world.put(&request(), 0);
    assert_eq!((world.start(1), world.start(2), world.start(5)), (None, None, None));
    assert_eq!(world.answering(6, "{}"), given(TRADE, 1));
    world.put(&request(), 10);
    let mut now = 10;
    while let Some(next) = world.0.wake_at() {
        now = next.as_second();
        assert_eq!(world.start(now), None);
    }
    assert_eq!((world.dead(), now > 610), (vec!["RequestsDeadLetters".to_owned()], true));
}

#[test]
fn an_end_that_is_not_known_is_nothing() {
    let mut world = World::new(Script::default());
    world.put(&request(), 0);
    let invocation = world.start(0).unwrap();
    world.0.ended("somebody", &Outcome::Answered("{}".to_owned()), at(0));
    assert!(!world.0.is_idle());
    world.0.ended(&invocation.id, &Outcome::Answered("{}".to_owned()), at(0));
    let failed = Outcome::Failed { error_type: "LATE".into(), message: String::new() };
    world.0.ended(&invocation.id, &failed, at(0));
    assert!(world.0.is_idle() && world.dead().is_empty());
}

#[test]
fn an_entry_that_is_refused_is_delivered_to_nobody() {
    let mut world = World::new(Script::default());
    let error = world.0.put(&entry("a", "b", "{"), at(0)).unwrap_err();
    assert_eq!((error.code(), world.0.is_idle()), ("ENTRY_DETAIL_MALFORMED", true));
    let known = [world.0.put(&plan(), at(0)).unwrap(), world.0.put(&plan(), at(0)).unwrap()];
    assert_ne!(known[0], known[1]);
}

#[test]
fn a_script_is_read_from_toml_words() {
    let text = r#"{"fault":[{"delivered":"TradeExecutionRequested","nth":2,"blow":{"what":"late","seconds":5}},
        {"invoked":"sweeper","blow":{"what":"killed","after_ms":10}}]}"#;
    let mut script: Script = serde_json::from_str(text).unwrap();
    let on = On::Delivered("TradeExecutionRequested".to_owned());
    let struck = [script.strike(&on), script.strike(&on), script.strike(&on)];
    assert_eq!(struck, [None, Some(Blow::Late { seconds: 5 }), None]);
    let on = On::Invoked("sweeper".to_owned());
    assert_eq!(script.strike(&on), Some(Blow::Killed { after_ms: 10 }));
    assert_eq!(script.strike(&on), Some(Blow::Killed { after_ms: 10 }));
    let text = r#"{"fault":[{"answered":"sweeper","nth":1,"blow":{"what":"killed_before"}},
        {"invoked":"sweeper","blow":{"what":"hurried","within_ms":7}}]}"#;
    let mut script: Script = serde_json::from_str(text).unwrap();
    let on = On::Answered("sweeper".to_owned());
    assert_eq!([script.strike(&on), script.strike(&on)], [Some(Blow::KilledBefore), None]);
    let on = On::Invoked("sweeper".to_owned());
    assert_eq!(script.strike(&on), Some(Blow::Hurried { within_ms: 7 }));
    serde_json::from_str::<Script>(r#"{"fault":[{"blow":{"what":"bored"}}]}"#).unwrap_err();
}

/// A function may be given less time than it has.
#[test]
fn an_invocation_is_hurried() {
    let hurried = Blow::Hurried { within_ms: 250 };
    let faults = Script::default().with(On::Invoked("trade-execution".to_owned()), 1, hurried);
    let mut world = World::new(faults);
    world.put(&request(), 0);
    let first = world.0.start(at(0), |_| true).unwrap();
    assert_eq!(first.timeout, SignedDuration::from_millis(250));
    world.put(&request(), 0);
    let second = world.0.start(at(0), |_| true).unwrap();
    assert_eq!(second.timeout, SignedDuration::from_mins(15));
}
