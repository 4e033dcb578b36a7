# Each target does its own set-up: a virtual environment in .venv, made from the lock with hashes.

# The first interpreter that is new enough and can make a virtual environment; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$p"; break; }; done)

# The policy folder that `make run` serves and `make check` checks.
POLICIES ?= policies
# Further arguments of the command behind a target: make test ARGS="-k roles -n0"
ARGS ?=
# make lock UPGRADE=1 takes newer releases; otherwise the pins that still fit stay.
UPGRADE ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# A lock names everything, so nothing is resolved again: a resolver could find a release newer than the lock.
LOCKED := --no-deps --require-hashes --only-binary :all:

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test check bench fmt lock clean

help: ## show these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

run: $(VENV)/ready ## serve the demo on 127.0.0.1 (POLICIES=folder)
	@ROLEWARDEN_POLICIES="$(POLICIES)" $(BIN)/rolewarden serve --demo $(ARGS)

demo: $(VENV)/ready ## the same with a small EHR beside it, and what to click
	@ROLEWARDEN_POLICIES="$(POLICIES)" PYTHONPATH=clients/python $(BIN)/python -m examples.ehr.demo

test: $(VENV)/ready ## run all tests (ARGS="-k name", ARGS=--cov)
	@tests/system.sh
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 $(ARGS)

check: $(VENV)/ready ## lint, format, types, import rules, and the shipped policy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/rolewarden check "$(POLICIES)"

bench: $(VENV)/ready ## run the benchmarks
	@$(BIN)/python -m bench $(ARGS)

fmt: $(VENV)/ready ## format the code and mend what can be mended
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

# --- dependencies ---

# One resolution for every Python and platform, wheels alone. The smaller locks take their versions from the larger.
RESOLVE = $(BIN)/uv pip compile --quiet --no-config --universal --generate-hashes --only-binary :all: \
	--annotation-style line --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

lock: $(VENV)/resolver ## resolve the dependencies again (UPGRADE=1 for newer releases)
	@cp -p requirements/dev.txt $(VENV)/dev.txt
	@$(RESOLVE) --group lock -o requirements/lock.txt
	@$(RESOLVE) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	@$(RESOLVE) pyproject.toml --extra setup --extra postgresql -c requirements/dev.txt -o requirements/setup.txt
	@$(RESOLVE) pyproject.toml -c requirements/dev.txt -o requirements/check.txt
	@$(RESOLVE) --group build -c requirements/dev.txt -o requirements/build.txt
	@! grep -nE '://|file:|^ *-(i|f|-index|-extra-index|-find-links)' requirements/*.txt \
		|| { echo 'a lock must name no address' >&2; exit 1; }
	@! cmp -s $(VENV)/dev.txt requirements/dev.txt || touch -r $(VENV)/dev.txt requirements/dev.txt

# --- the virtual environment ---

# A changed lock makes a new environment, so that nothing stays behind from the old one.
$(VENV)/locked: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo 'no Python found: 3.11 or newer is needed, with its venv module' \
		'(Debian: apt-get install python3 python3-venv)' >&2; exit 1; }
	@echo "making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(PIP) install $(LOCKED) -r requirements/dev.txt
	@touch $@

# The project itself, in place; its build backend came with the lock.
$(VENV)/ready: $(VENV)/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/resolver: $(VENV)/locked requirements/lock.txt
	@$(PIP) install $(LOCKED) -r requirements/lock.txt
	@touch $@

clean: ## remove what the targets made
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
