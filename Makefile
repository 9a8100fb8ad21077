# The developer's day. `make build` and `make test` start from nothing but Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch first and on its own: this version has a CPU build, a plain range pulls gigabytes of CUDA.
TORCH := torch==2.13.0

.PHONY: build test coverage check fast long bench schemas lock clean

build: $(VENV)/.builds  ## install what the project at this root needs into .venv/, and build it
	$(BIN)/synth build

test: $(VENV)/.fakesnow check  ## style, types, and every test
	$(BIN)/python -m compileall -q synthkit tests  # thousands of processes will read it
	$(BIN)/pytest -n 3 --dist worksteal  # on two cores: many tests wait for servers and for builds that they kill

coverage: $(VENV)/.fakesnow  ## every test with branch coverage, which takes half as long again
	$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fast: $(VENV)/.fakesnow  ## the tests that take no more than a few seconds each
	$(BIN)/pytest -q -x -m "not slow and not long"

long: $(VENV)/.fakesnow $(VENV)/.azurite  ## the tests that `make test` leaves out
	$(BIN)/pytest -m long

bench: $(VENV)/.ready  ## print every figure of benchmarks/
	$(BIN)/python -m benchmarks

schemas: $(VENV)/.ready  ## write the JSON Schemas that ship with the package, and docs/yaml.md
	$(BIN)/synth schema --write synthkit/schemas
	$(BIN)/python -m tests.keypage --write

$(VENV)/.builds: EXTRAS = train$(if $(ANTHROPIC_API_KEY),$(comma)teacher)
$(VENV)/.ready: EXTRAS = dev
comma := ,

$(VENV)/.builds $(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "$(TORCH)"
	$(BIN)/pip uninstall --quiet --yes synthkit 2>/dev/null  # the name it had before: its list of generators is an old one
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	touch $(VENV)/.builds $@  # what the tests need builds, too

# The stand-in for Snowflake wants a sqlglot of its own: it lies apart, and only its process sees it.
FAKESNOW := fakesnow==0.12.1 sqlglot==30.22.0 starlette==1.10.0 uvicorn==0.54.0

$(VENV)/.fakesnow: Makefile $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/fakesnow $(FAKESNOW)
	touch $@

# Azure's emulator is a program of Node: its tests are left out where there is no npm.
$(VENV)/.azurite: Makefile $(VENV)/.ready
	if command -v npm >/dev/null; then npm install --silent --prefix $(VENV)/azurite azurite@3.37.0; fi
	touch $@

LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 -c constraints.txt

lock: $(VENV)/.ready  ## write locks/ by pyproject.toml and constraints.txt: the same versions, with their hashes
	$(LOCK) --output-file locks/base.txt pyproject.toml
	$(LOCK) --output-file locks/all.txt --extra all pyproject.toml

clean:
	rm -rf $(VENV) target warehouse/*.duckdb .mypy_cache .ruff_cache .pytest_cache .hypothesis
