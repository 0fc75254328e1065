//! The deployed functions' own bootstraps on this machine: processes that take their invocations over the Lambda Runtime
//! API and publish with `PutEvents`, under the rules of the [`crate::cloud`].
//!
//! One loop owns everything and is told what happens: a process polls, answers or ends, somebody publishes, time passes.
//! Everything listens on 127.0.0.1 only.

mod bootstrap;
mod routes;
mod sandbox;
mod turn;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::{
    cloud::{Cloud, Letter, Manner},
    deployment::Deployment,
    entry::Entry,
};

/// What is not there after this time was given an init that does not end.
const INIT_MAX: Duration = Duration::from_mins(1);

/// How many processes of one function there may be where the template does not bound it.
const SANDBOXES_MAX: usize = 8;

/// What is run, and where.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What is deployed.
    pub deployment: Deployment,
    /// How the cloud is run.
    pub manner: Manner,
    /// Where the bootstraps are: `NAME`, or `NAME/bootstrap`.
    pub bootstraps: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// The port of 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// What the template's variables are; `None` leaves one out.
    pub variables: BTreeMap<String, Option<String>>,
    /// Other variables of every function.
    pub others: BTreeMap<String, String>,
    /// What is behind the secret's ARN.
    pub secret: String,
    /// How many processes of one function there may be.
    pub sandboxes_max: usize,
}

impl Setup {
    /// The deployed template on a state directory, with bootstraps from a directory.
    pub fn new(deployment: Deployment, bootstraps: &Path, state: &Path) -> Self {
        let set = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let variables = [
            set("ALCHEMISER_STAGE", "paper"),
            set("ALCHEMISER_STATE", &format!("file:{}", state.display())),
            set("ALCHEMISER_ACCOUNT", "SIM000000001"),
            set("ALCHEMISER_SETTINGS", ""),
            set("ALCHEMISER_BUS", "alchemiser-paper"),
            set("ALCHEMISER_TOPIC", "arn:aws:sns:us-east-1:000000000000:local"),
            ("ALCHEMISER_BROKER".to_owned(), None),
            ("ALCHEMISER_BROKER_SECRET".to_owned(), None),
            ("ALCHEMISER_CONFIRM_LIVE".to_owned(), None),
        ];
        Self {
            deployment,
            manner: Manner::deployed(),
            bootstraps: bootstraps.to_owned(),
            state: state.to_owned(),
            port: 0,
            variables: BTreeMap::from(variables),
            others: BTreeMap::new(),
            secret: "{}".to_owned(),
            sandboxes_max: SANDBOXES_MAX,
        }
    }
}

/// Why there is no host.
#[derive(Debug, Error)]
pub enum HostError {
    /// Somebody else has the port.
    #[error("port {port} of 127.0.0.1 is in use; stop what has it, or ask for another with --port")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// A bootstrap is not there.
    #[error("expected the bootstrap of {name} at {}, found none; build it with cargo build, or name its directory with --bootstraps", path.display())]
    BootstrapMissing {
        /// The function.
        name: String,
        /// Where it was expected.
        path: PathBuf,
    },
    /// A bootstrap that this machine cannot run.
    #[error("expected a program for {} at {}, found {found}; build it for this machine", std::env::consts::ARCH, path.display())]
    BootstrapOther {
        /// Where it is.
        path: PathBuf,
        /// What it is for.
        found: String,
    },
    /// Another host has the state directory.
    #[error("{} is in use by another host; stop it with alchemiser local down, or choose another directory with --state", path.display())]
    StateInUse {
        /// The directory.
        path: PathBuf,
    },
    /// A variable of the template that nobody gave a value.
    #[error(
        "function {function}: expected a value for the variable {variable} of the template, found none"
    )]
    VariableUnknown {
        /// The function.
        function: String,
        /// The variable.
        variable: String,
    },
    /// The host is gone.
    #[error("the host has ended")]
    Ended,
}

impl HostError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PortInUse { .. } => "HOST_PORT_IN_USE",
            Self::Io { .. } => "HOST_IO",
            Self::BootstrapMissing { .. } => "HOST_BOOTSTRAP_MISSING",
            Self::BootstrapOther { .. } => "HOST_BOOTSTRAP_OTHER",
            Self::StateInUse { .. } => "HOST_STATE_IN_USE",
            Self::VariableUnknown { .. } => "HOST_VARIABLE_UNKNOWN",
            Self::Ended => "HOST_ENDED",
        }
    }
}

/// What is asked of the loop.
enum Ask {
    /// A process wants an invocation.
    Poll { sandbox: u64, reply: oneshot::Sender<Given> },
    /// A process answered.
    Answer {
        sandbox: u64,
        id: String,
        outcome: crate::cloud::Outcome,
        reply: oneshot::Sender<bool>,
    },
    /// A process could not start.
    Unready { sandbox: u64, error: String },
    /// A process ended.
    Exited { sandbox: u64, status: String },
    /// Somebody publishes; a process, if it is one of ours.
    Put { entry: Entry, publisher: Option<u64>, reply: oneshot::Sender<Put> },
    /// Somebody strikes at the processes of a function.
    Strike { name: String, strike: Strike, reply: oneshot::Sender<usize> },
    /// Somebody waits for something.
    Until(Wish),
    /// Somebody wants to change or see the cloud.
    Cloud(Box<dyn FnOnce(&mut Cloud) + Send>),
    /// Everything ends.
    Stop,
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// It is killed.
    Kill,
    /// It stands still.
    Freeze,
    /// It goes on.
    Thaw,
}

/// An invocation as a process is given it.
struct Given {
    id: String,
    payload: String,
    deadline_ms: i64,
    arn: String,
}

/// What became of an entry.
enum Put {
    Taken(String),
    Refused {
        code: String,
        message: String,
    },
    /// It was taken, and nobody is told.
    Silent,
}

/// Somebody waits for this of the cloud.
struct Wish {
    holds: Box<dyn Fn(&Cloud) -> bool + Send>,
    reply: oneshot::Sender<()>,
}

/// A host that listens, and runs nothing yet.
pub struct Machine {
    setup: Setup,
    listener: TcpListener,
    address: SocketAddr,
    asks: mpsc::UnboundedSender<Ask>,
    asked: mpsc::UnboundedReceiver<Ask>,
    programs: BTreeMap<String, PathBuf>,
    _held: File,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Machine").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What speaks with a running host.
#[derive(Clone)]
pub struct Handle {
    asks: mpsc::UnboundedSender<Ask>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Handle").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Machine {
    /// Takes the state directory and the port, and looks at every bootstrap.
    ///
    /// # Errors
    /// [`HostError`] for a directory or port in use, and bootstraps that are missing or for other machines.
    pub async fn open(setup: Setup) -> Result<Self, HostError> {
        let held = hold(&setup.state)?;
        let mut programs = BTreeMap::new();
        for function in &setup.deployment.functions {
            programs.insert(function.id.clone(), bootstrap::of(&setup.bootstraps, &function.name)?);
            for variable in &function.variables {
                if !setup.variables.contains_key(variable) {
                    let (function, variable) = (function.name.clone(), variable.clone());
                    return Err(HostError::VariableUnknown { function, variable });
                }
            }
        }
        let port = setup.port;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => HostError::PortInUse { port },
            _ => HostError::Io { what: format!("port {port} of 127.0.0.1"), source },
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| HostError::Io { what: "the port's address".to_owned(), source })?;
        let (asks, asked) = mpsc::unbounded_channel();
        Ok(Self { setup, listener, address, asks, asked, programs, _held: held })
    }

    /// What speaks with it.
    pub fn handle(&self) -> Handle {
        Handle { asks: self.asks.clone(), address: self.address }
    }

    /// Runs until [`Handle::stop`]; then no process of it is left.
    pub async fn run(self) {
        let Self { setup, listener, address, asks, mut asked, programs, _held } = self;
        let server = tokio::spawn(routes::serve(listener, asks.clone(), setup.secret.clone()));
        let mut host = turn::Host::new(setup, programs, address, asks);
        loop {
            host.go_on(Timestamp::now());
            let wait = host.wait(Timestamp::now());
            tokio::select! {
                ask = asked.recv() => match ask {
                    None | Some(Ask::Stop) => break,
                    Some(ask) => host.take(ask, Timestamp::now()),
                },
                () = tokio::time::sleep(wait) => {}
            }
        }
        host.end(&mut asked).await;
        server.abort();
    }
}

/// Takes the state directory for this process alone.
fn hold(state: &Path) -> Result<File, HostError> {
    let io = |source| HostError::Io { what: state.display().to_string(), source };
    fs::create_dir_all(state.join("host")).map_err(io)?;
    let path = state.join("host/lock");
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(HostError::StateInUse { path: state.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

impl Handle {
    fn ask(&self, ask: Ask) -> Result<(), HostError> {
        self.asks.send(ask).map_err(|_gone| HostError::Ended)
    }

    /// Publishes an event; its id, or the code and words of its refusal.
    ///
    /// # Errors
    /// [`HostError::Ended`] when the host is gone.
    pub async fn put(&self, entry: Entry) -> Result<Result<String, String>, HostError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Put { entry, publisher: None, reply })?;
        match answer.await.map_err(|_gone| HostError::Ended)? {
            Put::Taken(id) => Ok(Ok(id)),
            Put::Refused { code, message } => Ok(Err(format!("{code}: {message}"))),
            Put::Silent => Ok(Ok(String::new())),
        }
    }

    /// Strikes at every process of a function, by its name, that works; how many there were.
    ///
    /// # Errors
    /// [`HostError::Ended`] when the host is gone.
    pub async fn strike(&self, name: &str, strike: Strike) -> Result<usize, HostError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Strike { name: name.to_owned(), strike, reply })?;
        answer.await.map_err(|_gone| HostError::Ended)
    }

    /// Waits until something holds of the cloud; it is asked after everything that happens.
    ///
    /// # Errors
    /// [`HostError::Ended`] when the host ends first.
    pub async fn until(
        &self,
        holds: impl Fn(&Cloud) -> bool + Send + 'static,
    ) -> Result<(), HostError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Until(Wish { holds: Box::new(holds), reply }))?;
        answer.await.map_err(|_gone| HostError::Ended)
    }

    /// Looks at the cloud, or changes it.
    ///
    /// # Errors
    /// [`HostError::Ended`] when the host is gone.
    pub async fn cloud<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Cloud) -> T + Send + 'static,
    ) -> Result<T, HostError> {
        let (reply, answer) = oneshot::channel();
        // Nobody hears the answer when whoever asked went away.
        self.ask(Ask::Cloud(Box::new(move |cloud| drop(reply.send(look(cloud))))))?;
        answer.await.map_err(|_gone| HostError::Ended)
    }

    /// What was given up, by queue.
    ///
    /// # Errors
    /// [`HostError::Ended`] when the host is gone.
    pub async fn dead_letters(&self) -> Result<Vec<(String, Letter)>, HostError> {
        self.cloud(|cloud| cloud.dead_letters()).await
    }

    /// Ends the host and every process of it.
    pub fn stop(&self) {
        // It may have ended by itself.
        drop(self.ask(Ask::Stop));
    }
}
