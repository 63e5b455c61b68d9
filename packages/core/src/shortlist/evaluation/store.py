"""Where a run keeps its outcomes as they come: a file of JSON lines under a line that says whose they are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.outcome import Outcome
from shortlist.reranker.base import Reranker
from shortlist.runtime.settings import Runtime

_BEGIN = b'{"shortlist_run": '


def key_of(reranker: Reranker, collection: Collection, top_k: int | None, runtime: Runtime) -> dict[str, Any]:
    """All that outcomes depend on, JSON-ready. Weights count by their names: those changed in place need a new store.

    Raises:
        InputError: the reranker holds code, which cannot be written down.
    """
    limits = {name: limit for name, limit in asdict(runtime.limits).items() if limit is not None}
    written = {"pipeline": reranker.to_dict(), "collection": digest(collection), "top_k": top_k, "limits": limits}
    return dict(json.loads(json.dumps(written)))  # tuples are lists in what is read back


def digest(collection: Collection) -> str:
    """SHA-256 of what rerankers read of a collection: questions and candidates, and no judgments."""
    found = hashlib.sha256()
    for question in collection:
        read = [question.id, question.query, [passage.to_dict() for passage in question.passages]]
        found.update(json.dumps(read, sort_keys=True, default=str).encode() + b"\n")
    return found.hexdigest()


@dataclass
class Store:
    """Outcomes by question id, and the file they are written to, if there is one.

    Attributes:
        path: of the file; None keeps them in memory alone.
        outcomes: those there are; without those that failed, when read from a file.
        seconds: that they took together.
    """

    path: Path | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def at(cls, path: Path, key: Mapping[str, Any]) -> Store:
        """The store in this file, which is begun if it is not there; half a line at its end is cut off.

        Raises:
            InputError: it belongs to something else, is no store, or cannot be read or written.
        """
        store = cls(path)
        try:
            *lines, half = path.read_bytes().split(b"\n") if path.exists() else [b""]
            if lines:
                _check(path, lines[0], key)
                store._read(lines[1:])
                os.truncate(path, path.stat().st_size - len(half))
            elif half[: len(_BEGIN)] == _BEGIN[: len(half)]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_line({"shortlist_run": 1, **key}))
            else:
                raise _none(path)
        except OSError as error:
            raise InputError(f"cannot use {path} as a store: {error}") from error
        return store

    def add(self, question: str, outcome: Outcome, seconds: float) -> None:
        """Keep one more outcome, and the seconds that it took."""
        self.outcomes[question] = outcome
        self.seconds += seconds
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(_line({"question": question, "seconds": seconds, "outcome": outcome.to_dict()}))

    def _read(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 2):
            try:
                record = json.loads(line)
                outcome = Outcome.from_dict(record["outcome"])
                if outcome.error is None:
                    self.outcomes[record["question"]] = outcome
                    self.seconds += record["seconds"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{self.path}:{number} is no outcome of a run: {error}") from error


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def _none(path: Path) -> InputError:
    return InputError(f"{path} is no store of a run: nothing was changed in it")


def _check(path: Path, line: bytes, key: Mapping[str, Any]) -> None:
    try:
        head = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.pop("shortlist_run", None) != 1:
        raise _none(path)
    if other := [name for name in key if head.get(name) != key[name]]:
        raise InputError(f"{path} is the store of another {' and '.join(other)}: remove it, or choose another place")
