# Every target makes its own environment first (tools/venv.sh); nothing else has to be installed or activated.
#   make rehearse ARGS="--speed 120"      extra arguments for the command
#   make unit ARGS="-k tools -x"          or for pytest
#   make PYTHON=/path/to/python3 test     another interpreter (3.11 or later)

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv rehearse down test lint types contracts unit tools integration prove mutants lock clean

export PYTHON
BIN := .venv/bin
PY := $(BIN)/python
TIER := sh tools/tier.sh
PYTEST := $(PY) -m pytest -q -rs --durations=10
WORKERS ?= 2
ARGS ?=
# One file per call of `make test`; the tiers append their times to it.
export TIERS

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

venv:
	@sh tools/venv.sh </dev/null

rehearse: venv ## the whole product on this machine: three cells, two worlds, traffic, figures (stays up; see `make down`)
	@$(BIN)/twain rehearse up $(ARGS)

down: ## ends this checkout's rehearsal
	@if [ -x $(BIN)/twain ]; then $(BIN)/twain rehearse down $(ARGS); else echo "nothing was set up here"; fi

test: venv ## all checks: lint, types, import contracts, unit tests, then integration tests on one shared rehearsal
	@mkdir -p .make; times=$$PWD/.make/tiers.$$$$; : >"$$times"; code=0; \
	for tier in lint types contracts unit tools integration; do \
		$(MAKE) TIERS="$$times" $$tier || { code=$$?; break; }; \
	done; \
	printf '\n'; cat "$$times"; rm -f "$$times"; exit $$code

lint: venv ## ruff: rules and format
	@$(TIER) lint $(BIN)/ruff check .
	@$(TIER) format $(BIN)/ruff format --check .

types: venv ## basedpyright, strict
	@$(TIER) types $(BIN)/basedpyright

contracts: venv ## import contracts
	@$(TIER) contracts $(BIN)/lint-imports

unit: venv ## everything that needs no tool and no rehearsal
	@$(TIER) unit $(PYTEST) tests --ignore=tests/integration -m "not prove" -n $(WORKERS) $(ARGS)

tools: venv ## the pinned commands: found, or built once (about ten minutes)
	@$(TIER) tools $(PY) -m rehearsal.tools

integration: venv ## the real engine and real control planes, on one shared rehearsal
	@$(TIER) integration $(PYTEST) tests/integration -m "not prove" -n $(WORKERS) --dist loadgroup $(ARGS)

prove: venv ## full sizes: every kill point, race and fuzz case; resumable; writes docs/proof/*.json
	@HYPOTHESIS_PROFILE=prove $(TIER) prove $(PY) -m pytest -q -rs -m prove -o faulthandler_timeout=0 tests $(ARGS)

mutants: venv ## breaks the code on purpose, one patch at a time: each must turn its named test red
	@$(TIER) mutants $(PY) tests/mutants/run.py $(ARGS)

lock: ## writes requirements.lock again from pyproject.toml (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "uv is needed for this. Fix: pipx install uv" >&2; exit 2; }
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --output-file requirements.lock --quiet $(ARGS)

clean: ## ends the rehearsal, removes the environment and all caches in the checkout (built tools stay)
	@$(MAKE) down
	@rm -rf .venv .make .pytest_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
