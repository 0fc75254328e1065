//! A plan as it crossed the bus, to be run under all that may go wrong.

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    plan::{Plan, PlanRefused, RefusalCode},
    policy::Policy,
};
use alchemiser_wire::{incoming, plan};
use jiff::Timestamp;

use crate::scene::ACCOUNT;

/// A plan as it crossed the bus.
#[derive(Clone, Debug)]
pub struct GivenPlan {
    pub(crate) bytes: Vec<u8>,
    pub(crate) plan: Plan,
}

impl GivenPlan {
    /// Reads an event with detail-type `RebalancePlanned`. Its age does not matter.
    ///
    /// # Errors
    /// [`PlanRefused`] as the function that takes plans would say it.
    pub fn new(bytes: Vec<u8>) -> Result<Self, PlanRefused> {
        let envelope = incoming::envelope(&bytes)?;
        let default = AccountId::new(ACCOUNT).map_err(|error| {
            PlanRefused::new(RefusalCode::MalformedField, "account", error.expected, error.found)
        })?;
        let draft = plan::read(&envelope, &plan::Accounts { default })?;
        let received_at = Timestamp::UNIX_EPOCH;
        let plan = Plan::new(draft, received_at, Policy::default().plan_max_age)?;
        plan.check_totals()?;
        Ok(Self { bytes, plan })
    }

    /// Every symbol with the dollars that are held of it.
    pub(crate) fn holdings(&self) -> impl Iterator<Item = (Symbol, Money)> + '_ {
        self.plan.items.iter().map(|item| (item.symbol.clone(), item.current_value))
    }

    /// Dollars that its buys take.
    pub(crate) fn buys(&self) -> Money {
        let amounts = self.plan.items.iter().map(|item| item.trade_amount);
        amounts.filter(|amount| amount.is_positive()).sum()
    }
}
