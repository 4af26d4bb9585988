# Two commands do everything: `make practice` and `make test`. The environment is .venv.

PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export OMP_NUM_THREADS ?= 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: practice test site serve bench format clean

practice: .venv/practice  ## practise: write, save, be told (needs neither torch nor a browser)
	@$(BIN)/bnbank practice bn2d

test: .venv/everything  ## pass every proof, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist worksteal tests
	$(BIN)/mkdocs build --strict --quiet

site: .venv/everything  ## build the site into site/
	$(BIN)/mkdocs build --strict

serve: .venv/everything  ## the site at http://127.0.0.1:8000, rebuilt as you write
	$(BIN)/mkdocs serve

bench: .venv/everything  ## measure what things cost; each script writes a table beside itself
	$(BIN)/python benchmarks/grading.py
	$(BIN)/python benchmarks/course.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/triton_bn.py

format: .venv/everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv site .pytest_cache .ruff_cache .hypothesis

.venv/practice: pyproject.toml constraints.txt
	@echo "Making the environment .venv, once ..."
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(PIP) -e .
	@touch $@

.venv/everything: .venv/practice
	@echo "Adding torch, the site and the tools of the suite to .venv, once ..."
	@$(PIP) -e ".[torch,site,dev]"
	@touch $@
