//! The exchange: the venue with a clock, a rate limit, faults and a desk that answers requests. Everything is done in
//! one synchronous call; the server around it only moves bytes.

mod mishap;
mod shows;

use std::{path::Path, time::Duration};

use alchemiser_core::ids::Symbol;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;
use thiserror::Error;

use crate::{
    call::{Answer, Call},
    clock::Clock,
    exact::Exact,
    fault::{Faults, Script},
    hub::Hub,
    input::{Asked, Input},
    journal::{Journal, JournalError},
    limiter::{Budget, Left, Limiter},
    refusal::Refusal,
    setup::Setup,
    venue::{TapeError, Venue, made_up},
};

/// What a running exchange goes by, besides its setup.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What time it is.
    pub clock: Clock,
    /// Requests a minute for each account.
    pub limit: Option<u32>,
    /// What goes wrong.
    pub faults: Script,
}

impl Manner {
    /// No limit, no faults, and a clock.
    pub fn calm(clock: Clock) -> Self {
        Self { clock, limit: None, faults: Script::default() }
    }
}

/// Why there is no exchange.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A recorded market cannot be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What the faults of a request change in how it is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Twist {
    /// A new order fills up to this part only.
    pub(crate) part: Option<Decimal>,
    /// A replacement takes effect after so many milliseconds.
    pub(crate) replace_ms: Option<u64>,
    /// Cash is told as it was so long ago.
    pub(crate) lag: SignedDuration,
}

/// A request that will be carried out although its sender has been told nothing.
#[derive(Clone, Debug)]
struct Late {
    at: Timestamp,
    account: usize,
    call: Call,
}

/// A running exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) seed: u64,
    pub(crate) venue: Venue,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) hub: Hub,
    pub(crate) twist: Twist,
    limiter: Limiter,
    journal: Option<Journal>,
    /// The journal could not be written: nothing is taken any more.
    fault: Option<JournalError>,
    late: Vec<Late>,
    bars_told: std::collections::BTreeMap<Symbol, Timestamp>,
    requests: u64,
}

impl Exchange {
    /// An exchange that keeps nothing.
    ///
    /// # Errors
    /// [`TapeError`] when a recorded market cannot be read.
    pub fn new(setup: &Setup, manner: Manner) -> Result<Self, TapeError> {
        let Manner { clock, limit, faults } = manner;
        Ok(Self {
            seed: setup.seed,
            venue: Venue::new(setup)?,
            clock,
            faults: Faults::new(&faults),
            hub: Hub::default(),
            twist: Twist::default(),
            limiter: Limiter::new(limit),
            journal: None,
            fault: None,
            late: Vec::new(),
            bars_told: std::collections::BTreeMap::new(),
            requests: 0,
        })
    }

    /// Opens the exchange whose journal is in a directory, or begins it there. An existing journal's own setup holds.
    /// While no process ran it, its markets stood still; a virtual clock goes on from its newest input.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, setup: &Setup, manner: Manner) -> Result<Self, OpenError> {
        let (journal, setup, inputs) = Journal::open(dir, setup)?;
        let mut exchange = Self::new(&setup, manner)?;
        let mut last = setup.started_at;
        for (k, input) in inputs.iter().enumerate() {
            let done = exchange.venue.perform(input);
            done.map_err(|refusal| journal.malformed(k + 1, format!("now refused: {refusal}")))?;
            let fills = exchange.venue.fills().len();
            if let Asked::Reached { fills: expected } = input.what
                && expected != fills
            {
                let problem = format!("expected {expected} fills up to here, replayed {fills}");
                return Err(journal.malformed(k + 1, problem).into());
            }
            last = last.max(input.at);
        }
        let behind = last.duration_since(exchange.clock.now());
        if exchange.clock.is_virtual() && behind.is_positive() {
            exchange.clock.advance(behind);
        }
        exchange.venue.take_updates();
        let at = exchange.clock.now().max(last);
        exchange.journal = Some(journal);
        if !inputs.is_empty() {
            let opened = Input { at, what: Asked::Opened };
            // Opening is never refused.
            exchange.venue.perform(&opened).ok();
            exchange.keep(&opened);
        }
        Ok(exchange)
    }

    /// The venue.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// Why the exchange stands still, if it does.
    pub fn fault(&self) -> Option<&JournalError> {
        self.fault.as_ref()
    }

    /// Brings everything up to the present, and tells whoever listens.
    pub fn tick(&mut self) {
        let now = self.clock.now();
        while let Some(k) = self.late.iter().position(|late| late.at <= now) {
            let Late { at, account, call } = self.late.swap_remove(k);
            self.reach(at);
            // Nobody hears the answer.
            self.route(&call, account).ok();
        }
        self.reach(now);
        self.pump();
    }

    /// Brings the venue up to a time. What somebody may be told of must not be forgotten.
    fn reach(&mut self, at: Timestamp) {
        if self.venue.advance(at) {
            self.remember();
        }
    }

    /// Journals how far things have come.
    fn remember(&mut self) {
        if self.journal.is_some() {
            let (at, fills) = (self.venue.now(), self.venue.fills().len());
            self.keep(&Input { at, what: Asked::Reached { fills } });
        }
    }

    /// Moves the clock, and everything with it.
    pub fn advance(&mut self, by: SignedDuration) {
        self.clock.advance(by);
        self.tick();
        // Nobody may see a clock that was moved stand where it stood before.
        self.remember();
    }

    /// Moves a clock that stands still by itself; false for one that goes.
    pub(crate) fn move_by(&mut self, by: Duration) -> bool {
        if self.clock.is_virtual() {
            self.advance(SignedDuration::try_from(by).unwrap_or_default());
        }
        self.clock.is_virtual()
    }

    /// Answers a request.
    pub fn answer(&mut self, call: &Call) -> Answer {
        self.requests += 1;
        self.tick();
        let mut answer = self.serve(call);
        self.pump();
        let id = made_up(self.seed, "request", self.requests).simple().to_string();
        answer.headers.push(("X-Request-ID", id));
        answer
    }

    fn serve(&mut self, call: &Call) -> Answer {
        if let Some(rest) = call.path.strip_prefix("/_control/") {
            let path: Vec<&str> = rest.split('/').collect();
            return self.control(call, &path).unwrap_or_else(Answer::from);
        }
        let account = match self.signed_in(call.credentials.as_ref()) {
            Ok(account) => account,
            Err(refusal) => return refusal.into(),
        };
        let is_data = call.path.starts_with("/v2/stocks/");
        let budget = if is_data { Budget::Data } else { Budget::Trading };
        let left = self.limiter.count(account, budget, self.venue.now());
        let mut answer = if left.is_some_and(|left| left.is_over) {
            Refusal::TooManyRequests.into()
        } else {
            self.struck(call, account)
        };
        answer.headers.extend(left.into_iter().flat_map(headers));
        answer
    }

    /// The account of a key and its secret.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] or [`Refusal::OtherEnvironment`].
    pub fn signed_in(&self, credentials: Option<&(String, String)>) -> Result<usize, Refusal> {
        let (key, secret) = credentials.ok_or(Refusal::Unauthorized)?;
        self.venue.account_of(key, secret)
    }

    fn route(&mut self, call: &Call, account: usize) -> Result<Answer, Refusal> {
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["v2", "orders" | "orders:by_client_order_id", ..] => self.orders(call, account, &path),
            ["v2", "positions", ..] => self.positions(call, account, &path),
            ["v2", "stocks", rest @ ..] => self.data(call, account, rest),
            _ => self.account(call, account, &path),
        }
    }

    /// Carries out an input of now.
    pub(crate) fn perform(&mut self, what: Asked) -> Result<Option<usize>, Refusal> {
        if self.fault.is_some() {
            return Err(Refusal::Unavailable);
        }
        let input = Input { at: self.venue.now(), what };
        let done = self.venue.perform(&input)?;
        self.keep(&input);
        if self.fault.is_some() { Err(Refusal::Unavailable) } else { Ok(done) }
    }

    /// Journals an input, or stands still from now on.
    fn keep(&mut self, input: &Input) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(input)
        {
            self.fault = Some(error);
        }
    }

    /// Takes an order; its number.
    pub(crate) fn take_order(&mut self, account: usize, body: Value) -> Result<usize, Refusal> {
        let id = self.client_id(&body, account);
        let part = self.twist.part.map(Exact);
        let ordered = self.perform(Asked::Order { account, body, id, part })?;
        ordered.ok_or(Refusal::Unavailable)
    }

    /// The client's id, or one made up.
    pub(crate) fn client_id(&self, body: &Value, account: usize) -> String {
        let said = body["client_order_id"].as_str().filter(|id| !id.is_empty());
        let count = self.venue.account(account).orders.len();
        said.map_or_else(
            || made_up(self.seed, "client", format!("{account}|{count}")).to_string(),
            str::to_owned,
        )
    }
}

/// The headers of a budget.
fn headers(left: Left) -> [(&'static str, String); 3] {
    [
        ("X-RateLimit-Limit", left.limit.to_string()),
        ("X-RateLimit-Remaining", left.remaining.to_string()),
        ("X-RateLimit-Reset", left.reset.to_string()),
    ]
}
