"""Memory that a cross-encoder takes on top of its weights, as the number of passages grows."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import ctypes
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import peers
from data import passages, where_from
from ours import ours
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder
from table import Table, report, skipped

TITLE, WEIGHTS, PEER = "Memory", "ms-marco-minilm", "sentence-transformers"
COLUMNS = ("library", "passages", "MiB with the model loaded", "MiB more at the peak")
# A batch is full at any length: shorter passages show the same and take less time.
CHARACTERS = 240


class Peak:
    """The largest resident set while it is open, looked at every few milliseconds (Linux)."""

    def __enter__(self) -> Peak:
        # What loading has freed would hide what is taken next: it goes back to the system first.
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)
        self.before = self.largest = _resident()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()
        self.largest = max(self.largest, _resident())

    def _look(self) -> None:
        while not self._done.is_set():
            self.largest = max(self.largest, _resident())
            time.sleep(0.003)


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def scorer(library: str) -> Callable[..., object]:
    folder = find(WEIGHTS)
    assert folder is not None
    if library == PEER:
        return peers.sentence_transformers(folder)[0]
    return ours(OnnxCrossEncoder(WEIGHTS, precision="int8", threads=int(library.rpartition(" ")[2])))


def child(library: str, n: str) -> None:
    """Print the bytes before, and the most that came on top."""
    score = scorer(library)
    query, texts = passages(int(n))
    texts = [text[:CHARACTERS] for text in texts]
    score(query, texts[:8])
    with Peak() as peak:
        score(query, texts)
    print(json.dumps([len(texts), peak.before, peak.largest - peak.before]))


def row(library: str, n: int) -> tuple[str, ...]:
    command = [sys.executable, __file__, "--child", library, str(n)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    count, before, more = json.loads(run.stdout.splitlines()[-1])
    return (library, f"{count:,}", f"{before / 2**20:,.0f}", f"{more / 2**20:,.0f}")


def main(*, quick: bool = False) -> Table:
    if find(WEIGHTS) is None or not Path("/proc/self/statm").exists():
        return skipped(TITLE, f"Needs Linux, and the weights: `shortlist models get {WEIGHTS}`.")
    sizes = (50, 200) if quick else (100, 1000, 10_000)
    cases = [("shortlist, int8, threads 2", n) for n in sizes] + [(PEER, n) for n in sizes[:2]]
    return Table(
        TITLE,
        COLUMNS,
        tuple(row(library, n) for library, n in cases),
        (
            "Resident set of a fresh process for each row, before `rank` (libraries imported, weights loaded, one"
            " small batch done) and at its highest during it.",
            f"{where_from()} Each is cut to {CHARACTERS} characters. Model: `{WEIGHTS}`.",
            "What still grows with the number of passages is their token ids and the ranking itself.",
        ),
        ("shortlist", "onnxruntime", PEER, "torch"),
        COLUMNS[2:],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        report(main)
