"""TREC's files: a run says who found what, qrels what judges said, and two more files hold the texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.training.judged import JudgedList
from shortlist.training.records import Record, located, records, rows

_IDS = ("_id", "id", "docid", "qid", "doc_id", "query_id")
_TEXTS = ("text", "contents", "content", "query")
_ENDINGS = ("", ".txt", ".tsv", ".trec", ".jsonl", ".json")

Run = dict[str, dict[str, float]]
Grades = Mapping[str, int]


def read_trec(
    run: str | Path, qrels: str | Path, queries: str | Path, corpus: str | Path, *, depth: int = 100
) -> list[JudgedList]:
    """The lists of a run, best score first, in the order of its queries.

    A passage has the run's document as id and its score; `document_id` and `position` where the corpus says them; a
    title stands on a line above the text. Grades are those of the qrels: 0 for what nobody judged and for grades below
    0. Queries without any judgment are left out.

    Args:
        run: lines `query Q0 document rank score tag`.
        qrels: lines `query 0 document grade`.
        queries: tab-separated lines `id text`, or JSON with `id` or `_id`, and `text`.
        corpus: the same, with a `title` where there is one.
        depth: passages of a query, at most.

    Raises:
        InputError: a file cannot be read, or the text of a query or document is missing; the message says where.
    """
    found, judged = _read_run(Path(run), depth), _read_qrels(Path(qrels))
    found = {query: scores for query, scores in found.items() if query in judged}
    if not found:
        raise InputError(f"no query of {run} is judged in {qrels}")
    asked = {query: p.text for query, p in read_texts(Path(queries), set(found))}
    needed = {document for scores in found.values() for document in scores}
    known = dict(read_texts(Path(corpus), needed))
    _check(queries, found, asked)
    _check(corpus, needed, known)
    return [_list(asked[query], known, scores, judged[query]) for query, scores in found.items()]


def read_trec_folder(folder: Path, *, depth: int = 100) -> list[JudgedList]:
    """`read_trec` of the files `run`, `qrels`, `queries` and `corpus` of a folder, with any usual ending.

    Raises:
        InputError: one is not there, or cannot be read.
    """
    run, qrels, queries, corpus = (_file(folder, name) for name in ("run", "qrels", "queries", "corpus"))
    return read_trec(run, qrels, queries, corpus, depth=depth)


def is_trec_folder(folder: Path) -> bool:
    """Whether it has a run and qrels."""
    return find_file(folder, "run") is not None and find_file(folder, "qrels") is not None


def find_file(folder: Path, name: str) -> Path | None:
    """The file of this name in the folder, with any usual ending, or None."""
    return next((path for ending in _ENDINGS if (path := folder / (name + ending)).is_file()), None)


def _file(folder: Path, name: str) -> Path:
    found = find_file(folder, name)
    if found is None:
        raise InputError(f"{folder} has no file {name}.txt, {name}.tsv or {name}.jsonl")
    return found


def _read_run(path: Path, depth: int) -> Run:
    found: Run = {}
    for where, (query, _, document, _, score, _) in rows(path, 6):
        with located(where):
            found.setdefault(query, {})[document] = float(score)
    return {query: dict(sorted(scores.items(), key=lambda each: -each[1])[:depth]) for query, scores in found.items()}


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for where, (query, _, document, grade) in rows(path, 4):
        with located(where):
            found.setdefault(query, {})[document] = max(0, int(grade))
    return found


def read_texts(path: Path, wanted: set[str] | Mapping[str, object] | None = None) -> Iterator[tuple[str, Passage]]:
    """The texts of these ids, or of all, in the order of the file: JSON, or tab-separated lines `id text`.

    Raises:
        InputError: the file cannot be read; the message says where.
    """
    if path.suffix in (".jsonl", ".json"):
        for where, record in records(path):
            with located(where):
                passage = _passage(record)
            if wanted is None or passage.id in wanted:
                yield str(passage.id), passage
    else:
        for _, (name, text) in rows(path, 2, "\t"):
            if wanted is None or name in wanted:
                yield name, Passage(text, name)


def _passage(record: Record) -> Passage:
    name = next((record[key] for key in _IDS if key in record), None)
    text = next((record[key] for key in _TEXTS if key in record), None)
    if name is None or not isinstance(text, str):
        raise InputError("no id, or no text")
    title = record.get("title")
    titled = f"{title}\n{text}" if title else text
    return Passage(titled, str(name), document_id=record.get("document_id"), position=record.get("position"))


def _check(path: str | Path, wanted: Mapping[str, object] | set[str], known: Mapping[str, object]) -> None:
    if missing := sorted(set(wanted) - set(known)):
        raise InputError(f"{path} has no text for {len(missing)} of {len(wanted)} ids, such as {missing[0]!r}")


def _list(
    query: str, known: Mapping[str, Passage], scores: Mapping[str, float], judged: Mapping[str, int]
) -> JudgedList:
    passages = tuple(replace(known[document], score=score) for document, score in scores.items())
    return JudgedList(query, passages, tuple(judged.get(document, 0) for document in scores))
