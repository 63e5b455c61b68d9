"""Folders with a corpus, queries and qrels, as TREC and BEIR have them: a run says what was found, or BM25 finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shortlist.documents import FirstStage
from shortlist.errors import InputError
from shortlist.evaluation.collection import Question
from shortlist.evaluation.outcome import Outcome
from shortlist.evaluation.qrels import Judgments, read_qrels
from shortlist.evaluation.runs import read_run
from shortlist.passage import Passage
from shortlist.training.trec import find_file, read_texts

_SPLITS = ("test", "dev", "train")


def read_folder(folder: Path, run: Path | None, qrels: str | Path | None, depth: int) -> Iterator[Question]:
    """The questions that are both asked and judged, in the order of the file of queries.

    The folder has `corpus`, `queries` and `qrels` with any usual ending; `qrels` may be a folder too, with `test`,
    `dev` or `train`. What is found for a question is what the run found, or the folder's file `run`; without a run,
    BM25 over the corpus finds it. A question for which nothing was found has no candidate.

    Raises:
        InputError: a file is not there or cannot be read, or a text is missing; the message says where.
        MissingExtra: BM25 is needed, and the extra `search` is not installed.
    """
    judged = read_qrels(_qrels(folder, qrels))
    path = _file(folder, "queries")
    asked = {name: passage.text for name, passage in read_texts(path, judged)}
    run = run or find_file(folder, "run")
    if run is not None:
        found = {name: outcome for name, outcome in read_run(run).outcomes.items() if name in judged}
        _check(path, found, asked)
        return _of_run(folder, asked, judged, found, depth)
    return _searched(folder, asked, judged, depth)


def _of_run(
    folder: Path,
    asked: Mapping[str, str],
    judged: Mapping[str, Judgments],
    found: Mapping[str, Outcome],
    depth: int,
) -> Iterator[Question]:
    path = _file(folder, "corpus")
    needed = {name for outcome in found.values() for name in outcome.ids[:depth]}
    known = dict(read_texts(path, needed))
    _check(path, needed, known)
    for name, query in asked.items():
        kept = zip(found[name].ids[:depth], found[name].scores[:depth], strict=True) if name in found else ()
        yield _question(name, query, [replace(known[each], score=score) for each, score in kept], judged[name])


def _searched(
    folder: Path, asked: Mapping[str, str], judged: Mapping[str, Judgments], depth: int
) -> Iterator[Question]:
    corpus = [passage for _, passage in read_texts(_file(folder, "corpus"))]
    index = FirstStage(corpus)
    for name, query in asked.items():
        yield _question(name, query, index.search(query, depth), judged[name])


def _question(name: str, query: str, passages: Sequence[Passage], judged: Judgments) -> Question:
    return Question(name, query, tuple(passages), judged.grades, judged.aspects)


def _qrels(folder: Path, qrels: str | Path | None) -> Path:
    """The file of judgments: the one named, that split of the folder `qrels`, or the first that is there."""
    if qrels is not None:
        split = folder / "qrels" / f"{qrels}.tsv"
        return split if split.is_file() else Path(qrels)
    found = (find_file(folder / "qrels", split) for split in _SPLITS)
    path = find_file(folder, "qrels") or next((each for each in found if each is not None), None)
    if path is None:
        raise InputError(f"{folder} has no qrels: neither a file qrels.txt or qrels.tsv, nor qrels/test.tsv")
    return path


def _file(folder: Path, name: str) -> Path:
    found = find_file(folder, name)
    if found is None:
        raise InputError(f"{folder} has no file {name}.jsonl, {name}.tsv or {name}.txt")
    return found


def _check(path: Path, wanted: Mapping[str, object] | set[str], known: Mapping[str, object]) -> None:
    if missing := sorted(set(wanted) - set(known)):
        raise InputError(f"{path} has no text for {len(missing)} of {len(wanted)} ids, such as {missing[0]!r}")
