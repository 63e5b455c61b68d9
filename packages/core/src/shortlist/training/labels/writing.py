"""Queries that were made, as judged lists."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shortlist.algorithms.bm25 import tokenize
from shortlist.passage import Passage
from shortlist.training.judged import JudgedList
from shortlist.training.labels.corpus import RoundTrip
from shortlist.training.labels.made import Kept, Made


class Found(NamedTuple):
    """A query that was kept, and the passages that it was made for."""

    kept: Kept
    sources: tuple[Passage, ...]


def merged(made: Iterable[Made], way: RoundTrip) -> list[Found]:
    """The queries of all passages, each once: of one that several passages gave, all of these are sources.

    A passage that gave the query would else be a negative of it.
    """
    passages = {str(each.id): each for each in way.corpus.passages}
    found: dict[str, Found] = {}
    for each in made:
        for kept in each.kept:
            key = " ".join(tokenize(kept.draft.query))
            first = found.setdefault(key, Found(kept, ()))
            found[key] = first._replace(sources=(*first.sources, passages[each.source]))
    return list(found.values())


def judged_lines(found: Iterable[Found], way: RoundTrip, model: str) -> Iterator[Mapping[str, Any]]:
    """A line for `read_judged` and `read_collection` for each query with a candidate beside its sources.

    The candidates are the first stage's, in its order: the sources are graded 1, the others 0. `group` is the prompt,
    `metadata` where the query comes from.
    """
    for kept, sources in found:
        candidates = way.candidates(kept.draft.query, *sources)
        ids = {source.id for source in sources}
        grades = tuple(int(each.id in ids) for each in candidates)
        if 0 not in grades:
            continue
        about = {"sources": sorted(map(str, ids)), "rank": kept.rank, "seed": kept.draft.seed}
        about |= {"persona": kept.draft.persona, "bad": kept.draft.bad}
        yield _line(JudgedList(kept.draft.query, candidates, grades), kept.draft.prompt, model, about)


def near_miss_lines(found: Iterable[Found], model: str) -> Iterator[Mapping[str, Any]]:
    """A line for each near miss: the query, and the one passage that was found not to answer it, graded 0."""
    for kept, sources in found:
        for miss in kept.near_misses:
            about = {"sources": [str(sources[0].id)], "of": kept.draft.query, "attribute": miss.attribute}
            yield _line(JudgedList(miss.query, sources[:1], (0,)), "near-miss", model, about)


def _line(judged: JudgedList, group: str, model: str, about: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {name: value for name, value in about.items() if value}
    name = hashlib.sha256(f"{judged.query}\n{judged.passages[0].id if group == 'near-miss' else ''}".encode())
    metadata = {"model": model, **told}
    return {"id": name.hexdigest()[:12], **judged.to_dict(), "group": group, "metadata": metadata}


def outcome(made: Sequence[Made], found: Sequence[Found]) -> Mapping[str, Any]:
    """How much was made, and why the rest was not kept."""
    refused = Counter(draft.why for each in made for draft in each.refused)
    by_prompt = Counter(each.kept.draft.prompt for each in found)
    return {
        "passages": len(made),
        "queries": len(found),
        "by prompt": dict(sorted(by_prompt.items())),
        "near misses": sum(len(each.kept.near_misses) for each in found),
        "refused": dict(sorted(refused.items())),
        "lost replies": sum(each.lost for each in made),
    }
