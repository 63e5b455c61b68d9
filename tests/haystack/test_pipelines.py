"""Real Haystack pipelines: run, run_async, YAML, two retrievers into one ranker, tools, tracing."""

from __future__ import annotations

import json

import pytest
from haystack import Document, Pipeline
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.core.errors import PipelineError
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import ComponentTool

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from shortlist import Lexical, Runtime

QUERY = "what causes tides?"


@pytest.fixture
def store(documents: list[Document]) -> InMemoryDocumentStore:
    store = InMemoryDocumentStore()
    store.write_documents(MockDocumentEmbedder(dimension=8).run(documents)["documents"])
    return store


@pytest.fixture
def pipeline(store: InMemoryDocumentStore) -> Pipeline:
    return one_retriever(store, ShortlistRanker("lexical", top_k=2))


def one_retriever(store, ranker):
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store))
    pipeline.add_component("ranker", ranker)
    pipeline.connect("retriever.documents", "ranker.documents")
    return pipeline


def two_retrievers(store, ranker):
    pipeline = Pipeline()
    pipeline.add_component("embedder", MockTextEmbedder(dimension=8))
    pipeline.add_component("words", InMemoryBM25Retriever(store))
    pipeline.add_component("vectors", InMemoryEmbeddingRetriever(store))
    pipeline.add_component("ranker", ranker)
    pipeline.connect("embedder.embedding", "vectors.query_embedding")
    pipeline.connect("words.documents", "ranker.documents")
    pipeline.connect("vectors.documents", "ranker.documents")
    return pipeline


def asked(**ranker):
    return {"retriever": {"query": QUERY}, "ranker": {"query": QUERY, **ranker}}


def ids(output):
    return [document.id for document in output["ranker"]["documents"]]


def test_pipeline_run(pipeline):
    output = pipeline.run(asked())
    assert ids(output) == ["moon", "sun"]
    assert output["ranker"]["meta"]["score_kind"] == "utility"
    assert ids(pipeline.run(asked(top_k=1))) == ["moon"]


async def test_pipeline_run_async(pipeline):
    assert ids(await pipeline.run_async(asked())) == ["moon", "sun"]
    assert ids(await pipeline.run_async(asked(top_k=1))) == ["moon"]


async def test_pipeline_warms_up_and_closes(store, async_generator):
    pipeline = one_retriever(store, ShortlistRanker("judge", chat_generator=async_generator))
    await pipeline.run_async(asked())
    await pipeline.close_async()
    assert async_generator.events[0] == "warm_up_async"
    assert async_generator.events[-1] == "close_async"
    pipeline.run(asked())
    pipeline.close()
    assert async_generator.events[-1] == "close"


def test_meta_can_be_connected(store):
    from haystack.components.converters import OutputAdapter

    pipeline = one_retriever(store, ShortlistRanker("lexical"))
    pipeline.add_component("kind", OutputAdapter("{{ meta.score_kind }}", str))
    pipeline.connect("ranker.meta", "kind.meta")
    assert pipeline.run(asked())["kind"]["output"] == "utility"


@pytest.mark.parametrize(
    "reranker",
    ["lexical[:3] >> keep-order", {"reranker": "lexical", "k1": 1.1}, Lexical(k1=1.1) | Lexical()],
    ids=["expression", "dict", "object"],
)
def test_yaml_round_trip_without_an_allow_list(store, reranker, monkeypatch):
    monkeypatch.delenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", raising=False)
    ranker = ShortlistRanker(reranker, top_k=2, runtime=Runtime(timeout=5.0), meta_fields_to_embed=["name"])
    pipeline = one_retriever(InMemoryDocumentStore(), ranker)
    again = Pipeline.loads(pipeline.dumps())
    assert again.dumps() == pipeline.dumps()
    documents = store.filter_documents()
    assert again.get_component("ranker").run(QUERY, documents)["documents"] == ranker.run(QUERY, documents)["documents"]


def test_yaml_round_trip_with_the_frameworks_models(store, monkeypatch):
    monkeypatch.delenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", raising=False)
    ranker = ShortlistRanker(
        "judge >> similarity",
        chat_generator=MockChatGenerator("yes"),
        text_embedder=MockTextEmbedder(dimension=8),
        document_embedder=MockDocumentEmbedder(dimension=8),
    )
    again = Pipeline.loads(one_retriever(InMemoryDocumentStore(), ranker).dumps()).get_component("ranker")
    documents = store.filter_documents()
    assert again.run(QUERY, documents)["documents"] == ranker.run(QUERY, documents)["documents"]
    assert isinstance(again.chat_generator, MockChatGenerator)


def test_the_yaml_names_no_class_of_the_core():
    written = one_retriever(InMemoryDocumentStore(), ShortlistRanker(Lexical()[:3], runtime=Runtime())).dumps()
    types = [line.split("type:")[1].strip() for line in written.splitlines() if "type:" in line]
    assert [name for name in types if name.startswith("shortlist.")] == []
    assert "haystack_integrations.components.rankers.shortlist.ranker.ShortlistRanker" in types


def test_two_retrievers_straight_into_the_ranker(store):
    pipeline = two_retrievers(store, ShortlistRanker("lexical"))
    output = pipeline.run({"embedder": {"text": QUERY}, "words": {"query": QUERY}, "ranker": {"query": QUERY}})
    assert sorted(ids(output)) == ["bread", "moon", "odd", "sun"]
    assert ids(output)[:2] == ["moon", "sun"]
    (repair,) = output["ranker"]["meta"]["repairs"]
    assert "had the id of another" in repair


async def test_two_retrievers_async(store):
    pipeline = two_retrievers(store, ShortlistRanker("lexical", top_k=2))
    asks = {"embedder": {"text": QUERY}, "words": {"query": QUERY}, "ranker": {"query": QUERY}}
    assert ids(await pipeline.run_async(asks)) == ["moon", "sun"]


def test_splitter_metadata_is_read(store):
    whole = Document(id="tides", content="one. two. three.")
    parts = DocumentSplitter(split_by="period", split_length=1).run([whole])["documents"]
    output = ShortlistRanker("by-place").run(QUERY, parts)
    assert [d.meta["split_id"] for d in output["documents"]] == sorted(
        (d.meta["split_id"] for d in parts), reverse=True
    )


def test_a_leaked_change_does_not_reach_the_store(store, pipeline):
    (best, _) = pipeline.run(asked())["ranker"]["documents"]
    best.meta["new"] = 1
    assert all("new" not in document.meta for document in store.filter_documents())


def test_one_component_belongs_to_one_pipeline(store):
    ranker = ShortlistRanker("lexical")
    one_retriever(store, ranker)
    with pytest.raises(PipelineError):
        one_retriever(store, ranker)


def test_component_tool_schema(documents):
    tool = ComponentTool(component=ShortlistRanker("lexical", top_k=2), name="rerank", description="Ranks.")
    properties = tool.parameters["properties"]
    assert set(properties) == {"query", "documents", "top_k"}
    assert tool.parameters["required"] == ["query", "documents"]
    assert properties["query"]["description"] == "what the user asked."
    assert all(properties[name]["description"] for name in properties)
    called = tool.invoke(query=QUERY, documents=[document.to_dict() for document in documents])
    assert [document.id for document in called["documents"]] == ["moon", "sun"]
    json.dumps(called["meta"])


class TestTracing:
    def check(self, tracer):
        spans = [span for span in tracer.spans if span.name == "haystack.chat_generator.run"]
        assert len(spans) == 4
        for span in spans:
            assert span.parent.tags["haystack.component.name"] == "ranker"
            assert span.tags["haystack.component.name"] == "chat_generator"
            assert span.tags["haystack.component.type"] == "AsyncLifecycle"
            assert span.tags["haystack.component.input"]["messages"][0].text == QUERY
            (reply,) = span.tags["haystack.component.output"]["replies"]
            assert reply.meta["usage"]["prompt_tokens"] == 11

    @pytest.fixture
    def judged(self, documents, async_generator):
        pipeline = Pipeline()
        pipeline.add_component("ranker", ShortlistRanker("judge", chat_generator=async_generator))
        return pipeline, {"ranker": {"query": QUERY, "documents": documents}}

    def test_calls_of_the_generator_have_spans_under_the_ranker(self, tracer, judged):
        pipeline, asks = judged
        assert pipeline.run(asks)["ranker"]["meta"]["usage"]["tokens_in"] == 44
        self.check(tracer)

    async def test_async_too(self, tracer, judged):
        pipeline, asks = judged
        assert (await pipeline.run_async(asks))["ranker"]["meta"]["usage"]["tokens_out"] == 4
        self.check(tracer)

    def test_no_content_without_the_switch(self, tracer, judged, monkeypatch):
        import haystack.tracing

        monkeypatch.setattr(haystack.tracing.tracer, "is_content_tracing_enabled", False)
        pipeline, asks = judged
        pipeline.run(asks)
        spans = [span for span in tracer.spans if span.name == "haystack.chat_generator.run"]
        assert {tuple(sorted(span.tags)) for span in spans} == {("haystack.component.name", "haystack.component.type")}
