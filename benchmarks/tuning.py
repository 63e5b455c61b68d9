"""Whether the figure that tuning gives holds on questions it never saw, over many splits of two collections."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data import DATA
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.measures import measure
from shortlist.evaluation.readers import read_collection
from shortlist.evaluation.running import first_stage
from shortlist.evaluation.tuning.budget import Budget
from shortlist.evaluation.tuning.space import Space
from shortlist.evaluation.tuning.splits import splits
from shortlist.evaluation.tuning.trials import Setting, Trial, Trials
from shortlist.evaluation.tuning.tune import Method, tuned_by
from shortlist.evaluation.tuning.tuned import Tuned
from shortlist.models.catalogue import find
from shortlist.runtime.cache import MemoryCache, cache_at
from shortlist.runtime.settings import Runtime
from table import Table, report, skipped

TITLE = "Tuning"
MEASURE = "nDCG@10"
NEEDED = "ms-marco-minilm"
SPACES: Mapping[str, tuple[str, ...]] = {
    "cheap": (
        "lexical",
        "blend(lexical, prior={p:0..1/0.1})",
        "blend(similarity, prior={p:0..1/0.1})",
        "fuse(lexical, similarity, method='weighted', weights=[{w:0..1/0.1}, 0.5])",
        "similarity >> mmr(diversity={d:0..1/0.2})",
    ),
    "with the cross-encoder": (
        "blend(cross-encoder, prior={p:0..1/0.1})",
        "{a:lexical|similarity}[:{k:5..20/5}] >> cross-encoder",
        "fuse(cross-encoder, {a:lexical|similarity}, method='weighted', weights=[{w:0..1/0.1}, 0.5])",
        "fuse(cross-encoder, lexical, similarity, k={k:1..100 log})",
        "cross-encoder >> mmr(diversity={d:0..1/0.2})",
    ),
}
ROUNDS, TRIALS, FOLDS = 10, 24, 5


@dataclass(frozen=True)
class Seen:
    """One split: what tuning said on one part, and what its pipeline has on the other.

    Attributes:
        tuned: on the first part.
        others: values of the pipeline on questions that the search never saw.
    """

    tuned: Tuned
    others: npt.NDArray[np.float64]

    @property
    def inside(self) -> bool:
        """Whether the mean of the others is within the interval of the mean."""
        return bool(self.tuned.nested.low <= self.others.mean() <= self.tuned.nested.high)

    @property
    def expected(self) -> bool:
        """Whether it is within the interval of the mean of so many questions."""
        figure = self.tuned.of_others(len(self.others))
        return bool(figure.low <= self.others.mean() <= figure.high)


def collections() -> dict[str, tuple[Collection, int]]:
    """Each with the number of parts of which one is kept back: 100 of 300 questions, and half of 43."""
    folder = DATA / "multihop"
    files = ("hipporag_subset/musique_train.json", "migres_subset/musique.json")
    found = [question for file in files for question in read_collection(folder / file, "musique")]
    web = read_collection(DATA / "dl19" / "bm25.json", qrels=DATA / "dl19" / "qrels.txt", relevant=2, name="dl19")
    return {"MuSiQue": (Collection("MuSiQue", tuple(found)), 3), "dl19": (web, 2)}


class Part(Trials):
    """Trials on some of the questions, out of those on all: no ranking depends on another question."""

    def __init__(self, whole: Trials, places: npt.NDArray[np.int64]) -> None:
        questions = whole.setting.collection.questions
        mine = replace(whole.setting.collection, questions=tuple(questions[place] for place in places))
        super().__init__(whole.setting._replace(collection=mine))
        self._whole = whole
        self._places = places

    def _tried(self, expression: str) -> Trial:
        found = self._whole(expression)
        return replace(found, values=found.values[self._places])

    def measured(self, expression: str) -> Cost:
        return self(expression).cost


def seen(trials: Trials, parts: int, space: Space, seed: int) -> Seen:
    """Tune on all but one part, measure on it."""
    collection = trials.setting.collection
    kept = splits(collection, parts, seed)[0]
    mine = Part(trials, np.setdiff1d(np.arange(len(collection)), kept))
    tuned = tuned_by(mine, space, Method(budget=Budget(TRIALS), folds=FOLDS, seed=seed))
    return Seen(tuned, trials(tuned.expression).values[kept])


def row(name: str, space: str, rounds: list[Seen], start: float) -> tuple[str, ...]:
    first = rounds[0]
    low, high = first.tuned.nested.low, first.tuned.nested.high
    means = [
        np.mean([each.tuned.optimistic for each in rounds]),
        np.mean([each.tuned.nested.mean for each in rounds]),
        np.mean([each.others.mean() for each in rounds]),
    ]
    return (
        name,
        space,
        f"{len(first.tuned.values)} + {len(first.others)}",
        f"{start:.3f}",
        f"{first.tuned.nested.mean:.3f} [{low:.3f}, {high:.3f}]",
        f"{first.others.mean():.3f}",
        *(f"{mean:.4f}" for mean in means),
        f"{sum(each.inside for each in rounds)} of {len(rounds)}",
        f"{sum(each.expected for each in rounds)} of {len(rounds)}",
    )


def runtime() -> Runtime:
    """Answers are kept where `SHORTLIST_BENCHMARK_CACHE` says, for the next run."""
    folder = os.environ.get("SHORTLIST_BENCHMARK_CACHE")
    return Runtime(cache=cache_at(str(Path(folder) / "tuning.sqlite")) if folder else MemoryCache(), window=16)


def chosen(rounds: list[Seen]) -> str:
    """Which templates won, in words."""
    names = [each.tuned.expression for each in rounds]
    return "; ".join(dict.fromkeys(names))


def main(*, quick: bool = False) -> Table:
    if not (DATA / "multihop").exists() or not (DATA / "dl19").exists():
        return skipped(TITLE, "The collections (MuSiQue, dl19) were not there.")
    if find(NEEDED) is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {NEEDED}`.")
    rows, shared, notes = [], runtime(), []
    for name, (whole, parts) in collections().items():
        collection = replace(whole, questions=whole.questions[:24]) if quick else whole
        trials = Trials(Setting(collection, measure(MEASURE), shared, {}))
        start = float(measure(MEASURE).figure(collection, first_stage(collection)))
        for space, templates in list(SPACES.items())[: 1 if quick else None]:
            rounds = [seen(trials, parts, Space.of(templates), seed) for seed in range(2 if quick else ROUNDS)]
            rows.append(row(name, space, rounds, start))
            notes.append(f"{name}, {space}: chosen were {chosen(rounds)}.")
    return Table(
        TITLE,
        (
            "collection",
            "space",
            "tuned on + others",
            "first stage",
            "first split: nested, 95 % interval",
            "the others",
            "mean of all: optimistic",
            "nested",
            "the others ",
            "others within the interval",
            "within that of so many questions",
        ),
        tuple(rows),
        (
            f"{MEASURE}. `shortlist tune` on a part of the questions ({TRIALS} trials a search, {FOLDS} parts inside);"
            f" its pipeline on the others, {ROUNDS} times with other splits that share no query and no relevant text."
            " Optimistic: of the pipeline on the questions it was chosen on. Nested: the figure that tuning gives.",
            "Within the interval: the interval is one of the mean over all questions like these, and the others are a"
            " sample too: of 200 + 100 questions some 74 in 100 of such means are within it, of halves 83, when all is"
            " well. Within that of so many questions: the interval allows for this (`Tuned.of_others`), 95 in 100.",
            *notes,
        ),
        ("shortlist", "optuna", "numpy", "ir-measures"),
    )


if __name__ == "__main__":
    report(main)
