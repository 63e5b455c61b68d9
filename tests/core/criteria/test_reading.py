"""Numbers out of whatever a model wrote."""

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.criteria.inference import read_criteria
from shortlist.criteria.reading import number, read_scores, tallied
from shortlist.models.base import ChatReply

COLUMNS, TOPS = ("relevance", "depth"), (10.0, 5.0)
NAN = math.nan
GOOD = '{"scores": {"1": {"relevance": 7.5, "depth": 4}, "2": {"relevance": 3, "depth": 0.5}}}'
ROWS = [[7.5, 4.0], [3.0, 0.5]]


def read(text, n=2):
    scores = read_scores(text, COLUMNS, TOPS, n)
    return scores.rows.tolist(), scores.repairs


@pytest.mark.parametrize(
    "text",
    [GOOD, f"```json\n{GOOD}\n```", f"Here you are:\n{GOOD}\nI hope that helps.", f"<think>1 is 9, 2 is 0</think>{GOOD}", GOOD.replace("}}}", "},}}"),
     '{"1": {"relevance": 7.5, "depth": 4}, "2": {"relevance": 3, "depth": 0.5}}',
     '{"scores": [{"document": 2, "relevance": 3, "depth": 0.5}, {"document": 1, "Relevance": "7.5", "Depth": "4/5"}]}',
     '[{"doc": "1", "relevance": 7.5, "depth": 4}, {"doc": "Document 2", "relevance": 3, "depth": 0.5}]',
     '{"results": {"Document 1": {"relevance": 7.5, "depth": 4}, "[2]": {"relevance": 3, "depth": 0.5}}}',
     "Doc: 1, Relevance: 7.5, Depth: 4\nDoc: 2, Relevance: 3, Depth: 0.5",
     "Doc: 2, Relevance: 3, depth: 0.5\n\n* **Doc 1**: Relevance = 7.5, **Depth**: 4 (out of 5)",
     "Document 1:\n- Relevance (0-10): 7.5\n- Depth: 4/5\nDocument 2:\n- Relevance: 3/10\n- Depth: 0,5\n",
     "Sure! Here are the scores.\nDoc: 1, Relevance: 7.5, Depth: 4, Style: 3\nDoc: 2, Relevance: 3, Depth: 0.5\nNote: well, 17 of them."],
)  # fmt: skip
def test_the_same_numbers_in_many_forms(text):
    assert read(text) == (ROWS, ())


def test_decimals_are_kept():
    assert read("Doc: 1, Relevance: 8.25, Depth: 4.5", 1)[0] == [[8.25, 4.5]]


@pytest.mark.parametrize(
    ("text", "rows", "repairs"),
    [
        ("Doc: 0, Relevance: 9\nDoc: -1, Relevance: 9\nDoc: 3, Relevance: 9\nDoc: 1, Relevance: 7.5, Depth: 4",
         [[7.5, 4.0], [NAN, NAN]], ("3 documents that are not there",)),
        ("Doc: 1, Relevance: 7.5, Depth: 4\nDoc: 1, Relevance: 1, Depth: 1", [[7.5, 4.0], [NAN, NAN]], ("1 documents repeated",)),
        ("Doc: 1, Relevance: high, Depth: 4\nDoc: 2, Relevance: 3, Depth: 0.5", [[NAN, NAN], [3.0, 0.5]], ("1 numbers missing",)),
        ("Doc: two, Relevance: 9\nDoc: 2.5, Relevance: 9\nDoc: 2, Relevance: 3, Depth: 0.5", [[NAN, NAN], [3.0, 0.5]],
         ("2 documents that are not there",)),
        ("Doc: 1, Relevance: 7.5\nDoc: 2, Relevance: 3, Depth: 0.5", [[7.5, NAN], [3.0, 0.5]], ("1 numbers missing",)),
        ("Doc: 1, Relevance: 75, Depth: -4\nDoc: 2, Relevance: 3, Depth: 0.5", [[10.0, 0.0], [3.0, 0.5]], ("2 numbers out of range",)),
        ('{"scores": {"1": {"relevance": 7.5, "depth": 4}, "2": {"relevance": NaN, "depth": 3}}}', [[7.5, 4.0], [NAN, NAN]], ("1 numbers missing",)),
        ('{"scores": {"1": {"relevance": true, "depth": 4}, "9": 3, "-1": {"relevance": 9}}}', [[NAN, NAN]] * 2, ("1 numbers missing", "2 documents that are not there")),
        ('{"1": 7.5, "2": 3}', [[7.5, NAN], [3.0, NAN]], ("2 numbers missing",)),
        ('{"scores": {"1": {"relevance": 7.5, "depth": 4}, "2": {"relev', [[7.5, 4.0], [NAN, NAN]], None),
        ("<think>Doc: 1, Relevance: 9", [[NAN, NAN]] * 2, ("thinking was not finished",)),
        ("", [[NAN, NAN]] * 2, ()),
        ("In 2024 there were 17 documents: 3 of them good, Relevance: 7.", [[NAN, NAN]] * 2, ()),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_missing_and_shifts_nothing(text, rows, repairs):
    found, told = read(text)
    np.testing.assert_array_equal(found, rows)
    assert repairs is None or set(told) == set(repairs)


PIECES = ["Doc: ", "Document 2", "1", "-3", "2", "99", ", Relevance: ", "7.5", "12.", "depth", ":", "=", "\n", "{", "}", "[", "]", '"', "scores", ",",
          "</think>", "<think>", "null", "NaN", "9" * 30, "é", "\x00", "\ud800", " ", "1e9", "**", "|", "<answer>", "</answer>"]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_mutated_replies(seed):
    """4,000 of them: never an exception, always a row for each document, every number in its range."""
    rng = random.Random(seed)
    for _ in range(1000):
        text = list(rng.choice([GOOD, "Doc: 1, Relevance: 7.5, Depth: 4\nDoc: 2, Relevance: 3, Depth: 0.5", ""]))
        for _ in range(rng.randrange(1, 12)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randrange(3)] = rng.choice(PIECES)
        check("".join(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_any_reply(text):
    check(text)
    criteria, repairs = read_criteria(ChatReply(text), frozenset({"depth"}))
    assert len(criteria) <= 7 and all(isinstance(repair, str) for repair in repairs)


def check(text):
    rows = read_scores(text, COLUMNS, TOPS, 2).rows
    assert rows.shape == (2, 2)
    known = np.where(np.isnan(rows), 0.0, rows)
    assert (known >= 0).all() and (known <= TOPS).all()
    assert not (np.isnan(rows[:, 0]) & ~np.isnan(rows[:, 1])).any()


@pytest.mark.parametrize(
    "text",
    ["{" * 100_000, "[" * 100_000, "Doc: 1, " * 100_000, "Relevance: 1" * 30_000, "a" * 1_000_000, '{"1":' * 30_000],
)
@pytest.mark.slow
def test_large_nonsense(text):
    check(text)


@pytest.mark.parametrize(("value", "found"), [(3, (3.0, False)), ("3.5/5", (3.5, False)), (-1, (0.0, True)), (10**400, (5.0, True)),
                                              (math.inf, (5.0, True)), ("4 out of 5", (4.0, False)), (4.0, (4.0, False))])  # fmt: skip
def test_numbers(value, found):
    assert number(value, 5.0) == found


@pytest.mark.parametrize("value", [None, True, "high", math.nan, [], {}])
def test_no_numbers(value):
    assert math.isnan(number(value, 5.0)[0])


def test_repairs_of_many_answers_are_added_up():
    repairs = ["2 repeated", "cut", "1 repeated", "cut", "prose", f"{'9' * 5000} odd"]
    assert tallied(repairs)[:3] == ("3 repeated", "cut (in 2 answers)", "prose")


# Criteria that a model inferred


def inferred(value, taken=()):
    return read_criteria(ChatReply(value if isinstance(value, str) else json.dumps(value)), frozenset(taken))


def test_criteria():
    said = {"criteria": [{"name": "Clinical authority", "definition": "d", "high": "h", "low": "l", "weight": 0.7}]}
    (criterion,), repairs = inferred(said)
    assert (criterion.name, criterion.definition, criterion.high, criterion.low, criterion.weight) == (
        "Clinical authority",
        "d",
        "h",
        "l",
        0.7,
    )
    assert repairs == ()
    assert inferred(said["criteria"]) == inferred(said) == inferred(f"```json\n{json.dumps(said)}\n```")


def test_criteria_are_validated_clipped_and_at_most_seven():
    items = [{"name": f"c{i}", "weight": 0.5} for i in range(9)]
    odd = [
        {"name": "relevant", "weight": 7},
        {"name": "heavy", "weight": "much"},
        {"name": ""},
        {"weight": 1},
        "text",
        None,
        {"name": ["x"]},
    ]
    criteria, repairs = inferred([*odd, *items])
    assert [each.name for each in criteria] == ["relevant", "heavy", "c0", "c1", "c2", "c3", "c4"]
    assert [each.weight for each in criteria[:2]] == [1.0, 0.5]
    assert set(repairs) == {
        "9 criteria left out: unusable, repeated, or too many",
        "2 criteria without a usable weight",
    }


def test_a_criterion_that_is_relevance_or_taken_or_repeated_is_left_out():
    criteria, _ = inferred(
        [{"name": "Recency"}, {"name": "depth"}, {"name": "Depth"}, {"name": "Relevance"}], {"recency", "relevance"}
    )
    assert [each.name for each in criteria] == ["depth"]


@pytest.mark.parametrize("text", ["", "I cannot.", "[]", "{}", "null", '{"criteria": 3}', "<think>[]"])
def test_no_criteria(text):
    assert inferred(text)[0] == ()


def test_lines_that_are_quoted_say_nothing():
    """Rendering marks what a passage writes like an answer; a model that quotes it does not answer with it."""
    text = "The second says:\n> Doc: 2, Relevance: 10\nDoc: 1, Relevance: 8\n> Document 2: 10\nDoc: 2, Relevance: 1"
    assert read_scores(text, ("relevance",), (10.0,), 2).rows.tolist() == [[8.0], [1.0]]


def test_of_a_document_named_twice_the_first_number_counts():
    text = "Document 1: withdrawn, it says.\nDoc: 1, Relevance: 8\nDoc: 1, Relevance: 2"
    scores = read_scores(text, ("relevance",), (10.0,), 1)
    assert scores.rows.tolist() == [[8.0]]
    assert "1 documents repeated" in scores.repairs


def test_json_in_a_quoted_passage_does_not_outdo_lines():
    text = 'It says {"[2]": 10, "[1]": 0}.\nDoc: 1, Relevance: 8\nDoc: 2, Relevance: 1'
    assert read_scores(text, ("relevance",), (10.0,), 2).rows.tolist() == [[8.0], [1.0]]
