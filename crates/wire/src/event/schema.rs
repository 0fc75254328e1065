//! JSON Schemas of what crosses the bus, made from the types that write and read it.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::Value;

use super::{
    CompletedDetail, Executed, Failed, Started, Whole,
    settled::{BulkSettled, OrderSettled, PhaseCompleted},
};

/// The schema of each event's detail by its detail-type, in the order in which a plan brings them.
///
/// ```
/// let schemas = alchemiser_wire::event::schemas();
/// assert_eq!(schemas[0].0, "RebalancePlanned");
/// assert!(schemas.iter().all(|(_, schema)| schema["required"].is_array()));
/// ```
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        (crate::plan::DETAIL_TYPE, read::<crate::plan::Detail<'_>>()),
        (crate::request::DETAIL_TYPE, written::<crate::request::Detail>()),
        ("TradeExecutionStarted", written::<Whole<Started>>()),
        ("OrderSettlementCompleted", written::<Whole<OrderSettled>>()),
        ("ExecutionPhaseCompleted", written::<Whole<PhaseCompleted>>()),
        ("BulkSettlementCompleted", written::<Whole<BulkSettled>>()),
        ("TradeExecuted", written::<Whole<Executed<'_>>>()),
        ("WorkflowCompleted", written::<Whole<CompletedDetail>>()),
        ("WorkflowFailed", written::<Whole<Failed>>()),
    ]
}

fn written<T: JsonSchema>() -> Value {
    finish(SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<T>())
}

fn read<T: JsonSchema>() -> Value {
    finish(SchemaSettings::default().for_deserialize().into_generator().into_root_schema_for::<T>())
}

/// The name of a Rust type says nothing to a reader of the schema.
fn finish(mut schema: Schema) -> Value {
    schema.remove("title");
    schema.to_value()
}
