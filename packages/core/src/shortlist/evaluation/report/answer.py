"""The answer of a comparison in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from shortlist.evaluation.comparison import Row
from shortlist.evaluation.report.findings import Behind, Findings
from shortlist.evaluation.report.words import counted, figure, listed, seconds, share, signed, times


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
    more = [
        _said(
            "The interval of that mean is {} to {} ({}). Against {} it gains {} ({} to {}), with {} won and {} lost.",
            *(figure(best.low), figure(best.high), findings.confidence, _b(findings.baseline.run)),
            *(signed(best.gain), signed(best.gain_low), signed(best.gain_high)),
            *(counted(best.wins or 0, "question"), best.losses),
        )
    ]
    return Point(ask, told, (*more, *_level(findings)))


def _level(findings: Findings) -> list[Markup]:
    """What cannot be told from the best, and what of it is cheaper."""
    if not findings.level:
        return [_said("It is surely better than every other one here.")] if findings.behind else []
    names = _names([one.run for one in findings.level])
    told = [_said("These questions cannot tell it from {}.", names)]
    cost = findings.cost(findings.best.run)
    cheap = [(own, one) for one in findings.level if (own := findings.cost(one.run)) and cost and own < 0.9 * cost]
    if cheap and cost:
        least, one = min(cheap, key=lambda pair: pair[0])
        told.append(_cheaper(one, cost / least))
    return told


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
    return Point(ask, told, tuple(more))


def _both(one: Row, other: Row) -> tuple[Markup, Markup]:
    return _b(one.run), _b(other.run)


def _frontier(findings: Findings) -> Point:
    ask = "Which ones are worth their time?"
    chosen = findings.frontier()
    if not chosen:
        return Point(ask, _said("Nobody knows: these runs do not say how long they took."))
    others = [row.run for row in findings.rows if row.run not in chosen and findings.cost(row.run) is not None]
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
        parts.append(_said("Not to be told from {} by these questions: {}.", base, names))
    surpassed = [one.run for one in findings.behind if one not in findings.level]
    if surpassed:
        parts.append(_said("Surely behind {}: {}.", _b(findings.best.run), _names(surpassed)))
    first, *rest = parts or [_said("There is only one run.")]
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
