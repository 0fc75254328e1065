//! Everything that may go wrong, by class.

use crate::chance::Chance;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $word:literal $most:literal,)*) => {
        /// A class of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every class.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// The word used in tables and in JSON.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The highest rate that a run draws, in parts of a million opportunities; 0 for what is only counted.
            fn most(self) -> u32 {
                match self {
                    $(Self::$name => $most,)*
                }
            }
        }
    };
}

faults! {
    /// An event is delivered twice.
    EventDuplicate "event duplicate" 400_000,
    /// An event is overtaken by later ones.
    EventReordered "event reordered" 400_000,
    /// An event is delivered after the lease of its time is over.
    EventDelayed "event delayed" 300_000,
    /// An event is lost: an asynchronous invocation for good, a queued one until somebody moves it back.
    EventLost "event lost" 400_000,
    /// An event comes again much later.
    EventReplayed "event replayed" 300_000,
    /// An event is delivered to two processes at the same time.
    EventConcurrent "event concurrent" 400_000,
    /// A process dies before a call took effect.
    CrashBefore "crash before effect" 10_000,
    /// A process dies after a call took effect, and before it learnt of it.
    CrashAfter "crash after effect" 8_000,
    /// A process stands still for less than its lease.
    FreezeShort "freeze" 6_000,
    /// A process stands still for longer than its lease, and goes on as if nothing had been.
    FreezeZombie "zombie" 5_000,
    /// A process is killed when its time is up, wherever it is.
    HardTimeout "hard timeout" 400_000,
    /// A process must hand over before the plan is done.
    HandOver "hand over" 500_000,
    /// A function fails before it begins.
    InitFailure "init failure" 150_000,
    /// A process is of another release: its entries say so.
    TwoVersions "two code versions" 400_000,
    /// A process is of a release so old that it does not read what the others write.
    OldReader "older reader" 100_000,
    /// The store carries out a request, and its answer is lost.
    StoreLostAnswer "store lost answer" 60_000,
    /// Somebody else wrote the object first.
    StoreForeign "store foreign 412" 60_000,
    /// The object is there already, and it is the client's own: an earlier try had got through.
    StoreOwn "store own 412" 0,
    /// The store does nothing: the connection breaks, or nothing comes back.
    StoreUnclear "store no answer" 60_000,
    /// The store does nothing, and says 409: another request for the object is under way.
    StoreConflict "store 409" 80_000,
    /// The store does nothing, and says 503 `SlowDown` or another 5xx.
    StoreSlowDown "store 5xx" 80_000,
    /// A machine stops in the middle of a write: a draft stays, and is no object.
    TornWrite "torn local write" 15_000,
    /// The disk is full for a while.
    DiskFull "disk full" 12_000,
    /// The store carries out a request long after the client gave it up.
    StoreLate "store late" 20_000,
    /// The store takes seconds.
    StoreSlow "store slow" 300_000,
    /// An order never reaches the broker.
    BrokerLostRequest "broker lost request" 200_000,
    /// The broker carries out a request, and its answer is lost.
    BrokerLostAnswer "broker lost answer" 200_000,
    /// An order reaches the broker seconds after the client gave it up.
    BrokerLate "broker late landing" 200_000,
    /// The broker answers 5xx, and does nothing.
    BrokerUnclear "broker 5xx" 80_000,
    /// The broker answers 429.
    BrokerTooMany "broker 429" 80_000,
    /// The broker says that the id is in use, with code 40010001.
    BrokerDuplicate "duplicate id 40010001" 150_000,
    /// The broker says that the id is in use, with code 42210000.
    BrokerDuplicateOther "duplicate id 42210000" 150_000,
    /// The broker refuses a price.
    RefusedPrice "refused price" 80_000,
    /// The broker refuses for want of buying power or of shares.
    RefusedFunds "refused funds" 150_000,
    /// The broker refuses for an order of the other side.
    RefusedWash "refused wash" 80_000,
    /// The broker refuses for a halt of the symbol.
    RefusedHalt "refused halt" 80_000,
    /// An order fills in part only.
    PartialFill "partial fill" 700_000,
    /// An order fills while its cancel is under way.
    CancelRace "cancel race" 500_000,
    /// A cancel is not carried out although it was taken.
    CancelIgnored "cancel ignored" 200_000,
    /// A list of orders, or a look-up, is of the past.
    OrdersStale "orders stale" 250_000,
    /// A list of orders lacks one, or a look-up does not find it.
    OrdersMissing "orders missing" 250_000,
    /// A list of orders has each order twice: as it was before, and as it is.
    OrdersDuplicated "orders duplicated" 250_000,
    /// A list of orders is out of order.
    OrdersReordered "orders reordered" 250_000,
    /// A fill is told without its price.
    NoPrice "filled without price" 300_000,
    /// The account shows what it showed before.
    FundsLag "buying power lag" 400_000,
    /// The market data are of the past.
    QuoteStale "quote stale" 150_000,
    /// The bid is above the ask.
    QuoteCrossed "quote crossed" 150_000,
    /// A side has no price or no size.
    QuoteZero "quote zero" 150_000,
    /// A symbol has no quote, or the market data do not answer.
    QuoteMissing "quote missing" 150_000,
    /// Trading in a symbol stands still.
    SymbolHalt "symbol halt" 8_000,
    /// The session ends early, soon after the plans come.
    EarlyClose "early close" 1_000_000,
    /// A process's clock jumps.
    ClockJump "clock jump" 4_000,
    /// Trading in the account is stopped by a person.
    AccountHalt "account halt" 1_000_000,
    /// The bus does not answer, and takes nothing.
    PublishFailure "publish failure" 300_000,
    /// The bus answers 200, and says in the entry's own result that it did not take it.
    PublishPartial "partial PutEvents failure" 300_000,
    /// The bus takes an event, and its answer is lost.
    PublishLostAnswer "publish lost answer" 300_000,
}

/// Faults that belong together: the first and the last of them.
const FAMILIES: [(Fault, Fault); 5] = [
    (Fault::EventDuplicate, Fault::HandOver),
    (Fault::StoreLostAnswer, Fault::StoreSlow),
    (Fault::BrokerLostRequest, Fault::FundsLag),
    (Fault::BrokerLostRequest, Fault::RefusedHalt),
    (Fault::QuoteStale, Fault::ClockJump),
];

/// How often each class was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally([u64; Fault::ALL.len()]);

impl Default for Tally {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Tally {
    pub(crate) fn count(&mut self, fault: Fault) {
        self.count_many(fault, 1);
    }

    pub(crate) fn count_many(&mut self, fault: Fault, hits: u64) {
        self.0[fault as usize] += hits;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Every class with its hits.
    pub fn hits(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL.into_iter().zip(self.0)
    }
}

/// What goes wrong in one run, and how often: a random part of all classes, each at a random rate. A run in which all
/// of them happened at once would rarely get anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Odds([u32; Fault::ALL.len()]);

impl Odds {
    /// Draws a run's odds. One run in twenty is calm.
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let mut odds = Self::none();
        if chance.percent(15) {
            return Self::of_one_family(chance);
        }
        let share = if chance.percent(5) { 0 } else { chance.pick(&[8, 15, 25, 40]) };
        for fault in Fault::ALL {
            let is_on = chance.percent(share);
            // Most of the range is rare: halved up to five times.
            let rate = fault.most() >> chance.below(6);
            odds.0[fault as usize] = if is_on { rate } else { 0 };
        }
        odds
    }

    /// Everything that belongs together goes wrong, and often: a lost answer, then a refusal, then a late landing.
    fn of_one_family(chance: &mut Chance) -> Self {
        let mut odds = Self::none();
        let (first, last) = chance.pick(&FAMILIES);
        for fault in Fault::ALL.into_iter().filter(|fault| (first..=last).contains(fault)) {
            odds.0[fault as usize] = fault.most() >> chance.below(3);
        }
        // Whoever comes next knows nothing of what was seen before.
        if chance.percent(50) {
            odds.0[Fault::HandOver as usize] = Fault::HandOver.most();
            odds.0[Fault::CrashAfter as usize] = Fault::CrashAfter.most();
        }
        odds
    }

    /// Nothing goes wrong.
    pub(crate) fn none() -> Self {
        Self([0; Fault::ALL.len()])
    }

    pub(crate) fn rate(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}
