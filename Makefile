# Every target in one line where that is possible; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
TESTS ?= tests
CATALOGUES ?= splynx_ippay/translations

.DEFAULT_GOAL := help
.PHONY: help setup translations catalogues demo needs test screens bench lint clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: .venv/ready ## virtual environment, dependencies, translations

.venv/ready: setup.py pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[development]'
	@touch $@

translations: .venv/ready ## compile the catalogues
	@$(BIN)/pybabel --quiet compile -d $(CATALOGUES)

catalogues: ## bring the catalogues up to date with the code; then translate what is empty
	@pot=$$(mktemp) && trap 'rm -f $$pot' EXIT && $(BIN)/pybabel --quiet extract -F babel.cfg --ignore-dirs='.*' -k N_ -k BadInput:2 \
	  -k NotExamined --no-location --sort-output --width 120 -o $$pot . && for po in $(CATALOGUES)/*/LC_MESSAGES/messages.po; do \
	  $(BIN)/pybabel --quiet update -i $$pot -o $$po -l $$(basename $${po%/LC_MESSAGES/*}) --no-fuzzy-matching --ignore-obsolete \
	  --ignore-pot-creation-date --width 120 || exit 1; done

demo: translations ## everything against the sandbox, with a tour; ONCE=1 ends after it
	$(BIN)/python -m splynx_ippay_sandbox.demo $(if $(ONCE),--once)

needs: ## what the tests need of the machine (as root: installs it)
	@.ci/needs

test: translations needs ## every test, in a browser too, with the coverage gates
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= $(TESTS)
	$(BIN)/coverage report --include='splynx_ippay/ippay/*,splynx_ippay/payments/*' --fail-under=100
	$(BIN)/coverage report --fail-under=95

screens: translations needs ## pictures of every page, to look at, in .screens/index.html
	rm -rf .screens && SPLYNX_IPPAY_SCREENS=.screens $(BIN)/python -m pytest -n 2 --dist loadfile tests/browser -k pictures

bench: ## our own share of a page against a bare Flask view, in one run
	$(BIN)/python benchmarks/page_share.py

lint: translations ## ruff, mypy, who imports whom
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

clean: ## remove everything that make has made
	rm -rf .venv .demo .screens build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
