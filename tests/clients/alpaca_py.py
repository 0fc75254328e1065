"""alpaca-py, as it comes from PyPI, against `alchemiser exchange`.

usage: alpaca_py.py PATH_OF_ALCHEMISER

Starts exchanges of its own on free ports of 127.0.0.1, uses the client as its documentation says, and prints how many
assertions held.
"""

import datetime
import subprocess
import sys
import threading
import time

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    AssetStatus,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopOrderRequest,
)
from alpaca.trading.stream import TradingStream

KEY, SECRET = "PKTEST", "secret"
held = 0


def check(truth, what):
    """One assertion: counted if it holds, the end if it does not."""
    global held
    if not truth:
        raise AssertionError(what)
    held += 1


def equal(found, expected, what):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def refused(call, status, code, message, what):
    try:
        call()
    except APIError as error:
        equal(error.status_code, status, f"{what}: status")
        equal(error.code, code, f"{what}: code")
        check(message in error.message, f"{what}: expected {message!r} in {error.message!r}")
    else:
        raise AssertionError(f"{what}: was not refused")


def until(ask, fits, what, seconds=10.0):
    """Asks until the answer fits: one assertion, however often it asks."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if fits(answer):
            check(True, what)
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: still {answer!r}")
        time.sleep(0.02)


class Exchange:
    """A process of `alchemiser exchange`."""

    def __init__(self, binary, *arguments):
        command = [binary, "exchange", "--port", "0", "--account", f"{KEY}:{SECRET}", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        self.trading = TradingClient(KEY, SECRET, paper=True, url_override=self.url)
        self.data = StockHistoricalDataClient(KEY, SECRET, url_override=self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def control(self, what, **body):
        response = requests.post(f"{self.url}/_control/{what}", json=body, timeout=10)
        assert response.status_code == 200, response.text
        return response.json()

    def order(self, id):
        return self.trading.get_order_by_id(id)

    def quote(self, symbol):
        return self.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbol))[symbol]

    def ends(self, order, status):
        return until(lambda: self.order(order.id), lambda now: now.status == status, f"order is {status}")


def market(symbol, side, **size):
    return MarketOrderRequest(symbol=symbol, side=side, time_in_force=TimeInForce.DAY, **size)


def limit(symbol, side, price, qty, **more):
    return LimitOrderRequest(
        symbol=symbol, side=side, time_in_force=TimeInForce.DAY, limit_price=price, qty=qty, **more
    )


def account_and_assets(exchange):
    trading = exchange.trading
    account = trading.get_account()
    equal(account.status, "ACTIVE", "account status")
    equal(account.cash, "100000", "cash")
    equal(account.buying_power, "100000", "buying power")
    equal(account.trading_blocked, False, "trading blocked")
    equal(account.currency, "USD", "currency")
    equal(account.multiplier, "1", "multiplier")
    check(account.account_number.startswith("PA"), "account number")
    configuration = trading.get_account_configurations()
    equal(configuration.no_shorting, True, "no shorting")
    configuration.suspend_trade = True
    equal(trading.set_account_configurations(configuration).suspend_trade, True, "suspended")
    refused(
        lambda: trading.submit_order(market("SPY", OrderSide.BUY, qty=1)),
        403, 40310000, "suspended", "an order while trade is suspended",
    )
    configuration.suspend_trade = False
    equal(trading.set_account_configurations(configuration).suspend_trade, False, "resumed")
    asset = trading.get_asset("SPY")
    equal(asset.symbol, "SPY", "asset symbol")
    equal(asset.tradable, True, "asset tradable")
    equal(asset.fractionable, True, "asset fractionable")
    equal(asset.asset_class, AssetClass.US_EQUITY, "asset class")
    equal(trading.get_asset(asset.id).symbol, "SPY", "asset by id")
    refused(lambda: trading.get_asset("NOSUCH"), 404, 40410000, "asset not found", "unknown asset")
    assets = trading.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY))
    check({"SPY", "AAPL", "QQQ"} <= {asset.symbol for asset in assets}, "all assets")
    check("GONE" not in {asset.symbol for asset in assets}, "inactive assets are left out")


def clock_and_calendar(exchange):
    clock = exchange.trading.get_clock()
    equal(clock.is_open, True, "clock is open")
    check(clock.next_close > clock.timestamp, "the close is ahead")
    check(clock.timestamp.utcoffset() is not None, "the clock has an offset")
    day = datetime.date(2026, 11, 20)
    calendar = exchange.trading.get_calendar(GetCalendarRequest(start=day, end=day))
    equal([line.date for line in calendar], [day], "one day of the calendar")
    equal(calendar[0].close.hour, 16, "the close")


def market_data(exchange):
    quote = exchange.quote("AAPL")
    check(0 < quote.bid_price <= quote.ask_price, "bid and ask")
    check(quote.ask_size > 0 and quote.bid_size > 0, "sizes")
    check(quote.timestamp.tzinfo is not None, "time of the quote")
    both = exchange.data.get_stock_latest_quote(
        StockLatestQuoteRequest(symbol_or_symbols=["AAPL", "SPY", "NOSUCH"], feed=DataFeed.SIP)
    )
    equal(set(both), {"AAPL", "SPY"}, "an unknown symbol is missing from the quotes")
    trade = exchange.data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
    check(trade.price > 0 and trade.size > 0, "the last trade")
    snapshot = exchange.data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL", "SPY"]))
    equal(set(snapshot), {"AAPL", "SPY"}, "snapshots")
    check(snapshot["AAPL"].latest_quote.ask_price > 0, "a snapshot has a quote")
    check(snapshot["AAPL"].latest_trade.price > 0, "a snapshot has a trade")
    check(snapshot["AAPL"].previous_daily_bar.close > 0, "a snapshot has the last close")
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=7)
    bars = exchange.data.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["AAPL"], timeframe=TimeFrame.Day, start=start)
    )
    bar = bars["AAPL"][0]
    check(bar.low <= bar.open <= bar.high and bar.volume > 0, "a bar")


def orders(exchange):
    trading = exchange.trading
    bought = trading.submit_order(market("SPY", OrderSide.BUY, qty=10, client_order_id="first-1"))
    equal(bought.status, OrderStatus.PENDING_NEW, "status after the POST")
    equal(bought.client_order_id, "first-1", "client order id")
    equal(bought.qty, "10", "qty")
    equal(bought.filled_qty, "0", "filled qty")
    equal(bought.order_type, OrderType.MARKET, "order type")
    refused(
        lambda: trading.submit_order(market("SPY", OrderSide.BUY, qty=10, client_order_id="first-1")),
        422, 40010001, "client_order_id must be unique", "a duplicate id",
    )
    filled = exchange.ends(bought, OrderStatus.FILLED)
    equal(filled.filled_qty, "10", "filled qty at the end")
    check(float(filled.filled_avg_price) > 0, "average price")
    check(filled.filled_at is not None, "time of the fill")
    refused(
        lambda: trading.submit_order(market("SPY", OrderSide.BUY, qty=10, client_order_id="first-1")),
        422, 40010001, "client_order_id must be unique", "a duplicate id of a filled order",
    )
    equal(trading.get_order_by_client_id("first-1").id, bought.id, "by client id")
    refused(lambda: trading.get_order_by_client_id("nobody"), 404, 40410000, "order not found", "unknown client id")

    bid = exchange.quote("QQQ").bid_price
    low = round(bid * 0.9, 2)
    resting = trading.submit_order(limit("QQQ", OrderSide.BUY, low, 5, client_order_id="rest-1"))
    equal(float(resting.limit_price), low, "limit price")
    equal(exchange.ends(resting, OrderStatus.NEW).status, OrderStatus.NEW, "a passive order rests")
    refused(
        lambda: trading.submit_order(market("QQQ", OrderSide.SELL, qty=1)),
        403, 40310000, "potential wash trade", "a sell against an own buy",
    )
    replaced = trading.replace_order_by_id(resting.id, ReplaceOrderRequest(qty=7, client_order_id="rest-2"))
    equal(replaced.replaces, resting.id, "the new order says what it replaces")
    check(replaced.id != resting.id, "the new order has an id of its own")
    old = exchange.ends(resting, OrderStatus.REPLACED)
    equal(old.replaced_by, replaced.id, "the old order says what replaced it")
    equal(exchange.ends(replaced, OrderStatus.NEW).qty, "7", "the new quantity")
    refused(
        lambda: trading.replace_order_by_id(resting.id, ReplaceOrderRequest(qty=8)),
        422, 42210000, "already replaced", "replacing what was replaced",
    )
    equal(trading.cancel_order_by_id(replaced.id), None, "a cancel answers nothing")
    equal(exchange.ends(replaced, OrderStatus.CANCELED).filled_qty, "0", "canceled unfilled")
    refused(
        lambda: trading.cancel_order_by_id(replaced.id),
        422, 42210000, 'order is already in "canceled" state', "canceling what was canceled",
    )
    refused(
        lambda: trading.cancel_order_by_id("00000000-0000-4000-8000-000000000000"),
        404, 40410000, "order not found", "canceling what is not there",
    )


def small_orders(exchange):
    trading = exchange.trading
    fractional = exchange.ends(
        trading.submit_order(market("AAPL", OrderSide.BUY, qty=0.123456789)), OrderStatus.FILLED
    )
    equal(fractional.filled_qty, "0.123456789", "nine decimals")
    notional = trading.submit_order(market("MSFT", OrderSide.BUY, notional=250.55))
    equal(notional.notional, "250.55", "notional")
    equal(notional.qty, None, "a notional order has no quantity")
    notional = exchange.ends(notional, OrderStatus.FILLED)
    spent = float(notional.filled_qty) * float(notional.filled_avg_price)
    check(abs(spent - 250.55) < 0.5, f"the notional was spent: {spent}")
    refused(
        lambda: trading.submit_order(market("MSFT", OrderSide.BUY, notional=0.5)),
        403, 40310000, "cost basis must be >= minimal amount of order 1", "half a dollar",
    )
    refused(
        lambda: trading.submit_order(limit("MSFT", OrderSide.BUY, 100.123, 1)),
        422, 42210000, "sub-penny", "a tenth of a cent",
    )
    refused(
        lambda: trading.submit_order(market("OCGN", OrderSide.BUY, qty=0.5)),
        403, 40310000, 'asset "OCGN" is not fractionable', "half a share of it",
    )
    refused(
        lambda: trading.submit_order(market("HALTED", OrderSide.BUY, qty=1)),
        422, 42210000, "is not tradable", "what may not be traded",
    )
    refused(
        lambda: trading.submit_order(limit("SPY", OrderSide.BUY, 500, 100000)),
        403, 40310000, "insufficient buying power", "more than there is cash for",
    )
    refused(
        lambda: trading.submit_order(market("SPY", OrderSide.SELL, qty=11)),
        403, 40310000, "insufficient qty available", "more than is held",
    )
    high = round(exchange.quote("SPY").ask_price * 1.2, 2)
    stop = trading.submit_order(
        StopOrderRequest(symbol="SPY", side=OrderSide.BUY, qty=1, time_in_force=TimeInForce.DAY, stop_price=high)
    )
    equal(exchange.ends(stop, OrderStatus.NEW).type, OrderType.STOP, "a stop waits")
    trading.cancel_order_by_id(stop.id)
    exchange.ends(stop, OrderStatus.CANCELED)


def lists(exchange):
    trading = exchange.trading
    everything = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=500))
    check(len(everything) >= 6, "all orders")
    times = [order.created_at for order in everything]
    equal(times, sorted(times, reverse=True), "the newest first")
    equal(trading.get_orders(), [], "no order is open")
    spy = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED, symbols=["SPY"], side=OrderSide.BUY))
    equal({order.symbol for order in spy}, {"SPY"}, "by symbol")
    page = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=2, direction="asc"))
    equal([order.id for order in page], [order.id for order in everything[::-1][:2]], "a page, oldest first")
    # The client keeps microseconds of the nanoseconds.
    moment = everything[1].created_at + datetime.timedelta(microseconds=1)
    after = trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, after=moment, nested=False))
    equal([order.id for order in after], [everything[0].id], "after is exclusive")
    low = {symbol: round(exchange.quote(symbol).bid_price * 0.8, 2) for symbol in ("AAPL", "MSFT")}
    for symbol, price in low.items():
        trading.submit_order(limit(symbol, OrderSide.BUY, price, 1))
    equal(len(trading.get_orders()), 2, "two open orders")
    canceled = trading.cancel_orders()
    equal([line.status for line in canceled], [200, 200], "both are being canceled")
    until(trading.get_orders, lambda left: left == [], "none is left")


def positions(exchange):
    trading = exchange.trading
    found = {position.symbol: position for position in trading.get_all_positions()}
    equal(set(found), {"SPY", "AAPL", "MSFT"}, "positions")
    spy = trading.get_open_position("SPY")
    equal((spy.qty, spy.qty_available, spy.side), ("10", "10", PositionSide.LONG), "the position")
    check(float(spy.avg_entry_price) > 0 and float(spy.market_value) > 0, "its prices")
    refused(lambda: trading.get_open_position("TSLA"), 404, 40410000, "position does not exist", "no position")
    sold = trading.close_position("SPY", ClosePositionRequest(qty="4"))
    equal(sold.side, OrderSide.SELL, "closing sells")
    exchange.ends(sold, OrderStatus.FILLED)
    equal(trading.get_open_position("SPY").qty, "6", "what is left")
    before = float(trading.get_account().cash)
    closed = trading.close_all_positions(cancel_orders=True)
    equal({line.status for line in closed}, {200}, "all are being closed")
    until(trading.get_all_positions, lambda left: left == [], "none is left")
    account = trading.get_account()
    check(float(account.cash) > before, "cash came in")
    equal(account.cash, account.equity, "there is only cash")


def streams(exchange):
    """An order's life on the order stream, and quotes and trades on the data stream."""
    updates, quotes = [], []
    trading = TradingStream(KEY, SECRET, paper=True, url_override=exchange.url.replace("http", "ws") + "/stream")
    data = StockDataStream(KEY, SECRET, url_override=exchange.url.replace("http", "ws") + "/v2/sip")

    async def on_update(update):
        updates.append(update)

    async def on_quote(quote):
        quotes.append(quote)

    trading.subscribe_trade_updates(on_update)
    data.subscribe_quotes(on_quote, "SPY", "AAPL")
    threads = [threading.Thread(target=stream.run, daemon=True) for stream in (trading, data)]
    for thread in threads:
        thread.start()
    until(lambda: requests.get(f"{exchange.url}/_control/state", timeout=10).json()["listeners"], lambda n: n == 1, "one listens")
    order = exchange.trading.submit_order(market("SPY", OrderSide.BUY, qty=3, client_order_id="streamed"))
    until(lambda: [update.event for update in updates], lambda events: "fill" in events, "the fill is told")
    events = [str(getattr(update.event, "value", update.event)) for update in updates]
    equal(events[:2], ["pending_new", "new"], "taken, then at the venue")
    fill = updates[-1]
    equal(fill.order.id, order.id, "the order of the fill")
    equal(fill.order.status, OrderStatus.FILLED, "it is filled")
    equal(sum(float(update.qty) for update in updates if update.qty), 3.0, "quantities are of each execution")
    equal(fill.position_qty, 3.0, "the position afterwards")
    check(fill.price > 0 and fill.execution_id is not None, "price and execution id")
    until(lambda: {quote.symbol for quote in quotes}, lambda seen: seen == {"SPY", "AAPL"}, "quotes of both", 30)
    check(all(0 < quote.bid_price <= quote.ask_price for quote in quotes), "they are quotes")
    for stream in (trading, data):
        stream.stop()
    for thread in threads:
        thread.join(timeout=10)
        check(not thread.is_alive(), "the stream has stopped")


def wrong_keys(exchange):
    stranger = TradingClient("PKNOBODY", "x", paper=True, url_override=exchange.url)
    try:
        stranger.get_account()
    except APIError as error:
        equal(error.status_code, 401, "a wrong key")
    else:
        raise AssertionError("a wrong key was let in")


def main(binary):
    parts = [account_and_assets, clock_and_calendar, market_data, orders, small_orders, lists, positions, streams, wrong_keys]
    with Exchange(binary, "--rate-limit", "0") as exchange:
        for part in parts:
            before = held
            part(exchange)
            print(f"{part.__name__}: {held - before}")
    print(f"alpaca-py: {held} assertions passed")


if __name__ == "__main__":
    main(sys.argv[1])
