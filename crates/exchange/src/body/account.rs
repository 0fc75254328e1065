//! The account, its positions, assets, clock and calendar.

use alchemiser_core::{ids::Symbol, money::Money};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::shares;
use crate::{
    account::{Account, Configuration},
    hours::Calendar,
    setup::Listed,
    venue::{Venue, asset_id},
};

/// An account, its cash as it was so long ago.
pub fn account(venue: &Venue, account: &Account, lag: SignedDuration) -> Value {
    let as_of = venue.now().saturating_sub(lag).unwrap_or(venue.now());
    let cash = if lag.is_zero() { account.cash } else { account.cash_at(as_of) };
    let value = venue.market_value(account);
    let multiplier = account.configuration.max_margin_multiplier;
    let power = |times: u32| venue.buying_power(account, cash, times).to_string();
    let unsettled = venue.unsettled(account, as_of);
    let settled =
        venue.buying_power(account, cash, 1).minus(unsettled).max(Money::ZERO).to_string();
    let equity = cash.plus(value);
    let last_equity = account.cash_at(account.created_at).plus(value);
    let margin = |thousandths: i64| value.scaled(Decimal::new(thousandths, 3)).to_string();
    let buying_power = power(multiplier);
    json!({
        "id": account.id.to_string(),
        "admin_configurations": {},
        "user_configurations": null,
        "account_number": account.number,
        "status": if account.opening.blocked { "ACCOUNT_CLOSED" } else { "ACTIVE" },
        "crypto_status": "INACTIVE",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "currency": "USD",
        "buying_power": buying_power,
        "regt_buying_power": power(multiplier.min(2)),
        "effective_buying_power": buying_power,
        "non_marginable_buying_power": settled,
        "options_buying_power": settled,
        "cash": cash.to_string(),
        "accrued_fees": "0",
        "portfolio_value": equity.to_string(),
        "trading_blocked": account.opening.blocked,
        "transfers_blocked": false,
        "account_blocked": account.opening.blocked,
        "created_at": account.created_at.to_string(),
        "trade_suspended_by_user": account.configuration.suspend_trade,
        "multiplier": multiplier.to_string(),
        "shorting_enabled": !account.configuration.no_shorting,
        "equity": equity.to_string(),
        "last_equity": last_equity.to_string(),
        "long_market_value": value.to_string(),
        "short_market_value": "0",
        "position_market_value": value.to_string(),
        "initial_margin": margin(500),
        "maintenance_margin": margin(300),
        "last_maintenance_margin": "0",
        "sma": "0",
        "balance_asof": Calendar::trading_day_before(venue.calendar().date_at(as_of)).to_string(),
        "crypto_tier": 0,
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
    })
}

/// What the owner of an account has set.
pub fn configuration(configuration: &Configuration) -> Value {
    json!({
        "dtbp_check": "entry",
        "fractional_trading": configuration.fractional_trading,
        "max_margin_multiplier": configuration.max_margin_multiplier.to_string(),
        "max_options_trading_level": 0,
        "no_shorting": configuration.no_shorting,
        "pdt_check": "entry",
        "suspend_trade": configuration.suspend_trade,
        "trade_confirm_email": configuration.trade_confirm_email,
        "ptp_no_exception_entry": configuration.ptp_no_exception_entry,
        "disable_overnight_trading": configuration.disable_overnight_trading,
    })
}

/// A part of a whole, to six decimals.
fn ratio(part: Money, whole: Money) -> String {
    let ratio = part.ratio_to(whole).unwrap_or_default();
    ratio.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven).normalize().to_string()
}

/// What an account holds of a symbol; `None` if that is nothing.
pub fn position(venue: &Venue, account: &Account, symbol: &Symbol) -> Option<Value> {
    let holding = account.holding(symbol);
    let floor = venue.floor(symbol)?;
    if holding.quantity.is_zero() {
        return None;
    }
    let (price, close) = (floor.mark(), floor.listing().previous_close);
    let value = price.times(holding.quantity);
    let gain = value.minus(holding.cost);
    let lastday = close.times(holding.overnight.min(holding.quantity));
    let intraday = price.times(holding.overnight.min(holding.quantity)).minus(lastday);
    let average = holding.cost.amount().checked_div(holding.quantity.shares()).unwrap_or_default();
    let change = Money::new(price.dollars()).minus(Money::new(close.dollars()));
    Some(json!({
        "asset_id": asset_id(symbol).to_string(),
        "symbol": symbol.as_str(),
        "exchange": exchange_of(symbol),
        "asset_class": "us_equity",
        "asset_marginable": true,
        "qty": shares(holding.quantity),
        "qty_available": shares(account.available(symbol)),
        "avg_entry_price": average.round_dp(9).normalize().to_string(),
        "side": "long",
        "market_value": value.to_string(),
        "cost_basis": holding.cost.to_string(),
        "unrealized_pl": gain.to_string(),
        "unrealized_plpc": ratio(gain, holding.cost),
        "unrealized_intraday_pl": intraday.to_string(),
        "unrealized_intraday_plpc": ratio(intraday, lastday),
        "current_price": price.to_string(),
        "lastday_price": close.to_string(),
        "change_today": ratio(change, Money::new(close.dollars())),
    }))
}

/// Where a symbol is listed: drawn from its name.
fn exchange_of(symbol: &Symbol) -> &'static str {
    let sum = symbol.as_str().bytes().fold(0_u32, |sum, byte| sum + u32::from(byte));
    ["NASDAQ", "NYSE", "ARCA"][(sum % 3) as usize]
}

/// A symbol as it is listed.
pub fn asset(listed: &Listed) -> Value {
    let symbol = &listed.listing.symbol;
    let fractionable = listed.listing.fractionable;
    let attributes: &[&str] =
        if fractionable { &["fractional_eh_enabled", "has_options"] } else { &[] };
    json!({
        "id": asset_id(symbol).to_string(),
        "class": "us_equity",
        "exchange": exchange_of(symbol),
        "symbol": symbol.as_str(),
        "name": format!("{symbol} (simulated)"),
        "status": if listed.active { "active" } else { "inactive" },
        "tradable": listed.tradable,
        "marginable": true,
        "shortable": false,
        "easy_to_borrow": false,
        "borrow_status": "hard_to_borrow",
        "fractionable": fractionable,
        "margin_requirement_long": "30",
        "margin_requirement_short": "100",
        "maintenance_margin_requirement": 30,
        "attributes": attributes,
    })
}

/// A time as the clock tells it, in New York.
fn local(calendar: &Calendar, at: Timestamp) -> Value {
    let offset = calendar.zone().to_offset(at);
    at.display_with_offset(offset).to_string().into()
}

/// The market's clock.
pub fn clock(venue: &Venue) -> Value {
    let (calendar, now) = (venue.calendar(), venue.now());
    let session = calendar.session_at(now);
    let is_open = calendar.is_open(now);
    let next = if is_open { calendar.session_after(session) } else { session };
    json!({
        "timestamp": local(calendar, now),
        "is_open": is_open,
        "next_open": local(calendar, next.opens),
        "next_close": local(calendar, session.closes),
    })
}

/// The sessions from one date to another, both included.
pub fn calendar(calendar: &Calendar, from: Date, to: Date) -> Value {
    let mut days = Vec::new();
    let mut day = from;
    while day <= to {
        if let Some((opens, closes)) = calendar.hours_on(day) {
            days.push(json!({
                "date": day.to_string(),
                "open": opens.strftime("%H:%M").to_string(),
                "close": closes.strftime("%H:%M").to_string(),
                "session_open": "0400",
                "session_close": if closes.hour() == 13 { "1700" } else { "2000" },
                "settlement_date": Calendar::settles_on(day).to_string(),
            }));
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    days.into()
}

/// What a list of results says of one of them: its name, the HTTP status and the body.
pub fn multi_status((name, id): (&str, &str), status: u16, body: &Value) -> Value {
    json!({ name: id, "status": status, "body": body })
}
