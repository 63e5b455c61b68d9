"""How many candidates are worth reranking: several rerankers over three first stages of dl19, with paired tests."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judged import DEPTH, STAGES, all_of, cross_encoder, dl19, first, similarity
from shortlist import Blend, KeepOrder, Reranker, Similarity
from shortlist.algorithms.significance import bootstrap_interval, holm, randomisation_p
from shortlist.arrays import Floats
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measures import ceiling, measure
from shortlist.evaluation.running import run
from shortlist.models.catalogue import find
from table import Table, report, skipped

TITLE = "How deep to rerank"
DEPTHS = (20, 50, 100)
MEASURE = measure("nDCG@10")
NEEDED = ("ms-marco-minilm", "bge-small")
CROSS_ENCODER, FOUND, BEST = "cross-encoder", "as it was found", "best order"
GAIN = "less the first stage"
Values = Mapping[tuple[str, int], Floats]
"""Of a reranker over so many candidates, one value a question."""


@dataclass(frozen=True)
class Claim:
    """A difference, question by question: in the row of a reranker over a first stage."""

    stage: str
    reranker: str
    column: str
    differences: Floats


def rerankers() -> dict[str, Reranker]:
    reader = cross_encoder("ms-marco-minilm")
    return {
        FOUND: KeepOrder(),
        "similarity, static": Similarity(),
        "similarity, bge-small": similarity("bge-small"),
        CROSS_ENCODER: reader,
        "cross-encoder, 0.3 of the first stage's score": Blend(reader, 0.3, "zscore"),
    }


def swept(collection: Collection, depths: Sequence[int], ways: Mapping[str, Reranker]) -> dict[tuple[str, int], Floats]:
    """The deepest first, so that models are asked many questions at a time."""
    found = {}
    for depth in sorted(depths, reverse=True):
        cut = first(collection, len(collection), depth)
        found |= {(name, depth): MEASURE.of(cut, all_of(run(way, cut))) for name, way in ways.items()}
        found[BEST, depth] = ceiling(cut, MEASURE)
    return found


def claims(stage: str, values: Values, names: Sequence[str], depths: Sequence[int]) -> Iterator[Claim]:
    """At the full depth: against the first stage, against the least depth, and against the cross-encoder."""
    least, most = min(depths), max(depths)
    for name in names:
        if name != FOUND:
            at = values[name, most]
            yield Claim(stage, name, GAIN, at - values[FOUND, most])
            yield Claim(stage, name, f"{most} less {least}", at - values[name, least])
            if name != CROSS_ENCODER:
                yield Claim(stage, name, f"less the {CROSS_ENCODER}", at - values[CROSS_ENCODER, most])


def told(made: Sequence[Claim]) -> dict[tuple[str, str, str], str]:
    """Each with its interval and its p, corrected for all of them."""
    differences = np.stack([each.differences for each in made], axis=1)
    low, high = bootstrap_interval(differences)
    p = holm(randomisation_p(differences))
    means = differences.mean(axis=0)
    return {
        (each.stage, each.reranker, each.column): f"{mean:+.4f} [{a:+.4f}, {b:+.4f}], p {chance:.3f}"
        for each, mean, a, b, chance in zip(made, means, low, high, p, strict=True)
    }


def main(*, quick: bool = False) -> Table:
    collections = {stage: dl19(stage) for stage in STAGES}
    if None in collections.values():
        return skipped(TITLE, "The collection (dl19) was not there; it is not part of the repository.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    depths = (5, 10, 20) if quick else DEPTHS
    there = {stage: first(each, 3, 20) if quick else each for stage, each in collections.items() if each}
    ways = rerankers()
    values = {stage: swept(each, depths, ways) for stage, each in there.items()}
    found = told([each for stage in there for each in claims(stage, values[stage], [*ways], depths)])
    tests = (GAIN, f"{max(depths)} less {min(depths)}", f"less the {CROSS_ENCODER}")
    rows = [
        (stage, name, *(f"{values[stage][name, depth].mean():.4f}" for depth in depths),
         *(found.get((stage, name, column), "") for column in tests))
        for stage in there for name in (*ways, BEST)
    ]  # fmt: skip
    return Table(
        TITLE,
        ("first stage", "reranker", *(f"{MEASURE} of {depth}" for depth in depths), *tests),
        tuple(rows),
        (
            f"{len(next(iter(there.values())))} queries of dl19; the first of each first stage's {DEPTH} candidates are"
            " reranked, and the others left out. The best order is that of the judgments: no reranker of so many"
            " candidates can exceed it. Models are in int8.",
            f"Differences are those of {max(depths)} candidates, paired, with a 95 % bootstrap interval. p: paired"
            f" randomisation test, corrected by Holm for all {len(found)} tests of this table.",
            "The protocol is that of Déjean, Clinchant and Formal, A Thorough Comparison of Cross-Encoders and LLMs for"
            " Reranking SPLADE (2024), over three first stages in place of one. The cross-encoder was trained on MS"
            " MARCO, to which dl19 belongs; the first stages TAS-B and SPLADE too.",
        ),
        ("shortlist", "onnxruntime", "numpy", "scipy", "ir-measures"),
    )


if __name__ == "__main__":
    report(main)
