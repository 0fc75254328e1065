//! What a function is given, how that ends, and what else happens.

use jiff::SignedDuration;

use super::fault::Blow;

/// What a function is to be given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The request id.
    pub id: String,
    /// The function's logical id.
    pub function: String,
    /// The event, in JSON.
    pub payload: String,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// After this time it is killed.
    pub timeout: SignedDuration,
    /// What goes wrong with it.
    pub blow: Option<Blow>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer, in JSON.
    Answered(String),
    /// With an error, the function's own or the runtime's.
    Failed {
        /// Its type, e.g. `Sandbox.Timedout`.
        error_type: String,
        /// Its words.
        message: String,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An event was taken by the bus.
    Published {
        /// Its type.
        detail_type: String,
        /// Its source.
        source: String,
        /// Its detail, in JSON.
        detail: String,
    },
    /// A delivery was lost on the way.
    Lost {
        /// The event's type.
        detail_type: String,
    },
    /// A function was given an event.
    Started {
        /// The function's logical id.
        function: String,
        /// Which try it is.
        attempt: u32,
    },
    /// A function answered.
    Answered {
        /// The function's logical id.
        function: String,
        /// Its answer.
        answer: String,
    },
    /// A function failed.
    Failed {
        /// The function's logical id.
        function: String,
        /// Why.
        error_type: String,
    },
    /// Something was given up.
    DeadLetter {
        /// The logical id of the queue it is in now.
        queue: String,
    },
}
