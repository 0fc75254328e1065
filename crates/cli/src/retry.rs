//! `alchemiser retry`: what a plan left undone, as a plan of its own.

use std::{fs, sync::Arc};

use alchemiser_core::{
    account::Halt,
    execution::Execution,
    ids::{PlanId, Symbol},
    leg::{Leg, LegOutcome},
    money::Money,
    plan::{Action, Plan},
    quantity::Quantity,
};
use alchemiser_driver::account;
use alchemiser_local::books;
use alchemiser_wire::ledger::{decode, encode};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    args::{RetryArgs, RunArgs, RunOptions},
    config,
    confirm::confirmed,
    exit::{Exit, Stopped},
    halt::{self, desk_of, who},
    load,
    progress::Progress,
    rehearsal, run,
    session::Look,
    table,
};

/// What is left below this is not worth an order.
const LEAST: Money = Money::ONE;

/// One symbol that is not where the plan wanted it.
struct Rest {
    symbol: String,
    held: Quantity,
    mid: Decimal,
    action: Action,
    amount: Money,
    current: Money,
    target: Money,
    priority: u8,
}

/// Shows what is left of a plan, and trades it as a plan of its own.
pub(crate) async fn retry(args: RetryArgs) -> Result<Exit, Stopped> {
    let json = args.options.json;
    Box::pin(attempt(args)).await.map_err(|stopped| stopped.with_json(json))
}

async fn attempt(args: RetryArgs) -> Result<Exit, Stopped> {
    let directory = load::here(&args.options.state)?;
    let log = load::plan(&directory, &args.plan_id)?;
    let facts = log.entries.iter().flat_map(|entry| &entry.facts);
    let state = Execution::fold(facts, &alchemiser_core::policy::Policy::default());
    let Some(state) = state.filter(Execution::is_finished) else {
        let message = format!(
            "expected a plan that is over, found {} in progress or refused; run its event again first",
            args.plan_id
        );
        return Err(Stopped::new(Exit::Refused, "PLAN_UNFINISHED", message));
    };
    if state.has_open_orders() {
        let message =
            format!("an order of {} may still fill: what is left is not known", args.plan_id);
        return Err(Stopped::new(Exit::Refused, "ORDER_OPEN", message));
    }
    let names =
        books::names(&directory).map_err(|error| Stopped::failed("STATE_UNREADABLE", &error))?;
    let plan_id = next_id(&args.plan_id, &names)?;
    let undone = |leg: &&Leg| !leg.outcome.is_some_and(LegOutcome::is_done);
    let symbols: Vec<_> =
        state.legs.iter().filter(undone).map(|leg| leg.symbol().clone()).collect();
    let look = look(&args.options, &state.plan, &symbols).await?;
    let rests: Vec<Rest> =
        state.legs.iter().filter(undone).filter_map(|leg| rest(leg, &look)).collect();
    if rests.is_empty() {
        return crate::say(&format!("Nothing is left of {}; nothing was sent.", args.plan_id));
    }
    if !args.options.json {
        crate::say(&shown(&plan_id, &rests))?;
    }
    if !args.options.dry_run {
        confirmed("Send this plan?", args.options.yes)?;
    }
    let event = event(&state, &plan_id, &rests, Timestamp::now());
    let failed = |error: std::io::Error| Stopped::failed("STATE_UNWRITABLE", &error);
    let draft = tempfile::tempdir().map_err(failed)?;
    let kept = args.options.state.join("retries");
    let place = if args.options.dry_run { draft.path() } else { kept.as_path() };
    fs::create_dir_all(place).map_err(failed)?;
    let plan = place.join(format!("{}.json", encode(&plan_id)));
    fs::write(&plan, event.to_string()).map_err(failed)?;
    drop(directory);
    if !args.options.dry_run {
        note(&args, &state.plan, &plan_id).await?;
    }
    run::run(&RunArgs { plan, options: args.options }).await
}

/// Who retries, and why, is an entry of the account's log before anything is sent.
async fn note(args: &RetryArgs, old: &Plan, plan_id: &str) -> Result<(), Stopped> {
    let desk = desk_of(&args.options.state).await?;
    let plan_id = PlanId::new(plan_id).map_err(halt::failed)?;
    let by = Halt::new(&who(), &args.reason, desk.clock.now());
    account::retried(&desk, &old.account, &plan_id, by).await.map_err(halt::failed)
}

/// What is held and how it is quoted now. The simulated exchange is asked on a copy of its books.
async fn look(options: &RunOptions, plan: &Plan, symbols: &[Symbol]) -> Result<Look, Stopped> {
    if symbols.is_empty() {
        return Ok(Look::default());
    }
    let directory = tempfile::tempdir().map_err(|error| Stopped::failed("STATE", &error))?;
    let state = rehearsal::copied(&options.state, directory.path())?;
    let (rules, hidden) = (config::of_run(options)?, Arc::new(Progress::new(true)));
    let session = run::session(options, rules, (&state, &[]), hidden).await?;
    session.look(plan, symbols).await
}

/// What is left of a leg: what the plan wanted to be held, less what is held now at the mid of now.
fn rest(leg: &Leg, look: &Look) -> Option<Rest> {
    let item = &leg.item;
    let held = look.held.get(&item.symbol).copied().unwrap_or(Quantity::ZERO);
    let mid = *look.mids.get(&item.symbol)?;
    let current = Money::new(mid.saturating_mul(held.shares()).round_dp(2));
    let amount = item.target_value.minus(current);
    let same_way =
        amount.amount().is_sign_negative() == item.trade_amount.amount().is_sign_negative();
    let worth_it = amount.abs() >= LEAST && same_way;
    worth_it.then(|| Rest {
        symbol: item.symbol.to_string(),
        held,
        mid,
        action: item.action,
        amount,
        current,
        target: item.target_value,
        priority: item.priority,
    })
}

/// The name of the next try. Only the newest one knows what is left: an older one is refused.
fn next_id(plan_id: &str, names: &[String]) -> Result<String, Stopped> {
    let split = |id: &str| {
        let (base, number) = id.rsplit_once("-retry-")?;
        Some((base.to_owned(), number.parse::<u32>().ok()?))
    };
    let (base, number) = split(plan_id).unwrap_or_else(|| (plan_id.to_owned(), 0));
    let known = names.iter().filter_map(|name| decode(name.rsplit('/').next()?));
    let tries = known.filter_map(|id| split(&id)).filter(|(of, _)| *of == base);
    let newest = tries.map(|(_, number)| number).max().unwrap_or_default();
    if newest > number {
        let message = format!(
            "{plan_id} was retried already; what is left is known of {base}-retry-{newest}: `alchemiser retry {base}-retry-{newest}`"
        );
        return Err(Stopped::new(Exit::Refused, "RETRIED", message));
    }
    Ok(format!("{base}-retry-{}", number.saturating_add(1)))
}

fn shown(plan_id: &str, rests: &[Rest]) -> String {
    let headings =
        ["symbol", "action", "dollars", "shares held", "mid now", "holds", "should hold"];
    let mut table = table::table(&headings, 2..7);
    let dollars = |money: Money| format!("{:.2}", money.amount().round_dp(2));
    for rest in rests {
        table.add_row([
            rest.symbol.clone(),
            rest.action.word().to_lowercase(),
            dollars(rest.amount),
            table::plain(rest.held.shares()),
            table::price(rest.mid),
            dollars(rest.current),
            dollars(rest.target),
        ]);
    }
    format!(
        "Plan {plan_id}: what is left, by what is held and the quotes of now\n{}",
        table::fitted(&table)
    )
}

/// The event of what is left. Its id follows from the plan's, so that sending it twice is sending it once.
fn event(state: &Execution, plan_id: &str, rests: &[Rest], now: Timestamp) -> Value {
    let plan = &state.plan;
    let whole = plan.portfolio_value;
    let weight = |value: Money| {
        value
            .ratio_to(whole)
            .unwrap_or_default()
            .max(Decimal::ZERO)
            .round_dp(6)
            .normalize()
            .to_string()
    };
    let items: Vec<Value> = rests
        .iter()
        .map(|rest| {
            json!({
                "symbol": rest.symbol,
                "action": rest.action.word(),
                "trade_amount": rest.amount.to_string(),
                "current_value": rest.current.to_string(),
                "target_value": rest.target.to_string(),
                "current_weight": weight(rest.current),
                "target_weight": weight(rest.target),
                "priority": rest.priority,
            })
        })
        .collect();
    let total: Money = rests.iter().map(|rest| rest.amount.abs()).sum();
    let attribution: serde_json::Map<String, Value> = rests
        .iter()
        .filter_map(|rest| {
            let given = plan.attribution.get(&rest.symbol)?;
            let weights: serde_json::Map<String, Value> =
                given.iter().map(|(name, weight)| (name.clone(), weight.clone().into())).collect();
            Some((rest.symbol.clone(), weights.into()))
        })
        .collect();
    let event_id = format!("rebalance-planned-{plan_id}");
    json!({
        "version": "0",
        "id": event_id,
        "detail-type": "RebalancePlanned",
        "source": "alchemiser.portfolio",
        "account": crate::session::AWS_ACCOUNT,
        "time": now,
        "region": "local",
        "resources": [],
        "detail": {
            "correlation_id": plan.correlation_id.as_str(),
            "causation_id": plan.source_event.as_str(),
            "event_id": event_id,
            "event_type": "RebalancePlanned",
            "timestamp": now,
            "source_module": "portfolio",
            "source_component": "alchemiser retry",
            "metadata": { "retry_of": plan.plan_id.as_str() },
            "schema_version": "1.0",
            "trades_required": true,
            "rebalance_plan": {
                "schema_version": "1.0",
                "plan_id": plan_id,
                "timestamp": now,
                "items": items,
                "total_portfolio_value": whole.to_string(),
                "total_trade_value": total.to_string(),
                "execution_urgency": plan.urgency.word(),
                "metadata": { "strategy_attribution": attribution },
            },
        },
    })
}
