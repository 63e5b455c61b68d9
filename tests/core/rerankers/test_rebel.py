"""REBEL: what is asked, what is computed, what becomes of passages, in every mode."""

import asyncio
import json
import random
from dataclasses import replace

import numpy as np
import pytest

from shortlist import InputError, LimitReached, Limits, ModelError, Passage, Runtime, load
from shortlist.criteria import PAPER_CRITERIA, Authority, Computed, Criterion, Length, Recency
from shortlist.models.fakes import ConstantChat, FailingChat, ScriptedChat
from shortlist.reranker.registry import from_dict
from shortlist.rerankers.rebel import Rebel
from shortlist.runtime.cache import MemoryCache
from shortlist.testing import check_ranking

DEPTH, CARE = Criterion("Depth", "How deep.", "Very.", "Not.", 0.5), Criterion("Care", weight=2.0)
MODES = ["structured", "text", "paper"]


def said(relevance, depth=0.0, care=0.0, word=""):
    return f"{word} relevance={relevance} depth={depth} care={care}"


def slow_ranking(texts, weights, threshold):
    """REBEL in plain Python: numbers off the text, a sum, a cut, a stable sort."""
    rows = [{k: float(v) for k, v in (pair.split("=") for pair in text.split() if "=" in pair)} for text in texts]
    final = [round(row["relevance"] + sum(w * row[name] for name, w in weights.items()), 6) for row in rows]
    left = [i for i, row in enumerate(rows) if row["relevance"] >= threshold]
    order = sorted(left, key=lambda i: -final[i])
    return order, [final[i] for i in order]


def random_texts(n, seed=0):
    rng = random.Random(seed)
    return [said(rng.randrange(21) / 2, rng.randrange(11) / 2, rng.randrange(11) / 2, f"text {i}") for i in range(n)]


@pytest.mark.parametrize("mode", ["structured", "text"])
@pytest.mark.parametrize("n", [1, 2, 10, 11, 47, 100])
def test_is_the_slow_reference(judge, forms, mode, n):
    texts = random_texts(n, seed=n)
    ranking = Rebel(judge(forms[mode]), (DEPTH, CARE), mode=mode).rank("q", texts)
    order, final = slow_ranking(texts, {"depth": 0.5, "care": 2.0}, 3.0)
    assert [item.index for item in ranking.kept] == order
    assert ranking.scores == pytest.approx(final)
    assert (ranking.repairs, ranking.degraded) == ((), None)
    check_ranking(ranking, texts)


def test_paper_mode_is_the_slow_reference_too(judge, forms):
    texts = random_texts(37)
    ranking = Rebel(judge(forms["paper"]), (DEPTH, replace(CARE, weight=0.5)), mode="paper").rank("q", texts)
    order, final = slow_ranking(texts, {"depth": 0.5, "care": 0.5}, 3.0)
    assert [item.index for item in ranking.kept] == order
    assert ranking.scores == final
    assert {ranking.why_dropped(item) for item in ranking.dropped} == {
        "discarded by the model: too little relevance, or not listed"
    }
    assert ranking.repairs == ()


def test_numbers_stand_in_the_reasons_of_every_passage(judge):
    ranking = Rebel(judge(), (DEPTH, CARE)).rank("q", [said(8, 4.5, 1), said(2, 5, 5)])
    assert dict(ranking.kept[0].reasons) == {"relevance": 8.0, "Depth": 4.5, "Care": 1.0}
    assert dict(ranking.dropped[0].reasons) == {
        "relevance": 2.0,
        "Depth": 5.0,
        "Care": 5.0,
        "dropped": "relevance 2 is below 3",
    }
    assert ranking.dropped[0].score == 14.5


def test_below_the_threshold_but_kept_last(judge):
    """Their scores never go beyond those of the passages before them."""
    ranking = Rebel(judge(), (DEPTH, CARE), below="last").rank("q", [said(2, 5, 5), said(4), said(1), said(3)])
    assert [item.index for item in ranking.kept] == [1, 3, 0, 2] and ranking.dropped == ()
    assert ranking.scores == [4.0, 3.0, 3.0, 1.0]
    assert ranking.kept[2].reasons["dropped"] == "relevance 2 is below 3"
    check_ranking(ranking, [said(2, 5, 5), said(4), said(1), said(3)])


def test_no_threshold_drops_nothing(judge):
    assert len(Rebel(judge(), (DEPTH,), threshold=None).rank("q", [said(0), said(1)])) == 2


def test_a_threshold_is_met_by_its_own_value(judge):
    ranking = Rebel(judge(), (DEPTH,), threshold=3.5).rank("q", [said(3.5), said(3.4)])
    assert [item.index for item in ranking.kept] == [0]


def test_ties_stand_in_input_order(judge):
    ranking = Rebel(judge(), (DEPTH,)).rank("q", [said(5, 2), said(6, 0), said(4, 4), said(6, 0)])
    assert [item.index for item in ranking.kept] == [0, 1, 2, 3]


# What is asked


def test_one_round_whatever_the_number_of_batches(judge):
    model = judge()
    ranking = Rebel(model, (DEPTH,)).rank("q", random_texts(100))
    assert ranking.usage.calls == len(model.asked) == 13  # (100 - 2 anchors) / 8, rounded up
    assert len(ranking.rounds) == 1


def test_structured_asks_with_a_schema_of_the_batch(judge):
    model = judge()
    Rebel(model, (DEPTH, CARE)).rank("q", random_texts(3))
    (request,) = model.asked
    schema = json.loads(request.schema)
    entries = schema["properties"]["scores"]
    assert entries["required"] == ["1", "2", "3"] and entries["additionalProperties"] is False
    entry = entries["properties"]["3"]
    assert entry["required"] == ["relevance", "depth", "care"] and entry["additionalProperties"] is False
    assert (entry["properties"]["relevance"]["maximum"], entry["properties"]["care"]["maximum"]) == (10.0, 5.0)


def test_the_prompt_alone_carries_the_form_and_the_criteria(judge):
    """For models and adapters that know nothing of schemas."""
    model = judge()
    Rebel(model, (DEPTH, CARE)).rank("why tides?", random_texts(12))
    prompt = model.prompts[0]
    assert '{"scores": {"1": {"relevance": <number>, "depth": <number>, "care": <number>}, "2":' in prompt
    assert "- depth, from 0 to 5 (Depth). How deep. 5: Very. 0: Not." in prompt
    assert "- care, from 0 to 5 (Care).\n" in prompt
    assert "Question: why tides?" in prompt and "Document 1:\n<passage>\n" in prompt


def test_text_mode_asks_for_lines_and_sends_no_schema(judge, forms):
    model = judge(forms["text"])
    Rebel(model, (DEPTH,), mode="text").rank("q", random_texts(2))
    assert model.asked[0].schema is None
    assert "Doc: 1, Relevance: <0 to 10>, depth: <0 to 5>" in model.prompts[0]


def test_batches_share_a_prefix_up_to_the_end_of_the_anchors(judge):
    """So that a server that keeps prefixes reads the rubric and the anchors once."""
    model = judge()
    texts = random_texts(40)
    Rebel(model, (DEPTH,)).rank("q", texts)
    heads = {prompt.partition("Document 3:")[0] for prompt in model.prompts}
    assert len({prompt.count("Document ") for prompt in model.prompts}) <= 2
    assert len({head.partition("Document 1:")[2] for head in heads}) == 1


def test_room_for_the_answer_grows_with_the_batch_and_can_be_set(judge):
    small, large, own = judge(), judge(), judge()
    Rebel(small).rank("q", random_texts(1))
    Rebel(large).rank("q", random_texts(10))
    Rebel(own, max_tokens=4000).rank("q", random_texts(1))
    assert small.asked[0].max_tokens < large.asked[0].max_tokens
    assert own.asked[0].max_tokens == 4000


@pytest.mark.parametrize("mode", MODES)
def test_metadata_is_visible_so_that_recency_and_authority_can_be_judged(judge, forms, mode):
    model = judge(forms[mode])
    passages = [
        Passage("x", metadata={"date": "2024-05-01", "source": "nature.com", "secret": "s3cr3t", "title": "A\nB" * 100})
    ]
    Rebel(model, mode=mode).rank("q", passages)
    assert "Document 1:\ntitle: A BA BA" in model.prompts[0]
    assert "\nsource: nature.com\ndate: 2024-05-01\n" in model.prompts[0]
    assert "s3cr3t" not in model.prompts[0]


def test_metadata_keys_are_a_setting(judge):
    model = judge()
    Rebel(model, metadata_keys=("journal",)).rank("q", [Passage("x", metadata={"date": "2024", "journal": 7})])
    assert "journal: 7" in model.prompts[0] and "2024" not in model.prompts[0]


def test_words_and_depth_are_limits(judge):
    model = judge()
    texts = [said(9, word="w " * 50), *random_texts(20, seed=3)]
    ranking = Rebel(model, (DEPTH,), words=10, depth=5, threshold=None).rank("q", texts)
    assert "w " * 10 not in model.prompts[0].replace("\n", " ") or "w " * 11 not in model.prompts[0]
    assert len(model.asked) == 1
    assert len(ranking) == 21 and [item.index for item in ranking.kept][-15:] == list(range(6, 21))
    assert all("unscored" in item.reasons for item in ranking.kept[-15:])
    check_ranking(ranking, texts)


# Criteria without a model


def test_criteria_without_a_model_mix_with_the_models(judge):
    criteria = (
        DEPTH,
        Recency("date", half_life_days=10, weight=1.0, today="2024-03-01"),
        Authority("source", {"nature.com": 5}, default=1.0, weight=0.2),
        Length(least=4, most=100, weight=0.1),
        Computed("Vowels", lambda passage: passage.text.count("a"), weight=0.5),
    )
    passages = [
        Passage(said(6, 2), metadata={"date": "2024-02-20", "source": "https://nature.com/x"}),
        Passage(said(6, 2), metadata={"date": "2024-03-01"}),
    ]
    ranking = Rebel(judge(), criteria).rank("q", passages)
    assert dict(ranking.kept[0].reasons) == {
        "relevance": 6,
        "Depth": 2,
        "Recency": 5,
        "Authority": 1,
        "Length": 3.75,
        "Vowels": 2,
    }
    assert ranking.scores[0] == pytest.approx(6 + 1 + 5 + 0.2 + 0.375 + 1.0)
    assert ranking.scores[1] == pytest.approx(6 + 1 + 2.5 + 1.0 + 0.375 + 1.0)


def test_the_model_is_not_asked_about_them(judge):
    model = judge()
    Rebel(model, (DEPTH, Recency("when"))).rank("q", ["x"])
    assert "recency" not in model.prompts[0].lower()


def test_an_unknown_value_neither_helps_nor_harms(judge):
    """It counts as the mean of those known: the undated passage stands between the new one and the old one."""
    recency = Recency("date", half_life_days=1, weight=1.0, today="2024-01-11")
    dates = ("2024-01-01", None, "2024-01-11")
    passages = [Passage(said(5), metadata={"date": date}) for date in dates]
    ranking = Rebel(judge(), (recency,)).rank("q", passages)
    assert [item.index for item in ranking.kept] == [2, 1, 0]
    assert ranking.kept[1].reasons["Recency"] == "unknown"


def test_relevance_alone(judge):
    ranking = Rebel(judge(), ()).rank("q", [said(4), said(9)])
    assert ranking.scores == [9.0, 4.0]


def test_a_function_that_fails_is_told_before_any_model_is_asked(judge):
    model = judge()
    with pytest.raises(InputError, match="Odd failed on passage 0"):
        Rebel(model, (Computed("Odd", lambda passage: 1 / 0),)).rank("q", ["x"])
    assert not model.asked


# Anchors


def biased(prompt):
    """Each batch is off by something of its own, from -2 to 2: by what is in it, so by nothing that is known."""
    return (sum(map(ord, prompt)) % 41 - 20) / 10


def middling(n, seed=5):
    rng = random.Random(seed)
    return [said(4 + rng.randrange(21) / 10, 2 + rng.randrange(11) / 10, word=f"text {i}") for i in range(n)]


def test_anchors_take_the_offsets_of_batches_away(judge):
    texts = middling(60)
    order, final = slow_ranking(texts, {"depth": 0.5}, 0)
    model = judge(bias=biased)
    rebel = Rebel(model, (DEPTH,), threshold=None)
    with_anchors = rebel.rank("q", texts)
    without = replace(rebel, anchors=0).rank("q", texts)
    assert len({biased(prompt) for prompt in model.prompts}) > 5, "the batches do differ"
    assert [item.index for item in with_anchors.kept] == order
    shift = np.subtract(with_anchors.scores, final)
    assert shift == pytest.approx(shift[0]), "all off by the same: the mean of the batches"
    assert [item.index for item in without.kept] != order


def test_the_shift_of_a_batch_is_told(judge):
    texts = middling(30)
    ranking = Rebel(judge(bias=biased), (DEPTH,), threshold=None).rank("q", texts)
    truth = dict(zip(*slow_ranking(texts, {"depth": 0.5}, 0), strict=True))
    common = ranking.scores[0] - truth[ranking.kept[0].index]
    shifted = [item for item in ranking.kept if "batch shift" in item.reasons]
    assert shifted and len(shifted) <= len(texts) - 2
    for item in shifted:
        raw = item.score - item.reasons["batch shift"]  # what the model's own numbers come to
        assert raw - truth[item.index] == pytest.approx(common - item.reasons["batch shift"])


def test_the_threshold_is_applied_after_calibration(judge):
    """A harsh batch does not lose its passages to the threshold."""
    texts = [said(5, word=f"text {i}") for i in range(26)]

    def bias(prompt):
        return -2.5 if "text 3 " in prompt else 0.0

    assert len(Rebel(judge(bias=bias), (DEPTH,), anchors=0).rank("q", texts)) < 26
    ranking = Rebel(judge(bias=bias), (DEPTH,)).rank("q", texts)
    assert len(ranking) == 26 and len(set(ranking.scores)) == 1


def test_one_batch_has_no_anchors(judge):
    model = judge(bias=biased)
    ranking = Rebel(model, (DEPTH,), threshold=None).rank("q", middling(10))
    assert len(model.asked) == 1 and not any("batch shift" in item.reasons for item in ranking.kept)


def test_paper_mode_has_consecutive_batches_without_anchors(judge, forms):
    model = judge(forms["paper"])
    Rebel(model, mode="paper").rank("q", random_texts(25))
    assert [prompt.count("text ") for prompt in model.prompts] == [10, 10, 5]


# Failures


def test_a_failed_batch_is_kept_in_order_after_the_others(judge):
    texts = random_texts(26)
    ranking = Rebel(judge(fails=lambda prompt: "text 3 " in prompt), (DEPTH, CARE)).rank("q", texts)
    silent = [item for item in ranking.kept if "unscored" in item.reasons]
    assert len(silent) == 8 and [item.index for item in silent] == sorted(item.index for item in silent)
    assert list(ranking.kept)[-8:] == silent
    assert ranking.degraded == "1 of 3 batches failed: made to fail"
    assert "8 passages have no score" in ranking.repairs[0]
    check_ranking(ranking, texts)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("turns", [1, 2])
def test_all_batches_failed(mode, turns):
    with pytest.raises(ModelError, match="made to fail"):
        Rebel(FailingChat(), mode=mode, turns=turns).rank("q", ["a", "b"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "text", ["I cannot help with that.", "As of 2024 there are 17 passages, 3 of them good.", "{}", "[2] > [1]"]
)
def test_prose_leaves_the_order_as_it_was(mode, text):
    ranking = Rebel(ScriptedChat((text,)), mode=mode).rank("q", ["a", "b", "c"])
    assert [item.index for item in ranking.kept] == [0, 1, 2] and not ranking.dropped
    assert ranking.degraded == "nothing could be read in 1 of 1 answers"
    check_ranking(ranking, ["a", "b", "c"])


def test_a_reply_that_is_no_json_is_read_as_lines(judge, forms):
    texts = random_texts(9)
    ranking = Rebel(judge(forms["text"]), (DEPTH, CARE), mode="structured").rank("q", texts)
    assert [item.index for item in ranking.kept] == slow_ranking(texts, {"depth": 0.5, "care": 2.0}, 3)[0]


def test_a_passage_that_the_answer_leaves_out_is_not_lost():
    text = '{"scores": {"1": {"relevance": 5}, "3": {"relevance": 9}, "4": {"relevance": "?"}}}'
    ranking = Rebel(ScriptedChat((text,)), ()).rank("q", ["a", "b", "c", "d"])
    assert [item.index for item in ranking.kept] == [2, 0, 1, 3]
    assert ranking.scores == [9.0, 5.0, 0.0, 0.0]
    assert ranking.repairs == (
        "1 numbers missing",
        "2 passages have no score of the model's: in their order after the others",
    )


def test_a_limit_on_calls_is_kept(judge):
    model = judge()
    with pytest.raises(LimitReached):
        Rebel(model).rank("q", random_texts(50), runtime=Runtime(limits=Limits(calls=3)))
    assert not model.asked


@pytest.mark.slow
def test_thousands_of_candidates_at_once(judge):
    texts = random_texts(10_000)
    model = judge()
    ranking = Rebel(model, (DEPTH, CARE)).rank("q", texts, top_k=5)
    assert len(model.asked) == 1250 and len(ranking.rounds) == 1
    assert ranking.scores == slow_ranking(texts, {"depth": 0.5, "care": 2.0}, 3)[1][:5]


# Two turns

CRITERIA = json.dumps(
    {"criteria": [{"name": "Care", "definition": "How careful.", "high": "h", "low": "l", "weight": 1.0}]}
)


@pytest.mark.parametrize("mode", ["structured", "text"])
def test_criteria_inferred_from_the_query(judge, forms, mode):
    model = judge(forms[mode], inferred=CRITERIA)
    ranking = Rebel(model, (DEPTH, Length(least=1, weight=1.0)), turns=2, mode=mode).rank(
        "q", [said(5, 5, 1), said(5, 0, 3)]
    )
    assert [dict(item.reasons) for item in ranking.kept] == [
        {"relevance": 5, "Care": 3, "Length": 5},
        {"relevance": 5, "Care": 1, "Length": 5},
    ]
    assert ranking.scores == [13.0, 11.0] and len(ranking.rounds) == 2 and ranking.degraded is None
    assert "Question: q\n" in model.prompts[0] and "relevance=" not in model.prompts[0]
    assert (model.asked[0].schema is not None) == (mode == "structured")


@pytest.mark.parametrize("inferred", ["", "I cannot.", "[]", '{"criteria": [{"name": ""}]}'])
def test_criteria_that_cannot_be_used_leave_the_fixed_ones(judge, inferred):
    ranking = Rebel(judge(inferred=inferred), (DEPTH,), turns=2).rank("q", [said(5, 5)])
    assert "Depth" in ranking.kept[0].reasons
    assert "no criteria could be inferred: the fixed ones were used" in ranking.repairs


@pytest.mark.parametrize("mode", MODES)
def test_an_inference_that_fails_leaves_the_fixed_ones(judge, forms, mode):
    ranking = Rebel(judge(forms[mode], fails=lambda prompt: "Document 1:\n " not in prompt and "<passage>" not in prompt),
                    (DEPTH,), turns=2, mode=mode).rank("q", [said(5, 5)])  # fmt: skip
    assert ranking.degraded == "criteria could not be inferred: made to fail"
    assert ranking.scores == [7.5]


@pytest.mark.parametrize("mode", MODES)
def test_inference_is_cached_by_the_query(judge, forms, mode):
    """The ask holds the query and nothing of the passages: a second time it is a hit, and no call."""
    model = judge(forms[mode], inferred=CRITERIA if mode != "paper" else "Doc Relevance {context_str} {query_str}")
    rebel, runtime = Rebel(model, turns=2, mode=mode), Runtime(cache=MemoryCache())
    first = rebel.rank("q", [said(5)], runtime=runtime)
    second = rebel.rank("q", [said(6), said(7)], runtime=runtime)
    other = rebel.rank("another", [said(8)], runtime=runtime)
    assert [(r.usage.calls, r.usage.hits) for r in (first, second, other)] == [(2, 0), (1, 1), (2, 0)]


def test_the_same_query_many_times_at_once_infers_once(judge):
    model = judge(inferred=CRITERIA)
    Rebel(model, turns=2).rank_many([("q", [said(i)]) for i in range(10)])
    assert sum("<passage>" not in prompt for prompt in model.prompts) == 1


def test_many_queries_at_once_keep_their_own_criteria(judge):
    """Nothing is written onto the reranker: each plan has its own criteria, in threads and in a loop."""
    texts = [said(5, 1, 2)]

    def inferred(prompt):
        return json.dumps([{"name": prompt.partition("Question: ")[2].split("\n")[0], "weight": 1}])

    rebel = Rebel(judge(inferred=inferred), turns=2)
    queries = ["depth", "care"] * 20
    many = rebel.rank_many([(query, texts) for query in queries])
    alone = [rebel.rank(query, texts) for query in queries[:2]]

    async def together():
        return await asyncio.gather(*(rebel.arank(query, texts) for query in queries))

    for rankings in (many, asyncio.run(together())):
        assert [set(r.kept[0].reasons) for r in rankings] == [{"relevance", query} for query in queries]
        assert [r.scores for r in rankings[:2]] == [r.scores for r in alone] == [[6.0], [7.0]]


def test_sync_and_async_agree(judge):
    texts = random_texts(33)
    rebel = Rebel(judge(bias=biased), (DEPTH,))
    assert asyncio.run(rebel.arank("q", texts)).kept == rebel.rank("q", texts).kept


# As a value


def test_settings_are_checked(judge):
    model = judge()
    for wrong in ({"mode": "loud"}, {"turns": 3}, {"below": "hide"}, {"threshold": 11}, {"anchors": 10}, {"anchors": -1}, {"words": 0},
                  {"depth": -1}, {"max_tokens": 0}, {"batch_size": 0}, {"criteria": (DEPTH, DEPTH)}, {"criteria": ("Depth",)}):  # fmt: skip
        with pytest.raises(InputError):
            Rebel(model, **wrong)
    with pytest.raises(InputError):
        Rebel("gpt-4o")


def test_writes_itself_down_with_criteria_of_every_kind_but_functions():
    criteria = (DEPTH, Recency("when", 30), Authority("source", {"a": 1, "b": 2}), Length(3, 4))
    rebel = Rebel(ConstantChat(), criteria, metadata_keys=("when",))
    data = json.loads(json.dumps(rebel.to_dict()))
    assert [each["kind"] for each in data["criteria"]] == ["judged", "recency", "authority", "length"]
    again = from_dict({**{k: v for k, v in data.items() if k != "model"}}, models=[ConstantChat()])
    assert again == rebel and hash(again) == hash(rebel)
    with pytest.raises(InputError, match="cannot be written down"):
        Rebel(ConstantChat(), (Computed("x", len),)).to_dict()


def test_criteria_from_json_need_no_kind_when_a_model_judges_them():
    settings = {"criteria": [{"name": "Depth", "weight": 1.0}, {"kind": "recency", "key": "when"}]}
    rebel = load("rebel", settings, models=[ConstantChat()])
    assert rebel.criteria == (Criterion("Depth", weight=1.0), Recency("when"))
    for wrong in ([{"kind": "magic", "name": "x"}], [{"kind": "recency", "colour": "red"}], [{"weight": 1}]):
        with pytest.raises(InputError):
            load("rebel", {"criteria": wrong}, models=[ConstantChat()])


def test_default_criteria_are_the_papers():
    assert Rebel(ConstantChat()).criteria == PAPER_CRITERIA
