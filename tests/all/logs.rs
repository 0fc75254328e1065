//! What is said while a plan is traded: one structured event for each fact, under the workflow's ids.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use alchemiser_core::fact::FactKind;
use alchemiser_tests::{
    plans,
    pulse::Script,
    world::{World, block_on},
};
use serde_json::Value;
use tracing::{Dispatch, Level, subscriber::NoSubscriber};

/// What was said, one JSON object a line.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is done, and everything that our own code says on this thread meanwhile.
///
/// Whether a place in the code speaks at all is decided once for all threads when it is first reached. While there is but
/// one listener the thread that comes first decides alone, for all the others, which are other tests here. So there are two
/// listeners, and everything is done once before, unheard, so that no place is reached for the first time.
fn heard<T>(work: impl Fn() -> T) -> (T, Vec<Value>) {
    let heard = Heard::default();
    let writer = heard.clone();
    let listener = tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let (listener, _second) = (Dispatch::new(listener), Dispatch::new(NoSubscriber::default()));
    work();
    tracing::callsite::rebuild_interest_cache();
    let done = tracing::dispatcher::with_default(&listener, work);
    let said = heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let lines = said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let own = lines.filter(|line| line["target"].as_str().unwrap().starts_with("alchemiser"));
    (done, own.collect())
}

/// T5: what an owner records is said fact by fact, with plan, epoch, correlation and causation ids on the span and the
/// values as fields.
#[test]
fn every_fact_of_an_owner_is_one_event_under_its_ids() {
    let event = plans::small();
    let (world, said) = heard(|| {
        let world = World::new(1);
        world.run(&event, Script::clean());
        world
    });
    let of_turns = || said.iter().filter(|line| line["target"] == "alchemiser_driver::trace");
    let under: Vec<&Value> = of_turns().filter(|line| line["span"]["name"] == "execute").collect();
    let entries = world.entries(&plans::id_of(&event));
    let facts = || entries.iter().filter(|entry| entry.epoch > 0).flat_map(|entry| &entry.facts);
    assert_eq!(under.len(), facts().count());
    assert_eq!(of_turns().count(), facts().count());
    for line in under {
        let span = &line["span"];
        assert_eq!(span["plan_id"], plans::id_of(&event));
        assert_eq!(span["correlation_id"], event["detail"]["correlation_id"]);
        assert_eq!(span["causation_id"], event["detail"]["event_id"]);
        assert_eq!(span["epoch"], 1);
        assert!(line["fields"]["at"].is_string(), "{line}");
    }
    let sent = entries.iter().flat_map(|entry| &entry.facts).filter_map(|fact| match &fact.kind {
        FactKind::Intent(intent) => Some(intent),
        _ => None,
    });
    let told: Vec<&Value> =
        of_turns().filter(|line| line["fields"]["message"] == "intent").collect();
    for (intent, line) in sent.zip(&told) {
        let fields = &line["fields"];
        assert_eq!(fields["client_order_id"], intent.client_order_id.as_str());
        assert_eq!(fields["symbol"], intent.terms.symbol.as_str());
        assert_eq!(fields["quantity"], intent.terms.quantity.to_string());
        assert_eq!(fields["limit"], intent.terms.limit.to_string());
    }
    assert!(told.len() > 3, "this run shows nothing");
}

/// M5: every entry says where the plan stands: time since the claim, live orders, time since the last thing sent.
#[test]
fn every_entry_says_where_the_plan_stands() {
    let event = plans::small();
    let (world, said) = heard(|| {
        let world = World::new(1);
        world.run(&event, Script::clean());
        world
    });
    let of_entries = said.iter().filter(|line| line["target"] == "alchemiser_driver::commit");
    let fields: Vec<&Value> = of_entries.map(|line| &line["fields"]).collect();
    let entries = world.entries(&plans::id_of(&event));
    assert_eq!(fields.len(), entries.iter().filter(|entry| entry.epoch > 0).count());
    let elapsed: Vec<i64> = fields.iter().map(|f| f["elapsed_ms"].as_i64().unwrap()).collect();
    assert!(elapsed.is_sorted() && elapsed.last() > Some(&1_000), "{elapsed:?}");
    assert!(fields.iter().any(|f| f["live"].as_u64() > Some(1)), "no order was ever live");
    assert_eq!(fields.last().unwrap()["live"], 0);
    let sent = fields.iter().filter(|f| f["since_last_action_ms"].is_i64()).count();
    assert!(sent > fields.len() / 2, "{sent} of {}", fields.len());
}

/// H10: how a plan ended is passed on to people, with its summary.
#[test]
fn people_are_told_how_a_plan_ended() {
    let event = plans::small();
    let world = World::new(1);
    world.run(&event, Script::clean());
    let notices = std::fs::read_dir(world.root().join("notices")).unwrap();
    let paths = notices.map(|file| file.unwrap().path());
    let texts = paths.filter(|path| path.extension().is_some_and(|ending| ending == "txt"));
    let texts: Vec<String> = texts.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("Alchemiser completed: 4 of 4 legs done, $"), "{texts:?}");
    assert!(texts[0].contains("ledger/SIM000000001/date=2026-11-20/small-1.jsonl"), "{texts:?}");
}

/// H6: an event of another type leaves a log event with its type, in every function.
#[test]
fn an_ignored_event_is_said() {
    let world = World::new(1);
    let session = world.session(Script::clean());
    let mut event = plans::small();
    event["detail-type"] = "AllocationComputed".into();
    let (payload, desk) = (event.to_string(), &session.desk);
    let (bytes, policy) = (payload.as_bytes(), &world.rules.policy);
    let floor = async |_: &alchemiser_core::plan::Plan| -> Result<
        (alchemiser_driver::ports::Floor, ()),
        alchemiser_driver::invoke::Failed,
    > { panic!("nothing is traded") };
    let ((), said) = heard(|| {
        block_on(async {
            alchemiser_rebalance_planned::handle(bytes, desk, &world.rules).await.unwrap();
            alchemiser_trade_execution::handle(bytes, desk, policy, None, floor).await.unwrap();
            let (store, account) = (&desk.store, world.account());
            let notifier = alchemiser_local::notices::FileNotifier::new(&world.state);
            alchemiser_workflow_outcome::handle(bytes, store, &notifier, account, policy)
                .await
                .unwrap();
        });
    });
    let said: Vec<_> = said.iter().map(|line| &line["fields"]).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for fields in said {
        assert_eq!(fields["detail_type"], "AllocationComputed");
        assert_eq!(fields["message"], "an event of another type was ignored");
    }
}
