//! What goes wrong, and when: by script, or drawn from a seed.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Where something goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// When an event of this type is delivered.
    Delivered(String),
    /// When a function of this name is invoked.
    Invoked(String),
    /// When an event of this type is published.
    Published(String),
    /// When a function of this name answers.
    Answered(String),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Blow {
    /// A delivery comes twice.
    Twice,
    /// A delivery never comes.
    Lost,
    /// A delivery comes so much later, so that others overtake it.
    Late {
        /// How much, in seconds.
        seconds: u32,
    },
    /// The target takes a delivery only after so many tries of the bus.
    Unreachable {
        /// How many.
        tries: u32,
    },
    /// The bus answers 200 and refuses the entry.
    Refused,
    /// The bus takes the entry, and the publisher never learns of it.
    Silent,
    /// The process is killed so long after it was given its event.
    Killed {
        /// How long, in milliseconds.
        after_ms: u32,
    },
    /// The process stands still, and goes on later.
    Frozen {
        /// How long after it was given its event, in milliseconds.
        after_ms: u32,
        /// For how long, in milliseconds.
        for_ms: u32,
    },
    /// Whoever publishes or answers is killed before that is taken.
    KilledBefore,
    /// Whoever publishes or answers is killed after that is taken, and learns nothing of it.
    KilledAfter,
    /// The function has only so much time, in milliseconds.
    Hurried {
        /// How much.
        within_ms: u32,
    },
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The type of the events that are delivered.
    #[serde(default)]
    pub delivered: Option<String>,
    /// The name of the function that is invoked.
    #[serde(default)]
    pub invoked: Option<String>,
    /// The type of the events that are published.
    #[serde(default)]
    pub published: Option<String>,
    /// The name of the function that answers.
    #[serde(default)]
    pub answered: Option<String>,
    /// Which time, from 1; each time when it is not said.
    #[serde(default)]
    pub nth: Option<u64>,
    /// What.
    pub blow: Blow,
}

impl Fault {
    fn always(blow: Blow) -> Self {
        let (delivered, invoked, published, answered) = (None, None, None, None);
        Self { delivered, invoked, published, answered, nth: None, blow }
    }
}

/// Everything that goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// One after the other; the first that fits is it.
    #[serde(default)]
    pub fault: Vec<Fault>,
    #[serde(skip)]
    seen: BTreeMap<On, u64>,
}

impl Script {
    /// One thing that goes wrong, the n-th time.
    #[must_use]
    pub fn with(mut self, on: On, nth: u64, blow: Blow) -> Self {
        let mut fault = Fault { nth: Some(nth), ..Fault::always(blow) };
        match on {
            On::Delivered(kind) => fault.delivered = Some(kind),
            On::Invoked(name) => fault.invoked = Some(name),
            On::Published(kind) => fault.published = Some(kind),
            On::Answered(name) => fault.answered = Some(name),
        }
        self.fault.push(fault);
        self
    }

    /// What goes wrong this time.
    pub fn strike(&mut self, on: &On) -> Option<Blow> {
        let count = self.seen.entry(on.clone()).or_default();
        *count = count.saturating_add(1);
        let count = *count;
        let fits = |fault: &&Fault| {
            let named = match on {
                On::Delivered(kind) => fault.delivered.as_ref() == Some(kind),
                On::Invoked(name) => fault.invoked.as_ref() == Some(name),
                On::Published(kind) => fault.published.as_ref() == Some(kind),
                On::Answered(name) => fault.answered.as_ref() == Some(name),
            };
            named && fault.nth.is_none_or(|nth| nth == count)
        };
        self.fault.iter().find(fits).map(|fault| fault.blow.clone())
    }
}
