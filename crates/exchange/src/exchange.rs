//! The exchange: the venue with a clock, a rate limit and a desk that answers requests. Everything is done in one
//! synchronous call; the server around it only moves bytes.

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    call::{Answer, Call},
    clock::Clock,
    input::{Asked, Input},
    limiter::{Budget, Left, Limiter},
    refusal::Refusal,
    setup::Setup,
    venue::{TapeError, Venue, made_up},
};

/// What a running exchange goes by, besides its setup.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What time it is.
    pub clock: Clock,
    /// Requests a minute for each account.
    pub limit: Option<u32>,
}

/// A running exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) seed: u64,
    pub(crate) venue: Venue,
    pub(crate) clock: Clock,
    limiter: Limiter,
    requests: u64,
}

impl Exchange {
    /// An exchange that keeps nothing.
    ///
    /// # Errors
    /// [`TapeError`] when a recorded market cannot be read.
    pub fn new(setup: &Setup, manner: Manner) -> Result<Self, TapeError> {
        let Manner { clock, limit } = manner;
        let limiter = Limiter::new(limit);
        Ok(Self { seed: setup.seed, venue: Venue::new(setup)?, clock, limiter, requests: 0 })
    }

    /// The venue.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// Brings everything up to the present.
    pub fn tick(&mut self) {
        self.venue.advance(self.clock.now());
    }

    /// Moves the clock, and everything with it.
    pub fn advance(&mut self, by: SignedDuration) {
        self.clock.advance(by);
        self.tick();
    }

    /// Answers a request.
    pub fn answer(&mut self, call: &Call) -> Answer {
        self.requests += 1;
        self.tick();
        let mut answer = self.serve(call);
        let id = made_up(self.seed, "request", self.requests).simple().to_string();
        answer.headers.push(("X-Request-ID", id));
        answer
    }

    fn serve(&mut self, call: &Call) -> Answer {
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ["_control", rest @ ..] = path.as_slice() {
            return self.control(call, rest).unwrap_or_else(Answer::from);
        }
        let account = match self.signed_in(call) {
            Ok(account) => account,
            Err(refusal) => return refusal.into(),
        };
        let budget = match path.as_slice() {
            ["v2", "stocks", ..] => Budget::Data,
            _ => Budget::Trading,
        };
        let left = self.limiter.count(account, budget, self.venue.now());
        let mut answer = if left.is_some_and(|left| left.is_over) {
            Refusal::TooManyRequests.into()
        } else {
            self.route(call, account, &path).unwrap_or_else(Answer::from)
        };
        answer.headers.extend(left.into_iter().flat_map(headers));
        answer
    }

    fn signed_in(&self, call: &Call) -> Result<usize, Refusal> {
        let (key, secret) = call.credentials.as_ref().ok_or(Refusal::Unauthorized)?;
        self.venue.account_of(key, secret)
    }

    fn route(&mut self, call: &Call, account: usize, path: &[&str]) -> Result<Answer, Refusal> {
        match path {
            ["v2", "orders" | "orders:by_client_order_id", ..] => self.orders(call, account, path),
            ["v2", "positions", ..] => self.positions(call, account, path),
            ["v2", "stocks", rest @ ..] => self.data(call, account, rest),
            _ => self.account(call, account, path),
        }
    }

    /// Carries out an input of now.
    pub(crate) fn perform(&mut self, what: Asked) -> Result<Option<usize>, Refusal> {
        let input = Input { at: self.venue.now(), what };
        self.venue.perform(&input)
    }

    /// Takes an order; its number.
    pub(crate) fn take_order(&mut self, account: usize, body: Value) -> Result<usize, Refusal> {
        let id = self.client_id(&body, account);
        let ordered = self.perform(Asked::Order { account, body, id, part: None })?;
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
