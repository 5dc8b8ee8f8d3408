# Everything from a bare Python: each target makes the virtual environment it needs, once.
#   make demo    forecast a real data set, then run SGD on it, and compare
#   make test    lint, types, import layers, doctests and tests (`make test-slow` for the long ones)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Not compiled to bytecode: Python compiles what it imports, a small part of this, and keeps it, which some machines
# forbid by this variable: each command would then take seconds longer.
unexport PYTHONDONTWRITEBYTECODE
PIP = PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
INSTALL = $(PIP) -c constraints.txt -e
WORKERS ?= 2
# Tests compile hundreds of programs that run once: with the flags of the command line's own that takes half the time.
# A result that only this suite calls wrong may be the compiler's: `make test-slow` runs without them.
UNOPTIMISED := XLA_FLAGS="--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
# One thread per worker: PyTorch's and BLAS's own threads wait for each other when workers fill the cores (up to 30 times slower).
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# Workers share what they compile, and the next run finds it: it takes half the time.
COMPILED := JAX_COMPILATION_CACHE_DIR=$(CURDIR)/.pytest_cache/compiled JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0.1

.PHONY: help demo test tests test-slow lint bench docs schema clean
.DEFAULT_GOAL := help

help:
	@sed -n '2,3s/^# *//p' Makefile
	@echo "others: test-slow, lint, bench, docs (docs/_build/index.html), schema (renews docs/*.schema.json), clean"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "jominy needs Python 3.11 to 3.13, and %s is %d.%d; name another: make PYTHON=python3.12" % (sys.executable, *v))'
	$(PYTHON) -m venv $(VENV)

# The demo needs neither PyTorch nor the tools; a second install on top of it adds them.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) '.[examples]'
	@touch $@

# All exact versions at once, with nothing to resolve: half the time. The second line adds what a platform adds
# to them (PyTorch does) and jominy itself, built by the hatchling just installed.
$(READY): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --no-deps -r constraints.txt
	$(INSTALL) '.[dev,docs,examples,torch,cluster,explore]' --no-build-isolation
	@touch $(READY) $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/jominy compare examples/breast_cancer.toml --plot demo.png
	@echo "The figure is in demo.png."

# Side by side: types are checked on one core while the first tests run.
test: $(READY)
	@$(MAKE) --no-print-directory -j 2 lint tests

tests: $(READY)
	$(UNOPTIMISED) $(ONE_THREAD) $(COMPILED) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

test-slow: $(READY)
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@if [ -f benchmarks/__main__.py ]; then $(BIN)/python -m benchmarks; else echo "There is no benchmarks/__main__.py."; fi

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "The documentation is in docs/_build/index.html."

schema: $(READY)
	$(BIN)/jominy schema --out docs/scenario.schema.json
	$(BIN)/jominy schema --network --out docs/network.schema.json

clean:
	rm -rf $(VENV) build dist docs/_build docs/api docs/auto_gallery .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo.png
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
