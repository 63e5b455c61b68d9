"""The report: one HTML file that asks nothing of anyone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.drawing.drawing import speakable
from shortlist.drawing.theme import variables
from shortlist.errors import InputError, require
from shortlist.evaluation.comparison import Comparison
from shortlist.evaluation.report.words import CORRECTIONS, meaning

if TYPE_CHECKING:
    from shortlist.evaluation.report.findings import Findings

_SHOWN = 3
"""Runs whose questions are shown at once; others are folded away."""


def html_report(comparison: Comparison) -> str:
    """A comparison for people who do not know the code: what to use, how sure that is, and pictures of why.

    The page holds all it needs and asks for nothing; it is light or dark as its reader prefers. Equal comparisons give
    equal pages.

    Raises:
        MissingExtra: matplotlib or Jinja is not installed.
    """
    require("evaluate", "matplotlib", "jinja2")
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    house = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((house / "report.html.j2").read_text(encoding="utf-8"))
    style = variables() + (house / "report.css").read_text(encoding="utf-8")
    # Pictures are SVG that matplotlib wrote, which escapes what stands in them.
    trusted = {"style": Markup(style), "svg": Markup}  # noqa: S704 - our own file
    return speakable(template.render(**trusted, meaning=meaning, **_parts(comparison))) + "\n"


def _parts(comparison: Comparison) -> dict[str, Any]:
    from shortlist.evaluation.report import tables
    from shortlist.evaluation.report.answer import answer
    from shortlist.evaluation.report.costs import pictures
    from shortlist.evaluation.report.differences import differences, gains
    from shortlist.evaluation.report.findings import Findings
    from shortlist.evaluation.report.recipes import glossary
    from shortlist.evaluation.report.scores import calibration, distributions, scored
    from shortlist.evaluation.report.turns import turns

    findings = Findings(comparison)
    chosen = _first(findings)
    found = [one for row in findings.rows if (one := scored(comparison.collection, comparison.run(row.run)))]
    bars = {row.run: picture for row in findings.rows if (picture := differences(findings, row.run))}
    return {
        "comparison": comparison,
        "findings": findings,
        "points": answer(findings),
        "lines": tables.lines(findings),
        "others": tables.measures(findings),
        "costs": tables.costs(findings),
        "pipelines": tables.pipelines(comparison),
        "glossary": glossary(comparison),
        "correction": CORRECTIONS[comparison.method.correction],
        "frontier": pictures(findings),
        "gains": gains(findings),
        "bars": [bars[name] for name in chosen if name in bars],
        "more_bars": [picture for name, picture in bars.items() if name not in chosen],
        "turned": chosen[0] if chosen else "",
        "turns": turns(findings, chosen[0]) if chosen else (),
        "reliability": [calibration(one) for one in found if _probable(comparison, one.run)],
        "distributions": distributions(found),
        "unscored": [row.run for row in findings.rows if row.run not in {one.run for one in found}],
        "trouble": [cost for cost in comparison.costs if cost.failed or cost.degraded],
    }


def _first(findings: Findings) -> list[str]:
    """Runs to show first: the best, the quick one, and then others by quality; the baseline is none of them."""
    rows = (findings.best, findings.quick, *findings.rows)
    names = dict.fromkeys(row.run for row in rows if row is not None and row.run != findings.baseline.run)
    return [*names][:_SHOWN]


def _probable(comparison: Comparison, run: str) -> bool:
    return {outcome.score_kind for outcome in comparison.run(run).outcomes.values() if outcome.ids} == {"probability"}


def write_report(path: str | Path, comparison: Comparison) -> None:
    """Write `html_report` to a file.

    Raises:
        InputError: the file cannot be written.
        MissingExtra: as for `html_report`.
    """
    page = html_report(comparison)
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
