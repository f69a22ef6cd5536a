# Every target works from a fresh clone; what it needs is installed first.
# Semantic Kernel wants a Pydantic that has no wheels for 3.15 (deploy/install.py).
FITS := -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p $(FITS) >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo dist test test-fast foreign image azure versions check bundle format texts reference lock docs bench soak clean browser engines

# deploy/install.py takes what is needed from the one lock, and does nothing where it is there already.
define INSTALL
@test -n "$(PYTHON)" || { echo "mcpsecurity needs Python 3.11 to 3.14 with its venv module; PATH has:" \
	"$$(python3 --version 2>&1 || echo no python3). On Debian or Ubuntu: apt-get install python3 python3-venv." \
	"Elsewhere: make PYTHON=/path/to/python3.14"; exit 1; }
@$(PYTHON) $(FITS) || { echo "mcpsecurity needs Python 3.11 to 3.14 with its venv module;" \
	"$(PYTHON) is $$($(PYTHON) --version 2>&1)."; exit 1; }
@$(PYTHON) deploy/install.py --into $(VENV)
endef

# Everything: all extras, and the developers' tools.
setup:
	$(INSTALL) --all

# make demo ARGS="--model-url http://localhost:11434/v1 --model qwen3": with a model of your own.
demo:
	$(INSTALL) webclient console
	@$(BIN)/mcpsecurity demo $(ARGS)

# Wheel and source archive, in dist/.
dist: setup
	$(BIN)/python -m hatchling build

browser: setup
	$(BIN)/python tests/browser/install.py

# In two processes; PYTEST_ARGS="-n 0 tests/oidc" runs some in one.
test: setup browser
	$(BIN)/python -m pytest -n logical --maxprocesses 2 --dist worksteal --cov --cov-report=term $(PYTEST_ARGS)

# The journeys of docs/tour.md in Firefox and in WebKit, which this installs on Debian and Ubuntu, as root.
engines: setup
	tests/install_browsers.sh
	$(BIN)/python -m pytest -q -n 0 -rs tests/browser/engines

# Without the browser, Redis, the conformance suite, and whatever else takes long (tests/conftest.py).
test-fast: setup
	$(BIN)/python -m pytest -q -n logical --maxprocesses 2 --dist worksteal --fast $(PYTEST_ARGS)

# Before a release: all foreign MCP servers (tests/foreign), of which `make test` meets three. Installs 1.3 GB of packages.
foreign: setup browser
	$(BIN)/python -m pytest -q -n 0 -m "" -rs tests/foreign

# Builds both images and runs them: as root, with buildah and debootstrap.
image: setup
	$(BIN)/python -m pytest -q -n 0 -m image -rs tests/deploy

# Before a release: the Azure CLI makes the registrations of the guide in a stand-in of Microsoft Graph. Needs `az` on PATH.
azure: setup
	$(BIN)/python -m pytest -q -n 0 -m azure -rs tests/deploy

# Each extra with the oldest and the newest packages that pyproject.toml allows; VERSIONS_PYTHON=… for another Python.
versions: setup
	$(BIN)/python -m pytest -q -n 0 -m versions -rs tests/deploy/test_versions.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tests/page_types/check.py
	$(BIN)/python tests/page_bundle/make.py --check
	$(BIN)/python tests/check_lock.py
	$(BIN)/python -m tests.docs.reference --check
	$(BIN)/python -m pytest -q -n 0 tests/test_mirror.py tests/test_sizes.py tests/test_private_names.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Join the page's modules and style sheets, after a change to one.
bundle: setup
	$(BIN)/python tests/page_bundle/make.py

# Bring the catalogues of the page's texts up to date.
texts: setup
	$(BIN)/python -m tests.webclient.catalogs

# Bring the reference in docs/ up to date: settings, commands, and the server's tools.
reference: setup
	$(BIN)/python -m tests.docs.reference

lock: setup
	$(BIN)/python tests/check_lock.py --write

docs: setup
	$(BIN)/mkdocs serve

bench: setup
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.load_chat

# Use and faults, then a crowd: at most fifteen minutes, on redis-server, PostgreSQL and nginx (tests/install_services.sh).
soak: setup
	$(BIN)/python -m tests.scaling.soak $(SOAK_ARGS)

clean:
	rm -rf $(VENV) .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis site dist
