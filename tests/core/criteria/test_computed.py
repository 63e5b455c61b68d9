"""Criteria that need no model, and what a criterion may be."""

import math
import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from shortlist.criteria import PAPER_CRITERIA, Authority, Computed, Criterion, Length, Recency
from shortlist.criteria.computed import computed_table
from shortlist.criteria.dates import day_of
from shortlist.criteria.judged import key_of
from shortlist.criteria.kinds import checked
from shortlist.errors import InputError
from shortlist.passage import Passage

DAY = 19782.0  # 2024-02-29


def of(key, value):
    return Passage("text", metadata={key: value})


@pytest.mark.parametrize(
    "value",
    ["2024-02-29", " 2024-02-29 ", "2024-02-29T00:00:00Z", "2024-02-29 02:00:00+02:00", "2024-02-29T00:00",
     date(2024, 2, 29), datetime(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC),  # noqa: DTZ001
     datetime(2024, 2, 29, 2, tzinfo=timezone(timedelta(hours=2))), 1709164800, 1709164800.0, "1709164800", 1709164800000],
)  # fmt: skip
def test_dates(value):
    assert day_of(value) == DAY


@pytest.mark.parametrize(("value", "day"), [("2024", "2024-01-01"), (2024, "2024-01-01"), ("2024-02", "2024-02-01")])
def test_years_and_months(value, day):
    assert day_of(value) == day_of(day)


@pytest.mark.parametrize(
    "value", [None, "", "soon", True, [], math.nan, math.inf, "9" * 400, "2024-13-01", {"a": 1}, 10**400]
)
def test_what_is_no_date(value):
    assert day_of(value) is None


def test_recency_halves():
    recency = Recency(key="published", half_life_days=30, today="2024-02-29")
    passages = [of("published", text) for text in ("2024-02-29", "2024-01-30", "2023-12-31", "2030-01-01", "never")]
    assert recency.values([*passages, Passage("undated")]) == [5.0, 2.5, 1.25, 5.0, None, None]


def test_recency_counts_from_now_where_no_day_is_given():
    (value,) = Recency(half_life_days=1).values([of("date", datetime.now(UTC) - timedelta(days=1))])
    assert value == pytest.approx(2.5, abs=0.01)


def test_authority():
    authority = Authority(table={"Nature.com": 5, "blog": 1.5, "example.org": 2})
    sources = [
        "https://www.nature.com/articles/1",
        "NATURE.COM",
        "Blog",
        "unnature.com",
        "https://[broken",
        "a.b.example.org",
        7,
    ]
    assert authority.values([of("source", each) for each in sources]) == [5, 5, 1.5, None, None, 2, None]
    assert authority.values([Passage("no source")]) == [None]
    assert Authority(table={}, default=1.0).values([of("source", "x"), Passage("y")]) == [1.0, 1.0]


def test_length():
    assert Length(least=2, most=4).values([Passage("a"), Passage("a b c"), Passage("a " * 8), Passage("")]) == [
        2.5,
        5,
        2.5,
        0,
    ]


def test_computed_is_clipped_and_may_know_nothing():
    values = iter([7, -1, None, math.nan, True, np.float32(2.5)])
    assert Computed("x", lambda passage: next(values)).values([Passage("t")] * 6) == [5.0, 0.0, None, None, 1.0, 2.5]


@pytest.mark.parametrize("function", [lambda p: 1 / 0, lambda p: "much", lambda p: p.nothing])
def test_a_function_that_fails_is_an_input_error_that_says_where(function):
    with pytest.raises(InputError, match="Freshness failed on passage 0"):
        Computed("Freshness", function).values([Passage("t")])


def test_table_has_a_column_for_each_criterion():
    table = computed_table([Length(least=1, most=1), Recency()], [Passage("a"), Passage("b c")])
    assert table.shape == (2, 2)
    np.testing.assert_array_equal(table, [[5.0, np.nan], [2.5, np.nan]])
    assert computed_table([], [Passage("a")]).shape == (1, 0)


@pytest.mark.parametrize(
    "make",
    [lambda: Criterion(""), lambda: Criterion("!!"), lambda: Criterion("x", weight=math.nan), lambda: Criterion("x", weight="1"),
     lambda: Recency(half_life_days=0), lambda: Recency(today="soon"), lambda: Length(least=5, most=4), lambda: Length(least=0),
     lambda: Authority(table={"a": 6}), lambda: Authority(table={"a": "b"}), lambda: Authority(table=3), lambda: Authority(default=-1),
     lambda: Computed("x", 3), lambda: Recency(name=" ")],
)  # fmt: skip
def test_what_no_criterion_can_be(make):
    with pytest.raises(InputError):
        make()


def test_names_must_differ_in_an_answer():
    assert checked([Criterion("Depth"), Recency()])
    for pair in ([Criterion("Depth"), Criterion("depth!")], [Criterion("Relevance")], [Criterion("recency"), Recency()], ["x"], [Criterion("Document")]):  # fmt: skip
        with pytest.raises(InputError):
            checked(pair)


def test_the_papers_criteria():
    """Five properties, each with weight 0.5, so that a final score is from 0 to 22.5."""
    assert [key_of(each.name) for each in PAPER_CRITERIA] == [
        "depth_of_content", "diversity_of_perspectives", "clarity_and_specificity", "authoritativeness", "recency",
    ]  # fmt: skip
    assert 10 + sum(5 * each.weight for each in PAPER_CRITERIA) == 22.5
    assert all(each.definition and each.high and each.low for each in PAPER_CRITERIA)


@pytest.mark.parametrize(
    "value", [Criterion("Depth"), Recency(), Authority(table={"a": 1}), Length(), Computed("n", len)]
)
def test_criteria_are_values(value):
    assert pickle.loads(pickle.dumps(value)) == value and hash(value) == hash(pickle.loads(pickle.dumps(value)))
