"""What guided decoding allows is what the grammar reads, whole and without repairs."""

import json
import random
import re

import pytest

from shortlist.prompts.grammar import GRAMMARS, parse
from shortlist.prompts.guided import pattern_for, schema_for

IDS = tuple("ABCDE")
SCALE = tuple(str(value) for value in range(11))


def test_an_order_holds_every_name_of_the_window_and_no_other():
    schema = json.loads(schema_for("order-json", ("1", "2", "3")))
    assert schema["required"] == ["ranking"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["ranking"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["1", "2", "3"]},
        "minItems": 3,
        "maxItems": 3,
    }


def test_scores_have_one_required_field_a_name():
    schema = json.loads(schema_for("score-map", ("1", "2")))
    assert schema["required"] == list(schema["properties"]) == ["1", "2"]
    assert schema["properties"]["1"] == {"type": "number", "minimum": 0, "maximum": 10}
    assert schema["additionalProperties"] is False
    assert parse("score-map", json.dumps(dict.fromkeys(schema["required"], 4.5)), ("1", "2")).repairs == ()


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_there_is_at_most_one_kind_of_guide_and_none_of_nothing(grammar):
    assert None in (schema_for(grammar, IDS), pattern_for(grammar, IDS))
    assert schema_for(grammar, ()) is None
    assert pattern_for(grammar, ()) is None


WHOLE = [
    ("ranking", "[B] > [A] = [E] > [D] > [C]"),
    ("pick", "Passage B"),
    ("pick", "B"),
    ("pick", "[B]"),
    ("answer", "<think>[A]?\nno</think>\n<answer>[B]</answer>"),
    ("answer", "<answer>[B]</answer>"),
]


@pytest.mark.parametrize(("grammar", "text"), WHOLE)
def test_an_answer_that_the_pattern_allows_is_read_without_repairs(grammar, text):
    assert re.fullmatch(pattern_for(grammar, IDS), text)
    parsed = parse(grammar, text, IDS)
    assert parsed.order[0] == 1
    assert parsed.repairs == ()


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        ("ranking", "[B] > [A]"),
        ("ranking", "[B] > [A] > [E] > [D] > [F]"),
        ("ranking", "Sure: [B] > [A] > [E] > [D] > [C]"),
        ("pick", "Passage F"),
        ("pick", "[B"),
        ("answer", "B"),
        ("answer", "<answer>[F]</answer>"),
    ],
)
def test_strangers_and_short_answers_are_not_allowed(grammar, text):
    assert not re.fullmatch(pattern_for(grammar, IDS), text)


@pytest.mark.parametrize("value", SCALE)
def test_numbers(value):
    pattern = pattern_for("number", SCALE)
    for text in (value, f"<think>3 or 4?\n</think>\n<answer>{value}</answer>"):
        assert re.fullmatch(pattern, text)
        assert parse("number", text, SCALE).scores == {int(value): float(value)}
    assert not re.fullmatch(pattern, value + "1")


def test_names_are_taken_as_they_are():
    assert re.fullmatch(pattern_for("pick", ("a.b", "c|d")), "a.b")
    assert not re.fullmatch(pattern_for("pick", ("a.b", "c|d")), "axb")
    assert json.loads(schema_for("order-json", ('"', "é")))["properties"]["ranking"]["items"]["enum"] == ['"', "é"]


def test_every_full_ranking_is_allowed():
    chance = random.Random(1)
    for _ in range(50):
        order = chance.sample(range(5), 5)
        text = " > ".join(f"[{IDS[place]}]" for place in order)
        assert re.fullmatch(pattern_for("ranking", IDS), text)
        assert parse("ranking", text, IDS).order == tuple(order)
