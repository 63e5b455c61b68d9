"""Questions whose answer is known, to see at the start that a server asks its model the way the model was trained.

Behind a wrong prompt template a reranker does not fail: it ranks at random, and nobody sees it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from shortlist.errors import ModelError
from shortlist.plan import Call

_SECONDS = 60.0


class Known(NamedTuple):
    """A query, a text that answers it, and one about something else."""

    query: str
    relevant: str
    other: str


_ANSWERS = (
    ("what causes the tides of the sea", "The tides of the sea rise and fall because the moon pulls at the water."),
    ("why does yeast make bread dough rise", "In bread dough yeast makes gas, and its bubbles let the dough rise."),
    ("who wrote the play Hamlet", "William Shakespeare wrote the play Hamlet around the year 1600."),
)


def known_pairs() -> tuple[Known, ...]:
    """Three, of topics that have nothing to do with each other."""
    others = (*_ANSWERS[1:], _ANSWERS[0])
    return tuple(Known(query, text, other) for (query, text), (_, other) in zip(_ANSWERS, others, strict=True))


def known_call() -> Call:
    """The call to ask them with: a server that does not answer must not hold up the start for ever."""
    return Call(time.monotonic() + _SECONDS)


def told_apart(known: Known, relevant: float, other: float, label: str) -> None:
    """See that the relevant text of a known pair scores higher than the other one.

    Raises:
        ModelError: it does not; the message says what that most likely means.
    """
    if relevant > other:
        return
    raise ModelError(
        f"{label} was asked {known.query!r} and scores {known.other!r} ({other:.6g}) no lower than {known.relevant!r} "
        f"({relevant:.6g}): probably the model is served with a wrong prompt template, or is no reranker. "
        "vLLM needs the score template of the model (--chat-template) and, for one that was not saved as a classifier, "
        "--hf-overrides"
    )
