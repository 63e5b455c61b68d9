"""Cores that actors on one machine share out among them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any


def hold_cores(count: int | None) -> Any:
    """Bind this process to so many cores that no other actor holds, and return what holds them.

    Models take as many threads as there are cores to see. Ray counts cores and binds nobody to them, so on a machine
    of 64 cores each of 16 actors would run 64 threads. Which cores are free is told by locks on files, which the
    system lets go of when a process ends, however it ends. Where all are held, or the system binds nobody, nothing is
    done.
    """
    if count is None or not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    for start in range(0, len(cores) - count + 1, count):
        mine = cores[start : start + count]
        held = _lock(Path(tempfile.gettempdir()) / f"shortlist-cores-{os.getuid()}-{count}-{mine[0]}")
        if held is not None:
            os.sched_setaffinity(0, mine)
            return held
    return None


def _lock(path: Path) -> Any:
    import fcntl

    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
