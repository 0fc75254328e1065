//! Facts of every kind: a new kind does not compile until it has a strategy here.

use alchemiser_core::{
    account::{Acquisition, Halt, Usage},
    child::OrderTerms,
    controls::{Ages, Verdict},
    fact::{
        Announced, Fact, FactKind, Funds, Intent, LegCheck, Mark, PositionDifference, Preflight,
        Refusal, RefusalKind, Reported, Sized,
    },
    learning::{BySpread, Learned, Ratio, Unlearned},
    outcome::Outcome,
    plan::{Plan, PlanItem, PlanRefused},
    recovery::Recovery,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    values::{
        accounts, bases, broker_order_ids, client_order_ids, correlation_ids, decimals, durations,
        event_ids, maybe, money, owners, plan_ids, prices, quantities, quotes, symbols, texts,
        ticks, times, weights,
    },
    words,
};

/// The strategies of all kinds, and which one a fact belongs to.
macro_rules! kinds {
    ($($pattern:pat => $strategy:expr,)*) => {
        /// A strategy for each kind of fact, in the order of the kinds.
        pub(crate) fn kinds() -> Vec<BoxedStrategy<FactKind>> {
            vec![$($strategy.boxed()),*]
        }

        /// The place of a fact's kind in [`kinds`].
        pub(crate) fn place(kind: &FactKind) -> Option<usize> {
            // Nothing but a compiler's check that none is missing.
            match kind { $($pattern => {})* }
            let is: Vec<fn(&FactKind) -> bool> = vec![$(|kind| matches!(kind, $pattern)),*];
            is.iter().position(|is| is(kind))
        }
    };
}

kinds! {
    FactKind::Claimed(_) => plans().prop_map(|plan| FactKind::Claimed(Box::new(plan))),
    FactKind::Acquired(_) => acquisitions().prop_map(|known| FactKind::Acquired(Box::new(known))),
    FactKind::Learned(_) => learned().prop_map(|known| FactKind::Learned(Box::new(known))),
    FactKind::LeaseTaken(..) => (any::<u32>(), owners()).prop_map(|(epoch, owner)| FactKind::LeaseTaken(epoch, owner)),
    FactKind::PreflightPassed(_) => preflights().prop_map(FactKind::PreflightPassed),
    FactKind::HaltSeen(_) => halts().prop_map(FactKind::HaltSeen),
    FactKind::CancelSeen(_) => halts().prop_map(FactKind::CancelSeen),
    FactKind::Marked(..) => (symbols(), any::<u32>(), any::<u32>(), decimals())
        .prop_map(|(symbol, k, seconds, mid)| FactKind::Marked(symbol, k, Mark { seconds, mid })),
    FactKind::PlanStopped(_) => select(words::stop_codes()).prop_map(FactKind::PlanStopped),
    FactKind::FundsVerified(_) => (money(), money(), money()).prop_map(|(before, shown, proceeds)| {
        FactKind::FundsVerified(Funds { before, shown, proceeds })
    }),
    FactKind::Allocated(_) => vec((symbols(), money()), 0..5).prop_map(FactKind::Allocated),
    FactKind::Arrived(..) => (symbols(), quotes()).prop_map(|(symbol, quote)| FactKind::Arrived(symbol, quote)),
    FactKind::Sized(..) => (symbols(), quantities(), any::<bool>())
        .prop_map(|(symbol, target, trimmed)| FactKind::Sized(symbol, Sized { target, trimmed })),
    FactKind::Waiting(..) => (symbols(), maybe(select(words::wait_codes())))
        .prop_map(|(symbol, code)| FactKind::Waiting(symbol, code)),
    FactKind::Intent(_) => intents().prop_map(|intent| FactKind::Intent(Box::new(intent))),
    FactKind::Resubmitted(..) => (symbols(), any::<u32>(), verdicts())
        .prop_map(|(symbol, attempt, verdict)| FactKind::Resubmitted(symbol, attempt, verdict)),
    FactKind::AnswerLost(..) => (symbols(), any::<u32>()).prop_map(|(symbol, k)| FactKind::AnswerLost(symbol, k)),
    FactKind::NotFound(..) => (symbols(), any::<u32>()).prop_map(|(symbol, k)| FactKind::NotFound(symbol, k)),
    FactKind::Refused(..) => (symbols(), any::<u32>(), refusals(), texts()).prop_map(|(symbol, k, kind, message)| {
        FactKind::Refused(symbol, k, Refusal { kind, message })
    }),
    FactKind::Unsent(..) => (symbols(), any::<u32>()).prop_map(|(symbol, k)| FactKind::Unsent(symbol, k)),
    FactKind::Unresolved(..) => (symbols(), any::<u32>()).prop_map(|(symbol, k)| FactKind::Unresolved(symbol, k)),
    FactKind::Reported(..) => (symbols(), any::<u32>(), reports())
        .prop_map(|(symbol, k, report)| FactKind::Reported(symbol, k, Box::new(report))),
    FactKind::CancelRequested(..) => (symbols(), any::<u32>(), select(words::cancel_reasons()))
        .prop_map(|(symbol, k, reason)| FactKind::CancelRequested(symbol, k, reason)),
    FactKind::LegFinished(..) => (symbols(), select(words::leg_outcomes()), maybe(quotes()))
        .prop_map(|(symbol, outcome, quote)| FactKind::LegFinished(symbol, outcome, quote.map(Box::new))),
    FactKind::PhaseChanged(_) => select(words::phases()).prop_map(FactKind::PhaseChanged),
    FactKind::Reconciled(_) => vec(differences(), 0..4).prop_map(FactKind::Reconciled),
    FactKind::OutcomeReached(_) => outcomes().prop_map(|outcome| FactKind::OutcomeReached(Box::new(outcome))),
    FactKind::Announced(_) => (event_ids(), texts(), texts()).prop_map(|(event_id, detail_type, detail)| {
        FactKind::Announced(Box::new(Announced { event_id, detail_type, detail }))
    }),
    FactKind::Published(_) => event_ids().prop_map(FactKind::Published),
    FactKind::HandedOver => Just(FactKind::HandedOver),
    FactKind::Recovered(_) => (any::<u64>(), any::<u32>(), any::<bool>())
        .prop_map(|(entries, orders, is_over)| FactKind::Recovered(Recovery { entries, orders, is_over })),
    FactKind::Adopted(..) => (symbols(), any::<u32>(), reports())
        .prop_map(|(symbol, k, report)| FactKind::Adopted(symbol, k, Box::new(report))),
    FactKind::InputRefused(_) => (select(words::refusal_codes()), texts(), texts(), texts())
        .prop_map(|(code, field, expected, found)| FactKind::InputRefused(PlanRefused { code, field, expected, found })),
}

/// A fact of any kind.
pub(crate) fn facts() -> impl Strategy<Value = Fact> {
    let any = proptest::strategy::Union::new(kinds());
    (times(), any).prop_map(|(at, kind)| Fact { at, kind })
}

pub(crate) fn dates() -> impl Strategy<Value = jiff::civil::Date> {
    times().prop_map(alchemiser_wire::ledger::trading_date)
}

pub(crate) fn usages() -> impl Strategy<Value = Usage> {
    (money(), any::<u32>()).prop_map(|(notional, orders)| Usage { notional, orders })
}

pub(crate) fn halts() -> impl Strategy<Value = Halt> {
    (texts(), texts(), times()).prop_map(|(who, why, at)| Halt::new(&who, &why, at))
}

fn acquisitions() -> impl Strategy<Value = Acquisition> {
    (accounts(), dates(), usages(), usages(), vec(symbols(), 0..3)).prop_map(
        |(account, date, before, reserved, cent_symbols)| Acquisition {
            account,
            date,
            before,
            reserved,
            cent_symbols,
        },
    )
}

fn ratios() -> impl Strategy<Value = Ratio> {
    (any::<u32>(), decimals()).prop_map(|(fills, value)| Ratio { fills, value })
}

fn learned() -> impl Strategy<Value = Learned> {
    let why_not = maybe(select(Unlearned::ALL.to_vec()));
    ([ratios(), ratios(), ratios()], maybe(dates()), why_not).prop_map(
        |([one, few, many], through, why_not)| Learned {
            ratios: BySpread { one, few, many },
            through,
            why_not,
        },
    )
}

fn items() -> impl Strategy<Value = PlanItem> {
    let amounts = (money(), money(), money());
    (symbols(), select(words::actions()), amounts, weights(), weights(), 1_u8..=5).prop_map(
        |(symbol, action, amounts, current_weight, target_weight, priority)| PlanItem {
            symbol,
            action,
            trade_amount: amounts.0,
            current_value: amounts.1,
            target_value: amounts.2,
            current_weight,
            target_weight,
            priority,
        },
    )
}

/// Plans as the log holds them; events that carry one are [`super::plans`]'s.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let ids = (accounts(), event_ids(), plan_ids(), correlation_ids());
    let moments = (times(), times(), times());
    let totals = (money(), money(), any::<bool>(), select(words::urgencies()));
    let attribution = proptest::collection::btree_map(texts(), vec((texts(), texts()), 0..3), 0..3);
    (ids, moments, totals, vec(items(), 0..4), attribution).prop_map(
        |(ids, moments, totals, items, attribution)| Plan {
            account: ids.0,
            source_event: ids.1,
            plan_id: ids.2,
            correlation_id: ids.3,
            timestamp: moments.0,
            received_at: moments.1,
            valid_until: moments.2,
            urgency: totals.3,
            portfolio_value: totals.0,
            trade_value: totals.1,
            trades_required: totals.2,
            items,
            attribution,
        },
    )
}

fn checks() -> impl Strategy<Value = LegCheck> {
    (symbols(), any::<bool>(), maybe(ticks()), quantities(), quantities(), quantities()).prop_map(
        |(symbol, fractionable, tick, round_lot, held, available)| LegCheck {
            symbol,
            fractionable,
            tick,
            round_lot,
            held,
            available,
        },
    )
}

fn preflights() -> impl Strategy<Value = Preflight> {
    let kinds = (select(words::modes()), select(words::policies()));
    let moments = (times(), times(), times());
    let lasting = (durations(), durations());
    // Written as an object: by key, each once.
    let settings = proptest::collection::btree_map(texts(), texts(), 0..3);
    (kinds, money(), lasting, moments, settings, vec(checks(), 0..4)).prop_map(
        |(kinds, equity, lasting, moments, settings, legs)| Preflight {
            mode: kinds.0,
            equity,
            policy: kinds.1,
            working_time: lasting.0,
            window: lasting.1,
            deadline: moments.0,
            opened_at: moments.1,
            closes_at: moments.2,
            settings: settings.into_iter().collect(),
            legs,
        },
    )
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    let ages =
        (durations(), durations(), durations(), durations(), durations(), durations(), durations());
    (vec(select(words::controls()), 0..23), ages).prop_map(|(passed, ages)| {
        let (quote_observed, quote_standing, session, orders, funds, account, halt) = ages;
        let ages = Ages { quote_observed, quote_standing, session, orders, funds, account, halt };
        Verdict::recorded(passed, ages)
    })
}

fn intents() -> impl Strategy<Value = Intent> {
    let kinds = select(words::order_kinds());
    let terms = (symbols(), select(words::sides()), quantities(), prices(), kinds).prop_map(
        |(symbol, side, quantity, limit, kind)| OrderTerms { symbol, side, quantity, limit, kind },
    );
    let ids = (any::<u32>(), client_order_ids(), select(words::purposes()));
    (ids, terms, quotes(), bases(), maybe(bases()), verdicts()).prop_map(
        |(ids, terms, quote, before, ramp, verdict)| Intent {
            attempt: ids.0,
            client_order_id: ids.1,
            terms,
            purpose: ids.2,
            quote,
            before,
            ramp,
            verdict,
        },
    )
}

fn refusals() -> impl Strategy<Value = RefusalKind> {
    let some = quantities()
        .prop_map(|available| RefusalKind::InsufficientQuantity { available: Some(available) });
    prop_oneof![3 => select(words::refusal_kinds()), 1 => some]
}

fn reports() -> impl Strategy<Value = Reported> {
    let order =
        (broker_order_ids(), select(words::broker_statuses()), quantities(), maybe(prices()));
    let fills = (quantities(), maybe(prices()), maybe(times()), maybe(quotes()));
    (order, fills, times()).prop_map(|(order, fills, submitted_at)| Reported {
        broker_order_id: order.0,
        status: order.1,
        quantity: order.2,
        limit: order.3,
        cumulative: fills.0,
        average_price: fills.1,
        submitted_at,
        filled_at: fills.2,
        quote: fills.3,
    })
}

fn differences() -> impl Strategy<Value = PositionDifference> {
    (symbols(), quantities(), quantities())
        .prop_map(|(symbol, expected, found)| PositionDifference { symbol, expected, found })
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let counts = (any::<u32>(), any::<u32>(), any::<bool>(), any::<bool>());
    let words = (maybe(texts()), maybe(texts()), maybe(texts()));
    (select(words::plan_statuses()), counts, vec(symbols(), 0..4), words).prop_map(
        |(status, counts, failed_symbols, words)| Outcome {
            status,
            completed: counts.2,
            no_trades_needed: counts.3,
            placed: counts.0,
            succeeded: counts.1,
            failed_symbols,
            failure_reason: words.0,
            failure_step: words.1,
            code: words.2,
        },
    )
}
