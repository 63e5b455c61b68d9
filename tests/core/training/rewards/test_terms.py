"""The terms of the reward against slow second implementations, the package rouge-score, and the published defects."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.training.rewards import (
    exact_match,
    inverse_length,
    linear_length,
    normalised,
    rouge_l,
    rouge_n,
    token_f1,
)
from shortlist.training.rewards.rouge import common_subsequence

WORDS = st.lists(st.sampled_from("the moon a tide sea An it's 47 ebb".split()), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The  Moon's tide!", "moons tide"), ("an a the", ""), ("A\tcat, theatre", "cat theatre"), ("", "")],
)
def test_normalised_as_squad_does(text, expected):
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("answer", "golds", "expected"),
    [
        ("It was the Eiffel Tower, in Paris.", ["Eiffel tower"], 1.0),
        ("", ["Paris"], 0.0),  # published: an empty answer stands in every gold answer
        ("P", ["Paris"], 0.0),  # published: a fragment of it wins
        ("a party", ["art"], 0.0),  # whole words
        ("Rome", ["Paris", "Rome"], 1.0),
        ("the", ["the"], 0.0),
        ("Paris", [], 0.0),
    ],
)
def test_exact_match(answer, golds, expected):
    assert exact_match(answer, golds) == expected


def slow_f1(answer, gold):
    left, common = normalised(gold).split(), 0
    for word in normalised(answer).split():
        if word in left:
            left.remove(word)
            common += 1
    if not common:
        return 0.0
    precision, recall = common / len(normalised(answer).split()), common / len(normalised(gold).split())
    return 2 * precision * recall / (precision + recall)


@given(WORDS, st.lists(WORDS, max_size=3))
def test_token_f1(answer, golds):
    assert token_f1(answer, golds) == pytest.approx(max([slow_f1(answer, gold) for gold in golds], default=0.0))


def slow_subsequence(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(st.lists(st.sampled_from("abc"), max_size=80), st.lists(st.sampled_from("abcd"), max_size=80))
def test_the_longest_common_subsequence(one, other):
    assert common_subsequence(one, other) == slow_subsequence(one, other)


def test_rouge_is_that_of_the_package():
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    rng = random.Random(0)
    for _ in range(300):
        answer, gold = (
            " ".join(rng.choices("the Moon's tide, sea-level rises 47 m a day".split(), k=rng.randrange(20)))
            for _ in range(2)
        )
        theirs = scorer.score(gold, answer)
        assert rouge_n(answer, [gold], 1) == pytest.approx(theirs["rouge1"].fmeasure)
        assert rouge_n(answer, [gold], 2) == pytest.approx(theirs["rouge2"].fmeasure)
        assert rouge_l(answer, [gold]) == pytest.approx(theirs["rougeL"].fmeasure)


def test_rouge_by_hand():
    # Lin 2004, section 3.1: "police killed the gunman" against "police kill the gunman": LCS of 3 of 4 words.
    assert rouge_l("police kill the gunman", ["police killed the gunman"]) == 0.75
    assert rouge_n("police kill the gunman", ["police killed the gunman"], 2) == pytest.approx(1 / 3)
    assert rouge_l("луна и море", ["луна море"]) == pytest.approx(0.8)  # other scripts have words too
    assert rouge_l("", [""]) == rouge_n("a", ["a"], 2) == rouge_l("a", []) == 0.0
    assert rouge_l("b", ["a", "b"]) == 1.0


@given(WORDS, WORDS)
def test_every_term_is_from_0_to_1_and_1_for_the_same_words(answer, gold):
    for term in (exact_match, token_f1, rouge_l, rouge_n):
        assert 0.0 <= term(answer, [gold]) <= 1.0
        if normalised(answer):
            assert term(answer, [answer]) == 1.0


def test_the_length_of_this_list_counts():
    assert [inverse_length(k) for k in (0, 1, 3)] == [1.0, 0.5, 0.25]  # published: 1/9 whatever the list
    assert [linear_length(k, 20) for k in (0, 5, 20, 40)] == [1.0, 0.75, 0.0, 0.0]
    assert linear_length(14, 20) - linear_length(15, 20) == pytest.approx(0.05)
    assert inverse_length(14) - inverse_length(15) < 0.005
