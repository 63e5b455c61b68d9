"""What a newcomer must be able to read off the report without asking anyone."""

import re
from dataclasses import replace

import pytest

from shortlist import parse

from .report_cases import comparison

for package in ("matplotlib", "jinja2", "scipy"):
    pytest.importorskip(package)

from shortlist.evaluation.report import html_report  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.answer import answer  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.costs import SECONDS, _beside, _Chart, against  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.differences import differences  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.findings import Findings  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.recipes import glossary, recipe  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.tables import lines, measures  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.words import meaning  # noqa: E402 - skips where they cannot be imported


def told(findings):
    """The answer as plain text."""
    return [re.sub("<[^>]+>", "", " ".join(map(str, (point.answer, *point.more)))) for point in answer(findings)]


def test_surely_better_than_all_comes_with_its_paired_difference():
    findings = Findings(comparison())
    closest = findings.behind[0]
    words = f"The next best, {closest.run}, has {closest.gap:.3f} less ({closest.low:.3f} to {closest.high:.3f}; p "
    assert words in told(findings)[0]
    by_name = {line.name: line for line in lines(findings)}
    assert by_name[closest.run].behind == f"{closest.gap:.3f}" and not by_name["fine"].behind


def test_gains_and_losses_by_other_measures_are_told_apart():
    made = comparison()
    sure = {
        "fine": replace(made.row("fine", "RR"), gain=-0.2, corrected=0.001),
        "poor": replace(made.row("poor", "RR"), gain=0.2, corrected=0.001),
        "fast": replace(made.row("fast", "RR"), gain=-0.2, corrected=0.9),
    }
    rows = tuple(sure.get(row.run, row) if row.measure == "RR" else row for row in made.rows)
    findings = Findings(replace(made, rows=rows))
    table = measures(findings)
    assert table is not None
    cells = {name: cells[0][0].replace("\xa0", " ") for name, cells in table.rows}
    assert cells["fine"].endswith("▼ worse") and cells["poor"].endswith("▲ better") and " " not in cells["fast"]
    quality, time, *_ = told(findings)
    assert "But it is surely worse than first by RR (" in quality and "But it is" not in time


def test_measures_name_their_depth():
    assert meaning("R@50") == "is the share of all relevant passages that is among the first 50"
    assert meaning("R") == "is the share of all relevant passages that is among the first"
    assert meaning("nDCG@10").endswith("it looks at the first 10 passages")


def test_pipelines_in_words():
    def said(expression):
        return recipe(parse(expression).to_dict())

    assert said("lexical[:20] >> similarity") == "best 20 of lexical, then similarity (static)"
    inner = parse("lexical >> keep-order").to_dict()
    assert recipe({"reranker": "top", "inner": inner, "k": 3}) == "best 3 of (lexical, then keep-order)"
    assert said("(lexical | keep-order) >> similarity").startswith("(lexical; if that fails, keep-order), then")
    assert said("lexical | keep-order") == "lexical; if that fails, keep-order"
    assert said("lexical(k1=2.0)") == "lexical (k1 2.0)" and said("lexical(k1=1.2)") == "lexical"
    assert said("fuse(lexical, keep-order)") == "fuse (lexical, keep-order)"
    assert recipe(None) == recipe({"name": "x"}) == "" and recipe({"reranker": "made-up"}) == "made-up"


def test_the_steps_are_explained():
    made = comparison()
    steps = parse("lexical[:20] >> keep-order").to_dict(), {"reranker": "made-up"}
    runs = tuple(replace(each, pipeline=steps[i % 2]) for i, each in enumerate(made.runs))
    made = replace(made, runs=runs)
    assert [name for name, _ in glossary(made)] == ["keep-order", "lexical"]
    assert "best 20 of lexical, then keep-order" in html_report(made)


def test_points_stand_at_their_cost_and_their_numbers_apart():
    """Equal runs have equal points; each number has a place of its own."""
    made = comparison()
    same = replace(made, costs=tuple(replace(each, seconds=0.5) for each in made.costs))
    assert against(Findings(same), SECONDS) is not None
    findings = Findings(same)
    chart = _Chart(findings, SECONDS, {row.run: 0.5 for row in findings.rows}, findings.frontier())
    assert len({chart.x(name) for name in chart.costs}) == 1
    level = replace(same, rows=tuple(replace(row, mean=0.5, low=0.4, high=0.6) for row in same.rows))
    chart = replace(chart, findings=Findings(level))
    places = [*_beside(chart).values()]
    for i, (x, y) in enumerate(places):
        assert all(abs(x - other) > 10 or abs(y - height) > 10 for other, height in [(0.0, 0.0), *places[:i]])


def test_bars_of_questions_have_one_scale():
    findings = Findings(comparison())
    ticks = [
        re.findall(r">([−\d.]+)</text>", differences(findings, name).drawing.markup.partition("change in")[0])
        for name in ("fine", "poor")
    ]
    assert ticks[0] and ticks[0] == ticks[1]
    assert findings.spread[0] <= min(findings.gained("poor")) and findings.spread[1] >= max(findings.gained("fine"))
