PYTHON ?= python3
# CI and development use one version; `make TORCH="torch==2.13.0 --index-url URL" ...` takes a CPU-only build where the default is CUDA.
TORCH ?= torch==2.13.0
# Without its dependencies: it asks for xgboost with CUDA; the tests have xgboost-cpu.
DICE := dice-ml==0.12 raiutils==0.4.2
PYTEST_ARGS ?= -n 2 --dist loadfile

BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types docs drift clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## open the chat on a built-in subject at http://127.0.0.1:7860
	$(BIN)/askwhy demo

test: $(INSTALLED) ## run the tests (PYTEST_ARGS="tests/test_x.py -x" to choose)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types drift test ## everything that must hold: lint, types, docs drift, tests

format: $(INSTALLED) ## format the code and apply safe fixes
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

lint: $(INSTALLED) ## check format and lint rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# Run inside .types: from the root, mypy would find the askwhy folder without its subpackages.
types: $(INSTALLED) ## mypy --strict on the built wheel
	rm -rf build .types
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --target .types .
	rm -rf build
	cd .types && ../$(BIN)/mypy --strict --config-file ../pyproject.toml --cache-dir ../.mypy_cache -p askwhy

docs: $(INSTALLED) ## write the generated parts of the documentation
	$(BIN)/python -m askwhy.ui.docs

drift: $(INSTALLED) ## check that the generated documentation is up to date
	$(BIN)/python -m askwhy.ui.docs --check

clean: ## remove what was built and cached here (not .venv)
	rm -rf build dist .types .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("askwhy needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv: some minutes and about 2 GB, once."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -e '.[test,dev]'
	$(BIN)/python -m pip install --quiet --no-deps $(DICE)
	@touch $@
