"""What judges said, out of files: TREC's and BEIR's grades, and the aspects of TREC's Web tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import InputError
from shortlist.passage import NOTHING
from shortlist.training.records import contents, located, rows


@dataclass(frozen=True)
class Judgments:
    """What was said of one question.

    Attributes:
        grades: by passage id, as they stand: below 0 too, as with spam; the highest one where aspects were judged.
        aspects: by passage id, the aspects that it answers; empty where nobody judged by aspect.
    """

    grades: Mapping[str, int]
    aspects: Mapping[str, frozenset[str]] = NOTHING


def read_qrels(path: str | Path) -> dict[str, Judgments]:
    """The judgments of each question, by its id.

    TREC's lines `question 0 passage grade`, or BEIR's tab-separated `question passage grade` with or without a head.
    A passage that is judged more than once for a question, each time with another second column, is judged by aspect,
    as in ndeval's files: the second column names the aspect. A round number there, as TREC-COVID has it, is none.

    Raises:
        InputError: the file cannot be read, or says two things of one passage; the message says where.
    """
    path = Path(path)
    found: dict[str, dict[str, dict[str, int]]] = {}
    for where, question, aspect, passage, grade in _lines(path):
        said = found.setdefault(question, {}).setdefault(passage, {})
        if said.setdefault(aspect, grade) != grade:
            raise InputError(f"{where}: passage {passage!r} is judged {grade} here, and {said[aspect]} before")
    if not found:
        raise InputError(f"{path}: no judgment in it")
    by_aspect = any(len(said) > 1 for passages in found.values() for said in passages.values())
    return {question: _judgments(passages, by_aspect=by_aspect) for question, passages in found.items()}


def _judgments(passages: Mapping[str, Mapping[str, int]], *, by_aspect: bool) -> Judgments:
    grades = {name: max(said.values()) for name, said in passages.items()}
    if not by_aspect:
        return Judgments(grades)
    answers = {name: frozenset(each for each, grade in said.items() if grade > 0) for name, said in passages.items()}
    return Judgments(grades, {name: aspects for name, aspects in answers.items() if aspects} or NOTHING)


def _lines(path: Path) -> Iterator[tuple[str, str, str, str, int]]:
    """Where each judgment stands; its question, aspect, passage and grade."""
    first = contents(path).lstrip().partition("\n")[0]
    if len(first.split()) == 3:
        yield from _beir(path)
        return
    for where, (question, aspect, passage, grade) in rows(path, 4):
        with located(where):
            yield where, question, aspect, passage, int(grade)


def _beir(path: Path) -> Iterator[tuple[str, str, str, str, int]]:
    for place, (where, (question, passage, grade)) in enumerate(rows(path, 3)):
        if place == 0 and not grade.lstrip("-").isdigit():
            continue  # the head: query-id, corpus-id, score
        with located(where):
            yield where, question, "0", passage, int(grade)
