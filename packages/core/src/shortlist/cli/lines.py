"""The lines that `shortlist rerank` reads: each a query and its passages, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shortlist.errors import InputError
from shortlist.passage import Passage, as_passages, well_typed


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be ranked.

    Attributes:
        number: in the input, from 1.
        query: what was asked.
        passages: what was found.
        head: what its output begins with: the number, and the id where the line has one.
    """

    number: int
    query: str
    passages: tuple[Passage, ...]
    head: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot.

    Attributes:
        number: in the input, from 1.
        error: why.
    """

    number: int
    error: InputError


def read_lines(stream: Iterable[bytes], first: int = 1) -> Iterator[Line | BadLine]:
    """Each line of the stream, numbered from `first`; blank ones are passed over."""
    for number, raw in enumerate(stream, first):
        if raw.strip():
            yield _read(number, raw)


def batches(lines: Iterator[Line | BadLine], size: int) -> Iterator[list[Line | BadLine]]:
    """So many lines at a time."""
    while batch := list(islice(lines, size)):
        yield batch


def _read(number: int, raw: bytes) -> Line | BadLine:
    try:
        data = _object(raw)
        head = {"line": number, **({"id": data["id"]} if "id" in data else {})}
        return Line(number, _query(data), tuple(map(well_typed, as_passages(_list(data)))), head)
    except InputError as error:
        return BadLine(number, error)
    except (TypeError, ValueError, RecursionError) as error:
        return BadLine(number, InputError(f"not a query with passages: {error}"))


def _object(raw: bytes) -> dict[str, Any]:
    data = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(data, dict):
        raise InputError("not a JSON object")
    return data


def _query(data: dict[str, Any]) -> str:
    query = data.get("query")
    if not isinstance(query, str):
        raise InputError("'query' must be a text")
    return query


def _list(data: dict[str, Any]) -> list[Any]:
    passages = data.get("passages")
    if not isinstance(passages, list):
        raise InputError("'passages' must be a list")
    return passages
