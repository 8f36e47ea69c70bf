# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Hundreds of processes run in `make test`: each would compile the project anew where a machine forbids to keep that.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test lint docs docs-serve mutants bench bench-ingest fuzz faults clean reset

# pip compiles on one core. What some packages ship for other Pythons does not compile: nobody imports it.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[dev,docs]" -c constraints.txt
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

install: $(INSTALLED)  ## create .venv with the pinned dependencies

demo: install  ## the whole loop on the shipped sample
	$(BIN)/python -m flows.demo

# Three processes, each a file or folder at a time (tests/conftest.py): on 2 cores tests wait for servers and disks a
# quarter of the time. In the order of the folders: the longest file is not that of the most tests.
test: install lint  ## everything that is checked
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder$(if $(filter yes,$(LONG)),, -m "not long")

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The variable keeps a notice about other site generators out of the output.
docs: install  ## the documentation as a site in site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --config-file docs/mkdocs.yml

docs-serve: install  ## the same on http://127.0.0.1:8000, built anew when a page changes
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve --config-file docs/mkdocs.yml

bench: install  ## the training core beside TRL, about five minutes; FULL=yes measures more of everything
	$(BIN)/python -m benchmarks.run $(if $(filter yes,$(FULL)),--full,--quick)

bench-ingest: install  ## how fast feedback is taken in, in how much memory; FULL=yes up to 4,000,000 rows
	$(BIN)/python -m benchmarks.ingest $(if $(filter yes,$(FULL)),--full)

fuzz: install  ## 1,000,000 mutated rows of every format: nothing raised, nothing lost; ROWS=100000 for fewer
	$(BIN)/python -m benchmarks.fuzz_feedback --rows $(or $(ROWS),1000000)

faults: install  ## kill, fill up, hang and damage what runs, and see the next run carry on; QUICK=yes a few trials of each
	$(BIN)/python -m benchmarks.fault_injection $(if $(filter yes,$(QUICK)),--quick) --seed $(or $(SEED),7)

mutants: install  ## plant classic bugs one by one: each must turn the tests red
	$(BIN)/python tests/mutants.py

clean:  ## forget what the stages made; feedback, registry and audit log stay
	rm -rf models reports data/prepared dvc.lock .dvc/tmp

reset:  ## as a fresh clone: forget ALL feedback, the registry and the audit log too
	@test "$(CONFIRM)" = yes || { echo "this deletes all feedback and all registered models: make reset CONFIRM=yes"; exit 2; }
	rm -rf .rlhf models reports data/feedback data/prepared data/quarantine data/feedback.dvc dvc.lock .dvc/cache .dvc/tmp
