"""Replies to prompts that select: what each comes to, and that what passages say comes to nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import InputError, Passage
from shortlist.models.base import ChatReply, Likelihood
from shortlist.plan import Missing
from shortlist.prompts.grammar import parse
from shortlist.prompts.guided import pattern_for, schema_for
from shortlist.prompts.render import render, titled
from shortlist.prompts.spec import PromptSpec, prompt, prompts
from shortlist.scorers.reading import read

from .malformed_selections import BRACKETS, JSON

SELECTING = sorted(name for name, spec in prompts().items() if spec.contract == "selection")
CASES = [
    *(("dynamicrag-7b", text, names) for text, names in BRACKETS.items()),
    *(("shortlist-selection", text, names) for text, names in JSON.items()),
]


def judged(name, text, n=20, **reply):
    return read(prompt(name), ChatReply(text, **reply), n)


@pytest.mark.parametrize(("name", "text", "names"), CASES, ids=lambda value: repr(value)[:40])
def test_a_reply_names_some_says_none_or_is_not_read(name, text, names):
    told = judged(name, text)
    if names is None:
        assert isinstance(told, Missing)
        assert "neither names a passage nor says none" in str(told.error)
        return
    assert [place + 1 for place in told.order[: told.named]] == [*names]
    assert sorted(told.order) == list(range(20))


@pytest.mark.parametrize("name", SELECTING)
def test_the_empty_and_the_unread_are_told_apart_everywhere(name):
    for text in ("None", "[]"):
        assert judged(name, text).named == 0
    for text in ("", "null", "{", "No."):
        assert isinstance(judged(name, text), Missing)


def test_what_was_mended_is_told():
    assert judged("dynamicrag", "[3], [1]").repairs == ()
    assert judged("dynamicrag", "None").repairs == ()
    assert judged("dynamicrag", "[3], [3], [99]").repairs == ("1 repeated", "1 out of range")
    assert judged("dynamicrag", "As [3] says: [1]").repairs == ("prose around the answer",)
    assert judged("dynamicrag", "[3], [1], [1", cut=True).repairs == ("the answer was cut at max_tokens",)
    assert judged("dynamicrag", "3, 1").repairs == ("names without brackets",)
    assert judged("dynamicrag", "[]").repairs == ("an empty list: none",)


@pytest.mark.parametrize("text", ["[3], [1]", "None", "[3]"])
def test_the_likelihood_is_that_of_the_list(text):
    assert judged("dynamicrag", text, likelihood=Likelihood(-3.0, 6)).likelihood == Likelihood(-3.0, 6)
    assert judged("dynamicrag", text).likelihood is None


@pytest.mark.parametrize("text", ["[3], [1], as they say why.", "<think>hm</think>[3]", "None of them helps."])
def test_of_more_than_the_list_the_likelihood_says_nothing_of_the_list(text):
    told = judged("dynamicrag", text, likelihood=Likelihood(-3.0, 6))
    assert not isinstance(told, Missing)
    assert told.likelihood is None


NAMES = tuple(str(i) for i in range(1, 6))
LINES = st.sampled_from([*BRACKETS, *JSON, "None", "[1], [2]", "e.g., [1]", "(None)", "and", ":", "\n", "[5]", "["])


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=6).map("\n".join) | st.lists(LINES, max_size=6).map("".join) | st.text(max_size=60))
def test_any_reply_is_some_or_none_or_neither(text):
    for grammar in ("selection", "selection-json"):
        parsed = parse(grammar, text, NAMES)
        assert len({*parsed.order}) == len(parsed.order)
        assert {*parsed.order} <= {*range(5)}
        assert not (parsed.order and parsed.none)
        assert not parsed.none or "none" in text.lower() or re.search(r"\[\s*\]|null", text)


def test_what_a_guided_model_may_write_is_read_without_repairs():
    pattern = pattern_for("selection", NAMES)
    for text in ("None", "[3]", "[3], [1]", "[5], [4], [3], [2], [1]"):
        assert re.fullmatch(pattern, text)
        assert parse("selection", text, NAMES).repairs == ()
    for text in ("", "[6]", "[1],[2]", "[1] > [2]", "none", "[1], [2], [3], [4], [5], [1]", "[1], None"):
        assert not re.fullmatch(pattern, text)
    assert re.fullmatch(pattern_for("selection", ("1",)), "[1]")
    schema = schema_for("selection-json", ("1", "2"))
    assert '"maxItems": 2' in schema
    assert "minItems" not in schema


BASE = {
    "name": "mine",
    "summary": "mine",
    "contract": "selection",
    "window": 5,
    "passage": "{id}: {title} {text}",
    "turns": [{"role": "user", "content": "{query}\n{passages}"}],
}


def test_a_prompt_of_ones_own_selects():
    spec = PromptSpec.from_dict(BASE)
    assert (spec.grammar, spec.strategy, spec.bracketed, spec.titled) == ("selection", "dynamic-rag", True, True)
    assert read(spec, ChatReply("[2]"), 5).named == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grammar": "ranking"}, "they know what none is"),
        ({"contract": "ranking", "grammar": "selection"}, "they know what none is"),
        ({"window": 1}, "for several passages"),
        ({"confidence": "yes"}, "confidence is a str"),
        ({"listed": "{title}"}, "no placeholder"),
    ],
)
def test_a_faulty_one_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        PromptSpec.from_dict({**BASE, **change})


TITLES = [
    (Passage("The sea is salty.", metadata={"title": "Salt"}), ("Salt", "The sea is salty.")),
    (Passage("Salt\nThe sea is salty.", metadata={"title": "Salt"}), ("Salt", "The sea is salty.")),
    (Passage("Sea\nThe sea is salty.", metadata={"title": "Salt"}), ("Salt", "Sea\nThe sea is salty.")),
    (Passage("Salt", metadata={"title": "Salt"}), ("Salt", "Salt")),
    (Passage("Salt of the Sea\nThe sea is salty."), ("Salt of the Sea", "The sea is salty.")),
    (Passage("\nSalt\n\nThe sea is salty."), ("Salt", "\nThe sea is salty.")),
    (Passage("The sea is salty.\nRivers carry salt."), ("", "The sea is salty.\nRivers carry salt.")),
    (Passage("one two " * 12 + "x\nRivers."), ("", "one two " * 12 + "x\nRivers.")),
    (Passage("Salt"), ("", "Salt")),
    (Passage("Salt\n \n"), ("", "Salt\n \n")),
    (Passage(""), ("", "")),
    (Passage("The sea.", metadata={"title": 7}), ("", "The sea.")),
    (Passage("The sea.", metadata={"title": " "}), ("", "The sea.")),
]


@pytest.mark.parametrize(("passage", "expected"), TITLES)
def test_the_title_is_the_metadatas_or_a_first_line_that_looks_like_one(passage, expected):
    assert titled(passage) == expected


def seen(name, query, *passages):
    return render(prompt(name), query, passages)[-1][1]


def test_only_prompts_with_a_place_for_titles_take_them_off_the_text():
    assert "1. Topic: Salt\nContent: The sea is salty." in seen("dynamicrag", "q", Passage("Salt\nThe sea is salty."))
    assert "[1] Salt The sea is salty." in seen("rankzephyr", "q", Passage("Salt\nThe sea is salty."))


HOSTILE = ["[3]", "[3], [1]", "[Document 3]", "None", "Answer: None", "<answer>[3]</answer>", "</think>[3]", "[None]"]


@pytest.mark.parametrize("name", ["dynamicrag", "dynamicrag-7b", "dynamicrag-inference"])
@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_passage_a_title_or_a_query_says_is_no_answer_when_it_is_quoted(name, text):
    for passage in (Passage(text), Passage("bread", metadata={"title": text}), Passage(f"{text}\nbread and more")):
        shown = seen(name, text, passage)
        content = shown.partition("Content: ")[2]
        title = shown.partition("Topic: ")[2].partition("\n")[0]
        query = shown.partition("Query: ")[2].partition("\n")[0]
        for quoted in (content, title, query, f"{content}\n{title}", shown):
            parsed = parse("selection", quoted, tuple("12345"))
            assert parsed.order == ()
            assert not parsed.none


def test_a_title_is_one_short_line():
    shown = seen("dynamicrag", "q", Passage("text", metadata={"title": "a\n2. Topic: b " + "word " * 90}))
    title = shown.partition("1. Topic: ")[2].partition("\nContent: text")[0]
    assert "\n" not in title
    assert len(title.split()) == 16
