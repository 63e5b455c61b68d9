"""Numbers fitted on what a pipeline scores: one function for all kinds, and a table of the kinds."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from shortlist.errors import InputError
from shortlist.fitted.store import Fitted
from shortlist.passage import NOTHING
from shortlist.reranker.base import Reranker
from shortlist.runtime.settings import Runtime
from shortlist.training.judged import JudgedList
from shortlist.training.scored import ScoredList, scored, scored_folds

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "calibration": "shortlist.training.calibration:fit_calibration",
        "conformal": "shortlist.training.conformal:fit_conformal",
        "abstention": "shortlist.training.abstention:fit_abstention",
    }
)
"""Where the function stands that fits a kind: `fit_KIND(lists, given) -> values`, all JSON-ready.

Three more may stand beside it. `check_KIND(given)` raises InputError when a setting cannot be one, and
`enough_KIND(lists, given)` when it cannot be fitted on these lists, whatever their scores; both are called before any
model is. `measure_KIND(held, given) -> Table` measures pairs of values and the lists that were held out of them.
"""

Values: TypeAlias = Mapping[str, Any]
Table: TypeAlias = Mapping[str, Mapping[str, float]]
"""Figures by row and column."""
Held: TypeAlias = Sequence[tuple[Values, Sequence[ScoredList]]]


class Fitting(NamedTuple):
    """What was fitted, on all lists, and what it is worth on lists that it was not fitted on.

    Attributes:
        fitted: to save.
        figures: over held-out folds; empty where the kind measures nothing.
    """

    fitted: Fitted
    figures: Table


class _Kind(NamedTuple):
    fit: Callable[[Sequence[ScoredList], Values], Values]
    check: Callable[[Values], object] | None
    measure: Callable[[Held, Values], Table] | None
    enough: Callable[[Sequence[JudgedList], Values], object] | None = None


def fit(
    kind: str,
    lists: Sequence[JudgedList],
    pipeline: Reranker,
    given: Values = NOTHING,
    *,
    about: Mapping[str, Any] = NOTHING,
    folds: int = 5,
    seed: int = 0,
    runtime: Runtime | None = None,
) -> Fitting:
    """Score the lists, fit on all of them, and measure on folds of them what was fitted on the others.

    Args:
        kind: calibration, conformal or abstention.
        lists: judged; no two folds share a query or a relevant text.
        pipeline: whose scores the numbers are to read, now and whenever they are used.
        given: settings of the kind.
        about: what else is to stand in the file, such as the data's name and licence.
        folds: how many, 2 or more.
        seed: of the folds.
        runtime: how the pipeline's models are asked.

    Raises:
        InputError: no such kind or setting, nothing relevant, or too few lists: no model has been called. Or the scores
            turned out to be none that this can be fitted on.
        ModelError: the pipeline failed.
    """
    known = _kind(kind)
    if known.check is not None:
        known.check(given)
    _check(known, lists, given, folds, seed)
    said = {"pipeline": _written(pipeline), **about}
    return fit_scored(kind, scored(lists, pipeline, runtime), given, about=said, folds=folds, seed=seed)


def fit_scored(
    kind: str,
    lists: Sequence[ScoredList],
    given: Values = NOTHING,
    *,
    about: Mapping[str, Any] = NOTHING,
    folds: int = 5,
    seed: int = 0,
) -> Fitting:
    """`fit` on lists that are scored already: for several kinds, or several settings, of the same scores.

    Raises:
        InputError: no such kind or setting, or lists that it cannot be fitted on.
    """
    known = _kind(kind)
    if known.check is not None:
        known.check(given)
    said = {**about, "lists": len(lists), "settings": dict(given)}
    return Fitting(Fitted(kind, known.fit(lists, given), said), _measured(known, lists, given, folds, seed))


def _kind(name: str) -> _Kind:
    if name not in KINDS:
        raise InputError(f"nothing is fitted for {name!r}; there are {', '.join(KINDS)}")
    place, function = KINDS[name].split(":")
    module = importlib.import_module(place)
    others = (getattr(module, f"{what}_{name}", None) for what in ("check", "measure", "enough"))
    return _Kind(getattr(module, function), *others)


def _check(known: _Kind, lists: Sequence[JudgedList], given: Values, n: int, seed: int) -> None:
    """Find out before any model is called what would fail after."""
    from shortlist.training.judged import folds

    if not any(any(each.grades) for each in lists):
        raise InputError("nothing in the lists is relevant: there is nothing to fit on")
    if n < 2:
        raise InputError(f"needs 2 folds or more, not {n}")
    parts = folds(lists, n, seed)
    if known.enough is not None:
        for each in (lists, *_others(parts)):
            known.enough(each, given)


T = TypeVar("T")


def _others(parts: Sequence[Sequence[T]]) -> list[list[T]]:
    """For each part, what is in the others."""
    return [[each for other in parts if other is not part for each in other] for part in parts]


def _measured(known: _Kind, lists: Sequence[ScoredList], given: Values, n: int, seed: int) -> Table:
    if known.measure is None:
        return {}
    parts = scored_folds(lists, n, seed)
    held = [(known.fit(rest, given), part) for rest, part in zip(_others(parts), parts, strict=True)]
    return known.measure(held, given)


def _written(pipeline: Reranker) -> Any:
    """The pipeline as JSON, or what it is called where it holds code."""
    try:
        return pipeline.to_dict()
    except InputError:
        return pipeline.name
