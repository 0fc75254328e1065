//! The command line.

use std::path::PathBuf;

use alchemiser_core::policy::PolicyKind;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, civil::Date};

use crate::{recover::RecoverArgs, verify::VerifyArgs};

const EXIT_CODES: &str = "\
Exit codes:
  0  completed (also: already executed, nothing to do)
  1  verify or simulate found violations, or the command itself failed
  2  the input was refused, or the command line is wrong
  3  the plan ended in WorkflowFailed
  4  locked: another process has the state directory, or another plan the account";

/// Executes rebalance plans: exactly once, with patient limit orders, every fact in a log.
#[derive(Debug, Parser)]
#[command(name = "alchemiser", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Execute a `RebalancePlanned` event: on the simulated exchange of a state directory, or at Alpaca
    Run(RunArgs),
    /// Trade what a plan left undone, as a plan of its own; it is shown before it is sent
    Retry(RetryArgs),
    /// Show the executions of a state directory
    Status(StatusArgs),
    /// Show the ledger: one line for each order with fills; or list, show and export it
    Ledger(LedgerArgs),
    /// Show what the account's own crosses have cost (E/Q by spread), as `adaptive` decides by it
    Learned(crate::learned::LearnedArgs),
    /// Show an execution entry by entry: what was known, decided, sent, answered
    Replay(ReplayArgs),
    /// Draw a plan as a page that stands alone, or a month of plans with --since
    Report(ReportArgs),
    /// Tell one leg of a plan in sentences: what was seen, decided, sent, filled, and what it cost
    Explain(ExplainArgs),
    /// Let the log of a plan that lost entries, or all of them, go on from the broker's orders
    Recover(RecoverArgs),
    /// Check the invariants over every log, and against the exchange's own books
    Verify(VerifyArgs),
    /// Stop trading in an account: open orders are canceled, new plans are refused
    Halt(HaltArgs),
    /// Let trading go on after a halt
    Resume(ResumeArgs),
    /// Stop one plan: its open orders are canceled, and it ends as failed with what was done
    Cancel(CancelArgs),
    /// Run plans in a simulated world where everything goes wrong, and check the invariants
    Simulate(SimulateArgs),
    /// Measure what policies would have paid on recorded or generated days, by the code that trades
    Backtest(crate::backtest::BacktestArgs),
    /// Serve an Alpaca-compatible exchange on 127.0.0.1
    Exchange(crate::exchange::ExchangeArgs),
    /// Run the deployed functions on this machine: bus, queues, retries and dead letters as the template has them
    Local(crate::local::LocalArgs),
    /// Look an account at Alpaca over without trading: keys, blocks, clock, permissions, data, the plan's symbols
    Doctor(crate::doctor::DoctorArgs),
    /// Print the JSON Schema of each event's detail
    Schemas(crate::schemas::SchemasArgs),
    /// Show every setting: its value, unit, origin, bound and reason
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

#[derive(ClapArgs, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RunArgs {
    /// The event: an EventBridge event with detail-type `RebalancePlanned`, as JSON
    pub(crate) plan: PathBuf,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RetryArgs {
    /// The plan that left something undone
    pub(crate) plan_id: String,
    /// Why it is traded after all
    #[arg(long, default_value = "no reason given")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// How and where a plan is traded.
#[derive(ClapArgs, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct RunOptions {
    /// The state directory: logs, ledger, exchange; made if it is not there
    #[arg(long, default_value = "state")]
    pub(crate) state: PathBuf,
    /// The seed of a new exchange's market
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Wait through time as it passes, or at once
    #[arg(long, value_enum, default_value = "fast")]
    pub(crate) speed: Speed,
    /// How orders are priced (default: adaptive)
    #[arg(long, value_enum)]
    pub(crate) policy: Option<PolicyWord>,
    /// Accept plans up to this age, e.g. 2h or 30m (default: 15 minutes)
    #[arg(long, value_name = "AGE", value_parser = duration, conflicts_with = "now")]
    pub(crate) max_age: Option<SignedDuration>,
    /// Judge the plan's age as if it had just been made
    #[arg(long)]
    pub(crate) now: bool,
    /// Where the plan is traded
    #[arg(long, value_enum, default_value = "simulated")]
    pub(crate) broker: crate::broker::BrokerWord,
    /// With `--broker alpaca`: listen to quotes by `WebSocket` besides requesting them
    #[arg(long)]
    pub(crate) stream_quotes: bool,
    #[command(flatten)]
    pub(crate) account: crate::broker::AccountArgs,
    #[command(flatten)]
    pub(crate) given: SettingArgs,
    /// Do not ask before real money, or a retry, is sent
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be traded now, at what expected cost, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object instead of progress and table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where settings come from, besides the defaults and the environment (`ALCHEMISER__WORKING_TIME__NORMAL=90`).
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct SettingArgs {
    /// A TOML file of settings (or the one that `ALCHEMISER_CONFIG` names); the environment wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, e.g. `working_time.normal=30`; may be repeated; wins over everything else
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) given: SettingArgs,
    /// Print one JSON array
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the defaults as the page `docs/configuration.md`
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct SwitchArgs {
    /// The account (default: the simulated one)
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// The state directory
    #[arg(long, default_value = "state")]
    pub(crate) state: PathBuf,
    /// Do not ask where the account trades real money
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ResumeArgs {
    /// Why trading may go on
    #[arg(long, default_value = "no reason given")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) switch: SwitchArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct HaltArgs {
    /// Why, for whoever resumes
    #[arg(long, default_value = "no reason given")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) switch: SwitchArgs,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CancelArgs {
    /// The plan
    pub(crate) plan_id: String,
    /// Why, for whoever looks at the plan later
    #[arg(long, default_value = "no reason given")]
    pub(crate) reason: String,
    /// The state directory
    #[arg(long, default_value = "state")]
    pub(crate) state: PathBuf,
    /// Where the plan was traded: needed at Alpaca, when no process trades it any more
    #[arg(long, value_enum, default_value = "simulated")]
    pub(crate) broker: crate::broker::BrokerWord,
    #[command(flatten)]
    pub(crate) account: crate::broker::AccountArgs,
    #[command(flatten)]
    pub(crate) given: SettingArgs,
    /// Do not ask before a plan of a live account is canceled
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct SimulateArgs {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    pub(crate) seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 0)]
    pub(crate) from: u64,
    /// Only this one, told line by line
    #[arg(long, value_name = "X", conflicts_with_all = ["seeds", "from", "json"])]
    pub(crate) seed: Option<u64>,
    /// Of that one's faults only these, by number, e.g. 3,17,42
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', num_args = 0.., requires = "seed")]
    pub(crate) only: Option<Vec<u64>>,
    /// Trade the plan of this event instead of drawn ones
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ReadArgs {
    /// The state directory
    #[arg(long, default_value = "state")]
    pub(crate) state: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct StatusArgs {
    /// Show it again every second, until every plan is over
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ManArgs {
    /// Write alchemiser.1 and a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ReplayArgs {
    /// The plan
    pub(crate) plan_id: String,
    /// Only up to this entry
    #[arg(long, value_name = "SEQ")]
    pub(crate) at: Option<u64>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ReportArgs {
    /// The plan
    #[arg(required_unless_present = "since", conflicts_with = "since")]
    pub(crate) plan_id: Option<String>,
    /// All plans since then on one page: a date (2026-11-01) or a time back from today (30d, 12w)
    #[arg(long, value_name = "DATE|SPAN")]
    pub(crate) since: Option<String>,
    /// Where to write the page; `-` is standard output (default: a name of its own in this directory)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show the page in a browser
    #[arg(long)]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(ClapArgs, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LedgerCommand>,
    /// Only this plan
    pub(crate) plan_id: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// One line a plan, and each strategy's share
    List(LedgerFilter),
    /// The orders of one plan, and each strategy's share
    Show {
        /// The plan
        plan_id: String,
        #[command(flatten)]
        filter: LedgerFilter,
    },
    /// All orders with fills, as CSV or JSON
    Export {
        #[command(flatten)]
        filter: LedgerFilter,
        /// Where to write (default: standard output)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(ClapArgs, Debug)]
pub(crate) struct LedgerFilter {
    /// Only plans received on or after this New York date, e.g. 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// Only plans received on or before this New York date
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<Date>,
    /// Only this symbol
    #[arg(long)]
    pub(crate) symbol: Option<String>,
    /// Only orders that this strategy has a share in
    #[arg(long)]
    pub(crate) strategy: Option<String>,
    /// How to write it
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values, with a line of headings
    Csv,
    /// A JSON array
    Json,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ExplainArgs {
    /// The plan
    pub(crate) plan_id: String,
    /// The leg
    pub(crate) symbol: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Speed {
    /// As time passes
    Realtime,
    /// At once, in virtual time
    Fast,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PolicyWord {
    /// Rest at the near touch; pay the spread when the book leans against us, and at the deadline
    Adaptive,
    /// Open by the order's size against the book, re-peg half-way to the far touch, then escalate
    Liquidity,
    /// Rest at 50, 75 and 95 % of the spread, then escalate
    Walk,
    /// Cross at once, with a collar
    Cross,
}

impl PolicyWord {
    pub(crate) fn kind(self) -> PolicyKind {
        match self {
            Self::Adaptive => PolicyKind::Adaptive,
            Self::Liquidity => PolicyKind::Liquidity,
            Self::Walk => PolicyKind::Walk,
            Self::Cross => PolicyKind::Cross,
        }
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|error| format!("expected an age like 2h or 30m, found {text:?} ({error})"))?;
    if parsed.is_positive() {
        Ok(parsed)
    } else {
        Err(format!("expected an age above zero, found {text:?}"))
    }
}
