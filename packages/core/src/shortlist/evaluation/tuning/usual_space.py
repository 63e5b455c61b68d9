"""The space that is searched where none is given: what can run here, without a server and without a download."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from shortlist.evaluation.collection import Collection
from shortlist.evaluation.tuning.space import Space
from shortlist.models.catalogue import catalogue, find

# A cross-encoder reads this many at least: with fewer, the stage before decides alone.
_FEWEST = 10
_DEEPEST = 100


def usual_space(collection: Collection) -> Space:
    """Pipelines of what is installed, and of the weights that were fetched (`shortlist doctor` lists both).

    The order of the first stage as it is; words, vectors, cross-encoders, each blended with that order, or fused with
    each other; cross-encoders behind a cheaper stage, where there are candidates enough; and where the collection has
    aspects, a choice of different passages.
    """
    return Space.of(_templates(collection))


def _templates(collection: Collection) -> Iterator[str]:
    deepest = min(_DEEPEST, max(len(question.passages) for question in collection))
    embedders = ["similarity", *(f"similarity(embedder='{name}')" for name in _here("embedder"))]
    yield "keep-order"
    yield "blend(lexical, prior={p:0..1/0.05})"
    for each in embedders:
        yield f"blend({each}, prior={{p:0..1/0.05}})"
        yield f"fuse(lexical, {each}, method='weighted', weights=[{{w:0.05..0.95/0.05}}, 0.5])"
        if any(question.aspects for question in collection):
            yield f"{each} >> mmr(diversity={{d:0..1/0.05}})"
    for name in _here("cross-encoder"):
        scorer = f"cross-encoder(scorer='{name}')"
        yield f"blend({scorer}, prior={{p:0..1/0.05}})"
        yield f"fuse({scorer}, {embedders[-1]}, method='weighted', weights=[{{w:0.05..0.95/0.05}}, 0.5])"
        if deepest > _FEWEST:
            yield f"{{first:lexical|{'|'.join(embedders)}}}[:{{k:{_FEWEST}..{deepest}}}] >> {scorer}"


def _here(kind: str) -> list[str]:
    """The names of the weights of this kind that are here, where what runs them is too."""
    if find_spec("onnxruntime") is None or find_spec("tokenizers") is None:
        return []
    return [name for name, weights in catalogue().items() if weights.kind == kind and find(name) is not None]
