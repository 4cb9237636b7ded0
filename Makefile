# Two commands: `make bench` (set-up and the main job), `make test` (set-up and tests). Everything happens in .venv.
.PHONY: bench test test-slow check lint types format readme clean

# The first interpreter that TensorFlow has wheels for; `make PYTHON=...` decides otherwise.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin

bench: $(VENV)/.installed
	$(BIN)/python -m bench run --all
	$(BIN)/python -m bench ensemble top3
	@echo && $(BIN)/python -m bench report --data sample
	@echo "Read it: less reports/summary.md. Your own pictures:"
	@echo "  $(BIN)/python -m bench data import path/to/folder mine   # FOLDER/CLASS/IMAGE"
	@echo "  $(BIN)/python -m bench run --all --data mine"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The other variants of each family of backbones: half an hour on two cores, after a change of their lines.
test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

check: lint types test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The results table of the committed report, between the markers of the README.
readme: $(VENV)/.installed
	$(BIN)/python -m bench report --embed README.md

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found. Install one, or give it: make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt Makefile
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lite]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
