//! Ledger lines, account entries and requests.

use alchemiser_core::account::{Account, Change, Holding};
use alchemiser_wire::{
    account::AccountEntry,
    ledger::{LedgerLine, MarkoutRecord, QuoteRecord},
    request::Request,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    facts::{dates, halts, usages},
    values::{accounts, correlation_ids, event_ids, maybe, plan_ids, symbols, texts, times},
    words,
};

pub(crate) fn account_entries() -> impl Strategy<Value = AccountEntry> {
    (any::<u64>(), accounts(), changes(), states(), texts(), times()).prop_map(
        |(seq, id, change, account, put_id, at)| AccountEntry {
            seq,
            id,
            change,
            account,
            put_id,
            at,
        },
    )
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (plan_ids(), dates(), usages())
            .prop_map(|(plan, date, reserved)| Change::Acquired(plan, date, reserved)),
        plan_ids().prop_map(Change::Queued),
        (plan_ids(), usages(), vec(symbols(), 0..3))
            .prop_map(|(plan, used, cents)| Change::Released(plan, used, cents)),
        halts().prop_map(Change::Halted),
        (texts(), texts()).prop_map(|(who, why)| Change::Resumed { who, why }),
        (plan_ids(), halts()).prop_map(|(plan, by)| Change::Canceled(plan, by)),
        (plan_ids(), halts()).prop_map(|(plan, by)| Change::Retried(plan, by)),
    ]
    .prop_map(|change| {
        // A new change does not compile until it has a strategy above.
        match &change {
            Change::Acquired(..) | Change::Queued(_) | Change::Released(..) => {}
            Change::Halted(_) | Change::Resumed { .. } => {}
            Change::Canceled(..) | Change::Retried(..) => {}
        }
        change
    })
}

fn states() -> impl Strategy<Value = Account> {
    let holder = maybe((plan_ids(), usages()));
    let day = (maybe(dates()), usages(), vec(symbols(), 0..3));
    let stops = (maybe(halts()), vec((plan_ids(), halts()), 0..3));
    (holder, vec(plan_ids(), 0..4), day, stops).prop_map(|(holder, waiting, day, stops)| {
        let holder = holder.map(|(plan, reserved)| Holding { plan, reserved });
        let (halt, canceled) = stops;
        Account { holder, waiting, date: day.0, used: day.1, cent_symbols: day.2, halt, canceled }
    })
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
    let seen = (maybe(quotes()), maybe(quotes()), maybe(quotes()));
    let markouts =
        (any::<u32>(), texts()).prop_map(|(seconds, dollars)| MarkoutRecord { seconds, dollars });
    let lists = (vec(texts(), 0..3), vec(texts(), 0..3), vec(texts(), 0..3), vec(markouts, 0..3));
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
            markouts: lists.3,
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
