"""A criterion that a language model judges by, and the five of the paper."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from shortlist.errors import InputError

_WORD = re.compile(r"[^\W_]+")


def key_of(name: str) -> str:
    """A name as prompts and answers write it: words in lower case, joined by underscores."""
    return "_".join(_WORD.findall(name.lower()))


def check_named(name: object, weight: object) -> None:
    """See that a criterion can be named in an answer and weighed.

    Raises:
        InputError: the name has no letter or digit, or the weight is not a finite number.
    """
    if not isinstance(name, str) or not key_of(name):
        raise InputError(f"a criterion needs a name with letters, not {name!r}")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
        raise InputError(f"the weight of {name} must be a finite number, not {weight!r}")


@dataclass(frozen=True, slots=True)
class Criterion:
    """A property of a passage, from 0 to 5, that a language model judges.

    Attributes:
        name: what reasons and answers call it.
        definition: what it is, in a sentence.
        high: what a passage that gets 5 is like.
        low: what a passage that gets 0 is like.
        weight: what a point of it counts, beside a point of relevance.

    Raises:
        InputError: the name has no letter or digit, or the weight is not a finite number.
    """

    kind: ClassVar[str] = "judged"

    name: str
    definition: str = ""
    high: str = ""
    low: str = ""
    weight: float = 0.5

    def __post_init__(self) -> None:
        check_named(self.name, self.weight)


PAPER_CRITERIA = (
    Criterion(
        "Depth of content",
        "How far the document goes into its subject, beyond naming it.",
        "Explains in detail, with reasons, figures or worked examples.",
        "Touches the subject in passing.",
    ),
    Criterion(
        "Diversity of perspectives",
        "How many sides of the matter the document brings.",
        "Sets several views, methods or interests beside each other.",
        "Knows one side only.",
    ),
    Criterion(
        "Clarity and specificity",
        "How plainly the document says what it says, and how exactly.",
        "Clear, concrete, and to the point that the question is about.",
        "Vague, general or hard to follow.",
    ),
    Criterion(
        "Authoritativeness",
        "How much the document can be relied on, by its source, its author and its evidence.",
        "From a recognised authority, or carefully backed by evidence.",
        "Of unknown or doubtful origin, and without evidence.",
    ),
    Criterion(
        "Recency",
        "How well the document reflects what is known now.",
        "Recent, or about something that does not change.",
        "Out of date for the question.",
    ),
)
"""The five fixed criteria of the paper's one-turn variant, with its weights; the wording is ours."""


def paper_criteria() -> tuple[Criterion, ...]:
    """The five criteria of the paper."""
    return PAPER_CRITERIA
