//! The parts that facts are made of, as JSON.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::{OrderKind, OrderTerms, Purpose},
    controls::{Ages, Control, Verdict},
    fact::{Intent, LegCheck, Preflight, RefusalKind, Reported},
    ids::{BrokerOrderId, ClientOrderId, EventId, Symbol},
    money::Money,
    outcome::{Outcome, PlanStatus},
    peg::Base,
    policy::PolicyKind,
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, Touch},
    reading::TradeMode,
    report::BrokerStatus,
    side::Side,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::text;

#[derive(Serialize, Deserialize)]
pub(super) struct AttemptLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    pub(super) attempt: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Amount {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    #[serde(with = "text")]
    pub(super) amount: Money,
}

#[derive(Serialize, Deserialize)]
pub(super) struct QuoteLine {
    #[serde(with = "text")]
    pub(super) bid: Price,
    #[serde(with = "text")]
    pub(super) bid_size: Quantity,
    #[serde(with = "text")]
    pub(super) ask: Price,
    #[serde(with = "text")]
    pub(super) ask_size: Quantity,
    pub(super) changed_at: Timestamp,
    pub(super) observed_at: Timestamp,
}

impl From<&Quote> for QuoteLine {
    fn from(quote: &Quote) -> Self {
        Self {
            bid: quote.bid.price,
            bid_size: quote.bid.size,
            ask: quote.ask.price,
            ask_size: quote.ask.size,
            changed_at: quote.changed_at,
            observed_at: quote.observed_at,
        }
    }
}

impl From<QuoteLine> for Quote {
    fn from(line: QuoteLine) -> Self {
        Self {
            bid: Touch { price: line.bid, size: line.bid_size },
            ask: Touch { price: line.ask, size: line.ask_size },
            changed_at: line.changed_at,
            observed_at: line.observed_at,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PreflightLine {
    #[serde(with = "text")]
    pub(super) mode: TradeMode,
    #[serde(with = "text")]
    pub(super) equity: Money,
    #[serde(with = "text")]
    pub(super) policy: PolicyKind,
    #[serde(with = "text::millis")]
    pub(super) working_time_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) window_ms: SignedDuration,
    pub(super) deadline: Timestamp,
    pub(super) opened_at: Timestamp,
    pub(super) closes_at: Timestamp,
    /// Settings that differ from the defaults, by key.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) legs: Vec<LegLine>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LegLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    pub(super) fractionable: bool,
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub(super) tick: Option<Tick>,
    #[serde(with = "text")]
    pub(super) round_lot: Quantity,
    #[serde(with = "text")]
    pub(super) held: Quantity,
    #[serde(with = "text")]
    pub(super) available: Quantity,
}

impl From<&Preflight> for PreflightLine {
    fn from(preflight: &Preflight) -> Self {
        let leg = |check: &LegCheck| LegLine {
            symbol: check.symbol.clone(),
            fractionable: check.fractionable,
            tick: check.tick,
            round_lot: check.round_lot,
            held: check.held,
            available: check.available,
        };
        Self {
            mode: preflight.mode,
            equity: preflight.equity,
            policy: preflight.policy,
            working_time_ms: preflight.working_time,
            window_ms: preflight.window,
            deadline: preflight.deadline,
            opened_at: preflight.opened_at,
            closes_at: preflight.closes_at,
            settings: preflight.settings.iter().cloned().collect(),
            legs: preflight.legs.iter().map(leg).collect(),
        }
    }
}

impl From<PreflightLine> for Preflight {
    fn from(line: PreflightLine) -> Self {
        let leg = |leg: LegLine| LegCheck {
            symbol: leg.symbol,
            fractionable: leg.fractionable,
            tick: leg.tick,
            round_lot: leg.round_lot,
            held: leg.held,
            available: leg.available,
        };
        Self {
            mode: line.mode,
            equity: line.equity,
            policy: line.policy,
            working_time: line.working_time_ms,
            window: line.window_ms,
            deadline: line.deadline,
            opened_at: line.opened_at,
            closes_at: line.closes_at,
            settings: line.settings.into_iter().collect(),
            legs: line.legs.into_iter().map(leg).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct VerdictLine {
    #[serde(with = "text::list")]
    pub(super) passed: Vec<Control>,
    #[serde(with = "text::millis")]
    pub(super) quote_observed_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) quote_standing_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) session_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) orders_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) funds_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) account_ms: SignedDuration,
    #[serde(with = "text::millis")]
    pub(super) halt_ms: SignedDuration,
}

impl From<&Verdict> for VerdictLine {
    fn from(verdict: &Verdict) -> Self {
        let ages = verdict.ages();
        Self {
            passed: verdict.passed().to_vec(),
            quote_observed_ms: ages.quote_observed,
            quote_standing_ms: ages.quote_standing,
            session_ms: ages.session,
            orders_ms: ages.orders,
            funds_ms: ages.funds,
            account_ms: ages.account,
            halt_ms: ages.halt,
        }
    }
}

impl From<VerdictLine> for Verdict {
    fn from(line: VerdictLine) -> Self {
        let ages = Ages {
            quote_observed: line.quote_observed_ms,
            quote_standing: line.quote_standing_ms,
            session: line.session_ms,
            orders: line.orders_ms,
            funds: line.funds_ms,
            account: line.account_ms,
            halt: line.halt_ms,
        };
        Self::recorded(line.passed, ages)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct BaseLine {
    #[serde(with = "text")]
    pub(super) near: Price,
    #[serde(with = "text")]
    pub(super) ticks: Decimal,
}

impl From<Base> for BaseLine {
    fn from(base: Base) -> Self {
        Self { near: base.near, ticks: base.ticks }
    }
}

impl From<BaseLine> for Base {
    fn from(line: BaseLine) -> Self {
        Self { near: line.near, ticks: line.ticks }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct IntentLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    pub(super) attempt: u32,
    #[serde(with = "text")]
    pub(super) client_order_id: ClientOrderId,
    #[serde(with = "text")]
    pub(super) side: Side,
    #[serde(with = "text")]
    pub(super) quantity: Quantity,
    #[serde(with = "text")]
    pub(super) limit: Price,
    #[serde(with = "text")]
    pub(super) kind: OrderKind,
    #[serde(with = "text")]
    pub(super) purpose: Purpose,
    pub(super) quote: QuoteLine,
    pub(super) before: BaseLine,
    pub(super) ramp: Option<BaseLine>,
    pub(super) verdict: VerdictLine,
}

impl From<&Intent> for IntentLine {
    fn from(intent: &Intent) -> Self {
        Self {
            symbol: intent.terms.symbol.clone(),
            attempt: intent.attempt,
            client_order_id: intent.client_order_id.clone(),
            side: intent.terms.side,
            quantity: intent.terms.quantity,
            limit: intent.terms.limit,
            kind: intent.terms.kind,
            purpose: intent.purpose,
            quote: (&intent.quote).into(),
            before: intent.before.into(),
            ramp: intent.ramp.map(BaseLine::from),
            verdict: (&intent.verdict).into(),
        }
    }
}

impl From<IntentLine> for Intent {
    fn from(line: IntentLine) -> Self {
        Self {
            attempt: line.attempt,
            client_order_id: line.client_order_id,
            terms: OrderTerms {
                symbol: line.symbol,
                side: line.side,
                quantity: line.quantity,
                limit: line.limit,
                kind: line.kind,
            },
            purpose: line.purpose,
            quote: line.quote.into(),
            before: line.before.into(),
            ramp: line.ramp.map(Base::from),
            verdict: line.verdict.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReportLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    pub(super) attempt: u32,
    #[serde(with = "text")]
    pub(super) broker_order_id: BrokerOrderId,
    #[serde(with = "text")]
    pub(super) status: BrokerStatus,
    #[serde(with = "text")]
    pub(super) quantity: Quantity,
    #[serde(with = "text::option")]
    pub(super) limit: Option<Price>,
    #[serde(with = "text")]
    pub(super) cumulative: Quantity,
    #[serde(with = "text::option")]
    pub(super) average_price: Option<Price>,
    pub(super) submitted_at: Timestamp,
    pub(super) filled_at: Option<Timestamp>,
    pub(super) quote: Option<QuoteLine>,
}

impl ReportLine {
    pub(super) fn new(symbol: &Symbol, attempt: u32, report: &Reported) -> Self {
        Self {
            symbol: symbol.clone(),
            attempt,
            broker_order_id: report.broker_order_id.clone(),
            status: report.status,
            quantity: report.quantity,
            limit: report.limit,
            cumulative: report.cumulative,
            average_price: report.average_price,
            submitted_at: report.submitted_at,
            filled_at: report.filled_at,
            quote: report.quote.as_ref().map(QuoteLine::from),
        }
    }
}

impl From<ReportLine> for Reported {
    fn from(line: ReportLine) -> Self {
        Self {
            broker_order_id: line.broker_order_id,
            status: line.status,
            quantity: line.quantity,
            limit: line.limit,
            cumulative: line.cumulative,
            average_price: line.average_price,
            submitted_at: line.submitted_at,
            filled_at: line.filled_at,
            quote: line.quote.map(Quote::from),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DifferenceLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    #[serde(with = "text")]
    pub(super) expected: Quantity,
    #[serde(with = "text")]
    pub(super) found: Quantity,
}

#[derive(Serialize, Deserialize)]
pub(super) struct OutcomeLine {
    #[serde(with = "text")]
    pub(super) status: PlanStatus,
    pub(super) completed: bool,
    pub(super) no_trades_needed: bool,
    pub(super) placed: u32,
    pub(super) succeeded: u32,
    #[serde(with = "text::list")]
    pub(super) failed_symbols: Vec<Symbol>,
    pub(super) failure_reason: Option<String>,
    pub(super) failure_step: Option<String>,
    pub(super) code: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AnnouncedLine {
    #[serde(with = "text")]
    pub(super) event_id: EventId,
    pub(super) detail_type: String,
    pub(super) detail: String,
}

/// The words of the refusal kinds; the one with a number is told apart by it.
const REFUSALS: [(RefusalKind, &str); 6] = [
    (RefusalKind::InsufficientQuantity { available: None }, "insufficient_quantity"),
    (RefusalKind::InsufficientFunds, "insufficient_funds"),
    (RefusalKind::SubPenny, "sub_penny"),
    (RefusalKind::NotFractionable, "not_fractionable"),
    (RefusalKind::WashTrade, "wash_trade"),
    (RefusalKind::Other, "other"),
];

pub(super) fn refusal_word(kind: RefusalKind) -> (String, Option<Quantity>) {
    let (bare, available) = match kind {
        RefusalKind::InsufficientQuantity { available } => {
            (RefusalKind::InsufficientQuantity { available: None }, available)
        }
        other => (other, None),
    };
    let word = REFUSALS.iter().find(|(known, _)| *known == bare).map_or("other", |(_, word)| word);
    (word.to_owned(), available)
}

pub(super) fn refusal_kind(word: &str, available: Option<Quantity>) -> Result<RefusalKind, String> {
    let found = REFUSALS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind);
    match found {
        Some(RefusalKind::InsufficientQuantity { .. }) => {
            Ok(RefusalKind::InsufficientQuantity { available })
        }
        Some(kind) => Ok(kind),
        None => Err(text::unknown("refusal", word)),
    }
}

impl From<&Outcome> for OutcomeLine {
    fn from(outcome: &Outcome) -> Self {
        Self {
            status: outcome.status,
            completed: outcome.completed,
            no_trades_needed: outcome.no_trades_needed,
            placed: outcome.placed,
            succeeded: outcome.succeeded,
            failed_symbols: outcome.failed_symbols.clone(),
            failure_reason: outcome.failure_reason.clone(),
            failure_step: outcome.failure_step.clone(),
            code: outcome.code.clone(),
        }
    }
}

impl From<OutcomeLine> for Outcome {
    fn from(line: OutcomeLine) -> Self {
        Self {
            status: line.status,
            completed: line.completed,
            no_trades_needed: line.no_trades_needed,
            placed: line.placed,
            succeeded: line.succeeded,
            failed_symbols: line.failed_symbols,
            failure_reason: line.failure_reason,
            failure_step: line.failure_step,
            code: line.code,
        }
    }
}
