# All targets except help and clean first run the set-up (tools/bootstrap.py), which is quick, silent and
# offline when everything is installed.

.DEFAULT_GOAL := help
.PHONY: help verify test sweep inspect mutants chaos cluster claims lint lock bench clean setup
MAKEFLAGS += --no-print-directory

# The Python of .venv, else the newest that runs; bootstrap reports an error if none does.
PYTHON = $(shell for p in $(BIN)/python python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && exit; \
	done; echo python3)
BIN := .venv/bin
PYTEST = $(BIN)/python -m pytest -q -n 2 --dist loadfile
# The protocols of `make mutants`.
PROTOCOL ?= raft pbft hotstuff hybrid threat vote guard gossip barrier coordination

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

verify: setup  ## Check specs, models, replays and property tests (BUDGET=smoke: fewer checks; ARGS=--fresh, ARGS=--watch)
	@$(BIN)/tlacheck verify $(if $(BUDGET),--budget $(BUDGET)) $(ARGS)

test: setup  ## Run all tests except the long ones (ARGS=-m second_engine: the tests that CI repeats on the older TLC)
	@$(BIN)/python -m tlacheck.engine install --version all --if-missing >/dev/null
	@$(BIN)/python tools/browser.py --install >/dev/null || true
	@$(PYTEST) -m "not second_engine and not sweep" $(ARGS)

sweep: setup  ## Run the long tests: many seeds, every wrong model of the proofs, each benchmark
	@$(BIN)/python -m tlacheck.engine install --version all --if-missing >/dev/null
	@$(PYTEST) -m "sweep and not second_engine" $(ARGS)

inspect: setup  ## Show a trace, by default the latest: make inspect T=traces/... (ARGS for more options)
	@$(BIN)/tlacheck inspect $(T) $(ARGS)

mutants: setup  ## Show that the checks catch seeded bugs (PROTOCOL=raft for one protocol)
	@set -e; for p in $(PROTOCOL); do $(BIN)/tlacheck mutants --of property_tests.$$p $(ARGS); done

chaos: setup  ## Kill, stop and cut the nodes of a real cluster, and judge what they did (ARGS=--protocol hotstuff --seconds 60)
	@$(BIN)/python -m property_tests.chaos run --quiet --seconds 8 $(ARGS)

cluster: setup  ## Run a cluster of three nodes on this machine, until Ctrl-C (ARGS=FILE --loopback --protocol raft)
	@$(BIN)/python -m node up $(ARGS)

claims: setup  ## Check that every claim is backed by evidence (ARGS=--write, ARGS=--run)
	@$(BIN)/tlacheck claims $(ARGS)

lint: setup  ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

# The resolver uv is installed into a temporary environment; see tools/lock.py.
lock: setup  ## Regenerate requirements/*.txt from pyproject.toml
	@$(BIN)/python tools/lock.py

bench: setup  ## Run the benchmarks, each beside its baseline
	@set -e; for b in check_rate small_models pool_rate oracle_rate oracle_memory gossip_scale coordination_flow gossip_detector graph_memory simulate_rate replay_rate \
		explore_rate validation_rate simulator_rate histories_rate shrinking guided stateful_rate raft_scale raft_core_rate machine_rate pbft_scale hotstuff_messages hotstuff_latency hotstuff_forking switch_cost; \
		do $(BIN)/python -m benchmarks.$$b $(ARGS); done

clean:  ## Remove everything that make created, the environment included
	@rm -rf .venv .verify .tlacheck .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@$(PYTHON) tools/bootstrap.py
