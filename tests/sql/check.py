"""The SQL of docs/ledger.md on real output, and the ledger against the broker's books.

usage: check.py PATH_OF_ALCHEMISER

Executes the example plan twice: on the exchange in the process, and over HTTP on one of its own on a free port of
127.0.0.1. Every statement that the page marks `duckdb` is run by DuckDB; the fills of the ledger are compared with the
broker's, order by order, and their dollars with what its cash moved by.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from decimal import Decimal

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAN = ROOT / "examples/plans/growth-and-bonds.json"
WORLD = ROOT / "examples/worlds/growth-and-bonds.toml"
KEYS = {"APCA-API-KEY-ID": "PKALCHEMISER", "APCA-API-SECRET-KEY": "alchemiser-secret"}

checks = 0


def check(holds, said):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"failed: {said}")


def statements():
    """The statements of the page, in its order."""
    text = (ROOT / "docs/ledger.md").read_text()
    return [block.strip().rstrip(";") for block in re.findall(r"```sql duckdb\n(.*?)```", text, re.S)]


def run_page(state):
    """Runs the page's statements on a state directory; the connection, with the page's views."""
    os.chdir(state)
    connection = duckdb.connect()
    for statement in statements():
        found = connection.execute(statement).fetchall()
        if statement.split()[0] in ("SELECT", "WITH"):
            check(found, f"no rows: {statement}")
            print(f"{len(found):4} rows  {statement.splitlines()[0][:80]}")
    check(pathlib.Path("fills.parquet").stat().st_size > 0, "an empty Parquet file")
    same = connection.execute(
        "SELECT (SELECT count(*) FROM fills) = count(*), "
        "(SELECT sum(notional) FROM fills) = sum(notional) FROM 'fills.parquet'"
    ).fetchone()
    check(same == (True, True), f"the Parquet file has other rows: {same}")
    return connection


def compare(connection, broker, cash_change):
    """Each order's shares and dollars against the broker's, and all dollars against its cash."""
    rows = connection.execute("SELECT client_order_id, side, quantity, notional FROM fills").fetchall()
    ledger = {id: (quantity, notional) for id, _, quantity, notional in rows}
    check(set(ledger) == set(broker), f"orders differ: {set(ledger) ^ set(broker)}")
    for id, (quantity, notional) in broker.items():
        # The ledger has the broker's average price, of six decimals or more; the broker's own dollars are a sum of its fills.
        near = quantity * Decimal("0.000001")
        check(ledger[id][0] == quantity, f"{id}: {ledger[id][0]} shares, the broker has {quantity}")
        check(abs(ledger[id][1] - notional) <= near, f"{id}: ${ledger[id][1]}, the broker has ${notional}")
    signed = sum(notional if side == "SELL" else -notional for _, side, _, notional in rows)
    shares = sum(quantity for _, _, quantity, _ in rows)
    check(abs(signed - cash_change) <= shares * Decimal("0.000001"), f"${signed} in the ledger, cash moved by ${cash_change}")
    print(f"{len(rows)} orders, ${signed} into cash in the ledger, ${cash_change} at the broker")


def in_process(program, directory):
    """The plan on the exchange in the process, whose books are its journal."""
    state = directory / "state"
    subprocess.run([program, "run", PLAN, "--now", "--json", "--state", state], check=True, stdout=subprocess.DEVNULL)
    connection = run_page(state)
    records = [json.loads(line, parse_float=Decimal) for line in (state / "exchange/journal.jsonl").read_text().splitlines()]
    broker, change = defaultdict(lambda: (Decimal(0), Decimal(0))), Decimal(0)
    for record in records:
        if record["record"] == "fill":
            id = record["client_order_id"]
            quantity, dollars = Decimal(record["quantity"]), Decimal(record["quantity"]) * Decimal(record["price"])
            broker[id] = (broker[id][0] + quantity, broker[id][1] + dollars)
            change += dollars if record["side"] == "sell" else -dollars
    compare(connection, broker, change)


def over_http(program, directory):
    """The plan over HTTP: the broker's FILL activities and its cash."""
    exchange = subprocess.Popen([program, "exchange", "--port", "0", "--world", WORLD], stdout=subprocess.PIPE, text=True)
    try:
        url = next(line.split("exchange on ")[1].strip() for line in exchange.stdout if line.startswith("exchange on "))

        def get(path):
            with urllib.request.urlopen(urllib.request.Request(url + path, headers=KEYS)) as answer:
                return json.load(answer, parse_float=Decimal)

        before = Decimal(get("/v2/account")["cash"])
        state = directory / "http"
        environment = os.environ | {
            "APCA_API_KEY_ID": KEYS["APCA-API-KEY-ID"],
            "APCA_API_SECRET_KEY": KEYS["APCA-API-SECRET-KEY"],
            "ALCHEMISER_LOOPBACK_ONLY": "1",
        }
        command = [program, "run", PLAN, "--now", "--json", "--broker", "alpaca", "--account", "paper", "--endpoint", url]
        command += ["--set", "working_time.normal=12", "--state", state]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        connection = run_page(state)
        broker, token = defaultdict(lambda: (Decimal(0), Decimal(0))), ""
        while page := get(f"/v2/account/activities/FILL?direction=asc&page_size=100{token}"):
            for fill in page:
                quantity = Decimal(fill["qty"])
                had = broker[fill["order_id"]]
                broker[fill["order_id"]] = (had[0] + quantity, had[1] + quantity * Decimal(fill["price"]))
            token = f"&page_token={page[-1]['id']}"
        ids = dict(connection.execute("SELECT broker_order_id, client_order_id FROM fills").fetchall())
        check(set(broker) <= set(ids), f"fills that the ledger lacks: {set(broker) - set(ids)}")
        compare(connection, {ids[id]: sums for id, sums in broker.items()}, Decimal(get("/v2/account")["cash"]) - before)
    finally:
        exchange.terminate()
        exchange.wait()


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory).resolve()
        in_process(program, directory)
        over_http(program, directory)
        os.chdir(ROOT)
    print(f"{checks} passed, 0 failed")


main()
