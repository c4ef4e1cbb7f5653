# `make demo` and `make test` do everything a newcomer needs. The rest is for those who work on Anju.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo console test check fix bench fuzz prove clean

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && [ ! -t 0 ]; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	  else echo "python3-venv is missing: sudo apt-get install python3-venv"; exit 1; fi; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(STAMP) console
	$(BIN)/anju demo

console: $(STAMP)
	$(BIN)/python console/tool.py build

test: $(STAMP) console
	@test -x /usr/bin/chromium || { \
	  if [ "$$(id -u)" = 0 ] && [ ! -t 0 ]; then apt-get update -qq && apt-get install -y -qq chromium; \
	  else echo "chromium is missing: sudo apt-get install chromium"; exit 1; fi; }
	@command -v ffprobe >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && [ ! -t 0 ]; then apt-get update -qq && apt-get install -y -qq ffmpeg; \
	  else echo "ffprobe is missing: sudo apt-get install ffmpeg"; exit 1; fi; }
	$(BIN)/python console/tool.py test
	$(BIN)/pytest --cov --cov-report=term

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/clauses.py --check
	$(BIN)/python console/tool.py check

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/clauses.py

bench: $(STAMP)
	$(BIN)/python -m bench

fuzz: $(STAMP)
	mkdir -p build/fuzz
	set -e; for each in fuzz/fuzz_*.py; do echo "$$each"; \
	  $(BIN)/python $$each -max_total_time=60 -max_len=20000 -timeout=10 -artifact_prefix=build/fuzz/; done

prove: $(STAMP)
	$(BIN)/python -m prove

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
