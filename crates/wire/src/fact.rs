//! Facts as JSON: flat objects with the field's words, so that a log can be read as it is.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::{OrderTerms, Purpose},
    controls::{Ages, Control, Verdict},
    fact::{
        Announced, CancelReason, Fact, FactKind, Funds, Intent, LegCheck, Phase, PositionDifference, Preflight, Refusal,
        RefusalKind, Reported, Sized, StopCode,
    },
    ids::{AccountId, BrokerOrderId, ClientOrderId, CorrelationId, EventId, Owner, PlanId, Symbol},
    leg::{LegOutcome, Reason, WaitCode},
    money::Money,
    outcome::{Outcome, PlanStatus},
    peg::Base,
    plan::{Action, Plan, PlanItem, PlanRefused, RefusalCode, Urgency},
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

/// A fact with its time.
#[derive(Serialize, Deserialize)]
pub(crate) struct FactLine {
    at: Timestamp,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
enum Kind {
    Claimed(Box<PlanLine>),
    Acquired {
        #[serde(with = "text")]
        account: AccountId,
    },
    LeaseTaken {
        epoch: u32,
        #[serde(with = "text")]
        owner: Owner,
    },
    PreflightPassed(PreflightLine),
    PlanStopped {
        #[serde(with = "text")]
        code: StopCode,
    },
    FundsVerified {
        #[serde(with = "text")]
        before: Money,
        #[serde(with = "text")]
        proceeds: Money,
    },
    Allocated {
        amounts: Vec<Amount>,
    },
    Arrived {
        #[serde(with = "text")]
        symbol: Symbol,
        quote: QuoteLine,
    },
    Sized {
        #[serde(with = "text")]
        symbol: Symbol,
        #[serde(with = "text")]
        target: Quantity,
        trimmed: bool,
    },
    Waiting {
        #[serde(with = "text")]
        symbol: Symbol,
        #[serde(with = "text::option")]
        code: Option<WaitCode>,
    },
    Intent(Box<IntentLine>),
    Resubmitted {
        #[serde(with = "text")]
        symbol: Symbol,
        attempt: u32,
        verdict: VerdictLine,
    },
    AnswerLost(AttemptLine),
    NotFound(AttemptLine),
    Refused {
        #[serde(with = "text")]
        symbol: Symbol,
        attempt: u32,
        kind: String,
        #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
        available: Option<Quantity>,
        message: String,
    },
    Unsent(AttemptLine),
    Unresolved(AttemptLine),
    Reported(Box<ReportLine>),
    CancelRequested {
        #[serde(with = "text")]
        symbol: Symbol,
        attempt: u32,
        #[serde(with = "text")]
        reason: CancelReason,
    },
    LegFinished {
        #[serde(with = "text")]
        symbol: Symbol,
        outcome: String,
        reason: Option<String>,
    },
    PhaseChanged {
        #[serde(with = "text")]
        phase: Phase,
    },
    Reconciled {
        differences: Vec<DifferenceLine>,
    },
    OutcomeReached(Box<OutcomeLine>),
    Announced(Box<AnnouncedLine>),
    Published {
        #[serde(with = "text")]
        event_id: EventId,
    },
    HandedOver {},
    InputRefused {
        #[serde(with = "text")]
        code: RefusalCode,
        field: String,
        expected: String,
        found: String,
    },
}

#[derive(Serialize, Deserialize)]
struct AttemptLine {
    #[serde(with = "text")]
    symbol: Symbol,
    attempt: u32,
}

#[derive(Serialize, Deserialize)]
struct Amount {
    #[serde(with = "text")]
    symbol: Symbol,
    #[serde(with = "text")]
    amount: Money,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct QuoteLine {
    #[serde(with = "text")]
    bid: Price,
    #[serde(with = "text")]
    bid_size: Quantity,
    #[serde(with = "text")]
    ask: Price,
    #[serde(with = "text")]
    ask_size: Quantity,
    changed_at: Timestamp,
    observed_at: Timestamp,
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
struct PlanLine {
    #[serde(with = "text")]
    account: AccountId,
    #[serde(with = "text")]
    source_event: EventId,
    #[serde(with = "text")]
    plan_id: PlanId,
    #[serde(with = "text")]
    correlation_id: CorrelationId,
    timestamp: Timestamp,
    received_at: Timestamp,
    valid_until: Timestamp,
    #[serde(with = "text")]
    urgency: Urgency,
    #[serde(with = "text")]
    portfolio_value: Money,
    #[serde(with = "text")]
    trade_value: Money,
    trades_required: bool,
    content_sha256: String,
    items: Vec<ItemLine>,
    attribution: BTreeMap<String, Vec<(String, String)>>,
}

#[derive(Serialize, Deserialize)]
struct ItemLine {
    #[serde(with = "text")]
    symbol: Symbol,
    #[serde(with = "text")]
    action: Action,
    #[serde(with = "text")]
    trade_amount: Money,
    #[serde(with = "text")]
    current_value: Money,
    #[serde(with = "text")]
    target_value: Money,
    #[serde(with = "text")]
    current_weight: Decimal,
    #[serde(with = "text")]
    target_weight: Decimal,
    priority: u8,
}

impl From<&Plan> for PlanLine {
    fn from(plan: &Plan) -> Self {
        let item = |item: &PlanItem| ItemLine {
            symbol: item.symbol.clone(),
            action: item.action,
            trade_amount: item.trade_amount,
            current_value: item.current_value,
            target_value: item.target_value,
            current_weight: item.current_weight,
            target_weight: item.target_weight,
            priority: item.priority,
        };
        Self {
            account: plan.account.clone(),
            source_event: plan.source_event.clone(),
            plan_id: plan.plan_id.clone(),
            correlation_id: plan.correlation_id.clone(),
            timestamp: plan.timestamp,
            received_at: plan.received_at,
            valid_until: plan.valid_until,
            urgency: plan.urgency,
            portfolio_value: plan.portfolio_value,
            trade_value: plan.trade_value,
            trades_required: plan.trades_required,
            content_sha256: plan.content_sha256(),
            items: plan.items.iter().map(item).collect(),
            attribution: plan.attribution.clone(),
        }
    }
}

impl From<PlanLine> for Plan {
    fn from(line: PlanLine) -> Self {
        let item = |item: ItemLine| PlanItem {
            symbol: item.symbol,
            action: item.action,
            trade_amount: item.trade_amount,
            current_value: item.current_value,
            target_value: item.target_value,
            current_weight: item.current_weight,
            target_weight: item.target_weight,
            priority: item.priority,
        };
        Self {
            account: line.account,
            source_event: line.source_event,
            plan_id: line.plan_id,
            correlation_id: line.correlation_id,
            timestamp: line.timestamp,
            received_at: line.received_at,
            valid_until: line.valid_until,
            urgency: line.urgency,
            portfolio_value: line.portfolio_value,
            trade_value: line.trade_value,
            trades_required: line.trades_required,
            items: line.items.into_iter().map(item).collect(),
            attribution: line.attribution,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct PreflightLine {
    #[serde(with = "text")]
    mode: TradeMode,
    #[serde(with = "text")]
    equity: Money,
    #[serde(with = "text")]
    policy: PolicyKind,
    #[serde(with = "text::millis")]
    working_time_ms: SignedDuration,
    #[serde(with = "text::millis")]
    window_ms: SignedDuration,
    deadline: Timestamp,
    opened_at: Timestamp,
    closes_at: Timestamp,
    legs: Vec<LegLine>,
}

#[derive(Serialize, Deserialize)]
struct LegLine {
    #[serde(with = "text")]
    symbol: Symbol,
    fractionable: bool,
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    tick: Option<Tick>,
    #[serde(with = "text")]
    round_lot: Quantity,
    #[serde(with = "text")]
    held: Quantity,
    #[serde(with = "text")]
    available: Quantity,
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
            legs: line.legs.into_iter().map(leg).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct VerdictLine {
    #[serde(with = "text::list")]
    passed: Vec<Control>,
    #[serde(with = "text::millis")]
    quote_observed_ms: SignedDuration,
    #[serde(with = "text::millis")]
    quote_standing_ms: SignedDuration,
    #[serde(with = "text::millis")]
    session_ms: SignedDuration,
    #[serde(with = "text::millis")]
    orders_ms: SignedDuration,
    #[serde(with = "text::millis")]
    funds_ms: SignedDuration,
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
        };
        Self::recorded(line.passed, ages)
    }
}

#[derive(Serialize, Deserialize)]
struct BaseLine {
    #[serde(with = "text")]
    near: Price,
    #[serde(with = "text")]
    ticks: Decimal,
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
struct IntentLine {
    #[serde(with = "text")]
    symbol: Symbol,
    attempt: u32,
    #[serde(with = "text")]
    client_order_id: ClientOrderId,
    #[serde(with = "text")]
    side: Side,
    #[serde(with = "text")]
    quantity: Quantity,
    #[serde(with = "text")]
    limit: Price,
    #[serde(with = "text")]
    purpose: Purpose,
    quote: QuoteLine,
    before: BaseLine,
    ramp: Option<BaseLine>,
    verdict: VerdictLine,
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
            terms: OrderTerms { symbol: line.symbol, side: line.side, quantity: line.quantity, limit: line.limit },
            purpose: line.purpose,
            quote: line.quote.into(),
            before: line.before.into(),
            ramp: line.ramp.map(Base::from),
            verdict: line.verdict.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ReportLine {
    #[serde(with = "text")]
    symbol: Symbol,
    attempt: u32,
    #[serde(with = "text")]
    broker_order_id: BrokerOrderId,
    #[serde(with = "text")]
    status: BrokerStatus,
    #[serde(with = "text")]
    quantity: Quantity,
    #[serde(with = "text::option")]
    limit: Option<Price>,
    #[serde(with = "text")]
    cumulative: Quantity,
    #[serde(with = "text::option")]
    average_price: Option<Price>,
    submitted_at: Timestamp,
    filled_at: Option<Timestamp>,
    quote: Option<QuoteLine>,
}

impl ReportLine {
    fn new(symbol: &Symbol, attempt: u32, report: &Reported) -> Self {
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
struct DifferenceLine {
    #[serde(with = "text")]
    symbol: Symbol,
    #[serde(with = "text")]
    expected: Quantity,
    #[serde(with = "text")]
    found: Quantity,
}

#[derive(Serialize, Deserialize)]
struct OutcomeLine {
    #[serde(with = "text")]
    status: PlanStatus,
    completed: bool,
    no_trades_needed: bool,
    placed: u32,
    succeeded: u32,
    #[serde(with = "text::list")]
    failed_symbols: Vec<Symbol>,
    failure_reason: Option<String>,
    failure_step: Option<String>,
    code: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AnnouncedLine {
    #[serde(with = "text")]
    event_id: EventId,
    detail_type: String,
    detail: String,
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

fn refusal_word(kind: RefusalKind) -> (String, Option<Quantity>) {
    let (bare, available) = match kind {
        RefusalKind::InsufficientQuantity { available } => {
            (RefusalKind::InsufficientQuantity { available: None }, available)
        }
        other => (other, None),
    };
    let word = REFUSALS.iter().find(|(known, _)| *known == bare).map_or("other", |(_, word)| word);
    (word.to_owned(), available)
}

fn refusal_kind(word: &str, available: Option<Quantity>) -> Result<RefusalKind, String> {
    let found = REFUSALS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind);
    match found {
        Some(RefusalKind::InsufficientQuantity { .. }) => Ok(RefusalKind::InsufficientQuantity { available }),
        Some(kind) => Ok(kind),
        None => Err(text::unknown("refusal", word)),
    }
}

impl From<&Fact> for FactLine {
    fn from(fact: &Fact) -> Self {
        Self { at: fact.at, kind: Kind::from(&fact.kind) }
    }
}

impl From<&FactKind> for Kind {
    #[expect(clippy::too_many_lines, reason = "one arm for each fact, and each arm a line or two")]
    fn from(kind: &FactKind) -> Self {
        let attempt = |symbol: &Symbol, attempt: &u32| AttemptLine { symbol: symbol.clone(), attempt: *attempt };
        match kind {
            FactKind::Claimed(plan) => Self::Claimed(Box::new(PlanLine::from(plan.as_ref()))),
            FactKind::Acquired(account) => Self::Acquired { account: account.clone() },
            FactKind::LeaseTaken(epoch, owner) => Self::LeaseTaken { epoch: *epoch, owner: owner.clone() },
            FactKind::PreflightPassed(preflight) => Self::PreflightPassed(preflight.into()),
            FactKind::PlanStopped(code) => Self::PlanStopped { code: *code },
            FactKind::FundsVerified(funds) => Self::FundsVerified { before: funds.before, proceeds: funds.proceeds },
            FactKind::Allocated(amounts) => {
                let line = |(symbol, amount): &(Symbol, Money)| Amount { symbol: symbol.clone(), amount: *amount };
                Self::Allocated { amounts: amounts.iter().map(line).collect() }
            }
            FactKind::Arrived(symbol, quote) => Self::Arrived { symbol: symbol.clone(), quote: quote.into() },
            FactKind::Sized(symbol, sized) => {
                Self::Sized { symbol: symbol.clone(), target: sized.target, trimmed: sized.trimmed }
            }
            FactKind::Waiting(symbol, code) => Self::Waiting { symbol: symbol.clone(), code: *code },
            FactKind::Intent(intent) => Self::Intent(Box::new(intent.as_ref().into())),
            FactKind::Resubmitted(symbol, attempt, verdict) => {
                Self::Resubmitted { symbol: symbol.clone(), attempt: *attempt, verdict: verdict.into() }
            }
            FactKind::AnswerLost(symbol, number) => Self::AnswerLost(attempt(symbol, number)),
            FactKind::NotFound(symbol, number) => Self::NotFound(attempt(symbol, number)),
            FactKind::Refused(symbol, attempt, refusal) => {
                let (kind, available) = refusal_word(refusal.kind);
                let message = refusal.message.clone();
                Self::Refused { symbol: symbol.clone(), attempt: *attempt, kind, available, message }
            }
            FactKind::Unsent(symbol, number) => Self::Unsent(attempt(symbol, number)),
            FactKind::Unresolved(symbol, number) => Self::Unresolved(attempt(symbol, number)),
            FactKind::Reported(symbol, attempt, report) => {
                Self::Reported(Box::new(ReportLine::new(symbol, *attempt, report)))
            }
            FactKind::CancelRequested(symbol, attempt, reason) => {
                Self::CancelRequested { symbol: symbol.clone(), attempt: *attempt, reason: *reason }
            }
            FactKind::LegFinished(symbol, outcome) => Self::LegFinished {
                symbol: symbol.clone(),
                outcome: outcome.word().to_owned(),
                reason: outcome.reason().map(|reason| reason.code().to_owned()),
            },
            FactKind::PhaseChanged(phase) => Self::PhaseChanged { phase: *phase },
            FactKind::Reconciled(differences) => {
                let line = |difference: &PositionDifference| DifferenceLine {
                    symbol: difference.symbol.clone(),
                    expected: difference.expected,
                    found: difference.found,
                };
                Self::Reconciled { differences: differences.iter().map(line).collect() }
            }
            FactKind::OutcomeReached(outcome) => Self::OutcomeReached(Box::new(outcome.as_ref().into())),
            FactKind::Announced(event) => Self::Announced(Box::new(AnnouncedLine {
                event_id: event.event_id.clone(),
                detail_type: event.detail_type.clone(),
                detail: event.detail.clone(),
            })),
            FactKind::Published(event_id) => Self::Published { event_id: event_id.clone() },
            FactKind::HandedOver => Self::HandedOver {},
            FactKind::InputRefused(refused) => Self::InputRefused {
                code: refused.code,
                field: refused.field.clone(),
                expected: refused.expected.clone(),
                found: refused.found.clone(),
            },
        }
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

impl TryFrom<FactLine> for Fact {
    type Error = String;

    fn try_from(line: FactLine) -> Result<Self, String> {
        Ok(Self { at: line.at, kind: FactKind::try_from(line.kind)? })
    }
}

impl TryFrom<Kind> for FactKind {
    type Error = String;

    #[expect(clippy::too_many_lines, reason = "one arm for each fact, and each arm a line or two")]
    fn try_from(kind: Kind) -> Result<Self, String> {
        Ok(match kind {
            Kind::Claimed(plan) => Self::Claimed(Box::new(Plan::from(*plan))),
            Kind::Acquired { account } => Self::Acquired(account),
            Kind::LeaseTaken { epoch, owner } => Self::LeaseTaken(epoch, owner),
            Kind::PreflightPassed(preflight) => Self::PreflightPassed(preflight.into()),
            Kind::PlanStopped { code } => Self::PlanStopped(code),
            Kind::FundsVerified { before, proceeds } => Self::FundsVerified(Funds { before, proceeds }),
            Kind::Allocated { amounts } => {
                Self::Allocated(amounts.into_iter().map(|line| (line.symbol, line.amount)).collect())
            }
            Kind::Arrived { symbol, quote } => Self::Arrived(symbol, quote.into()),
            Kind::Sized { symbol, target, trimmed } => Self::Sized(symbol, Sized { target, trimmed }),
            Kind::Waiting { symbol, code } => Self::Waiting(symbol, code),
            Kind::Intent(intent) => Self::Intent(Box::new((*intent).into())),
            Kind::Resubmitted { symbol, attempt, verdict } => Self::Resubmitted(symbol, attempt, verdict.into()),
            Kind::AnswerLost(line) => Self::AnswerLost(line.symbol, line.attempt),
            Kind::NotFound(line) => Self::NotFound(line.symbol, line.attempt),
            Kind::Refused { symbol, attempt, kind, available, message } => {
                Self::Refused(symbol, attempt, Refusal { kind: refusal_kind(&kind, available)?, message })
            }
            Kind::Unsent(line) => Self::Unsent(line.symbol, line.attempt),
            Kind::Unresolved(line) => Self::Unresolved(line.symbol, line.attempt),
            Kind::Reported(line) => {
                let (symbol, attempt) = (line.symbol.clone(), line.attempt);
                Self::Reported(symbol, attempt, Box::new((*line).into()))
            }
            Kind::CancelRequested { symbol, attempt, reason } => Self::CancelRequested(symbol, attempt, reason),
            Kind::LegFinished { symbol, outcome, reason } => {
                let known = |code: &String| Reason::from_code(code).ok_or_else(|| text::unknown("reason", code));
                let reason = reason.as_ref().map(known).transpose()?;
                let outcome = LegOutcome::from_words(&outcome, reason);
                Self::LegFinished(symbol, outcome.ok_or_else(|| text::unknown("leg outcome", format!("{reason:?}")))?)
            }
            Kind::PhaseChanged { phase } => Self::PhaseChanged(phase),
            Kind::Reconciled { differences } => {
                let line = |line: DifferenceLine| PositionDifference {
                    symbol: line.symbol,
                    expected: line.expected,
                    found: line.found,
                };
                Self::Reconciled(differences.into_iter().map(line).collect())
            }
            Kind::OutcomeReached(outcome) => Self::OutcomeReached(Box::new((*outcome).into())),
            Kind::Announced(line) => Self::Announced(Box::new(Announced {
                event_id: line.event_id,
                detail_type: line.detail_type,
                detail: line.detail,
            })),
            Kind::Published { event_id } => Self::Published(event_id),
            Kind::HandedOver {} => Self::HandedOver,
            Kind::InputRefused { code, field, expected, found } => {
                Self::InputRefused(PlanRefused { code, field, expected, found })
            }
        })
    }
}
