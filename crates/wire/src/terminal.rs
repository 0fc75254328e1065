//! `WorkflowCompleted` and `WorkflowFailed`, as `workflow-outcome` reads them.

use alchemiser_core::{
    announce::Event,
    plan::{PlanRefused, RefusalCode},
};

use crate::{incoming::Envelope, strict};

/// What a terminal event says of the plan it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// `WorkflowCompleted`, not `WorkflowFailed`.
    pub completed: bool,
    /// The event's own id.
    pub event_id: String,
    /// The plan; `None` for an input that was refused before it was one.
    pub plan_id: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
}

/// Reads a terminal event.
///
/// # Errors
/// [`PlanRefused`] when it is none, or not of the documented form.
pub fn read(event: &Envelope) -> Result<Terminal, PlanRefused> {
    #[derive(serde::Deserialize)]
    struct Detail {
        event_id: String,
        failure_reason: Option<String>,
        summary: Option<Ids>,
        error_details: Option<Ids>,
    }
    #[derive(serde::Deserialize)]
    struct Ids {
        #[serde(alias = "execution_plan_id")]
        plan_id: Option<String>,
        account: Option<String>,
    }
    let completed = event.detail_type == Event::Completed.detail_type();
    if !completed && event.detail_type != Event::Failed.detail_type() {
        let code = RefusalCode::WrongEvent;
        return Err(PlanRefused::new(
            code,
            "detail-type",
            "WorkflowCompleted or WorkflowFailed",
            &event.detail_type,
        ));
    }
    let detail: Detail = strict::read_again(event.detail.get(), "detail")?;
    let ids = detail.summary.or(detail.error_details);
    let (plan_id, account) = ids.map_or((None, None), |ids| (ids.plan_id, ids.account));
    Ok(Terminal {
        completed,
        event_id: detail.event_id,
        plan_id,
        account,
        failure_reason: detail.failure_reason,
    })
}
