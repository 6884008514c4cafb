# `make demo` and `make test` set up what they need; a second run installs nothing.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
BASE_IMAGE ?= python:3.12-slim
# Over all cores, up to four; tests/support/workers.py says what stays together.
SPREAD := --numprocesses logical --maxprocesses 4 --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-lab install-test demo test test-quick test-image image audit lint format lab notebooks retrain environment preflight deploy down bench bench-baseline bench-serving bench-local constraints clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | column -t -s "$$(printf '\t')"

# One installation at a time. Each purpose has a stamp of its own, and adds what is not there yet.
LOCKED = @PYTHONPATH=src $(PYTHON) -m commands.lock .install.lock

install: ## make .venv with what the demo needs, at the versions of constraints.txt
	$(LOCKED) $(MAKE) --silent .venv/installed-demo

install-lab: ## the same, and JupyterLab
	$(LOCKED) $(MAKE) --silent .venv/installed-lab

install-test: ## the same, and what the tests need
	$(LOCKED) $(MAKE) --silent .venv/installed-test

.venv/installed-%: constraints.txt pyproject.toml container/pyproject.toml $(wildcard container/tabular/portable/native/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; set PYTHON to a newer one.")'
	@PYTHONPATH=src $(PYTHON) -m commands.install $*
	@touch $@

# Not in .venv: it pins old versions of what the project itself uses.
.venv-checkov/installed:
	@echo "Installing checkov into .venv-checkov, once."
	@$(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check checkov==3.3.30
	@touch $@

.venv-audit/installed:
	@echo "Installing pip-audit into .venv-audit, once."
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

demo: install ## run the five notebooks on this machine, with parameters/local.yaml
	$(BIN)/many-models run parameters/local.yaml $(ARGS)

test: install-test lint .venv-checkov/installed ## run every test, on all cores
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

test-quick: install-test ## run in a minute what needs no process but the tests' own
	$(BIN)/python -m pytest $(SPREAD) -m quick $(ARGS)

test-image: install-test ## build the image with a real Docker engine and run everything in it
	$(BIN)/python -m pytest tests/image -m image $(ARGS)

image: install ## build the image by Docker, on any BASE_IMAGE; make image ENV=dev builds and pushes it
	@$(BIN)/many-models image $(if $(ENV),--env "$(ENV)",--base "$(BASE_IMAGE)") $(ARGS)

audit: install .venv-audit/installed ## look up known vulnerabilities of the versions in constraints.txt
	@$(BIN)/python tests/image/audit.py .venv-audit/bin/pip-audit

lint: install-test ## check the style of code and notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: install-test ## put code and notebooks into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lab: install-lab ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

notebooks: install ## run the notebooks and store their outputs in notebooks/
	$(BIN)/many-models store

retrain: install ## compile and run the pipeline as a scheduler does, without a decision
	$(BIN)/many-models run parameters/schedule.yaml --only 02 --only 03 $(ARGS)

# First, so that nobody waits for an installation to hear of it.
environment:
	@test -n "$(ENV)" || { echo "ENV names no environment; say which of terraform/environments, such as ENV=dev." >&2; exit 2; }

preflight: environment install ## look whether AWS will let an environment work: make preflight ENV=dev
	@$(BIN)/many-models preflight --env "$(ENV)" $(ARGS)

deploy: environment install ## make an environment on AWS, or bring it up to date: make deploy ENV=dev
	@$(BIN)/many-models up --env "$(ENV)" $(ARGS)

down: environment install ## take an environment away, after a list and a question: make down ENV=dev
	@$(BIN)/many-models down --env "$(ENV)" $(ARGS)

bench: install-test ## measure the demo and print where its seconds go
	PYTHONPATH=tests $(BIN)/python -m bench.demo

bench-serving: install-test ## measure the model server beside its peers; needs wrk and java
	PYTHONPATH=tests $(BIN)/python -m bench.serving

bench-local: install-test ## measure local_aws: start, a step, a tuning step, the demo
	PYTHONPATH=tests $(BIN)/python -m bench.local
	PYTHONPATH=tests $(BIN)/python -m bench.demo

bench-baseline: install-test ## compare the winner of a search with a plain baseline
	PYTHONPATH=tests $(BIN)/python -m bench.baseline $(ARGS)

constraints: ## renew constraints.txt, with the newest versions of all that laptop and image install
	@PYTHONPATH=src $(PYTHON) -m commands.install newest
	(echo "# Exact versions, for the laptop, CI and the image. Renew with: make constraints"; \
	 .venv-constraints/bin/python -m pip freeze --exclude-editable; \
	 .venv-constraints/bin/python -m pip freeze | sed -n 's/^xgboost-cpu==/xgboost==/p') | sort -f > constraints.txt
	rm -rf .venv-constraints

clean: ## stop local_aws and remove its state, the results of runs, and caches; asks first
	-@test ! -x $(BIN)/many-models || $(BIN)/many-models local-aws reset
	rm -rf runs build .pytest_cache .ruff_cache
