"""What each adapter adds to a call of its framework: the three `overhead_*.py`, each in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from table import Table, report

TARGET = 150.0
_NUMBER = r"\s+([\d.]+) us"


@dataclass(frozen=True)
class Script:
    """A script that measures one adapter.

    Attributes:
        framework: its distribution.
        name: of the module.
        without: where its output has the microseconds of a component that only keeps the first ten.
        with_ours: where it has those of the adapter with `keep-order`.
    """

    framework: str
    name: str
    without: str
    with_ours: str


SCRIPTS = (
    Script("llama-index-core", "overhead_llamaindex", r"([\d.]+) us without", r"([\d.]+) us with "),
    Script("langchain-core", "overhead_langchain", f"no-op compressor{_NUMBER}", f"ShortlistCompressor{_NUMBER}"),
    Script("haystack-ai", "overhead_haystack", f"no-op ranker{_NUMBER}", f"ShortlistRanker{_NUMBER}"),
)


def row(script: Script) -> tuple[str, ...]:
    command = [sys.executable, str(Path(__file__).with_name(f"{script.name}.py"))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    without, ours = (_found(pattern, output, script.name) for pattern in (script.without, script.with_ours))
    return (script.framework, f"{without:.0f}", f"{ours:.0f}", f"{ours - without:.0f}", f"{TARGET:.0f}")


def _found(pattern: str, output: str, name: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise ValueError(f"{name}.py prints its figures in another way: {output!r}")
    return float(found[1])


def main(*, quick: bool = False) -> Table:  # noqa: ARG001 - it takes seconds as it is
    return Table(
        "Overhead of the adapters",
        ("framework", "no-op, microseconds", "adapter with keep-order", "difference", "target, at most"),
        tuple(map(row, SCRIPTS)),
        (
            "100 documents in, 10 out. The no-op is a component of the framework that reads each text and returns the"
            " first ten; `keep-order` is a reranker that asks no model, so that what is left is mapping, checking and"
            " accounting. Medians, in turns in one process; LlamaIndex in CPU time, the others by the wall clock.",
        ),
        ("shortlist", *(script.framework for script in SCRIPTS)),
        ("no-op, microseconds", "adapter with keep-order", "difference"),
    )


if __name__ == "__main__":
    report(main)
