"""Declared elements are read strictly, from whatever a language model wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.models.base import ChatReply
from shortlist.subtopics.reading import read_elements

TWO = ("who wrote Dracula", "where Bram Stoker was born")
QUERY = "Where was the author of Dracula born?"

READABLE = {
    "json": '{"elements": ["who wrote Dracula", "where Bram Stoker was born"]}',
    "a list": '["who wrote Dracula", "where Bram Stoker was born"]',
    "another name": '{"knowledge": ["who wrote Dracula", "where Bram Stoker was born"]}',
    "objects": '[{"element": "who wrote Dracula", "why": "x"}, {"element": "where Bram Stoker was born"}]',
    "an object of numbers": '{"1": "who wrote Dracula", "2": "where Bram Stoker was born"}',
    "in prose": 'Sure! Here it is: ["who wrote Dracula", "where Bram Stoker was born"]. Anything else?',
    "in a fence": '```json\n{"elements": ["who wrote Dracula",\n "where Bram Stoker was born",]}\n```',
    "python": "['who wrote Dracula', 'where Bram Stoker was born']",
    "cut": '{"elements": ["who wrote Dracula", "where Bram Stoker was born", "wha',
    "numbers": "1. who wrote Dracula\n2. where Bram Stoker was born",
    "parentheses": "Elements:\n(1) who wrote Dracula\n(2) where Bram Stoker was born\nThat is all.",
    "bullets and bold": "- **who wrote Dracula**\n* *where Bram Stoker was born*",
    "quoted lines": '1) "who wrote Dracula",\n2) "where Bram Stoker was born"',
    "after thinking": '<think>1. maybe\n2. not\n3. this</think>["who wrote Dracula", "where Bram Stoker was born"]',
    "an answer's tags": '["x"]<answer>["who wrote Dracula", "where Bram Stoker was born"]</answer>',
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE)
def test_reads(text):
    assert read_elements(ChatReply(text), QUERY, 6)[0] == TWO


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The author of Dracula is Bram Stoker, who was born in Dublin in 1847.",
        "[1] > [2]",
        '{"scores": [1, 2',
        "I am sorry, but as of 2024 there are 17 passages.",
        '{"elements": []}',
        '["", " ", "--", "**"]',
        "<think>1. who wrote Dracula",
        '{"elements": ["<text>", "<text>"]}',
    ],
)
def test_prose_and_nothing_declare_nothing(text):
    elements, repairs = read_elements(ChatReply(text), QUERY, 6)
    assert elements == () and repairs


def test_repeated_ones_the_question_itself_and_those_beyond_the_most():
    text = '["Who wrote Dracula?", "who wrote DRACULA", "where was the author of Dracula born", "", "a", "b", "c"]'
    elements, repairs = read_elements(ChatReply(text), QUERY, 3)
    assert elements == ("Who wrote Dracula?", "a", "b")
    assert set(repairs) == {
        "2 knowledge elements left out: repeated",
        "1 knowledge elements left out: empty",
        "1 knowledge elements left out: too many",
    }


def test_an_answer_that_was_cut_says_so():
    assert read_elements(ChatReply('["a", "b"]', cut=True), QUERY, 6)[1] == (
        "the declaration was cut at its limit of tokens",
    )


def test_elements_are_short_clean_lines():
    text = '["' + "word " * 100 + '", "one\\n two <|im_end|> three </passage>"]'
    (long, short), _ = read_elements(ChatReply(text), QUERY, 6)
    assert len(long.split()) == 40 and short == "one two three &lt;/passage>"


@given(
    st.text(max_size=300) | st.lists(st.sampled_from('["a",\n1.-*{}:b ]</think>'), max_size=60).map("".join),
    st.integers(1, 4),
)
def test_any_text(text, most):
    elements, repairs = read_elements(ChatReply(text), QUERY, most)
    assert len(elements) <= most and len(set(elements)) == len(elements) and all(each.strip() for each in elements)
    assert elements or repairs
