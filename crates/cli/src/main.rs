//! `alchemiser`: a rebalance plan in, an executed plan, its log and its ledger out; on this machine.
//!
//! `run` composes what AWS composes when deployed: the bus routes by the deployed rules to the three Lambda functions'
//! handlers, which work on a store of files and on the simulated exchange or at Alpaca (`doctor` looks that account over first). `status`, `ledger`, `report`, `replay` and `verify` only read;
//! `halt` and `resume` turn the switch that stops trading, `cancel` stops one plan. `config` shows what `run` would go by;
//! `exchange` serves the exchange over HTTP to whoever speaks Alpaca's language; `simulate` tries all of it in a world where everything goes wrong.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

mod advice;
mod args;
mod backtest;
mod broker;
mod cancel;
mod config;
mod confirm;
mod doctor;
mod examine;
mod exchange;
mod exit;
mod explain;
mod halt;
mod ladder;
mod learned;
mod ledger;
mod load;
mod local;
mod manual;
mod page;
mod progress;
mod recover;
mod rehearsal;
mod remote;
mod replay;
mod report;
mod retry;
mod run;
mod schemas;
mod session;
mod simulate;
mod status;
mod table;
mod verify;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Args, Command},
    exit::{Exit, Stopped},
};

/// A plan's log is read and written in many small pieces; the system's allocator takes a third of that time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    // A simulated world is full of what would wake somebody in the real one.
    if !matches!(args.command, Command::Simulate(_)) {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .json()
            .init();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match (runtime, args.command) {
        (Err(error), _) => Err(Stopped::failed("RUNTIME", &error)),
        (Ok(runtime), Command::Run(run)) => runtime.block_on(run::run(&run)),
        (Ok(runtime), Command::Retry(args)) => runtime.block_on(retry::retry(args)),
        (Ok(runtime), Command::Halt(args)) => runtime.block_on(halt::halt(&args)),
        (Ok(runtime), Command::Resume(args)) => runtime.block_on(halt::resume(&args)),
        (Ok(runtime), Command::Cancel(args)) => runtime.block_on(cancel::cancel(args)),
        (Ok(runtime), Command::Recover(args)) => runtime.block_on(recover::recover(&args)),
        (Ok(_), Command::Status(status)) => status::status(&status),
        (Ok(_), Command::Ledger(ledger)) => ledger::ledger(&ledger),
        (Ok(runtime), Command::Learned(args)) => runtime.block_on(learned::learned(&args)),
        (Ok(_), Command::Report(args)) => page::page(&args),
        (Ok(_), Command::Explain(args)) => explain::explain(&args),
        (Ok(_), Command::Replay(args)) => replay::replay(&args),
        (Ok(_), Command::Verify(verify)) => verify::verify(&verify),
        (Ok(_), Command::Simulate(simulate)) => simulate::simulate(&simulate),
        (Ok(_), Command::Backtest(args)) => backtest::backtest(&args),
        (Ok(runtime), Command::Exchange(args)) => runtime.block_on(exchange::exchange(&args)),
        (Ok(runtime), Command::Local(args)) => runtime.block_on(local::local(&args)),
        (Ok(runtime), Command::Doctor(args)) => runtime.block_on(doctor::doctor(&args)),
        (Ok(_), Command::Schemas(args)) => schemas::schemas(&args),
        (Ok(_), Command::Config(config)) => config::config(&config),
        (Ok(_), Command::Completions(args)) => manual::completions(&args),
        (Ok(_), Command::Man(args)) => manual::man(&args),
    };
    match ended {
        Ok(exit) => exit.code(),
        Err(stopped) => {
            stopped.say();
            stopped.exit.code()
        }
    }
}

/// Prints one JSON value on its own line.
fn print_json(value: &impl serde::Serialize) -> Result<Exit, Stopped> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Stopped::failed("OUTPUT", &error))?;
    print(&text)
}

/// Says something to a person: as [`print()`], in lines that fit into the terminal.
fn say(text: &str) -> Result<Exit, Stopped> {
    print(&table::flowed(text))
}

/// Prints a text on its own line, as it is. A reader that went away is no failure.
fn print(text: &str) -> Result<Exit, Stopped> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Stopped::failed("OUTPUT", &error))
        }
        Ok(()) | Err(_) => Ok(Exit::Completed),
    }
}
