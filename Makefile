# `make demo` and `make test` set up what they need; a second run installs nothing.
PYTHON ?= python3
LOWEST ?= /usr/bin/python3
BIN := .venv/bin
ARGS ?=
BASE_IMAGE ?= python:3.12-slim
# tests/support/workers.py says how many processes run the tests, and which tests share one.
SPREAD := --numprocesses auto --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-evidently install-lab install-mlflow install-test demo test test-quick test-evidently test-mlflow test-sdk2 test-lowest test-sanitizers test-browser test-image image audit lint format lab slides kernel notebooks pictures retrain environment preflight deploy down bench bench-baseline bench-capacity bench-capture bench-drift bench-ensembles bench-fleet bench-fleet-artifact bench-quality bench-reading bench-rounds bench-scale bench-search bench-serving bench-status bench-local bench-wide constraints clean

help: ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | column -t -s "$$(printf '\t')"

# One installation at a time. Each purpose has its own stamp, and installs only what is missing.
LOCKED = @PYTHONPATH=src $(PYTHON) -m commands.running.lock .install.lock

install: ## create .venv with what the demo needs, at the versions in constraints.txt
	$(LOCKED) $(MAKE) --silent .venv/installed-demo

install-lab: ## the same, plus JupyterLab
	$(LOCKED) $(MAKE) --silent .venv/installed-lab

install-mlflow: ## the same as for the demo, plus MLflow
	$(LOCKED) $(MAKE) --silent .venv/installed-mlflow

install-test: ## the same, plus what the tests need
	$(LOCKED) $(MAKE) --silent .venv/installed-test

.venv/installed-%: constraints.txt pyproject.toml container/pyproject.toml $(wildcard container/tabular/*/native/*.[ch] container/tabular/*/*/native/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; set PYTHON to a newer one.")'
	@PYTHONPATH=src $(PYTHON) -m commands.install $*
	@touch $@

# An environment of its own, for what cannot be beside the project's packages: src/commands/install.py says what and why.
.venv-%/installed: src/commands/install.py
	@PYTHONPATH=src $(PYTHON) -m commands.install $*
	@touch $@

install-evidently: .venv-evidently/installed ## what `many-models monitor --evidently` needs, in an environment of its own

# `exec`, because make ends only its own child when it is stopped: with some ARGS that would be a shell.
demo: install ## run the five notebooks on this machine, with parameters/local.yaml
	exec $(BIN)/many-models run parameters/local.yaml $(ARGS)

test: install-test lint .venv-checkov/installed ## run every test, on all cores
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

test-quick: install-test ## run the tests that start no server and take no seconds, in about a minute
	$(BIN)/python -m pytest $(SPREAD) -m quick $(ARGS)

test-sdk2: install-test .venv-sdk2/installed ## compile a pipeline with version 2 of the SageMaker SDK and compare it with the stored one
	$(BIN)/python -m pytest tests/local_aws/services/test_projects.py -k version_2 $(ARGS)

test-evidently: install-test install-evidently ## let Evidently make a page about a model
	$(BIN)/python -m pytest tests/commands/reporting/test_evidently.py $(ARGS)

test-mlflow: install-test install-mlflow ## record executions in a real MLflow store
	$(BIN)/python -m pytest tests/helpers/runs/test_tracking.py $(ARGS)

test-lowest: ## test the last commit of server and local_aws with LOWEST, such as Debian 12's Python 3.11.2
	@rm -rf build/lowest && git clone --quiet --no-hardlinks . build/lowest
	@$(MAKE) --silent --directory build/lowest install-test PYTHON=$(LOWEST)
	cd build/lowest && $(BIN)/python -m pytest $(SPREAD) tests/container/serving tests/container/portable tests/local_aws -m "not slow" $(ARGS)

# Leaks are not looked for, because Python itself leaves memory at its end.
SANITIZED := build/sanitized
SANITIZERS = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PYTHONPATH=$(SANITIZED)

test-sanitizers: install-test ## test the C files with gcc's address and undefined behaviour sanitizers, on all cores
	@rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r container/tabular container/launcher $(SANITIZED)
	@find $(SANITIZED) -name '*.so' -delete
	@for module in $$(cd $(SANITIZED) && find tabular -name '*.c'); do \
		gcc -shared -fPIC -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -ffp-contract=off \
		-I"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" $(SANITIZED)/$$module \
		-o $(SANITIZED)/$${module%.c}"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')" \
		|| exit 1; done
	@$(SANITIZERS) $(BIN)/python -c 'from tabular.portable.native import csv_rows, predict, trees; from tabular.data.files.native import csv_columns; from tabular.data.values.native import counts, plain_cells, texts; assert "$(SANITIZED)" in trees.__file__ and "$(SANITIZED)" in plain_cells.__file__'
	$(SANITIZERS) FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-40} $(BIN)/python -m pytest $(SPREAD) -p no:cacheprovider tests/container/portable/test_trees.py tests/container/portable/test_predict.py tests/container/portable/test_ensemble.py tests/container/portable/test_model.py tests/container/serving/test_codec.py tests/container/data/decisions/many tests/container/data/files/test_csv_parts.py tests/container/data/doubts/test_repetitions.py $(ARGS)

test-browser: install-lab install-test .venv-browser/installed ## open and run the notebooks in JupyterLab and a real Chromium
	$(BIN)/python -m pytest tests/helpers/pipeline/test_slow_imports.py # which need what JupyterLab installs
	.venv-browser/bin/python -m pytest tests/browser -m browser --confcutdir tests/browser $(ARGS)

test-image: install-test ## build the image with a real Docker engine and run everything in it
	$(BIN)/python -m pytest tests/image -m image $(ARGS)

image: install ## build the image with Docker, on any BASE_IMAGE; make image ENV=dev builds and pushes it
	@$(BIN)/many-models image $(if $(ENV),--env "$(ENV)",--base "$(BASE_IMAGE)") $(ARGS)

audit: install .venv-audit/installed ## look up known vulnerabilities in the versions in constraints.txt
	@$(BIN)/python tests/image/audit.py .venv-audit/bin/pip-audit

lint: install-test ## check the style of code and notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: install-test ## format code and notebooks
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Links to README and docs show pages, not their source; and JupyterLab does not ask about news.
LAB_SETTINGS = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}}, \
	"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}

lab: install-lab ## open the notebooks in JupyterLab, with the whole project beside them
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '$(LAB_SETTINGS)' > .venv/share/jupyter/lab/settings/overrides.json
	exec $(BIN)/jupyter lab --notebook-dir=. --FileContentsManager.preferred_dir=notebooks $(ARGS)

SLIDES := --to slides --no-prompt --output-dir $(or $(INTO),runs/slides) \
	--TemplateExporter.extra_template_basedirs=src/commands/notebooks --template slides \
	--SlidesExporter.reveal_scroll=True --SlidesExporter.reveal_width=1280 --SlidesExporter.reveal_height=760

slides: install-lab ## make slides of the notebooks, with their stored outputs, in runs/slides
	$(BIN)/jupyter nbconvert $(SLIDES) $(ARGS) notebooks/*.ipynb

kernel: install ## register .venv as the kernel "Many models" of a Jupyter that is installed elsewhere, such as Studio's
	$(BIN)/python -m ipykernel install --user --name many-models --display-name "Many models"

notebooks: install ## run the notebooks and store their outputs in notebooks/
	$(BIN)/many-models store

pictures: install ## make the pictures in the README, from the stored notebooks and a new run; needs Chromium
	PYTHONPATH=tests $(BIN)/python -m browser.pictures

retrain: install ## compile and run the pipeline on AWS as a scheduler does, with parameters/schedule.yaml, without approving a model
	exec $(BIN)/many-models run parameters/schedule.yaml --only 02 --only 03 $(ARGS)

# Comes before `install`, so a missing ENV is reported before anything is installed.
environment:
	@test -n "$(ENV)" || { echo "ENV is not set; give the name of an environment in terraform/environments, such as ENV=dev." >&2; exit 2; }

preflight: environment install ## check whether AWS will allow an environment: make preflight ENV=dev
	@$(BIN)/many-models preflight --env "$(ENV)" $(ARGS)

deploy: environment install ## create an environment on AWS, or update it: make deploy ENV=dev
	@$(BIN)/many-models up --env "$(ENV)" $(ARGS)

down: environment install ## delete an environment on AWS, after a list and a question: make down ENV=dev
	@$(BIN)/many-models down --env "$(ENV)" $(ARGS)

bench: install-test ## measure the demo and print where the time goes
	PYTHONPATH=tests $(BIN)/python -m bench.demo

bench-serving: install-test ## compare the model server with its peers; needs wrk and Java
	PYTHONPATH=tests $(BIN)/python -m bench.serving.peers

bench-status: install-test ## measure `many-models status` with 1,000 models
	PYTHONPATH=tests $(BIN)/python -m bench.scale.status

bench-local: install-test ## measure local_aws: start, a step, a tuning step, a function's URL, the demo
	PYTHONPATH=tests $(BIN)/python -m bench.local
	PYTHONPATH=tests $(BIN)/python -m bench.serving.function_url $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m bench.demo

bench-baseline: install-test ## compare the winner of a search with a plain baseline
	PYTHONPATH=tests $(BIN)/python -m bench.searching.baseline $(ARGS)

bench-capacity: install-test ## compare the capacity simulation with a local endpoint of 200 models
	PYTHONPATH=tests $(BIN)/python -m bench.serving.capacity $(ARGS)

bench-capture: install-test ## measure what capturing requests costs them
	PYTHONPATH=tests $(BIN)/python -m bench.serving.capture $(ARGS)

bench-drift: install-test ## measure the check for drift: false alarms, what it catches, a thousand models
	PYTHONPATH=tests $(BIN)/python -m bench.tables.drift $(ARGS)

bench-quality: install-test $(addprefix .venv-bench-, tables/installed flaml/installed autogluon/installed) ## compare a search with others on real tables; hours, in pieces
	PYTHONPATH=tests $(BIN)/python -m bench.quality $(ARGS)

bench-ensembles: install-test ## measure what ensembles gain and cost, with members refitted once and with their fold models
	PYTHONPATH=tests $(BIN)/python -m bench.searching.ensembles $(ARGS)

bench-reading: install-test ## compare reading and checking a large CSV with pandas' own reading
	PYTHONPATH=tests $(BIN)/python -m bench.tables.reading $(ARGS)

bench-rounds: install-test ## compare ways to decide how many trees and epochs a model is trained for
	PYTHONPATH=tests $(BIN)/python -m bench.searching.rounds $(ARGS)

bench-fleet: install-test ## train, deploy and ask a thousand partitions of one table
	PYTHONPATH=tests $(BIN)/python -m bench.scale.fleet $(ARGS)

bench-fleet-artifact: install-test ## measure what one artifact of a whole fleet costs, up to 100,000 partitions
	PYTHONPATH=tests $(BIN)/python -m bench.scale.fleet_artifact $(ARGS)

bench-scale: install-test ## measure a thousand deployments, sweeps and executions, and scoring a million rows
	PYTHONPATH=tests $(BIN)/python -m bench.scale.deployments $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m bench.scale.scoring

bench-search: install-test ## measure what a packed search costs
	PYTHONPATH=tests $(BIN)/python -m bench.searching.packed $(ARGS)

bench-wide: install-test ## measure time and memory of long and wide tables and of many categories
	PYTHONPATH=tests $(BIN)/python -m bench.tables.wide $(ARGS)

constraints: ## update constraints.txt to the newest versions of everything that laptop and image install
	@PYTHONPATH=src $(PYTHON) -m commands.install newest
	(echo "# Exact versions, for the laptop, CI and the image. Renew with: make constraints"; \
	 .venv-constraints/bin/python -m pip freeze --exclude-editable; \
	 .venv-constraints/bin/python -m pip freeze | sed -n 's/^xgboost-cpu==/xgboost==/p') | sort -f > constraints.txt
	rm -rf .venv-constraints

clean: ## stop local_aws and remove its state, the results of runs, and caches; asks first, unless ARGS=--yes
	@PYTHONPATH=src $(or $(wildcard $(BIN)/python),$(PYTHON)) -m local_aws reset $(ARGS) --also runs build .pytest_cache .ruff_cache
