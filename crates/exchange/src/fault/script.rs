//! The classes of faults, and the rules that say when one strikes.

use alchemiser_market::chance::Chance;
use serde::{Deserialize, Serialize};

use super::Facts;
use crate::exact::Exact;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $word:literal $scope:ident $most:literal,)*) => {
        /// A class of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Fault {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Fault {
            /// Every class.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// The word in files and answers.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            fn scope(self) -> Scope {
                match self {
                    $(Self::$name => Scope::$scope,)*
                }
            }

            /// The highest rate that a drawn script has, in thousandths.
            fn most(self) -> u64 {
                match self {
                    $(Self::$name => $most,)*
                }
            }
        }
    };
}

/// Which requests a class can strike at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Any.
    Any,
    /// What changes something: orders, cancels, replacements.
    Writes,
    /// New orders.
    Orders,
    /// A cancel of one order.
    Cancels,
    /// Cancels of all orders.
    CancelAll,
    /// Replacements.
    Replaces,
    /// Readings of orders.
    OrderReads,
    /// The list of orders.
    OrderLists,
    /// Looking up one order.
    OrderLookups,
    /// Readings of the account.
    Account,
    /// Market data.
    Data,
    /// New orders and market data of a symbol.
    Symbols,
    /// Messages of the order stream.
    Stream,
    /// Connections of a stream.
    Connections,
    /// Messages of the market data stream.
    Quotes,
}

faults! {
    /// The request never arrives, and the connection breaks.
    LostRequest "lost_request" Any 60,
    /// The request is carried out, and the connection breaks before the answer.
    LostAnswer "lost_answer" Any 60,
    /// The connection breaks, and the request is carried out `ms` later.
    LateLanding "late_landing" Writes 60,
    /// 429: not carried out. `retry_after` seconds, if given, are told in a header.
    TooManyRequests "too_many_requests" Any 40,
    /// A 5xx (`status`, 503 if not given): not carried out.
    ServerError "server_error" Any 40,
    /// A 5xx (`status`, 504 if not given) although it is carried out.
    UnclearAnswer "unclear_answer" Any 40,
    /// 401: not carried out.
    Unauthorized "unauthorized" Any 0,
    /// The answer comes `ms` later; a clock that stands still is moved by so much.
    SlowAnswer "slow_answer" Any 0,
    /// The order is taken, and the answer says that its id is in use, with `code` (40010001 if not given).
    DuplicateId "duplicate_id" Orders 60,
    /// The order is refused for the `reason`.
    Refused "refused" Orders 80,
    /// Only the `part` of the order ever fills.
    PartialFill "partial_fill" Orders 200,
    /// The order fills, up to the `part` of it, before its cancel takes effect.
    CancelRace "cancel_race" Cancels 200,
    /// The cancel is taken and nothing comes of it.
    CancelIgnored "cancel_ignored" Cancels 100,
    /// Canceling what has ended answers 204.
    CancelAgain "cancel_again" Cancels 0,
    /// The results of canceling all orders have no bodies.
    CancelAllBare "cancel_all_bare" CancelAll 0,
    /// The replacement takes effect `ms` later only; until then it can neither be canceled nor replaced.
    ReplaceWedge "replace_wedge" Replaces 0,
    /// Fills are told without their average price.
    NoPrice "no_price" OrderReads 200,
    /// The newest orders are missing from the list.
    OrdersMissing "orders_missing" OrderLists 80,
    /// Every order stands in the list twice: as it is, and as it was when it had just been taken.
    OrdersDuplicated "orders_duplicated" OrderLists 80,
    /// The list is out of order.
    OrdersReordered "orders_reordered" OrderLists 80,
    /// Orders are told as they were when they had just been taken.
    OrdersStale "orders_stale" OrderReads 80,
    /// An order that is there is not found.
    OrderUnseen "order_unseen" OrderLookups 80,
    /// Cash and buying power are those of `ms` ago.
    FundsLag "funds_lag" Account 200,
    /// Quotes are told with times of `ms` ago.
    QuoteStale "quote_stale" Data 80,
    /// Bid and ask are exchanged.
    QuoteCrossed "quote_crossed" Data 80,
    /// A side (`side`: bid, ask; both if not given) is 0.
    QuoteZero "quote_zero" Data 80,
    /// The symbol is missing.
    QuoteMissing "quote_missing" Data 80,
    /// Trading in the symbol stands still for `ms`.
    SymbolHalt "symbol_halt" Symbols 10,
    /// A message is not sent.
    StreamGap "stream_gap" Stream 100,
    /// A message is sent twice.
    StreamDuplicate "stream_duplicate" Stream 100,
    /// A message is sent after the one that follows it.
    StreamReorder "stream_reorder" Stream 100,
    /// A message of the market data stream is not sent.
    QuoteStreamGap "quote_stream_gap" Quotes 0,
    /// A connection of the market data stream breaks instead of a message.
    QuoteStreamCut "quote_stream_cut" Quotes 0,
    /// A connection that has ended occupies its slot for `ms` longer (90,000 if not given). Its `path` says of which stream.
    GhostSlot "ghost_slot" Connections 0,
    /// A connection is refused with 429.
    SlotBusy "slot_busy" Connections 0,
}

impl Fault {
    /// Whether a class can strike a request at all.
    pub(crate) fn concerns(self, facts: &Facts) -> bool {
        let method = facts.method.as_str();
        let path = facts.path.as_str();
        let is_one = path.starts_with("/v2/orders/");
        let is_read = method == "GET" && path.starts_with("/v2/orders");
        let is_order = method == "POST" && path == "/v2/orders";
        let is_data = path.starts_with("/v2/stocks/");
        match self.scope() {
            Scope::Any => true,
            Scope::Writes => method != "GET",
            Scope::Orders => is_order,
            Scope::Cancels => method == "DELETE" && is_one,
            Scope::CancelAll => method == "DELETE" && path == "/v2/orders",
            Scope::Replaces => method == "PATCH" && is_one,
            Scope::OrderReads => is_read,
            Scope::OrderLists => is_read && path == "/v2/orders",
            Scope::OrderLookups => is_read && path != "/v2/orders",
            Scope::Account => method == "GET" && path == "/v2/account",
            Scope::Data => is_data,
            Scope::Symbols => is_data || is_order,
            Scope::Stream | Scope::Connections | Scope::Quotes => false,
        }
    }

    /// Whether a class strikes messages of the order stream.
    pub(crate) fn is_of_stream(self) -> bool {
        self.scope() == Scope::Stream
    }
}

/// Why an order is refused on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The price is not on the grid.
    #[default]
    Price,
    /// There is not enough cash.
    Funds,
    /// There are not enough shares.
    Shares,
    /// An order of the other side is open.
    Wash,
    /// Trading in the symbol is halted.
    Halt,
    /// The symbol may not be traded.
    Asset,
    /// Something that nobody has ever seen.
    Unknown,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Price,
        Self::Funds,
        Self::Shares,
        Self::Wash,
        Self::Halt,
        Self::Asset,
        Self::Unknown,
    ];
}

/// One fault and when it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The class.
    #[serde(rename = "do")]
    pub fault: Fault,
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    #[serde(default)]
    pub path: Option<String>,
    /// Only requests about this symbol.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Only requests about orders whose client id begins so.
    #[serde(default)]
    pub client_order_id: Option<String>,
    /// Only requests of the account with this key.
    #[serde(default)]
    pub account: Option<String>,
    /// Only messages of this event.
    #[serde(default)]
    pub event: Option<String>,
    /// From which of the requests that fit.
    #[serde(default = "one")]
    pub nth: u32,
    /// How often; 0 for always.
    #[serde(default = "one")]
    pub times: u32,
    /// With this chance only.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Milliseconds.
    #[serde(default)]
    pub ms: Option<u64>,
    /// An HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Seconds of a `Retry-After` header.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// The broker's code.
    #[serde(default)]
    pub code: Option<u32>,
    /// A part of an order, from 0 to 1.
    #[serde(default)]
    pub part: Option<Exact>,
    /// Why an order is refused.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// A side of a quote: `bid` or `ask`.
    #[serde(default)]
    pub side: Option<String>,
}

fn one() -> u32 {
    1
}

impl Rule {
    /// A fault that strikes the next request that it concerns.
    pub fn once(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            path: None,
            symbol: None,
            client_order_id: None,
            account: None,
            event: None,
            nth: 1,
            times: 1,
            rate: None,
            ms: None,
            status: None,
            retry_after: None,
            code: None,
            part: None,
            reason: None,
            side: None,
        }
    }

    /// Whether a request is one that this rule is about.
    pub(crate) fn fits(&self, facts: &Facts) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        same(&self.method, &facts.method)
            && same(&self.account, &facts.account)
            && self.path.as_deref().is_none_or(|path| facts.path.starts_with(path))
            && self.symbol.as_ref().is_none_or(|symbol| facts.symbols.contains(symbol))
            && self.client_order_id.as_deref().is_none_or(|wanted| {
                facts.client_order_id.as_deref().is_some_and(|id| id.starts_with(wanted))
            })
    }
}

/// A file of faults, or the body of a control request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What chances are drawn from.
    #[serde(default)]
    pub seed: u64,
    /// Besides the rules, a part of all classes is drawn from the seed, each at a rate of its own.
    #[serde(default)]
    pub draw: bool,
    /// The rules.
    #[serde(default)]
    pub fault: Vec<Rule>,
}

impl Script {
    /// Every rule, the drawn ones included.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let drawn = if self.draw { drawn(self.seed) } else { Vec::new() };
        [self.fault.clone(), drawn].concat()
    }
}

/// A random part of all classes, each at a random rate. A run in which all of them happened would rarely get anywhere.
fn drawn(seed: u64) -> Vec<Rule> {
    let mut chance = Chance::of(seed, "faults", "drawn");
    let share = pick(&mut chance, [10, 20, 30, 45]);
    let mut rules = Vec::new();
    for fault in Fault::ALL {
        let is_on = chance.between(0, 99) < share && fault.most() > 0;
        // Most of the range is rare: halved up to three times.
        let thousandths = fault.most() >> chance.between(0, 3);
        let ms = chance.between(50, 3_000);
        let part = chance.between(0, 9);
        let reason = pick(&mut chance, Reason::ALL);
        let code = pick(&mut chance, [40_010_001, 42_210_000]);
        if is_on {
            rules.push(Rule {
                times: 0,
                rate: Some(alchemiser_market::chance::float(thousandths) / 1_000.0),
                ms: Some(ms),
                part: Some(Exact(rust_decimal::Decimal::new(part.cast_signed(), 1))),
                reason: Some(reason),
                code: Some(code),
                ..Rule::once(fault)
            });
        }
    }
    rules
}

/// One of these.
fn pick<T: Copy, const N: usize>(chance: &mut Chance, of: [T; N]) -> T {
    let last = of.len() - 1;
    of[usize::try_from(chance.between(0, last as u64)).unwrap_or(last)]
}
