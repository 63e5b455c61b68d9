"""What a cascade without a language model brings on dl19: the first stages fused, a part of that read, both blended."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from data import Collection, dl19
from neighbourhood import Array, chosen, kept, milliseconds, scores_of, values
from quality import first, interval
from shortlist import Blend, CrossEncoder, FunctionScorer, KeepOrder, Reranker
from shortlist.algorithms.fusion import rescaled
from shortlist.models.catalogue import find
from table import Table, report, skipped

TITLE = "A cascade without a language model"
STAGES = ("bm25", "tasb", "splade")
READ, SHARES, FOLDS = (20, 30, 50, 100), (0.0, 0.1, 0.2, 0.3, 0.4), 5
Row = tuple[str, ...]


def reader(name: str, collection: Collection) -> Reranker:
    """The cross-encoder, asked once for each pair of the collection."""
    wanted = [(t, collection.candidates[q]) for q, t in collection.queries.items()]

    def asked() -> dict[str, Array]:
        return {"scores": np.concatenate([scores_of(CrossEncoder(), text, found) for text, found in wanted])}

    scores = kept(f"{name}-{len(wanted)}-scores", asked)["scores"].tolist()
    pairs = [(text, passage.text) for text, found in wanted for passage in found]
    known = dict(zip(pairs, scores, strict=True))
    return CrossEncoder(FunctionScorer(lambda asked: [known[pair] for pair in asked]))


def summed(union: Collection, parts: Sequence[Collection]) -> Collection:
    """In the same order, with the sum of the stages' standardised scores; what a stage did not find has its lowest."""
    candidates = {}
    for q, found in union.candidates.items():
        known = [{p.id: p.score or 0.0 for p in part.candidates[q]} for part in parts]
        columns = np.array([[each.get(p.id, min(each.values())) for p in found] for each in known])
        totals = sum(rescaled(column, "zscore") for column in columns)
        candidates[q] = [replace(p, score=score) for p, score in zip(found, np.asarray(totals).tolist(), strict=True)]
    return replace(union, candidates=candidates)


def head(collection: Collection, n: int) -> Collection:
    return replace(collection, candidates={q: found[:n] for q, found in collection.candidates.items()})


def rows(alone: Collection, union: Collection, parts: Sequence[Collection], folds: int) -> list[Row]:
    before = values(reader("neighbourhood", alone), alone)
    read = reader("union", union)
    spent = milliseconds(CrossEncoder(), first(alone, 2)) / 100
    size = round(float(np.mean([len(found) for found in union.candidates.values()])))
    found = [
        _row("BM25, cross-encoder", [], before[None], before, folds, 100 * spent, 100),
        _row("fused order", [], values(KeepOrder(), union)[None], before, folds, 0, 0),
        _row("fused, cross-encoder over all", [], values(read, union)[None], before, folds, size * spent, size),
    ]
    kinds = {"ranks": union, "scores": summed(union, parts)}
    tried: dict[str, Array] = {}
    for n, (kind, each) in product(READ, kinds.items()):
        got = {f"{kind}, prior={p}": values(Blend(read, p, "zscore"), head(each, n)) for p in SHARES}
        tried |= {f"{n} read, {name}": each for name, each in got.items()}
        name = f"fused, first {n} read, blended with {kind}"
        found.append(_row(name, [*got], np.stack([*got.values()]), before, folds, n * spent, n))
    return [*found, _row("any of these", [*tried], np.stack([*tried.values()]), before, folds)]


def _row(
    name: str, names: list[str], tried: Array, before: Array, folds: int, ms: float | None = None, n: int | None = None
) -> Row:
    got, picks = chosen(tried, folds)
    most = names[np.bincount(picks).argmax()] if names else ""
    means, same = tried.mean(axis=1), got is before or not (got - before).any()
    mean, low, high = interval(got - before)
    return (
        name, f"{len(tried)} (mostly {most})" if most else "1", f"{got.mean():.4f}",
        "" if same else f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]", f"{means.min():.4f} to {means.max():.4f}",
        "" if n is None else str(n), "" if ms is None else f"{ms:,.0f}",
    )  # fmt: skip


def main(*, quick: bool = False) -> Table:
    alone, union = dl19(), dl19(STAGES)
    if alone is None or union is None:
        return skipped(TITLE, "The collection (dl19) was not there; it is not part of the repository.")
    if find("ms-marco-minilm") is None:
        return skipped(TITLE, "The weights were not there: `shortlist models get ms-marco-minilm`.")
    parts = [part for stage in STAGES if (part := dl19((stage,))) is not None]
    if quick:
        alone, union = first(alone, 3), first(union, 3)
    return Table(
        TITLE,
        ("cascade", "settings tried", "dl19 nDCG@10", "gain, 95 % interval", "over settings", "read", "ms a query"),
        tuple(rows(alone, union, parts, 3 if quick else FOLDS)),
        (
            f"{len(alone.queries)} queries. Fused: the 100 best of BM25, TAS-B and SPLADE each, by reciprocal ranks"
            " (k = 60); that order is what the cascade gets, with the fusion's score (ranks) or the sum of"
            " the stages' standardised scores (scores) as prior. It is"
            ' `Blend(CrossEncoder(), prior, "zscore")` over the first n; the cross-encoder is ms-marco-minilm, int8.',
            f"The setting is the one that was best for the queries of the other folds ({FOLDS} folds, drawn once)."
            " Gains are over the cross-encoder on BM25's 100, with a paired bootstrap 95 % interval over queries.",
            "Milliseconds are CPU time of the cross-encoder: of passages read, at what one of BM25's takes. Those of"
            " the first stages, which encode the query with a small transformer, are not in them.",
        ),
        ("shortlist", "onnxruntime", "numpy", "ir-measures"),
        ("ms a query",),
    )


if __name__ == "__main__":
    report(main)
