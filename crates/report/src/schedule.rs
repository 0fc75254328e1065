//! What the same plan would have cost at another time of day.
//!
//! What a leg cost in half-spreads is taken to be the same; the half-spread is taken to be as much narrower or wider as the
//! profile of spreads by time of day says. The profile is the account's own where its ledger has enough quotes of the symbol
//! at both times, else the recorded one. A spread of one tick is left as it is: it cannot be narrower, and books that are
//! pinned at one tick were there for 97.5 to 99.8 % of recorded days.

use std::collections::BTreeMap;

use alchemiser_core::{
    execution::Execution, ids::Symbol, ledger, leg::Leg, quote::Quote, reading::TradeMode,
};
use alchemiser_wire::ledger::LedgerLine;
use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use rust_decimal::Decimal;

/// Where each slot of a day begins, New York; the last one ends at 16:00.
pub const STARTS: [(i8, i8); 17] = [
    (9, 30),
    (9, 35),
    (9, 40),
    (10, 0),
    (10, 30),
    (11, 0),
    (11, 30),
    (12, 0),
    (12, 30),
    (13, 0),
    (13, 30),
    (14, 0),
    (14, 30),
    (15, 0),
    (15, 30),
    (15, 45),
    (15, 54),
];

/// The recorded profile: mean half-spread, weighted by time, in thousandths of a basis point of the mid. One symbol of a few
/// ticks on two days (`../shared/data/market`: XXX, 2018-01-02 and 03); a test measures it again.
pub const RECORDED: [i64; 17] = [
    4_757, 3_569, 2_802, 2_024, 1_730, 1_260, 1_141, 1_086, 873, 874, 883, 1_153, 913, 778, 611,
    590, 619,
];

/// The slot that everything is compared with: 15:45.
const LATE: usize = 15;

/// Own quotes of a symbol that a slot needs before they count: one plan brings one.
const QUOTES_MIN: u32 = 10;

/// So long after the open spreads are at their widest: before 10:00 the recorded ones are 4.7 times those of 15:45 and more.
const OPENING: SignedDuration = SignedDuration::from_mins(30);

/// The slots of that time on a usual day.
const OPENING_SLOTS: usize = 3;

/// The slot of a time of day; `None` before 09:30 and from 16:00 on.
pub fn slot(at: Time) -> Option<usize> {
    let minutes = |hour: i8, minute: i8| i32::from(hour) * 60 + i32::from(minute);
    let now = minutes(at.hour(), at.minute());
    let begun = STARTS.iter().rposition(|(hour, minute)| minutes(*hour, *minute) <= now);
    begun.filter(|_| now < minutes(16, 0))
}

fn new_york(at: Timestamp) -> Option<Time> {
    Some(at.to_zoned(TimeZone::get("America/New_York").ok()?).time())
}

/// Half-spreads of the account's own quotes: how many, and their sum in parts of the mid.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    quotes: u32,
    sum: Decimal,
}

impl Seen {
    fn mean(self) -> Option<Decimal> {
        let enough = self.quotes >= QUOTES_MIN;
        self.sum.checked_div(self.quotes.into()).filter(|mean| enough && !mean.is_zero())
    }
}

/// Spreads by time of day: the account's own, where there are enough, and the recorded ones.
#[derive(Clone, Debug, Default)]
pub struct Profiles(BTreeMap<(String, usize), Seen>);

impl Profiles {
    /// The profile of a ledger: of each plan and symbol the quote that its first order with fills was decided on.
    pub fn of_ledger(lines: &[LedgerLine]) -> Self {
        let mut first: BTreeMap<(&str, &str), (Timestamp, Decimal)> = BTreeMap::new();
        for line in lines {
            let read = || Some((line.placed_at.parse().ok()?, half_spread(line)?));
            let Some((at, half)) = read() else { continue };
            let known = first.entry((&line.plan_id, &line.symbol)).or_insert((at, half));
            if at < known.0 {
                *known = (at, half);
            }
        }
        let mut slots: BTreeMap<(String, usize), Seen> = BTreeMap::new();
        for ((_, symbol), (at, half)) in first {
            if let Some(slot) = new_york(at).and_then(slot) {
                let seen = slots.entry((symbol.to_owned(), slot)).or_default();
                seen.quotes = seen.quotes.saturating_add(1);
                seen.sum = seen.sum.saturating_add(half);
            }
        }
        Self(slots)
    }

    fn own(&self, symbol: &Symbol, slot: usize) -> Option<Decimal> {
        self.0.get(&(symbol.to_string(), slot))?.mean()
    }

    /// Mean half-spread in a slot and at 15:45, and where that is from.
    fn compared(&self, symbol: &Symbol, slot: usize, ticks: Decimal) -> Option<Compared> {
        if let (Some(then), Some(late)) = (self.own(symbol, slot), self.own(symbol, LATE)) {
            return Some(Compared { then, late, source: Source::Own });
        }
        if ticks <= Decimal::ONE {
            let (then, late) = (Decimal::ONE, Decimal::ONE);
            return Some(Compared { then, late, source: Source::OneTick });
        }
        let recorded = |slot: usize| RECORDED.get(slot).map(|mean| Decimal::from(*mean));
        Some(Compared { then: recorded(slot)?, late: recorded(LATE)?, source: Source::Recorded })
    }
}

/// Half the spread that an order was decided on, as a part of the mid.
fn half_spread(line: &LedgerLine) -> Option<Decimal> {
    let quote = line.quote_at_submit.as_ref()?;
    let (bid, ask): (Decimal, Decimal) = (quote.bid.parse().ok()?, quote.ask.parse().ok()?);
    ask.checked_sub(bid)?.checked_div(ask.checked_add(bid)?)
}

/// Where a comparison is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Own,
    Recorded,
    OneTick,
}

#[derive(Clone, Copy, Debug)]
struct Compared {
    then: Decimal,
    late: Decimal,
    source: Source,
}

/// What a plan cost, and what it would have cost at 15:45 in New York.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Dollars against the mids at each leg's first order, of the legs that can be compared.
    pub cost: Decimal,
    /// The same half-spreads at the spreads of 15:45.
    pub at_1545: Decimal,
    /// Legs compared by the account's own quotes.
    pub own: usize,
    /// Legs compared by the recorded profile.
    pub recorded: usize,
    /// Legs at a spread of one tick, which are left as they are.
    pub one_tick: usize,
    /// The plan's first order was in the first half hour after the open, or before 10:00 in New York.
    pub opening: bool,
    /// That day's session is over before 15:45.
    pub closes_before: bool,
}

/// What is to be said of a plan's time of day; `None` when no leg was filled on a known quote in a slot of the day.
pub fn advice(state: &Execution, profiles: &Profiles) -> Option<Advice> {
    let mut advice = Advice::default();
    for leg in &state.legs {
        let Some((cost, compared)) = compared(leg, profiles) else { continue };
        let late = cost.checked_mul(compared.late)?.checked_div(compared.then)?;
        advice.cost = advice.cost.checked_add(cost)?;
        advice.at_1545 = advice.at_1545.checked_add(late)?;
        match compared.source {
            Source::Own => advice.own += 1,
            Source::Recorded => advice.recorded += 1,
            Source::OneTick => advice.one_tick += 1,
        }
    }
    if advice.own + advice.recorded + advice.one_tick == 0 {
        return None;
    }
    let (preflight, _) = state.preflight.as_ref()?;
    let begun = state.first_order_at?;
    let early = slot(new_york(begun)?).is_some_and(|slot| slot < OPENING_SLOTS);
    advice.opening = early || begun.duration_since(preflight.opened_at) < OPENING;
    // The exchange in the process never closes.
    let closes = slot(new_york(preflight.closes_at)?).is_some_and(|slot| slot <= LATE);
    advice.closes_before = closes && preflight.mode != TradeMode::Simulated;
    Some(advice)
}

/// What a leg cost in dollars against the mid at its first order, and the spreads that it is compared by.
fn compared(leg: &Leg, profiles: &Profiles) -> Option<(Decimal, Compared)> {
    let quote: &Quote = ledger::first_quote(leg)?;
    let off = leg.average_price()?.dollars().saturating_sub(quote.mid());
    let cost = leg.side.sign().saturating_mul(off).saturating_mul(leg.filled().shares());
    let at = leg.children.first()?.intended_at;
    let ticks = leg.tick(quote.bid.price).count(quote.spread());
    let slot = slot(new_york(at)?)?;
    Some((cost, profiles.compared(leg.symbol(), slot, ticks)?))
}

impl Advice {
    /// Of many plans together, without what is one plan's own; `None` for none.
    pub(crate) fn all(plans: impl IntoIterator<Item = Self>) -> Option<Self> {
        let plus = |sum: Self, one: Self| Self {
            cost: sum.cost.saturating_add(one.cost),
            at_1545: sum.at_1545.saturating_add(one.at_1545),
            own: sum.own + one.own,
            recorded: sum.recorded + one.recorded,
            one_tick: sum.one_tick + one.one_tick,
            opening: false,
            closes_before: false,
        };
        let all = plans.into_iter().reduce(plus)?;
        Some(Self { opening: false, closes_before: false, ..all })
    }

    /// In sentences.
    pub fn sentences(&self, sent: Sent) -> String {
        let dollars =
            |value: Decimal| crate::figure::written(value.abs(), crate::figure::Format::Money);
        let earns = |value: Decimal| value.is_sign_negative() && !value.is_zero();
        let did = match (sent, earns(self.cost)) {
            (Sent::Yes, false) => "It cost",
            (Sent::Yes, true) => "It earned",
            (Sent::No, false) => "Now it is expected to cost",
            (Sent::No, true) => "Now it is expected to earn",
        };
        let then = match (sent, earns(self.at_1545)) {
            (Sent::Yes, false) => "would have cost",
            (Sent::Yes, true) => "would have earned",
            (Sent::No, false) => "would cost",
            (Sent::No, true) => "would earn",
        };
        let mut said = format!(
            "{did} {}; at 15:45 in New York the same half-spreads {then} {} ({}).",
            dollars(self.cost),
            dollars(self.at_1545),
            self.sources()
        );
        if self.closes_before {
            said.push_str(" That day's session is over before 15:45.");
        }
        if self.opening {
            said.push_str(OPENING_WARNING);
        }
        said
    }

    /// Which profile speaks for how many legs.
    fn sources(&self) -> String {
        let legs =
            |count: usize| if count == 1 { "1 leg".to_owned() } else { format!("{count} legs") };
        let part = |count: usize, how: &str| (count > 0).then(|| format!("{} {how}", legs(count)));
        let parts = [
            part(self.own, "by the spreads of the account's own quotes"),
            part(self.recorded, "by the spreads of one symbol on two recorded days"),
            part(self.one_tick, "at a spread of one tick, left as it is"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Whether the plan's orders left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// They did.
    Yes,
    /// The plan was only looked at.
    No,
}

const OPENING_WARNING: &str = " Warning: its first order is within half an hour of the open; on the recorded days spreads were then 4.7 to 8.1 times as wide as at 15:45.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_slots() {
        let check = |hour, minute, expected| {
            assert_eq!(slot(Time::constant(hour, minute, 59, 0)), expected, "{hour}:{minute}");
        };
        check(9, 29, None);
        check(9, 30, Some(0));
        check(9, 34, Some(0));
        check(9, 35, Some(1));
        check(9, 59, Some(2));
        check(10, 0, Some(3));
        check(15, 44, Some(14));
        check(15, 45, Some(LATE));
        check(15, 53, Some(LATE));
        check(15, 59, Some(16));
        check(16, 0, None);
        assert_eq!(STARTS[LATE], (15, 45));
    }

    /// What was earned is not a cost below zero.
    #[test]
    fn money_has_its_verb() {
        let check = |cost: i64, late: i64, sent, expected: &str| {
            let (cost, at_1545) = (Decimal::new(cost, 2), Decimal::new(late, 2));
            let said = Advice { cost, at_1545, recorded: 1, ..Advice::default() }.sentences(sent);
            assert!(said.starts_with(expected), "{said}");
        };
        let at = "at 15:45 in New York the same half-spreads";
        check(205, 138, Sent::Yes, &format!("It cost $2.05; {at} would have cost $1.38 (1 leg by"));
        check(-42, -32, Sent::Yes, &format!("It earned $0.42; {at} would have earned $0.32 ("));
        check(
            0,
            -1,
            Sent::No,
            &format!("Now it is expected to cost $0.00; {at} would earn $0.01 ("),
        );
        check(
            -1,
            0,
            Sent::No,
            &format!("Now it is expected to earn $0.01; {at} would cost $0.00 ("),
        );
    }

    /// The figures of the warning are the profile's.
    #[test]
    fn the_warning_says_what_was_recorded() {
        let times = |slot: usize| {
            let ratio = Decimal::from(RECORDED[slot]) / Decimal::from(RECORDED[LATE]);
            format!("{:.1}", ratio.round_dp(1))
        };
        assert_eq!((times(2), times(0)), ("4.7".to_owned(), "8.1".to_owned()));
        assert!(OPENING_WARNING.contains("4.7 to 8.1 times"));
    }
}
