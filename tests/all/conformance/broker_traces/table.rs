//! What is printed: theirs and ours, side by side.

use rust_decimal::Decimal;

use super::{
    Ours,
    scenario::{Filled, Scenario},
};

fn percent(filled: Option<Filled>) -> String {
    let Some(Filled { least, most }) = filled else { return "-".to_owned() };
    let word = |share: Decimal| (share * Decimal::ONE_HUNDRED).round_dp(1).normalize().to_string();
    let (least, most) = (word(least), word(most));
    if least == most { format!("{most}%") } else { format!("{least}-{most}%") }
}

/// The original's last event, as often as it ran.
fn ended(ends: &[String]) -> String {
    let Some(last) = ends.last() else { return "-".to_owned() };
    let word = last.trim_start_matches("Workflow").to_lowercase();
    if ends.len() > 1 { format!("{word} x{}", ends.len()) } else { word }
}

fn line(cells: &[String; 11]) -> String {
    let widths = [-37, 9, 9, 7, 7, 8, 8, 9, 9, -13, -20];
    let cell = |(text, width): (&String, i32)| {
        let columns = usize::try_from(width.abs()).unwrap();
        if width < 0 { format!("{text:<columns$}") } else { format!("{text:>columns$}") }
    };
    cells.iter().zip(widths).map(cell).collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

fn row(scenario: &Scenario, ours: &Ours) -> String {
    let theirs = &scenario.theirs;
    line(&[
        scenario.id.clone(),
        percent(theirs.filled),
        percent(Some(ours.filled)),
        theirs.orders.to_string(),
        ours.orders.to_string(),
        theirs.calls.to_string(),
        ours.calls.to_string(),
        format!("{:.1}", theirs.seconds),
        format!("{:.1}", ours.seconds),
        ended(&theirs.ends),
        ours.end.clone(),
    ])
}

fn median(seconds: impl Iterator<Item = f64>) -> String {
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    let even = seconds.len().is_multiple_of(2);
    let lower = seconds[if even { middle - 1 } else { middle }];
    format!("{:.1}", f64::midpoint(lower, seconds[middle]))
}

/// Every scenario's row and the sums, in one text: tests print at the same time.
pub(crate) fn of(policy: &str, played: &[(Scenario, Ours)]) -> String {
    let head = [
        policy, "filled", "ours", "orders", "ours", "calls", "ours", "seconds", "ours", "ended",
        "ours",
    ];
    let mut lines = vec![line(&head.map(str::to_owned))];
    lines.extend(played.iter().map(|(scenario, ours)| row(scenario, ours)));
    lines.push(total(played));
    let theirs = played.iter().filter(|(scenario, _)| scenario.theirs_is_false()).count();
    let ours = played.iter().filter(|(_, ours)| ours.is_false).count();
    lines.push(format!("published as a success with wrong fills: {theirs} there, {ours} here"));
    lines.join("\n")
}

/// How many scenarios filled too much, and the sums (for the seconds: the median) over the plans that ours took.
fn total(played: &[(Scenario, Ours)]) -> String {
    let over = |filled: Option<Filled>| filled.is_some_and(|filled| filled.most > Decimal::ONE);
    let too_much = |filled: &dyn Fn(&(Scenario, Ours)) -> Option<Filled>| {
        played.iter().filter(|played| over(filled(played))).count().to_string()
    };
    let taken = || played.iter().filter(|(_, ours)| ours.taken);
    let theirs = || taken().map(|(scenario, _)| &scenario.theirs);
    let ours = || taken().map(|(_, ours)| ours);
    line(&[
        format!("{} played, sums of {} taken", played.len(), taken().count()),
        too_much(&|(scenario, _)| scenario.theirs.filled),
        too_much(&|(_, ours)| Some(ours.filled)),
        theirs().map(|theirs| theirs.orders).sum::<u64>().to_string(),
        ours().map(|ours| ours.orders).sum::<u64>().to_string(),
        theirs().map(|theirs| theirs.calls).sum::<u64>().to_string(),
        ours().map(|ours| ours.calls).sum::<u64>().to_string(),
        median(theirs().map(|theirs| theirs.seconds)),
        median(ours().map(|ours| ours.seconds)),
        String::new(),
        String::new(),
    ])
}
