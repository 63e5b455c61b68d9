"""Old questions against new ones: the protocol, on what splits there are here, and what each of them can show."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from judged import all_of, cacm, cross_encoder, dl19, first, similarity
from shortlist import Lexical, Reranker, Similarity
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.comparing import compare
from shortlist.evaluation.comparison import Comparison
from shortlist.evaluation.novelty import novelty_gap
from shortlist.evaluation.outcome import Run
from shortlist.evaluation.running import FIRST_STAGE, first_stage, run
from shortlist.models.catalogue import find
from table import Table, report, skipped

TITLE = "Old questions and new ones"
DEPTH, MEASURE = 20, "nDCG@10"
NEEDED = ("ms-marco-minilm", "bge-small")
READ = "MS MARCO"
Split = tuple[str, Comparison, set[str], set[str]]
"""Its name, what was compared, the old groups, and the new ones."""


def rerankers() -> dict[str, Reranker]:
    return {
        "lexical": Lexical(),
        "similarity, static": Similarity(),
        "similarity, bge-small": similarity("bge-small"),
        "cross-encoder": cross_encoder("ms-marco-minilm"),
    }


def runs(collection: Collection, ways: Mapping[str, Reranker]) -> list[Run]:
    return [first_stage(collection), *(all_of(run(way, collection, name=name)) for name, way in ways.items())]


def together(one: Collection, other: Collection) -> Collection:
    """Both, each question with the collection's name before its id, and in the group that it gives."""
    questions = [replace(each, id=f"{part.name} {each.id}") for part in (one, other) for each in part]
    return Collection(f"{one.name} and {other.name}", tuple(questions))


def splits(known: Collection, other: Collection) -> list[Split]:
    """By what the models have read, and by the year of what answers."""
    ways = rerankers()
    grouped = replace(known, questions=tuple(replace(each, group=READ) for each in known))
    both = together(grouped, other)
    years = {int(each.group) for each in other}
    middle = int(np.median([int(each.group) for each in other]))
    older, newer = ({str(year) for year in years if (year < middle) is early} for early in (True, False))
    compared = compare(runs(both, ways), both, [MEASURE], baseline=FIRST_STAGE)
    return [
        ("read: dl19; not read: CACM", compared, {READ}, older | newer),
        (f"CACM, answered before {middle}; since", compared, older, newer),
    ]


def rows(split: Split) -> list[tuple[str, ...]]:
    name, compared, old, new = split
    return [
        (
            name, each.run, f"{each.old:.4f}", f"{each.new:.4f}",
            f"{each.gap:+.4f} [{each.gap_low:+.4f}, {each.gap_high:+.4f}]",
            "" if each.run == FIRST_STAGE else f"{each.own:+.4f} [{each.own_low:+.4f}, {each.own_high:+.4f}]",
        )
        for each in novelty_gap(compared, old, new)
    ]  # fmt: skip


def main(*, quick: bool = False) -> Table:
    found, other = dl19("bm25"), cacm(DEPTH)
    if found is None or other is None:
        return skipped(TITLE, "The collections (dl19, CACM) were not there; they are not part of the repository.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    known = first(found, 4 if quick else len(found), DEPTH)
    other = first(other, 8 if quick else len(other), 5 if quick else DEPTH)
    made = splits(known, other)
    return Table(
        TITLE,
        ("old; new", "reranker", "old", "new", "gap, 95 % interval", "gap of what it adds to BM25, 95 % interval"),
        tuple(row for split in made for row in rows(split)),
        (
            f"{MEASURE}; BM25's {DEPTH} best of {len(known)} queries of dl19, and of {len(other)} of CACM (abstracts of"
            " 1958 to 1979). Gap: new less old. BM25 was trained on nothing: the gap of what a reranker adds to it has"
            " no part in new questions being harder for all. Intervals: bootstrap, each part by itself.",
            "None of the collections here has questions that are newer than the models: what this shows is not what"
            " a model loses on events after its training. The protocol asks for such questions, and for theirs it is"
            " `novelty_gap` of `shortlist.evaluation.novelty` with `Question.group` as the year that they were asked.",
            "First split: the cross-encoder was trained on MS MARCO, dl19's own collection, and on nothing like CACM's"
            " journal abstracts. Its gap is one of matter and of manner of asking, not of time. What the embedders were"
            " trained on is a mixture with MS MARCO in it, and may have such abstracts too.",
            "Second split, a control: by the median year of the articles that answer. All are decades older than the"
            " models, so nothing is new in the later half, and the intervals say what so few questions can tell.",
        ),
        ("shortlist", "onnxruntime", "numpy", "scipy", "ir-measures", "bm25s"),
    )


if __name__ == "__main__":
    report(main)
