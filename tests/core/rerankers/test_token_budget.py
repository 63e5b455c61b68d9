"""What fits into the reader's context."""

import numpy as np
import pytest

from shortlist import InputError, Passage
from shortlist.models.fakes import HashEmbedder
from shortlist.rerankers.token_budget import TokenBudget, estimated_tokens
from shortlist.testing import check_ranking


def words(text):
    return len(text.split())


def passages(*pairs):
    return [Passage(" ".join(["word"] * size), score=score) for size, score in pairs]


def kept(reranker, given):
    ranking = reranker.rank("q", given)
    check_ranking(ranking, given)
    assert sum(item.reasons["tokens"] for item in ranking.kept) <= reranker.budget
    return [item.index for item in ranking.kept]


def test_the_best_set_is_not_the_first_that_fit():
    given = passages((6, 0.9), (5, 0.8), (5, 0.7), (9, 0.0))
    assert kept(TokenBudget(10, counter=words, worth="score"), given) == [1, 2]
    assert kept(TokenBudget(10, "prefix", counter=words), given) == [0]


def test_the_order_of_the_stage_before_stays():
    given = passages((2, 0.1), (2, 0.9), (2, 0.5))
    ranking = TokenBudget(6, counter=words).rank("q", given)
    assert [item.index for item in ranking.kept] == [1, 2, 0] and ranking.scores == [0.9, 0.5, 0.1]


def test_what_went_and_how_large_it_was():
    ranking = TokenBudget(10, counter=words).rank("q", passages((20, 0.9), (8, 0.8), (5, 0.2), (1, 0.1)))
    assert [item.index for item in ranking.kept] == [1, 3], "what is left goes to what fits"
    assert [ranking.why_dropped(item) for item in ranking.dropped] == [
        "its 20 tokens are more than the whole budget, of 10",
        "its 5 tokens did not fit in with the others, of 10",
    ]
    assert [item.reasons["tokens"] for item in ranking.dropped] == [20, 5]


def test_nothing_fits():
    ranking = TokenBudget(1, counter=words).rank("q", passages((2, 1.0), (3, 0.5)))
    assert not ranking.kept and len(ranking.dropped) == 2


def test_a_prefix_ends_at_the_first_that_does_not_fit():
    assert kept(TokenBudget(10, "prefix", counter=words), passages((5, 0.9), (6, 0.8), (1, 0.7))) == [0]


def test_overhead_counts():
    given = passages((5, 0.9), (5, 0.8))
    assert kept(TokenBudget(10, counter=words), given) == [0, 1]
    assert kept(TokenBudget(10, counter=words, overhead=1), given) == [0]


def test_the_estimate():
    assert [estimated_tokens("x" * n) for n in (0, 1, 4, 5, 400)] == [0, 1, 1, 2, 100]
    assert kept(TokenBudget(2), [Passage("abcd" * 2, score=1.0), Passage("abcd", score=0.9)]) == [0]


def test_varied_pays_for_no_repetition():
    texts = ["tides and the moon", "tides and the moon", "bread and the yeast"]
    given = [Passage(t, score=s) for t, s in zip(texts, (0.9, 0.8, 0.5), strict=True)]
    assert kept(TokenBudget(8, counter=words, worth="score"), given) == [0, 1]
    assert kept(TokenBudget(8, "varied", "score", counter=words, embedder=HashEmbedder()), given) == [0, 2]


def test_varied_reads_the_vectors_that_are_there():
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    given = [Passage("one two", score=1.0, embedding=v) for v in vectors]
    assert kept(TokenBudget(4, "varied", counter=words), given) == [0, 2], "equal scores weigh the same"


def test_without_all_scores_the_order_that_came_stands():
    given = [Passage("a b c", score=0.1), Passage("a b c"), Passage("a b c", score=0.9)]
    ranking = TokenBudget(6, counter=words).rank("q", given)
    assert [item.index for item in ranking.kept] == [0, 1]
    assert "1 of 3 passages have no score: the order in which they came stood for it" in ranking.repairs


def test_scores_below_0_are_worth_nothing_but_may_fill_up():
    given = passages((4, 2.0), (4, -1.0), (4, -2.0))
    assert kept(TokenBudget(8, counter=words, worth="score"), given) == [0, 1]


def test_too_many_to_try_every_set_is_said(monkeypatch):
    monkeypatch.setattr("shortlist.algorithms.budget._CELLS", 0)
    monkeypatch.setattr("shortlist.algorithms.budget.best_set.__defaults__", (0,))
    ranking = TokenBudget(10, counter=words).rank("q", passages((6, 0.9), (5, 0.8), (5, 0.7), (3, 0.1)))
    assert "at least half of the best" in ranking.repairs[0]


@pytest.mark.parametrize(
    "made",
    [
        lambda: TokenBudget(0),
        lambda: TokenBudget(2.5),
        lambda: TokenBudget(5, "all"),
        lambda: TokenBudget(5, worth="magic"),
        lambda: TokenBudget(5, overhead=-1),
        lambda: TokenBudget(5, embedder="static"),
    ],
)
def test_settings_that_make_no_sense(made):
    with pytest.raises(InputError):
        made()


def test_a_counter_is_code_and_is_not_written_down():
    with pytest.raises(InputError, match="counter"):
        TokenBudget(5, counter=words).to_dict()


def test_what_would_have_fitted_is_not_said_to_be_too_long():
    """A text that says again what is kept, and one below a text that is too long."""
    again = [Passage("the moon", score=2.0), Passage("the moon", score=1.0)]
    varied = TokenBudget(100, "varied", embedder=HashEmbedder()).rank("tides", again)
    assert [varied.why_dropped(item) for item in varied.dropped] == ["adds nothing to what is kept"]
    long = [Passage("moon", score=3.0), Passage("moon " * 20, score=2.0), Passage("tide", score=1.0)]
    first = TokenBudget(10, "prefix").rank("tides", long)
    assert [first.why_dropped(item) for item in first.dropped] == [
        "its 25 tokens are more than the whole budget, of 10",
        "stands below one that did not fit",
    ]


def test_says_what_overhead_may_be():
    with pytest.raises(InputError, match="overhead must be a whole number from 0, not -1"):
        TokenBudget(5, overhead=-1)
