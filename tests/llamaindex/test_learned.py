"""Rerankers with a trained network, in query engines over documents that the framework itself cut into nodes."""

from __future__ import annotations

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import TokenTextSplitter
from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo
from tests.learned_cases import BOOKS, CLASSES, every_network

from llama_index.postprocessor.shortlist import LlamaIndexEmbedder, ShortlistRerank
from shortlist import BadAnswer, HybRank, Passage, TrainedNetwork
from shortlist.models.fakes import HashEmbedder


@pytest.fixture
def index(embed_model) -> VectorStoreIndex:
    books = [Document(text=text, id_=name) for name, text in BOOKS.items()]
    splitter = TokenTextSplitter(chunk_size=6, chunk_overlap=0, tokenizer=str.split, include_metadata=False)
    return VectorStoreIndex.from_documents(books, transformations=[splitter], embed_model=embed_model)


def retrieved(index, query) -> list[NodeWithScore]:
    return index.as_retriever(similarity_top_k=20).retrieve(query)


def passages(nodes) -> list[Passage]:
    """What the core is to be told of nodes, read off them by the framework's own names."""
    return [Passage(n.text, n.node_id, n.score, None, n.node.source_node.node_id, n.node.start_char_idx) for n in nodes]


def told(nodes) -> list[tuple[str, float]]:
    return [(item.node_id, pytest.approx(item.score, abs=1e-6)) for item in nodes]


def asked(reranker) -> list[tuple[str, float]]:
    """What the core makes of the same passages."""

    def rank(nodes, query):
        return [(item.passage.id, item.score) for item in reranker.rank(query, passages(nodes))]

    return rank


@every_network
@pytest.mark.parametrize("form", ["name", "dict", "object"])
async def test_query_engine(name, form, index, embed_model, query, network_folder):
    folder = network_folder(name, 64)
    given = {
        "name": {"reranker": name, "settings": {"network": folder}, "embed_model": embed_model},
        "dict": {"reranker": {"reranker": name, "network": folder}, "embed_model": embed_model},
        "object": {"reranker": CLASSES[name](LlamaIndexEmbedder(embed_model), network=TrainedNetwork(folder))},
    }[form]
    engine = index.as_query_engine(llm=MockLLM(), similarity_top_k=20, node_postprocessors=[ShortlistRerank(**given)])
    found = retrieved(index, query)
    expected = asked(CLASSES[name](HashEmbedder(), network=TrainedNetwork(folder)))(found, query)
    assert len(found) == 10
    for response in (engine.query(query), await engine.aquery(query)):
        assert told(response.source_nodes) == expected
        assert sorted(item.node_id for item in response.source_nodes) == sorted(item.node_id for item in found)
        assert [item.node_id for item in response.source_nodes] != [item.node_id for item in found]


def exchanged(nodes, change) -> list[NodeWithScore]:
    """Copies of the nodes, of which one has what another had."""
    made = [NodeWithScore(node=item.node.model_copy(deep=True), score=item.score) for item in nodes]
    for item, other in zip(made, [*nodes[3:], *nodes[:3]], strict=True):
        change(item.node, other.node)
    return made


def other_document(node, other):
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=other.source_node.node_id)


def other_place(node, other):
    node.start_char_idx = other.start_char_idx


@pytest.mark.parametrize(
    ("name", "change", "matters"),
    [
        ("ebcar", other_document, True),
        ("ebcar", other_place, True),
        ("g-rag", other_document, True),
        ("hybrid", other_document, False),
    ],
)
def test_documents_and_places_reach_the_network(name, change, matters, index, embed_model, query, network_folder):
    rerank = ShortlistRerank(reranker=name, settings={"network": network_folder(name, 64)}, embed_model=embed_model)
    found = retrieved(index, query)
    one, other = (rerank.postprocess_nodes(nodes, query_str=query) for nodes in (found, exchanged(found, change)))
    assert ([item.node_id for item in one] != [item.node_id for item in other]) is matters


@every_network
def test_a_network_of_another_embedder(name, index, embed_model, query, network_folder):
    folder = network_folder(name, 64, another=True)
    rerank = ShortlistRerank(reranker=name, settings={"network": folder}, embed_model=embed_model)
    engine = index.as_query_engine(llm=MockLLM(), similarity_top_k=20, node_postprocessors=[rerank])
    with pytest.raises(BadAnswer, match="reads vectors of another; those of unknown are others"):
        engine.query(query)


async def test_the_network_that_comes_with_the_package_for_any_embedder(index, embed_model, query):
    rerank = ShortlistRerank(reranker="hybrid", embed_model=embed_model)
    engine = index.as_query_engine(llm=MockLLM(), similarity_top_k=20, node_postprocessors=[rerank])
    expected = asked(HybRank(HashEmbedder()))(retrieved(index, query), query)
    assert told(engine.query(query).source_nodes) == expected
    assert told((await engine.aquery(query)).source_nodes) == expected


def test_the_network_that_comes_with_the_package_is_found_by_the_embedder_s_name(embed_model, nodes, query):
    named = type(embed_model)(model_name="BAAI/bge-small-en-v1.5")
    rerank = ShortlistRerank(reranker="g-rag", embed_model=named)
    with pytest.raises(BadAnswer, match="g-rag-bge-small reads vectors of bge-small"):  # which these are not
        rerank.postprocess_nodes(nodes, query_str=query)
    with pytest.raises(ValueError, match="no g-rag network comes with the package for unknown, only for"):
        ShortlistRerank(reranker="g-rag", embed_model=embed_model)
