# Two commands do everything: `make demo` and `make test`. The rest is for whoever works on migrawatch.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What feeds the parsers: CPython 3.11, for which atheris has a wheel.
FUZZ := .fuzz
# What builds the package: pinned, and apart from what the tests need.
BUILD := .build
FOR ?=
N ?= 240
SEED ?= 1
RUNS ?= 10000000

.PHONY: help demo test lint bench drills fuzz rehearsal install servers roots deb wheel lock clean

help:
	@echo "make demo [FOR=60s]      a miniature MigraTeck on loopback: it breaks, the page comes, it recovers"
	@echo "make test                everything that must hold: lint, types, layers, tests, the lab's faults"
	@echo "make lint                ruff, mypy, import contracts"
	@echo "make bench               1,000 and 10,000 checks, 500 domains, looks per CPU second, seconds to the page"
	@echo "make drills N=240 SEED=1 every fault and pair through the daemon, into drills.json"
	@echo "make fuzz RUNS=10000000 SEED=1 so many hostile inputs to the parsers of remote bytes, into fuzz.json"
	@echo "make rehearsal           the package on a booted Debian: reboot, full disk, clock, IPv6, no DNS, upgrade under load"
	@echo "make deb, make wheel     the package for Debian 12, the wheel for pipx and uv, into dist/"
	@echo "make lock                pin the releases that both are built of anew"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml deploy/package/requirements.lock tests/prepare-python
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

deb wheel: $(BUILD)/.installed
	$(BUILD)/bin/python deploy/package/build.py $@

$(BUILD)/.installed: deploy/package/build.lock
	[ -x $(BUILD)/bin/python ] || $(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

lock: $(BUILD)/.installed
	deploy/package/lock $(BUILD)/bin/uv

test: install servers lint roots $(BUILD)/.installed
	$(BIN)/python -m pytest -n 5

bench: install servers
	$(BIN)/python -m bench --check

drills: install servers roots
	$(BIN)/python -m tests.drills --number $(N) --seed $(SEED)

fuzz: $(FUZZ)/.installed
	PYTHONPATH=.:probes $(FUZZ)/bin/python -m tests.fuzz --runs $(RUNS) --seed $(SEED)

$(FUZZ)/.installed: tests/fuzz/atheris.lock deploy/package/requirements.lock
	[ -x $(FUZZ)/bin/python ] || $(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install -q --disable-pip-version-check --require-hashes \
		-r deploy/package/requirements.lock -r tests/fuzz/atheris.lock
	@touch $@

# `make test` has the short form.
rehearsal: install servers $(BUILD)/.installed
	$(BIN)/python -m pytest -s -m "rehearsal or lab" tests/deploy/test_rehearsal.py tests/deploy/test_rehearsal_of_faults.py

clean:
	rm -rf $(VENV) $(BUILD) $(FUZZ) .mypy_cache .ruff_cache .pytest_cache .hypothesis
