"""What instrumentation sees: spans, events and the callbacks that came before them."""

from __future__ import annotations

import json

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.schema import EventPayload
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.schema import QueryBundle

from llama_index.postprocessor.shortlist import RankingEvent, ShortlistRerank
from shortlist import CrossEncoder, ModelError
from shortlist.models.fakes import FailingScorer, OverlapScorer


async def run(rerank: ShortlistRerank, nodes, query: str, form: str):
    if form == "sync":
        return rerank.postprocess_nodes(nodes, query_str=query)
    return await rerank.apostprocess_nodes(nodes, query_str=query)


both = pytest.mark.parametrize("form", ["sync", "async"])


@both
async def test_events_of_a_rerank(form, nodes, query, events):
    kept = await run(ShortlistRerank(reranker="lexical", top_n=2), nodes, query, form)
    start, end = events.reranks
    assert isinstance(start, ReRankStartEvent)
    assert (start.query, start.top_n, start.model_name) == (QueryBundle(query), 2, "lexical")
    assert isinstance(end, ReRankEndEvent)
    assert [item.node_id for item in end.nodes] == [item.node_id for item in kept]


@both
async def test_events_share_the_span(form, nodes, query, events, spans):
    await run(ShortlistRerank(reranker="lexical"), nodes, query, form)
    method = "_postprocess_nodes" if form == "sync" else "_apostprocess_nodes"
    (span,) = [span.id_ for span in spans.completed_spans if "ShortlistRerank" in span.id_]
    assert f".{method}-" in span
    assert [event.span_id for event in events.reranks] == [span, span]


@both
async def test_events_without_nodes_and_without_top_n(form, query, nodes, events, legacy):
    rerank = ShortlistRerank(reranker="lexical", callback_manager=CallbackManager([legacy]))
    assert await run(rerank, [], query, form) == []
    await run(rerank, nodes, query, form)
    assert [type(event) for event in events.reranks] == [ReRankStartEvent, RankingEvent] * 2
    assert [event.top_n for event in events.reranks[::2]] == [0, len(nodes)]
    assert (len(legacy.starts), len(legacy.ends)) == (2, 2)


@both
async def test_legacy_callback(form, nodes, query, legacy):
    rerank = ShortlistRerank(reranker="lexical", top_n=2, callback_manager=CallbackManager([legacy]))
    kept = await run(rerank, nodes, query, form)
    (start,), (end,) = legacy.starts, legacy.ends
    assert start == {
        EventPayload.NODES: nodes,
        EventPayload.MODEL_NAME: "lexical",
        EventPayload.QUERY_STR: query,
        EventPayload.TOP_K: 2,
    }
    assert end == {EventPayload.NODES: kept}


@both
async def test_the_start_event_keeps_the_scores_that_came_in(form, nodes, query, events):
    before = [item.score for item in nodes]
    kept = await run(ShortlistRerank(reranker="lexical"), nodes, query, form)
    kept[0].score = -1.0
    assert [item.score for item in events.reranks[0].nodes] == before


@both
async def test_the_end_event_offers_the_ranking(form, nodes, query, events):
    rerank = ShortlistRerank(reranker=CrossEncoder(OverlapScorer()), top_n=1)
    await run(rerank, nodes, query, form)
    start, end = events.reranks
    assert end.ranking.usage.calls == len(nodes)
    assert len(end.ranking.dropped) == len(nodes) - 1
    assert [start.nodes[item.index].node_id for item in end.ranking.kept] == [item.node_id for item in end.nodes]


def test_the_end_event_is_dumped_like_its_base(nodes, query, events):
    ShortlistRerank(reranker="lexical").postprocess_nodes(nodes, query_str=query)
    end = events.reranks[-1]
    plain = ReRankEndEvent(nodes=end.nodes)
    assert set(end.model_dump()) == set(plain.model_dump())
    assert end.model_dump()["class_name"] == "ReRankEndEvent"
    json.dumps(end.model_dump(mode="json"))


def test_an_object_goes_by_its_name(nodes, query, events):
    ShortlistRerank(reranker=CrossEncoder(OverlapScorer())).postprocess_nodes(nodes, query_str=query)
    assert events.reranks[0].model_name == "cross-encoder"


@both
async def test_a_failure_closes_the_callback_and_drops_the_span(form, nodes, query, events, spans, legacy):
    rerank = ShortlistRerank(reranker=CrossEncoder(FailingScorer()), callback_manager=CallbackManager([legacy]))
    with pytest.raises(ModelError):
        await run(rerank, nodes, query, form)
    assert [type(event) for event in events.reranks] == [ReRankStartEvent]
    assert len(legacy.ends) == 1
    assert [span for span in spans.dropped_spans if "ShortlistRerank" in span.id_]
