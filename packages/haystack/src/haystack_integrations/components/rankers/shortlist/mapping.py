"""Documents to passages, and a ranking to documents. Nothing that came in is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from math import inf
from typing import Any

from haystack import Document, logging
from haystack.dataclasses import ByteStream

from shortlist.passage import Passage
from shortlist.ranking import Items, Ranking, Reasons, Usage, dropped

logger = logging.getLogger(__name__)

REASONS_KEY = "relevance_reasons"
"""Where the meta of a returned document has the numbers behind its score, by name."""

_USAGE = tuple(field.name for field in fields(Usage))


def as_passages(
    documents: Sequence[Document], embed: Sequence[str], separator: str, parent: str, place: str
) -> list[Passage]:
    """One passage a document. `embed` names the meta values before its text, `parent` and `place` where it is from."""
    return [
        Passage(
            _text(document, embed, separator) if embed else document.content or "",
            document.id,
            document.score,
            document.embedding,
            None if (name := (meta := document.meta).get(parent)) is None else str(name),
            position if type(position := meta.get(place)) is int else _place(position),
            meta,
            None if document.blob is None else _image(document.blob),
        )
        for document in documents
    ]


def _place(value: object) -> int | None:
    """A whole number; some stores give it back as a float, some as a text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def output(documents: Sequence[Document], unique: Sequence[Document], ranking: Ranking) -> dict[str, Any]:
    """What the component returns: copies of the kept documents with their scores, and what became of the others."""
    best = [_scored(unique[item.index], item.score, item.reasons) for item in ranking.kept]
    return {"documents": best, "meta": _meta(ranking, unique, len(documents) - len(unique))}


def _text(document: Document, embed: Sequence[str], separator: str) -> str:
    values = [str(value) for key in embed if (value := document.meta.get(key)) is not None]
    return separator.join([*values, document.content or ""])


def nothing_to_rank(query: object, documents: Sequence[Document]) -> bool:
    """Whether there are no documents, or the query is blank."""
    return not documents or (isinstance(query, str) and not query.strip())


def best_by_id(documents: Sequence[Document]) -> Sequence[Document]:
    """One document an id, where its first stood: the one with the best score, as Haystack's rankers do."""
    if len({document.id for document in documents}) == len(documents):
        return documents
    best: dict[str, Document] = {}
    for document in documents:
        known = best.setdefault(document.id, document)
        if known is not document and _score(document) > _score(known):
            best[document.id] = document
    return list(best.values())


def _score(document: Document) -> float:
    score = document.score
    return -inf if score is None or score != score else score  # noqa: PLR0124  # only NaN is not itself


def _image(blob: ByteStream) -> bytes | None:
    return blob.data if (blob.mime_type or "").startswith("image/") else None


def above(ranking: Ranking, threshold: float | None) -> Ranking:
    """The ranking without what scored below the threshold."""
    if threshold is None:
        return ranking
    first = sum(item.score is not None and item.score >= threshold for item in ranking.kept)
    if first == len(ranking.kept):
        return ranking
    below = dropped(ranking.kept[first:], f"a score below {threshold}")
    return replace(ranking, kept=ranking.kept[:first], dropped=(*below, *ranking.dropped))


def _scored(document: Document, score: float | None, reasons: Reasons) -> Document:
    # What `dataclasses.replace` makes, without its checks, which take seven times as long; and `meta` is not shared.
    scored, meta = object.__new__(type(document)), {**document.meta}
    meta.pop(REASONS_KEY, None)  # of an earlier stage
    if reasons:
        meta[REASONS_KEY] = dict(reasons)
    vars(scored).update(vars(document), score=score, meta=meta)
    return scored


def _meta(ranking: Ranking, unique: Sequence[Document], repeated: int) -> dict[str, Any]:
    mended = [f"{repeated} documents had the id of another: the better score was taken"] if repeated else []
    return {
        "score_kind": ranking.score_kind,
        "usage": {name: getattr(ranking.usage, name) for name in _USAGE},
        "repairs": [*mended, *ranking.repairs],
        "degraded": ranking.degraded,
        "reasons": {item.passage.id: dict(item.reasons) for item in ranking.kept if item.reasons},
        "dropped": _dropped(ranking, unique),
    }


def _dropped(ranking: Ranking, unique: Sequence[Document]) -> dict[str, str]:
    """Why each document that is not kept is not, by id."""
    lost = ranking.dropped
    if isinstance(lost, Items) and lost.dropped:  # merely cut; no item is made to be told so
        return dict.fromkeys([unique[i].id for i in lost.order], lost.dropped)
    return {unique[item.index].id: ranking.why_dropped(item) for item in lost}


def unranked(documents: Sequence[Document], unique: Sequence[Document], keep: int | None) -> dict[str, Any]:
    """The documents as they came, where there is none or the query is blank: no model is called for that."""
    ranking = Ranking((), score_kind="rank")
    if unique:
        logger.warning("Blank query given to ShortlistRanker: the documents are returned in their order, not ranked.")
        ranking = ranking.noting(degraded="the query is blank: not ranked")
    cut = {} if keep is None else dict.fromkeys((d.id for d in unique[keep:]), f"below the first {keep}")
    meta = _meta(ranking, unique, len(documents) - len(unique))
    return {"documents": list(unique[:keep]), "meta": {**meta, "score_kind": None, "dropped": cut}}
