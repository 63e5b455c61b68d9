"""JSON and TSV files as records that know where they stand, so that an error can say where it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shortlist.errors import InputError

Record = Mapping[str, Any]


def records(path: Path) -> Iterator[tuple[str, Record]]:
    """Each object of a JSON list or of JSON lines, behind where it stands: `file:line`, or `file, record 3`.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    text = contents(path)
    if text.lstrip().startswith("["):
        yield from _listed(path, text)
    else:
        for where, line in _lines(path, text):
            yield where, _mapping(where, _parsed(where, line))


def rows(path: Path, columns: int, separator: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """Each line that is not blank, in so many columns, behind where it stands; the last column takes what is left.

    Without a separator, white space parts the columns, and there may be no more of them.

    Raises:
        InputError: the file cannot be read, or a line has another number of columns.
    """
    for where, line in _lines(path, contents(path)):
        found = line.split(separator, -1 if separator is None else columns - 1)
        if len(found) != columns:
            raise InputError(f"{where}: {len(found)} columns, not {columns}")
        yield where, found


def contents(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it cannot be read, or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


@contextmanager
def located(where: str) -> Iterator[None]:
    """Whatever is found missing or of another kind inside is an InputError that says where.

    Raises:
        InputError: as said.
    """
    try:
        yield
    except KeyError as error:
        raise InputError(f"{where}: there is no {error}") from error
    except (InputError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{where}: {error}") from error


def _lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    # Not splitlines: JSON may hold line separators of Unicode as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line.removesuffix("\r")


def _listed(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    found = _parsed(str(path), text)
    if not isinstance(found, list):
        raise InputError(f"{path}: not a JSON list")
    for number, each in enumerate(found, 1):
        where = f"{path}, record {number}"
        yield where, _mapping(where, each)


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {error}") from error


def _mapping(where: str, value: object) -> Record:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: not a JSON object")
    return value
