//! `TradeExecutionRequested` 1.0: somebody should go on with a plan.

use alchemiser_core::{
    ids::{AccountId, CorrelationId, EventId, PlanId},
    plan::{PlanRefused, RefusalCode},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{incoming::Envelope, strict};

/// The detail-type.
pub const DETAIL_TYPE: &str = "TradeExecutionRequested";

/// Why it is asked for.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The plan was just claimed, or came again unfinished.
    Claimed,
    /// The last owner ran out of time.
    HandedOver,
    /// The last owner's lease is over.
    LeaseOver,
    /// The account became free.
    AccountFree,
    /// Events are still to be published.
    Outbox,
}

impl Why {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::HandedOver => "handed_over",
            Self::LeaseOver => "lease_over",
            Self::AccountFree => "account_free",
            Self::Outbox => "outbox",
        }
    }
}

/// The request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The account.
    pub account: AccountId,
    /// The plan.
    pub plan_id: PlanId,
    /// The workflow.
    pub correlation_id: CorrelationId,
    /// The causing event.
    pub causation_id: EventId,
    /// The newest owner's number when it was asked for.
    pub epoch: u32,
    /// Why.
    pub why: Why,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The workflow that the event belongs to; the same from the plan to its end.
    correlation_id: String,
    /// The event that caused this one.
    causation_id: String,
    /// The event's own id. It derives from what the event says: a copy has the same one, and the same bytes.
    event_id: String,
    /// The detail-type once more.
    event_type: String,
    /// When it was written, UTC.
    timestamp: Timestamp,
    /// Which part of the system speaks.
    source_module: String,
    /// Which part of that; none.
    source_component: Option<String>,
    /// Nothing.
    metadata: Option<serde_json::Value>,
    /// The version of this schema.
    schema_version: String,
    /// The account.
    account: String,
    /// The plan.
    plan_id: String,
    /// The newest owner's number when it was asked for.
    epoch: u32,
    /// Why somebody should go on.
    reason: Why,
}

impl Request {
    /// The event's id: one for each epoch and reason.
    pub fn event_id(&self) -> EventId {
        let subject = format!("{}|{}", self.epoch, self.why.word());
        EventId::derive(&self.account, self.plan_id.as_str(), DETAIL_TYPE, &subject)
    }

    /// The event's detail.
    pub fn detail(&self, at: Timestamp) -> String {
        let detail = Detail {
            correlation_id: self.correlation_id.to_string(),
            causation_id: self.causation_id.to_string(),
            event_id: self.event_id().to_string(),
            event_type: DETAIL_TYPE.to_owned(),
            timestamp: at,
            source_module: "execution".to_owned(),
            source_component: None,
            metadata: None,
            schema_version: "1.0".to_owned(),
            account: self.account.to_string(),
            plan_id: self.plan_id.to_string(),
            epoch: self.epoch,
            reason: self.why,
        };
        serde_json::to_string(&detail).unwrap_or_default()
    }

    /// Reads the request out of an event.
    ///
    /// # Errors
    /// [`PlanRefused`] naming the first field that does not fit.
    pub fn read(event: &Envelope) -> Result<Self, PlanRefused> {
        if event.detail_type != DETAIL_TYPE {
            return Err(PlanRefused::new(
                RefusalCode::WrongEvent,
                "detail-type",
                DETAIL_TYPE,
                &event.detail_type,
            ));
        }
        let detail: Detail = strict::read_again(event.detail.get(), "detail")?;
        let refused = |field: &str, error: alchemiser_core::ids::NotAnId| {
            PlanRefused::new(
                RefusalCode::MalformedField,
                field,
                error.expected,
                format!("{:?}", error.found),
            )
        };
        Ok(Self {
            account: AccountId::new(&detail.account).map_err(|e| refused("account", e))?,
            plan_id: PlanId::new(&detail.plan_id).map_err(|e| refused("plan_id", e))?,
            correlation_id: CorrelationId::new(&detail.correlation_id)
                .map_err(|e| refused("correlation_id", e))?,
            causation_id: EventId::new(&detail.causation_id)
                .map_err(|e| refused("causation_id", e))?,
            epoch: detail.epoch,
            why: detail.reason,
        })
    }
}
