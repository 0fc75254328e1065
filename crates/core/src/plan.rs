//! What was asked for: a rebalance plan, checked in full before anything else looks at it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::{
    ids::{AccountId, CorrelationId, EventId, PlanId, Symbol},
    money::Money,
    side::Side,
};

pub use crate::refused::{PlanRefused, RefusalCode};

/// The most items a plan may have.
pub const ITEMS_MAX: usize = 500;

/// What a plan item asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Acquire.
    Buy,
    /// Part with.
    Sell,
    /// Leave alone; only logged.
    Hold,
}

impl Action {
    /// The action for the events' word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Buy, Self::Sell, Self::Hold].into_iter().find(|action| action.word() == word)
    }

    /// The side to trade on; `None` for a hold.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
            Self::Hold => None,
        }
    }

    /// The events' word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
            Self::Hold => "HOLD",
        }
    }
}

/// How soon a plan wants to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Five minutes a phase.
    Low,
    /// Two minutes a phase.
    Normal,
    /// One minute a phase.
    High,
    /// Cross at once.
    Urgent,
}

impl Urgency {
    /// The events' word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Normal => "NORMAL",
            Self::High => "HIGH",
            Self::Urgent => "URGENT",
        }
    }

    /// The urgency for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High, Self::Urgent]
            .into_iter()
            .find(|urgency| urgency.word() == word)
    }
}

/// One item of a plan: one symbol and what to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    /// The symbol.
    pub symbol: Symbol,
    /// Buy, sell or hold.
    pub action: Action,
    /// Dollars to trade: above zero for a buy, below for a sell.
    pub trade_amount: Money,
    /// Dollars held when the plan was made.
    pub current_value: Money,
    /// Dollars that should be held.
    pub target_value: Money,
    /// Share of the portfolio held, 0 to 1.
    pub current_weight: Decimal,
    /// Share of the portfolio that should be held, 0 to 1.
    pub target_weight: Decimal,
    /// 1 (first) to 5 (last).
    pub priority: u8,
}

impl PlanItem {
    /// A sell down to nothing: it trades the exact quantity held instead of an amount.
    pub fn is_exit(&self) -> bool {
        self.action == Action::Sell && self.target_weight.is_zero()
    }
}

/// A plan as it arrived: typed, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// `metadata.account`, or the configured account.
    pub account: AccountId,
    /// The `event_id` of the event that carried the plan.
    pub source_event: EventId,
    /// The plan's id.
    pub plan_id: String,
    /// The workflow's id.
    pub correlation_id: String,
    /// When the plan was made.
    pub timestamp: Timestamp,
    /// `metadata.valid_until`, if it is there.
    pub valid_until: Option<Timestamp>,
    /// `execution_urgency`.
    pub urgency: String,
    /// Dollars in the whole portfolio.
    pub portfolio_value: Decimal,
    /// `Σ |trade_amount|` as the plan says it.
    pub trade_value: Decimal,
    /// `trades_required` of the event.
    pub trades_required: bool,
    /// The items in the plan's order.
    pub items: Vec<DraftItem>,
    /// `metadata.strategy_attribution`: per symbol, strategy names and weights as given.
    pub attribution: BTreeMap<String, Vec<(String, String)>>,
}

/// An item as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftItem {
    /// `symbol`.
    pub symbol: String,
    /// `action`.
    pub action: String,
    /// `trade_amount`.
    pub trade_amount: Decimal,
    /// `current_value`.
    pub current_value: Decimal,
    /// `target_value`.
    pub target_value: Decimal,
    /// `current_weight`.
    pub current_weight: Decimal,
    /// `target_weight`.
    pub target_weight: Decimal,
    /// `priority`.
    pub priority: i64,
}

/// How a plan's age is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// By its own timestamp.
    AsStated,
    /// As if it had been made when it was received (a recorded plan played again on purpose).
    Restated,
}

/// A checked plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The account to trade in.
    pub account: AccountId,
    /// The event that carried the plan.
    pub source_event: EventId,
    /// The plan's id.
    pub plan_id: PlanId,
    /// The workflow's id.
    pub correlation_id: CorrelationId,
    /// When the plan was made.
    pub timestamp: Timestamp,
    /// When we received it.
    pub received_at: Timestamp,
    /// No first order leaves after this.
    pub valid_until: Timestamp,
    /// How soon it wants to be done.
    pub urgency: Urgency,
    /// Dollars in the whole portfolio.
    pub portfolio_value: Money,
    /// `Σ |trade_amount|`.
    pub trade_value: Money,
    /// The event says that something is to be traded.
    pub trades_required: bool,
    /// The items in the plan's order; each symbol once.
    pub items: Vec<PlanItem>,
    /// Strategy names and weights per symbol, as given.
    pub attribution: BTreeMap<String, Vec<(String, String)>>,
}

impl Plan {
    /// Checks a draft in full.
    ///
    /// # Errors
    /// [`PlanRefused`] naming the first field that does not fit. The age and the totals are judged separately
    /// ([`Plan::check_age`], [`Plan::check_totals`]), after it is known whether the plan is a new one.
    pub fn new(
        draft: Draft,
        received_at: Timestamp,
        plan_max_age: SignedDuration,
    ) -> Result<Self, PlanRefused> {
        let id = |field: &str, error: crate::ids::NotAnId| {
            PlanRefused::new(
                RefusalCode::MalformedField,
                field,
                error.expected,
                format!("{:?}", error.found),
            )
        };
        let plan_id = PlanId::new(&draft.plan_id).map_err(|e| id("rebalance_plan.plan_id", e))?;
        let correlation_id =
            CorrelationId::new(&draft.correlation_id).map_err(|e| id("correlation_id", e))?;
        let urgency = Urgency::from_word(&draft.urgency).ok_or_else(|| {
            let field = "rebalance_plan.execution_urgency";
            PlanRefused::new(
                RefusalCode::MalformedField,
                field,
                "LOW, NORMAL, HIGH or URGENT",
                quoted(&draft.urgency),
            )
        })?;
        if draft.items.len() > ITEMS_MAX {
            let (field, expected) = ("rebalance_plan.items", format!("at most {ITEMS_MAX} items"));
            return Err(PlanRefused::new(
                RefusalCode::OutOfBounds,
                field,
                &expected,
                draft.items.len(),
            ));
        }
        let items = checked_items(draft.items)?;
        let lasting = draft.timestamp.saturating_add(plan_max_age).unwrap_or(Timestamp::MAX);
        Ok(Self {
            account: draft.account,
            source_event: draft.source_event,
            plan_id,
            correlation_id,
            timestamp: draft.timestamp,
            received_at,
            valid_until: draft.valid_until.unwrap_or(lasting),
            urgency,
            portfolio_value: Money::new(draft.portfolio_value),
            trade_value: Money::new(draft.trade_value),
            trades_required: draft.trades_required,
            items,
            attribution: draft.attribution,
        })
    }

    /// Refuses a plan whose validity is over or whose time is still to come, or gives it a new one when its age is restated.
    ///
    /// # Errors
    /// [`PlanRefused`] with [`RefusalCode::Stale`] or [`RefusalCode::InTheFuture`].
    pub fn check_age(
        mut self,
        age: Age,
        plan_max_age: SignedDuration,
    ) -> Result<Self, PlanRefused> {
        match age {
            Age::Restated => {
                self.valid_until =
                    self.received_at.saturating_add(plan_max_age).unwrap_or(Timestamp::MAX);
                Ok(self)
            }
            Age::AsStated if self.timestamp.duration_since(self.received_at) > AHEAD_MAX => {
                let expected = format!("a time at most {} s ahead of ours", AHEAD_MAX.as_secs());
                let found = format!("{}, received {}", self.timestamp, self.received_at);
                let field = "rebalance_plan.timestamp";
                Err(PlanRefused::new(RefusalCode::InTheFuture, field, &expected, found))
            }
            Age::AsStated if self.valid_until < self.received_at => {
                let expected = format!(
                    "a plan made at most {} ago (or a later metadata.valid_until)",
                    minutes(plan_max_age)
                );
                let made = format!(
                    "{}, valid until {}, received {}",
                    self.timestamp, self.valid_until, self.received_at
                );
                Err(PlanRefused::new(
                    RefusalCode::Stale,
                    "rebalance_plan.timestamp",
                    &expected,
                    made,
                ))
            }
            Age::AsStated => Ok(self),
        }
    }

    /// Refuses totals that do not add up: `Σ|trade_amount|` against `total_trade_value`, and target − current against
    /// each amount, ± $1 each.
    ///
    /// # Errors
    /// [`PlanRefused`] with [`RefusalCode::TotalsDiffer`].
    pub fn check_totals(&self) -> Result<(), PlanRefused> {
        for (index, item) in self.items.iter().enumerate() {
            let asked = item.target_value.minus(item.current_value);
            if item.action != Action::Hold && asked.minus(item.trade_amount).abs() > Money::ONE {
                let field = format!("rebalance_plan.items[{index}].trade_amount");
                let expected = format!("target_value - current_value = {asked} within $1");
                return Err(PlanRefused::new(
                    RefusalCode::TotalsDiffer,
                    &field,
                    &expected,
                    item.trade_amount,
                ));
            }
        }
        let total: Money = self.traded().map(|item| item.trade_amount.abs()).sum();
        if total.minus(self.trade_value).abs() > Money::ONE {
            let expected = format!("the sum of |trade_amount|, {total}, within $1");
            let field = "rebalance_plan.total_trade_value";
            return Err(PlanRefused::new(
                RefusalCode::TotalsDiffer,
                field,
                &expected,
                self.trade_value,
            ));
        }
        Ok(())
    }

    /// The items to trade: buys and sells, in the plan's order.
    pub fn traded(&self) -> impl Iterator<Item = &PlanItem> {
        self.items.iter().filter(|item| item.action != Action::Hold)
    }

    /// There is nothing to trade, so that no broker is asked.
    pub fn is_idle(&self) -> bool {
        !self.trades_required || self.traded().next().is_none()
    }

    /// The first content field in which another plan differs: items and totals, not times, ids or envelope.
    pub fn difference(&self, other: &Self) -> Option<PlanRefused> {
        let conflict = |field: &str, first: &str, second: &str| {
            let expected = format!("{first}, as this plan_id had it the first time");
            Some(PlanRefused::new(RefusalCode::PlanConflict, field, &expected, second))
        };
        for (index, (ours, theirs)) in self.items.iter().zip(&other.items).enumerate() {
            for ((name, first), (_, second)) in ours.content().iter().zip(theirs.content()) {
                if *first != second {
                    return conflict(
                        &format!("rebalance_plan.items[{index}].{name}"),
                        first,
                        &second,
                    );
                }
            }
        }
        for ((name, first), (_, second)) in self.totals().iter().zip(other.totals()) {
            if *first != second {
                return conflict(name, first, &second);
            }
        }
        None
    }

    /// The hash of the content compared by [`Plan::difference`], in hex.
    pub fn content_sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in self.items.iter().flat_map(PlanItem::content).chain(self.totals()) {
            hash.update(format!("{name}={value}\n"));
        }
        data_encoding::HEXLOWER.encode(&hash.finalize())
    }

    fn totals(&self) -> Vec<(&'static str, String)> {
        vec![
            ("rebalance_plan.items", self.items.len().to_string()),
            ("account", self.account.to_string()),
            ("rebalance_plan.execution_urgency", self.urgency.word().to_owned()),
            ("rebalance_plan.total_portfolio_value", self.portfolio_value.to_string()),
            ("rebalance_plan.total_trade_value", self.trade_value.to_string()),
            ("trades_required", self.trades_required.to_string()),
        ]
    }
}

impl PlanItem {
    fn content(&self) -> Vec<(&'static str, String)> {
        vec![
            ("symbol", self.symbol.to_string()),
            ("action", self.action.word().to_owned()),
            ("trade_amount", self.trade_amount.to_string()),
            ("current_value", self.current_value.to_string()),
            ("target_value", self.target_value.to_string()),
            ("current_weight", self.current_weight.normalize().to_string()),
            ("target_weight", self.target_weight.normalize().to_string()),
            ("priority", self.priority.to_string()),
        ]
    }
}

fn checked_items(drafts: Vec<DraftItem>) -> Result<Vec<PlanItem>, PlanRefused> {
    let mut seen = BTreeMap::new();
    let mut items = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let path = format!("rebalance_plan.items[{index}]");
        let item = checked_item(&draft, &path)?;
        if let Some(first) = seen.insert(item.symbol.clone(), index) {
            let found = format!("{} again (first at items[{first}])", item.symbol);
            return Err(PlanRefused::new(
                RefusalCode::DuplicateSymbol,
                &format!("{path}.symbol"),
                "each symbol once",
                found,
            ));
        }
        items.push(item);
    }
    Ok(items)
}

fn checked_item(draft: &DraftItem, path: &str) -> Result<PlanItem, PlanRefused> {
    let refuse = |code, name: &str, expected: &str, found: String| {
        let field = format!("{path}.{name}");
        PlanRefused::new(code, &field, expected, found)
    };
    let malformed = |name: &str, expected: &str, found: &str| {
        refuse(RefusalCode::MalformedField, name, expected, quoted(found))
    };
    let symbol = Symbol::new(&draft.symbol)
        .map_err(|error| malformed("symbol", error.expected, &draft.symbol))?;
    let action = Action::from_word(&draft.action)
        .ok_or_else(|| malformed("action", "BUY, SELL or HOLD", &draft.action))?;
    let weights =
        [("current_weight", draft.current_weight), ("target_weight", draft.target_weight)];
    for (name, weight) in weights {
        if weight < Decimal::ZERO || weight > Decimal::ONE {
            let found = weight.normalize().to_string();
            return Err(refuse(RefusalCode::OutOfBounds, name, "a weight in 0..=1", found));
        }
    }
    let amount = draft.trade_amount;
    let wrong_sign = match action {
        Action::Buy if amount <= Decimal::ZERO => Some("an amount above 0 for a BUY"),
        Action::Sell if amount >= Decimal::ZERO => Some("an amount below 0 for a SELL"),
        Action::Buy | Action::Sell | Action::Hold => None,
    };
    if let Some(expected) = wrong_sign {
        let found = amount.normalize().to_string();
        return Err(refuse(RefusalCode::SignDiffers, "trade_amount", expected, found));
    }
    let priority = u8::try_from(draft.priority).ok().filter(|p| (1..=5).contains(p));
    let priority = priority.ok_or_else(|| {
        let found = draft.priority.to_string();
        refuse(RefusalCode::OutOfBounds, "priority", "a whole number in 1..=5", found)
    })?;
    Ok(PlanItem {
        symbol,
        action,
        trade_amount: Money::new(amount),
        current_value: Money::new(draft.current_value),
        target_value: Money::new(draft.target_value),
        current_weight: draft.current_weight,
        target_weight: draft.target_weight,
        priority,
    })
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// How far a portfolio's clock may be ahead of ours.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);

fn minutes(age: SignedDuration) -> String {
    match (age.as_mins(), age.as_secs()) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, _) => format!("{minutes} min"),
    }
}
