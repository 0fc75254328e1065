//! A leg's story in sentences: what was seen, decided, sent, filled, and what it came to.

use alchemiser_core::{
    child::{OrderKind, Purpose},
    execution::Execution,
    fact::{Fact, FactKind, Intent, Reported, Sized},
    ids::Symbol,
    ledger,
    leg::{Leg, LegOutcome, WaitCode},
    quote::Quote,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    Logged,
    figure::{Format, written},
    history::{Fill, History},
    measure::Sums,
    plan::in_new_york,
    words,
};

/// A sentence, and when what it says became true; `None` for what has no one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When, since the plan was received.
    pub after: Option<SignedDuration>,
    /// What.
    pub text: String,
}

/// The story of a leg; `None` for a symbol that the plan does not trade.
pub fn of_leg(logged: &Logged<'_>, symbol: &Symbol) -> Option<Vec<Sentence>> {
    let state = logged.state()?;
    let leg = state.leg(symbol)?;
    let history = History::of(logged);
    let teller = Teller { state: &state, leg, fills: history.fills(symbol) };
    let mut story = vec![timeless(teller.asked())];
    for fact in logged.entries.iter().flat_map(|entry| &entry.facts) {
        story.extend(teller.told(fact).map(|text| teller.at(fact.at, text)));
    }
    story.extend(teller.result().into_iter().map(timeless));
    Some(story)
}

struct Teller<'a> {
    state: &'a Execution,
    leg: &'a Leg,
    fills: &'a [Fill],
}

fn price(value: Decimal) -> String {
    written(value, Format::Price)
}

fn shares(value: Decimal) -> String {
    written(value, Format::Plain)
}

impl Teller<'_> {
    fn at(&self, at: Timestamp, text: String) -> Sentence {
        Sentence { after: Some(at.duration_since(self.state.plan.received_at)), text }
    }

    fn asked(&self) -> String {
        let (item, plan) = (&self.leg.item, &self.state.plan);
        let percent = |value: Decimal| written(value, Format::Percent);
        let exit = if item.is_exit() { ", a complete exit" } else { "" };
        format!(
            "Plan {} asked to {} {} of {} ({} of the portfolio, to be {}{exit}). It came at {}.",
            plan.plan_id,
            self.leg.side.word(),
            written(item.trade_amount.abs().amount(), Format::Money),
            item.symbol,
            percent(item.current_weight),
            percent(item.target_weight),
            in_new_york(plan.received_at)
        )
    }

    /// A fact of this leg, or one that concerns it.
    fn told(&self, fact: &Fact) -> Option<String> {
        let own = |symbol: &Symbol| symbol == self.leg.symbol();
        match &fact.kind {
            FactKind::Arrived(symbol, quote) if own(symbol) => Some(self.arrived(quote)),
            FactKind::Sized(symbol, sized) if own(symbol) => Some(self.sized(sized)),
            FactKind::Waiting(symbol, code) if own(symbol) => Some(waiting(*code)),
            FactKind::Intent(intent) if own(&intent.terms.symbol) => Some(intended(intent)),
            FactKind::Resubmitted(symbol, attempt, _) if own(symbol) => {
                Some(format!("Order {attempt} was sent again under the same id."))
            }
            FactKind::AnswerLost(symbol, attempt) if own(symbol) => Some(format!(
                "The answer to order {attempt} was lost; it was looked up instead of being sent anew."
            )),
            FactKind::NotFound(symbol, attempt) if own(symbol) => {
                Some(format!("Order {attempt} was not found, which proves nothing yet."))
            }
            FactKind::Refused(symbol, attempt, refusal) if own(symbol) => {
                Some(format!("Order {attempt} was refused: {}.", refusal.message))
            }
            FactKind::Unsent(symbol, attempt) if own(symbol) => {
                Some(format!("Order {attempt} was never sent."))
            }
            FactKind::Unresolved(symbol, attempt) if own(symbol) => Some(format!(
                "Order {attempt} can neither be found nor be sent again; it counts as open."
            )),
            FactKind::CancelRequested(symbol, attempt, reason) if own(symbol) => {
                Some(format!("Order {attempt} was taken back: {}.", words::cancel(*reason)))
            }
            FactKind::Reported(symbol, attempt, report)
            | FactKind::Adopted(symbol, attempt, report)
                if own(symbol) =>
            {
                self.reported(*attempt, report, fact.at)
            }
            FactKind::LegFinished(symbol, outcome, quote) if own(symbol) => {
                Some(self.finished(*outcome, quote.as_deref()))
            }
            FactKind::PlanStopped(code) => {
                Some(format!("The plan was stopped: {}.", words::stop(*code)))
            }
            _ => None,
        }
    }

    fn arrived(&self, quote: &Quote) -> String {
        let tick = self.leg.tick(quote.bid.price);
        format!(
            "{} was first seen at {}: mid {}, spread {} ({}).",
            self.leg.symbol(),
            words::book(quote),
            price(quote.mid()),
            price(quote.spread()),
            ticks(tick.count(quote.spread()))
        )
    }

    fn sized(&self, sized: &Sized) -> String {
        let why =
            if sized.trimmed { ", less than planned for want of money or shares" } else { "" };
        format!(
            "{} shares are to be {}{why}.",
            shares(sized.target.shares()),
            words::did(self.leg.side)
        )
    }

    /// A report that says of shares, or of the order's end.
    fn reported(&self, attempt: u32, report: &Reported, at: Timestamp) -> Option<String> {
        let filled_at = report.filled_at.unwrap_or(at);
        let fill = self.fills.iter().find(|fill| {
            fill.attempt == attempt && fill.at == filled_at && !report.cumulative.is_zero()
        });
        let all = report.cumulative >= report.quantity;
        match (fill, report.status.is_open()) {
            (Some(fill), _) => {
                let at = fill.price.map_or_else(
                    || "at a price not said yet".to_owned(),
                    |paid| format!("at {}", price(paid)),
                );
                let rest = if all {
                    "all of it is filled".to_owned()
                } else {
                    format!(
                        "{} of {} so far",
                        shares(report.cumulative.shares()),
                        shares(report.quantity.shares())
                    )
                };
                Some(format!(
                    "Order {attempt}: {} {} {at}; {rest}.",
                    shares(fill.quantity.shares()),
                    words::did(self.leg.side)
                ))
            }
            (None, true) => None,
            (None, false) => Some(format!(
                "Order {attempt} is {} with {} of {} filled.",
                report.status.word(),
                shares(report.cumulative.shares()),
                shares(report.quantity.shares())
            )),
        }
    }

    fn finished(&self, outcome: LegOutcome, quote: Option<&Quote>) -> String {
        let why = outcome.reason().map_or_else(String::new, |reason| {
            format!(": {} ({})", words::reason(reason), reason.code())
        });
        let then = quote.map_or_else(String::new, |quote| {
            format!(" The market was at {}.", words::book(quote))
        });
        format!("The leg was over, {}{why}.{then}", words::outcome(self.leg))
    }

    /// What it came to, and what that cost.
    fn result(&self) -> Vec<String> {
        let (leg, sums) = (self.leg, Sums::of(self.leg));
        let Some(average) = leg.average_price() else {
            return vec![if leg.outcome.is_none() {
                "Nothing was filled so far.".to_owned()
            } else {
                "Nothing was filled, so there is no cost.".to_owned()
            }];
        };
        let mut all = vec![format!(
            "{} shares were {} at {} on average, {} in all, by {} orders.",
            shares(leg.filled().shares()),
            words::did(leg.side),
            price(average.dollars()),
            written(leg.filled_notional().amount(), Format::Money),
            sums.orders
        )];
        if let (Some(mid), Some(cost), Some(bps)) =
            (ledger::first_quote(leg).map(Quote::mid), sums.cost(), sums.cost_bps())
        {
            let half = sums.half_spreads().map_or_else(String::new, |half| {
                format!(
                    ", {} half-spreads, where a market order pays +1.00",
                    written(half, Format::Signed)
                )
            });
            all.push(format!(
                "Against the mid at the first order, {}, that {} {}: {} bps{half}.",
                price(mid),
                if cost.is_sign_negative() { "earned" } else { "cost" },
                written(cost.abs(), Format::Money),
                written(bps, Format::Signed)
            ));
        }
        let known = [
            sums.passive().map(|share| {
                format!(
                    "{} of the shares came from resting orders",
                    written(share, Format::Percent)
                )
            }),
            sums.effective_over_quoted()
                .map(|ratio| format!("E/Q is {}", written(ratio, Format::Ratio))),
            sums.shortfall().map(|lost| {
                format!("the shortfall against arrival is {}", written(lost, Format::SignedMoney))
            }),
            sums.improvement().map(|better| {
                format!("the price improvement is {}", written(better, Format::SignedMoney))
            }),
        ];
        let known: Vec<String> = known.into_iter().flatten().collect();
        if let Some(first) = known.first() {
            let mut text = known.join("; ");
            text.replace_range(..1, &first[..1].to_uppercase());
            all.push(format!("{text}."));
        }
        all
    }
}

fn intended(intent: &Intent) -> String {
    let (terms, quote) = (&intent.terms, &intent.quote);
    let limit = price(terms.limit.dollars());
    let how = match (terms.kind, intent.purpose) {
        (OrderKind::Market, _) => format!("at the market (judged by {limit})"),
        (OrderKind::Limit, Purpose::Rest) => format!("to rest at {limit}"),
        (OrderKind::Limit, Purpose::Cross) => format!("to cross, at worst at {limit}"),
    };
    let ages = intent.verdict.ages();
    format!(
        "Order {}: {} {} {how}, decided on {}, read {} before and unchanged for {}; near touch {}, spread {}; all {} controls passed.",
        intent.attempt,
        terms.side.word(),
        shares(terms.quantity.shares()),
        words::book(quote),
        age(ages.quote_observed),
        age(ages.quote_standing),
        price(intent.before.near.dollars()),
        ticks(intent.before.ticks),
        intent.verdict.passed().len()
    )
}

fn timeless(text: String) -> Sentence {
    Sentence { after: None, text }
}

fn ticks(count: Decimal) -> String {
    if count == Decimal::ONE { "1 tick".to_owned() } else { format!("{count} ticks") }
}

fn waiting(code: Option<WaitCode>) -> String {
    match code {
        None => "It waits no longer.".to_owned(),
        Some(code) => {
            let what = match code {
                WaitCode::Quote(_) => "a usable quote",
                WaitCode::Throttle => "room in the message budget",
                WaitCode::LiveOrder => "the end of another order in the symbol",
                WaitCode::OpenQuiet => "the first minutes after the open to pass",
                WaitCode::Reading => "a recent reading of session, orders or account",
                WaitCode::BrokerLag => "money or shares that the broker does not show as free yet",
            };
            format!("It waits for {what} ({}).", code.code())
        }
    }
}

fn age(age: SignedDuration) -> String {
    if age == SignedDuration::MAX {
        return "an unknown time".to_owned();
    }
    let millis = i64::try_from(age.as_millis()).unwrap_or_default();
    written(Decimal::new(millis, 3), Format::Seconds)
}
