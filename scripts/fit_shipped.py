"""Fit the numbers that come with the package, for the scorers that it names.

    python scripts/fit_shipped.py [--only calibration] [--scorers static bge-small]

MuSiQue questions (CC-BY-4.0) with 20 paragraphs each are read from the folder that SHORTLIST_DATA names. Only numbers
are written, to `shortlist/fitted/shipped/KIND/SCORER.json`. About 15 minutes on one core, most of it the cross-encoder.

A conformal calibration of a depth policy's chances is of the questions that the policy was not trained on, and was not
chosen by: those that its card calls held out. Without that the chance that is promised would not hold.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shortlist.fitted.store import save_fitted
from shortlist.models.trained import TrainedNetwork
from shortlist.reranker.expression import load
from shortlist.training.fitting import Fitting, fit_scored
from shortlist.training.judged import JudgedList
from shortlist.training.parts import split
from shortlist.training.readers import read_judged
from shortlist.training.scored import ScoredList, scored

ROOT = Path(__file__).parents[1]
FILES = ("hipporag_subset/musique_train.json", "migres_subset/musique.json")
HELD_OUT = 0.4
"""Of the questions, by the training of the shipped depth policies: half of them chose the epoch."""
SHIPPED = ROOT / "packages" / "core" / "src" / "shortlist" / "fitted" / "shipped"

SCORERS = {
    "ms-marco-minilm": "cross-encoder(scorer='ms-marco-minilm')",
    "bge-small": "similarity(embedder='bge-small')",
    "all-minilm": "similarity(embedder='all-minilm')",
    "static": "similarity",
}
MMR = " >> mmr(diversity=0.3)"
POLICIES = {
    "ms-marco-minilm": ("ms-marco-minilm", "static"),
    "ms-marco-minilm-bge-small": ("ms-marco-minilm", "bge-small"),
    "bge-small": ("bge-small", "bge-small"),
    "all-minilm": ("all-minilm", "all-minilm"),
    "static": ("static", "static"),
}
"""Depth policies: whose scores each reads, and whose vectors."""
KINDS: Mapping[str, Mapping[str, Any]] = {
    "calibration": {"method": "platt"},
    "abstention": {"unanswerable": 0.5},
    "conformal": {},
}
"""Kinds and their settings."""


def fit_one(kind: str, name: str, expression: str, lists: Sequence[ScoredList]) -> None:
    """One kind for one pipeline."""
    about = {
        "pipeline": expression,
        "data": list(FILES),
        "licence": "MuSiQue: CC-BY-4.0",
        "relevant": f"{sum(int((each.grades > 0).sum()) for each in lists)} of {sum(len(e.grades) for e in lists)}",
    }
    found = fit_scored(kind, lists, KINDS[kind], about=about)
    folder = SHIPPED / kind
    folder.mkdir(parents=True, exist_ok=True)
    save_fitted(folder / f"{name}.json", found.fitted)
    show(kind, name, found)


def fit_behind(scorer: str, lists: Sequence[JudgedList]) -> None:
    """The conformal calibrations of what may stand behind a scorer: MMR, and depth policies."""
    if scorer == "ms-marco-minilm":
        fit_one("conformal", f"{scorer}-mmr", SCORERS[scorer] + MMR, scored(lists, load(SCORERS[scorer] + MMR)))
    for name in (name for name, (scores, _) in POLICIES.items() if scores == scorer):
        policy = f"dynamic-k(network='dynamic-k-{name}', embedder='{POLICIES[name][1]}', reorder=True, cost=0.0)"
        expression = f"{SCORERS[scorer]} >> {policy}"
        fit_one("conformal", f"{name}-dynamic-k", expression, scored(unseen(name, lists), load(expression)))


def unseen(name: str, lists: Sequence[JudgedList]) -> Sequence[JudgedList]:
    """The questions that this policy's training held out, to the last."""
    recipe = TrainedNetwork(f"dynamic-k-{name}").trained.training["recipe"]
    return split(lists, HELD_OUT, recipe["seed"])[0].held_out


def show(kind: str, name: str, found: Fitting) -> None:
    """The figures of held-out folds."""
    print(f"\n{kind} {name}: {dict(found.fitted.values)}")
    for row, figures in found.figures.items():
        print(f"  {row:18}", *(f"{column} {value:.4f}" for column, value in figures.items()), flush=True)


def main() -> None:
    """Fit what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--scorers", nargs="*", default=list(SCORERS), choices=list(SCORERS))
    given = parser.parse_args()
    if "SHORTLIST_DATA" not in os.environ:
        parser.error("SHORTLIST_DATA must name the folder that the questions are in")
    data = Path(os.environ["SHORTLIST_DATA"]) / "multihop"
    lists = [each for file in FILES for each in read_judged(data / file, "musique")]
    for name in given.scorers:
        told = scored(lists, load(SCORERS[name]))
        for kind in given.only:
            fit_one(kind, name, SCORERS[name], told)
        if "conformal" in given.only:
            fit_behind(name, lists)


if __name__ == "__main__":
    main()
