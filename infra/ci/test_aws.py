#!/usr/bin/env python3
"""The stack on emulated AWS: deployed as the template is, a plan put on its bus, and everything that came of it looked at.

Run by `make test-aws`, which installs ministack, the SAM command line and boto3 under target/tools. Servers listen on
127.0.0.1 only. Arguments: the directory of the bootstraps for x86_64.
"""
import base64, contextlib, json, os, pathlib, re, socket, subprocess, sys, time, urllib.request, uuid
from datetime import datetime, timezone
from decimal import ROUND_DOWN, Decimal

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target/tools"
STACK = "alchemiser-paper"
ACCOUNT = "PA000000001"
KEY = "PKCANARYKEY"
CANARY = "canary-7f3a91"  # in every credential; it must be nowhere else
LIST_PRICE = {"StoreWrites": 5.0e-6, "StoreReads": 0.4e-6}  # S3 Standard, us-east-1, each
EVENT_PRICE = 1.0e-6  # EventBridge, each
COMPUTE_PRICE = 0.0000133334 / 4  # Lambda on arm64, a second of 256 MB
COST_MAX = 0.003  # for the real plan, all together


def say(text):
    print(f"{time.monotonic() - START:6.1f} s  {text}", flush=True)


def check(what, found, expected):
    if found != expected:
        sys.exit(f"FAILED: {what}: expected {expected!r}, found {found!r}")
    say(f"ok: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def emulator(work):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "AWS_ENDPOINT_URL": url, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": CANARY,
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "HOME": str(work),
    }
    os.environ.update({key: environment[key] for key in environment if key.startswith("AWS_")})
    with open(work / "emulator.log", "wb") as log:
        process = subprocess.Popen(
            [TOOLS / "aws/bin/ministack"], cwd=work, env=environment, stdout=log, stderr=log)
    try:
        until(30, "the emulator", lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True)
        yield url
    finally:
        process.terminate()
        process.wait()


def until(seconds, what, ask):
    """What `ask` answers once it is something; failures of it are nothing yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if found := ask():
                return found
        time.sleep(0.2)
    sys.exit(f"FAILED: waited {seconds} s for {what}")


def races(s3):
    for name in ["races", "races-unversioned"]:
        s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket="races", VersioningConfiguration={"Status": "Enabled"})
    environment = os.environ | {"ALCHEMISER_TEST_BUCKET": "races", "ALCHEMISER_TEST_UNVERSIONED": "races-unversioned"}
    # Of the whole workspace, so that the SDKs are built with the same features, once.
    command = ["cargo", "test", "--locked", "--quiet", "--workspace", "--test", "race", "--", "--nocapture"]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit("FAILED: races")
    say("ok: races of the store, and a bucket that is refused")


class Stack:
    def __init__(self, url, work):
        client = lambda name: boto3.client(name, endpoint_url=url)
        self.s3, self.sqs, self.events, self.lines, self.sns = map(client, ["s3", "sqs", "events", "logs", "sns"])
        self.stacks, self.secrets, self.work, self.url = client("cloudformation"), client("secretsmanager"), work, url
        self.seen, self.told, self.notified = [], [], []

    def deploy(self, broker):
        keys = json.dumps({"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": CANARY})
        self.secret = self.secrets.create_secret(Name="broker", SecretString=keys)["ARN"]
        parameters = {
            "BrokerAccount": ACCOUNT, "Broker": broker, "BrokerSecretArn": self.secret, "Architecture": "x86_64",
            "PlanPublishers": "arn:aws:iam::000000000000:root", "Settings": "policy=cross",
        }
        command = [
            TOOLS / "sam/bin/sam", "deploy", "--template-file", ROOT / "infra/template.yaml", "--stack-name", STACK,
            "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
            "--parameter-overrides", *[f"{key}={value}" for key, value in parameters.items()],
        ]
        with open(self.work / "deploy.log", "wb") as log:
            done = subprocess.run(command, cwd=self.work, stdout=log, stderr=log,
                                  env=os.environ | {"SAM_CLI_TELEMETRY": "0", "HOME": str(self.work)})
        if done.returncode:
            sys.exit("FAILED: sam deploy\n" + (self.work / "deploy.log").read_text()[-3000:])
        stack = self.stacks.describe_stacks(StackName=STACK)["Stacks"][0]
        self.out = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        found = self.stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        self.resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
        say("ok: sam deploy of the template as it is")

    def queue(self, name):
        return self.resources[name]

    def listen(self):
        """Everything on the bus, in a queue of our own; failed messages come back at once."""
        own = self.sqs.create_queue(QueueName="everything")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=own, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = self.out["BusName"]
        pattern = json.dumps({"source": [{"prefix": ""}]})
        self.events.put_rule(Name="everything", EventBusName=bus, EventPattern=pattern)
        self.events.put_targets(Rule="everything", EventBusName=bus, Targets=[{"Id": "own", "Arn": arn}])
        self.own = own
        # Whoever subscribes a queue to the topic.
        self.notices = self.sqs.create_queue(QueueName="notices")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.notices, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
        self.sqs.set_queue_attributes(QueueUrl=self.notices, Attributes={"Policy": json.dumps(policy)})
        self.sns.subscribe(TopicArn=self.resources["Topic"], Protocol="sqs", Endpoint=arn)
        for name in ["PlansQueue", "OutcomesQueue"]:
            self.sqs.set_queue_attributes(QueueUrl=self.queue(name), Attributes={"VisibilityTimeout": "1"})

    def heard(self):
        while messages := self.sqs.receive_message(QueueUrl=self.own, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.seen.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.own, ReceiptHandle=message["ReceiptHandle"])
        return self.seen

    def of(self, plan, *kinds):
        """Details on the bus that speak of a plan, by type."""
        told = [event for event in self.heard() if plan in json.dumps(event)]
        return [event["detail"] for event in told if event["detail-type"] in kinds]

    def noticed(self, plan):
        """What programs were told of a plan."""
        while messages := self.sqs.receive_message(QueueUrl=self.notices, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.notified.append(json.loads(json.loads(message["Body"])["Message"]))
                self.sqs.delete_message(QueueUrl=self.notices, ReceiptHandle=message["ReceiptHandle"])
        return [document for document in self.notified if plan in document["text"]]

    def put(self, event):
        entry = {"EventBusName": self.out["BusName"], "Source": event["source"],
                 "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        answer = self.events.put_events(Entries=[entry])
        check("the bus took an event", answer["FailedEntryCount"], 0)

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.out["StateBucketName"], Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def object(self, key):
        return self.s3.get_object(Bucket=self.out["StateBucketName"], Key=key)["Body"].read()

    def letters(self, name):
        found = self.sqs.receive_message(QueueUrl=self.queue(name), MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    def said(self, function):
        """All lines of a function, wherever the emulator keeps them."""
        found = []
        for group in self.lines.describe_log_groups()["logGroups"]:
            if group["logGroupName"].endswith("/" + function) or group["logGroupName"].endswith("-" + function):
                page = self.lines.filter_log_events(logGroupName=group["logGroupName"], limit=10000)
                found += [line for event in page["events"] for line in event["message"].splitlines()]
        return found


def plan():
    shared = ROOT / "../shared/events/real-plan-2026-01-26.json"
    path = shared if shared.is_file() else ROOT / "examples/plans/growth-and-bonds.json"
    event = json.loads(path.read_text())
    event = event if "detail-type" in event else {"detail-type": "RebalancePlanned", "source": "the_alchemiser.portfolio_v2", "detail": event}
    event["detail"]["event_id"] = f"plan-{uuid.uuid4()}"
    return of_now(event)


def of_now(event):
    detail, now = event["detail"], datetime.now(timezone.utc).isoformat()
    detail["timestamp"] = detail["rebalance_plan"]["timestamp"] = now
    return event


@contextlib.contextmanager
def serving(work, *words):
    """`alchemiser exchange`; its address."""
    with open(work / "exchange.log", "ab") as log:
        command = [ROOT / "target/debug/alchemiser", "exchange", "--rate-limit", "0", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process.stdout.readline().strip().removeprefix("exchange on ")
    finally:
        process.terminate()
        process.wait()


def world_of_the_plan(work):
    """A file for `alchemiser exchange` with the account as the plan finds it: at 100 dollars a share, and no limit of requests."""
    detail = plan()["detail"]["rebalance_plan"]
    held = {item["symbol"]: Decimal(item["current_value"]) for item in detail["items"]}
    shares = {symbol: (value / 100).quantize(Decimal("0.000001"), ROUND_DOWN) for symbol, value in held.items() if value > 0}
    cash = Decimal(detail["total_portfolio_value"]) - sum(held.values())
    world = ["[[account]]", f'key = "{KEY}"', f'secret = "{CANARY}"', f'number = "{ACCOUNT}"', f'cash = "{cash:.2f}"',
             "[account.positions]", *[f'"{symbol}" = "{count}"' for symbol, count in shares.items()]]
    for symbol in held:
        world += ["[[listing]]", f'symbol = "{symbol}"', 'price = "100.00"']
    file = work / "world.toml"
    file.write_text("\n".join(world))
    file.chmod(0o600)
    return file


def same_events(stack, broker):
    """A plan on an exchange that stands still: its events are those of a run in one process."""
    event = json.loads((ROOT / "examples/plans/growth-and-bonds.json").read_text())
    world = (ROOT / "examples/worlds/growth-and-bonds.toml").read_text()
    world = world.replace("PKALCHEMISER", KEY).replace("alchemiser-secret", CANARY)
    file = stack.work / "standing.toml"
    file.write_text(world)
    file.chmod(0o600)
    port = broker.rsplit(":")[-1]
    with serving(stack.work, "--port", port, "--world", file, "--market", "script", "--latency-ms", "0..0"):
        plan_id = event["detail"]["rebalance_plan"]["plan_id"]
        stack.put(of_now(event))
        until(120, "the plan's end", lambda: stack.of(plan_id, "WorkflowCompleted", "WorkflowFailed"))
    told = [event for event in stack.heard() if plan_id in json.dumps(event)]
    events = stack.work / "events.jsonl"
    events.write_text("".join(json.dumps({key: event[key] for key in ["detail-type", "detail"]}) + "\n" for event in told))
    command = ["cargo", "test", "--locked", "--quiet", "--workspace", "--test", "cli", "emulated_aws", "--", "--nocapture"]
    environment = os.environ | {"ALCHEMISER_EVENTS_OF_AWS": str(events)}
    check("the same events as in one process", subprocess.run(command, cwd=ROOT, env=environment).returncode, 0)


def asked(broker, path, body=None):
    """What the exchange's own door answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{broker}/_control/{path}", data=data, method="GET" if body is None else "POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def canceled(stack, broker):
    """A plan is canceled in the middle: its sells rest at an exchange where nothing trades, one of them was filled in part."""
    event = json.loads((ROOT / "examples/plans/growth-and-bonds.json").read_text())
    plan_id = event["detail"]["rebalance_plan"]["plan_id"] = "to-be-canceled"
    event["detail"]["event_id"] = f"plan-{uuid.uuid4()}"
    program, state = ROOT / "target/debug/alchemiser", stack.out["State"]

    def run(*words):
        ran = subprocess.run([program, *words, "--state", state], capture_output=True, text=True)
        stack.told.append(ran.stdout + ran.stderr)
        return ran.returncode, ran.stdout + ran.stderr

    port = broker.rsplit(":")[-1]
    world = stack.work / "standing.toml"
    with serving(stack.work, "--port", port, "--world", world, "--market", "script", "--latency-ms", "0..0"):
        orders = lambda: asked(broker, "state")["accounts"][0]["orders"]
        is_open = lambda order: order["status"] in ["new", "accepted", "pending_new", "partially_filled", "pending_cancel"]
        sells = [item["symbol"] for item in event["detail"]["rebalance_plan"]["items"] if item["action"] == "SELL"]
        for symbol in sells:
            asked(broker, "halt", {"symbol": symbol, "ms": 3_600_000})
        stack.put(of_now(event))
        resting = until(60, "six resting sells", lambda: len(found := list(filter(is_open, orders()))) == len(sells) and found)
        part = next(order for order in resting if order["symbol"] == "XLK")
        asked(broker, "fill", {"client_order_id": part["client_order_id"], "qty": "3"})
        watch = subprocess.Popen([program, "status", "--watch", "--state", state], stdout=subprocess.PIPE, text=True)
        seen = next(line for line in watch.stdout if plan_id in line)
        check("a watched status shows the plan that trades", "selling" in seen, True)
        code, said = run("cancel", plan_id, "--reason", "the wrong file", "--yes")
        check("cancel of a plan that trades", (code, "is canceled since" in said, "The deployed functions end it" in said), (0, True, True))
        failed = until(60, "its end", lambda: stack.of(plan_id, "WorkflowFailed"))[0]
        check("it ends as failed, and says why", "CANCELED" in json.dumps(failed), True)
        check("no order of it is open at the broker", list(filter(is_open, orders())), [])
        sent = orders()
        by_symbol = {symbol: [order for order in sent if order["symbol"] == symbol] for symbol in sells}
        check("every sell was sent once, and canceled", [[o["status"] for o in found] for found in by_symbol.values()], [["canceled"]] * len(sells))
        check("nothing was bought", [order["symbol"] for order in sent if order["side"] == "buy"], [])
        ledger = until(60, "its ledger", lambda: [key for key in stack.keys("ledger/") if plan_id in key])
        lines = [json.loads(line) for line in stack.object(ledger[0]).splitlines()]
        check("the ledger has what was done", [(line["symbol"], line["quantity"]) for line in lines], [("XLK", "3")])
        until(90, "the marker to go", lambda: not stack.keys("open/"))
        code, told = run("replay", plan_id)
        for part in ["the plan is canceled by", "the wrong file", "the plan is stopped: CANCELED"]:
            check(f"its log says {part!r}", (code, part in told), (0, True))
        code, said = run("cancel", plan_id)
        check("canceled once more it says who had done it", (code, "the wrong file" in said, "It is over" in said), (0, True, True))
        code, said = run("cancel", "to-be-cancelled")
        check("a plan that is not there has others near it", (code, f"near it: {plan_id}" in said), (2, True))
        rest = watch.communicate(timeout=60)[0]
        stack.told.append(rest)
        ended = [line for line in rest.splitlines() if plan_id in line and "finished" in line]
        check("and ends with it", (watch.returncode, len(ended)), (0, 1))
        check("the account goes on", "is halted" in run("status")[1], False)
        check("still no order more", len(orders()), len(sent))
        notice = until(60, "the notice", lambda: stack.noticed(plan_id))[0]
        check("people are told who and why", (notice["kind"], "the wrong file" in notice["text"]), ("FAILED", True))


def life(stack):
    event = plan()
    plan_id = event["detail"]["rebalance_plan"]["plan_id"]
    stack.put(event)
    ends = ("WorkflowCompleted", "WorkflowFailed")
    until(400, "the plan's end", lambda: stack.of(plan_id, *ends))
    ledger = until(60, "the ledger", lambda: [key for key in stack.keys("ledger/") if plan_id in key])
    until(90, "the marker to go", lambda: not stack.keys("open/"))
    check("one terminal event", len({end["event_id"] for end in stack.of(plan_id, *ends)}), 1)
    check("it completed", [end["event_type"] for end in stack.of(plan_id, *ends)][:1], ["WorkflowCompleted"])
    executed = stack.of(plan_id, "TradeExecuted")[0]
    check("every leg has its entry", len(executed["execution_data"]["orders"]) > 0, True)
    entries = [key for key in stack.keys("executions/") if plan_id in key]
    check("the log has no gap", entries, [entries[0][:-11] + f"{seq:06}.json" for seq in range(1, len(entries) + 1)])
    lines = [json.loads(line) for line in stack.object(ledger[0]).splitlines()]
    filled = {line["symbol"] for line in lines}
    check("the ledger holds every filled leg", filled, {o["symbol"] for o in executed["execution_data"]["orders"] if float(o["shares"] or 0)})
    say(f"{len(entries)} log entries, {len(lines)} ledger lines")
    notice = until(60, "the notice", lambda: stack.noticed(plan_id))[0]
    check("a queue on the topic is told what it was", (notice["kind"], notice["schema_version"]), ("COMPLETED", "1.0"))
    check("with subject and page", (notice["subject"].startswith("Alchemiser completed: "), "<html" in notice["html"]), (True, True))
    check("at most 20 log entries with cross", len(entries) <= 20, True)
    requests(stack, len(stack.heard()))
    before = len(stack.keys("executions/"))
    stack.put(event)
    until(60, "the plan to be known", lambda: sum("PlansClaimed" in line for line in stack.said("rebalance-planned")) > 1)
    check("the same plan again is nothing", len(stack.keys("executions/")), before)
    return plan_id


def requests(stack, events):
    """What the plan costs at list prices: S3 as the functions count it, events as they came, compute as they reported it."""
    total = {"StoreWrites": 0, "StoreReads": 0}
    for function in ["rebalance-planned", "trade-execution", "workflow-outcome"]:
        for line in stack.said(function):
            if line.startswith("{") and "StoreWrites" in line:
                found = json.loads(line)
                total = {key: total[key] + found[key] for key in total}
                say(f"{function}: {found['StoreWrites']} writes and lists, {found['StoreReads']} reads")
    seconds = 0.0
    for function in ["rebalance-planned", "trade-execution", "workflow-outcome"]:
        billed = [re.search(r"Billed Duration: (\d+) ms", line) for line in stack.said(function)]
        seconds += sum(int(found.group(1)) for found in billed if found) / 1000
    check("the emulator says how long functions ran", seconds > 0, True)
    store = sum(LIST_PRICE[key] * count for key, count in total.items())
    cost = store + events * EVENT_PRICE + seconds * COMPUTE_PRICE
    say(f"the plan: {total} ${store:.6f}, {events} events, {seconds:.1f} s of 256 MB; ${cost:.6f} at list prices")
    check(f"at most ${COST_MAX} for the plan", 0 < cost <= COST_MAX, True)


def refusals(stack):
    wrong = plan()
    wrong["detail"]["rebalance_plan"]["plan_id"] = "wrong-1"
    wrong["detail"]["rebalance_plan"]["items"][0]["priority"] = 9
    stack.put(wrong)
    source = wrong["detail"]["event_id"]
    failed = until(30, "a refusal", lambda: stack.of(source, "WorkflowFailed"))[0]
    check("an invalid plan is answered", failed["failure_step"], "validation")
    body = '{"detail-type":"RebalancePlanned","detail":'
    message = stack.sqs.send_message(QueueUrl=stack.queue("PlansQueue"), MessageBody=body)["MessageId"]
    other = json.dumps({"id": "e-1", "detail-type": "Other", "source": "x", "detail": {}})
    stack.sqs.send_message(QueueUrl=stack.queue("PlansQueue"), MessageBody=other)
    letters = until(90, "a dead letter", lambda: stack.letters("PlansDeadLetters"))
    check("bytes without an id are a dead letter, as they were", letters, [body])
    said = until(10, "its cause", lambda: [line for line in stack.said("rebalance-planned") if message in line])
    check("its cause stands under its message id", "UNIDENTIFIED_EVENT" in said[0], True)
    for name in ["RequestsDeadLetters", "ExecutionsDeadLetters", "OutcomesDeadLetters"]:
        check(f"nothing is in {name}", stack.letters(name), [])


def doctor(stack):
    """`alchemiser doctor` finds nothing wrong with the stack, and something with a bucket that is none."""
    program = ROOT / "target/debug/alchemiser"
    look = lambda *words: subprocess.run([program, "doctor", "--json", *words], capture_output=True, text=True)
    words = ["--state", stack.out["State"], "--bus", stack.out["BusName"], "--keys", stack.secret]
    run = look(*words)
    findings = {finding["check"]: finding["code"] for finding in json.loads(run.stdout)["findings"]}
    stack.told.append(run.stdout + run.stderr)
    # The emulator does not keep a bus's policy.
    expected = dict.fromkeys(["bucket", "versions", "creation", "policy", "clock", "secret"], "OK")
    check("doctor on the stack", {name: code for name, code in findings.items() if name != "bus"}, expected)
    other = look("--state", "s3://races-unversioned", "--bus", "no-such-bus", "--keys", stack.secret + "x")
    stack.told.append(other.stdout + other.stderr)
    codes = [finding["code"] for finding in json.loads(other.stdout)["findings"] if finding["code"] != "OK"]
    expected = ["BUCKET_UNVERSIONED", "BUCKET_OPEN", "BUS_UNREACHABLE", "SECRET_UNREADABLE"]
    check("doctor elsewhere", (other.returncode, codes), (1, expected))


def canary(stack):
    places = {key: stack.object(key).decode(errors="replace") for key in stack.keys("")}
    places |= {f"event {n}": json.dumps(event) for n, event in enumerate(stack.heard())}
    for function in ["rebalance-planned", "trade-execution", "workflow-outcome", "sweeper"]:
        places |= {f"{function} {n}": line for n, line in enumerate(stack.said(function))}
    places |= {name: (stack.work / name).read_text() for name in ["emulator.log", "deploy.log", "exchange.log"]}
    places |= {f"command {n}": text for n, text in enumerate(stack.told)}
    # As it is, and in base 64 at each of the three offsets; neighbours change the digits at both ends only.
    forms = [CANARY, KEY] + [base64.b64encode(b"." * skip + CANARY.encode()).decode().rstrip("=")[4:-4] for skip in range(3)]
    found = [place for place, text in places.items() if any(form in text for form in forms)]
    check(f"no secret in {len(places)} objects, events, lines and answers of commands", found, [])


def command_line(stack, plan_id):
    program, state = ROOT / "target/debug/alchemiser", stack.out["State"]
    for words in [["status"], ["ledger", plan_id], ["ledger", "show", plan_id], ["replay", plan_id], ["verify"]]:
        run = subprocess.run([program, *words, "--state", state], capture_output=True, text=True)
        stack.told.append(run.stdout + run.stderr)
        check(f"alchemiser {' '.join(words)} --state {state}", (run.returncode, run.stderr), (0, ""))
        check("it names the plan", plan_id in run.stdout or words[0] == "verify", True)
    over = subprocess.run([program, "cancel", plan_id, "--state", state], capture_output=True, text=True)
    stack.told.append(over.stdout + over.stderr)
    check("a plan that is over is not canceled", (over.returncode, "PLAN_OVER" in over.stderr), (2, True))
    halt = ["--account", ACCOUNT, "--state", state]
    for word, shown in [("halt", True), ("resume", False)]:
        subprocess.run([program, word, *halt], check=True, capture_output=True)
        told = subprocess.run([program, "status", "--state", state], capture_output=True, text=True).stdout
        check(f"alchemiser {word}", "is halted since" in told, shown)


def main():
    work = ROOT / "target/test-aws"
    subprocess.run(["rm", "-rf", work], check=True)
    work.mkdir(parents=True)
    deployed = ROOT / "target/lambda/deployed"
    deployed.unlink(missing_ok=True)
    deployed.symlink_to(sys.argv[1])
    with emulator(work) as url:
        say("the emulator is up")
        races(boto3.client("s3", endpoint_url=url))
        stack = Stack(url, work)
        with serving(work, "--port", "0", "--world", world_of_the_plan(work)) as broker:
            stack.deploy(broker)
            stack.listen()
            doctor(stack)
            plan_id = life(stack)
            refusals(stack)
            command_line(stack, plan_id)
        same_events(stack, broker)
        canceled(stack, broker)
        canary(stack)
    say("all of it is as it should be")


START = time.monotonic()
if __name__ == "__main__":
    main()
