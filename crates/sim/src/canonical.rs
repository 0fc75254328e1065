//! Plans that are always the same, in calm weather: what happens when a process dies at one certain point.

use alchemiser_core::policy::PolicyKind;

use crate::letter::Line;

/// A plan that is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canonical {
    /// One buy that crosses at once.
    OneBuy,
    /// A complete exit, and a buy of its proceeds.
    SellAndBuy,
    /// Legs that rest, are moved, and cross in the end.
    Repeg,
    /// Orders that fill in many parts.
    PartialFills,
    /// Nothing has to be traded.
    NoTrade,
}

impl Canonical {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OneBuy, Self::SellAndBuy, Self::Repeg, Self::PartialFills, Self::NoTrade];

    /// The words used in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::OneBuy => "one buy",
            Self::SellAndBuy => "sell, then buy",
            Self::Repeg => "legs with re-pegs",
            Self::PartialFills => "partial fills",
            Self::NoTrade => "no trade",
        }
    }

    /// Symbol, dollars held, dollars wanted.
    pub(crate) fn lines(self) -> &'static [Line] {
        match self {
            Self::OneBuy => &[("SPY", 0, 2_000)],
            Self::SellAndBuy => &[("TLT", 3_000, 0), ("SPY", 0, 2_500)],
            Self::Repeg => &[("TLT", 3_000, 1_000), ("SPY", 0, 2_500), ("GLD", 500, 2_000)],
            Self::PartialFills => &[("QQQ", 0, 3_000), ("XLK", 1_000, 2_500)],
            Self::NoTrade => &[("SPY", 2_000, 2_000)],
        }
    }

    pub(crate) fn policy(self) -> PolicyKind {
        match self {
            Self::OneBuy | Self::SellAndBuy | Self::NoTrade => PolicyKind::Cross,
            Self::Repeg => PolicyKind::Walk,
            Self::PartialFills => PolicyKind::Adaptive,
        }
    }

    /// In how many of a million fills only a part trades.
    pub(crate) fn partial(self) -> u32 {
        match self {
            Self::PartialFills => 700_000,
            Self::OneBuy | Self::SellAndBuy | Self::Repeg | Self::NoTrade => 0,
        }
    }
}
