//! `/v2/stocks`: quotes, trades, bars and snapshots.

use serde_json::{Map, Value, json};

use crate::{
    account::DataPlan,
    body::data::{self, Frame},
    call::{Answer, Call},
    exchange::Exchange,
    floor::Floor,
    refusal::Refusal,
};

/// Bars of a page: as a rule, and at most.
const PAGE: (usize, usize) = (1_000, 10_000);

/// What is asked about a symbol.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Quote,
    Trade,
    Bar,
    Snapshot,
}

impl Exchange {
    pub(crate) fn data(
        &mut self,
        call: &Call,
        account: usize,
        path: &[&str],
    ) -> Result<Answer, Refusal> {
        if call.method != "GET" {
            return Err(Refusal::MethodNotAllowed);
        }
        self.may_see(call, account)?;
        match path {
            ["quotes", "latest"] => self.many(call, "quotes", Subject::Quote),
            ["trades", "latest"] => self.many(call, "trades", Subject::Trade),
            ["bars", "latest"] => self.many(call, "bars", Subject::Bar),
            ["snapshots"] => self.many(call, "", Subject::Snapshot),
            ["bars"] => self.bars(call, None),
            [symbol, "bars"] => self.bars(call, Some(symbol)),
            [symbol, "quotes", "latest"] => self.one(symbol, "quote", Subject::Quote),
            [symbol, "trades", "latest"] => self.one(symbol, "trade", Subject::Trade),
            [symbol, "bars", "latest"] => self.one(symbol, "bar", Subject::Bar),
            [symbol, "snapshot"] => self.one(symbol, "", Subject::Snapshot),
            _ => Err(Refusal::NoSuchPath),
        }
    }

    /// A feed must be one that there is, and one that the account has paid for.
    fn may_see(&self, call: &Call, account: usize) -> Result<(), Refusal> {
        let plan = self.venue.account(account).opening.data;
        match (call.parameter("feed"), plan) {
            (Some("sip"), DataPlan::Iex) => Err(Refusal::NotSubscribed),
            (None | Some("sip" | "iex" | "delayed_sip" | "boats" | "overnight" | "otc"), _) => {
                Ok(())
            }
            (Some(feed), _) => Err(Refusal::DataParameter(format!("invalid feed: {feed}"))),
        }
    }

    fn symbols(call: &Call) -> Result<Vec<String>, Refusal> {
        call.list("symbols").ok_or_else(|| Refusal::DataParameter("symbols is required".to_owned()))
    }

    fn said(&self, floor: &Floor, subject: Subject) -> Option<Value> {
        match subject {
            Subject::Quote => Some(data::latest_quote(&self.venue, floor)),
            Subject::Trade => Some(data::latest_trade(&self.venue, floor)),
            Subject::Bar => floor.bars().last().map(|bar| data::bar(&bar)),
            Subject::Snapshot => Some(data::snapshot(&self.venue, floor)),
        }
    }

    /// A symbol that is not listed is simply missing.
    fn many(&self, call: &Call, name: &str, subject: Subject) -> Result<Answer, Refusal> {
        let mut found = Map::new();
        for text in Self::symbols(call)? {
            let symbol = self.venue.symbol_of(&text);
            let floor = symbol.and_then(|symbol| self.venue.floor(symbol));
            if let Some(said) = floor.and_then(|floor| self.said(floor, subject)) {
                found.insert(text, said);
            }
        }
        let found = Value::Object(found);
        Ok(Answer::ok(if name.is_empty() { found } else { json!({ name: found }) }))
    }

    fn one(&self, text: &str, name: &str, subject: Subject) -> Result<Answer, Refusal> {
        let symbol = self.venue.symbol_of(text);
        let floor = symbol.and_then(|symbol| self.venue.floor(symbol));
        let said = floor.and_then(|floor| self.said(floor, subject));
        let said = said.ok_or_else(|| Refusal::NotFound(format!("no data found for {text}")))?;
        let mut body = if name.is_empty() { said } else { json!({ name: said }) };
        body["symbol"] = text.into();
        Ok(Answer::ok(body))
    }

    fn bars(&self, call: &Call, only: Option<&str>) -> Result<Answer, Refusal> {
        let wrong = |name: &str| Refusal::DataParameter(format!("invalid {name}"));
        let frame = call.parameter("timeframe").and_then(Frame::read);
        let frame = frame.ok_or_else(|| wrong("timeframe"))?;
        let (start, end) = (call.time("start")?, call.time("end")?);
        let limit = call.count("limit", PAGE.0, PAGE.1).map_err(|_error| wrong("limit"))?;
        let token = call.parameter("page_token").map_or(Ok(0), str::parse::<usize>);
        let skipped = token.map_err(|_error| wrong("page_token"))?;
        let symbols = only.map_or_else(|| Self::symbols(call), |only| Ok(vec![only.to_owned()]))?;
        let mut all = Vec::new();
        for text in &symbols {
            let symbol = self.venue.symbol_of(text);
            let Some(floor) = symbol.and_then(|symbol| self.venue.floor(symbol)) else { continue };
            let mut bars = data::bars(self.venue.calendar(), floor, frame, self.venue.started_at());
            bars.retain(|bar| start.is_none_or(|start| bar.at >= start));
            bars.retain(|bar| end.is_none_or(|end| bar.at <= end));
            if call.parameter("sort") == Some("desc") {
                bars.reverse();
            }
            all.extend(bars.iter().map(|bar| (text.clone(), data::bar(bar))));
        }
        let next = skipped + limit;
        let token = if all.len() > next { next.to_string().into() } else { Value::Null };
        let page = all.into_iter().skip(skipped).take(limit);
        if let Some(symbol) = only {
            let bars: Vec<Value> = page.map(|(_, bar)| bar).collect();
            return Ok(Answer::ok(
                json!({ "symbol": symbol, "bars": bars, "next_page_token": token }),
            ));
        }
        let mut bars: Map<String, Value> = Map::new();
        for (symbol, bar) in page {
            let of = bars.entry(symbol).or_insert_with(|| Value::Array(vec![]));
            if let Value::Array(of) = of {
                of.push(bar);
            }
        }
        Ok(Answer::ok(json!({ "bars": bars, "next_page_token": token })))
    }
}
