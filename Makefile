# One verb a task; each installs first what it needs, which is quick the second time.

BIN := .venv/bin
INSTALLED := .venv/.installed
PROJECTS := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
unexport PYTHONDONTWRITEBYTECODE # where it is set, each process compiles all that it imports anew, for seconds

.PHONY: help up down demo test lint contracts pages bench chaos lock clean

help: ## List the verbs.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(INSTALLED) ## Bring everything up in the foreground; DETACH=1 returns once it is ready.
	@$(BIN)/slotwire up $(if $(DETACH),--detach)

down: $(INSTALLED) ## End what `make up` started, and wait until it is gone.
	@$(BIN)/slotwire down

demo: $(INSTALLED) ## Tell a booking's whole journey on the running stack, step by step.
	@$(BIN)/slotwire demo

test: $(INSTALLED) ## Run every test, on real servers.
	@.ci/browser
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED) ## Check style, types, the layers, and that what is generated is current.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m slotwire_contracts.generate --check
	$(BIN)/python -m devstack.openapi --check
	$(BIN)/python -m pages --check
	$(BIN)/python -m slotwire_contracts.compatibility libs/contracts/schemas/baseline libs/contracts/schemas

contracts: $(INSTALLED) ## Write what the code says of its events and of its API into libs/contracts/schemas.
	$(BIN)/python -m slotwire_contracts.generate
	$(BIN)/python -m devstack.openapi

pages: $(INSTALLED) ## Write what the code and the last benchmark say into docs/operating.md and docs/scaling.md.
	$(BIN)/python -m pages

bench: $(INSTALLED) ## Measure, and write the report under bench/reports and what follows from it into docs.
	@$(BIN)/python -m bench
	@$(BIN)/python -m pages

chaos: $(INSTALLED) ## Do faults to the whole system under load, and check what it promised; SEED= and DURATION= seconds.
	@PYTHONPATH=tests $(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(DURATION),--duration $(DURATION))

lock: $(INSTALLED) ## Resolve the dependencies again into requirements.lock: versions and hashes, no addresses.
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate $(PROJECTS) --group dev $(foreach member,$(MEMBERS),--no-emit-package slotwire-$(notdir $(member))) \
	  -o requirements.lock

clean: ## Remove the environment, the stack's data and the tools' caches; refused while the stack is up.
	@python3 -I -S libs/devstack/src/devstack/lock.py .slotwire/lock || { echo "The stack is up: make down first." >&2; exit 1; }
	@if [ -L .slotwire/data/postgres ]; then rm -rf "$$(readlink .slotwire/data/postgres)"; fi
	rm -rf .venv .slotwire .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements.lock $(PROJECTS)
	@.ci/install
	@touch $@
