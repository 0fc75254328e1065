//! What a run begins with: an account, symbols, a policy with short windows, plans, and what is to go wrong when.

use alchemiser_core::{
    ids::{AccountId, NotAnId, Symbol},
    money::Money,
    plan::Age,
    policy::{Policy, PolicyKind},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    bus::{Delivery, Function},
    canonical::Canonical,
    chance::{Chance, Stream},
    exchange::Exchange,
    fault::{Fault, Odds},
    fortune::Fortune,
    given::GivenPlan,
    letter::{Line, Terms, event},
    trial::{Theme, Trial},
    world::{Happening, World, later},
};

/// The account that all plans trade in.
pub(crate) const ACCOUNT: &str = "SIM-1";

/// A plan id that is none: an event that carries it must be refused.
pub(crate) const NAMELESS: &str = "   ";

const SYMBOLS: [&str; 12] =
    ["SPY", "QQQ", "TLT", "GLD", "XLK", "IEF", "TQQQ", "BND", "XLE", "EFA", "VNQ", "BTAL"];

/// The day's regular session, in seconds of Unix time: 2026-11-20, 14:30 to 21:00 UTC.
const OPENS: i64 = 1_795_185_000;
const CLOSES: i64 = OPENS + 23_400;

/// A plan of the run.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) plan_id: String,
    /// When its event is put on the bus.
    pub(crate) at: Timestamp,
    event: Vec<u8>,
}

/// A beginning.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) plans: Vec<Wanted>,
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// A policy whose windows are short, so that a whole plan takes a few dozen turns. Every value is one that configuration
/// may set.
pub(crate) fn policy(chance: &mut Chance) -> Policy {
    let kinds = [PolicyKind::Adaptive, PolicyKind::Liquidity, PolicyKind::Walk, PolicyKind::Cross];
    let working = chance.pick(&[2, 4, 6]);
    let mut policy = Policy {
        kind: chance.pick(&kinds),
        working_time: [seconds(working * 2), seconds(working), seconds(2)],
        working_time_min: seconds(1),
        window_margin: seconds(10),
        plan_margin: seconds(chance.pick(&[60, 120])),
        quote_wait: seconds(chance.pick(&[4, 10])),
        pause_max: seconds(15),
        replace_interval: seconds(1),
        follow_interval: seconds(1),
        cross_patience: seconds(1),
        children_max: chance.pick(&[12, 20]).try_into().unwrap_or(12),
        fill_wait: seconds(2),
        order_placement_timeout: seconds(2),
        liquidity_margin: seconds(2),
        liquidity_window: [seconds(14), seconds(30)],
        step_wait: seconds(1),
        proceeds_wait: seconds(5),
        cancel_retry: seconds(2),
        cancel_confirmation: seconds(5),
        resubmit_after: seconds(1),
        unresolved_after: seconds(chance.pick(&[6, 15, 60])),
        cancel_foreign_orders: chance.percent(10),
        partial_is_failure: chance.percent(70),
        ..Policy::default()
    };
    if chance.percent(60) {
        (policy.lease, policy.lease_renewal) = (seconds(15), seconds(4));
        (policy.lease_margin, policy.http_timeout) = (seconds(2), seconds(5));
    }
    policy
}

/// The legs of a plan on some of the symbols.
fn lines(chance: &mut Chance, symbols: &[&'static str]) -> Vec<Line> {
    let line = |symbol: &&'static str| {
        let held = chance.between(200, 4_000);
        let wanted = match chance.below(6) {
            0 | 1 => 0,
            2 => held / 2,
            3 => held + chance.between(100, 3_000),
            _ => return (*symbol, 0, chance.between(100, 4_000)),
        };
        (*symbol, held, wanted)
    };
    symbols.iter().map(line).collect()
}

/// When the run begins: mostly at a quiet hour, sometimes right after the open or before the close.
fn begin(chance: &mut Chance) -> Timestamp {
    let second = match chance.below(20) {
        0 => OPENS + chance.between(200, 310),
        1 => CLOSES - chance.between(30, 600),
        _ => OPENS + chance.between(1_000, 20_000),
    };
    Timestamp::from_second(second).unwrap_or_default()
}

fn exchange(account: AccountId, at: Timestamp, chance: Chance, partial: u32) -> Exchange {
    let mut exchange = Exchange::new(account, at, chance);
    (exchange.opened_at, exchange.closes_at) =
        (Timestamp::from_second(OPENS).unwrap_or(at), Timestamp::from_second(CLOSES).unwrap_or(at));
    exchange.partial = partial;
    exchange
}

fn moments(world: &mut World, chance: &mut Chance) {
    let calm = chance.between(20, 120);
    world.quiet_at = later(world.now, seconds(calm));
    world.plan(world.quiet_at, Happening::Quiet);
    let first = chance.millis(0, 60_000);
    world.plan(later(world.now, first), Happening::Tick);
    if world.strikes(Fault::EarlyClose) {
        let left = seconds(chance.between(120, 900));
        world.exchange.closes_at = world.exchange.closes_at.min(later(world.now, left));
    }
    if world.strikes(Fault::AccountHalt) {
        let (halts, resumes) = (chance.millis(500, 30_000), chance.millis(1_000, 60_000));
        let by_hand = |function| Delivery { function, bytes: Vec::new(), attempt: 1 };
        let halts_at = later(world.now, halts);
        world.plan(halts_at, Happening::Deliver(by_hand(Function::Halt)));
        if chance.percent(70) {
            let resumes_at = later(halts_at, resumes);
            world.plan(resumes_at, Happening::Deliver(by_hand(Function::Resume)));
        }
    }
}

/// In one run of sixteen a person cancels a plan: before it comes, while it is traded, or after.
fn cancel(world: &mut World, chance: &mut Chance, plans: &[Wanted]) {
    let number = usize::try_from(chance.below(plans.len() as u64 * 16)).unwrap_or(usize::MAX);
    let Some(plan) = plans.get(number) else { return };
    let at = later(plan.at, chance.millis(-1_000, 40_000));
    let (function, bytes) = (Function::Cancel, plan.plan_id.clone().into_bytes());
    world.plan(at, Happening::Deliver(Delivery { function, bytes, attempt: 1 }));
}

impl Scene {
    /// The beginning of a trial.
    ///
    /// # Errors
    /// [`NotAnId`] for a name here that is none.
    pub(crate) fn of(trial: &Trial) -> Result<Self, NotAnId> {
        let scene = match &trial.theme {
            Theme::Canonical(canonical) => Self::calm(trial, *canonical)?,
            Theme::Drawn | Theme::Given(_) => Self::drawn(trial)?,
        };
        let Self { mut world, plans } = scene;
        world.stops.clone_from(&trial.stops);
        for plan in &plans {
            let bytes = plan.event.clone();
            let function = Function::RebalancePlanned;
            world.plan(plan.at, Happening::Deliver(Delivery { function, bytes, attempt: 0 }));
        }
        Ok(Self { world, plans })
    }

    fn drawn(trial: &Trial) -> Result<Self, NotAnId> {
        let seed = trial.seed;
        let mut chance = Chance::of(seed, Stream::Scene);
        let at = begin(&mut chance);
        let odds = Odds::draw(&mut chance);
        let partial = odds.rate(Fault::PartialFill);
        let account = match trial.given() {
            Some(given) => given.plan.account.clone(),
            None => AccountId::new(ACCOUNT)?,
        };
        let fortune = Fortune::new(odds, Chance::of(seed, Stream::Fortune), trial.only.clone());
        let exchange = exchange(account, at, Chance::of(seed, Stream::Market), partial);
        let mut world = World::new(exchange, Chance::of(seed, Stream::Course), at, fortune);
        world.policy = policy(&mut chance);
        world.deaths_are_known = chance.percent(30);
        moments(&mut world, &mut chance);
        let plans = match trial.given() {
            Some(given) => vec![Self::given(&mut world, &mut chance, given)],
            None => Self::plans(&mut world, &mut chance)?,
        };
        cancel(&mut world, &mut Chance::of(seed, Stream::Cancel), &plans);
        Ok(Self { world, plans })
    }

    /// The same every time, and nothing goes wrong by itself.
    fn calm(trial: &Trial, canonical: Canonical) -> Result<Self, NotAnId> {
        let mut chance = Chance::of(0, Stream::Scene);
        let at = Timestamp::from_second(OPENS + 6_000).unwrap_or_default();
        let fortune = Fortune::new(Odds::none(), Chance::of(0, Stream::Fortune), None);
        let market = Chance::of(trial.seed, Stream::Market);
        let exchange = exchange(AccountId::new(ACCOUNT)?, at, market, canonical.partial());
        let mut world = World::new(exchange, Chance::of(trial.seed, Stream::Course), at, fortune);
        world.policy = Policy { kind: canonical.policy(), ..policy(&mut chance) };
        world.deaths_are_known = canonical == Canonical::SellAndBuy;
        world.plan(at, Happening::Tick);
        for (symbol, held, _) in canonical.lines() {
            world.exchange.list(Symbol::new(symbol)?, Decimal::from(*held));
        }
        world.exchange.deposit(Money::new(Decimal::from(20_000)));
        let at = later(at, seconds(1));
        let plan_id = "plan-1";
        let terms = Terms { plan_id, portfolio: 40_000, urgency: "NORMAL", at, valid_until: None };
        let event = event(canonical.lines(), terms);
        Ok(Self { world, plans: vec![Wanted { plan_id: plan_id.to_owned(), at, event }] })
    }

    /// A plan as it crossed the bus, whenever that was.
    fn given(world: &mut World, chance: &mut Chance, given: &GivenPlan) -> Wanted {
        world.age = Age::Restated;
        for (symbol, held) in given.holdings() {
            world.exchange.list(symbol, held.amount());
        }
        let (buys, portfolio) = (given.buys().amount(), given.plan.portfolio_value.amount());
        let cash = if chance.percent(80) { buys + portfolio } else { buys / Decimal::TWO };
        world.exchange.deposit(Money::new(cash));
        let at = later(world.now, seconds(1));
        Wanted { plan_id: given.plan.plan_id.to_string(), at, event: given.bytes.clone() }
    }

    /// One plan; in one run of eight a second one of the same account, now and then a known id with other content, and
    /// now and then an event that must be refused.
    fn plans(world: &mut World, chance: &mut Chance) -> Result<Vec<Wanted>, NotAnId> {
        let count = if chance.percent(12) { 2 } else { 1 };
        let mut plans = Vec::new();
        let (mut cash, mut at) = (0, later(world.now, seconds(1)));
        let mut all = SYMBOLS.iter();
        for number in 1..=count {
            let legs = 1
                + usize::try_from(chance.below(4)).unwrap_or(0)
                + 2 * usize::from(chance.percent(4));
            let symbols: Vec<&'static str> = all.by_ref().take(legs).copied().collect();
            let lines = lines(chance, &symbols);
            for (symbol, held, _) in &lines {
                world.exchange.list(Symbol::new(symbol)?, Decimal::from(*held));
            }
            let gross: i64 = lines.iter().map(|(_, held, wanted)| held.max(wanted)).sum();
            let buys: i64 = lines.iter().map(|(_, held, wanted)| (wanted - held).max(0)).sum();
            // Most portfolios are large against their orders and have the money; some are neither.
            let portfolio = gross * chance.pick(&[1, 4, 4, 4, 8]) + 4_000;
            cash += if chance.percent(80) { buys + portfolio / 2 } else { buys / 2 };
            let urgency = chance.pick(&["LOW", "NORMAL", "NORMAL", "HIGH", "URGENT"]);
            let lasting = chance.millis(3_000, 40_000);
            let valid_until = chance.percent(8).then(|| later(at, lasting));
            let plan_id = &format!("plan-{number}");
            let terms = Terms { plan_id, portfolio, urgency, at, valid_until };
            plans.push(Wanted { plan_id: plan_id.clone(), at, event: event(&lines, terms) });
            if chance.percent(2) {
                let other = event(&lines[..lines.len() - 1], terms);
                let at = later(at, chance.millis(2_000, 30_000));
                plans.push(Wanted { plan_id: plan_id.clone(), at, event: other });
            }
            if chance.percent(2) {
                let nameless = event(&lines, Terms { plan_id: NAMELESS, ..terms });
                let function = Function::RebalancePlanned;
                let letter = Delivery { function, bytes: nameless, attempt: 0 };
                world.plan(later(at, chance.millis(0, 30_000)), Happening::Deliver(letter));
            }
            at = later(at, chance.millis(0, 40_000));
        }
        if chance.percent(2) {
            world.untradable = Symbol::new(SYMBOLS[0]).ok();
        }
        world.exchange.deposit(Money::new(Decimal::from(cash)));
        Ok(plans)
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::setting::{SETTINGS, consistent};

    use super::*;

    /// A plan runs under its recorded settings: they must be ones that can be set.
    #[test]
    fn every_policy_is_one_that_configuration_takes() {
        for seed in 0..200 {
            let policy = policy(&mut Chance::of(seed, Stream::Scene));
            consistent(&policy).unwrap();
            for setting in SETTINGS {
                setting.set(&mut policy.clone(), &setting.get(&policy)).unwrap();
            }
        }
    }
}
