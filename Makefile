# `make` alone lists the targets. Every target sets up what it needs, on a machine that has only Python 3.11.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := .venv-peers
LOWEST := .venv-lowest
WINDOWS := .venv-windows
LOCK := requirements.lock

# The lock is compiled for 3.11, so that one is tried first; give PYTHON=… to choose another.
PYTHON := $(or $(PYTHON),$(shell for name in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done))
UV := $(shell command -v uv 2>/dev/null)
# The locked one serves where the machine has none.
ANY_UV := $(or $(UV),$(BIN)/uv)
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
ARGS ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Options go in ARGS, as in: make run ARGS='train --force'"

# --- set-up -----------------------------------------------------------------------------------------------------

.PHONY: install
install: $(STAMP) ## make .venv with everything, at the locked versions

# PYTHONDONTWRITEBYTECODE may be set on this machine. Without compiled bytecode every import costs 2.5 times as much,
# so it is compiled here, whatever the variable says.
$(STAMP): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it, or give PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Installing into $(VENV) (a few minutes the first time)"
ifdef UV
	@test -x $(BIN)/python || uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	@uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --requirement $(LOCK)
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
		{ echo "try: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --no-compile --no-deps --require-hashes --requirement $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	@# Some packages ship templates that are no Python; those cannot be compiled and need not be.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
endif
	@$(BIN)/python -m compileall -q src
	@touch $@

.PHONY: lock
lock: $(STAMP) ## compile requirements.lock anew from pyproject.toml
	@$(ANY_UV) pip compile --quiet --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o $(LOCK) $(ARGS)
	@$(ANY_UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		benchmarks/peers.in -o benchmarks/peers.txt $(ARGS)
	@git --no-pager diff --stat -- $(LOCK) benchmarks/peers.txt

# --- use --------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(STAMP) ## run the example pipeline: six notebooks over the flights of 2013
	@$(BIN)/nightbook run $(ARGS)

.PHONY: lab
lab: $(STAMP) ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --ip 127.0.0.1 --LabApp.default_url=/lab/tree/notebooks \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

.PHONY: ui
ui: $(STAMP) ## open the review app on this project's runs
	@$(BIN)/nightbook ui $(ARGS)

# --- development ------------------------------------------------------------------------------------------------

# Tests write databases and notebooks by the thousand: in memory, where there is room, they wait for no disk.
IN_MEMORY := $(shell test "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 8000000 2>/dev/null && \
	echo PYTEST_DEBUG_TEMPROOT=/dev/shm)

.PHONY: test
test: $(STAMP) ## run the tests
	@$(IN_MEMORY) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## run the tests and show which lines they miss
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

.PHONY: test-lowest
test-lowest: $(STAMP) ## run the unit tests with the lowest versions that pyproject.toml allows
	@$(ANY_UV) venv --quiet --clear --python $(BIN)/python $(LOWEST)
	@$(ANY_UV) pip install --quiet --python $(LOWEST)/bin/python --compile-bytecode --resolution lowest-direct \
		--requirement pyproject.toml --all-extras
	@$(ANY_UV) pip install --quiet --python $(LOWEST)/bin/python --no-deps --no-build-isolation --editable .
	@$(LOWEST)/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(LOWEST_TESTS) $(ARGS)

# CPython for Windows, under Wine; needs Debian's wine, wine64, gcc-mingw-w64-x86-64-win32 and mingw-w64-x86-64-dev.
$(WINDOWS)/.installed: $(STAMP) $(wildcard tests/windows/*.txt) tests/windows/install.sh
	@tests/windows/install.sh $(WINDOWS)
	@touch $@

.PHONY: test-windows
test-windows: $(WINDOWS)/.installed ## run the commands with Python for Windows, under Wine; not part of CI
	@TEST_WINDOWS=$(WINDOWS) $(IN_MEMORY) $(BIN)/python -m pytest tests/windows $(ARGS)

# What touches other libraries, and is quick; MLflow embedded, by HTTP and on PostgreSQL; one real pipeline with papermill,
# MLflow and reports. Browsers and killed processes add nothing to the question.
LOWEST_TESTS := $(addprefix tests/,notebooks settings pipelines runs/report cli) -m "not slow and not browser" \
	$(addprefix tests/runs/test_,tracking.py own_mlflow.py kernel_process.py publish.py) \
	tests/end_to_end/test_pipeline.py::test_every_run_stands_in_mlflow_below_its_pipeline \
	tests/end_to_end/test_outputs.py::test_what_a_kernel_shows_while_nobody_listens_is_not_lost

.PHONY: lint
lint: $(STAMP) ## style, format, layers, notebooks without outputs
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@said=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$said"; exit 1; }; echo "import-linter: $$(tail -n 1 <<<"$$said")"
	@git ls-files -z 'notebooks/*.ipynb' 'templates/*.ipynb' | xargs -0 --no-run-if-empty $(BIN)/nbstripout --keep-id --verify
	@echo "nbstripout: $$(git ls-files 'notebooks/*.ipynb' 'templates/*.ipynb' | wc -l) notebooks without outputs"

.PHONY: types
types: $(STAMP) ## check types, strictly
	@$(BIN)/mypy

.PHONY: docs
docs: $(STAMP) ## build the documentation into site/
	@# Not --quiet, with which --strict counts no warning.
	@said=$$($(BIN)/mkdocs build --strict --site-dir site 2>&1) || { echo "$$said"; exit 1; }
	@echo "mkdocs: $$(find site -name '*.html' | wc -l) pages in site/"

.PHONY: check
check: lint types docs test-lowest ## everything that CI runs beyond the tests

.PHONY: bench
bench: $(STAMP) $(PEERS)/.installed ## measure us and the peers in one run
	@$(BIN)/python benchmarks/run.py --peers $(PEERS) $(ARGS)

# The peers have an environment of their own: their dependencies are not ours.
$(PEERS)/.installed: benchmarks/peers.txt $(STAMP)
	@$(ANY_UV) venv --quiet --clear --python $(BIN)/python $(PEERS)
	@$(ANY_UV) pip install --quiet --python $(PEERS)/bin/python --compile-bytecode --require-hashes --requirement benchmarks/peers.txt
	@touch $@

.PHONY: clean
clean: ## remove caches and what was built; keeps .venv, runs and data
	@rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist site $(LOWEST)
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## also remove .venv
	@rm -rf $(VENV) $(PEERS) $(WINDOWS)
