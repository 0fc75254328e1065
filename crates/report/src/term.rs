//! Every figure: its name, its formula, and why it may be missing. The pages' explanations, hover texts and glossary are
//! this table.

/// A figure that a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// Dollars traded.
    Traded,
    /// Dollars of sells.
    Sold,
    /// Dollars of buys.
    Bought,
    /// Cost in dollars.
    Cost,
    /// Cost in basis points.
    CostBps,
    /// Cost in half-spreads.
    HalfSpreads,
    /// What waiting for the first order cost.
    Delay,
    /// Implementation shortfall.
    Shortfall,
    /// Effective over quoted spread.
    EffectiveOverQuoted,
    /// The same, as it was learned from the account's own crosses.
    Learned,
    /// Price improvement.
    Improvement,
    /// Share of resting fills.
    Passive,
    /// Time of a leg.
    Seconds,
    /// Time to an order's last fill.
    SecondsToFill,
    /// What the price did after the fill.
    Markout,
    /// Share of the portfolio before.
    WeightBefore,
    /// Share of the portfolio asked for.
    WeightTarget,
    /// Share of the portfolio after.
    WeightAfter,
    /// Distance of a portfolio from its target.
    Drift,
    /// Shares to trade.
    Target,
    /// Shares traded.
    Filled,
    /// Average price.
    Average,
    /// Limit of an order.
    Limit,
    /// Mid at arrival.
    ArrivalMid,
    /// Mid at the first order.
    FirstMid,
    /// Spread at the first order.
    Spread,
    /// Orders sent.
    Orders,
    /// Orders moved to another price.
    Repegs,
    /// Legs that paid the spread.
    Escalations,
    /// Time of a plan.
    Duration,
    /// Legs done.
    Done,
    /// Money verified for buys.
    Funds,
    /// Fees.
    Fees,
}

/// What is said of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// How it is made.
    pub formula: &'static str,
    /// What it means.
    pub says: &'static str,
    /// Why it is missing where it is.
    pub missing: &'static str,
}

const fn entry(
    name: &'static str,
    formula: &'static str,
    says: &'static str,
    missing: &'static str,
) -> Entry {
    Entry { name, formula, says, missing }
}

const NO_FILL: &str = "nothing was filled, or the broker has not said the price";

impl Term {
    /// Every term, in the order of the glossary.
    pub const ALL: [Self; 33] = [
        Self::Traded,
        Self::Sold,
        Self::Bought,
        Self::Cost,
        Self::CostBps,
        Self::HalfSpreads,
        Self::Delay,
        Self::Shortfall,
        Self::EffectiveOverQuoted,
        Self::Learned,
        Self::Improvement,
        Self::Passive,
        Self::Seconds,
        Self::SecondsToFill,
        Self::Markout,
        Self::WeightBefore,
        Self::WeightTarget,
        Self::WeightAfter,
        Self::Drift,
        Self::Target,
        Self::Filled,
        Self::Average,
        Self::Limit,
        Self::ArrivalMid,
        Self::FirstMid,
        Self::Spread,
        Self::Orders,
        Self::Repegs,
        Self::Escalations,
        Self::Duration,
        Self::Done,
        Self::Funds,
        Self::Fees,
    ];

    /// What is said of it.
    pub fn entry(self) -> Entry {
        match self {
            Self::Traded
            | Self::Sold
            | Self::Bought
            | Self::Funds
            | Self::Fees
            | Self::Done
            | Self::Duration => self.of_plan(),
            Self::Cost
            | Self::CostBps
            | Self::HalfSpreads
            | Self::Delay
            | Self::Shortfall
            | Self::EffectiveOverQuoted
            | Self::Learned
            | Self::Improvement
            | Self::Markout => self.of_cost(),
            Self::WeightBefore | Self::WeightTarget | Self::WeightAfter | Self::Drift => {
                self.of_weight()
            }
            Self::Passive | Self::Seconds | Self::SecondsToFill | Self::Target => self.of_leg(),
            Self::Filled | Self::Average | Self::Limit | Self::ArrivalMid => self.of_leg(),
            Self::FirstMid | Self::Spread | Self::Orders | Self::Repegs => self.of_leg(),
            Self::Escalations => self.of_leg(),
        }
    }

    fn of_plan(self) -> Entry {
        match self {
            Self::Sold => entry(
                "sold",
                "Σ quantity × price over the fills of sells",
                "Dollars that the sells brought.",
                NO_FILL,
            ),
            Self::Bought => entry(
                "bought",
                "Σ quantity × price over the fills of buys",
                "Dollars that the buys took.",
                NO_FILL,
            ),
            Self::Funds => entry(
                "money for buys",
                "min(cash, buying power) before the first order, settled money only while somebody else's buy is open, + proceeds that the account shows",
                "What was verified before the first buy.",
                "no buy came so far that money had to be verified",
            ),
            Self::Fees => entry(
                "fees",
                "as the broker reports them",
                "Regulatory fees and commissions.",
                "the broker reports them at the end of the day, not with the fill",
            ),
            Self::Done => entry(
                "legs done",
                "legs that were filled, or whose rest is too small to trade, of all legs",
                "How much of the plan is done.",
                "the plan has no legs",
            ),
            Self::Duration => entry(
                "duration",
                "outcome − receipt of the plan",
                "How long it took in all.",
                "the plan is not over",
            ),
            _ => entry(
                "traded",
                "Σ quantity × price over all fills, sells and buys",
                "Dollars that changed hands.",
                NO_FILL,
            ),
        }
    }

    fn of_cost(self) -> Entry {
        match self {
            Self::CostBps => entry(
                "cost, bps",
                "s(P̄ − m₀) / m₀ × 10,000",
                "The cost in hundredths of a percent of the price; means are weighted by dollars filled.",
                NO_FILL,
            ),
            Self::HalfSpreads => entry(
                "cost, half-spreads",
                "s(P̄ − m₀) / H₀",
                "A market order pays +1.00; an order that rests and fills at its limit earns −1.00. Means are weighted by dollars filled.",
                "nothing was filled, or bid and ask were the same at the first order",
            ),
            Self::Delay => entry(
                "delay, bps",
                "s(m₀ − m_d) / m_d × 10,000",
                "What the market did between the plan's receipt and the leg's first order.",
                "no usable quote was seen at the plan's receipt, or nothing was filled",
            ),
            Self::Shortfall => entry(
                "shortfall",
                "s(P̄ − m_d) × filled + s(m_end − m_d) × unfilled",
                "Implementation shortfall: dollars lost against trading everything at the mid of the plan's receipt.",
                "no usable quote was seen at the plan's receipt, or at the leg's end for what was not filled, or nothing was filled",
            ),
            Self::EffectiveOverQuoted => entry(
                "E/Q",
                "Σ 2s(P − m) × quantity / Σ (ask − bid) × quantity, quotes at each order's submit",
                "Effective over quoted spread: 1 pays the whole spread, 0 trades at the mid, −1 earns the spread.",
                "nothing was filled, or bid and ask were the same at submit",
            ),
            Self::Learned => entry(
                "E/Q learned",
                "(Σ 2s(P − m) + 30 S̄) / (Σ S + 30 S̄) over the account's crosses, lowered by at most a step a day",
                "What crossing has cost of the spread, shrunk toward 1: the policy decides by it.",
                "nothing was known when the plan began",
            ),
            Self::Improvement => entry(
                "price improvement",
                "Σ s(far touch − P) × quantity, quotes at each order's submit",
                "Dollars better than taking the other side's best price when the order was sent.",
                NO_FILL,
            ),
            Self::Markout => entry(
                "markout, bps",
                "Σ s(m(fill + τ) − P) × quantity / Σ P × quantity × 10,000",
                "What the price did in the seconds after the fill; above zero it went our way.",
                "no quote was seen that long after the fill before the plan ended",
            ),
            _ => entry(
                "cost",
                "s(P̄ − m₀) × filled",
                "Dollars paid against the mid at the leg's first order; s is +1 for a buy and −1 for a sell, so + is always money lost.",
                NO_FILL,
            ),
        }
    }

    fn of_weight(self) -> Entry {
        match self {
            Self::WeightTarget => entry(
                "target",
                "target_value / total_portfolio_value, as the plan says",
                "Share of the portfolio that the plan asks for.",
                "the plan names no portfolio value",
            ),
            Self::WeightAfter => entry(
                "after",
                "(current_value + bought − sold) / total_portfolio_value",
                "Share of the portfolio after the fills; values are the plan's, and only what we traded moves them.",
                "the plan names no portfolio value",
            ),
            Self::Drift => entry(
                "drift",
                "½ Σ |weight − target| over the plan's items",
                "The share of the portfolio that is in the wrong place.",
                "the plan names no portfolio value",
            ),
            _ => entry(
                "before",
                "current_value / total_portfolio_value, as the plan says",
                "Share of the portfolio when the plan was made.",
                "the plan names no portfolio value",
            ),
        }
    }

    fn of_leg(self) -> Entry {
        match self {
            Self::Passive => entry(
                "passive",
                "shares filled by orders that rested / shares filled",
                "How much of the leg did not cross the spread.",
                NO_FILL,
            ),
            Self::Seconds => entry(
                "seconds",
                "end of the leg − first order",
                "How long the leg was worked.",
                "no order was sent, or the leg is not over",
            ),
            Self::SecondsToFill => entry(
                "time to fill",
                "last fill − the order's intent, in seconds",
                "How long an order waited for its last fill.",
                "nothing of it was filled",
            ),
            Self::Target => entry(
                "target",
                "amount of the plan / price at sizing, or all shares held for an exit",
                "Shares to trade.",
                "the leg ended before it was sized",
            ),
            Self::Average => entry("average", "Σ quantity × price / Σ quantity", "P̄.", NO_FILL),
            Self::Limit => entry(
                "limit",
                "as it was sent to the broker",
                "The worst price that the order could trade at.",
                "no order was sent",
            ),
            Self::ArrivalMid => entry(
                "mid at arrival",
                "m_d = (bid + ask) / 2 of the first usable quote after the plan's receipt",
                "Where the market was when the plan came.",
                "no usable quote was seen before the leg ended",
            ),
            Self::FirstMid => entry(
                "mid at first order",
                "m₀ = (bid + ask) / 2 of the quote that the leg's first order was decided on",
                "What the cost is measured against.",
                "no order was sent, or its quote was lost with the log",
            ),
            Self::Spread => entry(
                "spread",
                "2 H₀ = ask − bid of the quote that the leg's first order was decided on",
                "What a round trip at the touch costs.",
                "no order was sent, or its quote was lost with the log",
            ),
            Self::Orders => entry(
                "orders",
                "orders of the leg that left this process",
                "One leg has at most one order in the market.",
                "no order was sent",
            ),
            Self::Repegs => entry(
                "re-pegs",
                "orders that were taken back to rest at another price",
                "How often the market moved away.",
                "no order was sent",
            ),
            Self::Escalations => entry(
                "escalations",
                "legs that rested first and crossed the spread later",
                "How often patience ended.",
                "no order was sent",
            ),
            _ => entry("filled", "Σ quantity over all fills of the leg", "Shares traded.", NO_FILL),
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The anchor of its line in the glossary.
    pub fn anchor(self) -> String {
        format!("term-{self:?}").to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every figure has a name of its own (but for two kinds of target), a formula and a reason.
    #[test]
    fn every_term_is_explained() {
        let anchors: BTreeSet<String> = Term::ALL.into_iter().map(Term::anchor).collect();
        assert_eq!(anchors.len(), Term::ALL.len());
        let formulas: BTreeSet<&str> =
            Term::ALL.into_iter().map(|term| term.entry().formula).collect();
        assert_eq!(formulas.len(), Term::ALL.len(), "two terms share a formula");
        for term in Term::ALL {
            let entry = term.entry();
            let texts = [entry.name, entry.formula, entry.says, entry.missing];
            assert!(texts.iter().all(|text| !text.is_empty()), "{term:?}");
        }
    }
}
