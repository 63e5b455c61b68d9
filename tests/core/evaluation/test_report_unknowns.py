"""The report where figures are not known, and where it cannot be written."""

import re

import pytest

pytest.importorskip("ir_measures")
pytest.importorskip("scipy")
pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from shortlist import InputError, Usage
from shortlist.evaluation.comparing import compare
from shortlist.evaluation.comparison import Method
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.report import html_report, write_report
from shortlist.evaluation.report.words import figure, meaning, signed
from shortlist.evaluation.running import first_stage

from .tiny import collection


def compared(measure):
    tiny = collection()
    outcomes = {
        each.id: Outcome(each.candidates, (6.0, 5.0, 4.0, 3.0, 2.0, 1.0), usage=Usage(flops=1e15)) for each in tiny
    }
    return compare([first_stage(tiny), Run("dear", outcomes, {}, 1.0)], tiny, [measure], method=Method(resamples=50))


@pytest.mark.parametrize("measure", ["QPP", "RPP(nDCG@3)", "nAUC(nDCG@3)"])
def test_what_is_not_known_is_not_told(measure):
    words = re.sub(r"<style>.*?</style>|<[^>]+>", "", html_report(compared(measure)), flags=re.DOTALL)
    assert not re.search(r"\bnan\b|None (lost|equal)", words)
    assert "only one run" not in words and words.count("baseline") >= 1


def test_a_run_is_not_behind_one_without_a_figure():
    page = re.sub(r"<[^>]+>", "", html_report(compared("QPP")))
    assert "Nothing can be compared with first stage." in page
    assert "For first stage there is another one" not in page


def test_measures_are_told_as_they_are():
    assert "mean over relevant passages" in meaning("MTRR")
    assert "share" in meaning("TMHits@5")


def test_large_figures_have_three_digits():
    assert (figure(0.51234), figure(10232481990.8), signed(-23456.0)) == ("0.512", "1.02e+10", "−2.35e+04")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_report(tmp_path / "no" / "where.html", compared("RR"))
