//! `/v2/orders`.

use alchemiser_core::side::Side;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    body,
    call::{Answer, Call},
    exchange::Exchange,
    input::Asked,
    order::Order,
    refusal::Refusal,
};

/// Orders of a page: as a rule, and at most.
const PAGE: (usize, usize) = (50, 500);

impl Exchange {
    pub(crate) fn orders(
        &mut self,
        call: &Call,
        account: usize,
        path: &[&str],
    ) -> Result<Answer, Refusal> {
        match (call.method.as_str(), path) {
            ("POST", ["v2", "orders"]) => {
                let number = self.take_order(account, call.json()?)?;
                Ok(Answer::ok(self.order_body(number)))
            }
            ("GET", ["v2", "orders"]) => self.list_orders(call, account),
            ("DELETE", ["v2", "orders"]) => Ok(self.cancel_all(account)),
            ("GET", ["v2", "orders:by_client_order_id"]) => {
                let id = call.parameter("client_order_id");
                let id = id.ok_or_else(|| malformed("client_order_id is missing"))?;
                let number = self.venue.account(account).by_client_id.get(id);
                let number =
                    number.ok_or_else(|| Refusal::NotFound(format!("order not found for {id}")))?;
                Ok(Answer::ok(self.order_body(*number)))
            }
            (method, ["v2", "orders", id]) => {
                let number = self.order_number(account, id)?;
                self.one_order(method, call, number)
            }
            (_, ["v2", "orders" | "orders:by_client_order_id"]) => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::NoSuchPath),
        }
    }

    fn one_order(&mut self, method: &str, call: &Call, number: usize) -> Result<Answer, Refusal> {
        match method {
            "GET" => Ok(Answer::ok(self.order_body(number))),
            "DELETE" => {
                self.perform(Asked::Cancel { order: number })?;
                Ok(Answer::empty())
            }
            "PATCH" => {
                let body = call.json()?;
                let id = self.client_id(&body, self.venue.order(number).account);
                let delay_ms = self.twist.replace_ms;
                let asked = Asked::Replace { order: number, body, id, delay_ms };
                let new = self.perform(asked)?.ok_or(Refusal::Unavailable)?;
                Ok(Answer::ok(self.order_body(new)))
            }
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    pub(crate) fn order_body(&self, number: usize) -> Value {
        body::order::order(&self.venue, self.venue.order(number))
    }

    /// The number of an order by the exchange's id, with dashes or without.
    fn order_number(&self, account: usize, id: &str) -> Result<usize, Refusal> {
        let uuid = Uuid::parse_str(id).map_err(|_error| malformed("order_id is missing"))?;
        let number = self.venue.number_of(account, uuid);
        number.ok_or_else(|| Refusal::NotFound(format!("order not found for {id}")))
    }

    fn cancel_all(&mut self, account: usize) -> Answer {
        let open = self.venue.account(account).open_orders();
        let results = open.into_iter().map(|number| {
            let id = self.venue.order(number).id.to_string();
            match self.perform(Asked::Cancel { order: number }) {
                Ok(_) => body::account::multi_status(("id", &id), 200, &self.order_body(number)),
                Err(refusal) => {
                    body::account::multi_status(("id", &id), refusal.status(), &refusal.body())
                }
            }
        });
        let results: Vec<Value> = results.collect();
        Answer::new(207, results.into())
    }

    fn list_orders(&self, call: &Call, account: usize) -> Result<Answer, Refusal> {
        let wanted = Wanted::read(self, call, account)?;
        let owner = self.venue.account(account);
        let mut numbers: Vec<usize> = match wanted.status {
            Status::Open => owner.open_orders(),
            Status::Closed | Status::All => owner.orders.clone(),
        };
        if !wanted.is_ascending {
            numbers.reverse();
        }
        let orders = numbers.into_iter().map(|number| self.venue.order(number));
        let page = orders.filter(|order| wanted.fits(order)).take(wanted.limit);
        let bodies: Vec<Value> = page.map(|order| body::order::order(&self.venue, order)).collect();
        Ok(Answer::ok(bodies.into()))
    }
}

fn malformed(message: &str) -> Refusal {
    Refusal::Malformed(message.to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Closed,
    All,
}

/// Which orders are asked for.
#[derive(Debug)]
struct Wanted {
    status: Status,
    limit: usize,
    is_ascending: bool,
    after: Option<jiff::Timestamp>,
    until: Option<jiff::Timestamp>,
    symbols: Option<Vec<String>>,
    side: Option<Side>,
    is_equity: bool,
    before_order: Option<usize>,
    after_order: Option<usize>,
}

impl Wanted {
    fn read(exchange: &Exchange, call: &Call, account: usize) -> Result<Self, Refusal> {
        let order = |name: &str| {
            call.parameter(name).map(|id| exchange.order_number(account, id)).transpose()
        };
        let (before_order, after_order) = (order("before_order_id")?, order("after_order_id")?);
        let (after, until) = (call.time("after")?, call.time("until")?);
        if before_order.is_some() && after_order.is_some() {
            return Err(malformed("only one of before_order_id and after_order_id is accepted"));
        }
        if (before_order.or(after_order)).is_some() && (after.is_some() || until.is_some()) {
            let message = "before_order_id and after_order_id are not accepted with after or until";
            return Err(malformed(message));
        }
        Ok(Self {
            status: match call.parameter("status") {
                None | Some("open") => Status::Open,
                Some("closed") => Status::Closed,
                Some("all") => Status::All,
                Some(_) => return Err(malformed("invalid status")),
            },
            limit: call.count("limit", PAGE.0, PAGE.1)?,
            is_ascending: match call.parameter("direction") {
                None | Some("desc") => false,
                Some("asc") => true,
                Some(_) => return Err(malformed("invalid direction")),
            },
            after,
            until,
            symbols: call.list("symbols"),
            side: match call.parameter("side") {
                None => None,
                Some("buy") => Some(Side::Buy),
                Some("sell") => Some(Side::Sell),
                Some(_) => return Err(malformed("invalid side")),
            },
            is_equity: call
                .list("asset_class")
                .is_none_or(|classes| classes.iter().any(|class| class == "us_equity")),
            before_order,
            after_order,
        })
    }

    fn fits(&self, order: &Order) -> bool {
        let symbol = order.terms.symbol.as_str();
        let by_status = match self.status {
            Status::Open => order.is_open(),
            Status::Closed => !order.is_open(),
            Status::All => true,
        };
        by_status
            && self.is_equity
            && self.side.is_none_or(|side| side == order.terms.side)
            && self.after.is_none_or(|after| order.times.created > after)
            && self.until.is_none_or(|until| order.times.created < until)
            && self.before_order.is_none_or(|before| order.number < before)
            && self.after_order.is_none_or(|after| order.number > after)
            && self.symbols.as_ref().is_none_or(|symbols| symbols.iter().any(|of| of == symbol))
    }
}
