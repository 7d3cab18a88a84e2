# `make` lists the targets. Everything is installed into .venv, from the hash locks.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests: one per core.
JOBS ?= auto
# More arguments for pytest, such as PYTEST_ARGS='-k deadline -n0 -x'.
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up -------------------------------------------------------------------------------------
# .venv/.filled-NAME is newer than the lock NAME that .venv was filled from. All groups fit into one
# environment: `make lock` resolves each to the versions of the groups before it.

FILLED := $(VENV)/.filled-

define NO_PYTHON
`$(PYTHON)` is not Python 3.11 or newer, which this project needs.
Name another interpreter: make PYTHON=python3.13 TARGET
endef
define NO_VENV
`$(PYTHON) -m venv` failed; its error message is above.
Debian and Ubuntu have venv in a package of its own: apt-get install python3-venv
endef
export NO_PYTHON NO_VENV

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "$$NO_PYTHON" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "$$NO_VENV" >&2; exit 1; }

# -qq: only errors. Python compiles the few modules that it imports, which is faster than all.
PIP_INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes \
    --no-compile

$(FILLED)runtime: requirements.txt | $(BIN)/python
$(FILLED)lock: requirements/lock.txt | $(BIN)/python
$(FILLED)test: requirements/test.txt $(FILLED)runtime
$(FILLED)bench $(FILLED)e2e $(FILLED)lint $(FILLED)mutate: $(FILLED)%: requirements/%.txt $(FILLED)test

$(FILLED)%:
	@echo "filling $(VENV) from $<"
	@$(PIP_INSTALL) -r $<
	@touch $@

# --- targets ------------------------------------------------------------------------------------

.PHONY: demo
demo: $(FILLED)runtime ## three builds against the emulator: completed, failed, one that removes a function
	@$(BIN)/python -m tools.demo

.PHONY: test
test: $(FILLED)test ## unit, integration and process tests, with 100 % branch coverage of src
	@rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest --numprocesses $(JOBS) --dist worksteal $(PYTEST_ARGS)
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# mypy needs the libraries that tests and benchmark import. pre-commit keeps its cache in .venv.
.PHONY: lint
lint: $(FILLED)lint $(FILLED)bench ## the hooks of .pre-commit-config.yaml, on all files (needs Node)
	PRE_COMMIT_HOME=$(VENV)/pre-commit $(BIN)/pre-commit run --all-files

.PHONY: e2e
e2e: $(FILLED)e2e ## the image in Docker, act and gitlab-ci-local (needs Docker and Node)
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/e2e

.PHONY: mutate
mutate: $(FILLED)mutate ## mutation testing: fails below 95 % killed, or 90 % in a module (20 minutes)
	$(BIN)/python -m tools.mutate

.PHONY: soak
soak: $(FILLED)runtime ## 200 waits side by side, one response in five a fault (up to 5 minutes)
	$(BIN)/python -m tools.soak

.PHONY: bench
bench: $(FILLED)bench ## measure, and write docs/performance.md, its charts and the pictures
	PYTHONPATH=src $(BIN)/python -m bench
	PYTHONPATH=src $(BIN)/python -m tools.pictures

# One resolution for every Python from 3.11 on and every system. No configuration file is read, so
# that no index or cache of one machine gets into the locks.
UV_LOCK = $(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
    --generate-hashes --custom-compile-command 'make lock'
# The packages that the locks $(1) install on every Python and system: a later lock leaves them out.
LEAVE_OUT = $$(sed -n 's/^\([a-z0-9._-]*\)==[^ ;]* \\$$/--no-emit-package=\1/p' $(1))

.PHONY: lock
lock: $(FILLED)lock ## resolve the newest versions that pyproject.toml allows, and write the locks
	$(UV_LOCK) --output-file requirements.txt pyproject.toml
	$(UV_LOCK) --output-file requirements-build.txt --group build
	$(UV_LOCK) --output-file requirements/lock.txt --group lock
	below=requirements.txt; constraints="requirements.txt requirements-build.txt"; \
	for group in test bench lint e2e mutate; do \
	    $(UV_LOCK) --output-file requirements/$$group.txt --group $$group \
	        $$(printf -- '--constraint=%s ' $$constraints) $(call LEAVE_OUT,$$below) || exit; \
	    constraints="$$constraints requirements/$$group.txt"; \
	    below="requirements.txt requirements/test.txt"; \
	done

.PHONY: clean
clean: ## remove everything that make has written
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	    build dist htmlcov mutants
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
