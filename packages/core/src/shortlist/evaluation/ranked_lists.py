"""rank_llm's lists: a query and what was found for it, texts and all, in its older shape and in its newer one.

`{"query": text, "hits": [{"qid", "docid", "rank", "score", "content"}]}`, and
`{"query": {"text", "qid"}, "candidates": [{"docid", "score", "doc": {"title", "text"}}]}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.outcome import Run
from shortlist.passage import Passage
from shortlist.training.records import Record, located, records

_TEXTS = ("contents", "content", "text", "segment", "body", "passage")


class RankedList(NamedTuple):
    """What was found for one query.

    Attributes:
        id: of the query.
        query: its text.
        passages: best first, each with its id, and its score where the file has one.
    """

    id: str
    query: str
    passages: tuple[Passage, ...]


def read_ranked_lists(path: Path) -> Iterator[RankedList]:
    """The lists of a file, a JSON list or JSON lines.

    Raises:
        InputError: the file cannot be read, or a query stands in it twice; the message says where.
    """
    seen: set[str] = set()
    for where, record in records(path):
        with located(where):
            found = _newer(record) if "candidates" in record else _older(record)
            if found.id in seen:
                raise InputError(f"query {found.id!r} stands here a second time")
        seen.add(found.id)
        yield found


def is_ranked_list(record: Record) -> bool:
    """Whether a record has one of these shapes."""
    return "query" in record and ("hits" in record or "candidates" in record)


def _older(record: Record) -> RankedList:
    hits = record["hits"]
    if not hits:
        raise InputError("no hit, and so no id of the query")
    name, *others = sorted({str(hit["qid"]) for hit in hits})
    if others:
        raise InputError(f"hits of the queries {name} and {', '.join(others)} in one list")
    if all("rank" in hit for hit in hits):
        hits = sorted(hits, key=lambda hit: int(hit["rank"]))
    return _list(name, record["query"], [_passage(hit, hit) for hit in hits])


def _newer(record: Record) -> RankedList:
    query = record["query"]
    return _list(str(query["qid"]), query["text"], [_passage(each, each["doc"]) for each in record["candidates"]])


def _list(name: str, query: object, passages: Sequence[Passage]) -> RankedList:
    if not isinstance(query, str):
        raise InputError(f"the query is not a text: {query!r}")
    ids = [passage.id for passage in passages]
    if len({*ids}) < len(ids):
        raise InputError(f"passage {next(each for each in ids if ids.count(each) > 1)!r} stands in the list twice")
    return RankedList(name, query, tuple(passages))


def _passage(hit: Mapping[str, Any], document: Mapping[str, Any] | str) -> Passage:
    fields = {"text": document} if isinstance(document, str) else document
    text = next((fields[key] for key in _TEXTS if key in fields), None)
    if not isinstance(text, str):
        raise InputError(f"passage {hit['docid']!r} has no text")
    title = fields.get("title")
    score = None if hit.get("score") is None else float(hit["score"])
    return Passage(f"{title}\n{text}" if title else text, str(hit["docid"]), score)


def ranked_lists(run: Run, collection: Collection) -> list[dict[str, Any]]:
    """A run in the older shape, with the texts of the collection; what failed or has no hit is left out."""
    return [
        {"query": question.query, "hits": _hits(question.id, run, {str(p.id): p.text for p in question.passages})}
        for question in collection
        if question.id in run.outcomes and run.outcomes[question.id].ids
    ]


def _hits(name: str, run: Run, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    outcome = run.outcomes[name]
    return [
        {"qid": name, "docid": each, "rank": rank, "score": score, "content": texts.get(each, "")}
        for rank, (each, score) in enumerate(zip(outcome.ids, outcome.scores, strict=True), 1)
    ]
