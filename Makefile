# make app        open the app on the sample data
# make test       the whole suite, as CI runs it
# make test-long  what takes longer: sweeps of faults, hosts that lose each other
# make bench      the benchmarks, and docs/performance.md from what they record
# make lock       choose the versions anew

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: app test test-long lint lock bench clean help

help:
	@sed -n 's/^# //p' Makefile

app: $(VENV)/.installed
	$(BIN)/headtail app

# Three at a time on two cores, for many of them wait: a file each, and all that need a browser one after the other.
test: $(VENV)/.installed browser lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile -m "not long"

test-long: $(VENV)/.installed browser
	$(BIN)/python -m pytest -m long

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# An environment of its own, with the versions of requirements.lock and their hashes; about 6.5 GB, most of it torch.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in ((3, 11), (3, 12)) else f"headtail needs Python 3.11 or 3.12, {sys.executable} is {v[0]}.{v[1]}; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-build-isolation --no-deps -e .
	$(BIN)/headtail warm-up
	@touch $@

# The browser tests drive Debian's Chromium, and strace tells what the server and faults do. With root both are installed;
# without, the tests say what is missing.
.PHONY: browser
browser:
	@{ command -v chromium-headless-shell && command -v strace; } >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq chromium-headless-shell strace; } >/dev/null
	@command -v chromium-headless-shell >/dev/null || echo "no Chromium: the browser tests will be skipped; install it with 'sudo apt-get install chromium-headless-shell'" >&2

lock:
	uv pip compile --universal --python-version 3.11 --group dev pyproject.toml \
		--generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock

# Pools are made once for all benchmarks, and kept where HEADTAIL_BENCH_DIR says; else they are gone at the end.
bench: $(VENV)/.installed
	@pools=$$(mktemp -d) && trap 'rm -rf "$$pools"' EXIT && export HEADTAIL_BENCH_DIR="$${HEADTAIL_BENCH_DIR:-$$pools}" \
		&& for name in matching curate_pool query_run read_pool start_up live_chart classify training \
			unit_costs simulate_cluster two_engines; do \
			$(BIN)/python tests/benchmarks/$$name.py --record || exit 1; \
		done
	$(BIN)/python tests/benchmarks/report.py
	$(BIN)/python tests/benchmarks/scale_report.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artefacts
