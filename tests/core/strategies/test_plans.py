"""What each strategy asks for: rounds, calls, passages read, at 100 candidates and windows of 20; and what it gets."""

import numpy as np
import pytest

from shortlist import InputError, LimitReached, Limits, ModelError, Passage, Runtime
from shortlist.reranker.registry import registered
from shortlist.rerankers.adaptive import Adaptive
from shortlist.rerankers.blocks import Blocks
from shortlist.rerankers.elimination import Elimination
from shortlist.rerankers.grouped import Grouped
from shortlist.rerankers.pairwise import Pairwise
from shortlist.rerankers.pointwise import Pointwise
from shortlist.rerankers.setwise import Setwise
from shortlist.rerankers.single_window import SingleWindow
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.rerankers.top_down import TopDown
from shortlist.rerankers.tournament import Tournament
from shortlist.testing import check_ranking

from .judges import Judge, oracle, passages, shuffled, told, unreadable, worth, worths

WINDOWED = (SingleWindow, SlidingWindow, TopDown, Grouped, Tournament, Blocks, Setwise, Adaptive, Elimination)
ORDERED = (SingleWindow, SlidingWindow, TopDown, Grouped, Tournament, Blocks, Adaptive)
EVERY = {cls: Judge(1, scores=True) if cls is Pointwise else Judge() for cls in (*WINDOWED, Pairwise, Pointwise)}
every_strategy = pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.name)

# Strategy, settings, window of the prompt; calls, rounds, passages read; all for sorted candidates.
PLANS = [
    (SingleWindow, {}, 20, (1, 1, 20)),
    (SlidingWindow, {}, 20, (9, 9, 180)),
    (SlidingWindow, {"passes": 3}, 20, (9, 9, 180)),  # the first pass changes nothing, so there is no second
    (TopDown, {}, 20, (6, 2, 105)),  # the first window, and five others beside its pivot
    (Grouped, {}, 20, (8, 2, 160)),
    (Grouped, {"finals": 1}, 20, (6, 2, 120)),
    (Grouped, {"deals": 2, "finals": 5}, 20, (15, 2, 300)),
    (Grouped, {"keep": 2}, 20, (8, 2, 130)),
    (Grouped, {"deal": "snake"}, 20, (8, 2, 160)),
    (Tournament, {}, 20, (15, 11, 200)),  # 5 groups and a final of 10; then nine finals with one new passage each
    (Tournament, {"window": 5}, 20, (67, 38, 316)),
    (Blocks, {}, 20, (15, 1, 300)),
    (Blocks, {"repeats": 1}, 20, (5, 1, 100)),
    (Pairwise, {}, 20, (870, 1, 1740)),
    (Pairwise, {"depth": None}, 20, (9900, 1, 19800)),
    (Pairwise, {"sample": 4}, 20, (120, 1, 240)),
    (Setwise, {}, 20, (19, 15, 365)),
    (Setwise, {"window": 4}, 20, (69, 40, 276)),
    (Setwise, {"sort": "bubble"}, 20, (14, 14, 199)),  # six windows, then one a place: the others are known
    (Setwise, {"sort": "insertion"}, 20, (14, 14, 149)),  # nine to sort ten, and one for each nineteen others
    (Adaptive, {"budget": 5}, 20, (5, 1, 100)),
    (Adaptive, {"budget": 9}, 20, (9, 3, 165)),
    (Elimination, {}, 20, (11, 4, 195)),
    (Elimination, {"drop": 0.2}, 20, (23, 8, 412)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "settings", "window", "plan"), PLANS)
def test_calls_rounds_and_passages_read(cls, settings, window, plan):
    candidates, judge = passages(range(100, 0, -1)), Judge(window)
    told(cls(judge, **settings), 10).rank("q", candidates)
    ranking = told(cls(oracle(candidates), **settings), 10).rank("q", candidates)
    assert (ranking.usage.calls, len(ranking.rounds), judge.read) == plan
    assert judge.calls == ranking.usage.calls
    assert ranking.degraded is None and ranking.repairs == ()


def test_pointwise_reads_everything_once():
    candidates = passages(range(100, 0, -1))
    ranking = Pointwise(oracle(candidates, "yes-no")).rank("q", candidates, top_k=10)
    assert (ranking.usage.calls, len(ranking.rounds)) == (100, 1)
    assert worths(ranking) == list(range(100, 90, -1)) and ranking.score_kind == "probability"


# Strategies that find the first k in their right order when every judgement is right: how many, and with what.
EXACT = [
    (SlidingWindow, {}, 10),
    (TopDown, {}, 10),
    (TopDown, {"window": 7}, 6),
    (Grouped, {}, 4),  # as many as go on from each group
    (Grouped, {"deals": 2, "finals": 2}, 2),
    (Grouped, {"window": 11}, 1),
    (Tournament, {}, 10),
    (Tournament, {"window": 5}, 10),
    (Tournament, {"window": 2, "keep": 1}, 10),
    (Pairwise, {"depth": None}, 100),
    (Pairwise, {"depth": None, "aggregate": "bradley-terry"}, 100),
    (Pairwise, {"depth": None, "aggregate": "thurstone"}, 100),
    (Setwise, {}, 10),
    (Setwise, {"window": 2}, 10),
    (Setwise, {"window": 4, "sort": "bubble"}, 10),
    (Setwise, {"window": 2, "sort": "bubble"}, 10),
    (Setwise, {"sort": "insertion"}, 10),
    (Setwise, {"window": 3, "sort": "insertion"}, 10),
    (Elimination, {}, 8),
]


@pytest.mark.slow
@pytest.mark.parametrize(("cls", "settings", "k"), EXACT)
@pytest.mark.parametrize("n", [1, 2, 3, 11, 20, 21, 57, 100])
def test_the_best_are_found_when_judgements_are_right(cls, settings, k, n):
    for seed in range(3):
        ranking = told(cls(Judge(), **settings), k).rank("q", shuffled(n, seed))
        assert worths(ranking) == list(range(n))[::-1][:k]


@pytest.mark.parametrize("cls", [SingleWindow, SlidingWindow, TopDown, Grouped, Blocks, Elimination])
@pytest.mark.parametrize("n", [2, 19, 20])
def test_what_one_window_holds_is_all_put_in_order(cls, n):
    assert worths(cls(Judge()).rank("q", shuffled(n))) == list(range(n))[::-1]


@pytest.mark.parametrize("k", [1, 2, 10, 19, 20, 35, 200])
@every_strategy
def test_any_k(cls, k):
    candidates = shuffled(57)
    ranking = told(cls(EVERY[cls]), k).rank("q", candidates)
    check_ranking(ranking, candidates)
    assert len(ranking) == min(k, 57)


@pytest.mark.parametrize("sort", ["heap", "bubble", "insertion"])
def test_as_many_are_sorted_as_are_wanted(sort):
    ranking = told(Setwise(Judge(), sort=sort), 37).rank("q", shuffled(60))
    assert worths(ranking) == list(range(60))[::-1][:37]
    assert worths(told(Tournament(Judge()), 37).rank("q", shuffled(60))) == list(range(60))[::-1][:37]
    assert worths(told(TopDown(Judge()), 37).rank("q", shuffled(60)))[:19] == list(range(60))[::-1][:19]


def test_many_more_than_a_window_go_through_several_rounds():
    judge = Judge()
    ranking = Grouped(judge, depth=None).rank("q", shuffled(1000), top_k=1)
    assert [len(windows) for windows in judge.seen] == [50, 9, 2, 3] and worths(ranking) == [999]
    judge = Judge()
    ranking = Elimination(judge, depth=None).rank("q", shuffled(1000), top_k=1)
    assert [len(windows) for windows in judge.seen] == [50, 25, 13, 7, 4, 2, 1] and worths(ranking) == [999]


@every_strategy
def test_depth_and_what_is_below_it(cls):
    candidates = shuffled(50)
    judge = Judge(EVERY[cls].window, scores=EVERY[cls].scores)
    ranking = cls(judge, depth=12).rank("q", candidates)
    check_ranking(ranking, candidates)
    assert [item.index for item in ranking.kept[12:]] == list(range(12, 50))
    assert all(item.reasons == {"not judged": "below the first 12 candidates"} for item in ranking.kept[12:])
    assert {each for windows in judge.seen for w in windows for each in w} == {worth(each) for each in candidates[:12]}


@every_strategy
def test_the_same_again(cls):
    candidates = shuffled(64)
    judge = Judge(EVERY[cls].window, scores=EVERY[cls].scores)
    assert cls(judge).rank("q", candidates).kept == cls(judge).rank("q", candidates).kept


@every_strategy
@pytest.mark.parametrize("n", [1, 2, 7, 25, 100])
def test_texts_that_are_all_the_same(cls, n):
    candidates = [Passage("worth 1")] * n
    check_ranking(cls(EVERY[cls]).rank("q", candidates), candidates)


@pytest.mark.parametrize("seed", range(4))
@every_strategy
def test_missing_votes_are_survived_and_told(cls, seed):
    failing = np.random.default_rng(seed).random(20_000) < 0.3
    judge = Judge(EVERY[cls].window, fails=lambda i: i > 0 and bool(failing[i]), scores=True, names=7)
    candidates = shuffled(90, seed)
    ranking = told(cls(judge), 10).rank("q", candidates)
    check_ranking(ranking, candidates)
    missing = sum(bool(failing[i]) for i in range(1, judge.calls))
    if missing:
        assert ranking.degraded == f"missing judgements: {missing} of {judge.calls}"
        assert any(f"missing judgements: {missing} of {judge.calls}: made to fail" in each for each in ranking.repairs)


@every_strategy
def test_a_model_that_never_answers_is_an_error(cls):
    with pytest.raises(ModelError, match="made to fail"):
        cls(Judge(EVERY[cls].window, fails=lambda _: True)).rank("q", shuffled(50))


@every_strategy
def test_a_model_that_talks_nonsense_leaves_the_order(cls):
    candidates = shuffled(50)
    ranking = cls(Judge(EVERY[cls].window, fails=lambda _: True, error=unreadable())).rank("q", candidates)
    assert [item.index for item in ranking.kept] == list(range(50)) and "missing" in str(ranking.degraded)


@every_strategy
def test_a_window_that_fails_does_not_lose_or_raise_its_passages(cls):
    """Sorted candidates stay sorted where judgements are right or missing."""
    candidates = passages(range(60, 0, -1))
    judge = Judge(EVERY[cls].window, fails=lambda i: i % 3 == 1, scores=EVERY[cls].scores)
    ranking = told(cls(judge), 1).rank("q", candidates)
    if cls is not Blocks:
        assert worths(ranking) == [60]
    check_ranking(ranking, candidates)


@pytest.mark.parametrize("calls", [1, 5, 6, 8, 12])
@pytest.mark.parametrize("cls", WINDOWED, ids=lambda cls: cls.name)
def test_the_best_so_far_when_a_limit_is_reached(cls, calls):
    candidates = shuffled(100)
    strategy = told(cls(oracle(candidates)), 10)
    runtime = Runtime(limits=Limits(calls=calls))
    try:
        ranking = strategy.rank("q", candidates, runtime=runtime)
    except LimitReached:
        first_round = {Grouped: 5, Blocks: 15, Adaptive: 5, Elimination: 5, Tournament: 5, Setwise: 5}
        assert calls < first_round[cls]
        return
    check_ranking(ranking, candidates)
    assert ranking.usage.calls <= calls
    if cls is not SingleWindow and ranking.usage.calls == calls:
        assert "stopped early" in str(ranking.degraded) or strategy.rank("q", candidates).usage.calls == calls
    if ranking.usage.calls == 12:
        assert worths(ranking)[0] > 90  # what was judged so far counts


@pytest.mark.parametrize("cls", ORDERED, ids=lambda cls: cls.name)
def test_a_prompt_that_only_picks_is_refused_where_an_order_is_needed(cls):
    with pytest.raises(InputError, match="tells only the best"):
        cls(Judge(picks=True))
    candidates = shuffled(30)
    check_ranking(cls(Judge(2, picks=True)).rank("q", candidates), candidates)  # of two, the best is the order


@pytest.mark.parametrize("window", [2, 3, 20])
def test_a_prompt_that_only_picks_is_enough_elsewhere(window):
    judge, candidates = Judge(window, picks=True), shuffled(57)
    assert worths(told(Setwise(judge), 10).rank("q", candidates)) == list(range(57))[::-1][:10]
    assert worths(Pairwise(judge, depth=None).rank("q", candidates)) == list(range(57))[::-1]
    assert worths(Elimination(judge).rank("q", candidates))[0] == 56


@every_strategy
def test_the_wrong_window_is_refused(cls):
    if cls is Pointwise:
        with pytest.raises(InputError, match="one by one"):
            cls(Judge())
        return
    with pytest.raises(InputError, match="together"):
        cls(Judge(1))
    if cls is not Pairwise:
        for window in (1, 21):
            with pytest.raises(InputError, match="window of 2 to 20"):
                cls(Judge(), window=window)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [(Grouped, {"finals": 0}), (Grouped, {"deals": 0}), (Grouped, {"deal": "poker"}), (Grouped, {"keep": 11}),
     (Tournament, {"keep": 0}), (Tournament, {"keep": 11}), (Blocks, {"repeats": 0}), (Blocks, {"aggregate": "sum"}),
     (Pairwise, {"sample": 0}), (Pairwise, {"aggregate": "mean"}), (Setwise, {"sort": "quick"}),
     (Adaptive, {"budget": 0}), (Adaptive, {"tolerance": 0.5}), (Elimination, {"drop": 1.0}), (Elimination, {"drop": 0}),
     (Grouped, {"depth": 0}), (Blocks, {"k": 0})],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(cls, settings):
    with pytest.raises(InputError):
        cls(Judge(), **settings)


def test_the_names_are_those_that_prompts_speak_of():
    names = ("pointwise", "single-window", "sliding-window", "top-down", "grouped", "tournament", "blocks", "pairwise")
    assert {*names, "setwise", "adaptive", "elimination", "by-document"} <= {*registered()}
    assert all(cls.source is not None and cls.source.year >= 2019 for cls in EVERY)
