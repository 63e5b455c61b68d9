"""Measures of single questions that ir-measures lacks, or that it leaves to packages of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from shortlist.algorithms import diversity_measures, measures
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.measuring.base import Judgments, Kind, judgments, outcomes
from shortlist.evaluation.measuring.notation import Notation
from shortlist.evaluation.measuring.orders import answered, by_aspects, by_grade, by_utility, falling, gains
from shortlist.evaluation.outcome import Outcome, Run


class Settings(NamedTuple):
    """What may be set of a measure.

    Attributes:
        k: the cutoff; None for the whole list.
        rel: the lowest grade that is relevant; None for the collection's own.
        alpha: how little an aspect is worth once it was seen.
        beta: how likely a reader goes on.
    """

    k: int | None = None
    rel: int | None = None
    alpha: float = 0.5
    beta: float = 0.5


Value = Callable[[Question, Outcome, Settings], float]


class Rule(NamedTuple):
    """One of our measures.

    Attributes:
        value: of one question.
        reads: what of the judgments.
        cutoff: whether there is one.
        settings: which of the settings it has.
    """

    value: Value
    reads: Judgments
    cutoff: Literal["needed", "allowed", "none"]
    settings: Sequence[str] = ()


@dataclass(frozen=True)
class Own(Kind):
    """A measure of our own, with its settings."""

    name: str
    settings: Settings

    @property
    def text(self) -> str:
        """As it prints."""
        changed = {name: getattr(self.settings, name) for name in OWN[self.name].settings}
        changed = {name: value for name, value in changed.items() if value != Settings._field_defaults[name]}
        return str(Notation(self.name, None, changed, self.settings.k))

    def rows(self, collection: Collection, run: Run) -> Floats:
        """One value a question."""
        rule, settings = OWN[self.name], self.settings
        if settings.rel is None:
            settings = settings._replace(rel=collection.relevant)
        values = [
            rule.value(question, outcome, settings) if judgments(question, rule.reads) else np.nan
            for question, outcome in outcomes(collection, run)
        ]
        return np.asarray(values, dtype=np.float64)[:, None]

    def best(self, question: Question) -> Sequence[str]:
        """The order that gains most."""
        if OWN[self.name].reads == "aspects":
            # For recall an aspect that was seen is worth nothing more.
            return by_aspects(question, 1.0 if self.name == "StRecall" else self.settings.alpha)
        return by_grade(question) if OWN[self.name].reads == "grades" else by_utility(question)


def own(written: Notation) -> Own:
    """One of our measures, as it was written.

    Raises:
        InputError: it has no such setting or cutoff.
    """
    name = ALIASES.get(written.name, written.name)
    rule = OWN[name]
    if written.inner or (unknown := sorted(set(written.settings) - {*rule.settings})):
        raise InputError(
            f"{name} has the settings {', '.join(rule.settings) or 'none'}: not {written.inner or unknown}"
        )
    if (written.cutoff is None and rule.cutoff == "needed") or (written.cutoff is not None and rule.cutoff == "none"):
        raise InputError(f"{name} is written with{'out' if rule.cutoff == 'none' else ''} a cutoff: not {written}")
    whole = {"@": written.cutoff, "rel": written.settings.get("rel")}
    if bad := [each for each, value in whole.items() if not (value is None or (type(value) is int and value > 0))]:
        raise InputError(f"{written}: {bad[0]} takes a whole number above 0")
    if bad := [each for each in ("alpha", "beta") if not _share(written.settings.get(each, 0.5))]:
        raise InputError(f"{written}: {bad[0]} takes a number from 0 to 1")
    return Own(name, Settings(k=written.cutoff, **written.settings))


def _share(value: object) -> bool:
    return isinstance(value, (int, float)) and 0.0 <= value <= 1.0


def _relevant(question: Question, settings: Settings) -> set[str]:
    return {name for name, grade in question.grades.items() if grade >= (settings.rel or 1)}


def _all_support(question: Question, outcome: Outcome, settings: Settings) -> float:
    """1 where all that is relevant is among the first k."""
    relevant = _relevant(question, settings)
    return float(bool(relevant) and relevant <= {*outcome.ids[: settings.k]})


def _over_found(
    question: Question, outcome: Outcome, settings: Settings, mean: Callable[[Floats, Floats], float]
) -> float:
    """A mean over what is relevant: what is not in the list adds 0 to it."""
    relevant = _relevant(question, settings)
    flags = np.fromiter((name in relevant for name in outcome.ids), dtype=np.float64, count=len(outcome.ids))
    return mean(np.asarray(outcome.scores), flags) * float(flags.sum()) / max(1, len(relevant))


def _mtrr(question: Question, outcome: Outcome, settings: Settings) -> float:
    return _over_found(question, outcome, settings, measures.mean_tied_reciprocal_rank)


def _tied_hits(question: Question, outcome: Outcome, settings: Settings) -> float:
    def hits(scores: Floats, flags: Floats) -> float:
        return measures.tied_hits_at(scores, flags, settings.k or len(scores))

    return _over_found(question, outcome, settings, hits)


def _utility_ndcg(question: Question, outcome: Outcome, settings: Settings) -> float:
    """ICLERB: nDCG whose gains are utilities."""
    known = gains(question)
    found = np.asarray([known.get(name, 0.0) for name in outcome.ids][: settings.k])
    best = np.sort([*known.values()])[::-1][: settings.k]
    ideal = _discounted(best)
    return _discounted(found) / ideal if ideal > 0.0 else 0.0


def _discounted(values: Floats) -> float:
    return float(values @ (1.0 / np.log2(np.arange(2, len(values) + 2))))


def _aspects(question: Question, outcome: Outcome) -> tuple[Floats, Floats, Floats]:
    """Scores, answers and judged ones, as the arrays' measures take them: names as ndeval sorts them."""
    judged = answered(question, sorted(question.aspects, reverse=True))
    found = answered(question, outcome.ids)
    return falling(len(found)), found.astype(np.float64), judged.astype(np.float64)


def _alpha_ndcg(question: Question, outcome: Outcome, settings: Settings) -> float:
    scores, found, judged = _aspects(question, outcome)
    return diversity_measures.alpha_ndcg_at(scores, found, settings.k or 1, judged, alpha=settings.alpha)


def _err_ia(question: Question, outcome: Outcome, settings: Settings) -> float:
    scores, found, judged = _aspects(question, outcome)
    return diversity_measures.err_ia_at(scores, found, settings.k or 1, judged, alpha=settings.alpha)


def _nrbp(question: Question, outcome: Outcome, settings: Settings) -> float:
    scores, found, judged = _aspects(question, outcome)
    return diversity_measures.nrbp(scores, found, judged, alpha=settings.alpha, beta=settings.beta)


def _subtopic_recall(question: Question, outcome: Outcome, settings: Settings) -> float:
    scores, found, judged = _aspects(question, outcome)
    return diversity_measures.subtopic_recall_at(scores, found, settings.k or 1, judged)


OWN: Mapping[str, Rule] = MappingProxyType(
    {
        "AllSupport": Rule(_all_support, "grades", "allowed", ("rel",)),
        "MTRR": Rule(_mtrr, "grades", "none", ("rel",)),
        "TMHits": Rule(_tied_hits, "grades", "needed", ("rel",)),
        "UnDCG": Rule(_utility_ndcg, "utilities", "allowed"),
        "alpha_nDCG": Rule(_alpha_ndcg, "aspects", "needed", ("alpha",)),
        "ERR_IA": Rule(_err_ia, "aspects", "needed", ("alpha",)),
        "NRBP": Rule(_nrbp, "aspects", "none", ("alpha", "beta")),
        "StRecall": Rule(_subtopic_recall, "aspects", "needed"),
    }
)
ALIASES: Mapping[str, str] = MappingProxyType({"α_nDCG": "alpha_nDCG", "SRecall": "StRecall"})
