# Every target but help and clean first makes sure of the set-up (tools/bootstrap.py): quick when
# all is in place, silent, and without a network.

.DEFAULT_GOAL := help
.PHONY: help verify test sweep inspect mutants claims lint lock bench clean setup
MAKEFLAGS += --no-print-directory

# The Python of .venv, else the newest that really runs; if none serves, bootstrap says so.
PYTHON = $(shell for p in $(BIN)/python python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && exit; \
	done; echo python3)
BIN := .venv/bin
PYTEST = $(BIN)/python -m pytest -q -n 2 --dist loadfile
# Of which protocols `make mutants` breaks the implementation.
PROTOCOL ?= raft pbft hybrid threat vote

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

verify: setup  ## Check specs, models, replays and property tests (BUDGET=smoke for the short round; ARGS=--fresh, ARGS=--watch)
	@$(BIN)/tlacheck verify $(if $(BUDGET),--budget $(BUDGET)) $(ARGS)

test: setup  ## Run the tests but for the long ones (ARGS=-m second_engine: those that CI repeats on the older TLC)
	@$(BIN)/python -m tlacheck.engine install --version all --if-missing >/dev/null
	@$(BIN)/python tools/browser.py --install >/dev/null || true
	@$(PYTEST) -m "not second_engine and not sweep" $(ARGS)

sweep: setup  ## Run the long tests: many seeds, every wrong model of the proofs, each benchmark
	@$(BIN)/python -m tlacheck.engine install --version all --if-missing >/dev/null
	@$(PYTEST) -m "sweep and not second_engine" $(ARGS)

inspect: setup  ## Show a trace, by default the latest: make inspect T=traces/... (ARGS for more options)
	@$(BIN)/tlacheck inspect $(T) $(ARGS)

mutants: setup  ## Show that each check can fail: run it on protocols broken on purpose
	@set -e; for p in $(PROTOCOL); do $(BIN)/tlacheck mutants --of property_tests.$$p $(ARGS); done

claims: setup  ## Look whether the documents' claims have their evidence (ARGS=--write, ARGS=--run)
	@$(BIN)/tlacheck claims $(ARGS)

lint: setup  ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

# uv, which resolves, lives in an environment of its own for the while; see tools/lock.py.
lock: setup  ## Remake requirements/*.txt from pyproject.toml
	@$(BIN)/python tools/lock.py

bench: setup  ## Measure, each benchmark beside its baseline
	@set -e; for b in check_rate pool_rate oracle_rate oracle_memory graph_memory simulate_rate replay_rate \
		explore_rate validation_rate simulator_rate histories_rate shrinking guided stateful_rate raft_scale raft_core_rate machine_rate pbft_scale switch_cost; \
		do $(BIN)/python -m benchmarks.$$b $(ARGS); done

clean:  ## Remove what make made here, the environment included
	@rm -rf .venv .verify .tlacheck .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@$(PYTHON) tools/bootstrap.py
