//! `/v2/account`, `/v2/assets`, `/v2/clock`, `/v2/calendar`.

use jiff::{ToSpan, civil::Date};
use serde_json::Value;

use crate::{
    body,
    call::{Answer, Call},
    exchange::Exchange,
    input::Asked,
    order::Fill,
    refusal::Refusal,
    setup::Listed,
};

/// Activities of a page: as a rule and at most.
const PAGE_MAX: usize = 100;
/// Days of a calendar whose bounds are not given, on either side of today.
const CALENDAR_DAYS: i64 = 365;

impl Exchange {
    pub(crate) fn account(
        &mut self,
        call: &Call,
        account: usize,
        path: &[&str],
    ) -> Result<Answer, Refusal> {
        match (call.method.as_str(), path) {
            ("GET", ["v2", "account"]) => {
                let owner = self.venue.account(account);
                Ok(Answer::ok(body::account::account(&self.venue, owner, self.twist.lag)))
            }
            ("GET", ["v2", "account", "configurations"]) => Ok(self.configuration(account)),
            ("PATCH", ["v2", "account", "configurations"]) => {
                let body = call.json()?;
                self.perform(Asked::Configure { account, body })?;
                Ok(self.configuration(account))
            }
            ("GET", ["v2", "account", "activities"]) => self.activities(call, account),
            ("GET", ["v2", "account", "activities", "FILL"]) => self.activities(call, account),
            ("GET", ["v2", "account", "activities", _]) => Ok(Answer::ok(Value::Array(vec![]))),
            ("GET", ["v2", "assets"]) => Ok(self.assets(call)),
            ("GET", ["v2", "assets", symbol]) => {
                let listed =
                    self.venue.symbol_of(symbol).and_then(|symbol| self.venue.listed().get(symbol));
                let asset = listed
                    .map(body::account::asset)
                    .ok_or_else(|| Refusal::NotFound(format!("asset not found for {symbol}")))?;
                Ok(Answer::ok(asset))
            }
            ("GET", ["v2", "clock"]) => Ok(Answer::ok(body::account::clock(&self.venue))),
            ("GET", ["v2", "calendar"]) => self.calendar(call),
            (_, ["v2", "account" | "assets" | "clock" | "calendar", ..]) => {
                Err(Refusal::MethodNotAllowed)
            }
            _ => Err(Refusal::NoSuchPath),
        }
    }

    fn configuration(&self, account: usize) -> Answer {
        Answer::ok(body::account::configuration(&self.venue.account(account).configuration))
    }

    fn assets(&self, call: &Call) -> Answer {
        let equity = call.parameter("asset_class").is_none_or(|class| class == "us_equity");
        let fits = |listed: &&Listed| {
            let status = if listed.active { "active" } else { "inactive" };
            equity && call.parameter("status").is_none_or(|wanted| wanted == status)
        };
        let assets = self.venue.listed().values().filter(fits).map(body::account::asset);
        let on = |asset: &Value| {
            call.parameter("exchange").is_none_or(|wanted| asset["exchange"] == wanted)
        };
        let assets: Vec<Value> = assets.filter(on).collect();
        Answer::ok(assets.into())
    }

    fn calendar(&self, call: &Call) -> Result<Answer, Refusal> {
        let date = |name: &str| {
            let text = call.parameter(name).map(|text| text.split('T').next().unwrap_or(text));
            let date = text.map(str::parse::<Date>).transpose();
            date.map_err(|_error| Refusal::Malformed(format!("invalid {name}")))
        };
        let calendar = self.venue.calendar();
        let today = calendar.date_at(self.venue.now());
        let away = |days: i64| today.checked_add(days.days()).unwrap_or(today);
        let from = date("start")?.unwrap_or_else(|| away(-CALENDAR_DAYS));
        let to = date("end")?.unwrap_or_else(|| away(CALENDAR_DAYS));
        let to = to.min(from.checked_add((20 * CALENDAR_DAYS).days()).unwrap_or(to));
        Ok(Answer::ok(body::account::calendar(calendar, from, to)))
    }

    fn activities(&self, call: &Call, account: usize) -> Result<Answer, Refusal> {
        if call.list("activity_types").is_some_and(|types| !types.iter().any(|of| of == "FILL")) {
            return Ok(Answer::ok(Value::Array(vec![])));
        }
        let (after, until) = (call.time("after")?, call.time("until")?);
        let size = call.count("page_size", PAGE_MAX, PAGE_MAX)?;
        let day = call.parameter("date").and_then(|text| text.parse::<Date>().ok());
        let fits = |fill: &&Fill| {
            fill.account == account
                && after.is_none_or(|after| fill.at > after)
                && until.is_none_or(|until| fill.at < until)
                && day.is_none_or(|day| self.venue.calendar().date_at(fill.at) == day)
        };
        let mut fills: Vec<&Fill> = self.venue.fills().iter().filter(fits).collect();
        if call.parameter("direction") != Some("asc") {
            fills.reverse();
        }
        let token = call.parameter("page_token").and_then(|token| token.split("::").nth(1));
        let skipped = token.and_then(|token| {
            fills.iter().position(|fill| fill.id.to_string() == token).map(|last| last + 1)
        });
        let page = fills.into_iter().skip(skipped.unwrap_or(0)).take(size);
        let page: Vec<Value> = page.map(|fill| body::order::activity(&self.venue, fill)).collect();
        Ok(Answer::ok(page.into()))
    }
}
