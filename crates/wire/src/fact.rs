//! Facts as JSON: flat objects with the field's words, so that a log can be read as it is.

mod part;
mod plan_line;
mod worded;

use std::{borrow::Cow, fmt};

use alchemiser_core::{
    fact::{
        Announced, CancelReason, Fact, FactKind, Funds, Mark, Phase, PositionDifference, Refusal,
        Sized, StopCode,
    },
    ids::{EventId, Owner, Symbol},
    leg::{LegOutcome, Reason, WaitCode},
    money::Money,
    plan::{Plan, PlanRefused, RefusalCode},
    quantity::Quantity,
    recovery::Recovery,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapDeserializer},
};

use crate::{
    account::{AcquiredLine, HaltLine},
    learning::LearnedLine,
    text,
};
use part::{
    Amount, AnnouncedLine, AttemptLine, DifferenceLine, IntentLine, OutcomeLine, PreflightLine,
    QuoteLine, ReportLine, VerdictLine, refusal_kind, refusal_word,
};
use plan_line::PlanLine;
use worded::Worded;

/// A fact with its time.
#[derive(Serialize)]
pub(crate) struct FactLine {
    at: Timestamp,
    #[serde(flatten)]
    kind: Kind,
}

impl<'de> Deserialize<'de> for FactLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a fact: its time, its word, and the fields that belong to the word. Written in this order it is read in one
/// pass; in any other order the fields are kept until the word is known.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = FactLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fact with `at` and `fact`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<FactLine, A::Error> {
        let (mut at, mut word) = (None, None);
        let mut others = serde_json::Map::new();
        while let Some(Word(key)) = fields.next_key()? {
            match key.as_ref() {
                "at" => at = Some(fields.next_value()?),
                "fact" => word = Some(fields.next_value::<Word<'_>>()?.0),
                other => {
                    others.insert(other.to_owned(), fields.next_value()?);
                }
            }
            if let (Some(at), Some(word), true) = (at, &word, others.is_empty()) {
                let kind = KindOf::deserialize(Worded { word, fields })?;
                return Ok(FactLine { at, kind });
            }
        }
        let at = at.ok_or_else(|| A::Error::missing_field("at"))?;
        let word = word.ok_or_else(|| A::Error::missing_field("fact"))?;
        let fields = MapDeserializer::<_, serde_json::Error>::new(others.into_iter());
        let kind = KindOf::deserialize(Worded { word: &word, fields });
        Ok(FactLine { at, kind: kind.map_err(A::Error::custom)? })
    }
}

#[derive(Deserialize)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

/// Written with the word among the fields, read by the word.
macro_rules! kinds {
    ($($variants:tt)*) => {
        #[derive(Serialize)]
        #[serde(tag = "fact", rename_all = "snake_case")]
        enum Kind { $($variants)* }

        #[derive(Deserialize)]
        #[serde(remote = "Kind", rename_all = "snake_case")]
        enum KindOf { $($variants)* }
    };
}

kinds! {
    Claimed(Box<PlanLine>),
    Acquired(AcquiredLine),
    Learned(LearnedLine),
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
    HaltSeen(HaltLine),
    CancelSeen(HaltLine),
    FundsVerified {
        #[serde(with = "text")]
        before: Money,
        /// Where it is not what could be spent.
        #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
        shown: Option<Money>,
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
        quote: Option<QuoteLine>,
    },
    Marked {
        #[serde(with = "text")]
        symbol: Symbol,
        attempt: u32,
        seconds: u32,
        #[serde(with = "text")]
        mid: Decimal,
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
    Recovered {
        entries: u64,
        orders: u32,
        is_over: bool,
    },
    Adopted(Box<ReportLine>),
    InputRefused {
        #[serde(with = "text")]
        code: RefusalCode,
        field: String,
        expected: String,
        found: String,
    },
}

impl From<&Fact> for FactLine {
    fn from(fact: &Fact) -> Self {
        Self { at: fact.at, kind: Kind::from(&fact.kind) }
    }
}

impl From<&FactKind> for Kind {
    #[expect(clippy::too_many_lines, reason = "one arm for each fact, and each arm a line or two")]
    fn from(kind: &FactKind) -> Self {
        let attempt = |symbol: &Symbol, attempt: &u32| AttemptLine {
            symbol: symbol.clone(),
            attempt: *attempt,
        };
        match kind {
            FactKind::Claimed(plan) => Self::Claimed(Box::new(PlanLine::from(plan.as_ref()))),
            FactKind::Acquired(acquisition) => Self::Acquired(acquisition.as_ref().into()),
            FactKind::Learned(learned) => Self::Learned(learned.as_ref().into()),
            FactKind::LeaseTaken(epoch, owner) => {
                Self::LeaseTaken { epoch: *epoch, owner: owner.clone() }
            }
            FactKind::PreflightPassed(preflight) => Self::PreflightPassed(preflight.into()),
            FactKind::PlanStopped(code) => Self::PlanStopped { code: *code },
            FactKind::HaltSeen(halt) => Self::HaltSeen(halt.into()),
            FactKind::CancelSeen(who) => Self::CancelSeen(who.into()),
            FactKind::FundsVerified(funds) => {
                let Funds { before, shown, proceeds } = *funds;
                let shown = (shown != before).then_some(shown);
                Self::FundsVerified { before, shown, proceeds }
            }
            FactKind::Allocated(amounts) => {
                let line = |(symbol, amount): &(Symbol, Money)| Amount {
                    symbol: symbol.clone(),
                    amount: *amount,
                };
                Self::Allocated { amounts: amounts.iter().map(line).collect() }
            }
            FactKind::Arrived(symbol, quote) => {
                Self::Arrived { symbol: symbol.clone(), quote: quote.into() }
            }
            FactKind::Sized(symbol, sized) => {
                Self::Sized { symbol: symbol.clone(), target: sized.target, trimmed: sized.trimmed }
            }
            FactKind::Waiting(symbol, code) => {
                Self::Waiting { symbol: symbol.clone(), code: *code }
            }
            FactKind::Intent(intent) => Self::Intent(Box::new(intent.as_ref().into())),
            FactKind::Resubmitted(symbol, attempt, verdict) => Self::Resubmitted {
                symbol: symbol.clone(),
                attempt: *attempt,
                verdict: verdict.into(),
            },
            FactKind::AnswerLost(symbol, number) => Self::AnswerLost(attempt(symbol, number)),
            FactKind::NotFound(symbol, number) => Self::NotFound(attempt(symbol, number)),
            FactKind::Refused(symbol, attempt, refusal) => {
                let (kind, available) = refusal_word(refusal.kind);
                let message = refusal.message.clone();
                Self::Refused {
                    symbol: symbol.clone(),
                    attempt: *attempt,
                    kind,
                    available,
                    message,
                }
            }
            FactKind::Unsent(symbol, number) => Self::Unsent(attempt(symbol, number)),
            FactKind::Unresolved(symbol, number) => Self::Unresolved(attempt(symbol, number)),
            FactKind::Reported(symbol, attempt, report) => {
                Self::Reported(Box::new(ReportLine::new(symbol, *attempt, report)))
            }
            FactKind::CancelRequested(symbol, attempt, reason) => {
                Self::CancelRequested { symbol: symbol.clone(), attempt: *attempt, reason: *reason }
            }
            FactKind::LegFinished(symbol, outcome, quote) => Self::LegFinished {
                symbol: symbol.clone(),
                outcome: outcome.word().to_owned(),
                reason: outcome.reason().map(|reason| reason.code().to_owned()),
                quote: quote.as_deref().map(QuoteLine::from),
            },
            FactKind::Marked(symbol, attempt, mark) => Self::Marked {
                symbol: symbol.clone(),
                attempt: *attempt,
                seconds: mark.seconds,
                mid: mark.mid,
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
            FactKind::OutcomeReached(outcome) => {
                Self::OutcomeReached(Box::new(outcome.as_ref().into()))
            }
            FactKind::Announced(event) => Self::Announced(Box::new(AnnouncedLine {
                event_id: event.event_id.clone(),
                detail_type: event.detail_type.clone(),
                detail: event.detail.clone(),
            })),
            FactKind::Published(event_id) => Self::Published { event_id: event_id.clone() },
            FactKind::HandedOver => Self::HandedOver {},
            FactKind::Recovered(Recovery { entries, orders, is_over }) => {
                Self::Recovered { entries: *entries, orders: *orders, is_over: *is_over }
            }
            FactKind::Adopted(symbol, attempt, report) => {
                Self::Adopted(Box::new(ReportLine::new(symbol, *attempt, report)))
            }
            FactKind::InputRefused(refused) => Self::InputRefused {
                code: refused.code,
                field: refused.field.clone(),
                expected: refused.expected.clone(),
                found: refused.found.clone(),
            },
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
            Kind::Acquired(line) => Self::Acquired(Box::new(line.into())),
            Kind::Learned(line) => Self::Learned(Box::new(line.try_into()?)),
            Kind::LeaseTaken { epoch, owner } => Self::LeaseTaken(epoch, owner),
            Kind::PreflightPassed(preflight) => Self::PreflightPassed(preflight.into()),
            Kind::PlanStopped { code } => Self::PlanStopped(code),
            Kind::HaltSeen(line) => Self::HaltSeen(line.into()),
            Kind::CancelSeen(line) => Self::CancelSeen(line.into()),
            Kind::FundsVerified { before, shown, proceeds } => {
                let shown = shown.unwrap_or(before);
                Self::FundsVerified(Funds { before, shown, proceeds })
            }
            Kind::Allocated { amounts } => Self::Allocated(
                amounts.into_iter().map(|line| (line.symbol, line.amount)).collect(),
            ),
            Kind::Arrived { symbol, quote } => Self::Arrived(symbol, quote.into()),
            Kind::Sized { symbol, target, trimmed } => {
                Self::Sized(symbol, Sized { target, trimmed })
            }
            Kind::Waiting { symbol, code } => Self::Waiting(symbol, code),
            Kind::Intent(intent) => Self::Intent(Box::new((*intent).into())),
            Kind::Resubmitted { symbol, attempt, verdict } => {
                Self::Resubmitted(symbol, attempt, verdict.into())
            }
            Kind::AnswerLost(line) => Self::AnswerLost(line.symbol, line.attempt),
            Kind::NotFound(line) => Self::NotFound(line.symbol, line.attempt),
            Kind::Refused { symbol, attempt, kind, available, message } => Self::Refused(
                symbol,
                attempt,
                Refusal { kind: refusal_kind(&kind, available)?, message },
            ),
            Kind::Unsent(line) => Self::Unsent(line.symbol, line.attempt),
            Kind::Unresolved(line) => Self::Unresolved(line.symbol, line.attempt),
            Kind::Reported(line) => {
                let (symbol, attempt) = (line.symbol.clone(), line.attempt);
                Self::Reported(symbol, attempt, Box::new((*line).into()))
            }
            Kind::CancelRequested { symbol, attempt, reason } => {
                Self::CancelRequested(symbol, attempt, reason)
            }
            Kind::Marked { symbol, attempt, seconds, mid } => {
                Self::Marked(symbol, attempt, Mark { seconds, mid })
            }
            Kind::LegFinished { symbol, outcome, reason, quote } => {
                let known = |code: &String| {
                    Reason::from_code(code).ok_or_else(|| text::unknown("reason", code))
                };
                let reason = reason.as_ref().map(known).transpose()?;
                let outcome = LegOutcome::from_words(&outcome, reason);
                Self::LegFinished(
                    symbol,
                    outcome.ok_or_else(|| text::unknown("leg outcome", format!("{reason:?}")))?,
                    quote.map(|quote| Box::new(quote.into())),
                )
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
            Kind::Recovered { entries, orders, is_over } => {
                Self::Recovered(Recovery { entries, orders, is_over })
            }
            Kind::Adopted(line) => {
                let (symbol, attempt) = (line.symbol.clone(), line.attempt);
                Self::Adopted(symbol, attempt, Box::new((*line).into()))
            }
            Kind::InputRefused { code, field, expected, found } => {
                Self::InputRefused(PlanRefused { code, field, expected, found })
            }
        })
    }
}
