//! What goes wrong on purpose: scripted request by request, or drawn from a seed.

mod distort;
mod script;

use std::collections::BTreeMap;

use alchemiser_market::chance::Chance;
use serde_json::Value;

pub(crate) use self::distort::distorted;
pub use self::script::{Fault, Reason, Rule, Script};
use crate::{call::Call, update::Event};

/// What a fault may be told by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) account: String,
    pub(crate) client_order_id: Option<String>,
    pub(crate) symbols: Vec<String>,
}

impl Facts {
    /// What a request says by itself.
    pub(crate) fn of(call: &Call, account: &str) -> Self {
        let body: Option<Value> = serde_json::from_slice(&call.body).ok();
        let said = |name: &str| {
            let text = body.as_ref().and_then(|body| body[name].as_str().map(str::to_owned));
            text.or_else(|| call.parameter(name).map(str::to_owned))
        };
        let mut symbols = call.list("symbols").unwrap_or_default();
        symbols.extend(said("symbol"));
        let path: Vec<&str> = call.path.split('/').filter(|part| !part.is_empty()).collect();
        if let ["v2", "stocks" | "positions" | "assets", symbol, ..] = path.as_slice() {
            symbols.push((*symbol).to_owned());
        }
        Self {
            method: call.method.clone(),
            path: call.path.clone(),
            account: account.to_owned(),
            client_order_id: said("client_order_id"),
            symbols,
        }
    }
}

/// A rule with what it has seen.
#[derive(Clone, Debug)]
struct Standing {
    rule: Rule,
    seen: u32,
    hits: u32,
}

/// All rules in force.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Vec<Standing>,
    chance: Chance,
    hits: BTreeMap<Fault, u64>,
}

impl Faults {
    /// The rules of a script.
    pub(crate) fn new(script: &Script) -> Self {
        let chance = Chance::of(script.seed, "faults", "strikes");
        let rules = script.rules().into_iter();
        let rules = rules.map(|rule| Standing { rule, seen: 0, hits: 0 }).collect();
        Self { rules, chance, hits: BTreeMap::new() }
    }

    /// More rules, behind those that there are.
    pub(crate) fn add(&mut self, script: &Script) {
        let rules = script.rules().into_iter();
        self.rules.extend(rules.map(|rule| Standing { rule, seen: 0, hits: 0 }));
    }

    /// No rules any more; what was hit stays counted.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How often each class was hit.
    pub(crate) fn hits(&self) -> &BTreeMap<Fault, u64> {
        &self.hits
    }

    /// How many rules there are.
    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is nothing that could go wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that hit a request.
    pub(crate) fn strike(&mut self, facts: &Facts) -> Vec<Rule> {
        self.those(|rule| rule.fault.concerns(facts) && rule.fits(facts))
    }

    /// The rules that hit a message of the order stream.
    pub(crate) fn strike_update(&mut self, event: Event, account: &str) -> Vec<Rule> {
        self.those(|rule| {
            rule.fault.is_of_stream()
                && rule.event.as_deref().is_none_or(|wanted| wanted == event.word())
                && rule.account.as_deref().is_none_or(|wanted| wanted == account)
        })
    }

    /// The rule of a class that hits the end of a connection to a path, or its beginning.
    pub(crate) fn strike_connection(&mut self, fault: Fault, path: &str) -> Option<Rule> {
        let is_there =
            |rule: &Rule| rule.path.as_deref().is_none_or(|wanted| path.starts_with(wanted));
        self.those(|rule| rule.fault == fault && is_there(rule)).into_iter().next()
    }

    /// Whether a class hits a message of the market data stream about a symbol.
    pub(crate) fn strike_quote(&mut self, fault: Fault, symbol: &str) -> bool {
        let fits = |rule: &Rule| rule.symbol.as_deref().is_none_or(|wanted| wanted == symbol);
        !self.those(|rule| rule.fault == fault && fits(rule)).is_empty()
    }

    fn those(&mut self, fits: impl Fn(&Rule) -> bool) -> Vec<Rule> {
        let mut struck = Vec::new();
        for standing in &mut self.rules {
            let Standing { rule, seen, hits } = standing;
            if !fits(rule) || (rule.times > 0 && *hits >= rule.times) {
                continue;
            }
            *seen += 1;
            let is_drawn = rule.rate.is_none_or(|rate| self.chance.unit() < rate);
            if *seen >= rule.nth && is_drawn {
                *hits += 1;
                *self.hits.entry(rule.fault).or_default() += 1;
                struck.push(rule.clone());
            }
        }
        struck
    }
}
