"""Labels out of what was revealed of each position."""

import math

import pytest

from shortlist import BadAnswer
from shortlist.models.labels import chat_positions, labels_at, text_positions, was_cut

SAID = [
    ("Hm", {"Hm": -0.1, "A": -5.0}),
    (" </", {}),
    ("t>", {}),
    (" A", {" A": -0.5, "A": -2.0, "▁B": -1.0, "a": -0.2}),
]


def test_the_ways_to_write_a_label_are_summed():
    labels = labels_at(SAID[3:], ("A", " B", "C"))
    assert labels == {"A": pytest.approx(math.log(math.exp(-0.5) + math.exp(-2.0))), " B": -1.0}


@pytest.mark.parametrize(
    ("after", "labels"),
    [
        ("", {"A": -5.0}),
        ("</t>", {"A": pytest.approx(-0.2986, abs=1e-4), "B": -1.0}),
        ("t", {"A": pytest.approx(-0.2986, abs=1e-4), "B": -1.0}),  # ends within a token: the next one is meant
        ("Hm", {}),
        (" A", {}),
        ("never", {}),
    ],
)
def test_where_labels_are_looked_for(after, labels):
    assert labels_at(SAID, ("A", "B"), after) == labels
    assert labels_at([], ("A", "B"), after) == {}


@pytest.mark.parametrize("logprob", [None, "x", math.nan, -math.inf, True])
def test_only_a_label_needs_a_number(logprob):
    assert labels_at([("A", {"A": -1.0, "B": logprob})], ("A",)) == {"A": -1.0}
    with pytest.raises(BadAnswer):
        labels_at([("A", {"A": -1.0, "B": logprob})], ("B",))


@pytest.mark.parametrize("logprobs", [None, 3, "x", [], {}, {"content": None}, {"content": {}}, {"tokens": "x"}])
def test_what_is_no_list_of_positions(logprobs):
    assert chat_positions(logprobs) == text_positions(logprobs) == []


def test_rows_of_any_shape():
    rows = [{"token": "A", "logprob": -1.0, "top_logprobs": [{"token": "A", "logprob": -1.0}, 7, {"token": "A"}]}, None]
    assert chat_positions({"content": rows}) == [("A", {"A": -1.0, "": None}), ("", {"": None})]


@pytest.mark.parametrize(
    ("reasons", "cut"),
    [
        (("length",), True),
        ((None, "max_tokens"), True),
        (("MAX_TOKENS",), True),
        (("stop", None), False),
        ((7,), False),
    ],
)
def test_whether_it_was_cut(reasons, cut):
    assert was_cut(*reasons) is cut
