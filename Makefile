# The commands of the house. `make run` and `make test` need Python 3.11, make and pip, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all:

.PHONY: help run test check bench faults shell lock lint types imports pages migrations translations deploy
.NOTPARALLEL:

help:
	@echo "make run     start everything on http://localhost:$(PORT) (PORT=8100 make run for another port)"
	@echo "make test    install what tests need and run all of them"
	@echo "make check   lint, types, import contracts, migrations, translations, deploy check"
	@echo "make bench   print the speed of pages, exports, batches and mail at a million rows"
	@echo "make faults  kill processes under load and count what was lost (minutes)"
	@echo "make shell   a Python shell with the models loaded"
	@echo "make lock    resolve requirements/*.in anew into requirements/*.txt"

run: .venv/.run
	@$(BIN)/python manage.py stack --seed --port $(PORT)

test: .venv/.dev
	@$(BIN)/python tests/run.py $(ARGS)

# Each part is a target of its own, so that `make -k check` reports all faults at once.
check: lint types imports pages migrations translations deploy

lint: .venv/.dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: .venv/.dev
	@$(BIN)/mypy

imports: .venv/.dev
	@$(BIN)/lint-imports --no-logo

pages: .venv/.dev
	@$(BIN)/djlint --lint --quiet templates

migrations: .venv/.dev
	@STATE_DIR=.venv/check $(BIN)/python manage.py makemigrations --check --dry-run

translations: .venv/.dev
	@STATE_DIR=.venv/check $(BIN)/python manage.py check_translations

deploy: .venv/.dev
	@STATE_DIR=.venv/check MODE=production SECRET_KEY=$$(head -c 48 /dev/urandom | base64 | tr -d '\n') \
	  ALLOWED_HOSTS=partners.example.com SITE_URL=https://partners.example.com EMAIL_URL=smtp://mail.example.com \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: .venv/.dev
	@$(BIN)/python -m bench $(ARGS)

faults: .venv/.dev
	@$(BIN)/python -m pytest -m faults $(ARGS)

shell: .venv/.run
	@$(BIN)/python manage.py shell

# Hashes of every file the index offers, so that one lock serves Linux and macOS on both processors; no address in it.
lock: .venv/.dev
	@for name in bootstrap base embedded prod dev; do \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

.venv/bin/python:
	@echo "making .venv"
	@$(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv .bootstrap; \
	  $(PYTHON) -m pip install --quiet --require-hashes --target .bootstrap -r requirements/bootstrap.txt \
	  && PYTHONPATH=.bootstrap $(PYTHON) -m virtualenv --quiet .venv; }

# Stamps: written last, so an installation that was interrupted is done again.
.venv/.run: requirements/base.txt requirements/embedded.txt | .venv/bin/python
	@echo "installing what the product needs"
	@$(PIP) -r requirements/base.txt -r requirements/embedded.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "installing what the tests need"
	@$(PIP) -r requirements/dev.txt
	@touch $@
