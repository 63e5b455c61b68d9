import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist import InputError
from shortlist.documents import Chunking, read_markdown
from shortlist.documents.blocks import Block, Document
from shortlist.documents.chunks import passages_of, split, word_count

SENTENCES = [f"Sentence number {i} has exactly seven words." for i in range(40)]


def chunks(data, **settings):
    return passages_of(read_markdown.read(data.encode()), "guide.md", Chunking(**settings))


def test_ids_positions_and_metadata():
    found = chunks("---\ntitle: T\n---\n# A\n\none\n\n## B\n\ntwo\n", words=50)
    assert [(p.id, p.document_id, p.position) for p in found] == [
        ("guide.md#0", "guide.md", 0), ("guide.md#1", "guide.md", 1),
    ]  # fmt: skip
    assert [dict(p.metadata) for p in found] == [{"title": "T", "heading": "A"}, {"title": "T", "heading": "A > B"}]
    assert [p.text for p in found] == ["A\n\none", "B\n\ntwo"]


def test_paragraphs_go_together_up_to_the_limit():
    found = chunks("\n\n".join(["one two three"] * 5), words=6, overlap=0)
    assert [p.text.count("one") for p in found] == [2, 2, 1]


def test_a_long_paragraph_is_cut_between_sentences_and_whole_ones_are_repeated():
    found = chunks(" ".join(SENTENCES), words=28, overlap=8)
    assert all(p.text.endswith(".") and p.text.startswith("Sentence") for p in found)
    assert all(word_count(p.text) <= 28 for p in found)
    for before, after in pairwise(found):
        last = re.findall(r"Sentence number \d+", before.text)[-1]
        assert after.text.startswith(last)


def test_no_overlap_over_a_heading():
    found = chunks("# A\n\nfirst text.\n\n# B\n\nsecond text.", words=50, overlap=20)
    assert "first" not in found[1].text


def test_scripts_without_spaces_are_cut_too():
    text = "夏" * 1000
    pieces = split(text, 100)
    assert "".join(pieces) == text
    assert max(map(word_count, pieces)) <= 100


def test_a_megabyte_without_a_space_is_cut():
    pieces = split("x" * 1_000_000, 160)
    assert "".join(pieces) == "x" * 1_000_000
    assert max(map(len, pieces)) < 4000


@given(st.lists(st.text(alphabet="ab .\n夏é", max_size=300), max_size=6), st.integers(1, 30))
def test_nothing_is_lost_and_nothing_added(texts, words):
    blocks = tuple(Block(text) for text in texts if text.strip())
    found = passages_of(Document(blocks), "d", Chunking(words=words, overlap=0))
    assert "".join("".join(p.text.split()) for p in found) == "".join("".join(b.text.split()) for b in blocks)
    assert all(word_count(p.text) <= words for p in found)
    assert [p.position for p in found] == list(range(len(found)))


@pytest.mark.parametrize("settings", [{"words": 0}, {"overlap": -1}, {"words": 10, "overlap": 6}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(InputError):
        Chunking(**settings)
