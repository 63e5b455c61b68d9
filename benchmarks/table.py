"""What a benchmark gives: one table, printed or as Markdown, and how its module is run from a shell."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """Rows of text, and what must be known to read them.

    Attributes:
        title: a heading.
        columns: their names.
        rows: one text for each column.
        notes: sentences below the table.
        packages: the distributions whose versions matter.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def markdown(self) -> str:
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, ("---",) * len(self.columns), *self.rows)]
        table = "\n".join(lines) if self.rows else ""
        return "\n\n".join(part for part in (f"## {self.title}", table, *(f"- {note}" for note in self.notes)) if part)

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in (self.columns, *self.rows)]
        return "\n".join([self.title, "", *lines, "", *(f"* {note}" for note in self.notes)])

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Table:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["rows"] = tuple(map(tuple, data["rows"]))
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


def skipped(title: str, why: str) -> Table:
    """A benchmark that could not run."""
    return Table(title, ("state",), (("not run",),), (why,))


def report(main: Callable[..., Table], arguments: Sequence[str] | None = None) -> None:
    """Run a benchmark from the shell: print its table, and save it where `run.py` asks for that."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not to quote")
    parser.add_argument("--save", type=Path, help="also write the table as JSON")
    options = parser.parse_args(arguments)
    table = main(quick=options.quick)
    print(table.text(), flush=True)
    if options.save:
        table.save(options.save)
