//! What can be found out about an account without trading in it, in plain words with what to do.

use alchemiser_alpaca::{
    Failed,
    account::Account,
    keys::{Keys, KeysRefused},
};
use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    policy::Policy,
    quote::{Feed, Freshness, QuoteFault, RawQuote, Snapshot},
    reading::{SessionClock, TradeMode},
};
use alchemiser_driver::ports::{Broker, ReadError, Vault};
use jiff::Timestamp;
use serde::Serialize;

use crate::broker::Reached;

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// As it should be.
    Good,
    /// Trading is possible, but not as one may think.
    Warning,
    /// Trading is not possible.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) code: &'static str,
    /// What was found.
    pub(crate) said: String,
    /// What to do about it.
    pub(crate) mend: String,
}

pub(crate) fn good(check: &'static str, said: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Good, code: "OK", said: said.into(), mend: String::new() }
}

pub(crate) fn wrong(check: &'static str, code: &'static str, said: String, mend: &str) -> Finding {
    Finding { check, verdict: Verdict::Wrong, code, said, mend: mend.to_owned() }
}

fn warning(check: &'static str, code: &'static str, said: String, mend: &str) -> Finding {
    Finding { verdict: Verdict::Warning, ..wrong(check, code, said, mend) }
}

/// Keys that say of themselves that they are of the other kind.
fn key_kind(reached: &Reached) -> Option<Finding> {
    let is_paper = reached.alpaca.keys_are_paper()?;
    let (found, flag) = if is_paper { ("a paper", "paper") } else { ("a live", "live") };
    let fits = is_paper == (reached.mode != TradeMode::Live);
    let word = reached.mode.word();
    (!fits).then(|| {
        wrong(
            "keys",
            "KEYS_OTHER_ENVIRONMENT",
            format!("expected a key of the {word} account, found {found} key"),
            &format!("use --account {flag}, or make a {word} key in Alpaca's dashboard"),
        )
    })
}

/// Why the broker did not answer a question.
fn failure(check: &'static str, failed: &Failed, reached: &Reached) -> Finding {
    if failed.is_unauthorized() {
        return key_kind(reached).unwrap_or_else(|| {
            wrong(
                check,
                "KEYS_REFUSED",
                format!("expected a key that the broker knows, found: {failed}"),
                "check key and secret for typing errors, whether they are of this environment (paper keys begin with PK, live keys with AK), and whether they were made anew since",
            )
        });
    }
    if failed.status.is_none() {
        let (trading, data) =
            (&reached.alpaca.endpoints().trading, &reached.alpaca.endpoints().data);
        return wrong(
            check,
            "BROKER_UNREACHABLE",
            format!("expected an answer from {trading} and {data}, found: {failed}"),
            "check the network and the addresses (--endpoint, --data-endpoint), and Alpaca's status page",
        );
    }
    wrong(
        check,
        "BROKER_FAILED",
        format!("expected an answer, found: {failed}"),
        "try again in a minute; if it stays, send the request's id to Alpaca's support",
    )
}

/// The account is the one that is meant, and of the kind that is meant.
fn identity(account: &Account, reached: &Reached) -> Finding {
    let number = &account.number;
    match &reached.meant {
        Some(meant) if meant != number => wrong(
            "account",
            "ACCOUNT_DIFFERS",
            format!("expected account {meant}, found that the keys belong to {number}"),
            "use the keys of the account that is meant, or correct --account-id (ALCHEMISER_ACCOUNT)",
        ),
        None if reached.mode == TradeMode::Live => wrong(
            "account",
            "ACCOUNT_ID_MISSING",
            format!(
                "expected the number of the live account in --account-id, found none; the keys belong to {number}"
            ),
            "name it, so that other keys can never trade unnoticed",
        ),
        Some(_) | None if account.is_paper() && reached.mode == TradeMode::Live => wrong(
            "account",
            "MODE_DIFFERS",
            format!("expected a live account, found paper account {number}"),
            "use --account paper, or the keys of the live account",
        ),
        Some(_) | None => good(
            "account",
            format!(
                "{number} ({}), equity ${}, cash ${}",
                reached.mode.word(),
                account.equity,
                account.cash
            ),
        ),
    }
}

fn may_trade(account: &Account) -> Finding {
    if account.may_trade() {
        return good("trading", "the account is active and nothing blocks it");
    }
    let blocks = account.blocks.join(", ");
    wrong(
        "trading",
        "ACCOUNT_BLOCKED",
        format!(
            "expected an active account that nothing blocks, found status {}{}{blocks}",
            account.status,
            if blocks.is_empty() { "" } else { " with " }
        ),
        "look into Alpaca's dashboard: a suspension of your own is lifted in the account's configuration, a block by its support",
    )
}

fn shorting(account: &Account) -> Finding {
    if !account.shorting_enabled {
        return good("shorting", "short selling is off");
    }
    wrong(
        "shorting",
        "SHORTING_ENABLED",
        "expected an account that cannot sell short, found one that can".to_owned(),
        "switch it off in Alpaca's dashboard (Account, Configure), or with PATCH /v2/account/configurations {\"no_shorting\": true}",
    )
}

fn leverage(account: &Account) -> Vec<Finding> {
    let mut findings = Vec::new();
    if account.pattern_day_trader {
        let said = "the account is marked as a pattern day trader's".to_owned();
        findings.push(warning(
            "pattern",
            "PATTERN_DAY_TRADER",
            said,
            "orders may be refused; look into Alpaca's dashboard",
        ));
    }
    if account.cash < Money::ZERO {
        let said = format!("cash is ${}: nothing is bought", account.cash);
        findings.push(warning("money", "CASH_NEGATIVE", said, "pay in, or let a plan sell"));
    }
    findings
}

/// The broker's clock against ours, and the session.
fn clock(session: &SessionClock, now: Timestamp, policy: &Policy) -> Vec<Finding> {
    let skew = now.duration_since(session.at);
    let millis = skew.as_millis();
    let skewed = if skew.abs() <= policy.clock_skew_max {
        good("clock", format!("{millis} ms from the broker's"))
    } else {
        let most = policy.clock_skew_max.as_millis();
        wrong(
            "clock",
            "CLOCK_SKEW",
            format!(
                "expected at most {most} ms between this machine's clock and the broker's, found {millis} ms"
            ),
            "set the clock, and let NTP keep it (chronyd, systemd-timesyncd)",
        )
    };
    let open = if session.is_open {
        good("session", format!("open until {}", session.closes_at))
    } else {
        wrong(
            "session",
            "MARKET_CLOSED",
            format!(
                "expected an open market, found it closed; the next session ends at {}",
                session.closes_at
            ),
            "run the plan during the regular session (9:30 to 16:00 in New York)",
        )
    };
    vec![skewed, open]
}

/// Money, clock and identity: what must be in order before a plan is taken.
async fn account_and_clock(
    reached: &Reached,
    policy: &Policy,
) -> (Option<AccountId>, Vec<Finding>) {
    let mut findings: Vec<Finding> = key_kind(reached).into_iter().collect();
    if !findings.is_empty() {
        return (None, findings);
    }
    let account = match reached.alpaca.tell_account().await {
        Ok(account) => account,
        Err(failed) => return (None, vec![failure("keys", &failed, reached)]),
    };
    findings.push(good("keys", "the broker takes them"));
    findings.extend([identity(&account, reached), may_trade(&account), shorting(&account)]);
    findings.extend(leverage(&account));
    match reached.alpaca.tell_clock().await {
        Ok(session) => findings.extend(clock(&session, Timestamp::now(), policy)),
        Err(failed) => findings.push(failure("clock", &failed, reached)),
    }
    (Some(account.number), findings)
}

/// The symbols' assets.
async fn assets(reached: &Reached, symbols: &[Symbol]) -> Vec<Finding> {
    let read = reached.alpaca.assets(symbols).await;
    let mut findings: Vec<Finding> = Vec::new();
    for (symbol, asset) in &read.found {
        match asset {
            None => findings.push(warning(
                "assets",
                "SYMBOL_UNKNOWN",
                format!("the broker does not know {symbol}: its leg will be refused"),
                "correct the plan's symbol, or look it up at Alpaca",
            )),
            Some(asset) if !asset.tradable => findings.push(warning(
                "assets",
                "ASSET_NOT_TRADABLE",
                format!("{symbol} may not be traded at the broker: its leg will be refused"),
                "leave it out of the plan, or put it on no_trade_symbols",
            )),
            Some(_) => {}
        }
    }
    findings.extend(read.failed.into_iter().map(|ReadError(why)| {
        warning("assets", "ASSET_UNREADABLE", format!("an asset was not read: {why}"), "try again")
    }));
    if findings.is_empty() {
        findings.push(good("assets", format!("{} known and tradable", symbols.len())));
    }
    findings
}

/// Why there are no market data.
fn no_data(failed: &Failed, feed: Feed, reached: &Reached) -> Finding {
    if failed.is_unsubscribed() || (failed.status == Some(403) && !failed.is_unauthorized()) {
        return wrong(
            "feed",
            "DATA_NOT_SUBSCRIBED",
            format!("expected a data subscription with the {} feed, found: {failed}", feed.word()),
            "subscribe to Algo Trader Plus, or use --set feed=iex with --policy walk or cross (one venue's quotes)",
        );
    }
    failure("feed", failed, reached)
}

/// Why a quote is not traded on.
fn fault(
    quote: Option<&RawQuote>,
    policy: &Policy,
    moved: Option<Timestamp>,
) -> Option<QuoteFault> {
    let Some(quote) = quote else { return Some(QuoteFault::Missing) };
    let by = Freshness { now: quote.observed_at, market_moved_at: moved, policy };
    quote.usable(by).err()
}

async fn quotes(reached: &Reached, policy: &Policy, symbols: &[Symbol]) -> Vec<Finding> {
    let snapshots = match reached.alpaca.tell_snapshots(symbols).await {
        Ok(snapshots) => snapshots,
        Err(failed) => return vec![no_data(&failed, policy.feed, reached)],
    };
    let mut findings = vec![good("feed", format!("{} answers", policy.feed.word()))];
    let quote = |snapshot: &Snapshot| snapshot.quote;
    let moved = |of: &Symbol| {
        let others = snapshots.iter().filter(|(symbol, _)| *symbol != of);
        others.filter_map(|(_, other)| quote(other)).map(|quote| quote.changed_at).max()
    };
    for symbol in symbols {
        let found = snapshots.get(symbol);
        let seen = found.and_then(quote);
        if let Some(fault) = fault(seen.as_ref(), policy, moved(symbol)) {
            let said = format!("{symbol} has no quote to trade on now: {}", fault.code());
            findings.push(warning("quotes", "QUOTE_NOT_USABLE", said, "outside the session this is usual; inside it the leg waits, and is refused in the end"));
        } else if found.is_none_or(|snapshot| snapshot.previous_close.is_none()) {
            let said = format!("{symbol} has no previous close, against which prices are judged");
            findings.push(warning("quotes", "NO_PREVIOUS_CLOSE", said, "its leg waits for one"));
        }
    }
    if findings.len() == 1 {
        findings.push(good("quotes", format!("{} usable", symbols.len())));
    }
    findings
}

/// Whether a secret holds keys.
pub(crate) async fn secret(vault: &dyn Vault) -> Finding {
    let mend = "name the secret by its ARN, with credentials that may read it; write it as docs/deploy.md says";
    let read = vault.read().await.map_err(KeysRefused::from);
    match read.and_then(|text| Keys::of_secret(&text)) {
        Ok(_) => good("secret", "it holds both keys"),
        Err(why) => wrong("secret", why.code(), why.to_string(), mend),
    }
}

/// What the owner of the account has set there.
async fn permissions(reached: &Reached) -> Vec<Finding> {
    let settings = match reached.alpaca.tell_configuration().await {
        Ok(settings) => settings,
        Err(failed) => return vec![failure("permissions", &failed, reached)],
    };
    let is = |name: &str, value: &str| settings.get(name).is_some_and(|found| found == value);
    let mut findings = Vec::new();
    if is("fractional_trading", "false") {
        let said = "trading in parts of a share is off".to_owned();
        findings.push(warning("permissions", "FRACTIONS_OFF", said, "orders with fractions will be refused; switch fractional_trading on in the account's configuration"));
    }
    if !is("no_shorting", "true") {
        let said = "the account's configuration does not forbid short selling".to_owned();
        findings.push(warning(
            "permissions",
            "SHORTING_NOT_FORBIDDEN",
            said,
            "set no_shorting to true there",
        ));
    }
    if !is("max_margin_multiplier", "1") {
        let said = "the account may borrow; plans never use more than its cash".to_owned();
        findings.push(warning("permissions", "MARGIN_ALLOWED", said, "set max_margin_multiplier to 1 in the account's configuration, so that the broker keeps to it, too"));
    }
    if findings.is_empty() {
        findings.push(good("permissions", "fractions on, no shorting, no borrowing"));
    }
    findings
}

/// Before a plan is traded: whatever stops it, and what its legs will meet.
pub(crate) async fn before_trading(
    reached: &Reached,
    policy: &Policy,
    symbols: &[Symbol],
) -> (Option<AccountId>, Vec<Finding>) {
    let (number, mut findings) = account_and_clock(reached, policy).await;
    let stops = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    if !stops && !symbols.is_empty() {
        findings.extend(assets(reached, symbols).await);
        findings.extend(quotes(reached, policy, symbols).await);
    }
    (number, findings)
}

/// Everything that can be found out.
pub(crate) async fn everything(
    reached: &Reached,
    policy: &Policy,
    symbols: &[Symbol],
) -> Vec<Finding> {
    let (number, mut findings) = account_and_clock(reached, policy).await;
    if number.is_some() {
        findings.extend(permissions(reached).await);
        findings.extend(assets(reached, symbols).await);
        findings.extend(quotes(reached, policy, symbols).await);
    }
    findings
}
