"""Judged lists out of any long documents, with no labels and no model.

The query names what a chunk is about in a word that the chunk does not have: only chunks beside it, or the opening of
its document, say it. Its other words are in the chunk, but chunks of other documents have them as well. So the answer
is found only by reading a chunk together with its document: what EBCAR (arXiv 2510.13329) is for, whose training sets
(ConTEB) take the name out of the answer in the same way.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from shortlist.documents import Chunking, read_folder
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.training.judged import JudgedList
from shortlist.training.making.asking import Asker, Question, Unasked
from shortlist.training.making.candidates import Candidates
from shortlist.training.making.library import Library
from shortlist.training.making.names import Namer
from shortlist.training.making.settings import Making

__all__ = ["Made", "Making", "make_apart", "make_from_folder", "make_judged"]

_CHUNKING = Chunking(words=100, overlap=0)


@dataclass(frozen=True, eq=False)
class Made:
    """What was made.

    Attributes:
        lists: each with its answers graded 1, with what names them where that was asked for, and all else 0.
        documents: how many there were.
        chunks: how many there were.
        left_out: why chunks that were tried gave no list, and how many did so.
    """

    lists: tuple[JudgedList, ...]
    documents: int
    chunks: int
    left_out: Mapping[str, int]


def make_from_folder(path: str | Path, making: Making | None = None, chunking: Chunking = _CHUNKING) -> Made:
    """`make_judged` of every document in a folder. Chunks must not overlap: an overlap has what the neighbour says.

    Raises:
        InputError: there is no such folder, nothing readable is in it, or chunks overlap.
        MissingExtra: an HTML or PDF file is there, and the extra `search` is not installed.
    """
    return make_judged(_chunks(path, chunking), making)


def make_apart(
    path: str | Path, making: Making | None = None, chunking: Chunking = _CHUNKING, share: float = 0.2
) -> tuple[Made, Made]:
    """As `make_from_folder`, from two parts of the documents: `1 - share` of them, and the others.

    The lists of the others say what a network does with documents of the same kind that it has not seen.

    Raises:
        InputError: as `make_from_folder`, or a part has no document.
    """
    passages = _chunks(path, chunking)
    names = sorted({str(passage.document_id) for passage in passages})
    making = making or Making()
    others = {*random.Random(making.seed).sample(names, round(share * len(names)))}
    ours = [passage for passage in passages if str(passage.document_id) not in others]
    theirs = [passage for passage in passages if str(passage.document_id) in others]
    return make_judged(ours, making), make_judged(theirs, making)


def make_judged(passages: Sequence[Passage], making: Making | None = None) -> Made:
    """Lists whose query is answered by a chunk only together with its neighbours; the same ones for the same seed.

    A list has the answer and chunks of its document, one of which names what the query is about, and groups of chunks
    of other documents, which have the query's words by BM25 or the name. By its words alone, BM25 puts a chunk of
    another document first.

    Args:
        passages: chunks with document ids, those of a document in order.
        making: how.

    Raises:
        InputError: there are no passages, or one has no document id.
    """
    if not passages:
        raise InputError("there is no passage to make lists of")
    library, making = Library(passages), making or Making()
    left_out: Counter[str] = Counter()
    questions = _questions(library, making, random.Random(making.seed), left_out)
    lists = tuple(_lists(library, making, questions, left_out))
    return Made(lists, len(library.documents), len(passages), MappingProxyType(dict(sorted(left_out.items()))))


def _chunks(path: str | Path, chunking: Chunking) -> Sequence[Passage]:
    if chunking.overlap:
        raise InputError("chunks that overlap say what their neighbours say: overlap must be 0")
    return read_folder(path, chunking)


def _questions(library: Library, making: Making, rng: random.Random, left_out: Counter[str]) -> Iterator[Question]:
    """One for each chunk that gives one, in random order."""
    asker = Asker(Namer(library, making.reach), making.common, making.plain)
    used: Counter[str | None] = Counter()
    for chunk in rng.sample(range(len(library.passages)), len(library.passages)):
        document = library.passages[chunk].document_id
        if used[document] >= making.each:
            left_out["its document has given enough"] += 1
            continue
        try:
            question = asker.question(chunk, rng)
        except Unasked as reason:
            left_out[str(reason)] += 1
            continue
        used[document] += 1
        yield question


def _lists(
    library: Library, making: Making, questions: Iterator[Question], left_out: Counter[str]
) -> Iterator[JudgedList]:
    candidates, rng = Candidates(library, making), random.Random(making.seed + 1)
    asked: set[str] = set()
    while len(asked) < making.queries and (together := list(islice(questions, making.answers))):
        query = " and ".join(each.query for each in together)
        chunks = candidates.of(together, rng) if _different(library, together, making.answers) else []
        # More than half as many as there may be: then there are other documents among them.
        if len(chunks) <= making.candidates // 2 or query in asked:
            left_out["too few candidates, or asked already"] += len(together)
            continue
        asked.add(query)
        relevant = {each.answer for each in together} | {each.naming for each in together if making.naming}
        passages = tuple(library.passages[chunk] for chunk in chunks)
        yield JudgedList(query, passages, tuple(int(chunk in relevant) for chunk in chunks))


def _different(library: Library, together: Sequence[Question], answers: int) -> bool:
    """Whether there are as many questions as a list is to have, each about another document."""
    return len({library.passages[each.answer].document_id for each in together}) == answers
