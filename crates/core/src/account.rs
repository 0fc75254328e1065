//! The account, across plans: who executes on it, what the day has used of its caps, and the switch that stops trading.
//!
//! The account log (`accounts/{account}/…`) is a list of [`Change`]s, and each of its entries carries the whole
//! [`Account`] after its change. One plan executes at a time, without expiry: whoever finds the holder's log finished
//! releases the account for it.

use jiff::{Timestamp, civil::Date};

use crate::{
    execution::Execution,
    ids::{AccountId, PlanId, Symbol},
    money::Money,
    plan::{Plan, PlanItem},
    planted::{Plant, is_planted},
    policy::Policy,
};

/// What a plan, or a day, takes of the daily caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Dollars of orders: fills at their prices, what may still fill at its limits.
    pub notional: Money,
    /// Orders sent.
    pub orders: u32,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            notional: self.notional.plus(other.notional),
            orders: self.orders.saturating_add(other.orders),
        }
    }

    /// The most that a plan may take: every buy and trim with its tolerance, every exit at the most that its position
    /// may be worth, and for every leg as many orders as it may have.
    pub fn reserved_for(plan: &Plan, policy: &Policy) -> Self {
        let most = |item: &PlanItem| {
            let amount = item.trade_amount.abs();
            if item.is_exit() {
                let above = policy.position_tolerance.saturating_add(rust_decimal::Decimal::ONE);
                amount.max(item.current_value).scaled(above)
            } else {
                amount.scaled(policy.amount_tolerance)
            }
        };
        let legs = u32::try_from(plan.traded().count()).unwrap_or(u32::MAX);
        Self {
            notional: plan.traded().map(most).sum(),
            orders: legs.saturating_mul(policy.children_max),
        }
    }

    /// What a plan has taken so far.
    pub fn of(state: &Execution) -> Self {
        Self { notional: state.turned_over(), orders: state.orders_sent() }
    }
}

/// Trading is stopped, in an account or of one plan, by a person or by a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Who stopped it.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl Halt {
    /// A halt; both texts are cut to 200 characters.
    pub fn new(who: &str, why: &str, at: Timestamp) -> Self {
        let cut = |text: &str| text.chars().take(200).collect();
        Self { who: cut(who), why: cut(why), at }
    }
}

/// The plan that executes, and what it reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The plan.
    pub plan: PlanId,
    /// The most it may take of the day's caps.
    pub reserved: Usage,
}

/// The account between two changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The plan that executes, if one does.
    pub holder: Option<Holding>,
    /// Plans that asked while it was held, oldest first.
    pub waiting: Vec<PlanId>,
    /// The New York date that the usage counts for.
    pub date: Option<Date>,
    /// What finished plans used of that day's caps.
    pub used: Usage,
    /// Symbols whose half-cent prices the broker refused on that day.
    pub cent_symbols: Vec<Symbol>,
    /// The halt, while trading is stopped.
    pub halt: Option<Halt>,
    /// Plans that are not to be traded any further, with who said so, and why; until they are over.
    pub canceled: Vec<(PlanId, Halt)>,
}

/// What changes an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A plan took the account on a date, and reserved its most.
    Acquired(PlanId, Date, Usage),
    /// A plan asked while another one held it.
    Queued(PlanId),
    /// The holder is over: what it used, and symbols whose half-cent prices were refused.
    Released(PlanId, Usage, Vec<Symbol>),
    /// Trading was stopped. A halt during a halt changes nothing: the first one says why.
    Halted(Halt),
    /// Trading may go on.
    Resumed {
        /// Who says so.
        who: String,
        /// Why; empty in entries from before it was asked for.
        why: String,
    },
    /// One plan is not to be traded any further. The first one who says so is kept.
    Canceled(PlanId, Halt),
    /// Somebody trades what another plan left, as this one. It changes nothing else.
    Retried(PlanId, Halt),
}

/// What a plan knows of its account, from the moment it took it; kept in the plan's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquisition {
    /// The account.
    pub account: AccountId,
    /// The New York date.
    pub date: Date,
    /// What earlier plans used of the day's caps.
    pub before: Usage,
    /// What this plan reserved.
    pub reserved: Usage,
    /// Symbols whose half-cent prices the broker refused earlier that day.
    pub cent_symbols: Vec<Symbol>,
}

impl Account {
    /// The account after a change. Total: a release by a plan that does not hold it changes nothing.
    ///
    /// ```
    /// use alchemiser_core::account::{Account, Change, Usage};
    /// use alchemiser_core::{ids::PlanId, money::Money};
    /// let (plan, date) = (PlanId::new("plan-1").unwrap(), jiff::civil::date(2026, 11, 20));
    /// let used = Usage { notional: Money::ONE, orders: 3 };
    /// let account = Account::default()
    ///     .after(&Change::Acquired(plan.clone(), date, Usage { orders: 20, ..used }))
    ///     .after(&Change::Released(plan, used, Vec::new()));
    /// assert_eq!((account.holder, account.used), (None, used));
    /// ```
    #[must_use]
    pub fn after(mut self, change: &Change) -> Self {
        match change {
            Change::Acquired(plan, date, reserved) => {
                if self.date != Some(*date) {
                    self.date = Some(*date);
                    self.used = Usage::default();
                    self.cent_symbols.clear();
                }
                self.waiting.retain(|other| other != plan);
                self.holder = Some(Holding { plan: plan.clone(), reserved: *reserved });
            }
            Change::Queued(plan) => {
                if !self.waiting.contains(plan) {
                    self.waiting.push(plan.clone());
                }
            }
            Change::Released(plan, used, refused) => {
                if self.holder.take_if(|holder| holder.plan == *plan).is_some() {
                    self.canceled.retain(|(other, _)| other != plan);
                    let lost = is_planted(Plant::UsageLost);
                    self.used = if lost { self.used } else { self.used.plus(*used) };
                    self.cent_symbols.extend(refused.iter().cloned());
                    self.cent_symbols.sort();
                    self.cent_symbols.dedup();
                }
            }
            Change::Halted(halt) => self.halt = self.halt.or_else(|| Some(halt.clone())),
            Change::Resumed { .. } => self.halt = None,
            Change::Retried(..) => {}
            Change::Canceled(plan, who) => {
                if self.cancellation(plan).is_none() {
                    self.canceled.push((plan.clone(), who.clone()));
                }
            }
        }
        self
    }

    /// Who canceled a plan, and why; `None` while nobody has, and once it is over.
    pub fn cancellation(&self, plan: &PlanId) -> Option<&Halt> {
        self.canceled.iter().find(|(other, _)| other == plan).map(|(_, who)| who)
    }

    /// What the plan that holds the account may know of it; `None` for any other plan.
    pub fn acquisition(&self, account: &AccountId, plan: &PlanId) -> Option<Acquisition> {
        let holder = self.holder.as_ref().filter(|holder| holder.plan == *plan)?;
        Some(Acquisition {
            account: account.clone(),
            date: self.date?,
            before: self.used,
            reserved: holder.reserved,
            cent_symbols: self.cent_symbols.clone(),
        })
    }
}

impl Execution {
    /// Symbols whose half-cent prices the broker refused.
    pub fn cent_symbols(&self) -> Vec<Symbol> {
        let refused = self.legs.iter().filter(|leg| leg.cents_only);
        refused.map(|leg| leg.symbol().clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn plan(id: &str) -> PlanId {
        PlanId::new(id).unwrap()
    }

    fn usage(dollars: i64, orders: u32) -> Usage {
        Usage { notional: Money::new(dollars.into()), orders }
    }

    fn halt(why: &str) -> Halt {
        Halt::new("ops", why, Timestamp::UNIX_EPOCH)
    }

    fn after(changes: &[Change]) -> Account {
        changes.iter().fold(Account::default(), Account::after)
    }

    /// L9: what a day's plans used adds up, and the next day starts anew.
    #[test]
    fn usage_adds_up_within_a_day_only() {
        let (friday, monday) = (date(2026, 11, 20), date(2026, 11, 23));
        let cents = || vec![Symbol::new("F").unwrap()];
        let day = [
            Change::Acquired(plan("a"), friday, usage(900, 60)),
            Change::Released(plan("a"), usage(500, 7), cents()),
            Change::Acquired(plan("b"), friday, usage(100, 20)),
        ];
        let account = after(&day);
        let known = account.acquisition(&AccountId::new("acct").unwrap(), &plan("b")).unwrap();
        assert_eq!((known.before, known.reserved), (usage(500, 7), usage(100, 20)));
        assert_eq!(known.cent_symbols, cents());
        let account = account
            .after(&Change::Released(plan("b"), usage(50, 3), cents()))
            .after(&Change::Acquired(plan("c"), monday, usage(1, 1)));
        assert_eq!((account.used, account.cent_symbols.len()), (usage(0, 0), 0));
        let same_day = after(&day).after(&Change::Released(plan("b"), usage(50, 3), cents()));
        assert_eq!((same_day.used, same_day.cent_symbols), (usage(550, 10), cents()));
    }

    /// X9: only the holder releases, and a plan waits in line once.
    #[test]
    fn only_the_holder_releases() {
        let taken = Change::Acquired(plan("a"), date(2026, 11, 20), usage(900, 60));
        let account = after(&[
            taken.clone(),
            Change::Queued(plan("b")),
            Change::Queued(plan("b")),
            Change::Released(plan("b"), usage(1, 1), Vec::new()),
        ]);
        assert_eq!(account.holder.as_ref().map(|holder| &holder.plan), Some(&plan("a")));
        assert_eq!((account.waiting.len(), account.used), (1, usage(0, 0)));
        let next = Change::Acquired(plan("b"), date(2026, 11, 20), usage(1, 1));
        let account = account.after(&Change::Released(plan("a"), usage(2, 1), Vec::new()));
        assert_eq!(account.after(&next).waiting, []);
        let other = after(&[taken]);
        assert_eq!(other.acquisition(&AccountId::new("acct").unwrap(), &plan("b")), None);
    }

    /// L9: a halt outlives plans and stays the first one until somebody resumes.
    #[test]
    fn the_first_halt_says_why_until_resumed() {
        let changes = [
            Change::Halted(halt("first")),
            Change::Halted(halt("second")),
            Change::Acquired(plan("a"), date(2026, 11, 20), usage(1, 1)),
            Change::Released(plan("a"), usage(0, 0), Vec::new()),
        ];
        let account = after(&changes);
        assert_eq!(account.halt, Some(halt("first")));
        let account = account.after(&Change::Retried(plan("b"), halt("another")));
        assert_eq!(account.halt, Some(halt("first")), "a retry lets nothing go on");
        assert_eq!(account.after(&resumed()).halt, None);
    }

    fn resumed() -> Change {
        Change::Resumed { who: "ops".to_owned(), why: "all is well".to_owned() }
    }

    /// A cancellation is of one plan, the first one says why, and it goes with the plan.
    #[test]
    fn a_cancellation_lasts_until_its_plan_is_over() {
        let taken = Change::Acquired(plan("a"), date(2026, 11, 20), usage(1, 1));
        let account = after(&[
            taken,
            Change::Canceled(plan("a"), halt("first")),
            Change::Canceled(plan("a"), halt("second")),
            Change::Canceled(plan("b"), halt("another")),
        ]);
        assert_eq!(account.cancellation(&plan("a")), Some(&halt("first")));
        assert_eq!((account.canceled.len(), &account.halt), (2, &None));
        let account = account.after(&resumed());
        assert_eq!(account.cancellation(&plan("a")), Some(&halt("first")), "it is no halt");
        let account = account.after(&Change::Released(plan("a"), usage(0, 0), Vec::new()));
        assert_eq!(account.cancellation(&plan("a")), None);
        assert_eq!(account.cancellation(&plan("b")), Some(&halt("another")));
    }

    #[test]
    fn texts_of_a_halt_are_cut() {
        let halt = Halt::new(&"w".repeat(300), &"y".repeat(201), Timestamp::UNIX_EPOCH);
        assert_eq!((halt.who.len(), halt.why.len()), (200, 200));
    }
}
