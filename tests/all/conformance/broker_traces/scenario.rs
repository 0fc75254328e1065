//! A scenario as its trace tells it: the plan that was asked for, and what the original made of it.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    policy::{Policy, PolicyKind},
    quantity::Quantity,
    side::Side,
};
use alchemiser_tests::plans;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    broker::{ASK, BID, Opening, price},
    script::{self, Quotes, Script},
};
use crate::conformance::book::number;

/// Items of a plan, at most.
const LEGS_MAX: usize = 500;

pub(crate) const COMPLETED: &str = "WorkflowCompleted";

/// Shares by symbol.
pub(crate) type Fills = BTreeMap<Symbol, Decimal>;

/// What the original did; a trace of a large plan tells no fills and no events.
#[derive(Debug)]
pub(crate) struct Theirs {
    /// Filled ÷ requested, as its first orders requested it.
    pub(crate) filled: Option<Filled>,
    pub(crate) orders: u64,
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
    /// The last event of each run.
    pub(crate) ends: Vec<String>,
    /// Shares filled, by symbol.
    fills: Option<Fills>,
}

/// A leg of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) symbol: Symbol,
    side: Side,
    /// Shares that the plan comes to on the scenario's quote: an exit's position, else amount ÷ far touch; nothing where
    /// that is too little to trade.
    pub(crate) shares: Decimal,
    dollars: Decimal,
    exit: bool,
}

/// Filled ÷ requested of the leg that filled least and of the one that filled most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filled {
    pub(crate) least: Decimal,
    pub(crate) most: Decimal,
}

impl Filled {
    fn of(ratios: impl Iterator<Item = Decimal> + Clone) -> Self {
        Self {
            least: ratios.clone().min().unwrap_or_default(),
            most: ratios.max().unwrap_or_default(),
        }
    }
}

/// The scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) script: Script,
    pub(crate) legs: Vec<Asked>,
    /// How often the event comes again.
    pub(crate) replays: usize,
    pub(crate) theirs: Theirs,
    repegs_max: Option<u32>,
    metadata: Value,
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn theirs(trace: &Value, legs: &[Asked]) -> Theirs {
    let decimals = |value: &Value| -> Option<Fills> {
        let shares =
            |(name, value): (&String, &Value)| (Symbol::new(name).unwrap(), number(value).unwrap());
        Some(value.as_object()?.iter().map(shares).collect())
    };
    let fills = decimals(&trace["filled_total"]);
    let requested = decimals(&trace["requested_first_qty"]);
    // A leg without an order had nothing requested and nothing filled.
    let filled = requested.zip(fills.as_ref()).map(|(requested, fills)| {
        let ratio = |leg: &Asked| {
            let asked = requested.get(&leg.symbol)?;
            of(fills, leg).checked_div(*asked)
        };
        Filled::of(legs.iter().map(|leg| ratio(leg).unwrap_or_default()))
    });
    let runs = trace["published"].as_array().map(Vec::as_slice).unwrap_or_default();
    let end = |run: &Value| run.as_array()?.last()?["event_type"].as_str().map(str::to_owned);
    Theirs {
        filled,
        orders: trace["calls"]["POST paper-api/v2/orders"].as_u64().unwrap_or_default(),
        calls: whole(&trace["http_calls"]),
        seconds: trace["virtual_seconds"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_f64)
            .sum(),
        ends: runs.iter().filter_map(end).collect(),
        fills,
    }
}

/// Panics on a setting that nothing here looks at.
fn known(settings: &Value, names: &[&str]) {
    let unknown = |(name, _): &(&String, &Value)| !names.contains(&name.as_str());
    let found = settings.as_object().into_iter().flatten().find(unknown);
    assert!(found.is_none(), "no scenario was played with {found:?} before");
}

impl Scenario {
    /// Reads a trace; panics on a scenario that no script knows.
    pub(crate) fn read(trace: &Value) -> Self {
        let id = trace["id"].as_str().unwrap().to_owned();
        let script = script::of(&id).unwrap_or_else(|| panic!("no script knows scenario {id}"));
        let (input, plan) = (&trace["in"], &trace["in"]["plan"]);
        known(plan, &["amount", "liquidate", "md"]);
        known(&input["config"], &["max_repegs_per_order"]);
        let amount = number(&plan["amount"]).unwrap_or(Decimal::ONE_THOUSAND);
        let exits = plan["liquidate"] != false;
        let count = |name: &str| usize::try_from(whole(&input[name])).unwrap();
        // As in the traces: of several sells every other one leaves a position behind.
        let sells = (0..count("sells")).map(|index| (Side::Sell, index, exits && index % 2 == 0));
        let buys = (0..count("buys")).map(|index| (Side::Buy, index, false));
        let legs: Vec<Asked> = sells.chain(buys).map(|leg| asked(leg, amount, &script)).collect();
        let repegs = input["config"]["max_repegs_per_order"].as_u64();
        Self {
            theirs: theirs(trace, &legs),
            legs,
            replays: count("replays"),
            repegs_max: repegs.map(|count| u32::try_from(count).unwrap()),
            metadata: if plan["md"].is_object() { plan["md"].clone() } else { json!({}) },
            script,
            id,
        }
    }

    /// Our thresholds with the scenario's; only `liquidity` counts re-pegs.
    pub(crate) fn policy(&self, kind: PolicyKind) -> Policy {
        let default = Policy::default();
        let repegs_max = self.repegs_max.unwrap_or(default.repegs_max);
        Policy { kind, repegs_max, ..default }
    }

    fn held(&self, leg: &Asked) -> Quantity {
        let tenths = match (leg.side, leg.exit) {
            (Side::Buy, _) => 0,
            (Side::Sell, true) => self.script.held_tenths,
            (Side::Sell, false) => 2 * self.script.held_tenths,
        };
        Quantity::new(Decimal::new(tenths, 1)).unwrap()
    }

    /// An account that no control finds too small for the plan.
    pub(crate) fn opening(&self, account: AccountId) -> Opening {
        Opening {
            account,
            cash: Money::new(self.cash()),
            held: self.legs.iter().map(|leg| (leg.symbol.clone(), self.held(leg))).collect(),
            sides: self.legs.iter().map(|leg| (leg.symbol.clone(), leg.side)).collect(),
        }
    }

    fn cash(&self) -> Decimal {
        Decimal::from(20_000 + 2_000 * self.legs.len())
    }

    /// The events that carry the plan: more than one where it is too large.
    pub(crate) fn events(&self) -> Vec<Value> {
        if self.legs.len() <= LEGS_MAX {
            return vec![self.event(&self.id, &self.legs)];
        }
        let parts = self.legs.len().div_ceil(LEGS_MAX);
        let part = |number: usize| {
            // Every part has sells and buys.
            let legs = self.legs.iter().skip(number).step_by(parts).cloned().collect::<Vec<_>>();
            self.event(&format!("{}-{number}", self.id), &legs)
        };
        (0..parts).map(part).collect()
    }

    fn event(&self, id: &str, legs: &[Asked]) -> Value {
        let worth = |leg: &Asked| price(BID).times(self.held(leg)).amount();
        let portfolio = self.cash() + self.legs.iter().map(worth).sum::<Decimal>();
        let item = |leg: &Asked| {
            let (current, sign) = (worth(leg), leg.side.sign());
            let traded = if leg.exit { current } else { leg.dollars };
            let target = current + sign * traded;
            let word = if leg.side == Side::Buy { "BUY" } else { "SELL" };
            json!({
                "symbol": leg.symbol.as_str(), "action": word, "priority": 1, "weight_diff": "0",
                "trade_amount": (sign * traded).to_string(),
                "current_value": current.to_string(), "target_value": target.to_string(),
                "current_weight": (current / portfolio).round_dp(6).to_string(),
                "target_weight": (target / portfolio).round_dp(6).to_string(),
            })
        };
        let mut event = plans::event(id, "NORMAL", &[]);
        let items: Vec<Value> = legs.iter().map(item).collect();
        let amount = |item: &Value| number(&item["trade_amount"]).unwrap().abs();
        let total: Decimal = items.iter().map(amount).sum();
        event["detail"]["trades_required"] = true.into();
        let plan = &mut event["detail"]["rebalance_plan"];
        plan["items"] = items.into();
        plan["metadata"] = self.metadata.clone();
        plan["total_portfolio_value"] = portfolio.to_string().into();
        plan["total_trade_value"] = total.to_string().into();
        event
    }

    /// Filled ÷ requested; what nobody asked for counts as filled endlessly.
    pub(crate) fn filled(&self, filled: &Fills) -> Filled {
        let ratio = |leg: &Asked| {
            let filled = of(filled, leg);
            let none = if filled.is_zero() { Decimal::ZERO } else { Decimal::MAX };
            filled.checked_div(leg.shares).unwrap_or(none)
        };
        Filled::of(self.legs.iter().map(ratio))
    }

    /// Whether these fills are what the plan asked for, each within one percent.
    pub(crate) fn is_right(&self, filled: &Fills) -> bool {
        let near = |leg: &Asked| {
            let off = (of(filled, leg) - leg.shares).abs();
            off * Decimal::ONE_HUNDRED <= leg.shares
        };
        self.legs.iter().all(near)
    }

    /// Whether the original's fills are what the plan asked for; `None` where its trace does not say.
    fn theirs_is_right(&self) -> Option<bool> {
        Some(self.is_right(self.theirs.fills.as_ref()?))
    }

    /// The original published a success, and its fills were `right`.
    fn theirs_succeeded(&self, right: bool) -> bool {
        let completed = self.theirs.ends.last().is_some_and(|end| end == COMPLETED);
        completed && self.theirs_is_right() == Some(right)
    }

    /// The original published a success that was none.
    pub(crate) fn theirs_is_false(&self) -> bool {
        self.theirs_succeeded(false)
    }

    /// Where the original's success was one, ours must be one, too.
    pub(crate) fn must_succeed(&self) -> bool {
        self.theirs_succeeded(true) && self.script.funded
    }

    /// Hundreds of legs, whose orders must fit into the broker's limit of requests.
    pub(crate) fn is_large(&self) -> bool {
        self.legs.len() > 100
    }

    /// Less was filled than by the original, up to what was asked. It trades without a quote, and on money that the
    /// broker said is not there: what it fills so is no measure.
    pub(crate) fn falls_short(&self, ours: Filled) -> bool {
        let Some(theirs) = self.theirs.filled else { return false };
        let within_one_percent = Decimal::new(99, 2) * theirs.least.min(Decimal::ONE);
        self.script.funded && self.script.quotes == Quotes::Both && ours.least < within_one_percent
    }
}

fn of(fills: &Fills, leg: &Asked) -> Decimal {
    fills.get(&leg.symbol).copied().unwrap_or_default()
}

fn asked((side, index, exit): (Side, usize, bool), dollars: Decimal, script: &Script) -> Asked {
    let name = if side == Side::Buy { "BUY" } else { "SEL" };
    let far = price(if side == Side::Buy { ASK } else { BID });
    let shares = match exit {
        true => Decimal::new(script.held_tenths, 1),
        false if dollars < Decimal::ONE => Decimal::ZERO,
        false => far.shares_for(Money::new(dollars)),
    };
    let shares = if script.whole_only { shares.trunc() } else { shares };
    let symbol = Symbol::new(&format!("{name}{index:04}")).unwrap();
    Asked { symbol, side, shares, dollars, exit }
}
