//! What our own crosses have cost: effective over quoted spread (E/Q), by the width of the spread, learned from the fills
//! of the account's ledger.
//!
//! The estimate is shrunk toward 1, which is what a market order pays: `(Σ 2s(P − m) + κ·S̄) / (Σ S + κ·S̄)` over all
//! crossing orders with at least one share filled; P is the fill, m and S are mid and spread at submit, S̄ is the mean S, κ = 30.
//! One day lowers it by at most a step, and it is never lower than the formula says: what makes `adaptive` cross more has
//! to be earned over days, what makes it cross less counts at once. It is never above 1.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::{
    execution::Execution,
    ids::PlanId,
    price::{Price, Tick},
    quantity::Quantity,
    side::Side,
};

/// κ: so many crosses at the whole spread are assumed before the first one is seen.
const KAPPA: Decimal = Decimal::from_parts(30, 0, 0, false, 0);

/// Plans whose fills are kept, the newest ones: years of one plan a day.
pub const PLANS_MAX: usize = 2_000;

/// Spreads of one tick, of two or three, and of more are three different markets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spread {
    /// One tick, or none.
    One,
    /// Two or three ticks.
    Few,
    /// More.
    Many,
}

impl Spread {
    /// Every bucket, narrow ones first.
    pub const ALL: [Self; 3] = [Self::One, Self::Few, Self::Many];

    /// The bucket of a spread of so many ticks.
    pub fn of(ticks: Decimal) -> Self {
        if ticks <= Decimal::ONE {
            Self::One
        } else if ticks <= Decimal::from(3) {
            Self::Few
        } else {
            Self::Many
        }
    }

    /// The word used in logs and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Few => "few",
            Self::Many => "many",
        }
    }

    /// The bucket for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|spread| spread.word() == word)
    }
}

/// One value for each bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BySpread<T> {
    /// Of spreads of one tick.
    pub one: T,
    /// Of spreads of two or three ticks.
    pub few: T,
    /// Of wider ones.
    pub many: T,
}

impl<T> BySpread<T> {
    /// The value of a bucket.
    pub fn of(&self, spread: Spread) -> &T {
        match spread {
            Spread::One => &self.one,
            Spread::Few => &self.few,
            Spread::Many => &self.many,
        }
    }

    /// The value of a bucket, to be changed.
    pub fn of_mut(&mut self, spread: Spread) -> &mut T {
        match spread {
            Spread::One => &mut self.one,
            Spread::Few => &mut self.few,
            Spread::Many => &mut self.many,
        }
    }

    /// A value made for each bucket.
    pub fn each(mut make: impl FnMut(Spread) -> T) -> Self {
        Self { one: make(Spread::One), few: make(Spread::Few), many: make(Spread::Many) }
    }
}

/// What crossing orders of one bucket have paid, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// How many orders.
    pub fills: u32,
    /// `Σ 2s(P − m)` in dollars a share: below `quoted` where they traded inside the spread.
    pub effective: Decimal,
    /// `Σ S` in dollars a share.
    pub quoted: Decimal,
}

impl Paid {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            fills: self.fills.saturating_add(other.fills),
            effective: self.effective.saturating_add(other.effective),
            quoted: self.quoted.saturating_add(other.quoted),
        }
    }

    /// What the fills support: the ratio, shrunk toward 1, to four decimals and never rounded down. 1 without fills.
    pub fn supported(self) -> Decimal {
        let mean = self.quoted.checked_div(Decimal::from(self.fills)).unwrap_or_default();
        let prior = KAPPA.saturating_mul(mean);
        self.effective
            .saturating_add(prior)
            .checked_div(self.quoted.saturating_add(prior))
            .unwrap_or(Decimal::ONE)
            .round_dp_with_strategy(4, RoundingStrategy::ToPositiveInfinity)
    }
}

/// A crossing order of ours with what it filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cross {
    /// Buy or sell.
    pub side: Side,
    /// The best bid at submit.
    pub bid: Price,
    /// The best ask at submit.
    pub ask: Price,
    /// Shares filled.
    pub filled: Quantity,
    /// Their average price.
    pub average: Price,
}

impl Cross {
    /// The bucket that it belongs to, and what it paid; `None` for less than a share (the broker fills those at the touch)
    /// and where there was no spread to pay.
    pub fn paid(&self) -> Option<(Spread, Paid)> {
        let quoted = self.ask.dollars().saturating_sub(self.bid.dollars());
        if self.filled < Quantity::ONE || quoted <= Decimal::ZERO {
            return None;
        }
        let twice_mid = self.bid.dollars().saturating_add(self.ask.dollars());
        let off = Decimal::TWO.saturating_mul(self.average.dollars()).saturating_sub(twice_mid);
        let effective = self.side.sign().saturating_mul(off);
        let spread = Spread::of(self.tick().count(quoted));
        Some((spread, Paid { fills: 1, effective, quoted }))
    }

    /// The step that the quote stands on.
    fn tick(&self) -> Tick {
        let usual = Tick::at(self.bid);
        let between = usual == Tick::CENT && !(usual.holds(self.bid) && usual.holds(self.ask));
        if between { Tick::HALF_CENT } else { usual }
    }
}

/// What an account's plans have paid for crossing, by day and plan. The order in which plans are noted does not matter, and a
/// plan that is noted again replaces what was known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crosses(BTreeMap<(Date, PlanId), BySpread<Paid>>);

impl Crosses {
    /// Notes what a plan paid. True when that says something new.
    pub fn note(&mut self, date: Date, plan: &PlanId, paid: BySpread<Paid>) -> bool {
        let key = (date, plan.clone());
        let before = if paid == BySpread::default() {
            self.0.remove(&key)
        } else {
            self.0.insert(key, paid)
        };
        while self.0.len() > PLANS_MAX {
            self.0.pop_first();
        }
        before.unwrap_or_default() != paid
    }

    /// Day, plan, and what it paid; oldest first.
    pub fn plans(&self) -> impl Iterator<Item = (Date, &PlanId, &BySpread<Paid>)> {
        self.0.iter().map(|((date, plan), paid)| (*date, plan, paid))
    }

    /// The newest day.
    pub fn through(&self) -> Option<Date> {
        self.0.last_key_value().map(|((date, _), _)| *date)
    }

    /// E/Q of each bucket, when one day may lower it by at most `step`.
    pub fn ratios(&self, step: Decimal) -> BySpread<Ratio> {
        let mut days: BTreeMap<Date, BySpread<Paid>> = BTreeMap::new();
        for (date, _, paid) in self.plans() {
            let day = days.entry(date).or_default();
            *day = BySpread::each(|spread| day.of(spread).plus(*paid.of(spread)));
        }
        BySpread::each(|spread| {
            let days = days.values().map(|day| *day.of(spread)).filter(|paid| paid.fills > 0);
            days.fold((Paid::default(), Ratio::default()), |(sum, ratio), day| {
                let sum = sum.plus(day);
                (sum, Ratio { fills: sum.fills, value: next(ratio.value, sum.supported(), step) })
            })
            .1
        })
    }
}

/// The estimate after a day: lower by at most the step, never below what the fills support, at most 1.
fn next(before: Decimal, supported: Decimal, step: Decimal) -> Decimal {
    before.saturating_sub(step).max(supported).min(Decimal::ONE)
}

/// An estimate of E/Q.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// The crossing orders that it is made of.
    pub fills: u32,
    /// Effective over quoted spread: 1 pays the whole spread.
    pub value: Decimal,
}

impl Default for Ratio {
    fn default() -> Self {
        Self { fills: 0, value: Decimal::ONE }
    }
}

/// Why a plan runs with the prior, although learning is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unlearned {
    /// Nothing is kept yet: no plan of the account has been settled since learning began.
    Nothing,
    /// What is kept could not be read.
    Unreadable,
    /// What is kept was written by a newer release.
    Newer,
}

impl Unlearned {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Unreadable, Self::Newer];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "LEARNING_EMPTY",
            Self::Unreadable => "LEARNING_UNREADABLE",
            Self::Newer => "LEARNING_NEWER",
        }
    }

    /// The reason for a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// What a plan knows of E/Q when it begins; it decides by it to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The estimate of each bucket.
    pub ratios: BySpread<Ratio>,
    /// The newest day with a crossing fill in it.
    pub through: Option<Date>,
    /// Why it is the prior.
    pub why_not: Option<Unlearned>,
}

impl Learned {
    /// What the kept crosses say.
    pub fn from_crosses(crosses: &Crosses, step: Decimal) -> Self {
        Self { ratios: crosses.ratios(step), through: crosses.through(), why_not: None }
    }

    /// The prior, and why.
    pub fn prior(why: Unlearned) -> Self {
        Self { why_not: Some(why), ..Self::default() }
    }

    /// E/Q at a spread of so many ticks.
    pub fn effective_over_quoted(&self, ticks: Decimal) -> Decimal {
        self.ratios.of(Spread::of(ticks)).value
    }
}

impl Execution {
    /// Effective over quoted spread of the account's own crosses at a spread of so many ticks, as far as it was known when the
    /// plan began; 1 where nothing is known.
    pub fn effective_over_quoted(&self, ticks: Decimal) -> Decimal {
        self.learned.map_or(Decimal::ONE, |learned| learned.effective_over_quoted(ticks))
    }
}
