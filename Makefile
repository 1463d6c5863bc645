# `make demo` and `make test` need nothing before them but Linux or macOS with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COUNTED := kamerton/networks/counted.json
LOWEST := .venv-lowest

# Python's files are compiled once, and not anew in each of the hundreds of processes that the tests begin.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test long quick slow lowest docs fuzz bench lint check clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/installed ## the whole way on a synthetic survey, into build/demo
	rm -rf build/demo
	$(BIN)/kamerton demo --out build/demo

test: $(VENV)/ready $(COUNTED) ## the tests, a file a process, but for the long ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not long" -n auto --maxprocesses 4 --dist loadfile

long: $(VENV)/ready $(COUNTED) ## notebooks, several processes, browsers and whole examples
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long -n auto --maxprocesses 4 --dist loadfile

quick: lint $(COUNTED) ## style, types and the quick tests, in less than a minute
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p tests.quick -n auto --maxprocesses 4 --dist loadfile

slow: $(VENV)/ready ## measure all tests, and write tests/slow.txt, which `quick` leaves out
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p tests.quick --write-slow -n auto --maxprocesses 4 --dist loadfile

lowest: $(LOWEST)/ready ## the quick tests with the lowest versions that pyproject.toml allows
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -q -p tests.quick --within 600 -n auto --maxprocesses 4 \
		--dist loadfile -W ignore::DeprecationWarning \
		--deselect tests/test_readme.py::test_the_tests_run_with_the_pinned_versions

docs: $(VENV)/ready ## docs/cli.md and docs/api.md, from the code
	$(BIN)/python -m docs.generate

fuzz: $(VENV)/ready ## 20,000 broken files against every reader, 1,200 hostile requests, and new examples for every property
	$(BIN)/python -m tests.fuzz --files 20000
	$(BIN)/python -m tests.serving.attacks
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile=other-examples -n auto \
		--maxprocesses 4 --dist loadfile

bench: $(VENV)/ready ## what this machine can do, and the small pieces, about 5 minutes
	$(BIN)/kamerton bench
	$(BIN)/python -m pytest benchmarks/test_pieces.py --benchmark-columns=median,min,max

lint: $(VENV)/ready ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: lint test long ## what CI runs

clean: ## remove the virtual environment and everything built
	rm -rf $(VENV) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The table of networks, as counted; the same networks give the same bytes.
$(COUNTED): $(wildcard kamerton/networks/*.py) | $(VENV)/ready
	$(BIN)/python -m kamerton.networks.table

# What a user's commands need. The demo waits for no tool of developers, which are three times as large.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kamerton needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[explain,labels,starts,web]'
	touch $@

$(VENV)/ready: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Old libraries warn of newer ones that they need, so a warning is no error there.
$(LOWEST)/ready: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
		| sed 's/>=/==/' > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/constraints.txt -e '.[dev]'
	touch $@
