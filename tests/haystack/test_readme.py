"""Every setting is in the README, whose code tests/end_to_end/test_docs.py runs, and importing the package loads no other framework."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "packages" / "haystack"


def test_every_setting_is_in_the_readme():
    from haystack_integrations.components.rankers.shortlist import ShortlistRanker

    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    settings = list(inspect.signature(ShortlistRanker.__init__).parameters)[1:]
    assert [name for name in settings if f"| `{name}` |" not in text] == []


@pytest.mark.slow
def test_importing_it_loads_no_other_framework():
    program = (
        "import sys, haystack; before = set(sys.modules);"  # Haystack itself loads torch where it is installed
        "import haystack_integrations.components.rankers.shortlist;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "shortlist" in loaded
    assert not loaded & {"langchain_core", "torch", "transformers", "onnxruntime", "llama_index", "openai"}


def test_the_namespace_stays_open_to_other_packages():
    source = PACKAGE / "src" / "haystack_integrations"
    parents = [source, source / "components", source / "components" / "rankers"]
    assert all(folder.is_dir() and not (folder / "__init__.py").exists() for folder in parents)
