//! The account that a plan is traded in: found, and looked over before anything is sent.

use std::{env, sync::Arc};

use alchemiser_alpaca::{
    Access, Alpaca,
    endpoint::{Endpoints, Reach},
    keyring::Keyring,
    keys::KeySource,
};
use alchemiser_core::{
    ids::{AccountId, Symbol},
    policy::Policy,
    reading::TradeMode,
};
use alchemiser_driver::ports::Clock;
use clap::{Args as ClapArgs, ValueEnum};

use crate::{
    examine::{self, Finding, Verdict},
    exit::{Exit, Stopped},
    remote, table,
};

/// The variable that says which account is meant.
const ACCOUNT_VARIABLE: &str = "ALCHEMISER_ACCOUNT";

/// The variable that keeps every request on this machine.
const LOOPBACK_VARIABLE: &str = "ALCHEMISER_LOOPBACK_ONLY";

/// Where an account is, and how it is reached.
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct AccountArgs {
    /// Which kind of account at Alpaca
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) account: Option<AccountWord>,
    /// The account's number; trading stops if the keys belong to another (or `ALCHEMISER_ACCOUNT`; required for live)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) account_id: Option<String>,
    /// Where the keys are: `env` (`APCA_API_KEY_ID`, `APCA_API_SECRET_KEY`), a TOML file that only you can read, or a
    /// secret of AWS Secrets Manager
    #[arg(long, value_name = "env|FILE|ARN")]
    pub(crate) keys: Option<String>,
    /// Trade real money, together with `live_armed = true` in the configuration
    #[arg(long)]
    pub(crate) arm_live: bool,
    /// The address of the trading interface (default: Alpaca's own)
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The address of the market data (default: as --endpoint, or Alpaca's own)
    #[arg(long, value_name = "URL")]
    pub(crate) data_endpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BrokerWord {
    /// The exchange of the state directory, in this process
    Simulated,
    /// Alpaca, or whoever speaks its language at --endpoint
    Alpaca,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountWord {
    /// Paper money
    Paper,
    /// Real money
    Live,
}

impl AccountWord {
    pub(crate) fn mode(self) -> TradeMode {
        match self {
            Self::Paper => TradeMode::Paper,
            Self::Live => TradeMode::Live,
        }
    }
}

/// An account that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) alpaca: Alpaca,
    pub(crate) mode: TradeMode,
    /// The account that is meant, if that is configured.
    pub(crate) meant: Option<AccountId>,
}

fn refused(code: &str, message: &str) -> Stopped {
    Stopped::new(Exit::Refused, code, message)
}

/// An error whose text begins with its code.
fn coded(error: &dyn std::fmt::Display) -> Stopped {
    let text = error.to_string();
    let code = text.split_once(':').map_or("BROKER", |(code, _)| code).to_owned();
    Stopped::new(Exit::Refused, &code, text)
}

fn reach() -> Reach {
    match env::var_os(LOOPBACK_VARIABLE) {
        Some(word) if !word.is_empty() && word != "0" => Reach::Loopback,
        Some(_) | None => Reach::Anywhere,
    }
}

/// Real money needs the flag, and the switch in a file or in the environment: both are not one slip of a hand.
fn armed(args: &AccountArgs, mode: TradeMode, is_flag: bool) -> Result<(), Stopped> {
    match mode {
        TradeMode::Paper | TradeMode::Simulated => Ok(()),
        TradeMode::Live if !args.arm_live => Err(refused(
            "LIVE_NOT_ARMED",
            "expected --arm-live beside --account live, found none; real money is asked for twice: by this flag and by live_armed = true in the configuration",
        )),
        TradeMode::Live if is_flag => Err(refused(
            "LIVE_NOT_ARMED",
            "expected live_armed = true in a configuration file or in ALCHEMISER__LIVE_ARMED, found it in --set; real money is asked for in two places",
        )),
        TradeMode::Live => Ok(()),
    }
}

impl AccountArgs {
    /// The kind of account; it must be said.
    pub(crate) fn mode(&self) -> Result<TradeMode, Stopped> {
        let said = self.account.map(AccountWord::mode);
        said.ok_or_else(|| {
            refused("ACCOUNT_KIND", "expected --account paper or --account live, found neither")
        })
    }

    /// The account, without a request to it. `armed_by_flag`: the configuration's switch was thrown on the command line.
    pub(crate) async fn reached(
        &self,
        policy: &Policy,
        armed_by_flag: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Reached, Stopped> {
        let mode = self.mode()?;
        armed(self, mode, armed_by_flag)?;
        let (endpoint, data) = (self.endpoint.as_deref(), self.data_endpoint.as_deref());
        let endpoints =
            Endpoints::new(mode, endpoint, data, reach()).map_err(|error| coded(&error))?;
        let keys = match KeySource::named(self.keys.as_deref()) {
            KeySource::Secret(arn) => Keyring::of_vault(remote::vault(&arn).await?).await,
            here => here.read().map(Keyring::of),
        };
        let keys = keys.map_err(|error| coded(&error))?;
        let meant = self.account_id.clone().or_else(|| env::var(ACCOUNT_VARIABLE).ok());
        let meant = meant.filter(|text| !text.is_empty()).map(|text| AccountId::new(&text));
        let meant = meant.transpose().map_err(|error| refused("ACCOUNT", &error.to_string()))?;
        let access = Access { endpoints, keys, mode };
        let alpaca = Alpaca::new(access, policy, clock).map_err(|error| coded(&error))?;
        Ok(Reached { alpaca, mode, meant })
    }
}

/// Looks the account over; the number of one that may trade. Warnings are printed, the first thing wrong stops.
pub(crate) async fn admitted(
    reached: &Reached,
    policy: &Policy,
    symbols: &[Symbol],
) -> Result<AccountId, Stopped> {
    let (number, findings) = examine::before_trading(reached, policy, symbols).await;
    for finding in findings {
        let Finding { verdict, code, said, mend, .. } = finding;
        let line = if mend.is_empty() { said } else { format!("{said}; {mend}") };
        match verdict {
            Verdict::Good => {}
            Verdict::Warning => {
                eprintln!("{}", table::flowed_error(&format!("warning: {code}: {line}")));
            }
            Verdict::Wrong => return Err(refused(code, &line)),
        }
    }
    number.ok_or_else(|| refused("ACCOUNT", "expected an account with a number, found none"))
}
