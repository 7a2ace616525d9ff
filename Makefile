# Each target makes its own .venv on first use. Another interpreter than the
# first suitable one on the path: make PYTHON=/path/to/python3.12 test
PYTHON ?= $(firstword $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$p; done))
BIN := .venv/bin

# Processes that the tests are shared out over: make WORKERS=4 test, or 0 for none. The
# tests of one module stay together, as they share its fitted models. A worker that fell
# is not replaced: the next one would begin with the test on which it fell.
# The order is that of the files: the last are pages of the guide, short ones, so that
# no worker is left alone for long.
WORKERS ?= 2
PYTEST := python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder \
	--max-worker-restart 0
# Threads of BLAS and OpenMP in several processes would keep cores busy with waiting for
# each other. Tests of threads say how many.
THREADS := $(if $(filter-out 0,$(WORKERS)),OMP_NUM_THREADS=1)

NATIVE := skseq/engines/native
KERNELS := $(wildcard $(NATIVE)/*.cpp $(NATIVE)/*.h) $(NATIVE)/CMakeLists.txt
PRELOAD = $(shell c++ -print-file-name=libasan.so) $(shell c++ -print-file-name=libubsan.so)

.PHONY: help demo test lint bench docs sanitize fuzz oldest clean

help:
	@echo "make demo   run the demonstration "
	@echo "make test   run the tests and the examples in the docstrings"
	@echo "make lint   check style and formatting"
	@echo "make bench  run the benchmarks"
	@echo "make docs   build the documentation into docs/_build/html"
	@echo "make sanitize  run the tests of the kernels under the sanitizers (Linux)"
	@echo "make fuzz   forge files and feed odd tables for an hour or more"
	@echo "make oldest run the tests with the lowest declared versions"
	@echo "make clean  remove .venv and everything built"

demo: .venv/.dev
	$(BIN)/python -m skseq demo

test: .venv/.dev
	$(THREADS) $(BIN)/$(PYTEST)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: .venv/.dev
	set -e; for script in benchmarks/bench_*.py; do $(BIN)/python $$script; done

docs: .venv/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# The kernels in an environment of their own, built with the address and
# undefined-behaviour sanitizers. Python itself is not free of leaks.
sanitize: .venv-sanitize/.dev
	LD_PRELOAD="$(PRELOAD)" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
		.venv-sanitize/bin/python -P -m pytest $(CURDIR)/tests/engines/native

.venv-sanitize/.dev: pyproject.toml $(KERNELS)
	$(PYTHON) -m venv .venv-sanitize
	.venv-sanitize/bin/pip install --quiet numpy pandas pytest scikit-learn
	.venv-sanitize/bin/pip install --quiet --no-deps --force-reinstall \
		-C cmake.define.SKSEQ_SANITIZE=ON -C build-dir=build/sanitize .
	@touch $@

# How many: make MUTATED=20000 MANIFESTS=1000 EFFORT=10 fuzz
MUTATED ?= 500000
MANIFESTS ?= 10000
# Of odd tables, and of any: times as many as in the tests.
EFFORT ?= 40

fuzz: .venv/.dev
	SKSEQ_FUZZ_CASES=$(MUTATED) SKSEQ_FUZZ_MANIFESTS=$(MANIFESTS) SKSEQ_FUZZ_EFFORT=$(EFFORT) \
		$(THREADS) $(BIN)/python -m pytest -n $(WORKERS) -o faulthandler_timeout=0 tests/fuzz \
		tests/windowing tests/rows tests/alarms tests/streaming tests/metrics \
		tests/persistence/test_forged_files.py \
		tests/persistence/test_manifest_grammar.py

# An environment of its own with the lowest versions that pyproject.toml allows, those of
# the extras too. uv resolves to these, pip cannot.
oldest: .venv-oldest/.dev
	$(THREADS) .venv-oldest/bin/$(PYTEST) tests

.venv-oldest/.dev: pyproject.toml $(KERNELS)
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python \
		--resolution lowest-direct --editable ".[plot,test]"
	@touch $@

clean:
	rm -rf .venv .venv-oldest .venv-sanitize build dist docs/_build docs/auto_examples docs/generated .pytest_cache .ruff_cache .hypothesis
	find skseq tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "skseq needs Python 3.11, 3.12 or 3.13;" \
		"none was found: set PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.dev: pyproject.toml $(KERNELS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[plot,test,lint]"
	@touch $@

.venv/.docs: pyproject.toml | .venv/.dev
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@
