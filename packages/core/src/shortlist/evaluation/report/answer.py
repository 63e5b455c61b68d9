"""The answer of a comparison in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from shortlist.evaluation.comparison import Row
from shortlist.evaluation.report.findings import Behind, Findings
from shortlist.evaluation.report.words import chance, counted, figure, listed, seconds, share, signed, times


@dataclass(frozen=True)
class Point:
    """One point of the answer.

    Attributes:
        question: that it answers.
        answer: in one sentence; names are escaped and stressed.
        more: further sentences.
    """

    question: str
    answer: Markup
    more: tuple[Markup, ...] = ()


def answer(findings: Findings) -> tuple[Point, ...]:
    """What to use, and how sure that is."""
    return tuple(part(findings) for part in (_quality, _time, _frontier, _sure, _ceiling))


def _quality(findings: Findings) -> Point:
    best = findings.best
    ask = "Which one, when quality matters?"
    if best.run == findings.baseline.run:
        return Point(ask, _said("None of them: nothing has a higher {} than {}.", findings.measure, _b(best.run)))
    figures = findings.measure, figure(best.mean), _took(findings, best)
    told = _said("Use {}: {} {}{}.", _b(best.run), *figures)
    if not findings.sure(best):
        unsure = "None is surely better than {}. The highest figure is that of {}: {} {}{}."
        told = _said(unsure, _b(findings.baseline.run), _b(best.run), *figures)
    return Point(ask, told, (*_gained(findings), *_level(findings), *_but(findings, best)))


def _gained(findings: Findings) -> list[Markup]:
    """How sure the best one's figure is, and its gain, as far as that is known."""
    best, ends = findings.best, "The interval of that figure is {} to {} ({})."
    told = [_said(ends, figure(best.low), figure(best.high), findings.confidence)]
    if best.gain is not None:
        gain = signed(best.gain), signed(best.gain_low), signed(best.gain_high)
        told.append(_said("Against {} it gains {} ({} to {}).", _b(findings.baseline.run), *gain))
    if best.wins is not None:
        told.append(_said("It has {} won and {} lost.", counted(best.wins, "question"), best.losses))
    return told


def _level(findings: Findings) -> list[Markup]:
    """What cannot be told from the best, and what of it is cheaper."""
    if not findings.level:
        return [_closest(findings)] if findings.behind else []
    names = _names([one.run for one in findings.level])
    told = [_said("These questions cannot tell it from {}.", names)]
    cost = findings.cost(findings.best.run)
    cheap = [(own, one) for one in findings.level if (own := findings.cost(one.run)) and cost and own < 0.9 * cost]
    if cheap and cost:
        least, one = min(cheap, key=lambda pair: pair[0])
        told.append(_cheaper(one, cost / least))
    return told


def _closest(findings: Findings) -> Markup:
    """The next best by its paired difference, and the largest p of all."""
    one, most = findings.behind[0], max(findings.behind, key=lambda each: each.corrected)
    return _said(
        "It is surely better than every other one here. The next best, {}, has {} less ({} to {}; p {}).{}",
        *(_b(one.run), figure(one.gap), figure(one.low), figure(one.high), chance(one.corrected)),
        _said(" The largest p is {}, that of {}.", chance(most.corrected), _b(most.run)) if most != one else "",
    )


def _but(findings: Findings, row: Row) -> list[Markup]:
    """What speaks against a run that is recommended."""
    base = findings.baseline.run
    worse = [
        f"{one.measure} ({figure(one.mean)} against {figure(findings.comparison.row(base, one.measure).mean)})"
        for one in findings.setbacks(row.run)
    ]
    return [_said("But it is surely worse than {} by {}.", _b(base), listed(worse))] if worse else []


def _cheaper(one: Behind, ratio: float) -> Markup:
    return _said(
        "Of these {} is {} as fast, at {} less ({} to {}).",
        *(_b(one.run), times(ratio), figure(one.gap), figure(one.low), figure(one.high)),
    )


def _time(findings: Findings) -> Point:
    ask, quick, best = "Which one, when time matters?", findings.quick, findings.best
    if quick is None:
        why = "no pipeline whose time is known is surely better"
        return Point(ask, _said("Stay with {}: {}.", _b(findings.baseline.run), why))
    if quick.run == best.run:
        return Point(ask, _said("{} again: no faster one is surely better than {}.", *_both(quick, findings.baseline)))
    told = _said("Use {}: {} {}{}.", _b(quick.run), findings.measure, figure(quick.mean), _took(findings, quick))
    more = [_said("It is the fastest of those that are surely better than {}.", _b(findings.baseline.run))]
    cost, least = findings.cost(best.run), findings.cost(quick.run)
    if cost and least and best.gain and quick.gain:
        kept = share(quick.gain / best.gain)
        more.append(_said("It has {} of the gain of {} and is {} as fast.", kept, _b(best.run), times(cost / least)))
    return Point(ask, told, (*more, *_but(findings, quick)))


def _both(one: Row, other: Row) -> tuple[Markup, Markup]:
    return _b(one.run), _b(other.run)


def _frontier(findings: Findings) -> Point:
    ask = "Which ones are worth their time?"
    chosen = findings.frontier()
    if not chosen:
        return Point(ask, _said("Nobody knows: these runs do not say how long they took."))
    known = [row.run for row in findings.rows if findings.cost(row.run) is not None and not np.isnan(row.mean)]
    others = [run for run in known if run not in chosen]
    told = _said("The efficient frontier, from fast to good: {}.", _names(chosen))
    if not others:
        return Point(ask, told)
    more = _said("For {} there is another one that is as good or better and no slower.", _names(others))
    return Point(ask, told, (more,))


def _sure(findings: Findings) -> Point:
    base = _b(findings.baseline.run)
    parts = [
        _said("Surely {} than {}: {}.", word, base, _names([row.run for row in rows]))
        for word, rows in (("better", findings.better), ("worse", findings.worse))
        if rows
    ]
    if findings.unsure:
        names = _names([row.run for row in findings.unsure])
        parts.append(_said("No clear difference from {} by these questions: {}.", base, names))
    surpassed = [one.run for one in findings.behind if one not in findings.level]
    if surpassed:
        parts.append(_said("Surely behind {}: {}.", _b(findings.best.run), _names(surpassed)))
    alone = len(findings.rows) == 1
    first, *rest = parts or [_said("There is only one run." if alone else "Nothing can be compared with {}.", base)]
    return Point("Which differences are sure?", first, tuple(rest))


def _ceiling(findings: Findings) -> Point:
    ask, best = "How far is the best possible order?", findings.best
    if np.isnan(best.ceiling):
        return Point(ask, _said("{} has no best order to compare with.", findings.measure))
    told = _said(
        "Someone who knew all judgments would reach {} with the same candidates; {} is at {}.",
        *(figure(best.ceiling), _b(best.run), figure(best.mean)),
    )
    if findings.closed is None or best.run == findings.baseline.run:
        return Point(ask, told)
    more = _said("That is {} of the way from {} to there.", share(findings.closed), _b(findings.baseline.run))
    return Point(ask, told, (more,))


def _took(findings: Findings, row: Row) -> str:
    cost = findings.cost(row.run)
    return "" if cost is None else f" in {seconds(cost)} per question"


def _said(text: str, *parts: object) -> Markup:
    return Markup(text).format(*parts)  # noqa: S704 - our own text; what goes into it is escaped


def _b(name: str) -> Markup:
    return Markup("<b>{}</b>").format(name)


def _names(names: Sequence[str]) -> Markup:
    return Markup(listed([str(_b(name)) for name in names]))  # noqa: S704 - each is escaped
