//! Account, positions, assets and clock.

use alchemiser_core::reading::{AccountReading, TradeMode};
use alchemiser_driver::ports::Broker;

use crate::{
    given::{Desk, at, symbol},
    server::{Answer, say},
};

fn account_body(name: &str, value: &str) -> String {
    let fields = [
        ("account_number", "\"PA000000001\""),
        ("status", "\"ACTIVE\""),
        ("trading_blocked", "false"),
        ("account_blocked", "false"),
        ("trade_suspended_by_user", "false"),
        ("shorting_enabled", "false"),
        ("cash", "\"-12.50\""),
        ("buying_power", "\"0\""),
        ("non_marginable_buying_power", "\"0\""),
        ("equity", "\"1000.123456789\""),
        ("multiplier", "\"1\""),
    ];
    let kept = fields.iter().filter(|(known, _)| *known != name).copied();
    let all: Vec<String> = kept
        .chain((!value.is_empty()).then_some((name, value)))
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", all.join(","))
}

fn account(name: &str, value: &str) -> Option<AccountReading> {
    at(&[say(200, &account_body(name, value))], async |desk: &Desk| {
        desk.alpaca.account().await.ok()
    })
}

/// L7, S12: what the account says; what it does not say counts against it.
#[test]
fn an_account_is_read_with_care() {
    let plain = account("x", "null").unwrap();
    assert!(plain.may_trade && !plain.shorting_enabled);
    assert_eq!(plain.cash.amount().to_string(), "-12.50");
    assert_eq!(plain.equity.amount().to_string(), "1000.123456789");
    assert_eq!(plain.mode, TradeMode::Paper);
    for name in ["trading_blocked", "account_blocked", "trade_suspended_by_user"] {
        for value in ["true", "null", ""] {
            assert!(!account(name, value).unwrap().may_trade, "{name} {value}");
        }
    }
    assert!(!account("status", "\"ACCOUNT_CLOSED\"").unwrap().may_trade);
    assert!(account("shorting_enabled", "").unwrap().shorting_enabled);
    assert_eq!(account("status", ""), None);
    assert_eq!(account("cash", ""), None);
    assert_eq!(account("buying_power", ""), None);
    assert_eq!(account("equity", "\"much\""), None);
}

/// L5: positions to the last digit; a short one cannot be told and stops everything.
#[test]
fn positions_are_exact() {
    let check = |list: &str, expected: Option<&str>| {
        let found = at(&[say(200, list)], async |desk: &Desk| desk.alpaca.positions().await);
        let said = found.ok().map(|found| {
            let each = found.iter().map(|p| format!("{} {}/{}", p.symbol, p.available, p.quantity));
            each.collect::<Vec<_>>().join(", ")
        });
        assert_eq!(said.as_deref(), expected, "{list}");
    };
    check("[]", Some(""));
    check(
        r#"[{"symbol":"X","qty":"7.2273576","qty_available":"7.2273575","side":"long"},{"symbol":"BTC/USD","qty":"1","qty_available":"1"}]"#,
        Some("X 7.2273575/7.2273576"),
    );
    check(r#"[{"symbol":"X","qty":"-1","qty_available":"-1","side":"short"}]"#, None);
    check(r#"[{"symbol":"X","qty":"1"}]"#, None);
    check(r#"{"message":"no"}"#, None);
}

fn asset_body(name: &str, more: &str) -> String {
    format!(
        r#"{{"symbol":"{name}","status":"active","tradable":true,"fractionable":true,"attributes":["has_options"]{more}}}"#
    )
}

/// X15: an asset may be traded if it is active, tradable and no partnership taxed at the source.
#[test]
fn an_asset_is_tradable_or_not() {
    let check = |body: &str, expected: Option<(bool, bool)>| {
        let answer = say(if body.is_empty() { 404 } else { 200 }, body);
        let found = at(&[answer], async |desk: &Desk| desk.alpaca.asset(&symbol("X")).await);
        let said = found.ok().flatten().map(|asset| (asset.tradable, asset.fractionable));
        assert_eq!(said, expected, "{body}");
    };
    let with = |status: &str, tradable: bool, more: &str| {
        format!(r#"{{"symbol":"X","status":"{status}","tradable":{tradable}{more}}}"#)
    };
    check(&asset_body("X", ""), Some((true, true)));
    check(&with("active", true, ""), Some((true, false)));
    check(&with("inactive", true, ""), Some((false, false)));
    check(&with("active", false, ""), Some((false, false)));
    check(&with("active", true, r#","attributes":["ptp_no_exception"]"#), Some((false, false)));
    check(&asset_body("Y", ""), None);
    check("", None);
}

/// S14: assets are read once a day; many of them in one call.
#[test]
fn assets_are_read_once_a_day() {
    let one = say(200, &asset_body("X", ""));
    let gone = say(404, r#"{"code":40410000,"message":"asset not found for GONE"}"#);
    at(&[one.clone(), gone, one], async |desk: &Desk| {
        let both = ["X", "GONE"].map(symbol);
        let calls = desk.alpaca.assets(&both).await;
        assert_eq!((calls.calls, calls.found.len(), calls.failed.len()), (2, 2, 0));
        assert_eq!(calls.found[1].1, None);
        assert_eq!(desk.alpaca.assets(&both).await.calls, 0);
        desk.clock.pass(24 * 3_600_000);
        desk.alpaca.asset(&symbol("X")).await.unwrap();
        assert_eq!(desk.server.asked().len(), 3);
    });
    let names: Vec<String> = (0..500).map(|k| format!("S{k}")).collect();
    let list: Vec<String> = names.iter().skip(1).map(|name| asset_body(name, "")).collect();
    at(&[say(200, &format!("[{}]", list.join(",")))], async |desk: &Desk| {
        let symbols: Vec<_> = names.iter().map(|name| symbol(name)).collect();
        let read = desk.alpaca.assets(&symbols).await;
        assert_eq!((read.calls, read.found.len()), (1, 500));
        assert_eq!(read.found.iter().filter(|(_, asset)| asset.is_none()).count(), 1);
        let asked = desk.server.asked();
        assert_eq!(asked[0].line, "GET /v2/assets?status=active&asset_class=us_equity");
    });
}

/// S9: an asset that could not be read is neither there nor not there.
#[test]
fn an_asset_that_was_not_read_is_asked_for_again() {
    let answers = [say(500, ""), say(200, &asset_body("X", ""))];
    at(&answers, async |desk: &Desk| {
        let first = desk.alpaca.assets(&[symbol("X")]).await;
        assert_eq!((first.found.len(), first.failed.len()), (0, 1));
        assert!(desk.alpaca.asset(&symbol("X")).await.unwrap().is_some());
    });
}

#[test]
fn a_clock_is_read() {
    let body = r#"{"timestamp":"2026-01-26T10:00:00.25-05:00","is_open":true,"next_open":"2026-01-27T09:30:00-05:00","next_close":"2026-01-26T16:00:00-05:00"}"#;
    at(&[say(200, body), Answer::Break], async |desk: &Desk| {
        let clock = desk.alpaca.clock().await.unwrap();
        assert_eq!(clock.at.to_string(), "2026-01-26T15:00:00.25Z");
        assert_eq!(clock.opened_at.to_string(), "2026-01-26T14:30:00Z");
        assert!(desk.alpaca.clock().await.is_err());
    });
}
