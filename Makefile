# Two commands are all a fresh machine needs: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SYSTEM_LIBRARIES := libGL.so.1 libglib-2.0.so.0 libEGL.so.1 libGLESv2.so.2

.PHONY: setup demo test faults corpus cases fuzz lint docs stamps lock bench system-libraries

setup: .venv/.ready

demo: setup
	$(BIN)/thinslice demo

test: setup lint
	$(BIN)/pytest --numprocesses auto --dist loadfile

# every misfortune a stage can meet; `make test` holds two of them
faults: setup
	THINSLICE_FAULTS=1 $(BIN)/pytest tests/test_faults.py tests/test_supervise.py

# every real recording through the whole command, and hundreds of spoiled takes: an hour
corpus: setup
	THINSLICE_CORPUS=whole $(BIN)/pytest -s tests/test_real_corpus.py tests/test_any_talk.py \
	  tests/test_any_frames.py tests/test_voice_periods.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# docs/DATA_DICTIONARY.md, configs/default.toml and docs/floors.svg follow from the declarations
docs: setup
	$(BIN)/python -m flows.dictionary

# says that changed code gives the numbers it gave before; see tests/stamps.py
stamps: setup
	$(BIN)/python -m tests.stamps

# small inputs that once went wrong, in one table
cases: setup
	$(BIN)/python -m tests.cases

# two minutes for every reader of small files, then nights with one malformed session of ten
fuzz: setup
	$(BIN)/python -m bench.fuzz
	$(BIN)/python -m bench.malformed

# results are kept in bench/results with machine and date; DEVICE=cuda where there is a card
DEVICE ?= auto
bench: setup
	$(BIN)/python -m bench --device $(DEVICE)

.venv/.ready: requirements.lock requirements-setup.lock pyproject.toml models/weights/catalog.toml | system-libraries
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-setup.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/thinslice models fetch && $(BIN)/thinslice models fetch whisper-tiny.en || \
	  echo "What could not be fetched is left out of every session. Again with: $(BIN)/thinslice models fetch"
	touch $@

system-libraries:
	@missing=""; for library in $(SYSTEM_LIBRARIES); do \
	  ldconfig -p 2>/dev/null | grep -q "$$library" || missing="$$missing $$library"; done; \
	if [ -n "$$missing" ]; then \
	  echo "Missing system libraries:$$missing"; \
	  echo "On Debian or Ubuntu, type: sudo apt-get install libgl1 libglib2.0-0 libegl1 libgles2"; \
	  exit 1; fi

# exact versions with hashes and without addresses
lock:
	$(BIN)/uv pip compile --quiet --all-extras --generate-hashes --no-emit-index-url --no-annotate \
	  --no-header --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  pyproject.toml -o requirements.lock
