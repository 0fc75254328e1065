//! A generated stock market and the matching engine on it: synchronous, seeded, deterministic to the byte.
//!
//! Each symbol has a *background* market, a function of the seed, the listing and the session time: quotes change and
//! trades print there whether or not we take part. Our orders do not move it; they only appear in the quote that is
//! shown, and fill by a conservative model (queue position, displayed size, latency). So the whole state of an
//! exchange is the fold of its inputs over these markets:
//!
//! ```text
//! background(seed, listing, session time)                -> quotes and prints
//! fold(inputs: listed, ordered, canceled; with times)    -> orders, fills, cash, shares
//! journal = inputs + fills                               -> killed and reopened, it is where it was
//! ```
//!
//! The order to read in: [`listing`] (what trades, and how its book behaves), [`book`] (the background market, with its calibrated
//! rates in `pace` and what may disturb it in [`unrest`]), [`matching`] (how one order of ours meets it), `pit` (one symbol: book and orders in time), [`order`] and
//! [`refusal`] (what the broker says of an order), [`account`] (cash and shares), [`exchange`] (all of it, with the
//! broker's `checks`), [`journal`] and `replay` (surviving a killed process), [`session`] (time that skips the gaps
//! between processes), [`sample`] (a beginning that fits a plan), [`real`] (the figures of real books).
//!
//! ```
//! use alchemiser_core::{ids::*, money::Money, quantity::Quantity, side::Side};
//! use alchemiser_market::{exchange::Exchange, order::NewOrder, sample::setup_for};
//! use jiff::{SignedDuration, Timestamp};
//!
//! let symbol = Symbol::new("SPY").unwrap();
//! let dollars = |amount: &str| Money::new(amount.parse().unwrap());
//! let start: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
//! let holdings = [(symbol.clone(), Money::ZERO, dollars("1000"))];
//! let setup = setup_for(1, AccountId::new("SIM-1").unwrap(), start, &holdings, dollars("5000"));
//! let mut exchange = Exchange::create(&setup);
//! let ask = exchange.snapshot(start, &symbol).unwrap().quote.unwrap().ask.unwrap();
//! let client_order_id = "al-1".to_owned();
//! let order = NewOrder { client_order_id, symbol, side: Side::Buy, quantity: Quantity::ONE, limit: ask.price };
//! exchange.submit(start, order).unwrap();
//! let later = start + SignedDuration::from_mins(30);
//! assert!(exchange.order(later, "al-1").unwrap().cumulative <= Quantity::ONE);
//! ```
//!
//! What is absent, on purpose: clocks, threads, async, sockets, other participants that react to us, and floats in
//! anything that is money.
#![warn(missing_docs)]

pub mod account;
pub mod book;
pub mod chance;
mod checks;
pub mod exchange;
pub mod journal;
pub mod listing;
pub mod matching;
pub mod order;
mod pace;
mod pit;
pub mod real;
pub mod refusal;
mod replay;
pub mod sample;
pub mod session;
mod text;
pub mod unrest;
