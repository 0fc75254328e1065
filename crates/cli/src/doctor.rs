//! `alchemiser doctor`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alchemiser_alpaca::keys::KeySource;
use alchemiser_core::ids::Symbol;
use alchemiser_local::clock::RunningClock;
use clap::Args as ClapArgs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    args::SettingArgs,
    broker::AccountArgs,
    config,
    examine::{self, Finding, Verdict},
    exit::{Exit, Stopped},
    remote, table,
};

/// Looked at when no plan names symbols.
const USUAL_SYMBOL: &str = "SPY";

#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Exit codes:
  0  everything is in order (warnings do not count)
  1  something is wrong; the table says what, and how to mend it
  2  the command line, the configuration or the keys are not usable")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Look at a bucket on AWS, too, or at nothing else where no account is named
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub(crate) state: Option<PathBuf>,
    /// Beside a bucket: look at this bus
    #[arg(long, value_name = "NAME", requires = "state")]
    pub(crate) bus: Option<String>,
    /// Look at the symbols of this plan, too
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) given: SettingArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Said<'a> {
    sound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'static str>,
    findings: &'a [Finding],
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    rebalance_plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    symbol: String,
    #[serde(default)]
    action: String,
}

/// The symbols that an event's plan trades, as far as it says some.
pub(crate) fn symbols(event: &[u8]) -> Vec<Symbol> {
    let items =
        serde_json::from_slice::<Event>(event).map(|event| event.detail.rebalance_plan.items);
    let traded = items.unwrap_or_default().into_iter().filter(|item| item.action != "HOLD");
    traded.filter_map(|item| Symbol::new(&item.symbol).ok()).collect()
}

/// Looks an account and a stack over without trading.
pub(crate) async fn doctor(args: &DoctorArgs) -> Result<Exit, Stopped> {
    look(args).await.map_err(|stopped| stopped.with_json(args.json))
}

async fn look(args: &DoctorArgs) -> Result<Exit, Stopped> {
    let mut findings = match &args.state {
        None => Vec::new(),
        Some(state) => stack(args, state).await?,
    };
    let account = args.account.account.map(|word| word.mode().word());
    if args.account.account.is_some() || args.state.is_none() {
        findings.extend(account_of(args).await?);
    }
    let sound = findings.iter().all(|finding| finding.verdict != Verdict::Wrong);
    if args.json {
        crate::print_json(&Said { sound, account, findings: &findings })?;
    } else {
        show(&findings)?;
    }
    Ok(if sound { Exit::Completed } else { Exit::Failed })
}

/// What a stack stands on.
async fn stack(args: &DoctorArgs, state: &Path) -> Result<Vec<Finding>, Stopped> {
    if !remote::is_bucket(state) {
        let message = format!("expected --state s3://BUCKET/PREFIX, found {}", state.display());
        return Err(Stopped::new(Exit::Refused, "STATE", message));
    }
    let mut findings = remote::look(state, args.bus.as_deref()).await?;
    if let (KeySource::Secret(arn), None) =
        (KeySource::named(args.account.keys.as_deref()), args.account.account)
    {
        findings.push(examine::secret(remote::vault(&arn).await?.as_ref()).await);
    }
    Ok(findings)
}

async fn account_of(args: &DoctorArgs) -> Result<Vec<Finding>, Stopped> {
    let mode = args.account.mode()?;
    let (policy, armed_by_flag) = config::of_account(&args.given, mode)?;
    let symbols = match &args.plan {
        None => Symbol::new(USUAL_SYMBOL).into_iter().collect(),
        Some(path) => named(path)?,
    };
    let clock = Arc::new(RunningClock::starting_at(Timestamp::now()));
    let reached = args.account.reached(&policy, armed_by_flag, clock).await?;
    Ok(examine::everything(&reached, &policy, &symbols).await)
}

fn named(path: &PathBuf) -> Result<Vec<Symbol>, Stopped> {
    let bytes = fs::read(path).map_err(|error| {
        let message = format!("expected a readable file at {}, found: {error}", path.display());
        Stopped::new(Exit::Refused, "PLAN_UNREADABLE", message)
    })?;
    let found = symbols(&bytes);
    if found.is_empty() {
        let message = format!(
            "expected a RebalancePlanned event with symbols to trade in {}, found none",
            path.display()
        );
        return Err(Stopped::new(Exit::Refused, "PLAN_UNREADABLE", message));
    }
    Ok(found)
}

fn show(findings: &[Finding]) -> Result<Exit, Stopped> {
    let mut table = table::table(&["check", "", "found"], 0..0);
    for finding in findings {
        let word = match finding.verdict {
            Verdict::Good => "good",
            Verdict::Warning => "warning",
            Verdict::Wrong => "WRONG",
        };
        table.add_row([finding.check, word, &finding.said]);
    }
    crate::print(&table::fitted(&table))?;
    let mends = findings.iter().filter(|finding| finding.verdict != Verdict::Good);
    let mends: Vec<String> =
        mends.map(|finding| format!("{}: {}", finding.code, finding.mend)).collect();
    if mends.is_empty() {
        return crate::say("Everything is in order. Nothing was traded.");
    }
    crate::say(&format!("\nTo do:\n  {}\n\nNothing was traded.", mends.join("\n  ")))
}
