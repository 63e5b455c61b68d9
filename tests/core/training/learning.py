"""Small lists to learn from, for the tests of training."""

import numpy as np

from shortlist import Passage
from shortlist.training.judged import JudgedList
from shortlist.training.vectors import Vectors

WORDS = "moon sea tide sun bread yeast flour water time harbour ship storm north lamp stone river".split()
SMALL = {
    "ebcar": {"heads": 2, "head_size": 4, "feedforward": 16, "layers": 1, "documents": 8, "positions": 20},
    "g-rag": {"hidden": 8},
    "hybrid": {"hidden": 8, "heads": 2, "feedforward": 16, "column_layers": 1},
}


def judged_lists(count, seed=0, name="question"):
    """Lists of 3 to 6 passages in two documents, of which one or two are relevant."""
    rng, made = np.random.default_rng(seed), []
    for i in range(count):
        n = int(rng.integers(3, 7))
        passages = [
            Passage(f"{' '.join(rng.choice(WORDS, 6))} {i}", document_id=f"{i}/{j % 2}", position=j // 2)
            for j in range(n)
        ]
        grades = [0] * n
        for j in rng.choice(n, int(rng.integers(1, 3)), replace=False):
            grades[j] = 1
        made.append(JudgedList(f"{name} {i} {' '.join(rng.choice(WORDS, 3))}?", tuple(passages), tuple(grades)))
    return made


def arbitrary_vectors(lists, width=12, seed=0):
    """A unit vector at random for each text: the labels can be learned by heart, and nothing else."""
    queries = {each.query: i for i, each in enumerate(lists)}
    texts = dict.fromkeys(p.text for each in lists for p in each.passages)
    passages = {text: len(queries) + i for i, text in enumerate(texts)}
    rows = np.random.default_rng(seed).normal(size=(len(queries) + len(passages), width)).astype(np.float32)
    return Vectors(queries, passages, rows / np.linalg.norm(rows, axis=1, keepdims=True))
