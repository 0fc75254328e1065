//! `/_control`: what a test does to the exchange. Nothing here is Alpaca's; no key is asked for, as the server listens
//! on this machine only.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    account::Account,
    body,
    call::{Answer, Call},
    exact::Exact,
    exchange::Exchange,
    fault::Script,
    input::Asked,
    refusal::Refusal,
    setup::Wanted,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    symbol: String,
    bid: Option<Exact>,
    #[serde(default = "round_lot")]
    bid_size: u64,
    ask: Option<Exact>,
    #[serde(default = "round_lot")]
    ask_size: u64,
}

fn round_lot() -> u64 {
    100
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trade {
    symbol: String,
    price: Exact,
    #[serde(default = "round_lot")]
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Halt {
    symbol: String,
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    client_order_id: String,
    #[serde(default)]
    account: Option<String>,
    qty: Option<Exact>,
    price: Option<Exact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    #[serde(default)]
    account: Option<String>,
    amount: Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deposit {
    #[serde(default)]
    account: Option<String>,
    symbol: String,
    qty: Exact,
}

fn read<T: for<'a> Deserialize<'a>>(call: &Call) -> Result<T, Refusal> {
    let body = call.json()?;
    serde_json::from_value(body).map_err(|error| Refusal::Malformed(error.to_string()))
}

impl Exchange {
    pub(crate) fn control(&mut self, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
        match (call.method.as_str(), path) {
            ("GET", ["state"]) => Ok(Answer::ok(self.state())),
            ("GET", ["faults"]) => Ok(self.faults_body()),
            ("POST", ["faults"]) => {
                let script: Script = read(call)?;
                self.faults.add(&script);
                Ok(self.faults_body())
            }
            ("DELETE", ["faults"]) => {
                self.faults.clear();
                Ok(self.faults_body())
            }
            ("POST", ["advance"]) => {
                let Advance { ms } = read(call)?;
                if ms < 0 {
                    return Err(Refusal::Malformed("expected ms >= 0".to_owned()));
                }
                self.advance(SignedDuration::from_millis(ms));
                Ok(Answer::ok(json!({ "now": self.venue.now().to_string() })))
            }
            ("POST", ["list"]) => {
                let wanted: Wanted = read(call)?;
                let listed = wanted.listed(self.seed);
                let listed = listed.map_err(|error| Refusal::Malformed(error.to_string()))?;
                self.perform(Asked::List { listed: Box::new(listed) })?;
                Ok(Answer::ok(json!({ "listed": wanted.symbol })))
            }
            ("POST", [what]) => {
                let asked = self.asked(call, what)?;
                self.perform(asked)?;
                Ok(Answer::ok(json!({ "now": self.venue.now().to_string() })))
            }
            _ => Err(Refusal::NoSuchPath),
        }
    }

    fn faults_body(&self) -> Answer {
        let hits: Map<String, Value> = self
            .faults
            .hits()
            .iter()
            .map(|(fault, hits)| (fault.word().to_owned(), (*hits).into()))
            .collect();
        Answer::ok(json!({ "rules": self.faults.count(), "hits": hits }))
    }

    fn asked(&self, call: &Call, what: &str) -> Result<Asked, Refusal> {
        Ok(match what {
            "quote" => {
                let Quote { symbol, bid, bid_size, ask, ask_size } = read(call)?;
                Asked::Quote { symbol, bid, bid_size, ask, ask_size }
            }
            "trade" => {
                let Trade { symbol, price, size } = read(call)?;
                Asked::Trade { symbol, price, size }
            }
            "halt" => {
                let Halt { symbol, ms } = read(call)?;
                Asked::Halt { symbol, ms }
            }
            "close" => {
                let Close { ms } = read(call)?;
                Asked::Close { ms }
            }
            "fill" => {
                let Fill { client_order_id, account, qty, price } = read(call)?;
                let account = self.number_of_account(account.as_deref())?;
                let owner = self.venue.account(account);
                let order = owner.by_client_id.get(&client_order_id).copied();
                let unknown =
                    || Refusal::NotFound(format!("order not found for {client_order_id}"));
                Asked::Fill { order: order.ok_or_else(unknown)?, qty, price }
            }
            "pay" => {
                let Pay { account, amount } = read(call)?;
                Asked::Pay { account: self.number_of_account(account.as_deref())?, amount }
            }
            "deposit" => {
                let Deposit { account, symbol, qty } = read(call)?;
                let account = self.number_of_account(account.as_deref())?;
                Asked::Deposit { account, symbol, qty }
            }
            _ => return Err(Refusal::NoSuchPath),
        })
    }

    /// An account by its key or its number; the first one if nothing is said.
    fn number_of_account(&self, named: Option<&str>) -> Result<usize, Refusal> {
        let Some(named) = named else { return Ok(0) };
        let is_it = |account: &Account| account.number == named || account.opening.key == named;
        let found = self.venue.accounts().iter().position(is_it);
        found.ok_or_else(|| Refusal::NotFound(format!("no account {named}")))
    }

    /// The broker's truth, for whoever checks a ledger against it.
    fn state(&self) -> Value {
        let accounts = self.venue.accounts().iter().map(|account| {
            let positions: Map<String, Value> = account
                .holdings()
                .map(|(symbol, held)| (symbol.to_string(), held.quantity.to_string().into()))
                .collect();
            let orders: Vec<Value> =
                account.orders.iter().map(|number| self.order_body(*number)).collect();
            json!({
                "key": account.opening.key,
                "account_number": account.number,
                "cash": account.cash.to_string(),
                "positions": positions,
                "orders": orders,
            })
        });
        let accounts: Vec<Value> = accounts.collect();
        let fills = self.venue.fills().iter().map(|fill| {
            let order = self.venue.order(fill.order);
            let mut body = body::order::activity(&self.venue, fill);
            body["client_order_id"] = order.terms.client_order_id.as_str().into();
            body["account_number"] = self.venue.account(fill.account).number.as_str().into();
            body
        });
        let fills: Vec<Value> = fills.collect();
        json!({
            "now": self.venue.now().to_string(),
            "is_virtual": self.clock.is_virtual(),
            "seed": self.seed,
            "listeners": self.hub.listeners(),
            "accounts": accounts,
            "fills": fills,
        })
    }
}
