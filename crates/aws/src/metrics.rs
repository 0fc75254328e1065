//! Metrics, as lines of the function's own log that CloudWatch reads (Embedded Metric Format): nothing is called, and
//! nothing is lost with the process.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

/// The namespace of all of them.
pub const NAMESPACE: &str = "Alchemiser";

/// The only dimension: one account is traded by one stack, and one stack has one stage.
pub const DIMENSION: &str = "Stage";

/// Values of one metric in one line, at most.
const VALUES_MAX: usize = 100;

/// Something that is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Plans that were claimed.
    PlansClaimed,
    /// Inputs that were refused.
    PlansRefused,
    /// Known plan ids that came with other content.
    PlanConflicts,
    /// Plans that ended in `WorkflowCompleted`.
    PlansCompleted,
    /// Plans that ended in `WorkflowFailed`.
    PlansFailed,
    /// Plans that are not over, once a minute.
    PlansOpen,
    /// Plans that nobody may go on with without a person, once a minute.
    PlansStuck,
    /// Legs that ended as they should.
    LegsDone,
    /// Legs that did not.
    LegsMissed,
    /// Orders that were sent.
    OrdersSent,
    /// Orders that can neither be found nor sent again.
    OrdersUnresolved,
    /// Owners whose lease was over before their plan was: another one was asked for.
    LeaseTakeovers,
    /// Executions that saw trading halted.
    TradingHalts,
    /// What each filled leg cost against the mid at its first order, in half-spreads.
    CostHalfSpreads,
    /// From a plan's receipt to its first order.
    FirstOrderMilliseconds,
    /// From a plan's receipt to its outcome.
    PlanMilliseconds,
    /// `PUT` and `LIST` requests of an invocation.
    StoreWrites,
    /// `GET` requests of an invocation.
    StoreReads,
    /// Messages of an invocation that were not dealt with.
    MessagesFailed,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::PlansClaimed,
        Self::PlansRefused,
        Self::PlanConflicts,
        Self::PlansCompleted,
        Self::PlansFailed,
        Self::PlansOpen,
        Self::PlansStuck,
        Self::LegsDone,
        Self::LegsMissed,
        Self::OrdersSent,
        Self::OrdersUnresolved,
        Self::LeaseTakeovers,
        Self::TradingHalts,
        Self::CostHalfSpreads,
        Self::FirstOrderMilliseconds,
        Self::PlanMilliseconds,
        Self::StoreWrites,
        Self::StoreReads,
        Self::MessagesFailed,
    ];

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlansClaimed => "PlansClaimed",
            Self::PlansRefused => "PlansRefused",
            Self::PlanConflicts => "PlanConflicts",
            Self::PlansCompleted => "PlansCompleted",
            Self::PlansFailed => "PlansFailed",
            Self::PlansOpen => "PlansOpen",
            Self::PlansStuck => "PlansStuck",
            Self::LegsDone => "LegsDone",
            Self::LegsMissed => "LegsMissed",
            Self::OrdersSent => "OrdersSent",
            Self::OrdersUnresolved => "OrdersUnresolved",
            Self::LeaseTakeovers => "LeaseTakeovers",
            Self::TradingHalts => "TradingHalts",
            Self::CostHalfSpreads => "CostHalfSpreads",
            Self::FirstOrderMilliseconds => "FirstOrderMilliseconds",
            Self::PlanMilliseconds => "PlanMilliseconds",
            Self::StoreWrites => "StoreWrites",
            Self::StoreReads => "StoreReads",
            Self::MessagesFailed => "MessagesFailed",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::CostHalfSpreads => "None",
            Self::FirstOrderMilliseconds | Self::PlanMilliseconds => "Milliseconds",
            Self::PlansClaimed
            | Self::PlansRefused
            | Self::PlanConflicts
            | Self::PlansCompleted
            | Self::PlansFailed
            | Self::PlansOpen
            | Self::PlansStuck
            | Self::LegsDone
            | Self::LegsMissed
            | Self::OrdersSent
            | Self::OrdersUnresolved
            | Self::LeaseTakeovers
            | Self::TradingHalts
            | Self::StoreWrites
            | Self::StoreReads
            | Self::MessagesFailed => "Count",
        }
    }
}

/// Values on their way to a line.
#[derive(Clone, Debug, Default)]
pub struct Measured(Vec<(Metric, Vec<Number>)>);

impl Measured {
    /// Nothing yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a count.
    #[must_use]
    pub fn with(mut self, metric: Metric, count: usize) -> Self {
        self.0.push((metric, vec![Number::from(count)]));
        self
    }

    /// Adds numbers as they are written; none is no metric.
    #[must_use]
    pub fn values(mut self, metric: Metric, values: impl IntoIterator<Item = String>) -> Self {
        let values = values.into_iter().filter_map(|text| text.parse().ok()).take(VALUES_MAX);
        let values: Vec<Number> = values.collect();
        if !values.is_empty() {
            self.0.push((metric, values));
        }
        self
    }
}

/// Where metrics go: a stage's, on standard output.
#[derive(Clone, Debug)]
pub struct Metrics {
    stage: String,
}

impl Metrics {
    /// The metrics of a stage.
    pub fn new(stage: &str) -> Self {
        Self { stage: stage.to_owned() }
    }

    /// Writes what was measured as one line. Standard output that is gone loses it, and nothing else.
    pub fn emit(&self, measured: &Measured, at: Timestamp) {
        if let Some(line) = self.line(measured, at) {
            drop(writeln!(std::io::stdout(), "{line}"));
        }
    }

    fn line(&self, measured: &Measured, at: Timestamp) -> Option<Value> {
        let (mut definitions, mut line) = (Vec::new(), Map::new());
        for (metric, values) in &measured.0 {
            definitions.push(json!({ "Name": metric.name(), "Unit": metric.unit() }));
            let value = match values.as_slice() {
                [one] => Value::Number(one.clone()),
                several => Value::from(several.to_vec()),
            };
            line.insert(metric.name().to_owned(), value);
        }
        if definitions.is_empty() {
            return None;
        }
        line.insert(DIMENSION.to_owned(), Value::from(self.stage.as_str()));
        let directive = json!({
            "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions,
        });
        let header = json!({ "Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive] });
        line.insert("_aws".to_owned(), header);
        Some(Value::Object(line))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_line_names_its_metrics_with_their_units() {
        let measured = Measured::none()
            .with(Metric::PlansClaimed, 1)
            .values(Metric::CostHalfSpreads, ["0.64".to_owned(), "-1".to_owned()])
            .values(Metric::PlanMilliseconds, []);
        let at = "2026-01-26T20:46:15.5Z".parse().unwrap();
        let line = Metrics::new("paper").line(&measured, at).unwrap();
        let expected = json!({
            "Stage": "paper", "PlansClaimed": 1, "CostHalfSpreads": [0.64, -1],
            "_aws": { "Timestamp": 1_769_460_375_500_i64, "CloudWatchMetrics": [{
                "Namespace": "Alchemiser", "Dimensions": [["Stage"]], "Metrics": [
                    { "Name": "PlansClaimed", "Unit": "Count" },
                    { "Name": "CostHalfSpreads", "Unit": "None" },
                ],
            }] },
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn nothing_measured_is_no_line() {
        assert_eq!(Metrics::new("paper").line(&Measured::none(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
