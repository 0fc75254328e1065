//! `alchemiser local`: the deployed functions on this machine, as processes of their own under the template's rules.
//!
//! `up` is the host and stays in the foreground; the others speak with it, over the address that it leaves in its state
//! directory.

use std::{collections::BTreeMap, fs, io, path::PathBuf, thread, time::Duration};

use alchemiser_host::{
    Deployment,
    machine::{Handle, HostError, Machine, Setup},
};
use clap::{Args as ClapArgs, Subcommand};
use reqwest::{Client, Method};
use serde_json::Value;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    exit::{Exit, Stopped},
    load,
};

/// What a host that is there answers within.
const ANSWER_MAX: Duration = Duration::from_secs(10);

#[derive(ClapArgs, Debug)]
pub(crate) struct LocalArgs {
    #[command(subcommand)]
    command: LocalCommand,
}

#[derive(Debug, Subcommand)]
enum LocalCommand {
    /// Run the bus, the queues and the four functions until Ctrl-C or `down`
    Up(UpArgs),
    /// Put an event on the bus, as a file has it
    PutEvent(PlanArgs),
    /// Put a plan on the bus, and wait until it is over
    Run(PlanArgs),
    /// Show what was on the bus, one event a line
    Events(HostArgs),
    /// Show what was given up, by queue
    Dlq(HostArgs),
    /// End the host of a state directory
    Down(HostArgs),
}

#[derive(ClapArgs, Debug)]
struct HostArgs {
    /// The state directory
    #[arg(long, default_value = "state/local")]
    state: PathBuf,
}

#[derive(ClapArgs, Debug)]
struct PlanArgs {
    /// The event, as it crosses the bus, in JSON
    event: PathBuf,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(ClapArgs, Debug)]
struct UpArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The port of 127.0.0.1; 0 takes a free one and says which
    #[arg(long, default_value_t = 7_091)]
    port: u16,
    /// Where the bootstraps are, NAME or NAME/bootstrap (default: where this program is)
    #[arg(long, value_name = "DIR")]
    bootstraps: Option<PathBuf>,
    /// Divide the waits of queues, retries and schedules by this; the functions' own times stay
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    pace: i32,
    /// A TOML file of faults: `[[fault]]` with `delivered`, `invoked`, `published` or `answered`, `nth`, and `blow`
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// An exchange of this machine that speaks Alpaca's language, e.g. `http://127.0.0.1:7090` (default: the state
    /// directory's own)
    #[arg(long, value_name = "ADDRESS", requires = "keys")]
    broker: Option<String>,
    /// The account at the exchange
    #[arg(long, default_value = "SIM000000001")]
    account: String,
    /// A JSON file with `APCA_API_KEY_ID` and `APCA_API_SECRET_KEY`
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Judge plans' ages as if they had just been made
    #[arg(long)]
    now: bool,
    /// A TOML file of settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) async fn local(args: &LocalArgs) -> Result<Exit, Stopped> {
    match &args.command {
        LocalCommand::Up(up) => self::up(up).await,
        LocalCommand::PutEvent(plan) => put_event(plan).await,
        LocalCommand::Run(plan) => run(plan).await,
        LocalCommand::Events(host) => events(host).await,
        LocalCommand::Dlq(host) => dlq(host).await,
        LocalCommand::Down(host) => down(host).await,
    }
}

fn host(error: &HostError) -> Stopped {
    let exit = match error {
        HostError::StateInUse { .. } => Exit::Locked,
        HostError::Io { .. } | HostError::Ended => Exit::Failed,
        HostError::PortInUse { .. }
        | HostError::BootstrapMissing { .. }
        | HostError::BootstrapOther { .. }
        | HostError::VariableUnknown { .. } => Exit::Refused,
    };
    Stopped::new(exit, error.code(), error)
}

fn refused(code: &str, path: &std::path::Path, error: &dyn std::fmt::Display) -> Stopped {
    Stopped::new(Exit::Refused, code, format!("{}: {error}", path.display()))
}

fn setup(args: &UpArgs) -> Result<Setup, Stopped> {
    load::on_this_machine(&args.host.state)?;
    let deployment = Deployment::deployed();
    let deployment = deployment.map_err(|e| Stopped::new(Exit::Refused, e.code(), &e))?;
    let own = || std::env::current_exe().ok()?.parent().map(std::path::Path::to_owned);
    let bootstraps = args.bootstraps.clone().or_else(own).unwrap_or_default();
    let state = std::path::absolute(&args.host.state)
        .map_err(|error| refused("HOST_IO", &args.host.state, &error))?;
    let mut setup = Setup::new(deployment, &bootstraps, &state);
    setup.port = args.port;
    setup.manner.pace = args.pace;
    if let Some(path) = &args.faults {
        let text =
            fs::read_to_string(path).map_err(|error| refused("HOST_FAULTS", path, &error))?;
        setup.manner.faults =
            toml::from_str(&text).map_err(|error| refused("HOST_FAULTS", path, &error))?;
    }
    setup.variables.insert("ALCHEMISER_ACCOUNT".to_owned(), Some(args.account.clone()));
    if let (Some(broker), Some(path)) = (&args.broker, &args.keys) {
        setup.secret =
            fs::read_to_string(path).map_err(|error| refused("HOST_KEYS", path, &error))?;
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:local";
        setup.variables.insert("ALCHEMISER_BROKER".to_owned(), Some(broker.clone()));
        setup.variables.insert("ALCHEMISER_BROKER_SECRET".to_owned(), Some(arn.to_owned()));
    }
    let age = if args.now { "restated" } else { "stated" };
    setup.others = BTreeMap::from([("ALCHEMISER_AGE".to_owned(), age.to_owned())]);
    if let Some(path) = &args.config {
        let path = std::path::absolute(path).map_err(|error| refused("HOST_IO", path, &error))?;
        setup.others.insert("ALCHEMISER_CONFIG".to_owned(), path.display().to_string());
    }
    Ok(setup)
}

async fn up(args: &UpArgs) -> Result<Exit, Stopped> {
    let setup = setup(args)?;
    let place = setup.state.join("host/address");
    let machine = Machine::open(setup).await.map_err(|error| host(&error))?;
    let handle = machine.handle();
    let address = handle.address;
    stop_on_signals(handle).map_err(|error| Stopped::failed("HOST_SIGNALS", &error))?;
    fs::write(&place, address.to_string()).map_err(|error| refused("HOST_IO", &place, &error))?;
    crate::say(&format!("host on http://{address}; Ctrl-C ends it and every function"))?;
    machine.run().await;
    fs::remove_file(&place).map_err(|error| refused("HOST_IO", &place, &error))?;
    crate::say("the host has ended; no function is left")
}

/// Ctrl-C and a polite kill end the host.
fn stop_on_signals(handle: Handle) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().for_each(|_| handle.stop()));
    Ok(())
}

/// Asks the host of a state directory.
async fn ask(
    args: &HostArgs,
    method: Method,
    path: &str,
    (body, wait): (Vec<u8>, Option<Duration>),
) -> Result<Value, Stopped> {
    load::on_this_machine(&args.state)?;
    let absent = |found: &dyn std::fmt::Display| {
        let state = args.state.display();
        let text = format!(
            "expected a host on {state}, found {found}; start one with alchemiser local up --state {state}"
        );
        Stopped::new(Exit::Refused, "HOST_ABSENT", text)
    };
    let address = fs::read_to_string(args.state.join("host/address"));
    let address = address.map_err(|_error| absent(&"none"))?;
    let client = client().map_err(|error| Stopped::failed("HOST_CLIENT", &*error))?;
    let mut request = client.request(method, format!("http://{address}/_host/{path}")).body(body);
    if let Some(wait) = wait {
        request = request.timeout(wait);
    }
    let answer = request.send().await.map_err(|error| absent(&error))?;
    let is_good = answer.status().is_success();
    let text = answer.text().await.map_err(|error| absent(&error))?;
    let said: Value = serde_json::from_str(&text).map_err(|error| absent(&error))?;
    if is_good {
        return Ok(said);
    }
    let word = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or("UNKNOWN").to_owned();
    Err(Stopped::new(Exit::Refused, &word("__type"), word("message")))
}

/// HTTP to this machine only: no TLS root is trusted, no proxy is used.
fn client() -> Result<Client, Box<dyn std::error::Error>> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

fn event(args: &PlanArgs) -> Result<Vec<u8>, Stopped> {
    fs::read(&args.event).map_err(|error| refused("EVENT_UNREADABLE", &args.event, &error))
}

async fn put_event(args: &PlanArgs) -> Result<Exit, Stopped> {
    let body = (event(args)?, Some(ANSWER_MAX));
    let said = ask(&args.host, Method::POST, "events", body).await?;
    crate::print_json(&said)
}

async fn run(args: &PlanArgs) -> Result<Exit, Stopped> {
    let bytes = event(args)?;
    let read: Value = serde_json::from_slice(&bytes)
        .map_err(|error| refused("EVENT_MALFORMED", &args.event, &error))?;
    let plan = read.pointer("/detail/rebalance_plan/plan_id").and_then(Value::as_str);
    let missing = &"expected detail.rebalance_plan.plan_id, found none";
    let plan = plan.ok_or_else(|| refused("EVENT_MALFORMED", &args.event, missing))?;
    ask(&args.host, Method::POST, "events", (bytes, Some(ANSWER_MAX))).await?;
    let end = ask(&args.host, Method::GET, &format!("end/{plan}"), (Vec::new(), None)).await?;
    crate::print_json(&end)?;
    let is_complete = end.get("detail_type").is_some_and(|kind| kind == "WorkflowCompleted");
    Ok(if is_complete { Exit::Completed } else { Exit::WorkflowFailed })
}

async fn events(args: &HostArgs) -> Result<Exit, Stopped> {
    let events = ask(args, Method::GET, "events", (Vec::new(), Some(ANSWER_MAX))).await?;
    let lines: Vec<String> =
        events.as_array().into_iter().flatten().map(Value::to_string).collect();
    crate::say(&lines.join("\n"))
}

async fn dlq(args: &HostArgs) -> Result<Exit, Stopped> {
    let letters = ask(args, Method::GET, "dead-letters", (Vec::new(), Some(ANSWER_MAX))).await?;
    crate::print_json(&letters)
}

async fn down(args: &HostArgs) -> Result<Exit, Stopped> {
    ask(args, Method::POST, "stop", (Vec::new(), Some(ANSWER_MAX))).await?;
    crate::say("the host is ending")
}
