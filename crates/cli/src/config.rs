//! `alchemiser config`, and the policy that a run goes by.

use alchemiser_core::{
    policy::Policy,
    reading::TradeMode,
    setting::{SETTINGS, Setting},
};
use alchemiser_local::settings::{Flag, Origin, Settings};
use comfy_table::presets::NOTHING;
use serde::Serialize;

use crate::{
    args::{ConfigArgs, RunOptions, SettingArgs},
    broker::BrokerWord,
    exit::{Exit, Stopped},
    table,
};

/// One setting as it is in force.
#[derive(Serialize)]
struct Line {
    key: &'static str,
    value: String,
    unit: &'static str,
    origin: String,
    default: String,
    bound: String,
    reason: &'static str,
}

/// Shows every setting, its value, and where that came from.
pub(crate) fn config(args: &ConfigArgs) -> Result<Exit, Stopped> {
    show(args).map_err(|stopped| stopped.with_json(args.json))
}

fn show(args: &ConfigArgs) -> Result<Exit, Stopped> {
    let settings = effective(&args.given, Vec::new())?;
    let defaults = Policy::default();
    let line = |setting: &Setting| Line {
        key: setting.key,
        value: setting.get(&settings.policy),
        unit: setting.unit.word(),
        origin: settings.origin(setting.key).to_string(),
        default: setting.get(&defaults),
        bound: setting.bound.to_string(),
        reason: setting.reason,
    };
    let lines: Vec<Line> = SETTINGS.iter().map(line).collect();
    if args.json {
        return crate::print_json(&lines);
    }
    if args.markdown {
        return crate::print(&page(&lines));
    }
    let headings = ["key", "value", "unit", "origin", "bound", "reason"];
    let mut table = table::table(&headings, 1..2);
    table.load_style(NOTHING);
    for line in lines {
        let value = in_short(&line.value);
        let cells = [line.key, &value, line.unit, &line.origin, &line.bound, line.reason];
        table.add_row(cells);
    }
    crate::print(&table::fitted(&table))
}

/// A list of more than five as its first five and how many more: one list must not make every line of the table long.
fn in_short(value: &str) -> String {
    let parts: Vec<&str> = value.split(',').collect();
    match parts.get(..LISTED) {
        Some(first) if parts.len() > LISTED => {
            format!("{} and {} more", first.join(","), parts.len() - LISTED)
        }
        Some(_) | None => value.to_owned(),
    }
}

const LISTED: usize = 5;

/// What stands before the table of the page.
const PAGE: &str = "# Configuration

Every threshold, wait and bound is a setting with a unit, a bound and a reason. This page is what `alchemiser config --markdown`
prints; `alchemiser config` shows the values in force and where each came from. The later one wins: defaults, a TOML file
(`--config`, or `ALCHEMISER_CONFIG`), the environment (`ALCHEMISER__` and the key in capitals, `__` for the dot), flags (`--set
KEY=VALUE`). Unknown keys, values out of bounds and values that contradict each other are refused before anything else happens.

| key | default | unit | bound | reason |
|---|---|---|---|---|
";

/// The reference of all settings.
fn page(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let cells = [&line.default, line.unit, &line.bound, line.reason];
        let cells =
            cells.map(|cell| cell.replace('|', "\\|").replace(',', ", ").replace(",  ", ", "));
        format!("| `{}` | {} |", line.key, cells.join(" | "))
    };
    let rows: Vec<String> = lines.iter().map(row).collect();
    format!("{PAGE}{}", rows.join("\n"))
}

fn flag(name: &'static str, key: &str, value: String) -> Flag {
    Flag { name, key: key.to_owned(), value }
}

/// The policy for an account of this kind, and whether live trading was armed on the command line.
pub(crate) fn of_account(given: &SettingArgs, mode: TradeMode) -> Result<(Policy, bool), Stopped> {
    let mode = flag("--account", "trade_mode", mode.word().to_owned());
    Ok(armed(effective(given, vec![mode])?))
}

/// The policy of a study, or of a look at what is kept.
pub(crate) fn for_study(given: &SettingArgs) -> Result<Policy, Stopped> {
    Ok(effective(given, Vec::new())?.policy)
}

fn armed(settings: Settings) -> (Policy, bool) {
    let by_flag = matches!(settings.origin("live_armed"), Origin::Flag(_));
    (settings.policy, by_flag)
}

/// The policy of a run, and whether live trading was armed on the command line: `--policy`, `--max-age` and `--account`
/// are settings with a flag of their own.
pub(crate) fn of_run(args: &RunOptions) -> Result<(Policy, bool), Stopped> {
    let policy = args.policy.map(|word| word.kind().word().to_owned());
    let max_age = args.max_age.map(|age| age.to_string());
    let own = policy.map(|word| flag("--policy", "policy", word)).into_iter();
    let own = own.chain(max_age.map(|age| flag("--max-age", "plan_max_age", age)));
    let mode = match args.broker {
        BrokerWord::Simulated => None,
        BrokerWord::Alpaca => Some(args.account.mode()?.word().to_owned()),
    };
    let own = own.chain(mode.map(|word| flag("--account", "trade_mode", word)));
    Ok(armed(effective(&args.given, own.collect())?))
}

/// All layers; what `--set` says wins.
fn effective(given: &SettingArgs, mut flags: Vec<Flag>) -> Result<Settings, Stopped> {
    for text in &given.set {
        flags.push(Flag::assignment("--set", text).map_err(Stopped::config)?);
    }
    Settings::load(given.config.as_deref(), &flags).map_err(Stopped::config)
}
