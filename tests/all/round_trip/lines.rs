//! Ledger lines, account entries and requests.

use alchemiser_wire::{
    account::{AccountEntry, SCHEMA},
    ledger::{LedgerLine, QuoteRecord},
    request::Request,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    values::{accounts, correlation_ids, event_ids, maybe, plan_ids, texts, times},
    words,
};

pub(crate) fn account_entries() -> impl Strategy<Value = AccountEntry> {
    let plans = (maybe(plan_ids()), vec(plan_ids(), 0..4));
    (0..=SCHEMA, any::<u64>(), accounts(), plans, texts(), times()).prop_map(
        |(schema, seq, account, plans, put_id, at)| AccountEntry {
            schema,
            seq,
            account,
            holder: plans.0,
            waiting: plans.1,
            put_id,
            at,
        },
    )
}

pub(crate) fn requests() -> impl Strategy<Value = Request> {
    let ids = (accounts(), plan_ids(), correlation_ids(), event_ids());
    (ids, any::<u32>(), select(words::whys())).prop_map(|(ids, epoch, why)| Request {
        account: ids.0,
        plan_id: ids.1,
        correlation_id: ids.2,
        causation_id: ids.3,
        epoch,
        why,
    })
}

fn quotes() -> impl Strategy<Value = QuoteRecord> {
    (texts(), texts(), texts(), texts(), any::<i64>()).prop_map(
        |(bid, bid_size, ask, ask_size, age_ms)| QuoteRecord {
            bid,
            bid_size,
            ask,
            ask_size,
            age_ms,
        },
    )
}

/// Lines with any texts in their fields: what a line says is core's, how it is written is looked at here.
pub(crate) fn ledger_lines() -> impl Strategy<Value = LedgerLine> {
    let counts = (any::<u32>(), any::<u32>(), any::<usize>());
    let there = vec(texts(), 13);
    let perhaps = vec(maybe(texts()), 18);
    let seen = (quotes(), maybe(quotes()), maybe(quotes()));
    let lists = (vec(texts(), 0..3), vec(texts(), 0..3), vec(texts(), 0..3));
    (counts, there, perhaps, seen, lists).prop_map(|(counts, there, perhaps, seen, lists)| {
        let (mut there, mut perhaps) = (there.into_iter(), perhaps.into_iter());
        let mut text = || there.next().unwrap();
        let mut option = || perhaps.next().unwrap();
        LedgerLine {
            schema: counts.0,
            plan_id: text(),
            correlation_id: text(),
            account: text(),
            trade_mode: option(),
            client_order_id: text(),
            broker_order_id: option(),
            symbol: text(),
            side: text(),
            attempt: counts.1,
            purpose: text(),
            policy: option(),
            order_type: text(),
            limit_price: text(),
            order_quantity: text(),
            quantity: text(),
            average_price: option(),
            notional: option(),
            placed_at: text(),
            submitted_at: option(),
            filled_at: option(),
            seconds_to_fill: option(),
            quote_at_submit: seen.0,
            quote_at_fill: seen.1,
            quote_at_arrival: seen.2,
            effective_over_quoted: option(),
            price_improvement: option(),
            leg_cost_bps: option(),
            leg_cost_half_spreads: option(),
            leg_delay_bps: option(),
            leg_shortfall: option(),
            leg_passive_share: option(),
            leg_outcome: option(),
            leg_children: counts.2,
            fees: option(),
            strategy_names: lists.0,
            strategy_weights: lists.1,
            unknown: lists.2,
        }
    })
}
