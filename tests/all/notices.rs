//! What people are told: `docs/notices.md` shows it as it is. `ALCHEMISER_BLESS=1` writes the page anew.

use std::fs;

use alchemiser_core::{
    account::Halt, execution::Execution, fact::PositionDifference, ids::Symbol, policy::Policy,
    quantity::Quantity,
};
use alchemiser_driver::{account, ports::Clock};
use alchemiser_report::notice::{self, Message, Places};
use alchemiser_tests::{
    plans,
    pulse::Script,
    world::{World, block_on, repository},
};
use alchemiser_wire::notice::Occasion;
use rust_decimal::Decimal;

const BEGIN: &str = "<!-- begin: written by a test -->\n";
const END: &str = "<!-- end -->\n";

fn message(state: &Execution) -> Message {
    let lines = alchemiser_core::ledger::lines(state).len();
    let ledger = alchemiser_wire::ledger::key(state);
    let report = Some(alchemiser_wire::ledger::report_key(state, 0));
    notice::of_plan(state, &Places { ledger, lines, report })
}

/// The small plan as it ends in a world.
fn ended(world: &World) -> Execution {
    let event = plans::small();
    world.run(&event, Script::clean());
    world.execution(&plans::id_of(&event)).unwrap()
}

/// One message for each occasion.
fn all() -> Vec<(Occasion, Message)> {
    let completed = ended(&World::new(1));
    let turnover_max = Decimal::new(1, 4);
    let failed = ended(&World::with(1, Policy { turnover_max, ..Policy::default() }));
    let world = World::new(1);
    let person = world.session_beside(Script::clean());
    let halt = Halt::new("user ops", "prices look wrong", world.clock.now());
    block_on(account::halt(&person.desk, world.account(), halt)).unwrap();
    drop(person);
    let halted = ended(&world);
    let (symbol, expected) = (Symbol::new("SPY").unwrap(), Quantity::new(3.into()).unwrap());
    let difference = PositionDifference { symbol, expected, found: Quantity::ZERO };
    let attention = Execution { reconciled: Some(vec![difference]), ..completed.clone() };
    let states = [completed, failed, halted, attention];
    states.iter().map(|state| (message(state).occasion, message(state))).collect()
}

/// H10: each occasion has a message of its own, whose subject a mail reader shows whole.
#[test]
fn every_occasion_has_a_message() {
    let all = all();
    let occasions: Vec<Occasion> = all.iter().map(|(occasion, _)| *occasion).collect();
    let expected =
        [Occasion::Completed, Occasion::Failed, Occasion::Halted, Occasion::NeedsAttention];
    assert_eq!(occasions, expected);
    for (_, message) in &all {
        assert!(message.subject.is_ascii() && message.subject.len() <= 100, "{message:?}");
        for line in message.text.lines().filter(|line| !line.starts_with("- ")) {
            assert!(
                message.html.contains(&line.replace('\'', "&#39;")) || message.html.contains(line),
                "{line} is not in the page"
            );
        }
        assert!(!message.html.contains("http"), "the page asks for something");
    }
}

/// The examples of the page are what is sent.
#[test]
fn the_page_shows_what_is_sent() {
    let path = repository().join("docs/notices.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut rendered = String::new();
    for (occasion, message) in all() {
        let text = format!(
            "### {occasion:?}\n\n```text\nSubject: {}\n\n{}\n```\n\n",
            message.subject, message.text
        );
        rendered.push_str(&text);
    }
    let refused = notice::of_refusal(
        "rebalance_plan.items[0].symbol: expected a symbol of 1 to 10 characters A-Z, 0-9 or '.', found \"A B\"",
    );
    let refused = format!(
        "### Refused\n\n```text\nSubject: {}\n\n{}\n```\n\n",
        refused.subject, refused.text
    );
    rendered.push_str(&refused);
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (shown, foot) = rest.split_once(END).unwrap();
    if std::env::var_os("ALCHEMISER_BLESS").is_some() {
        fs::write(&path, format!("{head}{BEGIN}\n{rendered}{END}{foot}")).unwrap();
        return;
    }
    assert_eq!(shown.trim(), rendered.trim());
}
