# Needs Python 3.11 or newer with its venv module; everything else is set up in .venv/ and relay/dashboard/.

PYTHON ?= python3
BIN := .venv/bin
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix relay/dashboard
INSTALLED_FROM := pyproject.toml hatch_build.py $(shell find relay/dashboard -type f -not -path '*/node_modules/*')

.PHONY: run test check fuzz audit bench types dashboards docs screenshots clean debian

run: .venv/installed  # start the service with the examples
	$(BIN)/cronscope serve -c examples/cronscope.yml

test: .venv/installed-dev relay/dashboard/node_modules debian  # run every test
	$(NPM) test
	$(BIN)/pytest --numprocesses 3 --dist loadfile  # they wait more than they work

check: .venv/installed-dev relay/dashboard/node_modules  # lint, types, the packages' order
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy exporter relay dashboards tests hatch_build.py
	$(BIN)/lint-imports
	$(NPM) run check

fuzz: .venv/installed-dev  # try the parsers and the API with a hundred times as much made-up input as `make test` does
	FUZZ_TIMES=100 $(BIN)/pytest -m fuzz

audit: .venv/installed-dev relay/dashboard/node_modules  # ask PyPI and npm for known weaknesses of what is installed
	$(BIN)/pip install --quiet pip-audit
	$(BIN)/pip-audit --strict --skip-editable
	$(NPM) audit

bench: .venv/installed-dev relay/dashboard/node_modules  # what the service costs, beside the same without it
	$(BIN)/python -m tests.bench docs/performance.md

types: .venv/installed-dev  # make the page's types from exporter/events.py
	$(BIN)/python relay/dashboard/generate_types.py > relay/dashboard/src/events.ts

dashboards: .venv/installed-dev  # make Grafana's dashboards and the alert rules about scripts
	$(BIN)/python -m dashboards.generate

docs: .venv/installed-dev  # make docs/metrics.md and the golden files in tests/golden/ from the code
	$(BIN)/pytest --quiet tests/test_golden.py --update-golden

screenshots: .venv/installed-dev debian  # make the README's pictures of the page, from a service that runs the examples
	$(BIN)/python -m tests.page.screenshots

clean:  # remove all that was installed and built here
	rm -rf .venv dist relay/static relay/dashboard/node_modules .*_cache .hypothesis

$(BIN)/pip:
	$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "$(PYTHON) cannot make virtual environments; on Debian 'apt-get install python3-venv' helps." >&2; exit 1; }

# Installing builds the page too, where it is older than its sources.
.venv/installed: $(INSTALLED_FROM) | $(BIN)/pip
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/installed-dev: $(INSTALLED_FROM) | $(BIN)/pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch .venv/installed $@

relay/dashboard/node_modules: relay/dashboard/package-lock.json | .venv/installed-dev
	$(NPM) ci
	touch $@

# What some tests look at the service with; without it they say so and are skipped.
debian:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get && \
	  ! { command -v chromium && command -v promtool && command -v amtool && \
	    command -v docker-compose && command -v nginx && command -v mkfs.ext4; }; then \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    chromium prometheus prometheus-alertmanager docker-compose nginx-light e2fsprogs; \
	fi >/dev/null
