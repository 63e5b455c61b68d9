"""FlashRank over many passages in a process of its own, whose address space is bounded: it makes one batch of all."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import resource
import subprocess
import sys
from pathlib import Path

import peers
from data import passages
from timing import cpu_seconds

OUT_OF_MEMORY = 3


def in_limited_memory(folder: Path, scratch: Path, n: int, limit: int) -> float | None:
    """CPU seconds of `rerank` over n passages, or None when `limit` bytes did not suffice."""
    command = [sys.executable, __file__, str(folder), str(scratch), str(n), str(limit)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode == OUT_OF_MEMORY:
        return None
    if run.returncode != 0:
        raise RuntimeError(f"FlashRank failed for another reason: {run.stderr[-500:]}")
    return float(run.stdout.split()[-1])


def child(folder: str, scratch: str, n: str, limit: str) -> None:
    score = peers.flashrank(Path(folder), Path(scratch))
    query, texts = passages(int(n))
    score(query, texts[:4])
    resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    try:
        print(cpu_seconds(lambda: score(query, texts)))
    except Exception as error:  # noqa: BLE001 - onnxruntime has an exception of its own for this
        print(error, file=sys.stderr)
        sys.exit(OUT_OF_MEMORY if "alloc" in str(error).lower() or isinstance(error, MemoryError) else 1)


if __name__ == "__main__":
    child(*sys.argv[1:])
