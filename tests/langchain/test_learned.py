"""Rerankers with a trained network, behind retrievers over documents that the framework itself split."""

from __future__ import annotations

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import CharacterTextSplitter
from tests.learned_cases import BOOKS, CLASSES, every_network

from langchain_shortlist import ShortlistCompressor
from langchain_shortlist.bridge import LangChainEmbedder
from shortlist import BadAnswer, HybRank, Passage, TrainedNetwork
from shortlist.models.fakes import HashEmbedder


@pytest.fixture
def base(embeddings):
    splitter = CharacterTextSplitter(separator=". ", chunk_size=30, chunk_overlap=0, add_start_index=True)
    parts = splitter.split_documents([Document(text, metadata={"source": name}) for name, text in BOOKS.items()])
    for i, part in enumerate(parts):
        part.id = f"part-{i}"
    store = InMemoryVectorStore(embeddings)
    store.add_documents(parts)
    return store.as_retriever(search_kwargs={"k": 20})


def expected(reranker, documents, question) -> list[tuple[str, float]]:
    """What the core makes of the same passages, told by the names that the framework gives them."""
    passages = [
        Passage(d.page_content, d.id, None, None, d.metadata["source"], d.metadata["start_index"]) for d in documents
    ]
    return [(item.passage.id, item.score) for item in reranker.rank(question, passages)]


def told(documents) -> list[tuple[str, float]]:
    return [(d.id, pytest.approx(d.metadata["relevance_score"], abs=1e-6)) for d in documents]


@every_network
@pytest.mark.parametrize("form", ["name", "dict", "object"])
async def test_retrievers(name, form, base, embeddings, question, network_folder):
    folder = network_folder(name, 64)
    given = {
        "name": {"reranker": name, "settings": {"network": folder}, "embeddings": embeddings},
        "dict": {"reranker": {"reranker": name, "network": folder}, "embeddings": embeddings},
        "object": {"reranker": CLASSES[name](LangChainEmbedder(embeddings), network=TrainedNetwork(folder))},
    }[form]
    compressor = ShortlistCompressor(**given)
    found = base.invoke(question)
    core = expected(CLASSES[name](HashEmbedder(), network=TrainedNetwork(folder)), found, question)
    assert len(found) == 8
    for retriever in (
        compressor.as_retriever(base),
        ContextualCompressionRetriever(base_compressor=compressor, base_retriever=base),
    ):
        for documents in (retriever.invoke(question), await retriever.ainvoke(question)):
            assert told(documents) == core
            assert sorted(d.id for d in documents) == sorted(d.id for d in found)
            assert [d.id for d in documents] != [d.id for d in found]


@pytest.mark.parametrize(
    ("name", "key", "matters"),
    [("ebcar", "source", True), ("ebcar", "start_index", True), ("g-rag", "source", True), ("hybrid", "source", False)],
)
def test_documents_and_places_reach_the_network(name, key, matters, base, embeddings, question, network_folder):
    compressor = ShortlistCompressor(
        reranker=name, settings={"network": network_folder(name, 64)}, embeddings=embeddings
    )
    found = base.invoke(question)
    exchanged = [
        d.model_copy(update={"metadata": {**d.metadata, key: other.metadata[key]}})
        for d, other in zip(found, [*found[3:], *found[:3]], strict=True)
    ]
    one, other = (compressor.compress_documents(documents, question) for documents in (found, exchanged))
    assert ([d.id for d in one] != [d.id for d in other]) is matters


@every_network
def test_a_network_of_another_embedder(name, base, embeddings, question, network_folder):
    settings = {"network": network_folder(name, 64, another=True)}
    compressor = ShortlistCompressor(reranker=name, settings=settings, embeddings=embeddings)
    with pytest.raises(BadAnswer, match="reads vectors of another; those of WordEmbeddings are others"):
        compressor.as_retriever(base).invoke(question)


async def test_the_network_that_comes_with_the_package_for_any_embedder(base, embeddings, question):
    retriever = ShortlistCompressor(reranker="hybrid", embeddings=embeddings).as_retriever(base)
    core = expected(HybRank(HashEmbedder()), base.invoke(question), question)
    assert told(retriever.invoke(question)) == core
    assert told(await retriever.ainvoke(question)) == core


@pytest.mark.parametrize("attribute", ["model_name", "model"])
def test_the_network_that_comes_with_the_package_is_found_by_the_embedder_s_name(attribute, embeddings, documents):
    with pytest.raises(ValueError, match="no g-rag network comes with the package for WordEmbeddings, only for"):
        ShortlistCompressor(reranker="g-rag", embeddings=embeddings)
    setattr(embeddings, attribute, "BAAI/bge-small-en-v1.5")
    compressor = ShortlistCompressor(reranker="g-rag", embeddings=embeddings)
    with pytest.raises(BadAnswer, match="g-rag-bge-small reads vectors of bge-small"):  # which these are not
        compressor.compress_documents(documents, "tides")
