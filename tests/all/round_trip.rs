//! What is stored or published reads back as it was written: whatever the types can hold, and whatever happened.

pub(crate) mod facts;
pub(crate) mod lines;
pub(crate) mod plans;
pub(crate) mod values;
pub(crate) mod words;

use std::collections::BTreeSet;

use alchemiser_core::{
    controls::{Ages, Verdict},
    fact::{Fact, FactKind, Refusal},
    ids::{Owner, Symbol},
    plan::{Draft, PlanRefused},
};
use alchemiser_tests::{
    dice::Dice,
    plans::{example, small},
    pulse::{Fault, Op, Script},
    world::World,
};
use alchemiser_wire::{
    account::AccountEntry,
    decimal,
    entry::{Entry, NO_PREVIOUS},
    incoming,
    ledger::LedgerLine,
    notice::Document,
    plan,
    request::Request,
    terminal,
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use values::{decimals, maybe, owners, texts, times};

/// How often each property is tried.
fn tries(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Entries with these facts.
pub(crate) fn entries(facts: impl Strategy<Value = Vec<Fact>>) -> impl Strategy<Value = Entry> {
    let numbers = (any::<u64>(), any::<u32>());
    (numbers, owners(), (texts(), texts(), texts()), (times(), times()), facts).prop_map(
        |(numbers, owner, texts, moments, facts)| Entry {
            seq: numbers.0,
            prev_sha256: texts.0,
            epoch: numbers.1,
            owner,
            until: moments.0,
            put_id: texts.1,
            code_version: texts.2,
            at: moments.1,
            facts,
        },
    )
}

/// Printed and parsed it is the same, and printed again the same to the byte.
fn reads_back(entry: &Entry) {
    let printed = entry.to_bytes();
    let parsed = Entry::from_bytes(&printed)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&printed)));
    assert_eq!(&parsed, entry);
    assert_eq!(parsed.to_bytes(), printed);
}

/// S12, I8: facts of every kind, with every code, read back as they were recorded.
#[test]
fn every_kind_of_fact_reads_back() {
    let mut runner = TestRunner::new(tries(300));
    for (place, kind) in facts::kinds().into_iter().enumerate() {
        let alone = (times(), kind).prop_map(|(at, kind)| vec![Fact { at, kind }]);
        let result = runner.run(&entries(alone), |entry| {
            prop_assert_eq!(facts::place(&entry.facts[0].kind), Some(place));
            reads_back(&entry);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("kind {place}: {error}"));
    }
}

/// S12: facts with every code and word that there is read back.
#[test]
fn every_code_in_a_fact_reads_back() {
    let symbol = || Symbol::new("BRK.B").unwrap();
    let codes = words::wait_codes().into_iter().map(Some).chain([None]);
    let refused = |code| PlanRefused::new(code, "field", "expected", "found");
    let kinds = words::leg_outcomes()
        .into_iter()
        .map(|outcome| FactKind::LegFinished(symbol(), outcome, None));
    let kinds =
        kinds
            .chain(codes.map(|code| FactKind::Waiting(symbol(), code)))
            .chain(words::stop_codes().into_iter().map(FactKind::PlanStopped))
            .chain(words::phases().into_iter().map(FactKind::PhaseChanged))
            .chain(words::refusal_codes().into_iter().map(refused).map(FactKind::InputRefused))
            .chain(
                words::cancel_reasons()
                    .into_iter()
                    .map(|why| FactKind::CancelRequested(symbol(), 1, why)),
            )
            .chain(words::refusal_kinds().into_iter().map(|kind| {
                FactKind::Refused(symbol(), 1, Refusal { kind, message: "no".to_owned() })
            }))
            .chain(words::controls().into_iter().map(|control| {
                let age = SignedDuration::ZERO;
                let ages = Ages {
                    quote_observed: age,
                    quote_standing: age,
                    session: age,
                    orders: age,
                    funds: age,
                    account: age,
                    halt: age,
                };
                FactKind::Resubmitted(symbol(), 1, Verdict::recorded(vec![control], ages))
            }));
    let at = Timestamp::UNIX_EPOCH;
    let facts: Vec<Fact> = kinds.map(|kind| Fact { at, kind }).collect();
    assert!(facts.len() > 300, "{}", facts.len());
    let owner = Owner::new("owner").unwrap();
    let (prev_sha256, text) = (NO_PREVIOUS.to_owned(), || "text".to_owned());
    reads_back(&Entry {
        seq: 1,
        prev_sha256,
        epoch: 1,
        owner,
        until: at,
        put_id: text(),
        code_version: text(),
        at,
        facts,
    });
}

proptest! {
    #![proptest_config(tries(300))]

    /// S12: entries with any number of facts read back.
    #[test]
    fn every_entry_reads_back(entry in entries(prop::collection::vec(facts::facts(), 0..6))) {
        reads_back(&entry);
    }

    /// S12: the entries of the account log read back.
    #[test]
    fn every_account_entry_reads_back(entry in lines::account_entries()) {
        let printed = entry.to_bytes();
        let parsed = AccountEntry::from_bytes(&printed).unwrap();
        prop_assert_eq!(&parsed, &entry);
        prop_assert_eq!(parsed.to_bytes(), printed);
    }

    /// L10: ledger lines read back, whatever stands in them.
    #[test]
    fn every_ledger_line_reads_back(line in lines::ledger_lines()) {
        let printed = serde_json::to_string(&line).unwrap();
        let parsed: LedgerLine = serde_json::from_str(&printed).unwrap();
        prop_assert_eq!(serde_json::to_string(&parsed).unwrap(), printed.clone());
        prop_assert_eq!(parsed, line);
        prop_assert!(!printed.contains('\n'), "a line is one line");
    }

    /// H10: what programs are told reads back, with the page and without.
    #[test]
    fn every_notice_reads_back(
        place in 0_usize..5, subject in texts(), text in texts(), html in texts(), why in maybe(texts()),
    ) {
        let whole = Document::new(words::occasions()[place], &subject, &text, &html);
        let document = match &why {
            Some(why) => whole.without_page(why),
            None => whole,
        };
        prop_assert_eq!(Document::read(&document.to_json()), Some(document));
    }

    /// H1: requests read back from the event that carries them, under an id that depends on nothing else.
    #[test]
    fn every_request_reads_back(request in lines::requests(), at in times(), later in times()) {
        let detail = request.detail(at);
        let read = Request::read(&envelope("TradeExecutionRequested", &detail)).unwrap();
        prop_assert_eq!(&read, &request);
        prop_assert_eq!(&read.detail(at), &detail);
        let id = |detail: &str| serde_json::from_str::<Value>(detail).unwrap()["event_id"].clone();
        prop_assert_eq!(id(&request.detail(later)), id(&detail));
    }

    /// H1, L5: an event's plan is read as it was written, to the last decimal.
    #[test]
    fn every_plan_is_read_as_it_was_written(draft in plans::drafts(), shape in plans::shapes()) {
        let mut event = plans::event(&draft);
        event["detail"]["schema_version"] = shape.into();
        prop_assert_eq!(read_plan(&event), draft);
    }

    /// H1: what ends a plan is read as it was written.
    #[test]
    fn every_terminal_event_is_read_as_it_was_written(
        id in texts(), plan_id in maybe(texts()), account in maybe(texts()), reason in maybe(texts()), completed in any::<bool>(),
    ) {
        let ids = json!({ "plan_id": plan_id, "account": account });
        let ids = if completed { json!({ "summary": ids }) } else { json!({ "error_details": ids }) };
        let mut detail = json!({ "event_id": id, "failure_reason": reason });
        detail.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        let kind = if completed { "WorkflowCompleted" } else { "WorkflowFailed" };
        let read = terminal::read(&envelope(kind, &detail.to_string())).unwrap();
        let expected =
            terminal::Terminal { completed, event_id: id, plan_id, account, failure_reason: reason };
        prop_assert_eq!(read, expected);
    }

    /// S10: a decimal is read as it is printed, to its last place.
    #[test]
    fn every_decimal_reads_back(value in decimals()) {
        let printed = value.to_string();
        let read = decimal::read(&printed).unwrap();
        prop_assert_eq!(read, value);
        prop_assert!(value.is_zero() || read.to_string() == printed, "{} for {}", read, printed);
        prop_assert_eq!(decimal::read(&value.normalize().to_string()).unwrap(), value);
    }
}

/// An event as a rule delivers it.
fn envelope(kind: &str, detail: &str) -> incoming::Envelope {
    let mut event = small();
    event["detail-type"] = kind.into();
    event["detail"] = Value::Null;
    let text = event.to_string().replacen("\"detail\":null", &format!("\"detail\":{detail}"), 1);
    let read =
        incoming::envelope(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read.detail.get(), detail);
    read
}

fn read_plan(event: &Value) -> Draft {
    let accounts = plan::Accounts { default: plans::account() };
    let envelope = incoming::envelope(event.to_string().as_bytes()).unwrap();
    plan::read(&envelope, &accounts).unwrap_or_else(|error| panic!("{error}: {event}"))
}

/// H1, H9: every type of event that is published is an object that reads back as it is, without a float and without an
/// exponent.
#[test]
fn every_published_event_reads_back() {
    let mut kinds = BTreeSet::new();
    for seed in 0..12 {
        let event = if seed % 4 == 0 { example() } else { small() };
        let world = World::new(seed);
        let script = match seed % 3 {
            0 => Script::clean(),
            1 => Script::hit(Op::Submit, 1, 99, Fault::Reject),
            _ => Dice::of(seed).script(150),
        };
        world.run(&event, script);
        world.finish(&event);
        for event in world.taken.all() {
            let detail: Value = serde_json::from_str(&event.detail).unwrap();
            assert_eq!(detail["event_type"], event.detail_type.as_str());
            let printed = serde_json::to_string(&detail).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), detail);
            plain(&detail);
            envelope(&event.detail_type, &event.detail);
            kinds.insert(event.detail_type);
        }
    }
    let mut expected: BTreeSet<String> =
        words::events().iter().map(|event| event.detail_type().to_owned()).collect();
    expected.insert("TradeExecutionRequested".to_owned());
    assert_eq!(kinds, expected);
}

/// Numbers are whole, and decimals are texts that are read exactly.
fn plain(value: &Value) {
    match value {
        Value::Number(number) => assert!(!number.is_f64(), "{number} is a float"),
        Value::String(text) => {
            let digits = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
            if let (true, Ok(read)) = (digits, decimal::read(text)) {
                assert_eq!(read.to_string(), *text, "not written as it is read");
            }
        }
        Value::Array(items) => items.iter().for_each(plain),
        Value::Object(fields) => fields.values().for_each(plain),
        Value::Null | Value::Bool(_) => {}
    }
}

fn identical(world: &World) -> usize {
    let logs = world.logs();
    let stored = logs.iter().flat_map(|log| &log.entries);
    for (seq, bytes) in stored.clone() {
        let entry = Entry::from_bytes(bytes).unwrap();
        let printed = entry.to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&printed),
            String::from_utf8_lossy(bytes),
            "entry {seq} is printed otherwise than it was stored"
        );
        assert_eq!(Entry::from_bytes(&printed).unwrap(), entry);
    }
    stored.count()
}

/// S12, I7: parse and print of every log entry is the identity, whatever happened.
#[test]
fn every_log_entry_reads_back_as_it_was_written() {
    let mut entries = 0;
    for seed in 0..60 {
        let event = if seed % 5 == 0 { example() } else { small() };
        let world = World::new(seed);
        world.run(&event, Dice::of(seed).script(150));
        world.finish(&event);
        entries += identical(&world);
    }
    assert!(entries > 1_000, "{entries} entries are not enough to show anything");
}

/// L10: parse and print of every ledger line is the identity.
#[test]
fn every_ledger_line_reads_back_as_it_was_written() {
    for event in [small(), example()] {
        let world = World::new(3);
        world.run(&event, Script::clean());
        let bytes = world.ledger(&world.finish(&event)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().count() > 3);
        for line in text.lines() {
            let parsed: LedgerLine = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), line);
        }
    }
}
