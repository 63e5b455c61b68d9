"""EBCAR without one of its parts: where the answer is found only with its neighbours, and on questions of people."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data import DATA
from quality import interval
from shortlist import Reranker, Similarity, StaticEmbedder, TrainedNetwork
from shortlist.algorithms.measures import ndcg_at
from shortlist.documents import Chunking, read_folder
from shortlist.rerankers.ebcar import Ebcar
from shortlist.training.judged import JudgedList
from shortlist.training.make import Making, make_judged
from shortlist.training.readers import read_judged
from shortlist.training.train import train
from table import Table, report, skipped

TITLE = "EBCAR without one of its parts"
VARIANTS: Mapping[str, Mapping[str, bool]] = {
    "whole": {},
    "without places": {"use_positions": False},
    "without document ids": {"use_documents": False},
    "without dedicated attention": {"use_dedicated": False},
    "without places and dedicated attention": {"use_positions": False, "use_dedicated": False},
}
EVERY = 8
"""One document of so many is kept apart: its lists give the figures, and are made of such documents alone."""


def made(folder: Path, queries: int) -> tuple[list[JudgedList], list[JudgedList]]:
    """Lists to train on, and lists of other documents."""
    passages = read_folder(folder, Chunking(words=30, overlap=0))
    apart = {name for i, name in enumerate(sorted({str(p.document_id) for p in passages})) if i % EVERY == 0}
    making = Making(queries=queries, candidates=24, group=5, seed=11)
    ours = make_judged([p for p in passages if p.document_id not in apart], making)
    theirs = make_judged([p for p in passages if p.document_id in apart], Making(400, candidates=24, group=5, seed=12))
    return [*ours.lists], [*theirs.lists]


def values(reranker: Reranker, lists: Sequence[JudgedList]) -> npt.NDArray[np.float64]:
    found = []
    for each in lists:
        ranked = sorted(reranker.rank(each.query, each.passages).kept, key=lambda item: item.index)
        scores = np.array([item.score for item in ranked], dtype=np.float64)
        found.append(ndcg_at(scores, np.array(each.grades, dtype=np.float64), 10))
    return np.array(found)


def main(*, quick: bool = False) -> Table:
    named = os.environ.get("SHORTLIST_TEXTS")
    if named is None:
        return skipped(TITLE, "SHORTLIST_TEXTS names no folder of texts; `scripts/introductions.py` makes one.")
    lists, apart = made(Path(named), 300 if quick else 4000)
    people = DATA / "multihop" / "hipporag_subset" / "hotpotqa_train.json"
    sets = {"made, other documents": apart}
    if people.exists():
        sets["HotpotQA, sentences"] = read_judged(people, level="sentence")
    before = {name: values(Similarity(), each) for name, each in sets.items()}
    rows = [("order of the vectors", *(cell for name in sets for cell in (f"{before[name].mean():.4f}", "")))]
    for variant, switched in list(VARIANTS.items())[: 2 if quick else None]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "ebcar"
            train("ebcar", lists, StaticEmbedder(), folder, sizes=switched, held_out=apart)
            network = TrainedNetwork(str(folder))
            got = {name: values(Ebcar(network=network, prior=0.0), each) for name, each in sets.items()}
        rows.append((variant, *(cell for name in sets for cell in _cells(got[name], before[name]))))
    columns = ("network", *(cell for name in sets for cell in (f"{name}: nDCG@10", "gain, 95 % interval")))
    notes = (
        f"Static embedder, the task's own recipe and sizes, {len(lists)} made lists, one seed; the network alone,"
        " without the score before, but with the guard's fall-back. Made lists are ours: a query names what its answer"
        " does not. No question of HotpotQA was trained on.",
    )
    return Table(TITLE, columns, tuple(rows), notes, ("shortlist", "torch", "numpy"))


def _cells(got: npt.NDArray[np.float64], before: npt.NDArray[np.float64]) -> tuple[str, str]:
    mean, low, high = interval(got - before)
    return f"{got.mean():.4f}", f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    report(main)
