//! `alchemiser learned`: what the account's own crosses have cost, as it is kept, beside what the ledger says.

use alchemiser_core::{
    learning::{Crosses, Paid, Spread, Unlearned},
    policy::Policy,
};
use alchemiser_driver::{learn, ports::StoreError};
use clap::Args;
use serde::Serialize;

use crate::{
    args::{ReadArgs, SettingArgs},
    config,
    exit::{Exit, Stopped},
    halt, table,
    table::plain,
};

#[derive(Args, Debug)]
pub(crate) struct LearnedArgs {
    /// Make it anew of the ledger, where it says something else
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) given: SettingArgs,
    /// The account (default: the simulated one)
    #[arg(long)]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Serialize)]
struct Said {
    account: String,
    code: Option<&'static str>,
    learning: bool,
    through: Option<String>,
    plans: usize,
    agrees_with_ledger: bool,
    made_again: bool,
    spreads: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    spread: &'static str,
    crosses: u32,
    fills_support: String,
    effective_over_quoted: String,
}

fn failed(error: &StoreError) -> Stopped {
    Stopped::failed(error.code(), error)
}

pub(crate) async fn learned(args: &LearnedArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.read.json);
    look(args).await.map_err(stopped)
}

async fn look(args: &LearnedArgs) -> Result<Exit, Stopped> {
    let policy = config::for_study(&args.given)?;
    let account = halt::named(args.account.as_deref(), &args.read.state)?;
    let desk = halt::desk_of(&args.read.state).await?;
    let store = desk.store.as_ref();
    let made_again =
        args.again && learn::remake(store, &account).await.map_err(|error| failed(&error))?;
    let derived = learn::derived(store, &account).await.map_err(|error| failed(&error))?;
    let kept = learn::kept(store, &account).await.map_err(|error| failed(&error))?;
    let code = kept.as_ref().err().copied().map(Unlearned::code);
    let crosses = kept.unwrap_or_default();
    let said = Said {
        account: account.to_string(),
        code,
        learning: policy.learning,
        through: crosses.through().map(|date| date.to_string()),
        plans: crosses.plans().count(),
        agrees_with_ledger: crosses == derived,
        made_again,
        spreads: lines(&crosses, &policy),
    };
    if args.read.json { crate::print_json(&said) } else { crate::say(&text(&said)) }
}

fn lines(crosses: &Crosses, policy: &Policy) -> Vec<Line> {
    let ratios = crosses.ratios(policy.learning_step);
    let line = |spread: Spread| {
        let all = crosses.plans().map(|(_, _, paid)| *paid.of(spread));
        let sum = all.fold(Paid::default(), Paid::plus);
        Line {
            spread: spread.word(),
            crosses: sum.fills,
            fills_support: plain(sum.supported()),
            effective_over_quoted: plain(ratios.of(spread).value),
        }
    };
    Spread::ALL.map(line).into()
}

fn text(said: &Said) -> String {
    let mut shown = table::table(&["spread", "crosses", "the fills support", "E/Q in use"], 1..4);
    for line in &said.spreads {
        shown.add_row([
            line.spread.to_owned(),
            line.crosses.to_string(),
            line.fills_support.clone(),
            line.effective_over_quoted.clone(),
        ]);
    }
    let of = match (&said.through, said.code) {
        (_, Some(code)) => {
            format!("Nothing is known of the account's own crosses ({code}): E/Q is 1.")
        }
        (None, None) => format!("{} has not crossed yet: E/Q is 1.", said.account),
        (Some(through), None) => {
            format!("Plans of {} with crosses: {}, up to {through}.", said.account, said.plans)
        }
    };
    let ledger = match (said.made_again, said.agrees_with_ledger) {
        (true, true) => "It was made anew of the ledger.",
        (_, false) => "The ledger says something else: `alchemiser learned --again` makes it anew.",
        (false, true) => "The ledger says the same.",
    };
    let off = if said.learning { "" } else { " Learning is off: plans decide by 1." };
    format!("{}\n{of} {ledger}{off}", table::fitted(&shown))
}
