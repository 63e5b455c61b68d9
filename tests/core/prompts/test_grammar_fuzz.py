"""Replies made well, then damaged at random: never an exception, always a permutation, never a name from nowhere."""

import json
import math
import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.prompts.grammar import GRAMMARS, Parsed, completed, parse
from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.safety import cleaned, fenced

NUMBERS = tuple(str(number) for number in range(1, 21))
LETTERS = tuple("ABCDEFGHIJKLMNOPQRST")
SCALE = tuple(str(value) for value in range(11))
OTHER = ("doc-7a", "x/y", "", "é", "1", "doc-7a")
REPLIES = 100_000

NOISE = [
    *"[]{}()<>=:,;\"'\\/|*`_-~. \n\t\r\x00\x85\ud800٣３1234567890ABZabé✓🌊",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<reason>",
    "```json\n",
    "[3]",
    "[0]",
    "[-1]",
    "[999999999999999999999]",
    "[2.5]",
    " > ",
    " = ",
    "&gt;",
    "NaN",
    "1e999",
    "null",
    "Doc: ",
    "Doc: 3, Relevance: ",
    "Passage ",
    "PASSAGE",
    "Score: ",
    "In 2019, the top 20 passages",
    "Error code: 429 - 8192 tokens",
    "None",
    "\u2028",
    "[" * 40,
    "{" * 40,
    "\nNone\n",
    "[], [1]",
    '{"selected": [',
]


def _ranking(order, ids):
    return " > ".join(f"[{ids[place]}]" for place in order)


def _scores(order, ids):
    return json.dumps({f"[{ids[place]}]": len(order) - rank for rank, place in enumerate(order)})


def _lines(order, ids):
    return "\n".join(f"Doc: {ids[place]}, Relevance: {20.5 - rank}" for rank, place in enumerate(order))


WELL_FORMED: dict[str, Callable[..., str]] = {
    "ranking": _ranking,
    "names": lambda order, ids: ", ".join(f"PASSAGE{ids[place]}" for place in order),
    "order-json": lambda order, ids: json.dumps({"ranking": [ids[place] for place in order]}),
    "selection": lambda order, ids: ", ".join(f"[{ids[place]}]" for place in order),
    "selection-json": lambda order, ids: json.dumps({"selected": [ids[place] for place in order]}),
    "answer": lambda order, ids: f"<answer>[{ids[order[0]]}]</answer>",
    "pick": lambda order, ids: f"Passage {ids[order[0]]}",
    "score-map": _scores,
    "number": lambda order, ids: f"Score: {ids[order[0]]}",
    "doc-lines": _lines,
}
PICKS = {"answer", "pick", "number"}
AROUND = [
    "{}",
    "<think>It is [4], or 4 > [2].</think>\n{}",
    "Of the 20 passages of 2019:\n{}",
    "<answer>{}</answer>",
    "{}\n\n",
]


def window(grammar: str, chance: random.Random):
    return SCALE if grammar == "number" else chance.choice([NUMBERS, LETTERS])


def reply(grammar: str, ids, chance: random.Random) -> tuple[str, tuple[int, ...]]:
    """A well-formed reply, and what it says."""
    order = tuple(chance.sample(range(len(ids)), chance.randint(2, len(ids))))
    return WELL_FORMED[grammar](order, ids), order[:1] if grammar in PICKS else order


def damaged(text: str, chance: random.Random) -> str:
    """The text after one to six accidents."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.randint(0, 12))
        match chance.randrange(6):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + text[start:]
            case 2:
                text = text[:start] + chance.choice(NOISE) + text[start:]
            case 3:
                text = text[:start] + chance.choice(NOISE) + text[end:]
            case 4:
                text = text[:start]
            case 5:
                text = text[start:] + text[:start]
    return text


def check(parsed: Parsed, ids) -> None:
    n = len(ids)
    assert len(set(parsed.order)) == len(parsed.order)
    assert all(0 <= place < n for place in parsed.order)
    assert sorted(completed(parsed.order, n)) == list(range(n))
    assert all(place in parsed.order and math.isfinite(score) for place, score in parsed.scores.items())
    assert all(isinstance(repair, str) and repair for repair in parsed.repairs)
    assert parsed.order or parsed.repairs or parsed.none
    assert not (parsed.order and parsed.none)


@pytest.mark.slow
def test_a_hundred_thousand_replies():
    chance = random.Random(20250411)
    named = 0
    for turn in range(REPLIES):
        grammar = GRAMMARS[turn % len(GRAMMARS)]
        ids = window(grammar, chance)
        if chance.random() < 0.75:
            text = damaged(reply(chance.choice(GRAMMARS) if chance.random() < 0.1 else grammar, ids, chance)[0], chance)
        else:
            text = "".join(chance.choice(NOISE) for _ in range(chance.randint(0, 40)))
        if chance.random() < 0.05:
            ids = chance.choice([(), ids[:1], OTHER])
        parsed = parse(grammar, text, ids)
        check(parsed, ids)
        named += bool(parsed.order)
    assert named > REPLIES / 3  # accidents leave much to be read, so that much was read


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_what_is_well_formed_is_read_as_it_is_meant(grammar):
    chance = random.Random(7)
    for _ in range(100):
        ids = window(grammar, chance)
        text, order = reply(grammar, ids, chance)
        around = [each for each in AROUND if grammar != "answer" or "answer" not in each]
        assert parse(grammar, chance.choice(around).format(text), ids).order == order


NAMES_NOWHERE = [
    "selection",
    "selection-json",
    "names",
    "pick",
    "ranking",
    "order-json",
    "answer",
    "score-map",
    "doc-lines",
]
WORDS = "In 2019 A I top 20 passages of 12 were B-rated by 429 users (see 3.5, 8192 or 7%), of types a b c".split()


@pytest.mark.parametrize("grammar", NAMES_NOWHERE)
def test_prose_names_nothing(grammar):
    chance = random.Random(11)
    for _ in range(300):
        text = " ".join(chance.choice(WORDS) for _ in range(chance.randint(3, 60))) + " passages."
        assert parse(grammar, text, chance.choice([NUMBERS, LETTERS])).order == (), text


ANY_TEXT = st.text(st.characters(), max_size=80) | st.lists(st.sampled_from(NOISE), max_size=30).map("".join)
ANY_IDS = st.sampled_from([NUMBERS, LETTERS, SCALE, OTHER, (), ("1",)]) | st.lists(st.text(max_size=5), max_size=6).map(
    tuple
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(GRAMMARS), ANY_TEXT, ANY_IDS)
def test_any_text_in_any_grammar(grammar, text, ids):
    check(parse(grammar, text, ids), ids)
    assert parse(grammar, text, ids) == parse(grammar, text, list(ids))


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
def test_any_text_as_json_and_in_a_prompt(text):
    json.dumps(loose_json(text), allow_nan=False)
    once = cleaned(text, brackets=True, words=20, one_line=True)
    assert cleaned(once, brackets=True, words=20, one_line=True) == once
    once.encode("utf-8")
    assert not re.search(r"</passage(?![\w-])", fenced(text + "</passage>"), re.IGNORECASE)
    # In words of its own: a reply that begins with `1]` goes on with a bracket that stood in the prompt.
    assert parse("ranking", f"It says: {once}", NUMBERS).order == () or re.search("[>=≥≻→]|&gt;", once)


REPEATED = [
    "[",
    "[1",
    "[1] > ",
    "1 > ",
    ">=",
    "{",
    '{"a":',
    '["',
    "<answer>",
    "Doc: 1,",
    "Passage A ",
    " ",
    "\n",
    "`",
    "```\n",
]


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("grammar", GRAMMARS)
@pytest.mark.parametrize("piece", REPEATED)
def test_a_long_repetition_is_read_to_its_end(grammar, piece):
    """One that went over the text once for each place in it would not come back before the runner's own limit."""
    check(parse(grammar, piece * (150_000 // len(piece)), NUMBERS), NUMBERS)
