"""Fit the numbers that come with the package, for the scorers that it names.

    python scripts/fit_shipped.py [--only calibration] [--scorers static bge-small]

MuSiQue questions (CC-BY-4.0) with 20 paragraphs each are read from the folder that SHORTLIST_DATA names. Only numbers
are written, to `shortlist/fitted/shipped/KIND/SCORER.json`. About 15 minutes on one core, most of it the cross-encoder.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shortlist.fitted.store import save_fitted
from shortlist.reranker.expression import load
from shortlist.training.fitting import Fitting, fit_scored
from shortlist.training.readers import read_judged
from shortlist.training.scored import ScoredList, scored

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SHORTLIST_DATA") or ROOT.parent / "shared" / "data") / "multihop"
FILES = ("hipporag_subset/musique_train.json", "migres_subset/musique.json")
SHIPPED = ROOT / "packages" / "core" / "src" / "shortlist" / "fitted" / "shipped"

SCORERS = {
    "ms-marco-minilm": "cross-encoder(scorer='ms-marco-minilm')",
    "bge-small": "similarity(embedder='bge-small')",
    "all-minilm": "similarity(embedder='all-minilm')",
    "static": "similarity",
}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "calibration": {"method": "platt"},
    "abstention": {"unanswerable": 0.5},
}
"""Kinds and their settings."""


def fit_one(name: str, expression: str, lists: Sequence[ScoredList], kinds: Sequence[str]) -> None:
    """Every kind for one scorer."""
    for kind in kinds:
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
    lists = [each for file in FILES for each in read_judged(DATA / file, "musique")]
    for name in given.scorers:
        fit_one(name, SCORERS[name], scored(lists, load(SCORERS[name])), given.only)


if __name__ == "__main__":
    main()
