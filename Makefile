# Nothing here is needed: it is plain pip, the scripts in experiments/, and pytest.
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DEMO := models/demo
# Python 3.10 and 3.11 get TensorFlow 2.15 with TensorFlow Addons where it has wheels. All others get
# a newer TensorFlow. Set PYTHONS=python3.12 to choose the Python.
PYTHONS := python3.11 python3.10 python3.12 python3.13 python3 python

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
	for python in $(PYTHONS); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	    >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.10 to 3.13 with venv runs here ($(PYTHONS)); TensorFlow has no release for" \
	    "Python 3.14 yet. Install one, for example with 'apt install python3 python3-venv'," \
	    "'uv python install 3.12' or 'pyenv install 3.12', and run make again." >&2; exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --progress-bar on --disable-pip-version-check -e ".[test]"
	@$(PYTHON) -c "from importlib.metadata import distributions; \
	names = {'tensorflow': 'TensorFlow', 'keras': 'Keras', 'tensorflow-addons': 'TensorFlow Addons'}; \
	versions = {d.name.lower(): d.version for d in distributions()}; \
	print('Installed', ', '.join(f'{names[n]} {versions[n]}' for n in names if n in versions))"
	@touch $@
