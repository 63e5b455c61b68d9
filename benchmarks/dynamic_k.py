"""How much of what is needed is found for how many passages kept: every cut, a fixed number, and the oracle."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from abstention import collections, passages
from data import DATA
from needed import models
from shortlist import CrossEncoder, Embedder, Reranker, Similarity
from shortlist.algorithms.calibration import calibrated
from shortlist.algorithms.conformal import Measure, conformal_threshold, depth_within, nonconformity
from shortlist.algorithms.cuts import at_least, coverage_of_first, elbow, largest_gap, nucleus
from shortlist.algorithms.dynamic_k import chances_of, depth_by_cost
from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.networks import Tensors
from shortlist.models.catalogue import find
from shortlist.passage import Passage
from shortlist.training.calibration import fit_calibration
from shortlist.training.conformal import fit_conformal
from shortlist.training.depth_curve import LEVELS, Depths, found_share, kept_at, saved_by
from shortlist.training.judged import JudgedList
from shortlist.training.scored import ScoredList, scored, scored_folds
from shortlist.training.vectors import embedded
from table import Table, report, skipped

TITLE = "How many passages"
NEEDED = ("ms-marco-minilm", "bge-small")
PARTS, ROUNDS, CALIBRATING, TRAINING = 10, 2, 3, 5
ASKED = (0.8, 0.9, 0.95)
COVERAGES = (*np.linspace(0.05, 0.75, 15).tolist(), *ASKED, 0.85, 0.875, 0.925, 0.975)
COSTS = tuple(np.geomspace(0.0005, 0.4, 60).tolist())
SHARES = tuple(np.linspace(0.05, 1.0, 60).tolist())
LEAST = tuple(np.geomspace(0.005, 0.9, 60).tolist())
NARROW: Mapping[str, Measure] = {"conformal, scores": "standardised", "conformal, rank": "rank"}
POLICY, LEARNED = "policy", "conformal, policy's chances"
Floats = npt.NDArray[np.float64]
Grades = npt.NDArray[np.int64]
Row = tuple[str, ...]


class Each(NamedTuple):
    """A held-out list, and what others taught of it: the chances of its passages by each policy are by its name."""

    scored: ScoredList
    coverage: Floats
    calibrated: Floats
    chances: Mapping[str, Floats]


class Taught(NamedTuple):
    """What other lists taught: a calibration, the policies by name, and what conformal cuts must not go beyond."""

    calibration: Mapping[str, Any]
    policies: Mapping[str, Tensors]
    thresholds: Mapping[str, Mapping[float, float]]


@dataclass
class Measured:
    """What came of all held-out lists.

    Attributes:
        curves: for each way, a row for each list: for each setting, the share found and the number kept.
        covered: for each conformal way, a row for each list: for each of `ASKED`, whether all needed ones were kept.
    """

    curves: dict[str, list[Sequence[tuple[float, float]]]] = field(default_factory=dict)
    covered: dict[str, list[Sequence[bool]]] = field(default_factory=dict)

    def add(self, way: str, depths: Sequence[int], grades: npt.NDArray[np.int64]) -> None:
        found = found_share(depths, [grades] * len(depths))
        self.curves.setdefault(way, []).append(list(zip(found.found.tolist(), found.kept.tolist(), strict=True)))

    def curve(self, way: str, lists: int) -> list[Depths]:
        """For each setting, over the lists of the first round."""
        values = np.array(self.curves[way][:lists])
        return [Depths(values[:, i, 0], values[:, i, 1]) for i in range(values.shape[1])]


def plain(each: Each) -> Iterator[tuple[str, list[int]]]:
    """Cuts that read no policy, each with depths at all its settings."""
    s, p, n = each.scored.scores, each.calibrated, len(each.scored.passages)
    bend = elbow(s)
    yield "fixed k", [*range(1, n + 1)]
    yield "gap", [*(largest_gap(s, k) for k in range(1, n + 1)), *(largest_gap(s, 1, k) for k in range(1, n + 1))]
    yield "elbow", [*(max(k, bend) for k in range(1, n + 1)), *(min(k, bend) for k in range(1, n + 1))]
    yield "threshold, calibrated", [max(1, at_least(p, least)) for least in LEAST]
    yield "nucleus, calibrated", [nucleus(p, share) for share in SHARES]
    yield "information", [min(n, int(np.searchsorted(each.coverage, share - 1e-6)) + 1) for share in SHARES]
    needed = (each.scored.grades > 0).astype(np.float64)
    yield "oracle, in this order", [depth_by_cost(needed, cost) for cost in COSTS]
    for name, chances in each.chances.items():
        yield name, [depth_by_cost(chances, cost) for cost in COSTS]


def moved(each: Each) -> Iterator[tuple[str, list[int], Grades]]:
    """The same of policies that put the likeliest first, and the grades in that order."""
    for name, chances in each.chances.items():
        order = np.argsort(-chances, kind="stable")
        yield f"{name}, likeliest first", [depth_by_cost(chances[order], cost) for cost in COSTS], _in(each, order)
        yield f"fixed k by {name}, likeliest first", [*range(1, len(order) + 1)], _in(each, order)


def conformal(each: Each, way: str, thresholds: Mapping[float, float]) -> tuple[list[int], Grades]:
    """Depths at all coverages, and the grades in the order that is cut."""
    if way != LEARNED:
        values, grades = nonconformity(each.scored.scores, NARROW[way]), each.scored.grades
    else:
        order = np.argsort(-each.chances[POLICY], kind="stable")
        values, grades = nonconformity(each.chances[POLICY][order], "score"), _in(each, order)
    return [depth_within(values, thresholds[asked]) for asked in COVERAGES], grades


def _in(each: Each, order: Grades) -> Grades:
    return np.asarray(each.scored.grades[order])


def measure(into: Measured, each: Each, taught: Taught) -> None:
    """All ways on one list."""
    for way, depths in plain(each):
        into.add(way, depths, each.scored.grades)
    for way, depths, grades in moved(each):
        into.add(way, depths, grades)
    for way, thresholds in taught.thresholds.items():
        depths, grades = conformal(each, way, thresholds)
        into.add(way, depths, grades)
        kept = [depths[COVERAGES.index(asked)] for asked in ASKED]
        into.covered.setdefault(way, []).append([not (grades[k:] > 0).any() for k in kept])


def with_chances(each: ScoredList, chances: Floats) -> ScoredList:
    """As `DynamicK(reorder=True, cost=0)` ranks it."""
    order = np.argsort(-chances, kind="stable")
    found = tuple(Passage(each.passages[i].text, score=float(chances[i])) for i in order)
    return ScoredList(each.query, found, each.grades[order])


@dataclass(frozen=True)
class Lists:
    """Ranked lists, as they are and as the policy reads them, in the same order; and how long it is trained."""

    scored: Sequence[ScoredList]
    examples: Sequence[Any]
    coverages: Sequence[Floats]
    epochs: int

    def trained(self, training: Sequence[int], choosing: Sequence[int], seed: int) -> Tensors:
        """A policy taught by the lists at these places."""
        from shortlist.training.dynamic_k import DepthTask
        from shortlist.training.loop import fit
        from shortlist.training.saving import tensors_of

        task, (own, others) = DepthTask(), ([self.examples[i] for i in part] for part in (training, choosing))
        recipe = task.recipe.changed({"seed": seed, "epochs": self.epochs})
        return tensors_of(fit(task, task.shape, own, others, recipe).network, half=True)

    def parts(self, seed: int) -> list[list[int]]:
        """Places, in parts that share no query and no needed text."""
        places = {id(each): i for i, each in enumerate(self.scored)}
        return [[places[id(each)] for each in part] for part in scored_folds(self.scored, PARTS, seed)]

    def taught(self, others: Sequence[Sequence[int]], policies: Mapping[str, Tensors], seed: int) -> Taught:
        """By these parts: five train the policy, one chooses its epoch, three calibrate the conformal cut over it.

        What needs no policy is fitted on all nine.
        """
        calibrating = [i for part in others[:CALIBRATING] for i in part]
        training = [i for part in others[-TRAINING:] for i in part]
        tensors = self.trained(training, others[CALIBRATING], seed)
        told = [with_chances(self.scored[i], chances_of(tensors, self.examples[i].inputs)) for i in calibrating]
        rest = [self.scored[i] for part in others for i in part]
        thresholds = {way: thresholds_of(rest, measure) for way, measure in NARROW.items()}
        return Taught(
            fit_calibration(rest, {"method": "platt"}),
            {POLICY: tensors, **policies},
            {**thresholds, LEARNED: thresholds_of(told, "score")},
        )

    def each(self, place: int, taught: Taught) -> Each:
        """The list at this place under what others taught."""
        own, inputs = self.scored[place], self.examples[place].inputs
        chances = {name: chances_of(tensors, inputs) for name, tensors in taught.policies.items()}
        return Each(own, self.coverages[place], calibrated(own.scores, taught.calibration), chances)


def read(lists: Sequence[JudgedList], reranker: Reranker, embedder: Embedder, epochs: int) -> Lists:
    """Those of which anything is needed, ranked."""
    from shortlist.training.dynamic_k import DepthTask, depth_examples

    told = scored([each for each in lists if any(each.grades)], reranker)
    return Lists(told, depth_examples(told, DepthTask(), embedder), covered(told, embedder), epochs)


def crossed(lists: Lists, policies: Mapping[str, Tensors], rounds: int) -> Measured:
    """Each list by what others taught, and by policies that know none of them."""
    into = Measured()
    for seed in range(rounds):
        parts = lists.parts(seed)
        for turn in range(PARTS):
            test, *others = parts[turn:] + parts[:turn]
            taught = lists.taught(others, policies, seed)
            for place in test:
                measure(into, lists.each(place, taught), taught)
    return into


def thresholds_of(lists: Sequence[ScoredList], told_by: Measure) -> dict[float, float]:
    values = fit_conformal(lists, {})
    own = values["values"][told_by]["all"]
    return {asked: conformal_threshold(own, values["lists"], asked) for asked in COVERAGES}


def covered(lists: Sequence[ScoredList], embedder: Embedder) -> list[Floats]:
    """What share of all that is relevant the first of each list cover."""
    vectors = embedded([JudgedList(each.query, each.passages, tuple(each.grades.tolist())) for each in lists], embedder)
    return [coverage_of_first(rescaled(each.scores, "minmax"), vectors.of(each.passages)) for each in lists]


def rows(name: str, pipeline: str, found: Measured, lists: int) -> Iterator[Row]:
    """One row a way: what is kept at each share found, and what that saves of a fixed k in the pipeline's order."""
    fixed = found.curve("fixed k", lists)
    for way in found.curves:
        curve = found.curve(way, lists)
        saved = saved_by(curve, fixed)
        cells = [f"{kept_at(curve, level):.1f}" if way == "fixed k" else _cell(saved[f"{level:g}"]) for level in LEVELS]
        shares = np.mean(found.covered[way], axis=0) if way in found.covered else None
        yield name, pipeline, way, *cells, "" if shares is None else " / ".join(f"{each:.3f}" for each in shares)


def _cell(row: Mapping[str, float]) -> str:
    if "saved" not in row:
        return "not reached"
    return f"{row['kept']:.1f} ({row['saved']:+.0%} [{row['low']:+.0%}, {row['high']:+.0%}])"


def main(*, quick: bool = False) -> Table:
    if not (DATA / "multihop").exists() or not (DATA / "dl19").exists():
        return skipped(TITLE, "The collections (MuSiQue, dl19) were not there; they are not part of the repository.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    own = models()
    pipelines: dict[str, Reranker] = {"cross-encoder": CrossEncoder(own.scorer), "bge-small": Similarity(own.embedder)}
    judged = {"MuSiQue": collections()["MuSiQue"], "dl19": passages()}
    rounds, epochs = (1, 2) if quick else (ROUNDS, 60)
    table: list[Row] = []
    for pipeline, reranker in pipelines.items():
        policies: dict[str, Tensors] = {}
        for name, whole in judged.items():
            lists = read(whole[: 12 if quick else None], reranker, own.embedder, epochs)
            table += rows(name, pipeline, crossed(lists, policies, rounds), len(lists.scored))
            choosing, *others = lists.parts(0)
            policies[f"{POLICY} of {name}"] = lists.trained([i for part in others for i in part], choosing, 0)
    return Table(
        TITLE,
        ("lists", "scores", "cut", *(f"kept at {level:g} found" for level in LEVELS), "covered, .8 / .9 / .95 asked"),
        tuple(table),
        (
            "How many passages are kept on the mean where so large a share of the needed ones is found on the mean,"
            " read off the curve over all settings of a cut. In brackets: passages saved of a fixed k in the pipeline's"
            " order (negative: it needs more), with a paired bootstrap 95 % interval over the lists. MuSiQue: 300"
            " questions, two to four of 20 paragraphs needed. dl19: BM25's 100 best; grades 2 and 3 are needed.",
            "The policy reads the scores, vectors of bge-small, and words. `policy` keeps the first of the pipeline's"
            " order. `likeliest first` keeps those with the largest chances, so what it saves is mostly a better order:"
            " `fixed k by policy, likeliest first` is that order with one k for all. The conformal cut over"
            " the policy's chances, `DynamicK(reorder=True, cost=0) >> ConformalCut(measure='score')`, is in that order"
            " too.",
            f"Ten parts that share no query and no needed paragraph, each measured by what others taught: {TRAINING}"
            f" train the policy, one chooses its epoch, {CALIBRATING} calibrate the conformal cut over it; calibrations"
            " and conformal cuts that read no policy are fitted on all nine. The features of the policy were chosen"
            " earlier on five folds of these MuSiQue questions, for the cut that keeps the order, so its figures there"
            " lean to the good side; nothing was chosen on dl19. `policy of MuSiQue` was trained on MuSiQue alone.",
            f"Covered: the share of lists whose needed passages are all kept, over {ROUNDS * PARTS} splits. The chance"
            " that is asked holds over lists, calibration included; with as few lists as dl19 has, it is rounded up to"
            " the next of (n + 1) steps, and where n are too few all is kept.",
        ),
        ("shortlist", "onnxruntime", "numpy", "torch"),
    )


if __name__ == "__main__":
    report(main)
