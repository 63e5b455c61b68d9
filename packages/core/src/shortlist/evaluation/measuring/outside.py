"""Measures that ir-measures computes, or has somebody else compute: trec_eval, cwl_eval, pyndeval and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from subprocess import CalledProcessError
from typing import Any

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError, require
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.measuring.base import Kind, outcomes
from shortlist.evaluation.measuring.notation import Notation, read
from shortlist.evaluation.measuring.orders import by_aspects, by_grade, falling
from shortlist.evaluation.measuring.own import OWN
from shortlist.evaluation.outcome import Run

_BY_ASPECT = frozenset({"alpha_DCG", "nERR_IA", "nNRBP", "AP_IA", "P_IA"})


@dataclass(frozen=True)
class Outside(Kind):
    """A measure of ir-measures.

    Rankings are handed over with falling scores, so that their order counts as it is, whatever their scores tie.
    """

    written: str

    @property
    def text(self) -> str:
        """As it prints."""
        return self.written

    def rows(self, collection: Collection, run: Run) -> Floats:
        """One value a question; NaN for one that nobody judged, as trec_eval leaves it out."""
        measure = _measure(self.written)
        judged = _aspects(collection) if measure.NAME in _BY_ASPECT else _grades(collection)
        return _values(_bound(measure, collection.relevant), judged, _found(collection, run), len(collection))[:, None]

    def figure(self, rows: Floats) -> float:
        """As ir-measures has it: a mean, or a sum where it counts something."""
        total = _measure(self.written).aggregator()
        for value in rows[~np.isnan(rows[:, 0]), 0].tolist():
            total.add(value)
        return float(total.result())

    def best(self, question: Question) -> Sequence[str]:
        """The order that gains most."""
        measure = _measure(self.written)
        return (
            by_aspects(question) if measure.NAME in _BY_ASPECT else by_grade(question, measure.params.get("gains", {}))
        )


def outside(written: Notation) -> Outside:
    """A measure of ir-measures, as it was written.

    Raises:
        InputError: it has no such measure, or the measure no such setting.
        MissingExtra: ir-measures is not installed.
    """
    measure = _made(written)
    # A grade that was asked for is kept even where it is the usual one: the collection's own may be another.
    kept = {
        name: value
        for name, value in measure.params.items()
        if name != measure.AT_PARAM and (name == "rel" or value != measure.SUPPORTED_PARAMS[name].default)
    }
    return Outside(str(Notation(measure.__name__, None, kept, measure.params.get(measure.AT_PARAM))))


@lru_cache(maxsize=256)
def _measure(text: str) -> Any:
    return _made(read(text))


def _made(written: Notation) -> Any:
    require("evaluate", "ir_measures")
    from ir_measures.measures import registry

    if written.name not in registry:
        near = ", ".join(get_close_matches(written.name, [*registry, *OWN], n=3))
        raise InputError(f"there is no measure {written.name!r}" + (f"; is it {near}?" if near else ""))
    if written.inner:
        raise InputError(f"{written.name} is not made of another measure: {written}")
    base = registry[written.name]
    cutoff = {} if written.cutoff is None else {base.AT_PARAM: written.cutoff}
    if cutoff.keys() & written.settings.keys():
        raise InputError(f"{written}: {base.AT_PARAM} is said twice")
    measure = base(**written.settings, **cutoff)
    _check(written, measure)
    return measure


def _check(written: Notation, measure: Any) -> None:
    """Numbers too: some of the programs behind ir-measures end this one where they cannot use what they are given."""
    missing = [name for name, each in measure.SUPPORTED_PARAMS.items() if each.required and name not in measure.params]
    if missing:
        raise InputError(f"{written} needs a {missing[0]}")
    whole = {name: measure.params[name] for name in ("cutoff", "rel") if name in measure.params}
    if bad := [name for name, value in whole.items() if type(value) is not int or value < 1]:
        raise InputError(f"{written}: {bad[0]} takes a whole number above 0")
    try:
        measure.validate_params()
    except AssertionError as error:
        raise InputError(f"{written}: {error}") from error


def _bound(measure: Any, relevant: int) -> Any:
    """With the collection's lowest relevant grade, where none was asked for."""
    setting = None if measure.NAME in _BY_ASPECT else measure.SUPPORTED_PARAMS.get("rel")
    # NumRet has the setting and no default: without a grade it counts all.
    free = setting is not None and setting.default == 1 and "rel" not in measure.params
    return measure(rel=relevant) if free and relevant != 1 else measure


# Questions go by their places: one of the programs behind ir-measures takes only numbers.


def _grades(collection: Collection) -> Mapping[str, Mapping[str, int]]:
    return {str(place): dict(question.grades) for place, question in enumerate(collection) if question.grades}


def _aspects(collection: Collection) -> Sequence[Any]:
    from ir_measures import Qrel

    return [
        Qrel(str(place), name, 1, aspect)
        for place, question in enumerate(collection)
        for name, aspects in question.aspects.items()
        for aspect in sorted(aspects)
    ]


def _found(collection: Collection, run: Run) -> Mapping[str, Mapping[str, float]]:
    return {
        str(place): dict(zip(outcome.ids, falling(len(outcome.ids)).tolist(), strict=True))
        for place, (_, outcome) in enumerate(outcomes(collection, run))
        if outcome.ids
    }


def _values(measure: Any, judged: Any, found: Mapping[str, Mapping[str, float]], n: int) -> Floats:
    from ir_measures import DefaultPipeline

    values = np.full(n, np.nan)
    if not judged:
        return values
    try:
        for each in DefaultPipeline.iter_calc([measure], judged, found):
            values[int(each.query_id)] = each.value
    except (ValueError, CalledProcessError) as error:
        raise InputError(f"ir-measures cannot compute {measure}: {error}") from error
    return values
