"""Whose vectors rerankers with a network read."""

import numpy as np
import pytest

from shortlist import Ebcar, GRag, HybRank, Passage
from shortlist.models.fake_networks import ArbitraryListScorer
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import TrainedNetwork

TEXTS = ["tides and the moon", "bread needs yeast", "the sea"]
every = pytest.mark.parametrize("cls", [Ebcar, GRag, HybRank])


@every
def test_stored_vectors_of_another_size_are_made_again(cls):
    reranker = cls(HashEmbedder(), network=ArbitraryListScorer())
    stored = [Passage(text, embedding=np.full(5, 1.0, np.float32)) for text in TEXTS]
    ranking, plain = reranker.rank("tides", stored), reranker.rank("tides", TEXTS)
    assert [each.score for each in ranking] == [each.score for each in plain]
    assert ranking.repairs == ("stored vectors have 5 values and not 64: embedded again",) and not plain.repairs
    assert (len(ranking.rounds), len(plain.rounds)) == (3, 2)


@every
def test_stored_vectors_of_the_query_s_size_are_used(cls):
    reranker = cls(HashEmbedder(), network=ArbitraryListScorer())
    rng = np.random.default_rng(0)
    stored = [Passage(text, embedding=rng.normal(size=64).astype(np.float32)) for text in TEXTS]
    ranking = reranker.rank("tides", stored)
    assert len(ranking.rounds) == 2 and not ranking.repairs
    assert [each.score for each in ranking] != [each.score for each in reranker.rank("tides", TEXTS)]


@every
def test_scores_near_the_largest_there_are(cls):
    passages = [Passage(text, score=score) for text, score in zip(TEXTS, (0.0, 1.9e154, -1.7e308), strict=True)]
    ranking = cls(HashEmbedder(), network=ArbitraryListScorer()).rank("tides", passages)
    assert np.isfinite([each.score for each in ranking]).all()


@every
def test_warm_up_reads_the_network_that_comes_with_the_package(cls, monkeypatch):
    read = []
    monkeypatch.setattr(TrainedNetwork, "warm_up", lambda self: read.append(self.network))
    cls().warm_up()
    assert read == [{Ebcar: "ebcar", GRag: "g-rag", HybRank: "hybrid"}[cls]]
