"""JSON lines as rows."""

from __future__ import annotations

import json
from typing import Any

from shortlist.batch.rows import Failure, Id, Rows, checked_id
from shortlist.errors import InputError
from shortlist.passage import Passage, as_passages, well_typed


def rows_of_lines(data: bytes, first: int) -> Rows:
    """The rows of these lines, numbered from `first`; blank ones are passed over."""
    lines = data.split(b"\n")
    rows = Rows(original=lambda number: _original(lines[number - first]))
    last = len(lines) - 1
    for number, line in enumerate(lines, first):
        if line.strip():
            _add(rows, number, line)
        elif number - first < last or line:
            rows.blank += 1
    return rows


def _add(rows: Rows, number: int, line: bytes) -> None:
    found: Id = None
    try:
        data = _object(line)
        found = checked_id(data.get("id"))
        request = _text(data.get("query")), _passages(data.get("passages"))
    except (ValueError, TypeError, RecursionError) as error:  # an InputError is a ValueError
        mine = error if isinstance(error, InputError) else InputError(f"not a query with passages: {error}")
        rows.failures.append(Failure.of(number, found, mine, _original(line)))
        return
    rows.numbers.append(number)
    rows.ids.append(found)
    rows.requests.append(request)


def _object(line: bytes) -> dict[str, Any]:
    data = json.loads(line.decode("utf-8-sig"))
    if not isinstance(data, dict):
        raise InputError("not a JSON object")
    if b"\\u" in line:
        json.dumps(data, ensure_ascii=False).encode()  # half an emoji is no Unicode, and no file of Arrow can hold it
    return data


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"'query' must be a text, not {value!r:.80}")
    return value


def _passages(values: Any) -> tuple[Passage, ...]:
    if not isinstance(values, list):
        raise InputError("'passages' must be a list")
    if {*map(type, values)} <= {str}:
        return tuple(map(Passage, values))
    return tuple(map(well_typed, as_passages([_named(value) for value in values])))


def _named(value: Any) -> Any:
    """Whole numbers are as good names as texts."""
    if not isinstance(value, dict):
        return value
    numbers = {name: str(value[name]) for name in ("id", "document_id") if type(value.get(name)) is int}
    return {**value, **numbers} if numbers else value


def _original(line: bytes) -> Any:
    try:
        return _object(line)
    except (ValueError, RecursionError):
        return line.decode("utf-8", "backslashreplace")
