# Each target works on a fresh machine with Python 3.11 to 3.13; what is there already is not made again.
#   make demo      the main job on the built-in retail sample
#   make serve     the dashboard on http://127.0.0.1:8050        (CONFIG=configs/<name>.yaml)
#   make test      the tests                                     (ARGS="-k store")
#   make test-system   those with servers of their own: browser, PostgreSQL, S3, Dask, killed processes
#   make lint      style and types
#   make gate      a small job from data to forecasts: `check data`, `check model`, and golden scores
#   make bench     seconds and memory of every step            (ARGS=--large)
#   make bench-serving    the REST API at 50 requests a second, and a file of 100,000 rows (ARGS=--seconds=60)
#   make bench-kills    a job that is killed at twenty moments ends as an undisturbed one
#   make bench-latency  milliseconds of one question in a warm process (ARGS="--job CONFIG" for a job of yours)
#   make bench-accuracy   errors beside those of other tools, on public data that lie beside the repository
#   make bench-response   how well known effects of price and promotion are recovered; writes docs/RESPONSE.md
#   make bench-response-real   the response on public data that lie beside the repository
#   make bench-constants  the same with constants that never saw a data set, from what bench-accuracy has kept
#   make bench-leaderboard   the place on a public leaderboard; takes long
#   make cost-model   what models cost, measured again on this machine, for the choice of `models: auto`
#   make lock      the locks again from pyproject.toml           (UPGRADE=--upgrade for newer versions)
#   make clean     throws away .venv and caches, keeps data/

export VENV ?= .venv
CONFIG ?= configs/demo.yaml
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

# Where pip is set up for a package index and certificates of its own, uv takes them under other names.
export UV_SYSTEM_CERTS ?= true
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

# An environment for development serves for running as well; the runtime lock alone would take the tests' packages away again.
DEV := $(VENV)/.dev
RUN := $(or $(wildcard $(DEV)),$(VENV)/.run)

.PHONY: demo serve test test-system gate lint bench bench-features bench-serving bench-kills bench-latency bench-accuracy bench-response bench-response-real bench-constants bench-leaderboard cost-model lock clean
.DEFAULT_GOAL := demo

$(VENV)/.run: requirements.lock pyproject.toml scripts/venv.sh
	@scripts/venv.sh requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml scripts/venv.sh
	@scripts/venv.sh requirements-dev.lock
	@touch $@

demo: $(RUN)
	@demandcast run configs/demo.yaml
	@echo "To look at it: make serve, then open http://127.0.0.1:8050"

serve: $(RUN)
	@demandcast serve $(CONFIG)

# Bytecode is kept, whatever the environment says: each process would compile all modules and all tests again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

# A process of pytest-xdist has about one core, and most frames of tests are small: more threads of Polars would hand
# them to each other. The tests of the system have all threads, so that rows come in any order there. There is a process
# more than cores, as some tests wait for a server.
test: $(DEV)
	@POLARS_MAX_THREADS=$${POLARS_MAX_THREADS:-1} PYTEST_XDIST_AUTO_NUM_WORKERS=$${PYTEST_XDIST_AUTO_NUM_WORKERS:-$$(($$(getconf _NPROCESSORS_ONLN) + 1))} \
		$(PYTEST) -m "not system" $(ARGS)

test-system: $(DEV)
	@scripts/installed.sh chromium "the page tests" "$${CHROMIUM:-chromium}" chromium-browser google-chrome
	@scripts/installed.sh postgresql "the tests of the source sql" initdb "/usr/lib/postgresql/*/bin/initdb"
	@$(PYTEST) -m system $(ARGS)

# A small job from data to forecasts in a folder of its own, its checks, and the scores that others measured.
gate: $(DEV)
	@rm -rf build/gate && mkdir -p build/gate
	@$(BIN)/demandcast sample --out build/gate --stores 2 --items 5 --days 500 >/dev/null
	@cd build/gate && demandcast check data sample.yaml && demandcast run sample.yaml --set 'models=["ladder",{"lightgbm":{"trees":60}}]' \
		&& demandcast check model sample.yaml
	@$(BIN)/python -m pytest tests/test_golden.py $(ARGS)

lint: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(RUN)
	@$(BIN)/python -m benchmarks.speed $(ARGS)

bench-features: $(RUN)
	@$(BIN)/python -m benchmarks.features $(ARGS)

bench-serving: $(RUN)
	@$(BIN)/python -m benchmarks.serving $(ARGS)

bench-kills: $(RUN)
	@$(BIN)/python -m benchmarks.kills $(ARGS)

bench-latency: $(DEV)
	@$(BIN)/python -m pytest -o addopts= -q --timeout 0 --benchmark-columns median,min,max,rounds --benchmark-sort name benchmarks/latency $(ARGS)

bench-accuracy: $(RUN)
	@$(BIN)/python -m benchmarks.accuracy $(ARGS)

bench-response: $(RUN)
	@$(BIN)/python -m benchmarks.response $(ARGS)

bench-response-real: $(RUN)
	@$(BIN)/python -m benchmarks.response --real $(ARGS)

bench-constants: $(RUN)
	@$(BIN)/python -m benchmarks.constants $(ARGS)

cost-model: $(RUN)
	@$(BIN)/python -m benchmarks.cost_model $(ARGS)

# The package that scores needs versions of others that this project cannot have.
FEV := $(VENV)/fev/.done
SCORER := benchmarks/leaderboard/requirements

$(FEV): $(SCORER).lock scripts/fev.sh | $(RUN)
	@scripts/fev.sh
	@touch $@

bench-leaderboard: $(RUN) $(FEV)
	@$(BIN)/python -m benchmarks.leaderboard --fev-python $(VENV)/fev/bin/python $(ARGS)

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(UPGRADE)

lock: $(DEV)
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@$(COMPILE) pyproject.toml --extra server --extra telemetry --constraint requirements.lock --output-file requirements-server.lock
	@$(COMPILE) pyproject.toml --extra test --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) $(SCORER).in --output-file $(SCORER).lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find forecasting flows dashboard tests -name __pycache__ -prune -exec rm -rf {} +
