"""Questions with candidates and a known answer, out of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.errors import InputError
from shortlist.passage import Passage, as_passages
from shortlist.training.judged import JudgedList
from shortlist.training.labels.corpus import with_ids
from shortlist.training.readers import read_judged
from shortlist.training.records import Record, located, records


@dataclass(frozen=True)
class Answered:
    """A question, its candidates, and what is known of its answer.

    Attributes:
        id: of the question.
        query: the question.
        passages: the candidates, each with an id of its own.
        answers: right ones, the usual one first.
        rejected: wrong ones, the likeliest first; empty where nobody knows one.
        grades: one a passage; None where nobody judged.

    Raises:
        InputError: no words in the question, no passage, no answer, or an answer that is no text.
    """

    id: str
    query: str
    passages: tuple[Passage, ...]
    answers: tuple[str, ...]
    rejected: tuple[str, ...] = ()
    grades: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        texts: tuple[object, ...] = (self.query, *self.answers, *self.rejected)
        if bad := [each for each in texts if not (isinstance(each, str) and each.strip())]:
            raise InputError(f"question and answers are texts with words, not {bad[0]!r}")
        if not self.passages or not self.answers:
            raise InputError("a question needs a passage and an answer")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        passages = [passage.to_dict() for passage in self.passages]
        told = {"id": self.id, "query": self.query, "passages": passages, "answers": list(self.answers)}
        return {**told, "rejected": list(self.rejected), "grades": self.grades and list(self.grades)}


def read_answered(path: str | Path) -> list[Answered]:
    """The questions of a file: JSON lines or a JSON list.

    A record is MuSiQue's or HotpotQA's, or has `query`, `passages`, `answers` (texts), and maybe `rejected`, `grades`
    and `id`.

    Raises:
        InputError: something cannot be read, a question has no answer, or two have one id.
    """
    path = Path(path)
    rows = list(records(path))
    lists: Iterator[JudgedList | None] = iter([None] * len(rows))
    if any("grades" in row or "passages" not in row for _, row in rows):
        lists = iter(read_judged(path, level="paragraph"))
    both = enumerate(zip(rows, lists, strict=True))
    found = [_read(where, row, judged, place) for place, ((where, row), judged) in both]
    if not found:
        raise InputError(f"{path}: no question in it")
    if len({each.id for each in found}) < len(found):
        raise InputError(f"{path}: two questions have one id")
    return found


def _read(where: str, row: Record, judged: JudgedList | None, place: int) -> Answered:
    with located(where):
        name, rejected = str(row.get("id", row.get("_id", place))), _texts(row.get("rejected", []))
        if judged is None:
            return Answered(name, row["query"], with_ids(as_passages(row["passages"])), _answers(row), rejected)
        return Answered(name, judged.query, with_ids(judged.passages), _answers(row), rejected, judged.grades)


def _answers(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "answers" in row:
        return _texts(row["answers"])
    return tuple(dict.fromkeys((row["answer"], *_texts(row.get("answer_aliases", [])))))


def _texts(value: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError(f"a list of texts is wanted, not {value!r}")
    return tuple(value)
