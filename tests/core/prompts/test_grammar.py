"""What each grammar reads, and what it leaves alone."""

import json
import math
import random

import pytest

from shortlist import InputError
from shortlist.prompts.grammar import GRAMMARS, SELECTIONS, completed, parse
from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.replies import LIMIT

NUMBERS = tuple(str(number) for number in range(1, 21))
LETTERS = tuple("ABCDEFGHIJKLMNOPQRST")
SCALE = tuple(str(value) for value in range(11))


def named(grammar, text, ids=NUMBERS):
    """The names that a reply comes to, separated by spaces."""
    return " ".join(ids[place] for place in parse(grammar, text, ids).order)


def repairs(grammar, text, ids=NUMBERS):
    return parse(grammar, text, ids).repairs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2] > [1] > [3]", "2 1 3"),
        ("[2]>[1]>[3]", "2 1 3"),
        ("[20] > [3]", "20 3"),
        ("[2] > [4] = [1] > [3]", "2 1 4 3"),  # tied ones come as they came
        ("[3] = [2] = [1]", "1 2 3"),
        ("[2] > [1]\n> [3]", "2 1 3"),
        ("[2] &gt; [1]", "2 1"),
        ("**[2]** > **[1]**", "2 1"),
        ("```\n[2] > [1]\n```", "2 1"),
        ("[[2]] > [[1]]", "2 1"),
        ("[2, 1, 3]", "2 1 3"),
        ("[2 > 1 > 3]", "2 1 3"),
        ("[[2], [1]]", "2 1"),
        ('["2", "1"]', "2 1"),
        ("[2] [1] [3]", "2 1 3"),
        ("1. [3]\n2. [1]\n3. [2]", "3 1 2"),
        ("- [3]\n- [1]", "3 1"),
        ("2 > 1 > 3", "2 1 3"),
        ("Ranking: 2 > 1 > 3.", "2 1 3"),
        ("[2] > 1 > [3]", "2 1 3"),
        ("[Passage 2] > [passage 1]", "2 1"),
        ("[02] > [1]", "2 1"),
        ("2] > [1] > [3]", "2 1 3"),  # the prompt ended with the first bracket
        ("[2] > [1] > [", "2 1"),
        ("[2] > [1] > [3", "2 1"),  # may have been 30
        ("[5]", "5"),
        ("The best one is [5].", "5"),
        ("<answer>[2] > [1]</answer>", "2 1"),
        ("[2] > [1]<|im_end|>", "2 1"),
    ],
)
def test_rankings(text, expected):
    assert named("ranking", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[B] > [A] > [C]", "B A C"),
        ("[b] > [a]", "B A"),
        ("B > A = C", "B A C"),
        ("B] > [A", "B"),
        ("A passage about I and B is best", ""),
        ("I would put A first.", ""),
        ("[Passage C] > [Passage A]", "C A"),
        ("[citation needed] [sic]", ""),
        ("[docs] [text]", ""),
    ],
)
def test_rankings_of_letters(text, expected):
    assert named("ranking", text, LETTERS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The last full one of several, not a fragment that explains it, and not an example before it.
        ("The format is [1] > [2].\n[3] > [2] > [1]", "3 2 1"),
        ("[1] > [2] > [3]\nWait. [3] > [2] > [1]", "3 2 1"),
        ("[4] > [3] > [2] > [1]\n\nI put [4] over [3] as it is newer, and [9] last.", "4 3 2 1"),
        ("[4] > [3] > [2] > [1] > [5]\nNote that [1] > [5].", "4 3 2 1 5"),
        ("Of [1], [2], [3] I say: [3] > [1]", "3 1"),
        ("As [2] says, and [1] does not, yes.", "2 1"),
        # Numbers of prose are never names.
        ("In 2019 there were 3 of them, 7 > 5 was shown, and 12 of 20.", ""),
        ("Here are the top 20 passages.", ""),
        ("[2019] > [3]", "3"),
        ("x[3.5] and [1-4]", ""),
        ("None", ""),
    ],
)
def test_a_ranking_in_prose(text, expected):
    assert named("ranking", text) == expected


@pytest.mark.parametrize("ids", [NUMBERS, LETTERS, ("doc-7a", "x/y", "z"), (), ("1",), ("", "2"), ("1", "1")])
@pytest.mark.parametrize("grammar", GRAMMARS)
def test_any_window_and_nothing_to_read(grammar, ids):
    for text in ("", " \n", "None", "null", "[]", "{}", "<answer></answer>", "I cannot help with that."):
        parsed = parse(grammar, text, ids)
        assert parsed.order == ()
        assert parsed.scores == {}
        assert parsed.none == (grammar in SELECTIONS and text in ("None", "[]"))
        assert parsed.none or parsed.repairs[-1] in {"nothing named", "the reply is empty"}


def test_names_of_any_kind():
    assert named("ranking", "[x/y] > [doc-7a]", ("doc-7a", "x/y", "z")) == "x/y doc-7a"
    assert named("order-json", '["z", "doc-7a"]', ("doc-7a", "x/y", "z")) == "z doc-7a"
    assert named("score-map", '{"z": 1, "[x/y]": 2}', ("doc-7a", "x/y", "z")) == "x/y z"
    assert named("pick", "x/y", ("doc-7a", "x/y", "z")) == "x/y"


def test_what_is_wrong_is_counted():
    said = repairs("ranking", "Sure: [2] > [1] > [2] > [2] > [21] > [0] > [-1]", ("1", "2", "3"))
    assert said == ("prose around the answer", "2 repeated", "3 out of range", "1 missing")
    assert repairs("ranking", "[2] > [3] > [1]", ("1", "2", "3")) == ()


THINKING = [
    "<think>[9] > [8]</think>{}",
    "<think>\n\n</think>\n\n{}",
    "[9] > [8] > [7] > [6] > [5] and so on</think>{}",  # the template opened it
    "<THINK>[9]</THINK> {}",
    "<thinking>[9] > [8]</thinking>{}",
    "<reason>[9] > [8] > [7]</reason>\n<answer>{}</answer>",
    "<think>[9]</think>hm<think>[8] > [9]</think>{}",
    "<think>[9]<think>[8]</think>[7] > [6]</think>{}",
    "[9] > [8] > [7] > [6] > [5]<think>[8]</think>[7] > [6]</think>{}",
    "<|channel|>analysis<|message|>[9] > [8]<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "[THINK][9] > [8][/THINK]{}",
    "<|START_THINKING|>[9] > [8]<|END_THINKING|>{}",
    "◁think▷[9] > [8]◁/think▷{}",
    "{}<reason>[9] > [8] > [7]</reason>",
    "{}<think>[9] > [8] > [7]",
]


@pytest.mark.parametrize("template", THINKING)
def test_thinking_is_not_read(template):
    assert named("ranking", template.format("[2] > [1]")) == "2 1"


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_thinking_that_was_not_finished_is_said_and_not_read(grammar):
    said = 'Passage 3, [3] > [1], PASSAGE3, {"[1]": 5, "ranking": [1]}, Score: 3, Doc: 3, Relevance: 3'
    parsed = parse(grammar, f"<think>{said}", NUMBERS)
    assert parsed.order == ()
    assert parsed.repairs == ("thinking was not finished", "the reply is empty")


@pytest.mark.parametrize(
    "text",
    [
        "<answer>[2] > [1]</answer>",
        "<ANSWER> [2] > [1] </ANSWER> as asked; [7] > [8] > [9] were bad",
        "[7] > [8] > [9] <answer>[2] > [1]",
        "Between <answer></answer> tags: <answer>[2] > [1]</answer>",
        "<answer>[9] > [8]</answer> no: <answer>[2] > [1]</answer>",
        "[2] > [1]</answer>",  # the prompt opened it
    ],
)
def test_the_answers_tags_are_preferred(text):
    assert named("ranking", text) == "2 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PASSAGE3, PASSAGE1", "3 1"),
        ("[PASSAGE3, PASSAGE1]", "3 1"),
        ("PASSAGE3, PASSAGE1]", "3 1"),
        ("['PASSAGE3', 'PASSAGE1']", "3 1"),
        ("PASSAGE3 > PASSAGE1", "3 1"),
        ("Passage 3\nPassage 1", "3 1"),
        ("1. PASSAGE3\n2. PASSAGE1", "3 1"),
        ("SORTED_PASSAGES = [PASSAGE3, PASSAGE12]", "3 12"),
        ("PASSAGES: the top 20 passages of 2019", ""),
        ("PASSAGE3rd", ""),
        ("[3] > [1]", "3 1"),
    ],
)
def test_names(text, expected):
    assert named("names", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"ranking": ["3", "1"]}', "3 1"),
        ('{"ranking": [3, 1]}', "3 1"),
        ('{"ranking": [3.0, "[1]", "Passage 2", {"id": "4"}]}', "3 1 2 4"),
        ('["3", "1"]', "3 1"),
        ("[3, 1]", "3 1"),
        ('```json\n{"ranking": ["3", "1"],}\n```', "3 1"),
        ('Sure! {"ranking": ["3", "1"]} Hope this helps with [2] and [4] and [5].', "3 1"),
        ("{'ranking': ['3', '1']}", "3 1"),
        ('{"why": "x", "order": ["3", "1"]}', "3 1"),
        ('{"ranking": ["3", "1", "1', "3 1"),
        ('{"ranking": [3, 1', "3"),
        ('{"ranking": [true, null, 3, "3", [1], 99, -1, 0, 2.5]}', "3 1"),
        ('{"ranking": []}', ""),
        ('{"ranking": "none"}', ""),
        ("[3] > [1] > [2]", "3 1 2"),
    ],
)
def test_orders_in_json(text, expected):
    assert named("order-json", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>[1]</think> <answer>[3]</answer>", "3"),
        ("<answer>3</answer>", "3"),
        ("<answer>Passage 3</answer>", "3"),
        ("<answer>[3] > [1]</answer>", "3"),
        ("[3]</answer>", "3"),
        ("The answer is [3].", "3"),
        ("<answer>none</answer> but [3] is nice", ""),
        ("<answer>[21]</answer>", ""),
        ("<answer>In 2019, 3 of them</answer>", ""),
    ],
)
def test_answers(text, expected):
    assert named("answer", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Passage B", "B"),
        ("B", "B"),
        ("b", "B"),
        ("[B]", "B"),
        ("(B)", "B"),
        (' "B". ', "B"),
        ("**B**", "B"),
        ("passage B.", "B"),
        ("Option B", "B"),
        ("Answer: B", "B"),
        ("The most relevant passage is B.", "B"),
        ("The most relevant passage: Passage B", "B"),
        ("B. It is about tides, Passage A is not.", "B"),
        ("B\n\nPassage A is about bread, and Passage C too.", "B"),
        ("Passage B is more relevant than Passage A.", "B"),
        ("Of Passage A and Passage B I choose Passage B, for Passage A is old.", "B"),
        ("Passage A is not the most relevant. Passage B is the best.", "B"),
        ("Passage B it is. Passage A is less relevant and no better.", "B"),
        ("I like [C].", "C"),
        ("Z", ""),
        ("Passage Z", ""),
        ("A passage that I saw", ""),
        ("This is a", ""),
        ("I cannot say. A lot of it is B-rated.", ""),
        ("Passage A's title", ""),
        ("Document Apple", ""),
    ],
)
def test_picks(text, expected):
    assert named("pick", text, LETTERS) == expected


def test_picks_of_numbers():
    assert named("pick", "3") == "3"
    assert named("pick", "Passage 3") == "3"
    assert named("pick", "1. Passages of 2019 were read.\n2. Nothing in 12 of them.") == ""
    assert repairs("pick", "[3] or [4]") == ("2 named, one taken",)
    assert repairs("pick", "[33]") == ("1 out of range", "nothing named")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"[1]": 5, "[2]": 9, "[3]": 5}', {1: 9, 0: 5, 2: 5}),
        ('{"2": 9.5, "1": "5", "3": "7/10"}', {1: 9.5, 2: 7, 0: 5}),
        ('<reason>[1] is 9</reason><answer>```json\n{"[1]": 5, "[2]": 6}\n```</answer>', {1: 6, 0: 5}),
        ("{[1]: 5, [2]: 6,}", {1: 6, 0: 5}),
        ("{1: 5, 2: 6}", {1: 6, 0: 5}),
        ('{"scores": {"[1]": 5, "[2]": 6}}', {1: 6, 0: 5}),
        ('[{"id": 1, "score": 5}, {"id": "[2]", "score": 6}]', {1: 6, 0: 5}),
        ('{"1": {"score": 5, "why": "x"}}', {0: 5}),
        ('[{"[1]": 5}, {"[2]": 6}]', {1: 6, 0: 5}),
        ("[1]: 5\n[2]: 6.5", {1: 6.5, 0: 5}),
        ("Passage 1: 5, Passage 2: 6", {1: 6, 0: 5}),
        ('{"[1]": 5, "[2]": 6', {0: 5}),  # may have been 60
        ('{"[1]": 5, "[2]": high, "[3]": NaN, "[4]": null, "[5]": true, "[6]": 1e999, "[7]": [2]}', {0: 5}),
        ('{"[0]": 9, "[-1]": 9, "[21]": 9, "[1]": 5}', {0: 5}),
        ('{"[1]": 5, "[1]": 9, "1": 9, "01": 9}', {0: 5}),
        ('{"error": {"code": 429, "message": "8192"}}', {}),
        ("In 2019: 5, at 12:30 = 7", {}),
        ("[5, 9, 3]", {}),
    ],
)
def test_score_maps(text, expected):
    parsed = parse("score-map", text, NUMBERS)
    assert parsed.scores == expected
    assert parsed.order == tuple(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("7.", 7),
        ("**7**", 7),
        ("7.5", 7.5),
        ("7/10", 7),
        ("10", 10),
        ("<think>3</think><answer>7</answer>", 7),
        ("<answer>Score: 7</answer>", 7),
        ("<answer>I give 7</answer>", 7),
        ("Score: 7", 7),
        ("Relevance score = 7 because of 3 things", 7),
        ('{"score": 7}', 7),
        ("\\boxed{7}", 7),
        ("It has 3 facts.\n7", 7),
        ("I would say 7 out of 10.", 7),
        ("The relevance is a 7", 7),
        ("Score: 3? No. Score: 7", 7),
        ("11", None),
        ("-1", None),
        ("Score: -1", None),
        ("a score of 0~10", None),
        ("rated 0-10", None),
        ("Error code: 429 after 3 tries", None),
        ("There are 3 facts in it", None),
        ("<answer>3 or 4</answer>", None),
        ("NaN", None),
        ("9" * 5000, None),
        ("٧", None),
    ],
)
def test_numbers(text, expected):
    parsed = parse("number", text, SCALE)
    assert list(parsed.scores.values()) == ([] if expected is None else [expected])
    assert parsed.order == (() if expected is None else (math.floor(expected),))


def test_a_number_goes_to_the_nearest_allowed_value():
    assert named("number", "0.8", ("0", "1", "2", "3")) == "1"
    assert parse("number", "Score: 3", ("low", "high")).order == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Doc: 3, Relevance: 12.5\nDoc: 1, Relevance: 12", {2: 12.5, 0: 12}),
        ("Doc: 1, Relevance: 3\nDoc: 2, Relevance: 9", {1: 9, 0: 3}),
        ("Document 2, Relevance: 9", {1: 9}),
        ("**Doc: 2**, **Relevance: 9,5**", {1: 9.5}),
        ("- Doc 2: Relevance 9/10", {1: 9}),
        ("Doc: [2], Relevance Score: 9", {1: 9}),
        ("Doc-2 | score = 9", {1: 9}),
        ("Doc: 2, 9.5", {1: 9.5}),
        ("Doc: 2\nRelevance: 9", {1: 9}),
        ("Doc: 2, Relevance: -1.5", {1: -1.5}),
        ("Doc: 1, Relevance: 7 Doc: 2, Relevance: 8", {1: 8, 0: 7}),
        ("Doc: 4, Relevance: 7\nDoc: 3, Relevance: 7", {3: 7, 2: 7}),  # the model broke the tie
        ("Doc: 2, Relevance: inf\nDoc: 3, Relevance: 1e999\nDoc: 1, Relevance: 4", {0: 4}),
        ("Well, Doc: 2, as it says, is relevant, in 2019, 7.", {}),
    ],
)
def test_lines_of_documents(text, expected):
    parsed = parse("doc-lines", text, NUMBERS)
    assert parsed.scores == expected
    assert parsed.order == tuple(expected)


def test_a_line_that_cannot_be_read_loses_only_itself():
    said = "Doc: 2, Relevance: 9\nDoc: 1, Relevance: high\nDoc: 0, Relevance: 8\nDoc: 9, Relevance: 8\nDoc: 3, Relevance: 7"
    parsed = parse("doc-lines", said + "\nDoc: 3, Relevance: 1", ("1", "2", "3"))
    assert parsed.scores == {1: 9, 2: 7}
    assert parsed.repairs == (
        "prose around the answer",
        "1 without a number",
        "1 repeated",
        "2 out of range",
        "1 missing",
    )


def test_only_the_end_of_a_very_long_reply_is_read():
    parsed = parse("ranking", "[7] > [8] > [9]" + " la" * LIMIT + " [2] > [1]", NUMBERS)
    assert [NUMBERS[place] for place in parsed.order] == ["2", "1"]
    assert f"only the last {LIMIT} characters were read" in parsed.repairs


def test_long_thinking_does_not_push_its_own_start_out_of_sight():
    assert parse("ranking", "<think>" + "[2] > [1] " * LIMIT, NUMBERS).order == ()


def test_there_is_no_other_error_than_an_unknown_grammar():
    with pytest.raises(InputError, match="doc-lines"):
        parse("yaml", "x", NUMBERS)


def test_completed_keeps_incoming_order():
    assert completed((2, 0), 4) == (2, 0, 1, 3)
    assert completed((), 3) == (0, 1, 2)
    assert completed((1, 1, 7, -1), 2) == (1, 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Sure, {"a": 1} it is', {"a": 1}),
        ('e.g. {"a": 1}. So: {"a": 1, "b": 2}', {"a": 1, "b": 2}),
        ('{"a": 1, "b": 2} and {"a": 3, "b": 4}', {"a": 3, "b": 4}),
        ('{"a": 1,}', {"a": 1}),
        ("[1, 2,, 3,]", [1, 2, 3]),
        ("{'a': 'it', 'b': True}", {"a": "it", "b": True}),
        ('{a: "b"}', {"a": "b"}),
        ('[see {"a": 1} here]', {"a": 1}),
        ('{"a": [1, {"b": 2', {"a": [1, {}]}),
        ('{"a": [1, {"b": 2}, {"c": "d', {"a": [1, {"b": 2}, {}]}),
        ('{"a": "say "hi" now", "b": 1}', {"a": "say "}),
        ('{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}', {"a": None, "b": None}),
        ('{"a": ' + "9" * 5000 + ', "b": 1}', {"a": None, "b": 1}),
        ('"text"', "text"),
        ("7", 7),
        ("NaN", None),
        ("", None),
        ("no JSON", None),
        ("[]", []),
        ("[" * 100_000, None),
        ('{"a":' * 100_000, None),
        ("[" * 100_000 + "]" * 100_000, None),
    ],
)
def test_loose_json(text, value):
    found = loose_json(text)
    assert found == value or (value is None and not _leaves(found))


def _leaves(value):
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for each in inner for leaf in _leaves(each)]
    return [] if value is None else [value]


def test_loose_json_reads_json_as_json_does():
    random_values = random.Random(3)

    def value(depth):
        kind = random_values.randrange(7 if depth else 5)
        if kind == 5:
            return [value(depth - 1) for _ in range(random_values.randrange(4))]
        if kind == 6:
            return {f"k{key}": value(depth - 1) for key in range(random_values.randrange(4))}
        return [None, True, random_values.randrange(-99, 99), random_values.random(), 'a"\\\n\u2028é{[]}:,'][kind]

    for _ in range(500):
        made = [value(4)]
        assert loose_json(json.dumps(made)) == made
        assert loose_json(f"Well:\n```json\n{json.dumps(made, indent=1)}\n```\nbye") == made
