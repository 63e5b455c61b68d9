"""G-RAG as a reranker: the network over the builder's graph, who lifted whom, and AMRs on the way."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from shortlist import GraphPropagation, InputError, Passage
from shortlist.algorithms.graph_network import GraphInputs, GraphSizes, graph_network
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.similarity import unit_rows
from shortlist.errors import ModelError
from shortlist.graphs import Amr, DocumentGraph, Keywords, Metadata, Neighbours
from shortlist.models.amr import AmrParser
from shortlist.models.base import PROBE, ListScorer, Text, VectorSpace
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import Trained, TrainedNetwork, save
from shortlist.plan import Call, Reply
from shortlist.reranker.registry import from_dict
from shortlist.rerankers.g_rag import GRag

TEXTS = ["copper kettles", "a gas stove and copper", "the treaty of Utrecht", "war and the treaty of Utrecht", "bread"]
PASSAGES = [Passage(text, f"p{i}", score=5.0 - i) for i, text in enumerate(TEXTS)]
EMBEDDER = HashEmbedder()
WIDTH = 64


def vectors_of(texts):
    return np.stack([reply.value for reply in EMBEDDER.answer([Text(text) for text in texts], Call())])


@dataclass(frozen=True)
class Mean(ListScorer):
    """Cosine plus that of the neighbours' mean: a G-RAG network of one layer, and a note of what it was asked."""

    share: float = 1.0
    seen: list = field(default_factory=list, compare=False)

    def answer(self, payloads, call):
        self.seen.extend(payloads)
        sizes = GraphSizes(WIDTH, layers=1, sage=True)
        weights = {
            "own.0.weight": 0 * np.eye(WIDTH),
            "others.0.weight": self.share * np.eye(WIDTH),
            "scale": np.ones(1),
        }
        tensors = {name: each.astype(np.float32) for name, each in weights.items()}
        return [Reply(graph_network(tensors, sizes, payload)) for payload in payloads]


@dataclass(frozen=True)
class Pair:
    kind, needs_vectors = "pair", False

    def build(self, passages, vectors=None):
        return DocumentGraph(len(passages), np.array([0]), np.array([3]), np.ones((1, 2)))


def test_scores_are_the_networks_over_the_builders_graph():
    network = Mean()
    ranking = GRag(EMBEDDER, Keywords(), network).rank("copper war", PASSAGES)
    query, vectors = unit_rows(vectors_of(["copper war"]))[0], unit_rows(vectors_of(TEXTS))
    graph = Keywords().build(PASSAGES)
    inputs = GraphInputs(query, vectors, graph.sources, graph.targets, graph.weights)
    (expected,) = (reply.value for reply in Mean().answer([inputs], Call()))
    order = [PASSAGES[i].id for i in np.argsort(-expected, kind="stable")]
    assert [item.passage.id for item in ranking] == order
    told = {item.index: item.reasons["network"] for item in ranking.kept}
    standard = (expected - expected.mean()) / expected.std()
    assert told == pytest.approx(dict(enumerate(standard)), abs=1e-5)
    assert len(network.seen) == 2 and len(network.seen[1].sources) == 0


def test_neighbours_that_lift_a_passage_are_named():
    texts = ["tides and moon", "unlike", "others", "strange"]
    ranking = GRag(EMBEDDER, Pair(), Mean(5.0)).rank("tides moon", [Passage(t, f"p{i}") for i, t in enumerate(texts)])
    lifted = {item.passage.id: item.reasons.get("lifted by") for item in ranking.kept}
    assert lifted == {"p0": None, "p1": None, "p2": None, "p3": "p0"}, "its neighbour is what the query asks for"


def test_without_edges_nobody_is_lifted_and_nobody_lost():
    ranking = GRag(EMBEDDER, Metadata(), Mean()).rank("bread", TEXTS)
    assert ranking.texts[0] == "bread" and len(ranking) == 5
    assert all("lifted by" not in item.reasons for item in ranking.kept)


def test_vectors_reach_builders_that_need_them():
    reranker = GRag(EMBEDDER, Neighbours(k=2), Mean())
    assert len(reranker.rank("treaty war", PASSAGES).rounds) == 2
    with pytest.raises(InputError, match="needs a graph builder"):
        GRag(EMBEDDER, "keywords", Mean())
    with pytest.raises(InputError, match="needs a AmrParser"):
        GRag(EMBEDDER, Keywords(), Mean(), parser="amrlib")


def trained(folder, builder, network="g-rag"):
    space = VectorSpace(("hash",), EMBEDDER.fingerprint, unit_rows(vectors_of([PROBE]))[0])
    sizes = GraphSizes(WIDTH, 4, sage=True)
    rng = np.random.default_rng(2)
    tensors = {
        "own.0.weight": rng.normal(size=(4, WIDTH)), "own.0.bias": np.zeros(4), "own.1.weight": rng.normal(size=(WIDTH, 4)),
        "others.0.weight": rng.normal(size=(4, WIDTH)), "others.1.weight": rng.normal(size=(WIDTH, 4)), "scale": np.ones(1),
    }  # fmt: skip
    save(folder, Trained(network, sizes, Guard(), space, {"builder": builder} if builder else {}), tensors)
    return TrainedNetwork(str(folder))


def test_the_builder_is_the_one_of_the_training(tmp_path):
    places = [Passage(t, f"p{i}", document_id="d" if i < 3 else None, position=i) for i, t in enumerate(TEXTS)]
    by_metadata = trained(tmp_path / "a", {"kind": "metadata", "reach": 2})
    scores = [{i.index: i.score for i in each.rank("war", places).kept} for each in (
        GRag(EMBEDDER, network=by_metadata),
        GRag(EMBEDDER, Metadata(reach=2), by_metadata),
        GRag(EMBEDDER, Keywords(), by_metadata),
        GRag(EMBEDDER, network=trained(tmp_path / "b", None)),
    )]  # fmt: skip
    assert scores[0] == scores[1] != scores[2] == pytest.approx(scores[3])
    reranker = GRag(builder=Metadata(reach=2), network=by_metadata, prior=0.5)
    assert from_dict(reranker.to_dict()) == reranker


def test_a_network_of_another_reranker_is_refused(tmp_path):
    @dataclass(frozen=True)
    class Other(Mean):
        network = "ebcar"

    with pytest.raises(InputError, match="g-rag was given a network of ebcar"):
        GRag(EMBEDDER, network=Other())


def test_a_prior_of_one_is_the_stage_before():
    before = [passage.id for passage in PASSAGES]
    assert [i.passage.id for i in GRag(EMBEDDER, Keywords(), Mean(), prior=1.0).rank("war", PASSAGES)] == before
    stage = GraphPropagation(alpha=0.0) >> GRag(EMBEDDER, Keywords(), Mean(), prior=1.0)
    assert [i.passage.id for i in stage.rank("war", PASSAGES)] == before


def test_another_order_of_candidates_changes_no_score():
    reranker = GRag(EMBEDDER, Keywords(), Mean())
    usual = {item.passage.id: item.score for item in reranker.rank("copper war", PASSAGES).kept}
    moved = {item.passage.id: item.score for item in reranker.rank("copper war", PASSAGES[::-1]).kept}
    assert moved == pytest.approx(usual, abs=1e-6)


# ---- AMRs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words(AmrParser):
    """Every word is a concept under the first; joint texts begin with `question`. It cannot read "bread"."""

    seen: list = field(default_factory=list, compare=False)

    def answer(self, payloads, call):
        self.seen.extend(payloads)
        return [ModelError("no") if "bread" in payload else Reply(self.graph(payload)) for payload in payloads]

    def graph(self, text):
        first, *words = text.replace(":", " ").split()
        return f"(a / {first} " + " ".join(f":op{i} (b{i} / {word})" for i, word in enumerate(words, 1)) + ")"


class Recorder(HashEmbedder):
    """Notes the texts."""

    seen: list = []  # noqa: RUF012 - one note for all

    def answer(self, payloads, call):
        self.seen.extend(payload.text for payload in payloads)
        return super().answer(payloads, call)


def test_passages_are_parsed_with_the_question():
    pytest.importorskip("penman")
    parser, network, embedder = Words(), Mean(), Recorder()
    embedder.seen.clear()
    ranking = GRag(embedder, Amr(), network, parser=parser).rank("who", ["sea salt", "salt lake", "bread"])
    assert sorted(parser.seen) == ["question:who bread", "question:who salt lake", "question:who sea salt"]
    assert network.seen[0].sources.tolist() == [0] and network.seen[0].targets.tolist() == [1]
    assert {"who", "sea salt who sea salt", "salt lake who salt lake", "bread"} == set(embedder.seen)
    assert sorted(ranking.texts) == ["bread", "salt lake", "sea salt"], "passages as they came in"
    assert ranking.repairs == ("1 passages were read without a parsed amr",)


def test_where_passages_carry_amrs_only_the_question_is_parsed():
    pytest.importorskip("penman")
    parser, embedder = Words(), Recorder()
    embedder.seen.clear()
    passages = [Passage(text, metadata={"amr": Words().graph(text)}) for text in ("sea salt", "salt lake", "rye")]
    GRag(embedder, Amr(), Mean(), parser=parser).rank("old sea", passages)
    assert parser.seen == ["old sea"]
    assert set(embedder.seen) == {"old sea", "sea salt salt", "salt lake", "rye"}
    assert [set(passage.metadata) for passage in passages] == [{"amr"}] * 3, "inputs are never changed"


def test_amrs_without_a_parser_are_taken_as_they_are():
    pytest.importorskip("penman")
    passages = [Passage(text, metadata={"amr": Words().graph(text)}) for text in ("sea salt", "salt lake", "rye")]
    network = Mean()
    assert len(GRag(EMBEDDER, Amr(), network).rank("old sea", passages)) == 3
    assert network.seen[0].sources.tolist() == [0]
