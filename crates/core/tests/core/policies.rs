//! What a policy says of symbols and times.

use alchemiser_core::{
    plan::Urgency,
    policy::{Policy, PolicyKind},
};

use crate::given::symbol;

/// T3, M1: policies and urgencies are read back from their words.
#[test]
fn words_of_policies_are_read_back() {
    let kinds = ["adaptive", "liquidity", "walk", "cross"];
    assert_eq!(
        kinds.map(|word| PolicyKind::from_word(word).map(PolicyKind::word)),
        kinds.map(Some)
    );
    assert_eq!(PolicyKind::from_word("ADAPTIVE"), None);
    let urgencies = ["LOW", "NORMAL", "HIGH", "URGENT"];
    let back = urgencies.map(|word| Urgency::from_word(word).map(Urgency::word));
    assert_eq!(back, urgencies.map(Some));
    assert_eq!(Urgency::from_word("normal"), None);
}

/// S1: `adaptive` works for as long as the urgency says, `liquidity` for its waits, `walk` for its steps; an
/// urgent plan crosses at once.
#[test]
fn working_times_follow_policy_and_urgency() {
    let all = [Urgency::Low, Urgency::Normal, Urgency::High, Urgency::Urgent];
    let seconds = |kind: PolicyKind, name: &str| {
        let policy = Policy { kind, ..Policy::default() };
        all.map(|urgency| policy.working_time_for(urgency, [symbol(name)].iter()).as_secs())
    };
    assert_eq!(seconds(PolicyKind::Adaptive, "A"), [300, 120, 60, 0]);
    assert_eq!(seconds(PolicyKind::Cross, "A"), [300, 120, 60, 0]);
    // 10 s for each of three waits, 30 s to place, 30 s to spare; a minute of the window is margin.
    assert_eq!(seconds(PolicyKind::Liquidity, "A"), [30, 30, 30, 0]);
    assert_eq!(seconds(PolicyKind::Liquidity, "BTAL"), [60, 60, 60, 0]);
    assert_eq!(seconds(PolicyKind::Walk, "A"), [30, 30, 30, 0]);
}

/// S13: listed symbols wait twice as long, and may move by their factor.
#[test]
fn listed_symbols_differ() {
    let policy = Policy::default();
    let wait = |name: &str| policy.fill_wait(&symbol(name)).as_secs();
    assert_eq!((wait("A"), wait("BTAL")), (10, 20));
    let factor = |name: &str| policy.leverage_factor(&symbol(name)).to_string();
    assert_eq!(["QQQ", "UVXY", "SSO", "TQQQ"].map(factor), ["1", "1.5", "2", "3"]);
}
