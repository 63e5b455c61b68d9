"""Every setting is in the README, whose code tests/end_to_end/test_docs.py runs; the distribution needs no more of LangChain than its core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "packages" / "langchain"


def test_every_setting_is_in_the_readme():
    from langchain_shortlist import ShortlistCompressor

    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert [name for name in ShortlistCompressor.model_fields if f"| `{name}` |" not in text] == []


@pytest.mark.slow
def test_importing_it_loads_only_langchain_core():
    program = "import sys, langchain_shortlist; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "langchain_core" in loaded
    assert not loaded & {"langchain", "langchain_classic", "langchain_community", "torch", "llama_index", "haystack"}
