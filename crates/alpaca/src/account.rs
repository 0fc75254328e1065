//! The account and its positions.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    reading::{AccountReading, Position, TradeMode},
};
use rust_decimal::Decimal;

use crate::{
    Alpaca,
    failed::Failed,
    fields::{Fields, Unreadable, list, unreadable},
    line::Ask,
};

/// How the numbers of paper accounts begin.
const PAPER: &str = "PA";

/// What the broker says of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub number: AccountId,
    /// Its status: `ACTIVE` is the one that may trade.
    pub status: String,
    /// What keeps it from trading, in the broker's words for it.
    pub blocks: Vec<&'static str>,
    /// It may hold short positions.
    pub shorting_enabled: bool,
    /// It is marked as a pattern day trader's, where the broker still says so.
    pub pattern_day_trader: bool,
    /// How many times its equity it may buy for.
    pub multiplier: Option<Decimal>,
    /// Cash in dollars.
    pub cash: Money,
    /// What may be bought for, with what may be borrowed, in dollars.
    pub buying_power: Money,
    /// Settled money that no open order reserves, in dollars.
    pub non_marginable_buying_power: Money,
    /// Cash plus positions, in dollars.
    pub equity: Money,
}

/// The switches of an account that stop its trading.
const BLOCKS: [&str; 3] = ["trading_blocked", "account_blocked", "trade_suspended_by_user"];

impl Account {
    fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields = Fields::read(bytes)?;
        let number = fields.required("account_number")?;
        let mut blocks = Vec::new();
        for name in BLOCKS {
            // A switch that is not told counts as thrown.
            if fields.flag(name)?.unwrap_or(true) {
                blocks.push(name);
            }
        }
        Ok(Self {
            number: AccountId::new(&number)
                .map_err(|error| Unreadable(format!("account_number: {error}")))?,
            status: fields.required("status")?,
            blocks,
            shorting_enabled: fields.flag("shorting_enabled")?.unwrap_or(true),
            pattern_day_trader: fields.flag("pattern_day_trader")?.unwrap_or(false),
            multiplier: fields.decimal("multiplier")?,
            cash: fields.money("cash")?,
            buying_power: fields.money("buying_power")?,
            non_marginable_buying_power: fields.money("non_marginable_buying_power")?,
            equity: fields.money("equity")?,
        })
    }

    /// Active, and nothing blocks it.
    pub fn may_trade(&self) -> bool {
        self.status == "ACTIVE" && self.blocks.is_empty()
    }

    /// Its number says that it is a paper account.
    pub fn is_paper(&self) -> bool {
        self.number.as_str().starts_with(PAPER)
    }

    fn reading(self, mode: TradeMode) -> AccountReading {
        AccountReading {
            may_trade: self.may_trade(),
            // Real money is traded only where the number says nothing else.
            mode: if self.is_paper() { TradeMode::Paper } else { mode },
            account: self.number,
            shorting_enabled: self.shorting_enabled,
            cash: self.cash,
            buying_power: self.buying_power,
            non_marginable_buying_power: self.non_marginable_buying_power,
            equity: self.equity,
        }
    }
}

/// A position; short ones cannot be told, and must not be there.
fn position(fields: &Fields<'_>) -> Result<Option<Position>, Unreadable> {
    let symbol = fields.required("symbol")?;
    let Ok(symbol) = Symbol::new(&symbol) else {
        // Crypto and options: nothing that a plan of ours trades.
        return Ok(None);
    };
    let short = fields.decimal("qty")?.is_some_and(|quantity| quantity.is_sign_negative());
    if short || fields.text("side")?.as_deref() == Some("short") {
        let found = format!("a short one in {symbol}");
        return Err(unreadable("positions", "long positions only", &found));
    }
    let missing = |name: &str| unreadable(name, "a number of shares", "nothing");
    Ok(Some(Position {
        symbol,
        quantity: fields.quantity("qty")?.ok_or_else(|| missing("qty"))?,
        available: fields.quantity("qty_available")?.ok_or_else(|| missing("qty_available"))?,
    }))
}

impl Alpaca {
    /// The account as the broker tells it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn tell_account(&self) -> Result<Account, Failed> {
        self.line.send(Ask::get(&["v2", "account"], &[])).await?.read(Account::read)
    }

    pub(crate) async fn read_account(&self) -> Result<AccountReading, Failed> {
        Ok(self.tell_account().await?.reading(self.mode))
    }

    pub(crate) async fn read_positions(&self) -> Result<Vec<Position>, Failed> {
        let reply = self.line.send(Ask::get(&["v2", "positions"], &[])).await?;
        reply.read(|bytes| {
            let found = list(bytes)?.into_iter().map(|value| position(&Fields::of(value)?));
            let found: Vec<Option<Position>> = found.collect::<Result<_, _>>()?;
            Ok(found.into_iter().flatten().collect())
        })
    }

    /// The settings that the owner of the account has made there, by name.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn tell_configuration(&self) -> Result<BTreeMap<String, String>, Failed> {
        let reply = self.line.send(Ask::get(&["v2", "account", "configurations"], &[])).await?;
        reply.read(|bytes| {
            let fields = Fields::read(bytes)?;
            let texts = fields
                .entries()
                .map(|(name, value)| (name.to_owned(), value.get().trim_matches('"').to_owned()));
            Ok(texts.collect())
        })
    }
}
