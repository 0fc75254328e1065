//! The account log as JSON: each entry is one change, and the whole account after it.

use alchemiser_core::{
    account::{Account, Acquisition, Change, Halt, Holding, Usage},
    ids::{AccountId, PlanId, Symbol},
    money::Money,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text;

/// The newest schema of an account entry.
pub const SCHEMA: u32 = 1;

/// An entry of the account log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// 1 for the first.
    pub seq: u64,
    /// The account's number.
    pub id: AccountId,
    /// What changed.
    pub change: Change,
    /// The account after it.
    pub account: Account,
    /// Tells two writers of the same number apart.
    pub put_id: String,
    /// When.
    pub at: Timestamp,
}

/// Bytes that are no account entry.
#[derive(Debug, Error)]
pub enum NotAnAccountEntry {
    /// Not of the documented form.
    #[error("expected an account log entry, found {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer release.
    #[error(
        "expected an account log entry of schema {SCHEMA} or older, found schema {found}: use the newer release"
    )]
    Newer {
        /// The schema found.
        found: u32,
    },
}

#[derive(Deserialize)]
struct Version {
    schema: u32,
}

#[derive(Serialize, Deserialize)]
struct Line {
    schema: u32,
    seq: u64,
    #[serde(with = "text")]
    account: AccountId,
    #[serde(flatten)]
    change: ChangeLine,
    put_id: String,
    at: Timestamp,
    state: StateLine,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum ChangeLine {
    Acquired {
        #[serde(with = "text")]
        plan_id: PlanId,
        date: Date,
        reserved: UsageLine,
    },
    Queued {
        #[serde(with = "text")]
        plan_id: PlanId,
    },
    Released {
        #[serde(with = "text")]
        plan_id: PlanId,
        used: UsageLine,
        #[serde(with = "text::list")]
        cent_symbols: Vec<Symbol>,
    },
    Halted {
        halt: HaltLine,
    },
    Resumed {
        who: String,
        /// Entries from before it was asked for have none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    Canceled {
        #[serde(with = "text")]
        plan_id: PlanId,
        by: HaltLine,
    },
    Retried {
        #[serde(with = "text")]
        plan_id: PlanId,
        by: HaltLine,
    },
}

#[derive(Serialize, Deserialize)]
struct StateLine {
    holder: Option<HoldingLine>,
    #[serde(with = "text::list")]
    waiting: Vec<PlanId>,
    date: Option<Date>,
    used: UsageLine,
    #[serde(with = "text::list")]
    cent_symbols: Vec<Symbol>,
    halt: Option<HaltLine>,
    /// Entries from before plans could be canceled have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    canceled: Vec<CanceledLine>,
}

#[derive(Serialize, Deserialize)]
struct CanceledLine {
    #[serde(with = "text")]
    plan_id: PlanId,
    by: HaltLine,
}

#[derive(Serialize, Deserialize)]
struct HoldingLine {
    #[serde(with = "text")]
    plan_id: PlanId,
    reserved: UsageLine,
}

#[derive(Serialize, Deserialize)]
struct UsageLine {
    #[serde(with = "text")]
    notional: Money,
    orders: u32,
}

/// A halt, in the account log and in a plan's.
#[derive(Serialize, Deserialize)]
pub(crate) struct HaltLine {
    who: String,
    why: String,
    since: Timestamp,
}

/// What a plan's log holds of the account that it took.
#[derive(Serialize, Deserialize)]
pub(crate) struct AcquiredLine {
    #[serde(with = "text")]
    account: AccountId,
    date: Date,
    before: UsageLine,
    reserved: UsageLine,
    #[serde(with = "text::list")]
    cent_symbols: Vec<Symbol>,
}

impl From<Usage> for UsageLine {
    fn from(usage: Usage) -> Self {
        Self { notional: usage.notional, orders: usage.orders }
    }
}

impl From<UsageLine> for Usage {
    fn from(line: UsageLine) -> Self {
        Self { notional: line.notional, orders: line.orders }
    }
}

impl From<&Halt> for HaltLine {
    fn from(halt: &Halt) -> Self {
        Self { who: halt.who.clone(), why: halt.why.clone(), since: halt.at }
    }
}

impl From<HaltLine> for Halt {
    fn from(line: HaltLine) -> Self {
        Self::new(&line.who, &line.why, line.since)
    }
}

impl From<&Acquisition> for AcquiredLine {
    fn from(acquisition: &Acquisition) -> Self {
        Self {
            account: acquisition.account.clone(),
            date: acquisition.date,
            before: acquisition.before.into(),
            reserved: acquisition.reserved.into(),
            cent_symbols: acquisition.cent_symbols.clone(),
        }
    }
}

impl From<AcquiredLine> for Acquisition {
    fn from(line: AcquiredLine) -> Self {
        Self {
            account: line.account,
            date: line.date,
            before: line.before.into(),
            reserved: line.reserved.into(),
            cent_symbols: line.cent_symbols,
        }
    }
}

impl From<&Change> for ChangeLine {
    fn from(change: &Change) -> Self {
        match change {
            Change::Acquired(plan_id, date, reserved) => Self::Acquired {
                plan_id: plan_id.clone(),
                date: *date,
                reserved: (*reserved).into(),
            },
            Change::Queued(plan_id) => Self::Queued { plan_id: plan_id.clone() },
            Change::Released(plan_id, used, cent_symbols) => Self::Released {
                plan_id: plan_id.clone(),
                used: (*used).into(),
                cent_symbols: cent_symbols.clone(),
            },
            Change::Halted(halt) => Self::Halted { halt: halt.into() },
            Change::Resumed { who, why } => Self::Resumed { who: who.clone(), why: why.clone() },
            Change::Canceled(plan_id, by) => {
                Self::Canceled { plan_id: plan_id.clone(), by: by.into() }
            }
            Change::Retried(plan_id, by) => {
                Self::Retried { plan_id: plan_id.clone(), by: by.into() }
            }
        }
    }
}

impl From<ChangeLine> for Change {
    fn from(line: ChangeLine) -> Self {
        match line {
            ChangeLine::Acquired { plan_id, date, reserved } => {
                Self::Acquired(plan_id, date, reserved.into())
            }
            ChangeLine::Queued { plan_id } => Self::Queued(plan_id),
            ChangeLine::Released { plan_id, used, cent_symbols } => {
                Self::Released(plan_id, used.into(), cent_symbols)
            }
            ChangeLine::Halted { halt } => Self::Halted(halt.into()),
            ChangeLine::Resumed { who, why } => Self::Resumed { who, why },
            ChangeLine::Canceled { plan_id, by } => Self::Canceled(plan_id, by.into()),
            ChangeLine::Retried { plan_id, by } => Self::Retried(plan_id, by.into()),
        }
    }
}

impl From<&Account> for StateLine {
    fn from(account: &Account) -> Self {
        let holding = |holding: &Holding| HoldingLine {
            plan_id: holding.plan.clone(),
            reserved: holding.reserved.into(),
        };
        let canceled = |(plan_id, by): &(PlanId, Halt)| CanceledLine {
            plan_id: plan_id.clone(),
            by: by.into(),
        };
        Self {
            holder: account.holder.as_ref().map(holding),
            waiting: account.waiting.clone(),
            date: account.date,
            used: account.used.into(),
            cent_symbols: account.cent_symbols.clone(),
            halt: account.halt.as_ref().map(HaltLine::from),
            canceled: account.canceled.iter().map(canceled).collect(),
        }
    }
}

impl From<StateLine> for Account {
    fn from(line: StateLine) -> Self {
        let holding =
            |line: HoldingLine| Holding { plan: line.plan_id, reserved: line.reserved.into() };
        Self {
            holder: line.holder.map(holding),
            waiting: line.waiting,
            date: line.date,
            used: line.used.into(),
            cent_symbols: line.cent_symbols,
            halt: line.halt.map(Halt::from),
            canceled: line.canceled.into_iter().map(|one| (one.plan_id, one.by.into())).collect(),
        }
    }
}

impl AccountEntry {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let line = Line {
            schema: SCHEMA,
            seq: self.seq,
            account: self.id.clone(),
            change: (&self.change).into(),
            put_id: self.put_id.clone(),
            at: self.at,
            state: (&self.account).into(),
        };
        serde_json::to_vec(&line).unwrap_or_default()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`NotAnAccountEntry`] for other bytes and for a newer schema.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnAccountEntry> {
        let Version { schema } = serde_json::from_slice(bytes)?;
        if schema > SCHEMA {
            return Err(NotAnAccountEntry::Newer { found: schema });
        }
        let line: Line = serde_json::from_slice(bytes)?;
        Ok(Self {
            seq: line.seq,
            id: line.account,
            change: line.change.into(),
            account: line.state.into(),
            put_id: line.put_id,
            at: line.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S12: an entry from before somebody who resumes said why is read, and is the same to the byte when it is written again.
    #[test]
    fn an_older_entry_without_a_reason_is_read() {
        let entry = |why: &str| AccountEntry {
            seq: 2,
            id: AccountId::new("PA1").unwrap(),
            change: Change::Resumed { who: "ops".to_owned(), why: why.to_owned() },
            account: Account::default(),
            put_id: "put".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let newer = String::from_utf8(entry("all is well").to_bytes()).unwrap();
        let older = newer.replacen(",\"why\":\"all is well\"", "", 1);
        assert!(newer.contains("all is well") && !older.contains("why"), "{newer}");
        let read = AccountEntry::from_bytes(older.as_bytes()).unwrap();
        assert_eq!(read, entry(""));
        assert_eq!(read.to_bytes(), older.as_bytes());
    }
}
