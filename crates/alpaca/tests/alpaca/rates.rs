//! The budget: what the broker's headers say is kept to.

use alchemiser_driver::ports::{Broker, Clock, SubmitError};

use crate::{
    given::{Desk, at, buy, start},
    server::{Answer, say},
};

fn with(status: u16, headers: &[(&'static str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Answer::Say(status, headers.collect(), "[]".to_owned())
}

/// L8: after a 429 nothing is sent before the time that the broker names; readings wait, orders do not.
#[test]
fn a_429_is_waited_out() {
    let script = [with(429, &[("Retry-After", "2")]), say(200, "[]")];
    at(&script, async |desk: &Desk| {
        let alpaca = desk.alpaca.clone();
        assert!(alpaca.positions().await.is_err());
        assert_eq!(alpaca.allowance(), Some(0));
        assert!(matches!(alpaca.submit(&buy()).await, Err(SubmitError::NotSent(_))));
        assert_eq!(desk.server.asked().len(), 1, "the order was held back");
        desk.clock.pass(1_900);
        // The rest of the two seconds is no longer than a call may take.
        assert_eq!(alpaca.positions().await.unwrap(), []);
        assert_eq!(desk.clock.now(), start() + jiff::SignedDuration::from_secs(2));
    });
}

/// L8, S14: what the broker says is left bounds what is planned, for every clone of the account.
#[test]
fn the_headers_bound_the_orders() {
    let reset = (start().as_second() + 30).to_string();
    let left = |left: &str| {
        let said = [("X-RateLimit-Limit", "200"), ("X-RateLimit-Remaining", left)];
        with(200, &[&said[..], &[("X-RateLimit-Reset", reset.as_str())]].concat())
    };
    at(&[left("12"), left("4")], async |desk: &Desk| {
        assert_eq!(desk.alpaca.allowance(), Some(45));
        desk.alpaca.positions().await.unwrap();
        assert_eq!(desk.alpaca.allowance(), Some(7));
        desk.alpaca.clone().positions().await.unwrap();
        assert_eq!(desk.alpaca.allowance(), Some(0));
        desk.clock.pass(30_000);
        assert_eq!(desk.alpaca.allowance(), Some(45));
    });
}
