# Everything that these commands install lies inside the clone: .venv, node_modules, .cache.
# `make test` also installs Debian's Chromium and PostgreSQL by apt where it may.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
NPM_BEFORE := 2026-09-25
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export npm_config_cache ?= $(CURDIR)/.cache/npm

NO_REGISTRY = { echo "The locked packages could not be installed. If the lines above speak of a connection, the package registry can't be reached: check the network, or the settings of pip, uv and npm." >&2; exit 1; }

.PHONY: help setup demo run test test-slow lint format bench docs lock system clean

help:
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## the main job on real input: notebook, Save Model, sweep; KEEP=1 leaves it running
	@$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

run: setup ## start modelyard and use it in the browser
	@$(BIN)/modelyard up --home .cache/home

setup: $(VENV)/.installed labextension/dist/.built hub/modelyard_hub/proxy/dist/.built

# pip is only used to fetch uv, which then installs the locked set, hashes checked.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "modelyard needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	@echo "Installing into $(VENV), node_modules and .cache: about a minute the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION) || $(NO_REGISTRY)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock || $(NO_REGISTRY)
	@mkdir -p labextension/dist hub/modelyard_hub/proxy/dist # built below; the editable install only needs to find them
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.installed: package-lock.json
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py npm ci --silent --no-audit --no-fund --loglevel=error || $(NO_REGISTRY)
	@touch $@

labextension/dist/.built: node_modules/.installed $(VENV)/.installed package.json tsconfig.json $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null)
	@mkdir -p .cache
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py npm run --silent build:prod >.cache/labextension.log 2>&1 || { cat .cache/labextension.log; exit 1; }
	@rm -rf $(VENV)/share/jupyter/labextensions/modelyard # the copy of the editable install
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@ln -s $(CURDIR)/labextension/dist $(VENV)/share/jupyter/labextensions/modelyard
	@touch $@

hub/modelyard_hub/proxy/dist/.built: $(VENV)/.installed $(wildcard hub/modelyard_hub/proxy/*.json hub/modelyard_hub/proxy/*.mjs)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py npm ci --silent --prefix hub/modelyard_hub/proxy --no-audit --no-fund --loglevel=error || $(NO_REGISTRY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py node hub/modelyard_hub/proxy/build.mjs
	@touch $@

# What the tests need from the system. A tier whose tool is missing says so and is skipped.
system:
	@./tools/system.sh

test: setup system ## set up everything and run the tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-slow: setup system ## the tests that take minutes
	@$(BIN)/python -m pytest -m slow $(ARGS)

lint: setup ## ruff, mypy --strict, import-linter, eslint, prettier
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy src/modelyard hub/modelyard_hub server_extension/modelyard_jupyter
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py npm run --silent lint:check

format: setup ## write everything in the one format
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/node.py npm run --silent lint:fix

bench: setup ## ours against a peer, alternating, in one run; writes .cache/bench.json
	@$(BIN)/python tests/bench/main.py $(ARGS)

docs: setup ## write the generated reference (settings, CLI, API)
	@$(BIN)/python tools/reference.py

lock: $(VENV)/.installed ## resolve requirements.lock and the npm lock files again
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --group dev pyproject.toml -o requirements.lock -q
	@npm install --package-lock-only --before=$(NPM_BEFORE)

clean: ## remove everything that was installed or built
	rm -rf $(VENV) node_modules .cache labextension/lib labextension/dist hub/modelyard_hub/proxy/dist hub/modelyard_hub/proxy/node_modules
