"""Tables as they were measured, with where and when: JSON in benchmarks/results, of which the page is made."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """A table, and how it came to be.

    Attributes:
        name: of the benchmark.
        table: what it found.
        date: when, as in 2026-11-21.
        machine: what it ran on.
        versions: by distribution.
    """

    name: str
    table: Table
    date: str
    machine: str
    versions: Mapping[str, str]

    @classmethod
    def now(cls, name: str, table: Table) -> Result:
        """Of this machine and today."""
        machine = f"{cpu()}, {cores()} cores, Python {platform.python_version()}"
        versions = {package: version(package) for package in table.packages}
        return cls(name, table, dt.datetime.now(tz=dt.UTC).date().isoformat(), machine, versions)

    def made(self) -> str:
        """In words."""
        packages = ", ".join(f"{package} {number}" for package, number in self.versions.items())
        return f"Measured {self.date} on {self.machine}{': ' if packages else ''}{packages}."

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(f"{text}\n", encoding="utf-8")


def load(folder: Path, names: Iterable[str]) -> dict[str, Result]:
    """Those that are in the folder, in the order of the names."""
    files = {name: folder / f"{name}.json" for name in names}
    return {name: _read(file) for name, file in files.items() if file.exists()}


def _read(file: Path) -> Result:
    data = json.loads(file.read_text(encoding="utf-8"))
    return Result(**{**data, "table": Table.of(data["table"])})


def differences(before: Table, after: Table) -> Iterator[str]:
    """Where two runs of a benchmark differ in what no clock measured, in words."""
    one, two = before.settled(), after.settled()
    for part in ("title", "columns", "clocked", "packages", "notes", "spent"):
        if getattr(one, part) != getattr(two, part):
            yield f"{part}: {getattr(one, part)!r}, then {getattr(two, part)!r}"
    if len(one.rows) != len(two.rows):
        yield f"{len(one.rows)} rows, then {len(two.rows)}"
    for old, new in zip(one.rows, two.rows, strict=False):
        if old != new:
            yield f"row {' | '.join(old)}, then {' | '.join(new)}"


def cpu() -> str:
    """What the processor calls itself, and the instructions that int8 speed depends on."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    known = [flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8") if flag in text.split()]
    return (name[1] if name else platform.machine()) + (f" ({', '.join(known)})" if known else "")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
