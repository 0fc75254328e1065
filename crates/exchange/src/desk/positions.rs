//! `/v2/positions`.

use alchemiser_core::{ids::Symbol, quantity::Quantity};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    body::{self, account::multi_status},
    call::{Answer, Call},
    exchange::Exchange,
    input::Asked,
    refusal::Refusal,
};

impl Exchange {
    pub(crate) fn positions(
        &mut self,
        call: &Call,
        account: usize,
        path: &[&str],
    ) -> Result<Answer, Refusal> {
        match (call.method.as_str(), path) {
            ("GET", ["v2", "positions"]) => {
                let owner = self.venue.account(account);
                let held = owner
                    .holdings()
                    .filter_map(|(symbol, _)| body::account::position(&self.venue, owner, symbol));
                let held: Vec<Value> = held.collect();
                Ok(Answer::ok(held.into()))
            }
            ("GET", ["v2", "positions", symbol]) => {
                let symbol = self.held(account, symbol)?;
                let owner = self.venue.account(account);
                let position = body::account::position(&self.venue, owner, &symbol);
                Ok(Answer::ok(position.unwrap_or_default()))
            }
            ("DELETE", ["v2", "positions"]) => Ok(self.close_all(call, account)),
            ("DELETE", ["v2", "positions", symbol]) => {
                let symbol = self.held(account, symbol)?;
                let number = self.close(call, account, &symbol)?;
                Ok(Answer::ok(self.order_body(number)))
            }
            (_, ["v2", "positions"] | ["v2", "positions", _]) => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::NoSuchPath),
        }
    }

    /// A symbol that the account holds.
    fn held(&self, account: usize, symbol: &str) -> Result<Symbol, Refusal> {
        let known = self
            .venue
            .symbol_of(symbol)
            .filter(|symbol| !self.venue.account(account).holding(symbol).quantity.is_zero());
        known.cloned().ok_or_else(|| Refusal::NotFound("position does not exist".to_owned()))
    }

    /// Sells all of a position, or a part of it, at the market.
    fn close(&mut self, call: &Call, account: usize, symbol: &Symbol) -> Result<usize, Refusal> {
        let decimal = |name: &str| {
            let text = call.parameter(name);
            text.map(str::parse::<Decimal>)
                .transpose()
                .map_err(|_error| Refusal::Malformed(format!("invalid {name}")))
        };
        let held = self.venue.account(account).holding(symbol).quantity;
        let shares = match (decimal("qty")?, decimal("percentage")?) {
            (Some(_), Some(_)) => {
                let message = "only one of qty or percentage is accepted";
                return Err(Refusal::Malformed(message.to_owned()));
            }
            (Some(quantity), None) => quantity,
            (None, Some(percentage)) => {
                let part = held.shares() * percentage / Decimal::ONE_HUNDRED;
                Quantity::rounded_down(part, 9).shares()
            }
            (None, None) => held.shares(),
        };
        let body = json!({
            "symbol": symbol.as_str(), "qty": shares.to_string(), "side": "sell", "type": "market",
            "time_in_force": "day",
        });
        self.take_order(account, body)
    }

    fn close_all(&mut self, call: &Call, account: usize) -> Answer {
        let cancel =
            call.parameter("cancel_orders").is_some_and(|word| word.eq_ignore_ascii_case("true"));
        if cancel {
            for number in self.venue.account(account).open_orders() {
                // One that has just ended holds nothing any more.
                self.perform(Asked::Cancel { order: number }).ok();
            }
        }
        let held: Vec<Symbol> =
            self.venue.account(account).holdings().map(|(symbol, _)| symbol.clone()).collect();
        let whole = Call::default();
        let results = held.into_iter().map(|symbol| {
            let named = ("symbol", symbol.as_str());
            match self.close(&whole, account, &symbol) {
                Ok(number) => multi_status(named, 200, &self.order_body(number)),
                Err(refusal) => multi_status(named, refusal.status(), &refusal.body()),
            }
        });
        let results: Vec<Value> = results.collect();
        Answer::new(207, results.into())
    }
}
