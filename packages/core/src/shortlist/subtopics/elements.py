"""Subtopics as the knowledge elements that a language model declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, get_args

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError, checked_count
from shortlist.models.base import ChatModel, Embedder, PairScorer
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.subtopics.aspects import Aspects, equal
from shortlist.subtopics.declaring import Form, declared
from shortlist.subtopics.scoring import check_scorer, scored


@dataclass(frozen=True)
class Elements:
    """A language model is shown the most relevant passages and declares what the question needs: arXiv 2506.20476.

    Attributes:
        model: what declares.
        scorer: says how likely a passage holds an element: a cross-encoder, or an embedder, whose cosines then stand
            for chances.
        shown: how many passages the model sees.
        most: how many elements count.
        words: of a passage that the model sees; None for all.
        form: of the answer that is asked for; either is read.
    """

    kind: ClassVar[str] = "elements"

    model: ChatModel
    scorer: PairScorer | Embedder = field(default_factory=StaticEmbedder)
    shown: int = 5
    most: int = 6
    words: int | None = 200
    form: Form = "json"

    def __post_init__(self) -> None:
        check_model(ChatModel, self.model)
        check_scorer(self.scorer)
        check_form(self.shown, self.most, self.words, self.form)

    def find(self, query: str, passages: Sequence[Passage], relevance: Floats) -> Plan[Aspects]:
        """Two rounds: the declaration, then every element with every passage."""
        shown = [passages[i] for i in np.argsort(-relevance, kind="stable")[: self.shown]]
        told = yield from declared(query, shown, self.model, most=self.most, words=self.words, form=self.form)
        aspects = equal(told.elements, (yield from scored(told.elements, passages, self.scorer)))
        trouble = told.trouble or (None if told.elements else "no knowledge elements: there is nothing but relevance")
        return aspects._replace(repairs=told.repairs, degraded=trouble)


def check_form(shown: int, most: int, words: int | None, form: str) -> None:
    """See that settings of a declaration are some.

    Raises:
        InputError: one is below 1, or there is no such form.
    """
    for name, value in (("shown", shown), ("most", most), ("words", words)):
        if value is not None:
            checked_count(value, name)
    if form not in get_args(Form):
        raise InputError(f"no form is {form!r}; there are {', '.join(get_args(Form))}")
