# Everything a person types. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help: ## List the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: ## Make this machine able to run everything below
	@scripts/setup test

.PHONY: demo
demo: ## Set everything up, start the sandbox, deploy in safe drain, say where the report is
	@scripts/setup demo
	@ansible-playbook playbooks/sandbox.yml
	@ansible-playbook deploy.yml -e safe_drain=true

.PHONY: clean-demo
clean-demo: ## Remove all that the demo made, and nothing else
	@if [ -x $(BIN)/ansible-playbook ]; then ansible-playbook playbooks/sandbox_down.yml; fi

.PHONY: test
test: ## Pass all tests, on real Redis, real Docker, real ssh
	@scripts/setup test
	@scripts/run-tests

.PHONY: check
check: ## Lint, types, and who may import whom
	@scripts/setup check
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target lint-playbooks lint-roles lint-code lint-texts

# ansible-lint uses one core, so two of it share the tree: together they read every file once.
.PHONY: lint-playbooks lint-roles lint-code lint-texts
lint-playbooks:
	ansible-lint --offline --exclude roles

lint-roles:
	ansible-lint --offline roles

lint-code:
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=. lint-imports

lint-texts:
	yamllint --strict .
	shellcheck scripts/setup scripts/base-image scripts/lock scripts/run-tests .ci/run
	hadolint consumer/Dockerfile sandbox/Dockerfile tests/vps/Dockerfile

.PHONY: bench
bench: ## Measure: the consumer beside its peers, and the deploy over ssh
	@scripts/setup test
	@PYTHONPATH=. $(BIN)/python tests/bench/consumer_throughput.py
	@PYTHONPATH=. $(BIN)/python tests/bench/deploy_over_ssh.py

.PHONY: sabotage
sabotage: ## Plant 14 faults on the real stack and see the check of each turn red
	@scripts/setup test
	@$(BIN)/pytest -q -m sabotage tests/sabotage

.PHONY: storm
storm: ## Bad weather: a million entries of every kind, 200 kills of two replicas, an hour in the container
	@scripts/setup test
	@$(BIN)/python -m tests.storm.fuzz
	@$(BIN)/python -m tests.storm.kills
	@$(BIN)/python -m tests.storm.container

.PHONY: crash-matrix
crash-matrix: ## Kill the live consumer at every pair of points, and let the exchange judge
	@scripts/setup test
	@$(BIN)/python -m tests.crash.matrix --workers 6

.PHONY: simulate
simulate: ## Live through 5,000 worlds of lost replies, crashes and failovers, and 500 of each broken variant
	@scripts/setup test
	@PYTHONHASHSEED=0 $(BIN)/python -W ignore -m tests.simulation.run --seeds 5000 --variants 500

.PHONY: properties
properties: ## Plan 50,000 drawn intents in both modes, and see that no two plans differ
	@scripts/setup test
	@$(BIN)/pytest -q --hypothesis-profile=properties tests/unit/consumer/intents/test_one_planner.py

MUTATED := consumer.live.risk.rules* consumer.live.exchange.errors* consumer.intents.grid* consumer.intents.plan.* \
	consumer.intents.planner*

.PHONY: mutate
mutate: ## Break guard, outcomes and rounding hundreds of times, and see a test fail each time
	@scripts/setup test
	@$(BIN)/python -m mutmut run --max-children 2 $(foreach mutant,$(MUTATED),"$(mutant)") > /dev/null
	@$(BIN)/python -m tests.mutation.score

.PHONY: lock
lock: ## Write requirements/*.txt anew from pyproject.toml, pinned together and hashed
	@scripts/lock
