"""Rerankers with a trained network, in pipelines over documents that the framework itself split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from haystack import Document, Pipeline
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.core.errors import PipelineRuntimeError
from haystack.document_stores.in_memory import InMemoryDocumentStore
from tests.learned_cases import BOOKS, CLASSES, every_network

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from haystack_integrations.components.rankers.shortlist.bridge import HaystackEmbedder
from shortlist import BadAnswer, HybRank, InputError, Passage, TrainedNetwork
from shortlist.models.fakes import HashEmbedder

QUERY = "what causes tides?"


@pytest.fixture
def store(document_embedder) -> InMemoryDocumentStore:
    """Filled by a pipeline of the framework."""
    store, indexing = InMemoryDocumentStore(), Pipeline()
    indexing.add_component("splitter", DocumentSplitter(split_by="period", split_length=1))
    indexing.add_component("embedder", document_embedder)
    indexing.add_component("writer", DocumentWriter(store))
    indexing.connect("splitter.documents", "embedder.documents")
    indexing.connect("embedder.documents", "writer.documents")
    indexing.run({"splitter": {"documents": [Document(id=name, content=text) for name, text in BOOKS.items()]}})
    return store


@pytest.fixture
def embedders(text_embedder, document_embedder):
    return {"text_embedder": text_embedder, "document_embedder": document_embedder}


def pipeline(store, ranker, text_embedder, *, embeddings: bool = True) -> Pipeline:
    made = Pipeline()
    made.add_component("embedder", type(text_embedder)())
    made.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=20, return_embedding=embeddings))
    made.add_component("ranker", ranker)
    made.connect("embedder.embedding", "retriever.query_embedding")
    made.connect("retriever.documents", "ranker.documents")
    return made


def asked() -> dict:
    return {"embedder": {"text": QUERY}, "ranker": {"query": QUERY}}


def retrieved(store, text_embedder) -> list[Document]:
    vector = text_embedder.run(QUERY)["embedding"]
    return InMemoryEmbeddingRetriever(store, top_k=20, return_embedding=True).run(vector)["documents"]


def expected(reranker, documents) -> list[tuple[str, float]]:
    """What the core makes of the same passages, told by the names that the framework gives them."""
    passages = [Passage(d.content, d.id, d.score, None, d.meta["source_id"], d.meta["split_id"]) for d in documents]
    return [(item.passage.id, item.score) for item in reranker.rank(QUERY, passages)]


def told(output) -> list[tuple[str, float]]:
    return [(d.id, pytest.approx(d.score, abs=1e-6)) for d in output["ranker"]["documents"]]


@every_network
@pytest.mark.parametrize("form", ["name", "dict", "object"])
@pytest.mark.parametrize("embeddings", [True, False], ids=["stored vectors", "embedded again"])
async def test_pipeline(name, form, embeddings, store, embedders, network_folder):
    folder = network_folder(name, 32)
    given = {
        "name": {"reranker": name, "settings": {"network": folder}, **embedders},
        "dict": {"reranker": {"reranker": name, "network": folder}, **embedders},
        "object": {"reranker": CLASSES[name](HaystackEmbedder(**_short(embedders)), network=TrainedNetwork(folder))},
    }[form]
    made = pipeline(store, ShortlistRanker(**given), embedders["text_embedder"], embeddings=embeddings)
    found = retrieved(store, embedders["text_embedder"])
    core = expected(CLASSES[name](HashEmbedder(32), network=TrainedNetwork(folder)), found)
    assert len(found) == 8
    for output in (made.run(asked()), await made.run_async(asked())):
        assert told(output) == core
        assert sorted(d.id for d in output["ranker"]["documents"]) == sorted(d.id for d in found)
        assert [d.id for d in output["ranker"]["documents"]] != [d.id for d in found]


def _short(embedders) -> dict:
    return {name.removesuffix("_embedder"): each for name, each in embedders.items()}


@pytest.mark.parametrize(
    ("name", "key", "matters"),
    [("ebcar", "source_id", True), ("ebcar", "split_id", True), ("g-rag", "source_id", True),
     ("hybrid", "source_id", False)],
)  # fmt: skip
def test_documents_and_places_reach_the_network(name, key, matters, store, embedders, network_folder):
    ranker = ShortlistRanker(name, settings={"network": network_folder(name, 32)}, **embedders)
    found = retrieved(store, embedders["text_embedder"])
    exchanged = [
        replace(d, meta={**d.meta, key: other.meta[key]})
        for d, other in zip(found, [*found[3:], *found[:3]], strict=True)
    ]
    one, other = (ranker.run(QUERY, documents)["documents"] for documents in (found, exchanged))
    assert ([d.id for d in one] != [d.id for d in other]) is matters


@every_network
def test_a_network_of_another_embedder(name, store, embedders, network_folder):
    settings = {"network": network_folder(name, 32, another=True)}
    made = pipeline(store, ShortlistRanker(name, settings=settings, **embedders), embedders["text_embedder"])
    with pytest.raises(
        PipelineRuntimeError, match="reads vectors of another; those of WordTextEmbedder are others"
    ) as caught:
        made.run(asked())
    assert isinstance(caught.value.__cause__, BadAnswer)


@every_network
@pytest.mark.parametrize("form", ["name", "dict"])
def test_a_yaml_file_has_the_network_by_its_folder(name, form, network_folder):
    folder = network_folder(name, 32)
    given = {
        "name": {"reranker": name, "settings": {"network": folder}},
        "dict": {"reranker": {"reranker": name, "network": folder}},
    }[form]
    parts = {"text_embedder": MockTextEmbedder(dimension=32), "document_embedder": MockDocumentEmbedder(dimension=32)}
    made = Pipeline()
    made.add_component("ranker", ShortlistRanker(**given, **parts))
    again = Pipeline.loads(made.dumps())
    assert folder in made.dumps() and again.dumps() == made.dumps()
    with pytest.raises(PipelineRuntimeError, match="reads vectors of hash"):  # so it was found and read
        again.run({"ranker": {"query": QUERY, "documents": [Document(content="tides"), Document(content="bread")]}})


async def test_the_network_that_comes_with_the_package_for_any_embedder(store, embedders):
    made = pipeline(store, ShortlistRanker("hybrid", **embedders), embedders["text_embedder"])
    core = expected(HybRank(HashEmbedder(32)), retrieved(store, embedders["text_embedder"]))
    assert told(made.run(asked())) == core
    assert told(await made.run_async(asked())) == core


@pytest.mark.parametrize("attribute", ["model", "model_name"])
def test_the_network_that_comes_with_the_package_is_found_by_the_embedder_s_name(attribute, documents, embedders):
    with pytest.raises(InputError, match="no g-rag network comes with the package for WordTextEmbedder, only for"):
        ShortlistRanker("g-rag", **embedders).run(QUERY, documents)
    setattr(embedders["text_embedder"], attribute, "BAAI/bge-small-en-v1.5")
    with pytest.raises(BadAnswer, match="g-rag-bge-small reads vectors of bge-small"):  # which these are not
        ShortlistRanker("g-rag", **embedders).run(QUERY, documents)
