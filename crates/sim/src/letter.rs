//! The event that carries a plan.

use jiff::Timestamp;

use crate::bus::envelope;

/// One line of a plan: symbol, dollars held, dollars wanted.
pub(crate) type Line = (&'static str, i64, i64);

/// What an event says besides its lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) plan_id: &'a str,
    /// Dollars of the whole portfolio.
    pub(crate) portfolio: i64,
    pub(crate) urgency: &'a str,
    pub(crate) at: Timestamp,
    /// When its validity ends, if the event says it.
    pub(crate) valid_until: Option<Timestamp>,
}

fn item((symbol, held, wanted): &Line, portfolio: i64) -> String {
    let share = |dollars: i64| format!("0.{:04}", (dollars * 10_000 / portfolio.max(1)).min(9_999));
    let target = if *wanted == 0 { "0".to_owned() } else { share(*wanted) };
    let action = match (wanted - held).signum() {
        -1 => "SELL",
        0 => "HOLD",
        _ => "BUY",
    };
    format!(
        r#"{{"symbol":"{symbol}","current_weight":"{}","target_weight":"{target}","weight_diff":"0","target_value":"{wanted}","current_value":"{held}","trade_amount":"{}","action":"{action}","priority":2}}"#,
        share(*held),
        wanted - held
    )
}

/// The event that carries a plan.
pub(crate) fn event(lines: &[Line], terms: Terms<'_>) -> Vec<u8> {
    let Terms { plan_id, portfolio, urgency, at, valid_until } = terms;
    let items: Vec<String> = lines.iter().map(|line| item(line, portfolio)).collect();
    let traded: i64 = lines.iter().map(|(_, held, wanted)| (wanted - held).abs()).sum();
    let metadata = valid_until
        .map_or_else(|| "null".to_owned(), |until| format!(r#"{{"valid_until":"{until}"}}"#));
    let ids = format!(r#""correlation_id":"workflow-{plan_id}","causation_id":"schedule-1""#);
    let plan = format!(
        r#"{{"schema_version":"1.0",{ids},"timestamp":"{at}","plan_id":"{plan_id}","items":[{}],"total_portfolio_value":"{portfolio}","total_trade_value":"{traded}","execution_urgency":"{urgency}","metadata":{metadata}}}"#,
        items.join(",")
    );
    let detail = format!(
        r#"{{{ids},"event_id":"planned-{plan_id}-{traded}","event_type":"RebalancePlanned","timestamp":"{at}","source_module":"portfolio","source_component":null,"metadata":null,"schema_version":"1.0","rebalance_plan":{plan},"allocation_comparison":{{"target_values":{{}},"current_values":{{}},"deltas":{{}}}},"trades_required":{}}}"#,
        traded > 0
    );
    let id = format!("planned-{plan_id}");
    envelope("alchemiser.portfolio", "RebalancePlanned", (&id, &detail), at)
}
