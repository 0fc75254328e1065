//! What comes from outside and is no order: accounts, their configuration, and interventions in the market.

use alchemiser_core::{money::Money, price::Price, quantity::Quantity};
use alchemiser_market::book::{BookQuote, Phase};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Venue, made_up};
use crate::{
    account::{Account, Configuration, Opening},
    clock::later_millis,
    exact::Exact,
    input::Asked,
    refusal::Refusal,
    request::{Fields, TimeInForce},
};

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::Malformed(message.into())
}

impl Venue {
    pub(super) fn open_account(&mut self, opening: &Opening) {
        let count = self.accounts.len();
        let number = opening.number.clone().unwrap_or_else(|| format!("PA{:09}", count + 1));
        let id = made_up(self.seed, "account", &number);
        self.by_key.insert(opening.key.clone(), count);
        let mut account = Account::new(id, number, opening.clone(), self.now);
        for (symbol, shares) in &opening.positions {
            let Some(symbol) = self.symbol_of(symbol) else { continue };
            let quantity = Quantity::rounded_down(shares.0, 9);
            let mark = self.floors.get(symbol).map(|floor| floor.mark().times(quantity));
            account.deposit(symbol, quantity, mark.unwrap_or(Money::ZERO));
        }
        self.accounts.push(account);
    }

    /// Sets what a body names.
    pub(super) fn configure(&mut self, account: usize, body: &Value) -> Result<(), Refusal> {
        let fields = Fields::of(body)?;
        let now = self.accounts[account].configuration.clone();
        let truth = |name: &str, now: bool| match fields.text(name).as_deref() {
            None => Ok(now),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(malformed(format!("invalid {name}"))),
        };
        let multiplier = match fields.text("max_margin_multiplier").as_deref() {
            None => now.max_margin_multiplier,
            Some("1") => 1,
            Some("2") => 2,
            Some("4") => 4,
            Some(_) => return Err(malformed("invalid max_margin_multiplier")),
        };
        let mail = fields.text("trade_confirm_email").unwrap_or(now.trade_confirm_email);
        if !["all", "none"].contains(&mail.as_str()) {
            return Err(malformed("invalid trade_confirm_email"));
        }
        self.accounts[account].configuration = Configuration {
            fractional_trading: truth("fractional_trading", now.fractional_trading)?,
            max_margin_multiplier: multiplier,
            no_shorting: truth("no_shorting", now.no_shorting)?,
            suspend_trade: truth("suspend_trade", now.suspend_trade)?,
            trade_confirm_email: mail,
            ptp_no_exception_entry: truth("ptp_no_exception_entry", now.ptp_no_exception_entry)?,
            disable_overnight_trading: truth(
                "disable_overnight_trading",
                now.disable_overnight_trading,
            )?,
        };
        Ok(())
    }

    /// Somebody meddles with the market or with an account.
    pub(super) fn intervene(&mut self, asked: &Asked) -> Result<(), Refusal> {
        let (now, seed) = (self.now, self.seed);
        match asked {
            Asked::Quote { symbol, .. }
            | Asked::Trade { symbol, .. }
            | Asked::Halt { symbol, .. } => {
                let known = self.symbol_of(symbol).cloned();
                let floor = known.and_then(|symbol| self.floors.get_mut(&symbol));
                let floor = floor.ok_or_else(|| Refusal::AssetUnknown(symbol.clone()))?;
                let happened = match asked {
                    Asked::Halt { ms, .. } => {
                        floor.halt(later_millis(now, *ms));
                        Vec::new()
                    }
                    Asked::Trade { price, size, .. } => {
                        floor.trade_is(price_of(price.0)?, *size, now)
                    }
                    _ => floor.quote_is(quote_of(floor.listing(), asked), now),
                };
                for occurrence in &happened {
                    self.apply(occurrence);
                }
            }
            Asked::Close { ms } => self.close_early(later_millis(now, *ms))?,
            Asked::Fill { order, qty, price } => {
                self.overtake(*order, qty.map(|qty| qty.0), price.map(|price| price.0))?;
            }
            Asked::Pay { account, amount } => {
                self.accounts[*account].pay(Money::new(amount.0), now);
            }
            Asked::Deposit { account, symbol, qty } => {
                let known = self.symbol_of(symbol).cloned();
                let symbol = known.ok_or_else(|| Refusal::AssetUnknown(symbol.clone()))?;
                let quantity = Quantity::rounded_down(qty.0, 9);
                let mark = self.floors.get(&symbol).map(|floor| floor.mark().times(quantity));
                self.accounts[*account].deposit(&symbol, quantity, mark.unwrap_or(Money::ZERO));
            }
            Asked::Opened
            | Asked::Reached { .. }
            | Asked::Order { .. }
            | Asked::Cancel { .. }
            | Asked::Replace { .. }
            | Asked::Configure { .. }
            | Asked::List { .. } => {
                return Err(malformed(format!("no intervention of seed {seed}")));
            }
        }
        Ok(())
    }

    /// The session that is under way ends at a time, and its orders with it.
    fn close_early(&mut self, closes: Timestamp) -> Result<(), Refusal> {
        let session = self.calendar.cut_short(self.now, closes);
        let session = session.ok_or_else(|| malformed("there is no session that ends later"))?;
        self.turns_at = Some(session.closes);
        for account in &self.accounts {
            for number in account.open_orders() {
                let order = &mut self.orders[number];
                let floor = self.floors.get_mut(&order.terms.symbol);
                if order.terms.time_in_force != TimeInForce::Gtc
                    && let Some(floor) = floor
                {
                    order.times.expires = order.times.expires.min(session.closes);
                    floor.expire(number, order.times.expires);
                }
            }
        }
        Ok(())
    }

    /// An order trades whatever the market.
    fn overtake(
        &mut self,
        number: usize,
        quantity: Option<Decimal>,
        price: Option<Decimal>,
    ) -> Result<(), Refusal> {
        let order = self.orders.get(number).ok_or_else(|| malformed("no such order"))?;
        let most = match quantity {
            None => order.leaves(),
            Some(quantity) => Quantity::rounded_down(quantity, 9),
        };
        let price = price.map(price_of).transpose()?;
        let symbol = order.terms.symbol.clone();
        let now = self.now;
        let floor = self.floors.get_mut(&symbol);
        let happened = floor.map(|floor| floor.overtake(number, most, price, now));
        for occurrence in happened.iter().flatten() {
            self.apply(occurrence);
        }
        Ok(())
    }
}

fn price_of(dollars: Decimal) -> Result<Price, Refusal> {
    Price::new(dollars).map_err(|error| malformed(error.to_string()))
}

/// The quote that somebody says a market shows; an empty side has no shares.
fn quote_of(listing: &alchemiser_market::listing::Listing, asked: &Asked) -> BookQuote {
    let Asked::Quote { bid, bid_size, ask, ask_size, .. } = asked else {
        return BookQuote {
            at: alchemiser_market::session::SessionTime::START,
            bid: 0,
            bid_size: 0,
            ask: 0,
            ask_size: 0,
            phase: Phase::Halted,
        };
    };
    let ticks = |dollars: &Option<Exact>| {
        let price = dollars.and_then(|dollars| Price::new(dollars.0).ok());
        price.map_or(0, |price| listing.ticks_of(price))
    };
    let size = |dollars: &Option<Exact>, size: u64| dollars.map_or(0, |_| size);
    BookQuote {
        at: alchemiser_market::session::SessionTime::START,
        bid: ticks(bid),
        bid_size: size(bid, *bid_size),
        ask: ticks(ask),
        ask_size: size(ask, *ask_size),
        phase: Phase::Trading,
    }
}
