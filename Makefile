# make run     trains, validates and publishes the shipped recommender on the bundled data
# make test    the whole test suite, with the coverage of dsl/ and artifacts/
# make check   style, types and layers
# make bench   what sweeps, steps, plans and training cost, beside what else one would take; PARTS=plans for a part of it
#
# Each sets up .venv the first time. PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := 2.13.0

# A wheel that pip builds here only to unpack it again need not be compressed: PySpark, published as source, takes 18 s
# instead of 45 s. Bytecode is left to the first import, since most of what is installed is never imported.
INSTALLED := $(VENV)/installed.stamp
BUILD_SETTINGS := $(VENV)/build-settings.cfg
PIP_INSTALL := DIST_EXTRA_CONFIG=$(abspath $(BUILD_SETTINGS)) $(BIN)/python -m pip \
	install --quiet --progress-bar off --disable-pip-version-check --no-compile
PINNED := PIP_CONSTRAINT=$(abspath constraints.txt) PIP_BUILD_CONSTRAINT=$(abspath constraints.txt)

# The first run keeps the bytecode of what it imports, whatever the shell says: without it every start takes 12 s longer.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench constraints java clean

run: java $(INSTALLED)
	$(BIN)/kaon run recommendations

test: $(INSTALLED)
	$(BIN)/coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m tests.coverage_data
	$(BIN)/coverage combine --quiet
	@for layer in dsl artifacts; do \
		echo "Coverage of $$layer/, lines and branches:"; \
		$(BIN)/coverage report --include="$$layer/*" || exit 1; \
	done

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	PIP_CONSTRAINT="$(abspath constraints.txt) $(abspath tests/benchmarks/constraints.txt)" \
		$(PIP_INSTALL) --editable '.[bench]'
	$(BIN)/python -m tests.benchmarks $(PARTS)

# pip waits for the index half of its time, so several install the pinned packages side by side; the last one, which
# resolves, is the one that decides.
$(INSTALLED): pyproject.toml constraints.txt $(BUILD_SETTINGS)
	@echo "Installing Kaon into $(VENV): a few minutes the first time …"
	@-sed '/^#/d; /^setuptools=/d' constraints.txt | xargs -P 3 -n 32 env $(PINNED) $(PIP_INSTALL) --no-deps
	@$(PINNED) $(PIP_INSTALL) --editable '.[dev]'
	@touch $@

$(BUILD_SETTINGS):
	@command -v $(PYTHON) > /dev/null || { echo "Kaon needs Python 3.11 or newer, and there is no '$(PYTHON)'" \
		"on the PATH. Fix: install it, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kaon needs Python 3.11 or newer, and" \
		"'$(PYTHON)' is $$($(PYTHON) --version). Fix: name a newer one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Fix: on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@printf '[bdist_wheel]\ncompression = stored\n' > $@

java:
	@java="$${JAVA_HOME:+$$JAVA_HOME/bin/}java"; \
	version=$$("$$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p'); \
	[ "$${version:-0}" -ge 17 ] || { echo "Spark needs Java 17 or newer, and '$$java' is $${version:-missing}." \
		"Fix: on Debian 12 and Ubuntu: apt-get install openjdk-17-jre-headless; elsewhere, set JAVA_HOME" >&2; exit 1; }

constraints:
	rm -rf $(VENV)
	$(MAKE) $(BUILD_SETTINGS)
	$(PIP_INSTALL) --editable '.[dev]' torch==$(TORCH)
	{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --all --exclude-editable --exclude pip \
		| sed 's/+cpu$$//'; } > $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
