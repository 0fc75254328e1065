//! How the cloud is run.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::fault::Script;

/// How the cloud is run.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The twelve digits of the account in envelopes and ARNs.
    pub account: String,
    /// The region in envelopes and ARNs.
    pub region: String,
    /// Waits, ages and schedules are divided by it; functions' timeouts are not.
    pub pace: i32,
    /// Timeouts other than the template's, by the function's name.
    pub timeouts: BTreeMap<String, SignedDuration>,
    /// What goes wrong.
    pub faults: Script,
}

impl Manner {
    /// As deployed, with nothing going wrong.
    pub fn deployed() -> Self {
        Self {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            pace: 1,
            timeouts: BTreeMap::new(),
            faults: Script::default(),
        }
    }
}
