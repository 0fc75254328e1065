//! Requests for orders, read from JSON as tolerantly as the broker does: numbers or texts, and null or "" for absent.

use std::str::FromStr;

use alchemiser_core::{
    money::Money,
    price::{Price, Tick},
    quantity::{DECIMALS_MAX, Quantity},
    side::Side,
};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The longest client order id.
const ID_LENGTH_MAX: usize = 128;
/// Decimals of a notional.
const NOTIONAL_DECIMALS: u32 = 2;

/// How much is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many shares.
    Shares(Quantity),
    /// Shares for so many dollars.
    Notional(Money),
}

/// At which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At any.
    Market,
    /// At this one or a better one.
    Limit(Price),
    /// At any, once it has traded at this one or a worse one.
    Stop(Price),
    /// At a limit, once it has traded at the stop or a worse price.
    StopLimit {
        /// The price that sets it off.
        stop: Price,
        /// The worst price.
        limit: Price,
    },
}

impl Kind {
    /// The broker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit(_) => "limit",
            Self::Stop(_) => "stop",
            Self::StopLimit { .. } => "stop_limit",
        }
    }

    /// The worst price, if one was named.
    pub fn limit(self) -> Option<Price> {
        match self {
            Self::Limit(limit) | Self::StopLimit { limit, .. } => Some(limit),
            Self::Market | Self::Stop(_) => None,
        }
    }

    /// The price that sets it off, if there is one.
    pub fn stop(self) -> Option<Price> {
        match self {
            Self::Stop(stop) | Self::StopLimit { stop, .. } => Some(stop),
            Self::Market | Self::Limit(_) => None,
        }
    }
}

/// How long an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until the session's end.
    Day,
    /// Ninety days.
    Gtc,
    /// What does not trade at once is canceled.
    Ioc,
    /// All of it trades at once, or none.
    Fok,
}

impl TimeInForce {
    const ALL: [Self; 4] = [Self::Day, Self::Gtc, Self::Ioc, Self::Fok];

    /// The broker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
        }
    }
}

/// An order that is asked for. What depends on the exchange's state is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The sender's id, if there is one.
    pub client_order_id: Option<String>,
    /// The symbol to trade, or the asset's id, as it was written.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// At which price.
    pub kind: Kind,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// It may trade outside the regular session.
    pub extended_hours: bool,
    /// `buy_to_open` and the like, if it was said.
    pub intent: Option<String>,
}

/// What a replacement changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The new quantity: that of the whole chain.
    pub quantity: Option<Quantity>,
    /// The new limit.
    pub limit: Option<Price>,
    /// The new stop.
    pub stop: Option<Price>,
    /// The new time in force.
    pub time_in_force: Option<TimeInForce>,
    /// The id of the replacement.
    pub client_order_id: Option<String>,
}

/// The fields of a request.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a Map<String, Value>);

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::Malformed(message.into())
}

impl<'a> Fields<'a> {
    /// The fields of a body.
    ///
    /// # Errors
    /// [`Refusal::NotJson`] unless it is an object.
    pub fn of(body: &'a Value) -> Result<Self, Refusal> {
        body.as_object().map(Self).ok_or(Refusal::NotJson)
    }

    /// A field as text; null and "" are absent.
    pub fn text(self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether a field is there, whatever it is.
    pub fn has(self, name: &str) -> bool {
        self.text(name).is_some() || self.0.get(name).is_some_and(Value::is_object)
    }

    fn decimal(self, name: &str) -> Result<Option<Decimal>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let exact = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
        exact.map(Some).map_err(|_error| malformed(format!("invalid {name}")))
    }

    /// A price: above zero, on the grid of a cent, or a hundredth of it below a dollar.
    fn price(self, name: &'static str) -> Result<Option<Price>, Refusal> {
        let Some(dollars) = self.decimal(name)? else { return Ok(None) };
        let price = Price::new(dollars)
            .map_err(|_error| malformed(format!("{} must be > 0", name.replace('_', " "))))?;
        if Tick::at(price).holds(price) {
            Ok(Some(price))
        } else {
            Err(Refusal::SubPenny { field: name, price })
        }
    }

    /// Shares: above zero; more than nine decimals are cut off without a word.
    fn quantity(self, name: &str) -> Result<Option<Quantity>, Refusal> {
        let Some(shares) = self.decimal(name)? else { return Ok(None) };
        let kept = shares.round_dp_with_strategy(DECIMALS_MAX, RoundingStrategy::ToZero);
        let quantity = Quantity::new(kept).ok().filter(|quantity| !quantity.is_zero());
        quantity.map(Some).ok_or_else(|| malformed(format!("{name} must be > 0")))
    }

    fn side(self) -> Result<Side, Refusal> {
        match self.text("side").as_deref() {
            Some("buy") => Ok(Side::Buy),
            Some("sell") => Ok(Side::Sell),
            Some(_) | None => Err(malformed("invalid side")),
        }
    }

    fn time_in_force(self) -> Result<Option<TimeInForce>, Refusal> {
        let Some(word) = self.text("time_in_force") else { return Ok(None) };
        if ["opg", "cls"].contains(&word.as_str()) {
            let message = format!("time_in_force {word} is not enabled for this account");
            return Err(Refusal::Unprocessable(message));
        }
        let known = TimeInForce::ALL.into_iter().find(|known| known.word() == word);
        known.map(Some).ok_or_else(|| malformed("invalid time_in_force"))
    }

    fn client_order_id(self) -> Result<Option<String>, Refusal> {
        let id = self.text("client_order_id");
        if id.as_ref().is_some_and(|id| id.chars().count() > ID_LENGTH_MAX) {
            return Err(malformed("client_order_id must be no more than 128 characters"));
        }
        Ok(id)
    }

    fn size(self) -> Result<Size, Refusal> {
        match (self.has("qty"), self.has("notional")) {
            (true, true) => Err(malformed("only one of qty or notional is accepted")),
            (false, false) => Err(malformed("qty or notional is required")),
            (true, false) => Ok(Size::Shares(self.quantity("qty")?.unwrap_or_default())),
            (false, true) => {
                let dollars = self.decimal("notional")?.unwrap_or_default().normalize();
                if dollars.scale() > NOTIONAL_DECIMALS {
                    let message = "notional value must be limited to 2 decimal places";
                    return Err(Refusal::Unprocessable(message.to_owned()));
                }
                if dollars <= Decimal::ZERO {
                    return Err(malformed("notional must be > 0"));
                }
                Ok(Size::Notional(Money::new(dollars)))
            }
        }
    }

    fn kind(self) -> Result<Kind, Refusal> {
        let (limit, stop) = (self.price("limit_price")?, self.price("stop_price")?);
        match self.text("type").as_deref() {
            Some("market") if limit.is_some() || stop.is_some() => {
                Err(malformed("market orders require no stop or limit price"))
            }
            Some("market") => Ok(Kind::Market),
            Some("limit") => match limit {
                Some(limit) => Ok(Kind::Limit(limit)),
                None => Err(malformed("limit orders require a limit price")),
            },
            Some("stop") => match stop {
                Some(stop) => Ok(Kind::Stop(stop)),
                None => Err(malformed("stop orders require a stop price")),
            },
            Some("stop_limit") => match (stop, limit) {
                (Some(stop), Some(limit)) => Ok(Kind::StopLimit { stop, limit }),
                (Some(_), None) => Err(malformed("stop limit orders require a limit price")),
                (None, _) => Err(malformed("stop limit orders require a stop price")),
            },
            Some("trailing_stop") => Err(Refusal::Unprocessable(
                "trailing_stop orders are not enabled for this account".to_owned(),
            )),
            Some(_) | None => Err(malformed("invalid order type")),
        }
    }

    /// Orders of several legs are not simulated.
    fn is_simple(self) -> Result<(), Refusal> {
        let class = self.text("order_class").unwrap_or_default();
        match class.as_str() {
            "" | "simple" => {}
            "bracket" | "oco" | "oto" | "mleg" => {
                let message = format!("{class} orders are not enabled for this account");
                return Err(Refusal::Unprocessable(message));
            }
            _ => return Err(malformed("invalid order_class")),
        }
        let legs = ["take_profit", "stop_loss"].into_iter().find(|leg| self.has(leg));
        legs.map_or(Ok(()), |leg| {
            Err(malformed(format!("{leg} is only accepted for bracket, oco and oto orders")))
        })
    }
}

impl NewOrder {
    /// Reads an order and checks what its own fields say.
    ///
    /// # Errors
    /// [`Refusal`] with the broker's code and message.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let fields = Fields::of(body)?;
        let symbol = fields.text("symbol").ok_or_else(|| malformed("symbol is required"))?;
        let order = Self {
            size: fields.size()?,
            side: fields.side()?,
            time_in_force: fields
                .time_in_force()?
                .ok_or_else(|| malformed("time_in_force is required"))?,
            kind: fields.kind()?,
            client_order_id: fields.client_order_id()?,
            symbol,
            extended_hours: fields.text("extended_hours").as_deref() == Some("true"),
            intent: fields.text("position_intent"),
        };
        fields.is_simple()?;
        order.is_consistent()?;
        Ok(order)
    }

    /// Whether parts of a share are asked for.
    pub fn is_fractional(&self) -> bool {
        match self.size {
            Size::Shares(shares) => shares != shares.whole(),
            Size::Notional(_) => true,
        }
    }

    fn is_consistent(&self) -> Result<(), Refusal> {
        let unprocessable = |message: &str| Err(Refusal::Unprocessable(message.to_owned()));
        if self.extended_hours
            && !(matches!(self.kind, Kind::Limit(_))
                && matches!(self.time_in_force, TimeInForce::Day | TimeInForce::Gtc))
        {
            return unprocessable("extended hours order must be DAY or GTC limit orders");
        }
        if self.is_fractional() && self.time_in_force != TimeInForce::Day {
            return match self.kind {
                Kind::Stop(_) | Kind::StopLimit { .. }
                    if self.time_in_force == TimeInForce::Gtc =>
                {
                    unprocessable("stop/stop_limit fractional GTC orders are not enabled")
                }
                Kind::Stop(_) | Kind::StopLimit { .. } | Kind::Market | Kind::Limit(_) => {
                    unprocessable("fractional orders must be DAY orders")
                }
            };
        }
        if matches!(self.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
            && self.kind.stop().is_some()
        {
            return unprocessable("stop orders must be DAY or GTC orders");
        }
        Ok(())
    }
}

impl Change {
    /// Reads what a replacement changes.
    ///
    /// # Errors
    /// [`Refusal`] with the broker's code and message.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let fields = Fields::of(body)?;
        let quantity = fields.quantity("qty")?;
        if quantity.is_some_and(|quantity| quantity != quantity.whole()) {
            return Err(malformed("qty must be integer"));
        }
        if fields.has("notional") {
            return Err(Refusal::Unprocessable("notional cannot be changed".to_owned()));
        }
        Ok(Self {
            quantity,
            limit: fields.price("limit_price")?,
            stop: fields.price("stop_price")?,
            time_in_force: fields.time_in_force()?,
            client_order_id: fields.client_order_id()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An order of ten shares at the market with these fields changed; what is refused, or "".
    fn check(changed: &Value, expected: &str) {
        let mut body = json!({"symbol": "A", "qty": "10", "side": "buy", "type": "market",
            "time_in_force": "day"});
        for (name, value) in changed.as_object().unwrap() {
            body[name] = value.clone();
        }
        let said = NewOrder::read(&body).map_or_else(
            |refusal| format!("{} {} {refusal}", refusal.status(), refusal.code().unwrap()),
            |_| String::new(),
        );
        assert_eq!(said, expected, "{changed}");
    }

    #[test]
    fn orders_are_refused_in_the_brokers_words() {
        check(&json!({}), "");
        check(&json!({"qty": null}), "422 40010001 qty or notional is required");
        check(&json!({"notional": "5"}), "422 40010001 only one of qty or notional is accepted");
        check(&json!({"qty": "0"}), "422 40010001 qty must be > 0");
        check(&json!({"qty": -1}), "422 40010001 qty must be > 0");
        check(&json!({"side": "hold"}), "422 40010001 invalid side");
        check(&json!({"type": "best"}), "422 40010001 invalid order type");
        check(&json!({"time_in_force": "soon"}), "422 40010001 invalid time_in_force");
        check(&json!({"type": "limit"}), "422 40010001 limit orders require a limit price");
        check(&json!({"type": "stop"}), "422 40010001 stop orders require a stop price");
        check(&json!({"type": "limit", "limit_price": 0}), "422 40010001 limit price must be > 0");
        check(
            &json!({"type": "limit", "limit_price": "290.123"}),
            "422 42210000 invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria",
        );
        check(&json!({"type": "limit", "limit_price": "0.1234"}), "");
        check(
            &json!({"client_order_id": "x".repeat(129)}),
            "422 40010001 client_order_id must be no more than 128 characters",
        );
        check(
            &json!({"qty": "1.5", "time_in_force": "gtc"}),
            "422 42210000 fractional orders must be DAY orders",
        );
        check(
            &json!({"extended_hours": true}),
            "422 42210000 extended hours order must be DAY or GTC limit orders",
        );
        check(
            &json!({"qty": "", "notional": "5.123"}),
            "422 42210000 notional value must be limited to 2 decimal places",
        );
    }

    #[test]
    fn null_and_empty_are_absent_and_numbers_are_texts() {
        check(
            &json!({"stop_price": null, "limit_price": "", "take_profit": null,
                "order_class": "simple", "extended_hours": false, "qty": 1.0}),
            "",
        );
        let body = json!({"symbol": "A", "qty": 0.123_456_789_1, "side": "buy", "type": "limit",
            "limit_price": 99.17, "time_in_force": "day"});
        let order = NewOrder::read(&body).unwrap();
        let shares = Quantity::new("0.123456789".parse().unwrap()).unwrap();
        assert_eq!(order.size, Size::Shares(shares));
        assert_eq!(order.kind.limit().unwrap().to_string(), "99.17");
    }
}
