# Nothing here is needed: it is plain pip, the scripts in experiments/, and pytest.
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DEMO := models/demo

.PHONY: demo test test-slow help
help:
	@echo "make demo        install, train the demo model, ask it ten questions"
	@echo "make test        install, run the tests, without the slow ones"
	@echo "make test-slow   install, run the slow tests; CORPORA=directory sweeps over its files"

demo: $(INSTALLED)
	$(PYTHON) -m attention_seq2seq train --model_dir=$(DEMO) --config=demo
	$(PYTHON) experiments/demo.py --model_dir=$(DEMO)

test: $(INSTALLED)
	$(PYTHON) -m pytest

test-slow: $(INSTALLED)
	$(PYTHON) -m pytest -m slow --numprocesses=0 --capture=no

# A Python on the PATH may be a shim that fails: each is tried, not only found.
$(INSTALLED): setup.cfg pyproject.toml
	@set -e; \
	if [ "$$(uname -s)-$$(uname -m)" != "Linux-x86_64" ] && [ "$$(uname -s)" != "Darwin" ]; then \
	  echo "TensorFlow Addons has no wheel for $$(uname -s) on $$(uname -m). Use Linux on x86-64" \
	    "(on Windows: WSL; on aarch64: another machine) with Python 3.11 or 3.10." >&2; exit 1; \
	fi; \
	for python in python3.11 python3.10 python3 python; do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' \
	    >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11 or 3.10 with venv runs here, and TensorFlow Addons has no wheel for" \
	    "any later Python (nor for Windows or aarch64). Install one, for example with" \
	    "'apt install python3.11 python3.11-venv', 'uv python install 3.11' or" \
	    "'pyenv install 3.11', and run make again." >&2; exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --progress-bar on --disable-pip-version-check -e ".[test]"
	@touch $@
