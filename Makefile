# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install demo test lint clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]" -c constraints.txt
	touch $@

install: $(INSTALLED)  ## create .venv with the pinned dependencies

demo: install  ## the whole loop on the shipped sample
	$(BIN)/python -m flows.demo

test: install lint  ## everything that is checked
	$(BIN)/python -m pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## forget what runs produced; the code and the samples stay
	rm -rf .rlhf models reports data/feedback data/prepared data/quarantine data/feedback.dvc dvc.lock .dvc/cache .dvc/tmp
