//! Every JSON answer against the broker's own `OpenAPI` files, and the places where its recorded traffic differs from them.

use std::{collections::BTreeSet, fs, path::Path};

use alchemiser_exchange::call::Call;
use serde_json::{Value, json};

use crate::desk::{Desk, order};

/// Where what was recorded of the broker (or what its documentation says elsewhere) is not what the schema says: the
/// place, and what we answer there.
const DIFFERENCES: [(&str, &str); 1] = [(
    "GET /v2/account/activities/{activity_type} 200 /*",
    "the schema wants one of two kinds of activity, and every fill is also valid as the other kind",
)];

/// Fields that were recorded of the broker, and that the schema does not know.
const RECORDED_ONLY: [(&str, &str); 4] = [
    ("GET /v2/orders", "source subtag"),
    ("GET /v2/orders:by_client_order_id", "source subtag"),
    (
        "GET /v2/account",
        "admin_configurations crypto_tier effective_buying_power position_market_value user_configurations",
    ),
    ("DELETE /v2/orders", "body"),
];

/// Fields that the schema knows, and that the broker was recorded without.
const SCHEMA_ONLY: [(&str, &str); 5] = [
    ("GET /v2/orders", "ratio_qty"),
    ("GET /v2/orders:by_client_order_id", "ratio_qty"),
    (
        "GET /v2/account",
        "daytrade_count daytrading_buying_power pattern_day_trader pending_transfer_in pending_transfer_out",
    ),
    ("GET /v2/positions", "avg_entry_swap_rate prev_swap_rate swap_rate usd"),
    ("GET /v2/assets", "cusip min_order_size min_trade_increment price_increment"),
];

/// A schema of `OpenAPI` 3.0 as JSON Schema: what is nullable may be null.
fn with_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(with_null),
        Value::Object(object) => {
            object.values_mut().for_each(with_null);
            if object.remove("nullable") == Some(Value::Bool(true)) {
                let inner = std::mem::take(object);
                object.insert("anyOf".to_owned(), json!([Value::Object(inner), {"type": "null"}]));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Schemas {
    documents: Vec<Value>,
    found: BTreeSet<(String, String)>,
    checked: usize,
}

impl Schemas {
    /// `None` where they are absent.
    fn read() -> Option<Self> {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
        let read = |name: &str| {
            let text =
                fs::read_to_string(shared.join(format!("alpaca-{name}-openapi.json"))).ok()?;
            let mut document: Value = serde_json::from_str(&text).ok()?;
            with_null(&mut document["components"]);
            Some(document)
        };
        let documents = vec![read("trading")?, read("market-data")?];
        Some(Self { documents, found: BTreeSet::new(), checked: 0 })
    }

    /// Compares an answer with the schema of a path and a status.
    fn check(&mut self, method: &str, path: &str, (status, body): &(u16, Value)) {
        let status = status.to_string();
        let pick = |document: &Value| {
            let content =
                &document["paths"][path][method.to_lowercase()]["responses"][&status]["content"];
            let schema = content["application/json"]["schema"].clone();
            (!schema.is_null()).then(|| (schema, document["components"].clone()))
        };
        let (mut schema, components) = self
            .documents
            .iter()
            .find_map(pick)
            .unwrap_or_else(|| panic!("no schema of {method} {path} {status}"));
        with_null(&mut schema);
        let schema = json!({ "allOf": [schema], "components": components });
        let validator = jsonschema::draft7::new(&schema).unwrap();
        self.checked += 1;
        for error in validator.iter_errors(body) {
            let place = error.instance_path().to_string();
            let place: String = place
                .split('/')
                .map(|part| if part.parse::<usize>().is_ok() { "*" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            self.found.insert((format!("{method} {path} {status} {place}"), error.to_string()));
        }
    }
}

/// The properties of a schema, its references and its parts resolved.
fn properties(schema: &Value, document: &Value) -> BTreeSet<String> {
    let named = |schema: &Value| {
        let path = schema["$ref"].as_str()?.strip_prefix('#')?;
        document.pointer(path).cloned()
    };
    let schema = named(schema).unwrap_or_else(|| schema.clone());
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let parts = ["allOf", "anyOf", "oneOf"].map(|word| schema[word].as_array().cloned());
    let parts = parts.into_iter().flatten().flatten();
    let items = Some(schema["items"].clone()).filter(|items| !items.is_null());
    let inner = parts.chain(items).flat_map(|part| properties(&part, document));
    own.chain(inner).collect()
}

/// The fields of an answer, or of the elements of a list.
fn fields(body: &Value) -> BTreeSet<String> {
    let objects = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    objects.iter().flat_map(|object| object.as_object().unwrap().keys().cloned()).collect()
}

/// The fields of trading answers differ from the schemas' exactly where they were recorded to.
#[test]
fn fields_differ_from_the_schemas_where_they_were_recorded_to() {
    let Some(schemas) = Schemas::read() else {
        eprintln!("skipped: ../shared absent");
        return;
    };
    let document = &schemas.documents[0];
    let words = |words: BTreeSet<String>| words.into_iter().collect::<Vec<_>>().join(" ");
    let listed = |list: &[(&str, &'static str)], place: &str| {
        list.iter().find(|(known, _)| *known == place).map_or("", |(_, fields)| *fields)
    };
    let wanted = [
        "GET /v2/orders",
        "GET /v2/orders:by_client_order_id",
        "GET /v2/account",
        "GET /v2/positions",
        "GET /v2/assets",
        "DELETE /v2/orders",
    ];
    let mut checked = 0;
    for (method, path, (status, body)) in answers(&mut Desk::new()) {
        let place = format!("{method} {path}");
        if !wanted.contains(&place.as_str()) {
            continue;
        }
        let responses = &document["paths"][path][method.to_lowercase()]["responses"];
        let content = &responses[status.to_string()]["content"]["application/json"];
        let (told, known) = (fields(&body), properties(&content["schema"], document));
        let (more, less) = (words(&told - &known), words(&known - &told));
        assert_eq!(more, listed(&RECORDED_ONLY, &place), "{place} says more");
        assert_eq!(less, listed(&SCHEMA_ONLY, &place), "{place} says less");
        checked += 1;
    }
    assert_eq!(checked, wanted.len());
}

/// All answers that have a schema.
fn answers(desk: &mut Desk) -> Vec<(&'static str, &'static str, (u16, Value))> {
    let mut all = Vec::new();
    let filled = desk.send("POST", "/v2/orders", &order("filled", "buy 10 AAPL market"));
    all.push(("POST", "/v2/orders", filled));
    all.push((
        "POST",
        "/v2/orders",
        desk.send("POST", "/v2/orders", &order("n", "buy $50.5 MSFT market")),
    ));
    desk.advance(500);
    let open = desk.send("POST", "/v2/orders", &order("open", "buy 10 AAPL limit 99.5"));
    let id = open.1["id"].as_str().unwrap().to_owned();
    all.push(("POST", "/v2/orders", open));
    desk.advance(500);
    all.push(("GET", "/v2/orders/{order_id}", desk.get(&format!("/v2/orders/{id}"))));
    let path = "/v2/orders:by_client_order_id";
    all.push(("GET", path, desk.get(&format!("{path}?client_order_id=filled"))));
    let change = json!({"limit_price": "99.4"});
    all.push((
        "PATCH",
        "/v2/orders/{order_id}",
        desk.send("PATCH", &format!("/v2/orders/{id}"), &change),
    ));
    desk.advance(500);
    all.push(("GET", "/v2/orders", desk.get("/v2/orders?status=all")));
    for path in
        ["/v2/positions", "/v2/account", "/v2/account/configurations", "/v2/assets", "/v2/clock"]
    {
        all.push(("GET", path, desk.get(path)));
    }
    all.push((
        "PATCH",
        "/v2/account/configurations",
        desk.send("PATCH", "/v2/account/configurations", &json!({})),
    ));
    all.push(("GET", "/v2/positions/{symbol_or_asset_id}", desk.get("/v2/positions/AAPL")));
    all.push(("GET", "/v2/assets/{symbol_or_asset_id}", desk.get("/v2/assets/AAPL")));
    let calendar = desk.get("/v2/calendar?start=2026-11-16&end=2026-11-30");
    all.push(("GET", "/v2/calendar", calendar));
    all.push(("GET", "/v2/account/activities", desk.get("/v2/account/activities")));
    all.push((
        "GET",
        "/v2/account/activities/{activity_type}",
        desk.get("/v2/account/activities/FILL"),
    ));
    desk.control("trade", &json!({"symbol": "AAPL", "price": "100.02"}));
    for subject in ["quotes/latest", "trades/latest", "bars/latest", "snapshots", "bars"] {
        let (status, body) =
            desk.get(&format!("/v2/stocks/{subject}?symbols=AAPL,MSFT&timeframe=1Day"));
        let path: &'static str = format!("/v2/stocks/{subject}").leak();
        all.push(("GET", path, (status, body)));
    }
    for subject in ["quotes/latest", "trades/latest", "bars/latest", "snapshot", "bars"] {
        let (status, body) = desk.get(&format!("/v2/stocks/AAPL/{subject}?timeframe=1Min"));
        let path: &'static str = format!("/v2/stocks/{{symbol}}/{subject}").leak();
        all.push(("GET", path, (status, body)));
    }
    let canceled = desk.answer(&Call::new("DELETE", "/v2/orders"));
    all.push(("DELETE", "/v2/orders", (canceled.status, canceled.body)));
    desk.advance(500);
    let one = desk.answer(&Call::new("DELETE", "/v2/positions/AAPL?qty=1"));
    all.push(("DELETE", "/v2/positions/{symbol_or_asset_id}", (one.status, one.body)));
    desk.advance(500);
    let closed = desk.answer(&Call::new("DELETE", "/v2/positions?cancel_orders=true"));
    all.push(("DELETE", "/v2/positions", (closed.status, closed.body)));
    all
}

#[test]
fn every_answer_is_what_the_brokers_schemas_say() {
    let Some(mut schemas) = Schemas::read() else {
        eprintln!("skipped: ../shared absent");
        return;
    };
    for (method, path, answer) in answers(&mut Desk::new()) {
        schemas.check(method, path, &answer);
    }
    assert!(schemas.checked > 25, "{}", schemas.checked);
    let known = |place: &str| DIFFERENCES.iter().any(|(known, _)| *known == place);
    let unknown: Vec<String> = schemas
        .found
        .iter()
        .filter(|(place, _)| !known(place))
        .map(|(place, error)| format!("{place}: {error}"))
        .collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    for (place, _) in DIFFERENCES {
        assert!(
            schemas.found.iter().any(|(found, _)| found == place),
            "{place} is no difference any more"
        );
    }
}
