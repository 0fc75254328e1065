//! What the broker does in each scenario, as its description says it.

use alchemiser_core::{fact::RefusalKind, report::BrokerStatus, side::Side};
use jiff::SignedDuration;

/// What an order asks for, by where its limit stands on the scenario's quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To wait inside the spread.
    Resting,
    /// To trade at the far touch, or a little through it: the original's crossing re-pegs.
    Through,
    /// To trade whatever happens: through the far touch by the whole collar. The original sends market orders there.
    Market,
}

/// An order as the broker gets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) side: Side,
    pub(crate) kind: Kind,
    /// 1 for the symbol's first.
    pub(crate) nth: usize,
}

/// What becomes of an order that the broker took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The status in the answer.
    pub(crate) answer: BrokerStatus,
    /// So many percent of it fill, so long after it was taken.
    pub(crate) fill: (u32, SignedDuration),
    /// Somebody else cancels it so long after it was taken.
    pub(crate) ends: Option<SignedDuration>,
}

/// What the broker answers to an order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Post {
    /// Taken, and told.
    Take,
    /// Taken; the answer is a gateway's 502 or 504.
    TakeUnheard,
    /// Not taken.
    Refuse(RefusalKind),
}

/// What the broker does with a cancel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cancel {
    /// The order is gone.
    Take,
    /// So many percent of it fill first, and the rest is gone.
    FillFirst(u32),
    /// It takes this long. If a time is given, the order fills so long after the request, sooner than it is gone.
    Slow(SignedDuration, Option<SignedDuration>),
    /// Refused: the order stays.
    Refuse,
    /// The broker fails: the order stays, and fills so long after the request.
    Fail(SignedDuration),
}

/// What the market shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// 100.00 to 100.05.
    Both,
    /// No bid, 100.00 asked.
    OneSided,
    /// Nothing.
    Missing,
}

/// A reading that fails the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Account,
    Positions,
}

/// The broker's part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) post: fn(&Sent) -> Post,
    pub(crate) course: fn(&Sent) -> Course,
    pub(crate) cancel: Cancel,
    pub(crate) quotes: Quotes,
    /// Dollars that the account shows, whatever it has.
    pub(crate) shown: Option<i64>,
    /// The broker does not say that money is missing.
    pub(crate) funded: bool,
    pub(crate) fails_first: Option<Reading>,
    /// Assets of this side's legs are not known.
    pub(crate) unknown: Option<Side>,
    /// Assets are traded in whole shares.
    pub(crate) whole_only: bool,
    /// Tenths of a share of each exit's position.
    pub(crate) held_tenths: i64,
}

const fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

const fn millis(count: i64) -> SignedDuration {
    SignedDuration::from_millis(count)
}

const fn fills(percent: u32, after: SignedDuration) -> Course {
    Course { answer: BrokerStatus::Accepted, fill: (percent, after), ends: None }
}

const AT_ONCE: Course = fills(100, SignedDuration::ZERO);
const NEVER: Course = fills(0, SignedDuration::ZERO);
const SIXTY: Course = fills(60, millis(500));

/// Nothing goes wrong: every order fills in the answer to its POST.
pub(crate) const PLAIN: Script = Script {
    post: |_| Post::Take,
    course: |_| AT_ONCE,
    cancel: Cancel::Take,
    quotes: Quotes::Both,
    shown: None,
    funded: true,
    fails_first: None,
    unknown: None,
    whole_only: false,
    held_tenths: 100,
};

const fn courses(course: fn(&Sent) -> Course) -> Script {
    Script { course, ..PLAIN }
}

/// Only what the original sends as a market order fills.
fn only_market(sent: &Sent) -> Course {
    limits(sent, NEVER)
}

/// Limits take their course; what the original sends as a market order fills at once.
fn limits(sent: &Sent, course: Course) -> Course {
    match sent.kind {
        Kind::Resting | Kind::Through => course,
        Kind::Market => AT_ONCE,
    }
}

/// Limits never fill; market orders are acknowledged first, and fill soon.
fn acknowledged(sent: &Sent, answer: BrokerStatus) -> Course {
    match sent.kind {
        Kind::Resting | Kind::Through => Course { answer, ..NEVER },
        Kind::Market => Course { answer, ..fills(100, millis(200)) },
    }
}

/// Limits never fill, and cancels go wrong.
const fn stuck(cancel: Cancel) -> Script {
    Script { cancel, ..courses(only_market) }
}

const UNQUOTED: Script = Script { quotes: Quotes::Missing, ..PLAIN };

/// A gateway hides that BUY limits were taken.
fn unheard(sent: &Sent) -> Post {
    match (sent.side, sent.kind) {
        (Side::Buy, Kind::Resting | Kind::Through) => Post::TakeUnheard,
        (Side::Buy, Kind::Market) | (Side::Sell, _) => Post::Take,
    }
}

fn no_money(sent: &Sent) -> Post {
    match (sent.side, sent.kind) {
        (Side::Buy, Kind::Resting | Kind::Through) => Post::Refuse(RefusalKind::InsufficientFunds),
        (Side::Buy, Kind::Market) | (Side::Sell, _) => Post::Take,
    }
}

/// The broker's 403 on a sell says that the shares are not there to be sold.
fn no_shares(sent: &Sent) -> Post {
    match sent.side {
        Side::Sell => Post::Refuse(RefusalKind::InsufficientQuantity { available: None }),
        Side::Buy => Post::Take,
    }
}

/// The script of a scenario; `None` for one that is not known.
pub(crate) fn of(id: &str) -> Option<Script> {
    fills_of(id).or_else(|| cancels_of(id)).or_else(|| failures_of(id)).or_else(|| settings_of(id))
}

/// Scenarios about how orders fill.
fn fills_of(id: &str) -> Option<Script> {
    Some(match id {
        "fill_1s_ws" => courses(|_| fills(100, seconds(1))),
        "fill_5s_ws" => courses(|_| fills(100, seconds(5))),
        "fill_1s_no_ws" => {
            courses(|_| Course { answer: BrokerStatus::PendingNew, ..fills(100, seconds(1)) })
        }
        "passive_then_cross_repeg_fills" => courses(|sent| match sent.kind {
            Kind::Resting => NEVER,
            Kind::Through | Kind::Market => AT_ONCE,
        }),
        "never_fills_escalates" | "never_max_repegs_3" | "never_max_repegs_1" => {
            courses(only_market)
        }
        "never_fills_market_new_status" => courses(|sent| acknowledged(sent, BrokerStatus::New)),
        "never_fills_market_filled_status" => {
            courses(|sent| acknowledged(sent, BrokerStatus::PendingNew))
        }
        "partial60_then_repeg_fills" => courses(|sent| match sent.nth {
            1 => limits(sent, SIXTY),
            _ => AT_ONCE,
        }),
        "partial60_then_never_OVERFILL" => courses(|sent| match sent.nth {
            1 => limits(sent, SIXTY),
            _ => only_market(sent),
        }),
        "partial60_repeg_half_then_escalate" => courses(|sent| match sent.nth {
            1 => limits(sent, SIXTY),
            _ => limits(sent, fills(50, millis(500))),
        }),
        "partial_max_repegs_3" => courses(|sent| limits(sent, fills(50, millis(500)))),
        "sell_stuck_partially_filled" => courses(|sent| match sent.side {
            Side::Sell => SIXTY,
            Side::Buy => AT_ONCE,
        }),
        "broker_cancels_after_60pct" => {
            courses(|sent| limits(sent, Course { ends: Some(seconds(5)), ..SIXTY }))
        }
        _ => return None,
    })
}

/// Scenarios about cancels that are late, or come too late. Fills are timed as in the traces.
fn cancels_of(id: &str) -> Option<Script> {
    Some(match id {
        "cancel_slow_12s_then_fills" => stuck(Cancel::Slow(seconds(12), Some(seconds(3)))),
        "cancel_slow_12s_never_fills" => stuck(Cancel::Slow(seconds(12), None)),
        "cancel_slow_12s_fills_after_market" | "escalate_cancel_unconfirmed_double" => {
            stuck(Cancel::Slow(seconds(30), Some(seconds(11))))
        }
        "escalate_cancel_500_double" => stuck(Cancel::Fail(seconds(11))),
        "cancel_422_other_reason" => stuck(Cancel::Refuse),
        "fills_just_before_cancel" => stuck(Cancel::FillFirst(100)),
        "fills_60pct_between_status_and_cancel" => Script {
            cancel: Cancel::FillFirst(60),
            ..courses(|sent| match sent.nth {
                1 => only_market(sent),
                _ => AT_ONCE,
            })
        },
        _ => return None,
    })
}

/// Scenarios about calls that fail or are refused.
fn failures_of(id: &str) -> Option<Script> {
    Some(match id {
        "limit_buy_rejected_403" => Script { post: no_money, funded: false, ..PLAIN },
        "post_504_order_accepted" | "post_502_order_accepted" => Script { post: unheard, ..PLAIN },
        "all_sells_rejected_buys_continue" => Script { post: no_shares, ..PLAIN },
        "account_429_then_ok" => Script { fails_first: Some(Reading::Account), ..PLAIN },
        "position_502_once" => Script { fails_first: Some(Reading::Positions), ..PLAIN },
        "asset_404" => Script { unknown: Some(Side::Buy), ..PLAIN },
        "buying_power_short" => Script { shown: Some(10), funded: false, ..PLAIN },
        _ => return None,
    })
}

/// Scenarios about the quotes, the assets, the plan and its size; in most of them every order fills at once.
fn settings_of(id: &str) -> Option<Script> {
    Some(match id {
        "no_quotes_at_all" | "no_quotes_non_liquidating_sell" => UNQUOTED,
        "no_quotes_non_fractionable_buy" => Script { whole_only: true, ..UNQUOTED },
        "one_sided_quote" => Script { quotes: Quotes::OneSided, ..PLAIN },
        "liquidation_non_fractionable" => Script { whole_only: true, held_tenths: 105, ..PLAIN },
        // Ours reads quotes by request, always: a stream that is absent or full changes nothing.
        "instant_fill"
        | "replayed_event"
        | "micro_buy_skipped"
        | "attribution_null"
        | "no_stream_quotes"
        | "scale_10_streaming_all"
        | "scale_100_streaming_all"
        | "scale_100_cap50"
        | "scale_1000_streaming_all"
        | "scale_1000_streaming_all_nolimit" => PLAIN,
        _ => return None,
    })
}
