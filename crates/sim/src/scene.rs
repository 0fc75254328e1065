//! What a run begins with: an account, symbols, a policy with short windows, plans, and what is to go wrong when.

use alchemiser_core::{
    ids::{AccountId, NotAnId, Symbol},
    money::Money,
    policy::{Policy, PolicyKind},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    bus::{Delivery, Function, envelope},
    chance::{Chance, Stream},
    exchange::Exchange,
    fault::{Fault, Odds},
    world::{Happening, World, later},
};

/// The account that all plans trade in.
pub(crate) const ACCOUNT: &str = "SIM-1";

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

/// One line of a plan: symbol, dollars held, dollars wanted.
type Line = (&'static str, i64, i64);

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

fn item((symbol, held, wanted): &Line, portfolio: i64) -> String {
    let share = |dollars: i64| format!("0.{:04}", (dollars * 10_000 / portfolio.max(1)).min(9_999));
    let target = if *wanted == 0 { "0".to_owned() } else { share(*wanted) };
    let action = match (wanted - held).signum() {
        -1 => "SELL",
        0 => "HOLD",
        _ => "BUY",
    };
    format!(
        r#"{{"symbol":"{symbol}","current_weight":"{}","target_weight":"{target}","weight_diff":"0","target_value":"{wanted}","current_value":"{held}","trade_amount":"{}","action":"{action}","priority":2}}"#,
        share(*held),
        wanted - held
    )
}

/// The event that carries a plan.
fn event(
    plan_id: &str,
    lines: &[Line],
    (portfolio, urgency): (i64, &str),
    at: Timestamp,
) -> Vec<u8> {
    let items: Vec<String> = lines.iter().map(|line| item(line, portfolio)).collect();
    let traded: i64 = lines.iter().map(|(_, held, wanted)| (wanted - held).abs()).sum();
    let ids = format!(r#""correlation_id":"workflow-{plan_id}","causation_id":"schedule-1""#);
    let plan = format!(
        r#"{{"schema_version":"1.0",{ids},"timestamp":"{at}","plan_id":"{plan_id}","items":[{}],"total_portfolio_value":"{portfolio}","total_trade_value":"{traded}","execution_urgency":"{urgency}","metadata":null}}"#,
        items.join(",")
    );
    let detail = format!(
        r#"{{{ids},"event_id":"planned-{plan_id}-{traded}","event_type":"RebalancePlanned","timestamp":"{at}","source_module":"portfolio","source_component":null,"metadata":null,"schema_version":"1.0","rebalance_plan":{plan},"allocation_comparison":{{"target_values":{{}},"current_values":{{}},"deltas":{{}}}},"trades_required":{}}}"#,
        traded > 0
    );
    let id = format!("planned-{plan_id}");
    envelope("alchemiser.portfolio", "RebalancePlanned", (&id, &detail), at)
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

fn moments(world: &mut World, chance: &mut Chance) {
    let calm = chance.between(20, 120);
    world.quiet_at = later(world.now, seconds(calm));
    world.plan(world.quiet_at, Happening::Quiet);
    let first = chance.millis(0, 60_000);
    world.plan(later(world.now, first), Happening::Tick);
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

impl Scene {
    /// The beginning of a seed.
    ///
    /// # Errors
    /// [`NotAnId`] for a name here that is none.
    pub(crate) fn of(seed: u64) -> Result<Self, NotAnId> {
        let mut chance = Chance::of(seed, Stream::Scene);
        let at = begin(&mut chance);
        let mut exchange =
            Exchange::new(AccountId::new(ACCOUNT)?, at, Chance::of(seed, Stream::Market));
        (exchange.opened_at, exchange.closes_at) = (
            Timestamp::from_second(OPENS).unwrap_or(at),
            Timestamp::from_second(CLOSES).unwrap_or(at),
        );
        let odds = Odds::draw(&mut chance);
        exchange.partial = odds.rate(Fault::PartialFill);
        let mut world = World::new(exchange, Chance::of(seed, Stream::Course), at, odds);
        world.policy = policy(&mut chance);
        world.deaths_are_known = chance.percent(30);
        moments(&mut world, &mut chance);
        let plans = Self::plans(&mut world, &mut chance)?;
        for plan in &plans {
            let bytes = plan.event.clone();
            world.plan(
                plan.at,
                Happening::Deliver(Delivery {
                    function: Function::RebalancePlanned,
                    bytes,
                    attempt: 0,
                }),
            );
        }
        Ok(Self { world, plans })
    }

    /// One plan; in one run of eight a second one of the same account, and now and then a known id with other content.
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
                world.exchange.list(Symbol::new(symbol)?, *held);
            }
            let gross: i64 = lines.iter().map(|(_, held, wanted)| held.max(wanted)).sum();
            let buys: i64 = lines.iter().map(|(_, held, wanted)| (wanted - held).max(0)).sum();
            // Most portfolios are large against their orders and have the money; some are neither.
            let portfolio = gross * chance.pick(&[1, 4, 4, 4, 8]) + 4_000;
            cash += if chance.percent(80) { buys + portfolio / 2 } else { buys / 2 };
            let urgency = chance.pick(&["LOW", "NORMAL", "NORMAL", "HIGH", "URGENT"]);
            let plan_id = format!("plan-{number}");
            let event = event(&plan_id, &lines, (portfolio, urgency), at);
            plans.push(Wanted { plan_id: plan_id.clone(), at, event });
            if chance.percent(2) {
                let other =
                    self::event(&plan_id, &lines[..lines.len() - 1], (portfolio, urgency), at);
                plans.push(Wanted {
                    plan_id,
                    at: later(at, chance.millis(2_000, 30_000)),
                    event: other,
                });
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
