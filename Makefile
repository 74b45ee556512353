# Two commands do everything: `make demo` and `make test`. The rest is for whoever works on migrawatch.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOR ?=
N ?= 240
SEED ?= 1

.PHONY: help demo test lint bench drills install servers roots clean

help:
	@echo "make demo [FOR=60s]      a miniature MigraTeck on loopback: it breaks, the page comes, it recovers"
	@echo "make test                everything that must hold: lint, types, layers, tests, the lab's faults"
	@echo "make lint                ruff, mypy, import contracts"
	@echo "make bench               probes per CPU second against blackbox_exporter, into bench.json"
	@echo "make drills N=240 SEED=1 every fault and pair through the daemon, into drills.json"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml tests/prepare-python
	tests/prepare-python $(PYTHON) $(VENV)
	@touch $@

servers:
	tests/prepare-servers

# Before the tests, so that none of them waits for it.
roots: install servers
	$(BIN)/python -m tests.lab build

demo: install
	@$(BIN)/migrawatch demo $(if $(FOR),--for $(FOR))

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install servers lint roots
	$(BIN)/python -m pytest -n 3 --dist loadfile

bench: install servers
	$(BIN)/python -m bench --check

drills: install servers roots
	$(BIN)/python -m tests.drills --number $(N) --seed $(SEED)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
