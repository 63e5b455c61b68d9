"""HybRank as a reranker: what it asks, what the network is given, and that a folder of weights ranks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from shortlist import InputError, ModelError, Passage
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.hybrank import HybridInputs, HybridSizes, hybrank
from shortlist.models.base import ListScorer
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import Trained, TrainedNetwork, save
from shortlist.plan import Reply
from shortlist.rerankers.hybrank import HybRank, hybrid_inputs
from shortlist.testing import check_ranking

TEXTS = ["the moon pulls the sea", "bread needs yeast", "tides", "sea and salt", "yeast", "the sun and the moon"]
PASSAGES = [Passage(text, score=score) for text, score in zip(TEXTS, (0.2, 0.9, 0.4, 0.8, 0.1, 0.7), strict=True)]
SIZES = HybridSizes(hidden=8, heads=2, feedforward=8, column_layers=1, positions=0)


@dataclass(frozen=True, eq=False)
class Recorder(ListScorer):
    """Keeps what it was asked; the score is the passage's cosine with the first anchor."""

    seen: list[HybridInputs] = field(default_factory=list)

    def answer(self, payloads: Sequence[Any], call: Any) -> list[Any]:
        self.seen.extend(payloads)
        return [Reply(np.asarray(each.dense[:, 0], dtype=np.float64)) for each in payloads]


def random_tensors(sizes: HybridSizes, seed: int = 0) -> dict[str, Any]:
    """Of a network of one layer each way."""
    rng, h, f = np.random.default_rng(seed), sizes.hidden, sizes.feedforward
    maps = {"channels": (h, 2)}
    norms, places = [], {"columns": sizes.positions or 2, "rows": sizes.positions}
    for axis in ("columns", "rows"):
        layer = f"{axis}.layers.0"
        maps |= {f"{layer}.attend": (3 * h, h), f"{layer}.mix": (h, h)}
        maps |= {f"{layer}.expand": (f, h), f"{layer}.contract": (h, f)}
        norms += [f"{axis}.norm", f"{layer}.mix_norm", f"{layer}.contract_norm"]
    found = {f"{name}.weight": rng.normal(size=shape) for name, shape in maps.items()}
    found |= {f"{name}.bias": rng.normal(size=shape[0]) for name, shape in maps.items()}
    found |= {f"{name}.weight": np.ones(h) for name in norms} | {f"{name}.bias": np.zeros(h) for name in norms}
    found |= {f"{axis}.places": rng.normal(size=(count, h)) for axis, count in places.items() if count}
    return {name: value.astype(np.float32) for name, value in (found | {"cls": rng.normal(size=h)}).items()}


def written(folder, sizes=SIZES, settings=None):
    save(folder, Trained("hybrid", sizes, Guard(), settings=settings or {}), random_tensors(sizes), half=False)
    return TrainedNetwork(str(folder))


def test_vectors_in_one_round_then_one_ask_of_the_network():
    network = Recorder()
    ranking = HybRank(HashEmbedder(), network).rank("what moves the sea", PASSAGES)
    check_ranking(ranking, PASSAGES)
    assert len(ranking.rounds) == 2 and len(network.seen) == 1
    best = TEXTS[1]  # the first anchor is the passage of the highest score, and is most like itself
    assert ranking.kept[0].passage.text == best


def test_anchors_are_the_best_of_the_stage_before():
    network = Recorder()
    HybRank(HashEmbedder(), network, anchors=3).rank("what moves the sea", PASSAGES)
    (inputs,) = network.seen
    assert inputs.lexical.shape == inputs.dense.shape == (6, 3)
    assert inputs.lexical_query.shape == inputs.dense_query.shape == (3,)
    for column, anchor in enumerate((1, 3, 5)):
        assert inputs.dense[:, column].argmax() == anchor == inputs.lexical[:, column].argmax()
        assert inputs.dense[anchor, column] == pytest.approx(1.0, abs=1e-6)
    # "sea" stands in the second anchor alone of the three
    assert inputs.lexical_query[1] > 0.0 == inputs.lexical_query[0]


def test_as_many_anchors_as_in_training(tmp_path, monkeypatch):
    widths = []
    monkeypatch.setattr(
        "shortlist.rerankers.hybrank.hybrid_inputs",
        lambda *given: widths.append(given[-1]) or hybrid_inputs(*given),
    )
    network = written(tmp_path / "few", settings={"anchors": 2})
    HybRank(HashEmbedder(), network).rank("sea", PASSAGES)
    HybRank(HashEmbedder(), network, anchors=4).rank("sea", PASSAGES)
    HybRank(HashEmbedder(), written(tmp_path / "silent")).rank("sea", PASSAGES)
    HybRank(HashEmbedder(), Recorder()).rank("sea", PASSAGES)
    assert widths == [2, 4, 100, 100]


def test_a_folder_of_weights_ranks(tmp_path):
    embedder, network = HashEmbedder(), written(tmp_path / "net")
    reranker = HybRank(embedder, network, prior=0.0)
    ranking = reranker.rank("what moves the sea", PASSAGES)
    recorder = Recorder()
    HybRank(embedder, recorder).rank("what moves the sea", PASSAGES)
    scores = hybrank(random_tensors(SIZES), SIZES, recorder.seen[0])
    assert [item.index for item in ranking.kept] == np.argsort(-scores, kind="stable").tolist()
    assert json.loads(json.dumps(HybRank(network=network).to_dict()))["network"]["weights"] == str(tmp_path / "net")


def test_without_positions_input_order_is_nothing(tmp_path):
    reranker = HybRank(HashEmbedder(), written(tmp_path / "net"))
    forwards = {item.passage.text: item.score for item in reranker.rank("sea moon", PASSAGES).kept}
    backwards = {item.passage.text: item.score for item in reranker.rank("sea moon", PASSAGES[::-1]).kept}
    assert forwards == pytest.approx(backwards, abs=1e-4)


def test_more_passages_than_positions_are_an_error(tmp_path):
    reranker = HybRank(HashEmbedder(), written(tmp_path / "net", replace(SIZES, positions=6)))
    assert len(reranker.rank("sea", PASSAGES[:5]).kept) == 5
    with pytest.raises(ModelError, match="at most 5 passages and anchors"):
        reranker.rank("sea", PASSAGES)


def test_what_is_refused():
    for wrong in (
        lambda: HybRank("static", Recorder()),
        lambda: HybRank(HashEmbedder(), "weights"),
        lambda: HybRank(HashEmbedder(), Recorder(), anchors=0),
        lambda: HybRank(HashEmbedder(), Recorder(), prior=1.5),
    ):
        with pytest.raises(InputError):
            wrong()
