# Every target in one line where that is possible; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help setup translations demo needs test lint clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: .venv/ready ## virtual environment, dependencies, translations

.venv/ready: setup.py pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[development]'
	@touch $@

translations: .venv/ready
	@for domain in splynx_ippay/translations; do [ ! -d $$domain ] || $(BIN)/pybabel --quiet compile -d $$domain; done

demo: translations ## everything against the sandbox, with a tour; ONCE=1 ends after it
	$(BIN)/python -m splynx_ippay_sandbox.demo $(if $(ONCE),--once)

needs: ## what the tests need of the machine (as root: installs it)
	@.ci/needs

test: translations needs ## every test, in a browser too, with the coverage gates
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= $(TESTS)
	$(BIN)/coverage report --include='splynx_ippay/ippay/*,splynx_ippay/payments/*' --fail-under=100
	$(BIN)/coverage report --fail-under=95

lint: translations ## ruff, mypy, who imports whom
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

clean: ## remove everything that make has made
	rm -rf .venv .demo .screens build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
