"""Real pipelines of the framework, on its in-memory store."""

from __future__ import annotations

import asyncio
import re

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import NodeWithScore
from llama_index.core.tools import RetrieverTool
from llama_index.core.workflow import Event, StartEvent, StopEvent, Workflow, step

from llama_index.postprocessor.shortlist import ShortlistRerank
from shortlist import CrossEncoder
from shortlist.models.fakes import OverlapScorer, SlowScorer

BEST = ["node-1", "node-2"]


@pytest.fixture
def index(nodes, embed_model) -> VectorStoreIndex:
    return VectorStoreIndex([item.node for item in nodes], embed_model=embed_model)


@pytest.fixture
def rerank() -> ShortlistRerank:
    return ShortlistRerank(reranker=CrossEncoder(OverlapScorer()), top_n=2)


def engine(index: VectorStoreIndex, *rerankers: ShortlistRerank, **settings) -> RetrieverQueryEngine:
    return RetrieverQueryEngine(
        retriever=index.as_retriever(similarity_top_k=4),
        response_synthesizer=get_response_synthesizer(llm=MockLLM()),
        node_postprocessors=list(rerankers),
        **settings,
    )


def ids(nodes: list[NodeWithScore]) -> list[str]:
    return [item.node_id for item in nodes]


def test_query_engine(index, rerank, query):
    response = engine(index, rerank).query(query)
    assert ids(response.source_nodes) == BEST
    assert [item.score for item in response.source_nodes] == pytest.approx([1.0, 2 / 3])


async def test_query_engine_async(index, rerank, query, embed_model, spans):
    response = await engine(index, rerank).aquery(query)
    assert ids(response.source_nodes) == BEST
    assert [span for span in spans.completed_spans if "._apostprocess_nodes-" in span.id_]


def test_as_query_engine(index, rerank, query):
    made = index.as_query_engine(llm=MockLLM(), similarity_top_k=4, node_postprocessors=[rerank])
    assert ids(made.query(query).source_nodes) == BEST


async def test_the_framework_embedder_reranks_what_it_retrieved(index, embed_model, query):
    similar = ShortlistRerank(reranker="similarity", embed_model=embed_model)
    retrieved = index.as_retriever(similarity_top_k=4).retrieve(query)
    for response in (engine(index, similar).query(query), await engine(index, similar).aquery(query)):
        assert ids(response.source_nodes) == ids(retrieved)
        assert [i.score for i in response.source_nodes] == pytest.approx([i.score for i in retrieved], abs=1e-5)


def test_rerankers_in_a_row(index, rerank, query):
    first = ShortlistRerank(reranker="lexical", top_n=3)
    assert ids(engine(index, first, rerank).query(query).source_nodes) == BEST


def test_no_score_is_in_the_prompt(index, rerank, query):
    response = str(engine(index, rerank).query(query))  # the mock says what it was asked
    assert "The moon causes tides" in response
    scores = [item.score for item in index.as_retriever(similarity_top_k=4).retrieve(query)]
    assert "score" not in response.lower()
    assert not {round(float(x), 3) for x in re.findall(r"\d\.\d{3,}", response)} & {round(s, 3) for s in scores}
    plain = str(engine(index).query(query))
    assert set(response.split()) <= set(plain.split())


def test_events_reach_the_callbacks_of_the_engine(index, rerank, query, legacy):
    made = engine(index, rerank, callback_manager=CallbackManager([legacy]))
    made.query(query)
    assert rerank.callback_manager is made.callback_manager
    assert (len(legacy.starts), len(legacy.ends)) == (1, 1)


def test_the_store_is_left_as_it_was(index, rerank, query):
    before = {key: node.to_dict() for key, node in index.docstore.docs.items()}
    engine(index, rerank).query(query)
    assert {key: node.to_dict() for key, node in index.docstore.docs.items()} == before


async def test_retriever_tool(index, rerank, query):
    tool = RetrieverTool.from_defaults(index.as_retriever(similarity_top_k=4), node_postprocessors=[rerank])
    for output in (tool.call(query), await tool.acall(query)):
        assert ids(output.raw_output) == BEST
        assert output.content.index("The moon causes") < output.content.index("Tides are caused")
        assert "Bread" not in output.content


class Retrieved(Event):
    nodes: list[NodeWithScore]
    query: str


class Search(Workflow):
    """Retrieve, then rerank, as two steps."""

    def __init__(self, index: VectorStoreIndex, rerank: ShortlistRerank) -> None:
        super().__init__(timeout=30)
        self.retriever = index.as_retriever(similarity_top_k=4)
        self.rerank = rerank

    @step
    async def retrieve(self, event: StartEvent) -> Retrieved:
        return Retrieved(nodes=await self.retriever.aretrieve(event.query), query=event.query)

    @step
    async def shorten(self, event: Retrieved) -> StopEvent:
        return StopEvent(result=await self.rerank.apostprocess_nodes(event.nodes, query_str=event.query))


async def test_workflow_step(index, rerank, query):
    assert ids(await Search(index, rerank).run(query=query)) == BEST


@pytest.mark.parametrize("reranker", [CrossEncoder(OverlapScorer()), CrossEncoder(SlowScorer(0.001)), "similarity"])
async def test_the_sync_form_works_while_a_loop_is_running(reranker, nodes, query, embed_model):
    """ObjectRetriever.aretrieve and RetrieverEvaluator call it so."""
    rerank = ShortlistRerank(reranker=reranker, embed_model=embed_model, top_n=2)
    assert asyncio.get_running_loop().is_running()
    assert ids(rerank.postprocess_nodes(nodes, query_str=query)) == BEST


async def test_one_instance_for_many_queries_at_once(nodes, query, embed_model):
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model, top_n=2)
    found = await asyncio.gather(*(rerank.apostprocess_nodes(nodes, query_str=query) for _ in range(50)))
    assert {tuple(ids(kept)) for kept in found} == {tuple(BEST)}


def test_one_instance_under_several_event_loops(nodes, query, embed_model):
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model, top_n=2)
    for _ in range(3):
        assert ids(asyncio.run(rerank.apostprocess_nodes(nodes, query_str=query))) == BEST
