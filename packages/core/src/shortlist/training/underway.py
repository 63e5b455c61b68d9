"""Files of JSON lines that a run adds to as it goes, so that the next one goes on where it was killed.

The first line says what is in the file and all that it depends on: a file of anything else is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from shortlist.errors import InputError
from shortlist.training.records import Record, located, records


def resumed(path: Path, head: Mapping[str, Any], no: str, other: str) -> Iterator[tuple[str, Record]]:
    """The records under the head, each behind where it stands; half a line at the end is cut off.

    A file that is not there is begun, and one with nothing under its head is begun anew.

    Args:
        path: of the file.
        head: the first line; its first key and value say what kind of file it is, the others what it depends on.
        no: what is said of a file of another kind, as in "is no store".
        other: what is said of one whose head differs, as in "is the store of another"; the keys that differ follow.

    Raises:
        InputError: the file is of another kind, has another head, or cannot be read or written.
    """
    begin = _line(dict(islice(head.items(), 1)))[:-2]
    try:
        data = path.read_bytes() if path.exists() else b""
        if not data.startswith(begin) and not begin.startswith(data):
            raise InputError(f"{path} {no}: nothing was changed in it")
        if data.count(b"\n") < 2:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_line(head))
            return iter(())
        with located(f"{path}:1"):
            found = json.loads(data.partition(b"\n")[0])
        if differing := [name for name in head if found.get(name) != head[name]]:
            raise InputError(f"{path} {other} {' and '.join(differing)}: remove it, or choose another place")
        os.truncate(path, data.rfind(b"\n") + 1)
    except OSError as error:
        raise InputError(f"cannot use {path}: {error}") from error
    return islice(records(path), 1, None)


def add(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines behind what is there.

    Raises:
        InputError: the file cannot be written, or a line holds what JSON cannot.
    """
    _put(path, lines, "ab")


def write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines in place of what was there, and the folder if there is none.

    Raises:
        InputError: as of `add`.
    """
    _put(path, lines, "wb")


def digest(value: object) -> str:
    """What stands for a value of JSON in a head or a name."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _put(path: Path, lines: Iterable[Mapping[str, Any]], mode: Literal["ab", "wb"]) -> None:
    try:
        data = b"".join(map(_line, lines))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as sink:
            sink.write(data)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"cannot write {path}: {error}") from error


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"
