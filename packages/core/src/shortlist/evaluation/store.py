"""Where a run keeps its outcomes as they come: a file of JSON lines under a line that says whose they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shortlist.evaluation.collection import Collection
from shortlist.evaluation.outcome import Outcome
from shortlist.reranker.base import Reranker
from shortlist.runtime.settings import Runtime
from shortlist.training.records import located
from shortlist.training.underway import add, resumed


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
        head = {"shortlist_run": 1, **key}
        for where, record in resumed(path, head, "is no store of a run", "is the store of another"):
            with located(where):
                outcome = Outcome.from_dict(record["outcome"])
                if outcome.error is None:
                    store.outcomes[record["question"]] = outcome
                    store.seconds += record["seconds"]
        return store

    def add(self, question: str, outcome: Outcome, seconds: float) -> None:
        """Keep one more outcome, and the seconds that it took."""
        self.outcomes[question] = outcome
        self.seconds += seconds
        if self.path is not None:
            add(self.path, [{"question": question, "seconds": seconds, "outcome": outcome.to_dict()}])
