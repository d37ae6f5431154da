# `make help` explains the targets. Everything lives in .venv and .local, which `make clean` removes.

# The first of these that is recent enough; PYTHON=/path/to/python names another.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python,$(shell $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
INSTALLED := .venv/installed

PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
CATEGORIES := unit spec integration properties kills faults dags system

.PHONY: help demo backfill test $(CATEGORIES:%=test-%) proof lint docs counts-proof bench-counts bench-extract faults constraints clean
.DEFAULT_GOAL := help

help: ## This text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'make test-CATEGORY   Run the tests of one category: $(CATEGORIES)'
	@echo
	@echo 'make demo takes ONCE=1 (stop after the counts), DATA=FILE.ndjson (your documents, one a line, instead of the'
	@echo 'county), OUT=FILE.csv (every area with its counts), SIZE=20000 and SEED=1 (of the county), PORT=8080 (of the UI),'
	@echo 'COUCHDB_URL=http://login:password@host:5984 and CHT_WAREHOUSE_DSN=postgresql://… (servers of yours; better in the'
	@echo 'environment than on the command line, where other users of the machine can read it).'

demo: $(INSTALLED) ## Start everything on this machine with an invented county, show its counts, serve until Ctrl-C
	@$(BIN)/python -m demo up

backfill: $(INSTALLED) ## Fill the history of past days in the running demo: make backfill FROM=2026-01-01 TO=2026-01-31
	@test -n "$(FROM)" && test -n "$(TO)" || { echo 'Give both days: make backfill FROM=2026-01-01 TO=2026-01-31'; exit 1; }
	@$(BIN)/python -m demo backfill "$(FROM)" "$(TO)"

test: lint ## Check style and types, then run all tests, on all cores
	@$(PYTEST)

$(CATEGORIES:%=test-%): test-%: $(INSTALLED) # Run the tests of one category
	@$(PYTEST) tests/$*

proof: $(INSTALLED) ## Run the long forms of the tests, before a release: about two hours
	@CHT_SYNC_PROOF=1 $(PYTEST) tests/properties tests/kills
	@$(BIN)/python -m bench.counts_proof
	@$(BIN)/python -m tests.faults --faults 10000

lint: $(INSTALLED) ## Check style, types, imports and words
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python -m tools.words

counts-proof: $(INSTALLED) ## Try ten thousand histories of contacts, and compare every count with a plain recount (about ten minutes)
	@$(BIN)/python -m bench.counts_proof

faults: $(INSTALLED) ## Inject faults between the copy and its servers, and compare: make faults N=10000 SEED=1 (COUCHDB_URL=… too)
	@$(BIN)/python -m tests.faults $(if $(N),--faults "$(N)") $(if $(SEED),--seed "$(SEED)") $(if $(WORLD),--world "$(WORLD)")

bench-counts: $(INSTALLED) ## Measure the time to count changes among a million persons; SIZE=10m: among ten million, too (50 GB, two hours)
	@$(BIN)/python -m bench.counts $(SIZE)

docs: $(INSTALLED) ## Write docs/models.md, from the headers of the files in include/sql
	@$(BIN)/python -m tools.docs

bench-extract: $(INSTALLED) ## Measure the copy: pace, memory, a comparison; COUCHDB_URL adds a real CouchDB
	@$(BIN)/python -m bench.extract

# One file of exact versions with hashes for every Python; uv and pip both install from it.
constraints: $(INSTALLED) ## Pin the newest versions of all packages in constraints.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-annotate --no-header pyproject.toml --output-file constraints.txt

# uv, itself pinned, installs the rest several times as fast as pip; Airflow without bytecode would compile at each start.
$(INSTALLED): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11, 3.12 or 3.13 is needed: install one, or name it: make PYTHON=/path/to/python'; exit 1; }
	@echo 'Installing the packages of constraints.txt into .venv'
	@$(PYTHON) -m venv .venv || { echo 'Python cannot make a virtual environment: on Debian, apt install python3-venv'; exit 1; }
	@awk '/^[^ ]/ {on = /^uv==/} on' constraints.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	@UV_COMPILE_BYTECODE=1 UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r constraints.txt \
		|| { echo 'Trying again with pip, which knows the mirror and the certificates of pip.conf'; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@touch $@

clean: ## Remove what the targets above have made: packages, and the demo's data and secrets
	rm -rf .venv .local .pytest_cache .mypy_cache .ruff_cache
