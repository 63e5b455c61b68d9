"""What strategies make of judgements: scores, ties, shares, noise."""

import numpy as np
import pytest

from shortlist import Passage
from shortlist.models.base import ChatReply, PairScorer
from shortlist.models.fakes import OverlapScorer
from shortlist.models.function import FunctionChat
from shortlist.plan import Missing
from shortlist.prompts.spec import prompts
from shortlist.rerankers.adaptive import Adaptive
from shortlist.rerankers.blocks import Blocks
from shortlist.rerankers.grouped import Grouped
from shortlist.rerankers.llm import Llm
from shortlist.rerankers.pairwise import Pairwise
from shortlist.rerankers.pointwise import Pointwise
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.rerankers.top_down import TopDown
from shortlist.scorers.base import Judgement
from shortlist.scorers.pair_head import PairHead
from shortlist.scorers.prompted import Prompted
from shortlist.testing import check_ranking

from .judges import Judge, oracle, passages, shuffled, told, worth, worths


class Rows(Judge):
    """Scores by hand: one row for each window, None where a passage has none."""

    def judge(self, query, windows):
        self.seen.append([[worth(p) for p in window] for window in windows])
        return [self._row(i, window) for i, window in enumerate(windows)]
        yield

    def _row(self, number, window):
        raise NotImplementedError


def test_pointwise_scores_are_the_scorers_and_the_unscored_come_last():
    class Some(Rows):
        def _row(self, number, window):
            value = worth(window[0])
            return Missing(self.error) if value == 9 else Judgement((0,), 1, (None if value == 8 else value,))

    ranking = Pointwise(Some(1)).rank("q", passages([9, 1, 8, 3, 1]))
    assert worths(ranking) == [3, 1, 1, 9, 8] and ranking.scores == [3.0, 1.0, 1.0, 1.0, 1.0]
    assert [item.reasons for item in ranking.kept] == [{}] * 3 + [{"not judged": "its judgement is missing"}] * 2
    assert ranking.degraded == "missing judgements: 1 of 5"


def test_pointwise_on_a_cross_encoder_is_the_cross_encoder():
    ranking = Pointwise(PairHead(OverlapScorer())).rank("tides of the moon", ["bread", "moon tides", "the moon"])
    assert ranking.texts == ["moon tides", "the moon", "bread"] and ranking.score_kind == "logit"
    assert isinstance(ranking[0].score, float) and ranking.usage.calls == 3 and issubclass(OverlapScorer, PairScorer)


def test_blocks_average_scores_where_there_are_any():
    class Half(Rows):
        def _row(self, number, window):
            # Odd windows are a point too generous; nobody scores what is worth 7.
            told = tuple(None if worth(p) == 7 else worth(p) + number % 2 for p in window)
            return Judgement(tuple(range(len(window))), 0, told)

    judge = Half(4)
    ranking = Blocks(judge, repeats=2).rank("q", passages(range(8)))
    means = {w: np.mean([w + i % 2 for i, shown in enumerate(judge.seen[0]) if w in shown]) for w in range(7)}
    assert ranking.score_kind == "utility"
    assert {worth(i.passage): i.score for i in ranking.kept if worth(i.passage) != 7} == means
    assert worths(ranking)[-1] == 7 and ranking.kept[-1].reasons == {"not judged": "its judgement is missing"}


@pytest.mark.parametrize("aggregate", ["mean", "borda", "win-rate", "bradley-terry", "thurstone", "pagerank"])
def test_blocks_put_orders_together(aggregate):
    candidates = shuffled(60)
    ranking = Blocks(Judge(), repeats=6, aggregate=aggregate).rank("q", candidates)
    places = {w: place for place, w in enumerate(worths(ranking))}
    error = np.mean([abs(places[w] - (59 - w)) for w in range(60)])
    assert error < 4 and worths(ranking)[0] == 59  # of a random order it is 20


def test_pairwise_shares_a_win_by_probability():
    """duoT5's sum: a sure win over one and a near tie with the other beat two near wins."""
    chances = {(3, 2): 0.9, (3, 1): 0.5, (2, 1): 0.6}

    class Duo(Rows):
        score_kind = "probability"

        def _row(self, number, window):
            a, b = (int(worth(p)) for p in window)
            chance = chances[a, b] if (a, b) in chances else 1 - chances[b, a]
            return Judgement((0, 1) if chance >= 0.5 else (1, 0), 2, (chance, 1 - chance))

    ranking = Pairwise(Duo(2)).rank("q", passages([1, 2, 3]))
    sums = {3: 0.9 + 0.5, 2: 0.1 + 0.6, 1: 0.5 + 0.4}
    assert worths(ranking) == sorted(sums, key=lambda w: -sums[w]) == [3, 1, 2]


def test_pairwise_wins_that_contradict_each_other_are_a_tie():
    class First(Rows):
        def _row(self, number, window):
            return Judgement((0, 1), 2)  # whichever stands first

    ranking = Pairwise(First(2)).rank("q", passages([1, 2, 3, 4]))
    assert worths(ranking) == [1, 2, 3, 4]


def test_pairwise_by_sample_meets_each_as_often_and_in_both_orders():
    judge = Judge(2)
    Pairwise(judge, sample=3).rank("q", shuffled(20))
    shown = [tuple(window) for window in judge.seen[0]]
    assert {(b, a) for a, b in shown} == {*shown} and len({*shown}) == len(shown)
    assert {sum(w in pair for pair in shown) for w in range(20)} <= {6, 8}


def test_what_is_not_named_is_tied_and_stands_as_it_came_in():
    """A model that names three of twenty says nothing of the other seventeen."""
    candidates = shuffled(20)
    ranking = Grouped(Judge(names=3), finals=2).rank("q", candidates)
    best = [19, 18, 17]
    assert worths(ranking) == [*best, *(worth(p) for p in candidates if worth(p) not in best)]


def test_a_pivot_that_is_not_named_has_those_below_it_that_are_not_named_either():
    candidates = passages(range(60, 0, -1))
    ranking = told(TopDown(Judge(names=4)), 10).rank("q", candidates)
    assert worths(ranking)[:4] == [60, 59, 58, 57]


def test_grouped_finals_are_shuffled_and_averaged():
    judge = Judge()
    Grouped(judge).rank("q", shuffled(100))
    groups, finals = judge.seen
    assert [len(group) for group in groups] == [20] * 5 and len(finals) == 3
    assert len({tuple(final) for final in finals}) == 3 and len({frozenset(final) for final in finals}) == 1
    other = Judge()
    Grouped(other, seed=1).rank("q", shuffled(100))
    assert other.seen[1][1:] != finals[1:]


def ndcg(candidates, ranking, k=10):
    """With gains of what a passage is worth above 1, as in the benchmark."""
    gains = sorted((max(0.0, worth(p) - 1) for p in candidates), reverse=True)
    discounts = [1 / np.log2(place + 2) for place in range(k)]
    best = sum(g * d for g, d in zip(gains, discounts, strict=False))
    return sum(max(0.0, worth(i.passage) - 1) * d for i, d in zip(ranking.kept, discounts, strict=False)) / best


def simulated(seed):
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(100) + 1.5 * (np.arange(100) < 12)
    order = np.argsort(-(true + 1.5 * rng.standard_normal(100)))
    return [Passage(f"{seed}-{i} {w:.5f}") for i, w in enumerate(true[order])]


def mean_ndcg(make, queries=25, **noise):
    found = []
    for seed in range(queries):
        candidates = simulated(seed)
        found.append(ndcg(candidates, told(make(oracle(candidates, **noise)), 10).rank("q", candidates)))
    return float(np.mean(found))


@pytest.mark.slow
def test_the_default_is_no_worse_than_the_sliding_window():
    """A small version of `benchmarks/strategies.py`; there the difference is 0.050, with a standard error of 0.006."""
    assert mean_ndcg(Grouped, noise=0.5) > mean_ndcg(SlidingWindow, noise=0.5) + 0.01


def test_adaptive_spends_its_calls_where_it_is_unsure():
    candidates = simulated(3)
    ranking = told(Adaptive(oracle(candidates, noise=0.3)), 10).rank("q", candidates)
    assert ranking.usage.calls <= 20 and ndcg(candidates, ranking) > 0.9
    again = ranking.rounds[2:]
    assert all(each.asks <= 3 for each in again)
    easy = passages([*range(1000, 990, -1), *range(10)])
    assert {*told(Adaptive(Judge(), tolerance=0.3), 10).rank("q", easy).texts} == {p.text for p in easy[:10]}


def test_a_model_that_answers_in_its_own_words_still_counts():
    model = FunctionChat(lambda request: ChatReply("I think [2] > [1] is right, though [3] is close"))
    ranking = Grouped(Prompted(model, "rankzephyr"), finals=1).rank("q", ["a", "b", "c"])
    assert ranking.texts == ["b", "a", "c"] and ranking.repairs


@pytest.mark.parametrize("name", ["prp", "instupr-pairwise"])  # the oracle cannot read duoT5's one line
@pytest.mark.parametrize("aggregate", ["wins", "bradley-terry", "thurstone"])
def test_pairwise_prompts_by_the_probabilities_of_their_labels(name, aggregate):
    candidates = shuffled(8)
    ranking = Pairwise(oracle(candidates, name), aggregate=aggregate).rank("q", candidates)
    assert worths(ranking) == list(range(8))[::-1] and ranking.usage.calls == 56 and ranking.degraded is None


@pytest.mark.parametrize("name", sorted(n for n, s in prompts().items() if s.contract not in ("likelihood", "pair")))
def test_every_system_runs_with_its_own_strategy(name):
    candidates = shuffled(30)
    scorer = oracle(candidates, name)
    check_ranking(Llm(scorer.model, name).rank("q", candidates, top_k=5), candidates)
