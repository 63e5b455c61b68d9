"""The lists that EBCAR's shipped networks are trained on: made of the texts that `introductions.py` fetches."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shortlist import Passage
from shortlist.documents import Chunking, read_folder
from shortlist.training.judged import JudgedList
from shortlist.training.make import Making, make_judged

NAME = "lists made of the introductions of 6,680 Wikipedia articles (CC BY-SA 4.0)"
ONE = Making(queries=5000, candidates=24, group=5)
TWO = replace(ONE, answers=2, plain=0.5, naming=True, seed=21)
"""Two questions in one, the name often in the answer: as people ask who need two documents."""
LISTS, PAIRS, HELD_OUT = 9000, 3400, 300
APART = 12
"""Of a hundred articles, so many answer no question that is trained on."""


def made(texts: Path) -> tuple[list[JudgedList], list[JudgedList]]:
    """Lists to train on, and lists for the figures, whose answers stand in other articles."""
    passages = read_folder(texts, Chunking(words=30, overlap=0))
    single = _distinct(passages, [replace(ONE, seed=11), replace(ONE, seed=12)])[:LISTS]
    double = _distinct(passages, [TWO])[:PAIRS]
    training = [each for each in single + double if not any(map(_apart, _answered(each)))]
    return training, [each for each in single if all(map(_apart, _answered(each)))][:HELD_OUT]


def _distinct(passages: Sequence[Passage], ways: Sequence[Making]) -> list[JudgedList]:
    found: dict[str, JudgedList] = {}
    for each in (each for making in ways for each in make_judged(passages, making).lists):
        found.setdefault(each.query, each)
    return [*found.values()]


def _answered(judged: JudgedList) -> set[str]:
    told = zip(judged.passages, judged.grades, strict=True)
    return {str(passage.document_id) for passage, grade in told if grade}


def _apart(document: str) -> bool:
    return zlib.crc32(document.encode()) % 100 < APART
