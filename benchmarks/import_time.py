"""What it costs to import and to install: here and elsewhere. Fails if importing loads torch or a framework."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import resource
import statistics
import subprocess
import sys
from dataclasses import dataclass

from installed import closure, megabytes
from table import Table, report


@dataclass(frozen=True)
class Case:
    """Something to import.

    Attributes:
        name: of it.
        code: that imports it.
        requirement: what is installed for it, with extras; None to leave that out.
    """

    name: str
    code: str
    requirement: str | None


EVERYTHING = "from shortlist import *"
CASES = (
    Case("Python alone", "", None),
    Case("numpy", "import numpy", "numpy"),
    Case("shortlist", "import shortlist", "shortlist"),
    Case("shortlist, all its names", EVERYTHING, "shortlist"),
    Case(
        "shortlist, with ONNX Runtime and its tokenizers",
        f"{EVERYTHING}; import shortlist.models.onnx, onnxruntime, tokenizers",
        "shortlist[onnx]",
    ),
    Case("rerankers", "import rerankers", "rerankers[transformers]"),
    Case("sentence-transformers", "from sentence_transformers import CrossEncoder", "sentence-transformers"),
    Case("FlashRank", "import flashrank", "FlashRank"),
    Case(
        "langchain-core",
        "from langchain_core.documents import BaseDocumentCompressor, Document",
        "langchain-core",
    ),
    Case("llama-index-core", "import llama_index.core", "llama-index-core"),
    Case("haystack-ai", "import haystack", "haystack-ai"),
)
HEAVY = ("torch", "transformers", "onnxruntime", "llama_index", "langchain_core", "haystack")


def cpu_seconds(code: str) -> float:
    """Of a fresh interpreter that runs the code, start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def modules(code: str) -> list[str]:
    """What is loaded after it."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def check() -> None:
    """See that the core loads no torch and no framework, even where all of them are installed."""
    loaded = {name.partition(".")[0] for name in modules(EVERYTHING)}.intersection(HEAVY)
    if loaded:
        raise SystemExit(f"shortlist loads {', '.join(sorted(loaded))}")


def row(case: Case, repeats: int) -> tuple[str, ...]:
    seconds = statistics.median(cpu_seconds(case.code) for _ in range(repeats))
    figures = (case.name, f"{seconds:.2f}", f"{len(modules(case.code)):,}")
    if case.requirement is None:
        return (*figures, "", "")
    parts = closure(case.requirement)
    return (*figures, f"{len(parts)}", f"{megabytes(parts):,.0f}")


def main(*, quick: bool = False) -> Table:
    check()
    for case in CASES:
        modules(case.code)  # so that bytecode and disk cache are there
    return Table(
        "Import and installation",
        ("what", "import, CPU seconds", "modules", "distributions", "installed MB"),
        tuple(row(case, 1 if quick else 5) for case in CASES),
        (
            "CPU seconds of a fresh interpreter that imports it and ends: median of five, bytecode compiled before.",
            "Distributions and size: it and all that it requires, as installed here (of rerankers with its extra"
            " `transformers`). torch is the build for CPUs; the usual one for Linux is several times as large.",
            "All are imported in one environment that has everything: libraries that import torch when they find it"
            " pay for it here.",
            "The names of shortlist are imported when first used, so it has a row with all of them. The benchmark fails"
            " if those load torch, transformers, onnxruntime or a framework; seconds are not asserted.",
        ),
        tuple(dict.fromkeys(case.requirement.partition("[")[0] for case in CASES if case.requirement)),
        ("import, CPU seconds",),
    )


if __name__ == "__main__":
    report(main)
