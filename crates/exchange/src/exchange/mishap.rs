//! What the faults do to a request, before and after it is carried out.

use std::time::Duration;

use alchemiser_core::{ids::Symbol, money::Money, price::Price, quantity::Quantity};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::{Exchange, Late, Twist};
use crate::{
    call::{Answer, Call},
    clock::later_millis,
    exact::Exact,
    fault::{Facts, Fault, Reason, Rule, distorted},
    input::Asked,
    refusal::Refusal,
    venue::made_up,
};

/// Milliseconds of what a rule does not say.
const USUAL_MS: u64 = 1_000;

impl Exchange {
    /// Carries out a request, with what is to go wrong with it.
    pub(super) fn struck(&mut self, call: &Call, account: usize) -> Answer {
        if self.faults.is_empty() {
            return self.route(call, account).unwrap_or_else(Answer::from);
        }
        let facts = self.facts(call, account);
        let rules = self.faults.strike(&facts);
        for rule in &rules {
            if let Some(answer) = self.instead(rule, call, account) {
                return answer;
            }
        }
        self.twist = twist(&rules);
        let mut answer = self.route(call, account).unwrap_or_else(Answer::from);
        self.twist = Twist::default();
        for rule in &rules {
            answer = told(answer, rule);
        }
        answer
    }

    /// What a request is about, looked up where it names an order.
    fn facts(&self, call: &Call, account: usize) -> Facts {
        let mut facts = Facts::of(call, &self.venue.account(account).opening.key);
        if let Some(number) = self.order_of(call, account) {
            let terms = &self.venue.order(number).terms;
            facts.client_order_id = Some(terms.client_order_id.clone());
            facts.symbols.push(terms.symbol.to_string());
        }
        facts
    }

    fn order_of(&self, call: &Call, account: usize) -> Option<usize> {
        let id = Uuid::parse_str(call.path.strip_prefix("/v2/orders/")?).ok()?;
        self.venue.number_of(account, id)
    }

    /// The answer that a rule gives instead of carrying a request out.
    fn instead(&mut self, rule: &Rule, call: &Call, account: usize) -> Option<Answer> {
        match rule.fault {
            Fault::LostRequest => Some(Answer::lost()),
            Fault::LateLanding => {
                let at = later_millis(self.venue.now(), rule.ms.unwrap_or(USUAL_MS));
                self.late.push(Late { at, account, call: call.clone() });
                Some(Answer::lost())
            }
            Fault::TooManyRequests => {
                let mut answer = Answer::from(Refusal::TooManyRequests);
                let retry = rule.retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
                answer.headers.extend(retry);
                Some(answer)
            }
            Fault::ServerError => Some(broken(rule.status.unwrap_or(503))),
            Fault::Unauthorized => Some(Refusal::Unauthorized.into()),
            Fault::Refused => Some(self.refused(rule, call).into()),
            Fault::OrderUnseen => {
                Some(Refusal::NotFound("order not found for this id".to_owned()).into())
            }
            Fault::CancelIgnored => {
                let number = self.order_of(call, account)?;
                self.venue.order(number).is_open().then(Answer::empty)
            }
            Fault::CancelRace => {
                let order = self.order_of(call, account)?;
                let leaves = self.venue.order(order).leaves().shares();
                let part = rule.part.map_or(Decimal::ONE, |part| part.0);
                let qty = Some(Exact((leaves * part).trunc()));
                let qty = if part == Decimal::ONE { None } else { qty };
                // One that has ended trades no more.
                self.perform(Asked::Fill { order, qty, price: None }).ok();
                None
            }
            Fault::SymbolHalt => {
                self.halt(rule, call, account);
                None
            }
            Fault::LostAnswer
            | Fault::UnclearAnswer
            | Fault::SlowAnswer
            | Fault::DuplicateId
            | Fault::PartialFill
            | Fault::CancelAgain
            | Fault::CancelAllBare
            | Fault::ReplaceWedge
            | Fault::NoPrice
            | Fault::OrdersMissing
            | Fault::OrdersDuplicated
            | Fault::OrdersReordered
            | Fault::OrdersStale
            | Fault::FundsLag
            | Fault::QuoteStale
            | Fault::QuoteCrossed
            | Fault::QuoteZero
            | Fault::QuoteMissing
            | Fault::StreamGap
            | Fault::StreamDuplicate
            | Fault::StreamReorder
            | Fault::QuoteStreamGap
            | Fault::QuoteStreamCut
            | Fault::GhostSlot
            | Fault::SlotBusy => None,
        }
    }

    fn halt(&mut self, rule: &Rule, call: &Call, account: usize) {
        let named = rule.symbol.clone();
        let symbol = named.or_else(|| self.facts(call, account).symbols.into_iter().next());
        if let Some(symbol) = symbol {
            let ms = rule.ms.unwrap_or(USUAL_MS);
            // A symbol that is not listed cannot be halted.
            self.perform(Asked::Halt { symbol, ms }).ok();
        }
    }

    fn refused(&self, rule: &Rule, call: &Call) -> Refusal {
        let body = call.json().unwrap_or_default();
        let said = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let symbol = Symbol::new(&said("symbol"));
        let decimal = |name: &str| said(name).parse::<Decimal>().unwrap_or(Decimal::ONE);
        let requested = Quantity::rounded_down(decimal("qty"), 9);
        let price = Price::new(decimal("limit_price"));
        match (rule.reason.unwrap_or_default(), price, symbol) {
            (Reason::Price, Ok(price), _) => Refusal::SubPenny { field: "limit_price", price },
            (Reason::Funds, Ok(price), _) => Refusal::BuyingPower {
                buying_power: Money::ZERO,
                cost_basis: price.times(requested),
            },
            (Reason::Shares, _, Ok(symbol)) => {
                let part = rule.part.map_or(Decimal::ZERO, |part| part.0);
                let available = Quantity::rounded_down(requested.shares() * part, 0);
                Refusal::SharesAvailable {
                    symbol,
                    requested,
                    available,
                    existing: requested,
                    held_for_orders: requested.less(available),
                    related: Vec::new(),
                }
            }
            (Reason::Wash, _, _) => Refusal::WashTrade {
                existing: made_up(self.seed, "order", "of somebody"),
                reason: "opposite side limit order exists. use complex/limit/stop_limit orders",
            },
            (Reason::Asset, _, Ok(symbol)) => Refusal::NotTradable(symbol),
            (Reason::Halt, _, _) => Refusal::Unprocessable("trading is halted".to_owned()),
            (
                Reason::Unknown | Reason::Price | Reason::Funds | Reason::Shares | Reason::Asset,
                _,
                _,
            ) => Refusal::Unprocessable("a reason that nobody has seen before".to_owned()),
        }
    }
}

/// What rules change in how a request is carried out.
fn twist(rules: &[Rule]) -> Twist {
    let by = |fault: Fault| rules.iter().find(|rule| rule.fault == fault);
    let part = by(Fault::PartialFill);
    let ms = |rule: &Rule| rule.ms.unwrap_or(USUAL_MS);
    let lag = by(Fault::FundsLag).map_or(0, ms);
    Twist {
        part: part.map(|rule| rule.part.map_or(Decimal::new(5, 1), |part| part.0)),
        replace_ms: by(Fault::ReplaceWedge).map(ms),
        lag: SignedDuration::from_millis(i64::try_from(lag).unwrap_or(0)),
    }
}

fn broken(status: u16) -> Answer {
    Answer::new(status, json!({ "code": 50_010_000, "message": "internal server error occurred" }))
}

/// What becomes of an answer by a rule.
fn told(answer: Answer, rule: &Rule) -> Answer {
    let is_good = (200..300).contains(&answer.status);
    let ms = rule.ms.unwrap_or(USUAL_MS);
    if rule.fault == Fault::LostAnswer {
        Answer::lost()
    } else if rule.fault == Fault::UnclearAnswer {
        broken(rule.status.unwrap_or(504))
    } else if rule.fault == Fault::SlowAnswer {
        Answer { wait: Duration::from_millis(ms), ..answer }
    } else if rule.fault == Fault::CancelAgain && answer.status == 422 {
        Answer::empty()
    } else if rule.fault == Fault::DuplicateId && is_good {
        let mut duplicate = Answer::from(Refusal::IdNotUnique);
        if let Some(code) = rule.code {
            duplicate.body["code"] = code.into();
        }
        duplicate
    } else if is_good {
        Answer { body: distorted(answer.body, rule), ..answer }
    } else {
        answer
    }
}
