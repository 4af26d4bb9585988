# Two commands do everything: `make practice` and `make test`. The environment is .venv.

PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export OMP_NUM_THREADS ?= 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: practice test site serve zip notebooks bench format clean

practice: .venv/practice  ## practise: write, save, be told (needs neither torch nor a browser)
	@$(BIN)/bnbank practice bn2d

test: .venv/everything .venv/web  ## pass every proof, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist worksteal tests

site: .venv/everything  ## build the site into site/; runs the notebooks that have changed
	$(BIN)/bnbank site
	$(BIN)/mkdocs build --strict --quiet
	@echo "The site is in site/."

zip: .venv/everything  ## the site to read without a server: build/bnbank.zip
	$(BIN)/bnbank site
	BNBANK_OFFLINE=true BNBANK_SITE_URL= BNBANK_SITE_DIR=build/bnbank $(BIN)/mkdocs build --strict --quiet
	rm -rf build/bnbank/assets/practice
	cd build && ../$(BIN)/python -m zipfile -c bnbank.zip bnbank
	@echo "build/bnbank.zip: unpack it and open index.html. Practice in the page needs make serve."

notebooks: .venv/everything  ## run every notebook that has changed; .ipynb, for Colab too, in build/ipynb
	$(BIN)/bnbank notebooks --run --ipynb build/ipynb

serve: .venv/everything  ## the site at http://127.0.0.1:8000, rebuilt as you write
	$(BIN)/bnbank site --without-notebooks
	$(BIN)/mkdocs serve

bench: .venv/everything .venv/web  ## measure what things cost; each script writes a table beside itself
	$(BIN)/python benchmarks/grading.py
	$(BIN)/python benchmarks/course.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/triton_bn.py
	$(BIN)/python benchmarks/site.py
	$(BIN)/python benchmarks/practice.py

format: .venv/everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	git clean -fdxq .venv site build .pytest_cache .ruff_cache .hypothesis

.venv/practice: pyproject.toml constraints.txt
	@echo "Making the environment .venv, once ..."
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(PIP) -e .
	@touch $@

.venv/everything: .venv/practice
	@echo "Adding torch, the site and the tools of the suite to .venv, once ..."
	@$(PIP) -e ".[torch,site,dev]"
	@touch $@

.venv/web: .venv/everything .venv/browser bnbank/web/package-lock.json
	@echo "Fetching what the site takes from npm, once ..."
	@$(BIN)/bnbank site --without-notebooks --out build/web || test -z "$$CI"
	@touch $@

# The browser of the tests is the system's, or else the one that playwright brings.
.venv/browser: .venv/everything
	@missing="$$(command -v chromium || command -v google-chrome || echo chromium fonts-dejavu-core)"; \
	missing="$$missing $$(command -v npm || echo nodejs npm)"; \
	missing="$$(printf '%s\n' $$missing | grep -v / | tr '\n' ' ')"; \
	if test -z "$$missing"; then :; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "Installing $$missing..."; apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else $(BIN)/playwright install chromium; fi
	@touch $@
