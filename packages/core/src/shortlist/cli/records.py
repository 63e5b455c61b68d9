"""The files that `shortlist rerank` writes, and how an interrupted run is taken up again.

Both files are written in the order of the input, line by line. So the last complete line of the output says how far a
run came: what the input has up to there is done, in one file or the other, and what comes after it is not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from shortlist.cli.output import line_of_json, note
from shortlist.errors import InputError

_BEGIN = b'{"line": '


class Records:
    """Where rankings and failures go.

    Attributes:
        ranked: how many rankings were written.
        failed: how many lines failed, those of the run that is resumed included where `--errors` kept them.
    """

    def __init__(self, output: IO[bytes], errors: IO[bytes] | None, failed: int) -> None:
        self._output = output
        self._errors = errors
        self.ranked = 0
        self.failed = failed

    def write(self, record: Mapping[str, Any]) -> None:
        """One ranking, whole and at once.

        Raises:
            ValueError: it holds what JSON cannot.
        """
        _append(self._output, record)
        self.ranked += 1

    def fail(self, head: Mapping[str, Any], error: Exception) -> None:
        """One failure: on stderr, and in the file of errors."""
        self.failed += 1
        note(f"line {head['line']}: {error}")
        if self._errors is not None:
            _append(self._errors, {**head, "error": type(error).__name__, "message": str(error)})


def _append(file: IO[bytes], record: Mapping[str, Any]) -> None:
    file.write(f"{line_of_json(record)}\n".encode())
    file.flush()


def last_record(output: Path) -> dict[str, Any] | None:
    """The last complete line that an earlier run wrote, or None; half a line after it is cut off.

    Raises:
        InputError: the file was not written by `shortlist rerank`.
    """
    last, end, tail = b"", 0, b""
    with output.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                last, end = line, end + len(line)
            else:
                tail = line
    record = _record(last) if last else {"line": 0}
    if record is None or not (tail.startswith(_BEGIN) or _BEGIN.startswith(tail)):
        raise InputError(f"{output} is not what `shortlist rerank` writes: nothing was changed in it")
    if tail:
        _cut(output, end)
    return record if last else None


def _kept_failures(errors: Path, done: int) -> int:
    """How many failures of lines up to `done` the file holds; those after it are cut off, and come again."""
    count = end = 0
    with errors.open("rb") as file:
        for line in file:
            record = _record(line) if line.endswith(b"\n") else None
            if record is None or record["line"] > done:
                break
            count, end = count + 1, end + len(line)
    _cut(errors, end)
    return count


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("line"), int) else None


def _cut(path: Path, end: int) -> None:
    with path.open("r+b") as file:
        file.truncate(end)


@contextmanager
def records(output: Path | None, errors: Path | None, done: int) -> Iterator[Records]:
    """The files, opened to go on after line `done` of the input; after 0, an errors file is begun anew.

    Raises:
        InputError: a file cannot be written.
    """
    with ExitStack() as stack:
        try:
            failed = _kept_failures(errors, done) if errors is not None and errors.exists() else 0
            errors_file = None if errors is None else stack.enter_context(errors.open("ab"))
            output_file = sys.stdout.buffer if output is None else stack.enter_context(output.open("ab"))
        except OSError as error:
            raise InputError(f"cannot write {error.filename}: {error.strerror}") from error
        yield Records(output_file, errors_file, failed)
