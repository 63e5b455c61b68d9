"""How long EBCAR takes over a hundred passages beside the cross-encoder; `company.py` runs it with two threads."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data import passages
from shortlist import CrossEncoder, FunctionEmbedder, Passage
from shortlist.algorithms.ebcar import EbcarSizes
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.similarity import unit_rows
from shortlist.models.base import PROBE
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder
from shortlist.models.trained import Trained, TrainedNetwork, save, shipped
from shortlist.plan import Call
from shortlist.rerankers.ebcar import Ebcar, ebcar_inputs

WIDTH, N, TOGETHER, THREADS = 384, 100, 5, int(os.environ.get("SHORTLIST_THREADS", "1"))


def network(scratch: Path) -> tuple[TrainedNetwork, str]:
    """One that comes with the package and reads vectors of this width, else one that knows nothing."""
    for name in shipped():
        found = TrainedNetwork(name)
        if found.network == "ebcar" and found.trained.sizes.width == WIDTH:
            return found, f"`{name}`"
    from shortlist.training.tasks import EbcarTask

    sizes = EbcarTask().sizes(WIDTH)
    save(scratch / "random", Trained("ebcar", sizes, Guard()), _random(sizes))
    return TrainedNetwork(str(scratch / "random")), "an untrained network"


def _random(sizes: EbcarSizes) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(0.0, 0.02, shape).astype(np.float32) for name, shape in sizes.shapes().items()}


def milliseconds(function: Callable[[], object], rounds: int) -> float:
    """Of the clock, the median."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[1:])


def main(*, quick: bool) -> str:
    rng = np.random.default_rng(0)
    query, texts = passages(N)
    vectors = unit_rows(rng.normal(size=(len(texts) + 1, WIDTH)).astype(np.float32))
    found = [
        Passage(text, embedding=vectors[i + 1], document_id=str(i // TOGETHER), position=i % TOGETHER)
        for i, text in enumerate(texts)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        trained, what = network(Path(scratch))
        space = trained.vectors
        known = {} if space is None else {PROBE: space.probe}
        embedder = FunctionEmbedder(lambda asked, _: [known.get(text, vectors[0]) for text in asked])
        inputs = ebcar_inputs(found, vectors[0], vectors[1:])
        rounds = 3 if quick else 50
        alone = milliseconds(lambda: trained.answer([inputs], Call()), rounds)
        sizes = trained.trained.sizes
        reranker = Ebcar(embedder, trained)
        whole = milliseconds(lambda: reranker.rank(query, found), rounds)
    reader = CrossEncoder(OnnxCrossEncoder("ms-marco-minilm", threads=THREADS))
    reading = milliseconds(lambda: reader.rank(query, found), 1 if quick else 3)
    million = sum(int(np.prod(shape)) for shape in sizes.shapes().values()) / 1e6
    return (
        f"EBCAR over {len(texts)} passages of {WIDTH} values, by the clock, {THREADS} threads: {what} of {sizes.layers}"
        f" layers and {million:.2f} million weights takes {alone:.2f} ms, {whole:.2f} ms with all that a reranker does;"
        f" the cross-encoder (int8) takes {reading:,.0f} ms for the same passages, {reading / alone:,.0f} times more."
    )


if __name__ == "__main__":
    if find("ms-marco-minilm") is None:
        raise SystemExit("the weights were not there: `shortlist models get ms-marco-minilm`")
    print(main(quick="--quick" in sys.argv))
