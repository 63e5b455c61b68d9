"""What a benchmark gives: one table, printed or as Markdown, and how its module is run from a shell."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True)
class Table:
    """Rows of text, and what must be known to read them.

    Attributes:
        title: a heading.
        columns: their names.
        rows: one text for each column.
        notes: sentences below the table.
        packages: the distributions whose versions matter.
        clocked: the columns whose cells begin with what a clock or the operating system measured, or a ratio of such
            numbers. All else is the same whenever the benchmark is run again.
        spent: sentences below the notes, with numbers of that kind.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    clocked: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := {*self.clocked} - {*self.columns}:
            raise ValueError(f"{self.title} has no column {', '.join(sorted(unknown))}")

    def markdown(self) -> str:
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, ("---",) * len(self.columns), *self.rows)]
        table = "\n".join(lines) if self.rows else ""
        notes = (f"- {note}" for note in (*self.notes, *self.spent))
        return "\n\n".join(part for part in (f"## {self.title}", table, *notes) if part)

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in (self.columns, *self.rows)]
        notes = (f"* {note}" for note in (*self.notes, *self.spent))
        return "\n".join([self.title, "", *lines, "", *notes])

    def cell(self, column: str, *first: str) -> str:
        """Of the row that begins with these cells.

        Raises:
            LookupError: no row does, or there is no such column.
        """
        at = next((i for i, row in enumerate(self.rows) if row[: len(first)] == first), None)
        if at is None or column not in self.columns:
            raise LookupError(f"{self.title} has no {column} of {first}")
        return self.rows[at][self.columns.index(column)]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Table:
        return cls.of(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Table:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return cls(**{**values, "rows": tuple(map(tuple, data["rows"]))})

    def settled(self) -> Table:
        """What is the same whenever the benchmark is run again: of clocked cells only that there is a number."""
        at = {self.columns.index(name) for name in self.clocked}
        rows = tuple(tuple(_unclocked(cell) if i in at else cell for i, cell in enumerate(row)) for row in self.rows)
        spent = tuple(_NUMBER.sub("#", each) for each in self.spent)
        return Table(self.title, self.columns, rows, self.notes, self.packages, self.clocked, spent)


def _unclocked(cell: str) -> str:
    """`98x (90%)` is a ratio of times, and a share of picks that time does not change."""
    return _NUMBER.sub("#", cell, count=1)


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
