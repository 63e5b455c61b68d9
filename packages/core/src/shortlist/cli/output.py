"""What commands say, and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from shortlist.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table


def note(text: str) -> None:
    """A line on stderr; text of servers and files that may be in it commands no terminal."""
    typer.echo(_harmless(text), err=True)


def line_of_json(value: Any) -> str:
    """One line of JSON. Text that is no valid Unicode, such as half an emoji, is written as escapes.

    Raises:
        ValueError: a number in it is not finite.
        TypeError: something in it is not JSON.
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False)
    return line


def print_json(value: Any) -> None:
    """A value on stdout, as one line of JSON."""
    typer.echo((line_of_json(value) + "\n").encode(), nl=False)


def room_for(path: Path, *, folder: bool = False) -> None:
    """See that a file, or a folder, can be written: before the work, not after. Nothing is made.

    Raises:
        InputError: it cannot, by what stands there or above.
    """
    whole = path.absolute()
    there = next(each for each in (whole, *whole.parents) if each.exists())
    if there.is_dir() != (folder or there != whole) or not os.access(there, os.W_OK):
        raise InputError(f"{path} cannot be written: {there} is in the way, or may not be written to")


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house's style."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(*cells: str) -> Sequence[Any]:
    """Cells that are shown as they are: brackets in a text are no markup, control characters no commands."""
    from rich.text import Text

    return [Text(_harmless(cell)) for cell in cells]


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def print_table(shown: Table) -> None:
    """A table on stdout, as wide as the terminal, or 120 columns where there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 120).print(shown)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr that something is under way, when somebody is looking."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
