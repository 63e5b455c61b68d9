from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from shortlist import Embedder, KeepOrder, Reranker, Source
from shortlist.reranker.description import describe, descriptions, markdown_table, type_text


@dataclass(frozen=True)
class Described(Reranker):
    """Does one thing,
    and does it well.

    It does | another.

    Attributes:
        weight: how much: more is
            more.
        inner: what it wraps.
    """

    name: ClassVar[str] = "described"
    source: ClassVar[Source] = Source("A paper", "VENUE", 2020)
    needs: ClassVar[frozenset[str]] = frozenset({"scores", "embeddings"})

    inner: Reranker
    weight: float = 0.5
    silent: tuple[int, ...] = ()

    def plan(self, query, passages):
        yield from KeepOrder().plan(query, passages)


def test_everything_comes_from_the_class():
    found = describe(Described)
    assert (found.name, found.class_name) == ("described", "Described")
    assert found.summary == "Does one thing, and does it well."
    assert found.details == "It does | another."
    assert found.needs == ("embeddings", "scores")
    assert [(s.name, s.type, s.default, s.summary) for s in found.settings] == [
        ("inner", "reranker", None, "what it wraps."),
        ("weight", "number", "0.5", "how much: more is more."),
        ("silent", "list of whole number", "()", ""),
    ]


@pytest.mark.parametrize("found", descriptions(), ids=lambda found: found.name)
def test_every_reranker_says_what_it_does(found):
    assert found.summary
    assert found.summary.endswith(".")
    assert "Attributes" not in found.details


def test_the_table_is_markdown():
    lines = markdown_table([describe(Described)]).splitlines()
    assert lines[2] == "| `described` | Does one thing, and does it well. | embeddings, scores | A paper, VENUE, 2020 |"
    assert len(markdown_table(descriptions()).splitlines()) == len(descriptions()) + 2


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "whole number | None"),
        (Literal["a", "b"], '"a" | "b"'),
        (tuple[Reranker, ...], "list of reranker"),
        (Embedder, "Embedder"),
    ],
)
def test_types_in_words(hint, words):
    assert type_text(hint) == words
