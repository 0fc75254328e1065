//! A plan, from the function that claims it to the one that writes its ledger.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    broker,
    canary::{CANARY, KEY, clean},
    function::{Ended, Function, events},
    secrets::{ARN, Secrets, keys},
};

pub(crate) const PLANNED: &str = env!("CARGO_BIN_EXE_rebalance-planned");
pub(crate) const TRADE: &str = env!("CARGO_BIN_EXE_trade-execution");
const OUTCOME: &str = env!("CARGO_BIN_EXE_workflow-outcome");

/// What the functions are told.
pub(crate) struct Stage {
    pub(crate) dir: TempDir,
    pub(crate) variables: BTreeMap<&'static str, String>,
}

impl Stage {
    pub(crate) fn of(broker: &str, secrets: &Secrets) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let variables = [
            ("ALCHEMISER_STATE", format!("file:{}", dir.path().join("state").display())),
            ("ALCHEMISER_STAGE", "paper".to_owned()),
            ("ALCHEMISER_ACCOUNT", "PA000000001".to_owned()),
            ("ALCHEMISER_AGE", "restated".to_owned()),
            ("ALCHEMISER_SETTINGS", "policy=cross".to_owned()),
            ("ALCHEMISER_BROKER", broker.to_owned()),
            ("ALCHEMISER_BROKER_SECRET", ARN.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CANARY.to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{}", secrets.address)),
        ];
        Self { dir, variables: variables.into() }
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    /// The one invocation of a process; what it came to, and everything that was said.
    pub(crate) fn run(&self, program: &str, event: &[u8]) -> (Ended, String) {
        let function = Function::start(program, &self.variables);
        let ended = function.invoke(event);
        let said = function.stop();
        clean("the answer", &ended.body);
        clean("what was said", &said);
        (ended, said)
    }

    /// The example plan is claimed: the request to trade it.
    pub(crate) fn requested(&self) -> Vec<u8> {
        let plan = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../examples/plans/growth-and-bonds.json");
        let (ended, said) = self.run(PLANNED, &std::fs::read(plan).unwrap());
        assert!(ended.well, "{ended:?} {said}");
        events(&self.state(), "TradeExecutionRequested").remove(0)
    }
}

pub(crate) fn detail(event: &[u8]) -> Value {
    serde_json::from_slice::<Value>(event).unwrap()["detail"].clone()
}

/// H1, X1: a plan is traded over HTTP by the functions themselves, with keys that are changed on the way: the secret is
/// asked for once, and once more when the broker no longer knows its keys.
#[test]
fn a_plan_is_traded_over_http_with_keys_that_were_changed() {
    let secrets = Secrets::of(&[Some(keys("PKOLD", CANARY)), Some(keys(KEY, CANARY))]);
    let exchange = broker::exchange(|account| {
        (account.key, account.secret) = (KEY.to_owned(), CANARY.to_owned());
    });
    let stage = Stage::of(&exchange, &secrets);
    let request = stage.requested();
    assert_eq!(secrets.asked(), 0, "only the function that trades may read the keys");
    let (ended, said) = stage.run(TRADE, &request);
    assert!(ended.well, "{ended:?} {said}");
    assert_eq!(secrets.asked(), 2);
    assert!(said.contains("the broker's keys were changed"), "{said}");
    assert!(said.contains("\"PlansCompleted\""), "it is measured: {said}");
    let completed = events(&stage.state(), "WorkflowCompleted");
    assert_eq!(completed.len(), 1, "{said}");
    let (ended, said) = stage.run(OUTCOME, &completed[0]);
    assert!(ended.well, "{ended:?} {said}");
    let ledgers = std::fs::read_dir(stage.state().join("ledger/PA000000001")).unwrap().count();
    assert_eq!(ledgers, 1);
    crate::canary::clean_below(&stage.state());
}

/// S11: the same request again, in the same process and in another one, sends nothing and asks for no keys twice.
#[test]
fn the_same_request_again_is_nothing() {
    let secrets = Secrets::of(&[Some(keys(KEY, CANARY))]);
    let exchange = broker::exchange(|account| {
        (account.key, account.secret) = (KEY.to_owned(), CANARY.to_owned());
    });
    let stage = Stage::of(&exchange, &secrets);
    let request = stage.requested();
    let function = Function::start(TRADE, &stage.variables);
    for _ in 0..2 {
        let ended = function.invoke(&request);
        assert!(ended.well, "{ended:?}");
    }
    clean("what was said", &function.stop());
    assert_eq!(secrets.asked(), 1, "once for each process");
    assert_eq!(events(&stage.state(), "WorkflowCompleted").len(), 1);
}
