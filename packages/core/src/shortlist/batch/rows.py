"""The rows of a shard: those that can be ranked, and those that cannot."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from shortlist.errors import InputError
from shortlist.passage import Passage

Id: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that came to nothing, as the file of failures has it.

    Attributes:
        row: its number, counted from 0 over the whole input.
        id: its id, where it has one that can be read.
        error: the class of what went wrong.
        message: the same in words.
        original: the row as it came in, or its text where it cannot be read.
    """

    row: int
    id: Id
    error: str
    message: str
    original: Any

    @classmethod
    def of(cls, row: int, id: Id, error: Exception, original: Any) -> Failure:  # noqa: A002 - what everybody calls it
        """The failure that an error is."""
        return cls(row, id, type(error).__name__, str(error), jsonable(original))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        names = ("row", "id", "error", "message", "original")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Rows:
    """Rows as they are ranked. The lists stand side by side.

    Attributes:
        numbers: over the whole input, of those that can be ranked.
        ids: of the same.
        requests: the same, each a query and its passages.
        failures: the others.
        blank: lines with nothing on them.
        original: by number, a row as it came in.
    """

    numbers: list[int] = field(default_factory=list)
    ids: list[Id] = field(default_factory=list)
    requests: list[tuple[str, Sequence[Passage]]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    blank: int = 0
    original: Callable[[int], Any] = lambda _: None

    def failed(self, number: int, id: Id, error: Exception) -> Failure:  # noqa: A002 - what everybody calls it
        """The failure of this row."""
        return Failure.of(number, id, error, self.original(number))


def checked_id(value: Any) -> Id:
    """The id, where it is one.

    Raises:
        InputError: it is neither a text nor a whole number.
    """
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InputError(f"'id' must be a text or a whole number, not {value!r:.80}")


def jsonable(value: Any) -> Any:
    """The value as JSON can hold it: bytes as base64, what is not finite as null, other kinds as text."""
    if isinstance(value, Mapping):
        return {str(name): jsonable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, (str, int)) else str(value)
