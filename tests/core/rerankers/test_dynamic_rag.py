"""DynamicRAG: how many and in which order, above the window and below it, and what becomes of every failure."""

import random

import numpy as np
import pytest

from shortlist import InputError, LimitReached, Limits, ModelError, Passage, Runtime
from shortlist.algorithms.consensus import agreement, rank_biased_overlap
from shortlist.models.base import ChatReply, ChatRequest, Likelihood
from shortlist.models.fakes import ScriptedChat
from shortlist.models.function import FunctionChat
from shortlist.models.oracle import OracleChat
from shortlist.plan import Call
from shortlist.reranker.registry import from_dict
from shortlist.rerankers.dynamic_rag import DynamicRag
from shortlist.rerankers.keep_order import KeepOrder
from shortlist.rerankers.lexical import Lexical
from shortlist.rerankers.llm import Llm
from shortlist.runtime.cache import MemoryCache, SqliteCache
from shortlist.scorers.named import as_scorer, scorer_to_dict
from shortlist.scorers.prompted import Prompted
from shortlist.testing import check_ranking

from .selecting import Keeper, candidates, slowly

CHECKPOINTS = ["dynamicrag", "dynamicrag-7b", "dynamicrag-inference"]


def kept(ranking):
    return [item.index for item in ranking.kept]


def why(ranking):
    return {item.index: ranking.why_dropped(item) for item in ranking.dropped}


def below(limit):
    """Keeps the numbers below a limit, the highest first."""
    return lambda numbers, _: sorted((i for i in numbers if i < limit), reverse=True)


def saying(*lines, prompt="dynamicrag-7b", **settings):
    return DynamicRag(Prompted(ScriptedChat(lines), prompt), **settings)


# The order and the number


def test_one_window_is_one_call_and_the_list_is_the_ranking():
    scorer = Keeper(below(3))
    ranking = DynamicRag(scorer).rank("q", candidates(20))
    assert scorer.plan == [[20]]
    assert kept(ranking) == [2, 1, 0]
    assert ranking.score_kind == "rank"
    assert [item.score for item in ranking.kept] == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert why(ranking) == dict.fromkeys(range(3, 20), "not in the list")
    assert (ranking.repairs, ranking.degraded, ranking.unanswered) == ((), None, False)
    check_ranking(ranking, candidates(20))


@pytest.mark.parametrize(
    ("n", "window", "limit", "plan"),
    [
        (1, 20, 1, [[1]]),
        (20, 20, 5, [[20]]),
        (21, 20, 5, [[10, 11], [5]]),
        (40, 20, 5, [[20, 20], [5]]),
        (40, 40, 5, [[40]]),
        (300, 20, 5, [[20] * 15, [5]]),
        (300, 20, 300, [[20] * 15, [18, 19, 19, 19] * 2, [18] * 4, [18] * 2, [18]]),
        (300, 20, 30, [[20] * 15, [15, 15], [14]]),
        (300, 40, 30, [[37, 38] * 4, [30]]),
        (300, 40, 300, [[37, 38] * 4, [37] * 4, [36] * 2, [36]]),
    ],
)
def test_calls_and_rounds(n, window, limit, plan):
    scorer = Keeper(below(limit), window=window)
    ranking = DynamicRag(scorer).rank("q", candidates(n))
    assert scorer.plan == plan
    check_ranking(ranking, candidates(n))


@pytest.mark.parametrize("system", CHECKPOINTS)
@pytest.mark.parametrize("n", [20, 40, 300])
def test_the_plan_of_the_published_prompts(system, n):
    grades = {f"passage {i} of the sea": float(i % 97 == 5) * (1 + i / 1000) for i in range(n)}
    ranking = Llm(OracleChat(grades, wanted=0.5), system).rank("q", candidates(n))
    window = 20 if system == "dynamicrag-7b" else 40
    windows = -(-n // window)
    assert (ranking.usage.calls, len(ranking.rounds)) == ((1, 1) if windows == 1 else (windows + 1, 2))
    assert kept(ranking) == sorted((i for i in range(n) if i % 97 == 5), reverse=True)


@pytest.mark.parametrize("n", [20, 40, 300])
def test_the_plan_of_our_own_prompt_is_the_default(n):
    chat = OracleChat({f"passage {i} of the sea": float(i in (7, 19)) for i in range(n)}, wanted=0.5)
    ranking = from_dict({"reranker": "dynamic-rag"}, models=[chat]).rank("q", candidates(n))
    assert (ranking.usage.calls, kept(ranking)) == (n // 20 + (n > 20), [7, 19])
    assert DynamicRag.prompt == "shortlist-selection"


def test_ids_of_a_window_are_mapped_back_to_the_whole():
    """The published script takes `[1]` of every window for the first passage of all."""
    ranking = saying("[1]", "[20], [1]", "[3], [2]").rank("q", candidates(40))
    assert kept(ranking) == [20, 39]  # the first window keeps 0, the second 39 and 20
    assert why(ranking)[0] == "not in the list"
    assert why(ranking)[5] == "not kept in its window"


def test_what_goes_on_stands_in_the_order_in_which_it_was_named():
    chat = ScriptedChat(("[2], [1]", "[20], [3]", "None"))
    DynamicRag(Prompted(chat, "dynamicrag-7b")).rank("q", candidates(40))
    shown = [line for line in chat.requests[-1].messages[-1].content.splitlines() if line.startswith("Content")]
    assert shown == [f"Content: passage {i} of the sea" for i in (1, 0, 39, 22)]


@pytest.mark.parametrize("seed", range(60))
def test_windows_again_in_plain_loops(seed):
    """Any model: it keeps some of a window in any order, none, all, or fails; by the window alone."""
    chance = random.Random(seed)
    n, size = chance.choice([1, 2, 7, 20, 21, 39, 41, 100, 300]), chance.choice([2, 3, 5, 20, 40])
    share, failing, empty = chance.random(), chance.choice([0.0, 0.0, 0.2, 0.6, 1.0]), chance.choice([0.0, 0.3])

    def told(window):
        own = random.Random(f"{seed}{window}")
        if own.random() < failing:
            return None
        if own.random() < empty:
            return []
        return own.sample(window, round(own.uniform(share, 1.0) * len(window)))

    scorer = Keeper(lambda window, _: told(window), window=40)
    ranking = DynamicRag(scorer, window=size).rank("q", candidates(n))
    expected, calls, rounds = slowly(n, size, told)
    assert (scorer.calls, len(scorer.seen)) == (calls, rounds)
    assert kept(ranking) == ([*range(n)] if expected is None else expected)
    assert ranking.unanswered == (expected is None)
    check_ranking(ranking, candidates(n))


@pytest.mark.parametrize("n", [21, 40, 300, 1000])
@pytest.mark.parametrize("window", [2, 3, 20])
def test_a_model_that_keeps_everything_comes_to_an_end(n, window):
    scorer = Keeper(lambda numbers, _: numbers[::-1])
    ranking = DynamicRag(scorer, window=window).rank("q", candidates(n))
    assert len(scorer.seen) <= 2 + np.log2(n / window) * (2 if window == 3 else 1)
    assert 1 <= len(ranking) <= window
    assert any("cut to the first half of each window" in repair for repair in ranking.repairs)
    assert "below the first half of its window" in why(ranking).values()


def test_of_a_full_window_the_first_half_by_name_goes_on():
    scorer = Keeper(lambda numbers, _: numbers[::-1])
    ranking = DynamicRag(scorer).rank("q", candidates(40))
    assert scorer.seen[1] == [[*range(19, 9, -1), *range(39, 29, -1)]]
    assert ranking.repairs == ("40 of 40 were kept: cut to the first half of each window",)


# None, fewest and most


@pytest.mark.parametrize("n", [1, 20, 40, 300])
def test_none_is_an_empty_ranking_and_an_answer(n):
    scorer = Keeper(below(0))
    ranking = DynamicRag(scorer).rank("q", candidates(n))
    assert len(scorer.seen) == 1  # nothing is left to ask about
    assert (kept(ranking), ranking.degraded, ranking.unanswered) == ([], None, False)
    assert {*why(ranking).values()} == {"the model needs none" if n <= 20 else "not kept in its window"}
    assert (DynamicRag(scorer) | KeepOrder()).rank("q", candidates(n)).kept == ranking.kept


def test_none_of_the_last_window():
    ranking = saying("[2]", "[1]", "None").rank("q", candidates(40))
    assert kept(ranking) == []
    assert why(ranking)[1] == why(ranking)[20] == "the model needs none"


def test_on_none_the_first_is_kept():
    for n in (3, 40):
        ranking = DynamicRag(Keeper(below(0)), on_none="first").rank("q", candidates(n))
        assert kept(ranking) == [0]
        assert ranking.kept[0].reasons["kept"] == "the model needs none: the first is kept"
        check_ranking(ranking, candidates(n))
    assert kept(DynamicRag(Keeper(below(2)), on_none="first").rank("q", candidates(3))) == [1, 0]


def test_min_k_fills_up_as_they_came_in():
    ranking = DynamicRag(Keeper(lambda numbers, _: [7]), min_k=3).rank("q", candidates(20))
    assert kept(ranking) == [7, 0, 1]
    assert ranking.kept[1].reasons == {"filled": "up to min_k: not in the list"}
    assert ranking.repairs == ("filled up to min_k with 2, as they came in",)
    check_ranking(ranking, candidates(20))
    assert len(DynamicRag(Keeper(below(0)), min_k=3).rank("q", candidates(2))) == 2
    assert kept(DynamicRag(Keeper(below(0)), min_k=2, on_none="first").rank("q", candidates(9))) == [0, 1]


def test_max_k_and_top_k_keep_the_first_of_the_list():
    ranking = DynamicRag(Keeper(below(9)), max_k=4).rank("q", candidates(20))
    assert kept(ranking) == [8, 7, 6, 5]
    assert why(ranking)[4] == "below the first 4"
    assert why(ranking)[12] == "not in the list"
    reranker = DynamicRag(Keeper(below(9)), min_k=3, max_k=4)
    assert kept(reranker.rank("q", candidates(20), top_k=2)) == [8, 7]
    assert kept(reranker[:9].rank("q", candidates(20))) == [8, 7, 6, 5]
    check_ranking(ranking, candidates(20))


def test_below_the_depth_nothing_is_judged_and_all_is_dropped():
    scorer = Keeper(below(9))
    ranking = DynamicRag(scorer, depth=5, min_k=7).rank("q", candidates(12))
    assert scorer.plan == [[5]]
    assert kept(ranking) == [4, 3, 2, 1, 0, 5, 6]
    assert {*why(ranking).values()} == {"not judged: below the first 5 candidates"}


def test_before_and_after_others():
    passages = [*candidates(30), Passage("bread")]
    ranking = (Lexical()[:10] >> DynamicRag(Keeper(below(99)), max_k=3) >> KeepOrder()).rank("sea", passages)
    assert len(ranking) == 3
    check_ranking(ranking, passages)


# What fails


def test_what_cannot_be_read_is_no_empty_list():
    ranking = saying("I cannot help with that.").rank("q", candidates(20))
    assert kept(ranking) == [*range(20)]
    assert ranking.unanswered
    assert ranking.degraded == "missing judgements: 1 of 1"
    assert "neither names a passage nor says none" in ranking.repairs[-1]


def test_another_answers_for_a_model_that_writes_nonsense():
    both = saying("nonsense") | KeepOrder()[:2]
    ranking = both.rank("q", candidates(20))
    assert kept(ranking) == [0, 1]
    assert "dynamic-rag wrote nothing that could be read" in ranking.degraded


def test_nothing_read_is_all_as_it_came_in_up_to_max_k():
    fails = Keeper(lambda *_: None)
    assert kept(DynamicRag(fails, depth=4).rank("q", candidates(9))) == [*range(9)]
    assert kept(DynamicRag(fails, max_k=3).rank("q", candidates(60))) == [0, 1, 2]


def test_a_model_that_never_answers_is_an_error():
    with pytest.raises(ModelError, match="made to fail"):
        DynamicRag(Keeper(lambda *_: None, error=ModelError("made to fail"))).rank("q", candidates(50))


def test_the_passages_of_a_window_that_failed_go_on():
    scorer = Keeper(lambda numbers, call: None if call == 1 else numbers[:1])
    ranking = DynamicRag(scorer).rank("q", candidates(60))
    assert scorer.seen[1] == [[0, *range(20, 30)], [*range(30, 40), 40]]
    assert ranking.degraded == "missing judgements: 1 of 6"
    assert kept(ranking) == [0]


def test_a_last_window_that_fails_keeps_what_reached_it():
    scorer = Keeper(lambda numbers, _: None if len(numbers) < 20 else numbers[:3])
    ranking = DynamicRag(scorer).rank("q", candidates(40))
    assert kept(ranking) == [0, 1, 2, 20, 21, 22]
    assert (ranking.degraded, ranking.unanswered) == ("missing judgements: 1 of 3", False)


def test_windows_that_fail_again_and_again_do_not_go_on_for_ever():
    scorer = Keeper(lambda numbers, _: None if len(numbers) > 2 or 0 in numbers else [])
    ranking = DynamicRag(scorer, window=3).rank("q", candidates(8))
    assert len(scorer.seen) <= 4
    check_ranking(ranking, candidates(8))


@pytest.mark.parametrize("calls", [14, 15, 16, 17, 30])
def test_a_limit_gives_what_was_left_by_then(calls):
    chat = FunctionChat(lambda request: "[2], [1], [9]")
    reranker = DynamicRag(Prompted(chat, "dynamicrag-7b"))
    runtime = Runtime(limits=Limits(calls=calls))
    if calls < 15:
        with pytest.raises(LimitReached):
            reranker.rank("q", candidates(300), runtime=runtime)
        return
    ranking = reranker.rank("q", candidates(300), runtime=runtime)
    check_ranking(ranking, candidates(300))
    if calls < 18:  # 15, then 3 windows of 15, then the last of 9
        assert kept(ranking) == [20 * i + j for i in range(15) for j in (1, 0, 8)]
        assert "stopped early" in ranking.degraded
    else:
        assert (len(ranking), ranking.degraded) == (3, None)


# Several lists


def test_draws_are_asked_in_one_round_and_not_taken_for_one():
    chat = ScriptedChat(("[1]", "[2]", "[2], [3]"))
    ranking = DynamicRag(Prompted(chat, "dynamicrag"), samples=3).rank("q", candidates(5))
    assert [request.draw for request in chat.requests] == [0, 1, 2]
    assert {request._replace(draw=0) for request in chat.requests} == {chat.requests[0]}
    assert {request.temperature for request in chat.requests} == {0.4}
    assert (ranking.usage.calls, len(ranking.rounds)) == (3, 1)


def test_only_the_last_window_is_drawn_several_times():
    scorer = Keeper(below(30))
    DynamicRag(scorer, samples=5).rank("q", candidates(60))
    assert scorer.plan == [[20] * 3, [15] * 2, [14] * 5]


LISTS = ([3], [1, 0], [1, 0, 2], [0, 1], [])


def test_the_list_that_agrees_most_is_taken():
    scorer = Keeper(lambda _, call: LISTS[call])
    ranking = DynamicRag(scorer, samples=5).rank("q", candidates(6))
    means = [sum(overlap(a, b) for b in LISTS if b is not a) / 4 for a in LISTS]
    assert kept(ranking) == [*LISTS[int(np.argmax(means))]] == [1, 0, 2]
    assert ranking.kept[0].reasons == {"agreement": pytest.approx(max(means))}


def test_of_lists_that_agree_as_much_the_first_is_taken():
    for lists in ([[2], [1]], [[], [1]]):
        assert kept(DynamicRag(Keeper(lambda _, call: lists[call]), samples=2).rank("q", candidates(3))) == lists[0]  # noqa: B023


def test_none_wins_where_most_say_so():
    ranking = saying("[1]", "None", "None", samples=3).rank("q", candidates(4))
    assert kept(ranking) == []
    assert ranking.dropped[0].reasons["agreement"] == 0.5


def test_the_likeliest_list_is_taken_by_the_mean_of_its_tokens():
    sure = {0: Likelihood(-4.0, 4), 1: Likelihood(-6.0, 12), 2: None, 3: Likelihood(-1.0, 2), 4: Likelihood(-0.9, 1)}
    scorer = Keeper(lambda _, call: LISTS[call], sure=sure.get)
    ranking = DynamicRag(scorer, samples=5, choose="likelihood").rank("q", candidates(6))
    assert kept(ranking) == [1, 0]  # -0.5 per token, as the fourth; the first of the two
    assert ranking.kept[0].reasons["log-probability of the list"] == -6.0
    assert ranking.kept[0].reasons["log-probability per token"] == -0.5
    assert ranking.dropped[0].reasons["log-probability of the list"] == -6.0
    assert ranking.repairs == ()


def test_without_log_probabilities_agreement_chooses_and_says_so():
    ranking = DynamicRag(Keeper(lambda _, call: LISTS[call]), samples=5, choose="likelihood").rank("q", candidates(6))
    assert kept(ranking) == [1, 0, 2]
    assert ranking.repairs == ("no log-probabilities of the lists: the one that agrees most was taken",)


def test_a_draw_that_cannot_be_read_is_a_missing_vote():
    ranking = saying("[3]", "nonsense", "[2]", "[2]", samples=4).rank("q", candidates(5))
    assert kept(ranking) == [1]
    assert ranking.degraded == "missing judgements: 1 of 4"


def test_draws_have_places_of_their_own_in_a_cache(tmp_path):
    for cache in (MemoryCache(), SqliteCache(tmp_path / "cache.db")):
        made = iter(["[1]", "[2]", "[2]"])
        chat = FunctionChat(lambda _: ChatReply(next(made), likelihood=Likelihood(-1.5, 3)), name="draws")  # noqa: B023
        reranker = DynamicRag(Prompted(chat, "dynamicrag"), samples=3)
        first = reranker.rank("q", candidates(5), runtime=Runtime(cache=cache))
        again = reranker.rank("q", candidates(5), runtime=Runtime(cache=cache))
        assert again.kept == first.kept
        assert (first.usage.calls, again.usage.calls, again.usage.hits) == (3, 0, 3)
        assert again.kept[0].reasons["log-probability per token"] == -0.5


def overlap(first, second, p=0.9):
    """Rank-biased overlap, straight from the paper's sum, over its value for two lists that are the same."""
    depth = max(len(first), len(second))
    if depth == 0:
        return 1.0
    got = sum(p ** (d - 1) * len({*first[:d]} & {*second[:d]}) / d for d in range(1, depth + 1))
    return got / sum(p ** (d - 1) for d in range(1, depth + 1))


@pytest.mark.parametrize("seed", range(40))
def test_overlap_again_slowly(seed):
    chance = random.Random(seed)
    lists = [chance.sample(range(12), chance.randint(0, 12)) for _ in range(chance.randint(1, 6))]
    p = chance.choice([0.1, 0.5, 0.9, 0.99])
    for a in lists:
        for b in lists:
            assert rank_biased_overlap(a, b, p) == pytest.approx(overlap(a, b, p))
            assert 0.0 <= rank_biased_overlap(a, b, p) <= 1.0 + 1e-12
    expected = [
        np.mean([overlap(a, b, p) for j, b in enumerate(lists) if j != i] or [1.0]) for i, a in enumerate(lists)
    ]
    assert agreement(lists, p).tolist() == pytest.approx(expected)


def test_overlap_at_its_ends():
    assert rank_biased_overlap([], []) == 1.0
    assert rank_biased_overlap([], [1]) == 0.0
    assert rank_biased_overlap([2, 1], [2, 1]) == pytest.approx(1.0)
    assert rank_biased_overlap([1, 2], [3, 4]) == 0.0
    assert rank_biased_overlap([1], [1, 2]) > rank_biased_overlap([2], [1, 2]) > 0.0
    assert agreement([]).shape == (0,)
    for p in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            rank_biased_overlap([1], [1], p)


# Confidence and how it is asked for


def test_the_checkpoint_prompts_ask_for_confidence_and_ours_does_not():
    for system, asked in (("dynamicrag", True), ("shortlist-selection", False)):
        chat = ScriptedChat(("None",))
        DynamicRag(Prompted(chat, system)).rank("q", candidates(3))
        DynamicRag(Prompted(chat, system, confidence=not asked)).rank("q", candidates(3))
        assert [request.confidence for request in chat.requests] == [asked, not asked]


def test_confidence_stands_with_every_passage_that_the_list_was_about():
    chat = FunctionChat(lambda _: ChatReply("[1]", likelihood=Likelihood(-0.6, 3)))
    ranking = DynamicRag(Prompted(chat, "dynamicrag-7b")).rank("q", candidates(40))
    told = [item.index for item in (*ranking.kept, *ranking.dropped) if "log-probability per token" in item.reasons]
    assert told == [0, 20]
    assert ranking.kept[0].reasons == {"log-probability of the list": -0.6, "log-probability per token": -0.6 / 3}


def test_decoding_is_as_published():
    for system in CHECKPOINTS:
        chat = ScriptedChat(("None",))
        DynamicRag(Prompted(chat, system)).rank("q", candidates(3))
        assert (chat.requests[0].temperature, chat.requests[0].max_tokens) == (0.4, 100)


def test_a_temperature_of_ones_own():
    chat = ScriptedChat(("None",))
    DynamicRag(Prompted(chat, "shortlist-selection", temperature=0.7), samples=2).rank("q", candidates(3))
    assert [(request.temperature, request.draw) for request in chat.requests] == [(0.7, 0), (0.7, 1)]


def test_a_reply_keeps_its_likelihood_through_a_cache():
    chat = ScriptedChat(())
    for reply in (ChatReply("a"), ChatReply("a", {"b": -1.0}, cut=True, likelihood=Likelihood(-2.5, 3))):
        again = chat.decode(chat.encode(reply))
        assert again == reply
        assert again.likelihood is None or type(again.likelihood) is Likelihood
    assert chat.decode(b'["old", {}, false]') == ChatReply("old")  # written before there were likelihoods


@pytest.mark.parametrize("bad", [Likelihood(float("nan"), 3), Likelihood(-1.0, 0)])
def test_a_likelihood_that_is_none_is_no_answer(bad):
    with pytest.raises(ModelError, match="a likelihood that is none"):
        DynamicRag(Prompted(FunctionChat(lambda _: ChatReply("[1]", likelihood=bad)), "dynamicrag")).rank("q", ["a"])


# Settings


def test_a_single_passage_is_asked_about():
    assert kept(saying("None").rank("q", ["bread"])) == []
    assert kept(saying("[1]").rank("q", ["salt"])) == [0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_k": -1}, "min_k is from 0 to max_k"),
        ({"min_k": 3, "max_k": 2}, "min_k is from 0 to max_k"),
        ({"max_k": 0}, "above 0"),
        ({"on_none": "all"}, "no such on_none"),
        ({"choose": "best"}, "no such on_none or choose"),
        ({"samples": 0}, "0 samples"),
        ({"samples": 1.5}, "whole number"),
        ({"window": 1}, "window of 2 to 20"),
        ({"window": 21}, "window of 2 to 20"),
        ({"depth": 0}, "above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        DynamicRag(Keeper(below(3)), **settings)


def test_scorers_that_do_not_select_or_do_not_vary_are_refused():
    chat = ScriptedChat(("None",))
    with pytest.raises(InputError, match="says which to keep, such as shortlist-selection"):
        DynamicRag(Prompted(chat, "rankzephyr"))
    with pytest.raises(InputError, match="more than one need a temperature"):
        DynamicRag(Prompted(chat, "shortlist-selection"), samples=2)
    for bad in (-0.1, float("nan"), float("inf"), True, "warm"):
        with pytest.raises(InputError, match="a temperature is a number from 0"):
            Prompted(chat, "dynamicrag", temperature=bad)
    with pytest.raises(InputError, match="confidence is true, false or none"):
        Prompted(chat, "dynamicrag", confidence=1)


def test_a_scorer_is_written_down_with_all_its_settings():
    from shortlist.models.openai import OpenAIChat

    scorer = Prompted(OpenAIChat("m", "http://127.0.0.1:9/v1"), "dynamicrag", temperature=0.9, confidence=False)
    assert as_scorer(scorer_to_dict(scorer)) == scorer
    reranker = DynamicRag(scorer, samples=4, on_none="first")
    assert from_dict(reranker.to_dict()) == reranker


def test_a_prompt_that_is_asked_again_at_temperature_0_is_one_call():
    chat = ScriptedChat(("[1] > [2]",))
    scorer = Prompted(chat, "rankzephyr")
    windows = [candidates(2)] * 3
    asks = next(scorer.judge("q", windows))[0]
    assert [request.draw for request in asks.payloads] == [0, 0, 0]
    assert not scorer.varies


def test_the_oracle_selects_what_it_believes_in():
    grades = {"salt": 2.0, "bread": 0.0, "sea": 1.0}
    for system, expected in (("dynamicrag", "[1], [3]"), ("shortlist-selection", '{"selected": ["1", "3"]}')):
        chat, passages = OracleChat(grades), [Passage(text) for text in grades]
        (asks,) = next(Prompted(chat, system).judge("q", [passages]))
        assert [reply.value.text for reply in chat.answer(asks.payloads, Call())] == [expected]
        ranking = DynamicRag(Prompted(OracleChat(grades, wanted=3.0), system)).rank("q", passages)
        assert (kept(ranking), ranking.repairs) == ([], ())
    assert isinstance(asks.payloads[0], ChatRequest)
