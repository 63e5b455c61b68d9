# Every target makes .venv by itself when it must, and loses no time when it need not.
PYTHON ?= python3.11
PY := .venv/bin/python
PROJECTS := $(wildcard packages/*/pyproject.toml)
MODELS := ms-marco-minilm bge-small all-minilm smollm2-135m en-core-web-sm
QUESTION := How do I protect my program against a malicious database file?
DOCUMENTS := examples/documents
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE := 1
export HAYSTACK_TELEMETRY_ENABLED := False
export OMP_NUM_THREADS ?= 2
# Tests start many processes, each of which would compile what it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-fast lint format bench playground docs clean
help:            ## what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "needs $(PYTHON); or say make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

# The demo needs the frameworks and ONNX Runtime; tests need torch and the tools besides.
.venv/demo: .venv/bin/python $(PROJECTS) constraints.txt
	$(PY) -m pip install -q -c constraints.txt -e 'packages/core[onnx,search]' -e packages/llamaindex -e packages/langchain -e packages/haystack
	@touch $@

.venv/dev: .venv/demo pyproject.toml
	$(PY) -m pip install -q -c constraints.txt torch
	$(PY) -m pip install -q -c constraints.txt -r requirements-dev.txt
	@touch $@

.venv/models: .venv/dev
	for model in $(MODELS); do .venv/bin/shortlist models get $$model || exit 1; done
	@touch $@

demo: .venv/demo ## search real documents and rerank them with a real model, in the terminal and in three frameworks
	.venv/bin/shortlist models get ms-marco-minilm
	.venv/bin/shortlist search "$(QUESTION)" $(DOCUMENTS) --reranker cross-encoder
	$(PY) examples/three_frameworks.py "$(QUESTION)" $(DOCUMENTS)

test: .venv/models ## all tests
	$(PY) -m pytest -n 2 --dist worksteal

test-fast: .venv/dev ## the tests that take no more than a second or two each and need no weights
	$(PY) -m pytest -n 2 --dist worksteal -m "not slow and not models"

lint: .venv/dev ## style, types, floors
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) scripts/generate_docs.py --check

format: .venv/dev ## put the code into shape
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: .venv/models ## the benchmarks, as ratios against peers in the same run
	$(PY) -m pip install -q -c constraints.txt -r benchmarks/requirements.txt
	$(PY) -m pip install -q --no-deps rank-llm dacite # only its prompts are compared; with what it needs it is gigabytes
	$(PY) benchmarks/run.py

playground:      ## build the page that the server serves; needs Node.js 20
	cd packages/playground && npm ci && npm run build

docs: .venv/dev ## the documentation site, in site/
	$(PY) scripts/generate_docs.py
	.venv/bin/mkdocs build --strict

clean:           ## remove what the targets made
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
