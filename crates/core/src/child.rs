//! One broker order: attempt `k` of its leg.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    controls::{Ages, Verdict},
    fact::{CancelReason, Intent, Mark, Refusal, Reported},
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    money::Money,
    peg::Base,
    planted::{Plant, is_planted},
    price::Price,
    quantity::Quantity,
    quote::Quote,
    report::BrokerStatus,
    side::Side,
};

/// What an order says of its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderKind {
    /// Not worse than its limit.
    Limit,
    /// Whatever the market gives. Its limit is not sent; money and collars are judged by it.
    Market,
}

impl OrderKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Limit, Self::Market];

    /// The word used in logs and by the broker.
    pub fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
        }
    }
}

/// What an order says to the broker. It is a day order, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// The symbol.
    pub symbol: Symbol,
    /// Buy, or sell to close.
    pub side: Side,
    /// Shares.
    pub quantity: Quantity,
    /// The limit in dollars per share.
    pub limit: Price,
    /// Limit or market.
    pub kind: OrderKind,
}

impl OrderTerms {
    /// Quantity × limit.
    pub fn notional(&self) -> Money {
        self.limit.times(self.quantity)
    }
}

/// Why the order was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To wait at its limit.
    Rest,
    /// To trade at once.
    Cross,
}

impl Purpose {
    /// The word used in logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Cross => "cross",
        }
    }
}

/// Where a child order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Intended; the broker has not been heard of it yet.
    InFlight,
    /// The broker has it and may fill it.
    Working,
    /// A cancel was requested; fills may still come.
    CancelInFlight,
    /// Completely filled.
    Filled,
    /// Canceled, possibly after fills.
    Canceled,
    /// Refused, by the broker or the venue.
    Rejected,
    /// Over by time, possibly after fills.
    Expired,
    /// Replaced by somebody else's hand.
    Replaced,
    /// Never sent, and never will be.
    Unsent,
    /// It can neither be found nor be sent again: given up, but never counted as gone.
    Unresolved,
}

impl Status {
    /// The broker may still fill it, or may have it without our knowing.
    pub fn is_live(self) -> bool {
        match self {
            Self::InFlight | Self::Working | Self::CancelInFlight => true,
            Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::Replaced => {
                false
            }
            Self::Unsent | Self::Unresolved => false,
        }
    }

    /// The status after the broker reported `report`. What ended stays ended: readings arrive late and out of order,
    /// and only the cumulative quantity may still grow.
    #[must_use]
    pub fn after(self, report: BrokerStatus) -> Self {
        use BrokerStatus as B;
        match (self, report) {
            (
                Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::Replaced,
                _,
            ) => self,
            (_, B::Filled | B::Calculated) => Self::Filled,
            (_, B::Canceled) => Self::Canceled,
            (_, B::Rejected) => Self::Rejected,
            (_, B::Expired) => Self::Expired,
            (_, B::Replaced) => Self::Replaced,
            (Self::CancelInFlight, _) if is_planted(Plant::CancelAssumed) => Self::Canceled,
            (Self::CancelInFlight, _) | (_, B::PendingCancel) => Self::CancelInFlight,
            (Self::InFlight | Self::Working | Self::Unsent | Self::Unresolved, _) => Self::Working,
        }
    }
}

impl BrokerStatus {
    /// The order may still be filled. A word we do not know counts as open.
    pub fn is_open(self) -> bool {
        match self {
            Self::PendingNew
            | Self::Accepted
            | Self::New
            | Self::PartiallyFilled
            | Self::PendingCancel => true,
            Self::PendingReplace
            | Self::DoneForDay
            | Self::Suspended
            | Self::Stopped
            | Self::Held
            | Self::Unknown => true,
            Self::Filled
            | Self::Canceled
            | Self::Expired
            | Self::Replaced
            | Self::Rejected
            | Self::Calculated => false,
        }
    }
}

/// What is known of a POST that got no clear answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flight {
    /// When the first answer was lost.
    pub lost_at: Option<Timestamp>,
    /// How often the order was looked up and not found since the last POST.
    pub not_found: u32,
    /// When it was first (and last) not found since the last POST.
    pub not_found_at: Option<(Timestamp, Timestamp)>,
    /// More than one POST may have been started: a refusal no longer settles the attempt.
    pub reposted: bool,
}

/// The cancel that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAsked {
    /// When it was first asked for.
    pub first_at: Timestamp,
    /// When it was last asked for.
    pub last_at: Timestamp,
    /// Why.
    pub reason: CancelReason,
}

/// A child order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildOrder {
    /// 1 for the first of its leg.
    pub attempt: u32,
    /// Our id of it.
    pub client_order_id: ClientOrderId,
    /// The broker's id, once known.
    pub broker_order_id: Option<BrokerOrderId>,
    /// What was asked for; the broker's quantity and limit once it has answered.
    pub terms: OrderTerms,
    /// Why it was sent.
    pub purpose: Purpose,
    /// Where it stands.
    pub status: Status,
    /// Shares filled so far; only grows.
    pub cumulative: Quantity,
    /// Average price of the filled shares, once the broker says it.
    pub average_price: Option<Price>,
    /// When the intent was committed.
    pub intended_at: Timestamp,
    /// When the broker took it, by its own clock.
    pub submitted_at: Option<Timestamp>,
    /// When we last learnt something new of it.
    pub reported_at: Option<Timestamp>,
    /// When it was last filled, by the broker's clock or else by ours.
    pub filled_at: Option<Timestamp>,
    /// The quote it was decided on; `None` for an order that was adopted, whose intent is lost.
    pub quote: Option<Quote>,
    /// The quote when its newest fill was seen.
    pub quote_at_fill: Option<Quote>,
    /// The book as it was before it joined.
    pub before: Base,
    /// What the controls said.
    pub verdict: Verdict,
    /// The POST's uncertainties.
    pub flight: Flight,
    /// The cancel, if one was asked for.
    pub cancel: Option<CancelAsked>,
    /// The refusal, if there was one.
    pub refusal: Option<Refusal>,
    /// When the order reached a terminal status.
    pub ended_at: Option<Timestamp>,
    /// Mids after its last fill, as far as they were seen.
    pub marks: Vec<Mark>,
}

impl ChildOrder {
    /// The child of a committed intent.
    pub fn new(intent: &Intent, at: Timestamp) -> Self {
        Self {
            attempt: intent.attempt,
            client_order_id: intent.client_order_id.clone(),
            broker_order_id: None,
            terms: intent.terms.clone(),
            purpose: intent.purpose,
            status: Status::InFlight,
            cumulative: Quantity::ZERO,
            average_price: None,
            intended_at: at,
            submitted_at: None,
            reported_at: None,
            filled_at: None,
            quote: Some(intent.quote),
            quote_at_fill: None,
            before: intent.before,
            verdict: intent.verdict.clone(),
            flight: Flight::default(),
            cancel: None,
            refusal: None,
            ended_at: None,
            marks: Vec::new(),
        }
    }

    /// The child of an order whose intent is lost, as the broker has it. What nobody knows any more (why it was sent, on
    /// which book, past which controls) says so, or is what permits least: it counts as one that rested.
    pub fn adopted(
        id: ClientOrderId,
        terms: OrderTerms,
        (attempt, report): (u32, &Reported),
    ) -> Self {
        let before = Base { near: terms.limit, ticks: Decimal::ONE };
        Self {
            attempt,
            client_order_id: id,
            broker_order_id: None,
            terms,
            purpose: Purpose::Rest,
            status: Status::InFlight,
            cumulative: Quantity::ZERO,
            average_price: None,
            intended_at: report.submitted_at,
            submitted_at: None,
            reported_at: None,
            filled_at: None,
            quote: None,
            quote_at_fill: None,
            before,
            verdict: Verdict::recorded(Vec::new(), Ages::NONE),
            flight: Flight::default(),
            cancel: None,
            refusal: None,
            ended_at: None,
            marks: Vec::new(),
        }
    }

    /// It is known from the broker only: the log had lost it.
    pub fn is_adopted(&self) -> bool {
        self.quote.is_none()
    }

    /// What is not filled of it.
    pub fn leaves(&self) -> Quantity {
        self.terms.quantity.less(self.cumulative)
    }

    /// Dollars of the filled shares; at the limit while the broker has not said the average price yet.
    pub fn filled_notional(&self) -> Money {
        self.average_price.unwrap_or(self.terms.limit).times(self.cumulative)
    }

    /// It may still take money or shares: live, or given up without certainty.
    pub fn may_still_fill(&self) -> bool {
        self.status.is_live() || self.status == Status::Unresolved
    }

    /// Everything the broker can say of it has been said: it ended, and its fills have a price.
    pub fn is_settled(&self) -> bool {
        !self.may_still_fill() && (self.cumulative.is_zero() || self.average_price.is_some())
    }

    /// Follows a reading of the broker. The cumulative quantity only grows, in every status.
    pub fn follow(&mut self, report: &Reported, at: Timestamp) {
        if !self.status.is_live() && is_planted(Plant::LateFillDropped) {
            return;
        }
        self.status = self.status.after(report.status);
        if report.cumulative > self.cumulative || is_planted(Plant::FillsTakenBack) {
            self.cumulative = report.cumulative;
            self.filled_at = Some(report.filled_at.unwrap_or(at));
            self.quote_at_fill = report.quote;
            self.average_price = report.average_price;
        } else if report.cumulative == self.cumulative && report.average_price.is_some() {
            self.average_price = report.average_price;
        }
        if self.broker_order_id.is_none() {
            self.terms.quantity = report.quantity;
            self.terms.limit = report.limit.unwrap_or(self.terms.limit);
        }
        self.broker_order_id = Some(report.broker_order_id.clone());
        self.submitted_at = self.submitted_at.or(Some(report.submitted_at));
        self.reported_at = Some(at);
        self.end_if_over(at);
    }

    /// Whether a reading says something that is not known yet.
    pub fn is_news(&self, report: &Reported) -> bool {
        let mut after = self.clone();
        after.follow(report, self.intended_at);
        after.status != self.status
            || after.cumulative != self.cumulative
            || after.average_price != self.average_price
            || after.broker_order_id != self.broker_order_id
    }

    /// Notes the moment of the end.
    pub fn end_if_over(&mut self, at: Timestamp) {
        if !self.status.is_live() && self.ended_at.is_none() {
            self.ended_at = Some(at);
        }
    }

    /// Share of the limit's distance: how much better than the far touch the fills were, in dollars.
    pub fn improvement(&self) -> Option<Decimal> {
        let far = self.quote?.far(self.terms.side).price.dollars();
        let paid = self.average_price?.dollars();
        Some(self.terms.side.sign().saturating_mul(far.saturating_sub(paid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T4, L1: the whole (status, report) table; what ended stays ended and an open report never ends anything.
    #[test]
    fn the_status_table_holds_for_every_pair() {
        use BrokerStatus as B;
        let ended =
            [Status::Filled, Status::Canceled, Status::Rejected, Status::Expired, Status::Replaced];
        let words = [
            "pending_new",
            "accepted",
            "new",
            "partially_filled",
            "filled",
            "done_for_day",
            "canceled",
            "expired",
        ];
        let rest = [
            "replaced",
            "pending_cancel",
            "pending_replace",
            "rejected",
            "suspended",
            "calculated",
            "held",
            "??",
        ];
        for report in words.into_iter().chain(rest).map(B::from_word) {
            for status in ended {
                assert_eq!(status.after(report), status);
            }
            for status in [Status::InFlight, Status::Working, Status::CancelInFlight] {
                assert_eq!(
                    status.after(report).is_live(),
                    report.is_open(),
                    "{status:?} {report:?}"
                );
            }
        }
        assert_eq!(
            Status::InFlight.after(B::PartiallyFilled),
            Status::Working,
            "the fill overtook the acceptance"
        );
        assert_eq!(Status::CancelInFlight.after(B::New), Status::CancelInFlight);
        assert_eq!(Status::Working.after(B::PendingCancel), Status::CancelInFlight);
        assert_eq!(Status::Unresolved.after(B::New), Status::Working, "it landed after all");
    }
}
