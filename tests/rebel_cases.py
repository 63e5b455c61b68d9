"""REBEL in the tests of all packages: what is ranked by what, and a model that answers the protocol by rule."""

from __future__ import annotations

import json
import re

from shortlist.criteria import Criterion, Recency

QUERY = "what causes the tides of the sea?"
TEXTS = (
    "Bread needs yeast and time.",
    "The moon causes the tides of the sea, since 3 bodies pull.",
    "The sun and what causes the tides of the sea: 46 per cent of the force of the moon, in 2 tides a day.",
    "A cello has 4 strings.",
)
CRITERIA = (
    Criterion("Figures", "How many figures it gives."),
    Recency("year", half_life_days=365.0, today="2025-01-01"),
)
_DOCUMENT = re.compile(r"^Document (\d+):\n.*?<passage>\n(.*?)\n</passage>", re.DOTALL | re.MULTILINE)


def ruled(prompt: str) -> dict[str, dict[str, float]]:
    """By document: relevance is from the words shared with the question, figures are counted."""
    query = _words(prompt.partition("\nQuestion: ")[2].partition("\n")[0])
    return {
        n: {"relevance": min(10.0, 1.5 * len(query & _words(text))), "figures": min(5, len(re.findall(r"\d+", text)))}
        for n, text in _DOCUMENT.findall(prompt)
    }


def said(prompt: str) -> str:
    """The same as a model writes it: JSON where it is asked for, else lines."""
    found = ruled(prompt)
    if "Answer with JSON" in prompt:
        return json.dumps({"scores": found})
    return "\n".join(f"Doc: {n}, Relevance: {v['relevance']}, figures: {v['figures']}" for n, v in found.items())


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
