"""How many, how different, or none: what the tests of all packages give those rerankers, and what they await of them."""

from __future__ import annotations

from typing import Any

import pytest

from shortlist import Ranking, Reranker, load
from shortlist.models.fakes import ConstantChat

QUERY = "what causes the tides of the sea?"
HOPELESS = "which team won?"
TEXTS = {
    "moon": "The moon causes the tides of the sea.",
    "again": "Of the sea the tides the moon causes, again.",
    "sun": "The sun causes tides too, less than the moon.",
    "spring": "What causes spring tides is a full moon in line with the sun.",
    "bread": "Bread needs yeast, and time to rise in.",
    "twice": "High water comes twice a day to the sea.",
    "rock": "The moon is made of rock.",
    "cello": "A cello has four strings.",
}
MORE = {f"more {i}": f"Thing{i} stands in land{i} by town{i}." for i in range(12)}
ASKING = {"dynamic-rag": "[2] > [1]", "knowledge-aware": '["what pulls the sea", "spring tides"]'}
"""What a language model says to those that ask one."""
LINES = [
    "mmr(diversity=0.6)",
    "msd(diversity=0.2, k=4)",
    "dpp(diversity=0.6, k=4)",
    "ssd(diversity=0.6, window=3)",
    "facility-location(k=3)",
    "farthest-first(k=3)",
    "near-duplicates(threshold=0.9)",
    "lost-in-the-middle",
    "reverse(k=5)",
    "gap-cut(max_k=3)",
    "elbow-cut",
    "nucleus-cut(share=0.8, temperature=0.1)",
    "threshold-cut(threshold=0.4)",
    "information-cut(share=0.9)",
    "token-budget(budget=24)",
    "calibrate(calibration='static')",
    "conformal-cut(coverage=0.8, calibration='static')",
    "dynamic-k(cost=0.2)",  # whose network reads vectors of the static model, whatever the framework has
    "abstain(reference='static')",
    "xquad(k=4)",
    "pm2(subtopics={'kind': 'metadata'}, k=4)",
    "knowledge-aware(k=4)",
    "dynamic-rag",
]
ABSTAINING = {
    "abstain": "lexical >> abstain(threshold=0.5, confidence='max')",
    "a stage after it": "lexical >> abstain(threshold=0.5, confidence='max') >> mmr >> gap-cut",
    "a model that needs none": "dynamic-rag",
}


def named(line: str) -> str:
    """The last stage's name."""
    return line.rpartition(" >> ")[2].partition("(")[0]


def said(line: str) -> str:
    """What a language model says to it; nothing where none is asked."""
    return ASKING.get(named(line), "")


def made(line: str, embedder: Any) -> Reranker:
    """The line in the core, with models of the core that say and embed the same."""
    return load(line, models=[ConstantChat(said(line)), embedder])


def expected(ranking: Ranking) -> list[tuple[str, Any, Any]]:
    """Id, score and reasons of what is kept, best first."""
    return [(item.passage.id, near(item.score), near(dict(item.reasons))) for item in ranking.kept]


def near(value: Any) -> Any:
    """Numbers but for rounding, texts as they are."""
    if isinstance(value, dict):
        return {name: near(each) for name, each in value.items()}
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
