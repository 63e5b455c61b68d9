"""EBCAR as a reranker: what it asks, what the network is given, and that a folder of weights ranks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from shortlist import InputError, ModelError, Passage
from shortlist.algorithms.ebcar import EbcarInputs, EbcarSizes, ebcar
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.similarity import unit_rows
from shortlist.models.base import ListScorer
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import Trained, TrainedNetwork, save
from shortlist.plan import Reply
from shortlist.rerankers.ebcar import Ebcar
from shortlist.testing import check_ranking

PASSAGES = [
    Passage("the moon pulls the sea", score=0.2, document_id="tides", position=3),
    Passage("bread needs yeast", score=0.9, document_id="bread", position=0),
    Passage("twice a day", score=0.4, document_id="tides", position=4),
    Passage("sea and salt", score=0.8),
    Passage("yeast", score=0.1, document_id="bread"),
    Passage("the sun and the moon", score=0.7, position=2),
]


@dataclass(frozen=True, eq=False)
class Recorder(ListScorer):
    """Keeps what it was asked; the score is the passage's place."""

    seen: list[EbcarInputs] = field(default_factory=list)

    def answer(self, payloads: Sequence[Any], call: Any) -> list[Any]:
        self.seen.extend(payloads)
        return [Reply(each.positions.astype(np.float64)) for each in payloads]


def sizes_for(embedder, **changed):
    width = len(read(embedder, PASSAGES).query)
    sizes = EbcarSizes(width=width, heads=2, head_size=4, feedforward=8, layers=1, documents=4, positions=10)
    return replace(sizes, **changed)


def random_tensors(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape, scale=0.2).astype(np.float32) for name, shape in sizes.shapes().items()}


def read(embedder, passages, query="what moves the sea"):
    network = Recorder()
    Ebcar(embedder, network).rank(query, passages)
    (inputs,) = network.seen
    return inputs


def written(folder, sizes):
    save(folder, Trained("ebcar", sizes, Guard()), random_tensors(sizes), half=False)
    return TrainedNetwork(str(folder))


def test_vectors_in_one_round_then_one_ask_of_the_network():
    network = Recorder()
    ranking = Ebcar(HashEmbedder(), network).rank("what moves the sea", PASSAGES)
    check_ranking(ranking, PASSAGES)
    assert len(ranking.rounds) == 2
    assert len(network.seen) == 1
    assert [item.index for item in ranking.kept] == [2, 0, 5, 1, 3, 4]


def test_who_shares_a_document_and_where_each_stands():
    inputs = read(HashEmbedder(), PASSAGES)
    assert inputs.documents.tolist() == [0, 1, 0, 2, 1, 3]
    assert inputs.positions.tolist() == [3, 0, 4, -1, -1, 2]
    np.testing.assert_allclose(np.linalg.norm(inputs.vectors, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("place", [-5, 10**30, -(10**30)])
def test_a_place_that_no_document_has_is_read(place, tmp_path):
    embedder = HashEmbedder()
    network = written(tmp_path, sizes_for(embedder))
    unknown = [replace_position(each, None) for each in PASSAGES]
    wild = [replace_position(each, place) for each in PASSAGES]
    one, other = (Ebcar(embedder, network).rank("sea", each) for each in (unknown, wild))
    assert [item.score for item in one.kept] == [item.score for item in other.kept]


def replace_position(passage, position):
    return Passage(passage.text, score=passage.score, document_id=passage.document_id, position=position)


def test_vectors_on_the_passages_are_read():
    rows = np.random.default_rng(2).normal(size=(6, len(read(HashEmbedder(), PASSAGES).query)))
    stored = [Passage(p.text, embedding=row.tolist()) for p, row in zip(PASSAGES, rows, strict=True)]
    np.testing.assert_array_equal(read(HashEmbedder(), stored).vectors, unit_rows(rows))


def test_a_folder_of_weights_ranks(tmp_path):
    embedder = HashEmbedder()
    sizes = sizes_for(embedder)
    network = written(tmp_path / "net", sizes)
    ranking = Ebcar(embedder, network, prior=0.0).rank("what moves the sea", PASSAGES)
    scores = ebcar(random_tensors(sizes), sizes, read(embedder, PASSAGES))
    assert [item.index for item in ranking.kept] == np.argsort(-scores, kind="stable").tolist()
    assert json.loads(json.dumps(Ebcar(network=network).to_dict()))["network"]["weights"] == str(tmp_path / "net")


def test_documents_matter(tmp_path):
    embedder = HashEmbedder()
    network = written(tmp_path, sizes_for(embedder, use_documents=False))
    apart = [Passage(p.text, score=p.score, position=p.position) for p in PASSAGES]
    found = [
        sorted((item.index, item.score) for item in Ebcar(embedder, network, prior=0.0).rank("sea", each).kept)
        for each in (PASSAGES, apart)
    ]
    assert found[0] != found[1]


def test_more_documents_than_rows_are_ranked(tmp_path):
    embedder = HashEmbedder()
    many = [Passage(f"{i} seas", document_id=str(i // 2), position=i % 2) for i in range(40)]
    check_ranking(Ebcar(embedder, written(tmp_path, sizes_for(embedder))).rank("sea", many), many)


def test_vectors_of_another_width_are_an_error(tmp_path):
    network = written(tmp_path, sizes_for(HashEmbedder(), width=8))
    with pytest.raises(ModelError, match="reads vectors of 8 values"):
        Ebcar(HashEmbedder(), network).rank("sea", PASSAGES)


def test_what_is_refused():
    for wrong in (
        lambda: Ebcar("static", Recorder()),
        lambda: Ebcar(HashEmbedder(), "weights"),
        lambda: Ebcar(HashEmbedder(), Recorder(), prior=1.5),
    ):
        with pytest.raises(InputError):
            wrong()
