# Each target sets everything up by itself: it needs Python 3.11, make and git.
# uv is used where it is on the PATH, pip otherwise; neither resolves anything, both
# install exactly what requirements.lock pins.

.DEFAULT_GOAL := help
.PHONY: help setup demo apps test cover test-all check fix bench docs lock clean
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KERNELS := $(VENV)/.kernels
PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
UV := $(shell command -v uv)

help:  ## show this list
	@echo "Medhavi. Each command installs what it needs first (once)."
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) $(KERNELS)  ## install the locked packages and the project into .venv

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found. Install Python 3.11 or say make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Medhavi needs Python 3.11 or newer; $(PYTHON) is older. Say make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@if [ -n "$(UV)" ]; then "$(UV)" venv -q --python "$(PYTHON)" $(VENV); \
	  else "$(PYTHON)" -m venv $(VENV); fi

# The stamp is older than the lock after every change of it: then, and only then, again.
$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.lock (once; 2 GB, some minutes)"
	@if [ -n "$(UV)" ]; then \
	  "$(UV)" pip install -q --python $(BIN)/python --require-hashes --no-deps -r requirements.lock && \
	  "$(UV)" pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock && \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $(STAMP)

# Compiled here, in one process: nobody waits for it later, and tests do not race for it.
$(KERNELS): $(STAMP) $(wildcard medhavi/planners/kernels/*.py medhavi/planners/kernels/*/*.py)
	@echo "Compiling the planning kernels (once; a few minutes)"
	@$(BIN)/python -m medhavi.planners.compile_kernels
	@touch $(KERNELS)

demo: $(KERNELS)  ## the demo company: generate, mirror, plan, verify, report
	@$(BIN)/medhavi demo

apps: $(KERNELS)  ## serve the apps and notebooks on this machine
	@$(BIN)/medhavi serve

# Both cores: a worker takes from the other when it runs out of tests.
WORKERS := -n auto --maxprocesses 4 --dist worksteal

# Many tests start a process: without bytecode each compiles all it imports.
test cover test-all: export PYTHONDONTWRITEBYTECODE :=

test: $(KERNELS)  ## tests
	$(BIN)/python -m pytest -q $(WORKERS)

# Tracing branches doubles the time of a test, so it is a command of its own.
TRACED := tests/planners tests/providers tests/results tests/snapshot tests/optimize \
  tests/service tests/workbench/test_plan_edits.py

cover: $(KERNELS)  ## coverage of what makes the numbers, with its gates
	$(BIN)/python -m pytest -q $(WORKERS) --cov --cov-report= $(TRACED)
	$(BIN)/python tools/coverage_gate.py

test-all: $(KERNELS)  ## the same and the long ones
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -q $(WORKERS) -m "" --cov --cov-report=
	$(BIN)/python tools/coverage_gate.py

check: $(STAMP)  ## format, lint, types, import arrows, notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/check_notebooks.py

fix: $(STAMP)  ## repair style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(KERNELS)  ## measure; writes docs/performance.md
	@$(BIN)/medhavi bench

docs: $(STAMP)  ## write the generated pages of docs/
	$(BIN)/python -m tools.write_docs

lock: $(STAMP)  ## resolve requirements.lock anew (needs uv)
	"$(UV)" pip compile -q pyproject.toml --all-extras --group dev --python $(BIN)/python \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links -o requirements.lock

clean:  ## remove what tools wrote (not .venv, not your data)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov dist build
