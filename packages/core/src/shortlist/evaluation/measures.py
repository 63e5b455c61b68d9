"""Measures as values that print and parse: `measure("nDCG@10").of(collection, run)`.

All that ir-measures knows, under its names, and ours in the same notation:

| measure | what | from |
|---|---|---|
| `AllSupport@k` | 1 where all that is relevant is among the first k, or with no cutoff among what was kept | `grades` |
| `MTRR`, `TMHits@k` | G-RAG's: of each relevant passage 1 / expected rank, and its chance of the first k | `grades` |
| `UnDCG@k` | ICLERB's nDCG of utilities, raised to 0 or more for each question | `utilities` |
| `alpha_nDCG@k`, `ERR_IA@k`, `NRBP`, `StRecall@k` | of TREC's Web tracks, equal to ndeval's | `aspects` |
| `RPP(measure)`, `QPP` | a measure for each PetaFLOP, and questions for each PetaFLOP | `Usage.flops` |
| `nAUC(measure)` | how well the best score of a list says how good the list is | scores |

Ties. A ranking is a strict order, and that order counts, whatever its scores tie; a run out of a TREC file has been
put in trec_eval's order by `read_run`. Only MTRR and TMHits look at tied scores, and at the ranks expected of them.

What is not kept is not in the list. A question that failed, or is not in the run, has 0; one that nobody judged has
NaN, and is left out of the mean, as in trec_eval. A yes-or-no measure counts grades from `Collection.relevant`, unless
it says `rel=` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measuring.base import Kind
from shortlist.evaluation.measuring.notation import read
from shortlist.evaluation.measuring.outside import outside
from shortlist.evaluation.measuring.own import ALIASES, OWN, own
from shortlist.evaluation.measuring.whole import Abstention, PerCost, PerPetaflop
from shortlist.evaluation.outcome import Outcome, Run


@dataclass(frozen=True)
class Measure:
    """A measure of how good rankings are.

    Attributes:
        text: how it is written; spelled in one way once it is made, so that equal measures are equal.

    Raises:
        InputError: there is no such measure, or it has no such setting.
        MissingExtra: it is one of ir-measures', which is not installed.
    """

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _kind(self.text).text)

    def __str__(self) -> str:
        return self.text

    @property
    def whole(self) -> bool:
        """Whether it is a figure of all questions together, which no single one has: nAUC and QPP."""
        return _kind(self.text).whole

    def of(self, collection: Collection, run: Run) -> Floats:
        """The value of each question, shape (n,); NaN where the measure says nothing of it.

        Raises:
            InputError: it is a figure of all questions together, or cannot be computed; or no question is in the run.
        """
        if self.whole:
            raise InputError(f"{self} is a figure of all questions together: ask `figure` for it")
        return self.rows(collection, run)[:, 0]

    def figure(self, collection: Collection, run: Run) -> float:
        """The figure of the whole collection: the mean over the questions, unless the measure is another.

        Raises:
            InputError: it cannot be computed, or no question is in the run.
        """
        return self.combined(self.rows(collection, run))

    def rows(self, collection: Collection, run: Run) -> Floats:
        """What the figure is made of, one row a question, shape (n, c): resample these for an interval of any measure.

        Raises:
            InputError: it cannot be computed, or no question is in the run.
        """
        if run.outcomes.keys().isdisjoint(question.id for question in collection):
            raise InputError(f"no question of {collection.name} is in the run {run.name}")
        return _kind(self.text).rows(collection, run)

    def combined(self, rows: Floats) -> float:
        """The figure of these rows, some left out or taken more than once; NaN where they say nothing."""
        return _kind(self.text).figure(rows)


def measure(text: str | Measure) -> Measure:
    """The measure that is written so, such as `nDCG@10`, `P(rel=2)@5`, `AllSupport@5` or `RPP(nDCG@10)`.

    Raises:
        InputError: there is no such measure, or it has no such setting.
        MissingExtra: it is one of ir-measures', which is not installed.
    """
    return text if isinstance(text, Measure) else Measure(text)


def oracle(collection: Collection, measure: Measure, keep: int | None = None) -> Run:
    """The best order of each question's candidates, and of it the first so many: what no reranker can exceed.

    For measures of aspects the order is picked greedily, as the best one is NP-hard to find.

    Raises:
        InputError: order alone does not decide this measure, as with cost and abstention.
    """
    outcomes: dict[str, Outcome] = {}
    for question in collection:
        order = _kind(measure.text).best(question)
        if order is None:
            raise InputError(f"{measure} has no best order")
        ids = tuple(order[:keep])
        outcomes[question.id] = Outcome(ids, tuple(float(rank) for rank in range(len(ids), 0, -1)))
    return Run("oracle", outcomes)


def ceiling(collection: Collection, measure: Measure, keep: int | None = None) -> Floats:
    """What the best order of each question's candidates has, shape (n,); NaN for all where there is no best order.

    Args:
        collection: whose candidates they are.
        measure: of single questions.
        keep: how many of them may be kept, at most.
    """
    if _kind(measure.text).best(collection.questions[0]) is None:
        return np.full(len(collection), np.nan)
    return measure.of(collection, oracle(collection, measure, keep))


def recall_ceiling(collection: Collection, keep: int | None = None) -> Floats:
    """The share of what is relevant that is among the candidates, or can be kept of them, shape (n,).

    0 where nothing is relevant, NaN where nobody judged.
    """
    shares = []
    for question in collection:
        relevant = {name for name, grade in question.grades.items() if grade >= collection.relevant}
        found = len(relevant.intersection(question.candidates))
        share = min(found, len(question.passages) if keep is None else keep) / max(1, len(relevant))
        shares.append(share if question.grades else np.nan)
    return np.asarray(shares, dtype=np.float64)


_MADE_OF: Mapping[str, Callable[[Kind], Kind]] = MappingProxyType({"RPP": PerCost, "nAUC": Abstention})


@lru_cache(maxsize=256)
def _kind(text: str) -> Kind:
    written = read(text)
    if written.name in _MADE_OF:
        return _made_of(text)
    if written.name == "QPP":
        if written != ("QPP", None, {}, None):
            raise InputError(f"QPP has no settings and no cutoff: {text}")
        return PerPetaflop()
    return own(written) if ALIASES.get(written.name, written.name) in OWN else outside(written)


def _made_of(text: str) -> Kind:
    written = read(text)
    if written.inner is None or written.settings or written.cutoff is not None:
        raise InputError(f"{written.name} is made of one measure, like {written.name}(nDCG@10): not {text}")
    inner = _kind(written.inner)
    if inner.whole or isinstance(inner, PerCost):
        raise InputError(f"{written.name} is made of a measure of single questions: not {inner.text}")
    return _MADE_OF[written.name](inner)
