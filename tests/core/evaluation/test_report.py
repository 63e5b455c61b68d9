"""The HTML report: what it answers, that its text stays text, and that it is the same every time."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from shortlist import MissingExtra, errors
from shortlist.algorithms.frontier import frontier
from shortlist.evaluation.comparing import compare
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.outcome import Outcome, Run

from .report_cases import QUICK, comparison, questions, run

for package in ("matplotlib", "jinja2", "scipy"):
    pytest.importorskip(package)

from shortlist.evaluation.report import html_report, write_report  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.answer import answer  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.findings import Findings  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.scores import scored  # noqa: E402 - skips where they cannot be imported
from shortlist.evaluation.report.turns import turns  # noqa: E402 - skips where they cannot be imported

pytestmark = pytest.mark.slow  # processes, servers or simulations: seconds in all

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)> </title></style>--> \"'& {{ 7 * 7 }} {% raw %} $\\frac$ \x00\x1b"
VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Tags, ids, attributes and text of a page; a tag that closes another's is a fault."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def report():
    return html_report(comparison())


def told(findings):
    """The answer as plain text."""
    lines = [f"{point.question} {point.answer} {' '.join(map(str, point.more))}" for point in answer(findings)]
    return [re.sub("<[^>]+>", "", line) for line in lines]


def test_the_page_is_whole_and_asks_for_nothing(report):
    page = Page(report)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len({*ids}) == len(ids) and not {"script", "iframe", "object", "base", "form", "img"} & {*page.tags}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in page.attributes
    assert {*re.findall(r"https?://[^\"<\s]+", report)} == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert [value for name, value in page.attributes if name in ("src", "href")] == ["data:,"]
    assert "@import" not in report and "font-face" not in report and ("lang", "en") in page.attributes
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_each_picture_has_a_caption_and_words_for_those_who_do_not_see_it(report):
    page = Page(report)
    pictures = page.tags.count("svg")
    assert pictures >= 8
    for tag in ("figure", "figcaption", "desc"):
        assert page.tags.count(tag) == pictures
    assert page.tags.count("title") == pictures + 1
    assert not re.findall(r"<(?:desc|title)[^>]*>\s*<", report)


def test_every_section_is_there(report):
    text = " ".join(Page(report).text)
    for words in (
        "Which one, when quality matters?",
        "Which one, when time matters?",
        "efficient frontier",
        "Which differences are sure?",
        "How far is the best possible order?",
        "The largest win",
        "Can the probabilities of fine be believed?",
        "Scores of relevant and of other passages",
        "How to read this",
        "words? ",
    ):
        assert words in text, words


def test_equal_comparisons_give_equal_pages(report, tmp_path):
    write_report(tmp_path / "report.html", comparison())
    assert (tmp_path / "report.html").read_bytes().decode() == report


def test_the_clock_is_read_off_the_costs_alone(report):
    """Other seconds change what is said of seconds, and nothing else."""
    made = comparison()
    slower = replace(made, runs=tuple(replace(each, seconds=3 * each.seconds) for each in made.runs))
    assert html_report(slower) == report


def test_text_stays_text():
    made = comparison(EVIL, tuple(f"{EVIL}{i}" for i in range(4)))
    text = html_report(made)
    page = Page(text)
    assert not {"script", "img"} & {*page.tags} and not [name for name, _ in page.attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in text and "&lt;script&gt;" in text
    assert page.tags.count("style") == 1 and page.tags.count("h1") == 1
    assert "\x00" not in text and "\x1b" not in text


def test_what_to_use_for_quality_and_for_time():
    quality, time, worth, sure, ceiling = told(Findings(comparison()))
    assert "Use fine: nDCG@5" in quality and "surely better than every other" in quality
    assert "Use fast: nDCG@5" in time and "75 times as fast" in time
    assert "fast and fine" in worth and "For poor there is another" in worth
    assert "Surely better than first: fine and fast" in sure
    assert "Someone who knew all judgments would reach 1.000" in ceiling


def test_where_nothing_helps_it_says_so():
    collection = questions()
    noise = [run(collection, name, 50.0, "cosine", 1.0) for name in ("aa", "bbb")]
    best = run(collection, "oracle", 0.01, "cosine", 0.5)
    quality, time, *_ = told(Findings(compare([best, *noise], collection, ["nDCG@5"], method=QUICK)))
    assert "None of them: nothing has a higher nDCG@5 than oracle" in quality
    assert "Stay with oracle" in time


def test_what_cannot_be_told_from_the_best_and_is_faster_is_named():
    collection = questions()
    poor, slow = run(collection, "poor", 50.0, "cosine", 0.1), run(collection, "slow", 0.3, "logit", 2.0)
    same = replace(slow, name="same", seconds=slow.seconds / 20)
    quality, time, *_ = told(Findings(compare([poor, slow, same], collection, ["nDCG@5"], method=QUICK)))
    assert "cannot tell it from same" in quality and "Of these same is 20 times as fast, at 0.000 less" in quality
    assert "Use same" in time


def test_runs_out_of_files_have_no_cost():
    collection = questions()
    runs = [
        replace(run(collection, name, noise, "logit", 0.0), pipeline=None) for name, noise in (("a", 0.1), ("bb", 9.0))
    ]
    made = compare(runs, collection, ["nDCG@5"], method=QUICK)
    _, _, worth, *_ = told(Findings(made))
    assert "do not say how long" in worth and "fewer than two of these runs say" in html_report(made)


def test_questions_that_failed_are_told():
    collection = questions()
    good = run(collection, "good", 0.1, "logit", 1.0)
    outcomes = {**good.outcomes, "q0": Outcome((), (), error="ModelTimeout: late")}
    made = compare([Run("bad", outcomes, {"name": "bad"}, 1.0), good], collection, ["nDCG@5"], method=QUICK)
    assert "Of bad, 1 questions failed" in html_report(made)


@pytest.mark.parametrize("runs", [1, 2])
def test_few_runs(runs):
    collection = questions()
    made = compare(
        [run(collection, "x" * (i + 1), 1.0, "logit", 1.0) for i in range(runs)], collection, ["AP"], method=QUICK
    )
    Page(html_report(made))


def test_a_measure_of_all_questions_together():
    made = comparison(measures=("nAUC(nDCG@5)", "nDCG@5"))
    text = html_report(made)
    Page(text)
    assert "nAUC" in text and not Findings(made).behind


def test_without_probabilities_it_says_why_there_is_no_reliability_diagram():
    collection = questions()
    made = compare(
        [run(collection, "x" * (i + 1), 1.0, "logit", 1.0) for i in range(2)], collection, ["AP"], method=QUICK
    )
    assert "There is none here" in html_report(made)


def test_the_frontier_and_the_runs_of_unknown_cost():
    made = comparison()
    assert Findings(made).frontier() == ["fast", "fine"] and Findings(made).frontier("money")[-1] == "fine"
    costs = tuple(Cost(each.run, *[None] * 6) if each.run == "fast" else each for each in made.costs)
    assert Findings(replace(made, costs=costs)).frontier() == ["poor", "fine"]


def test_the_frontier_is_what_nothing_dominates():
    rng = np.random.default_rng(0)
    for _ in range(200):
        quality, cost = rng.integers(0, 4, (2, 7)).astype(float)
        quality[rng.random(7) < 0.1] = np.nan
        points = list(zip(quality, cost, strict=True))
        wanted = [
            not np.isnan(q) and not any(a >= q and b <= c and (a > q or b < c) for a, b in points) for q, c in points
        ]
        assert frontier(quality, cost).tolist() == wanted


def test_scores_are_told_by_relevance():
    collection = questions()
    one = scored(collection, run(collection, "good", 0.01, "logit", 1.0))
    assert one is not None and one.ordered == pytest.approx(1.0) and len(one.values) == 24 * 12
    assert scored(collection, run(collection, "good", 0.01, "rank", 1.0)) is None
    coin = scored(collection, run(collection, "coin", 1e6, "logit", 1.0))
    assert coin is not None and abs(coin.ordered - 0.5) < 0.1


def test_the_questions_that_change_most():
    made = comparison()
    gained = Findings(made).gained("poor")
    win, loss = turns(Findings(made), "poor")
    assert win.query == f"words? {int(np.argmax(gained))}" and loss.query == f"words? {int(np.argmin(gained))}"
    for (side, grades), rank in zip(loss.grades, ("before", "after"), strict=True):
        there = {getattr(each, rank): each.grade for each in loss.passages}
        assert side == rank and list(grades) == [there[str(at)].replace("not judged", "–") for at in range(1, 6)]
    assert {*(each.after for each in win.passages)} >= {"1", "2", "3", "4", "5"}
    assert all(each.text for each in win.passages) and turns(Findings(made), "first") == ()


def test_without_its_packages(monkeypatch):
    made = comparison()
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[evaluate\]"):
        html_report(made)
