# Marquee's chores. `make` lists them; each one makes the virtual environment first where it is missing.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help demo test test-slow lint format bench screenshots lock clean

help:  ## List the chores
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Marquee needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages (about a minute)"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## Tag sample movies with everything embedded: no server, no key
	@$(BIN)/marquee demo

test: $(STAMP)  ## The whole suite, on embedded servers
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-slow: $(STAMP)  ## The long chaos and training runs
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)  ## Style, types and the arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## The benchmarks behind docs/benchmarks.md (needs the movies of ../shared/data)
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python -m benchmarks.bulk_insert
	$(BIN)/python -m benchmarks.predictor
	$(BIN)/python -m benchmarks.swap --dataset ../shared/data/val.jsonl
	$(BIN)/python -m benchmarks.api
	$(BIN)/python -m benchmarks.review

screenshots: $(STAMP)  ## Photograph the review page for docs/images (needs Chromium)
	$(BIN)/python -m scripts.screenshots docs/images

lock: $(STAMP)  ## Write constraints.txt anew from what is installed
	@{ echo '# Every package at the version that the tests ran with; `make lock` writes it anew.'; \
	   $(BIN)/python -m pip freeze --exclude-editable | sed 's/^torch==\([0-9.]*\).*/torch==\1/' | sort -f; } > constraints.txt

clean:  ## Take away what the chores made (never the data of `marquee up`)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
