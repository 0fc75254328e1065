//! One invocation of a function, over the production driver.

use std::sync::Arc;

use alchemiser_core::{account::Halt, ids::PlanId};
use alchemiser_driver::{
    accept::{Rules, accept},
    account,
    execute::{ExecuteError, execute},
    log::LogError,
    ports::{Desk, Floor, Untaped},
    settle::settle,
    sweep::sweep,
};
use alchemiser_wire::{incoming, plan::Accounts, request::Request};
use jiff::Timestamp;

use crate::{
    bus::{Delivery, Function},
    line::Line,
};

/// What came of an invocation, in words; a failure comes again.
pub(crate) type Ended = Result<String, String>;

fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs a function to its end.
pub(crate) async fn invoke(line: Line, delivery: Delivery, stop_at: Option<Timestamp>) -> Ended {
    let (policy, owner, account, age) = {
        let world = line.world();
        let owner = world.processes[line.process].owner.clone();
        (world.policy.clone(), owner, world.exchange.account.clone(), world.age)
    };
    let line = Arc::new(line);
    let desk = Desk { store: line.clone(), publisher: line.clone(), clock: line.clone(), owner };
    match delivery.function {
        Function::RebalancePlanned => {
            let accounts = Accounts { default: account };
            let rules = Rules { accounts, policy, age };
            let accepted = accept(&desk, &delivery.bytes, &rules).await.map_err(failed)?;
            Ok(format!("{accepted:?}"))
        }
        Function::TradeExecution => {
            let envelope = incoming::envelope(&delivery.bytes).map_err(failed)?;
            let request = Request::read(&envelope).map_err(failed)?;
            let floor = Floor {
                desk,
                broker: line.clone(),
                market: line.clone(),
                watcher: line,
                tape: Arc::new(Untaped),
            };
            let executed = execute(&floor, &request.account, &request.plan_id, &policy, stop_at);
            match Box::pin(executed).await {
                Ok(executed) => Ok(format!("{executed:?}")),
                // Somebody else owns the plan now, and goes on with it.
                Err(ExecuteError::Log(error @ LogError::Lost { .. })) => Ok(failed(error)),
                Err(error) => Err(failed(error)),
            }
        }
        Function::WorkflowOutcome => {
            let settled = settle(&desk.store, &delivery.bytes, &account, &policy).await;
            Ok(format!("{:?}", settled.map_err(failed)?.0))
        }
        Function::Sweeper => Ok(format!("{:?}", sweep(&desk, &policy).await.map_err(failed)?)),
        Function::Halt => {
            let halt = Halt::new("somebody", "a drill", desk.clock.now());
            let halt = account::halt(&desk, &account, halt).await.map_err(failed)?;
            Ok(format!("{halt:?}"))
        }
        Function::Resume => {
            let ended =
                account::resume(&desk, &account, ("somebody", "a drill")).await.map_err(failed)?;
            Ok(format!("{ended:?}"))
        }
        Function::Cancel => {
            let named = String::from_utf8_lossy(&delivery.bytes);
            let plan = PlanId::new(&named).map_err(failed)?;
            let who = Halt::new("somebody", "a drill", desk.clock.now());
            let canceled = account::cancel(&desk, &account, &plan, who).await.map_err(failed)?;
            Ok(format!("{canceled:?}"))
        }
    }
}
