//! Running a model: to its last state, or to the breach that a planted fault leads to.

use std::{fmt::Debug, hash::Hash, time::Instant};

use stateright::{Checker, Model, Property};

/// Visits every state: every "always" holds, every "sometimes" was seen. Prints how many states that were.
pub(crate) fn exhaust<M>(name: &str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let begun = Instant::now();
    let checker = model.checker().spawn_bfs().join();
    println!(
        "{name}: {} unique states of {} generated, at most {} steps deep, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    assert!(checker.is_done(), "{name}: not every state was visited");
    checker.assert_properties();
}

/// The fault leads to a breach of the invariant, the shortest path to it is so many steps long. Prints the path.
pub(crate) fn falsify<M>(fault: impl Debug, model: M, (invariant, steps): (&'static str, usize))
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let known = model.properties().into_iter().find(|property| property.name == invariant);
    let property = known.unwrap_or_else(|| panic!("{invariant:?} is no property of the model"));
    let checker = One { model, property }.checker().spawn_bfs().join();
    let path = checker.discovery(invariant);
    let path = path.unwrap_or_else(|| panic!("{fault:?} does not break {invariant:?}"));
    let actions = path.into_actions();
    println!("| {fault:?} | {invariant} | {} |", actions.len());
    for action in &actions {
        println!("    {action:?}");
    }
    assert_eq!(actions.len(), steps, "{fault:?}: the shortest path to a breach of {invariant:?}");
}

/// A model with one of its properties: the checker stops at the first state that decides it. With several it goes on,
/// and then names the last path that it found instead of the shortest.
struct One<M: Model> {
    model: M,
    property: Property<M>,
}

impl<M: Model> Model for One<M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        self.model.actions(state, actions);
    }

    fn next_state(&self, state: &M::State, action: M::Action) -> Option<M::State> {
        self.model.next_state(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let Property { expectation, name, .. } = self.property.clone();
        let condition = |one: &Self, state: &M::State| (one.property.condition)(&one.model, state);
        vec![Property { expectation, name, condition }]
    }
}
