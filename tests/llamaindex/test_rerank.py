"""What becomes of nodes: order, scores, what is left alone, what is read."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import (
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from llama_index.postprocessor.shortlist import ShortlistRerank
from shortlist import CrossEncoder, InputError, KeepOrder, Lexical, Limits, ModelError, Runtime
from shortlist.models.fakes import FailingScorer, OracleScorer, OverlapScorer

BY_OVERLAP = ["node-1", "node-2", "node-0", "node-3"]


def overlap(**settings) -> ShortlistRerank:
    return ShortlistRerank(reranker=CrossEncoder(OverlapScorer()), **settings)


def ids(nodes: list[NodeWithScore]) -> list[str]:
    return [item.node_id for item in nodes]


def dump(nodes: list[NodeWithScore]) -> list[dict]:
    return [item.to_dict() for item in nodes]


def test_class():
    names = [base.__name__ for base in ShortlistRerank.__mro__]
    assert BaseNodePostprocessor.__name__ in names
    assert ShortlistRerank.class_name() == "ShortlistRerank"


def test_no_init_shadows_the_namespace():
    source = Path(__file__).parents[2] / "packages" / "llamaindex" / "src" / "llama_index"
    assert source.is_dir()
    assert not (source / "__init__.py").exists()
    assert not (source / "postprocessor" / "__init__.py").exists()


def test_rerank(nodes, query):
    assert ids(overlap()._postprocess_nodes(nodes, QueryBundle(query))) == BY_OVERLAP
    assert ids(overlap().postprocess_nodes(nodes, query_str=query)) == BY_OVERLAP


async def test_rerank_async(nodes, query):
    assert ids(await overlap()._apostprocess_nodes(nodes, QueryBundle(query))) == BY_OVERLAP
    assert ids(await overlap().apostprocess_nodes(nodes, query_str=query)) == BY_OVERLAP


@pytest.mark.parametrize(
    "spec",
    [
        "lexical",
        "lexical[:3] >> keep-order",
        {"reranker": "lexical", "b": 0.5},
        Lexical(),
        KeepOrder() | Lexical(),
    ],
)
async def test_reranker_is_whatever_says_one(spec, nodes, query):
    found = ShortlistRerank(reranker=spec, top_n=2)
    kept = found.postprocess_nodes(nodes, query_str=query)
    assert len(kept) == 2
    assert ids(await found.apostprocess_nodes(nodes, query_str=query)) == ids(kept)


def test_settings_go_with_a_name(nodes, query):
    flat = ShortlistRerank(reranker="lexical", settings={"k1": 0.0, "b": 0.0})
    own = Lexical(k1=0.0, b=0.0).rank(query, [item.get_content(MetadataMode.EMBED) for item in nodes])
    assert [item.score for item in flat.postprocess_nodes(nodes, query_str=query)] == [i.score for i in own.kept]
    assert flat.rank_nodes(nodes, query).kept[0].score != Lexical().rank(query, [n.text for n in nodes]).kept[0].score


@pytest.mark.parametrize(
    "wrong",
    [
        {"reranker": "no-such-reranker"},
        {"reranker": "lexical", "settings": {"k9": 1}},
        {"reranker": "lexical", "top_n": 0},
        {"reranker": "lexical", "top_n": -1},
        {"reranker": "lexical", "topn": 3},
        {"reranker": Lexical},
        {"reranker": "lexical", "runtime": {"no_such": 1}},
        {},
    ],
)
def test_what_cannot_be_is_refused_at_construction(wrong):
    with pytest.raises(ValueError):
        ShortlistRerank(**wrong)


def test_what_the_reranker_was_built_from_is_fixed():
    rerank = ShortlistRerank(reranker="lexical")
    with pytest.raises(ValueError, match="frozen"):
        rerank.reranker = "keep-order"


@pytest.mark.parametrize(("top_n", "count"), [(None, 4), (1, 1), (4, 4), (9, 4)])
def test_top_n(top_n, count, nodes, query):
    assert ids(overlap(top_n=top_n).postprocess_nodes(nodes, query_str=query)) == BY_OVERLAP[:count]


def test_top_n_can_be_set_later_but_not_to_nothing(nodes, query):
    rerank = overlap()
    rerank.top_n = 2
    assert len(rerank.postprocess_nodes(nodes, query_str=query)) == 2
    rerank.top_n = 0
    with pytest.raises(ValueError, match="above 0"):
        rerank.postprocess_nodes(nodes, query_str=query)


@pytest.mark.parametrize("given", [[], None])
async def test_no_query_is_an_error(given, nodes):
    nodes = nodes if given is None else given
    with pytest.raises(ValueError, match="query"):
        overlap().postprocess_nodes(nodes)
    with pytest.raises(ValueError, match="query"):
        await overlap().apostprocess_nodes(nodes)


async def test_no_nodes(query):
    assert overlap().postprocess_nodes([], query_str=query) == []
    assert await overlap().apostprocess_nodes([], query_str=query) == []


def test_scores_are_floats_that_never_increase(nodes, query):
    nodes[0].score = np.float32(0.5)  # assignment is not validated, and peers do this
    nodes[1].score = math.nan
    nodes[2].score = None
    for spec in ("keep-order", "lexical", "blend(inner=lexical)", CrossEncoder(OverlapScorer())):
        scores = [item.score for item in ShortlistRerank(reranker=spec).postprocess_nodes(nodes, query_str=query)]
        assert all(type(score) is float and math.isfinite(score) for score in scores)
        assert scores == sorted(scores, reverse=True)


def test_inputs_do_not_change_and_outputs_are_new(nodes, query):
    before = dump(nodes)
    kept = overlap(top_n=3).postprocess_nodes(nodes, query_str=query)
    assert dump(nodes) == before
    assert not {id(item) for item in kept} & {id(item) for item in nodes}
    assert all(any(item.node is old.node for old in nodes) for item in kept)
    kept[0].score = 7.0
    assert dump(nodes) == before


def test_the_retriever_score_stays_out_of_the_text(nodes, query):
    shown = {item.node_id: item.get_content(MetadataMode.ALL) for item in nodes}
    for item in overlap().postprocess_nodes(nodes, query_str=query):
        assert item.get_content(MetadataMode.ALL) == shown[item.node_id]
        assert set(item.metadata) == {"page", "book"}


async def test_rank_nodes_tells_everything(nodes, query):
    rerank = overlap(top_n=1)
    ranking = rerank.rank_nodes(nodes, query)
    assert [item.passage.id for item in ranking.kept] == BY_OVERLAP[:1]
    assert {item.passage.id for item in ranking.dropped} == set(BY_OVERLAP[1:])
    assert ranking.usage.calls == 4
    assert ranking.query == query
    assert [item.passage.score for item in ranking.kept] == [nodes[1].score]
    again = await rerank.arank_nodes(nodes, QueryBundle(query))
    assert again.kept == ranking.kept


def test_duplicates_pass_through(nodes, query):
    kept = overlap().postprocess_nodes([nodes[1], nodes[0], nodes[1]], query_str=query)
    assert ids(kept) == ["node-1", "node-1", "node-0"]
    assert kept[0] is not kept[1]


def test_text_is_what_the_embedder_would_read():
    node = TextNode(text="of the moon", metadata={"shown": "tides", "hidden": "x"})
    node.excluded_embed_metadata_keys = ["hidden"]
    (passage,) = ShortlistRerank(reranker="lexical").rank_nodes([NodeWithScore(node=node)], "tides").passages
    assert passage.text == node.get_content(MetadataMode.EMBED)
    assert "tides" in passage.text
    assert "hidden" not in passage.text


def test_text_is_read_once(nodes, query, monkeypatch):
    read = []
    content = TextNode.get_content
    monkeypatch.setattr(TextNode, "get_content", lambda self, *a, **k: read.append(self.id_) or content(self, *a, **k))
    overlap().postprocess_nodes(nodes, query_str=query)
    assert sorted(read) == sorted(ids(nodes))


def test_document_and_position_by_default(nodes, query):
    passages = {p.id: p for p in ShortlistRerank(reranker="keep-order").rank_nodes(nodes, query).passages}
    assert [passages[f"node-{i}"].document_id for i in range(4)] == [f"document-{i // 2}" for i in range(4)]
    assert [passages[f"node-{i}"].position for i in range(4)] == [0, 100, 200, 300]


@pytest.mark.parametrize(
    ("value", "position"),
    [(3, 3), (3.0, 3), ("3", 3), (3.5, None), ("iii", None), (math.nan, None), (None, None), ([3], None)],
)
def test_document_and_position_from_metadata(value, position, query):
    node = TextNode(text="a", metadata={"doc": 17, "place": value}, start_char_idx=9)
    rerank = ShortlistRerank(reranker="keep-order", document_id_key="doc", position_key="place")
    (passage,) = rerank.rank_nodes([NodeWithScore(node=node)], query).passages
    assert passage.document_id == "17"
    assert passage.position == position
    absent = ShortlistRerank(reranker="keep-order", document_id_key="no", position_key="no")
    (passage,) = absent.rank_nodes([NodeWithScore(node=node)], query).passages
    assert (passage.document_id, passage.position) == (None, None)


def test_embeddings_are_carried(nodes, query):
    nodes[0].node.embedding = [1.0, 0.0]
    passages = ShortlistRerank(reranker="keep-order").rank_nodes(nodes, query).passages
    assert list(passages[0].embedding) == [1.0, 0.0]
    assert passages[1].embedding is None


async def test_rerank_multimodal(nodes, query):
    strange = [
        ImageNode(image_url="https://example.org/tide.png"),
        Node(image_resource=MediaResource(data=b"\x89PNG", mimetype="image/png")),
        Node(text_resource=MediaResource(text="Tides, as text in a Node.")),
        IndexNode(text="An index node.", index_id="other"),
        TextNode(text="", relationships={NodeRelationship.CHILD: [RelatedNodeInfo(node_id="child")]}),
    ]
    mixed = [*nodes, *(NodeWithScore(node=node) for node in strange)]
    for kept in (
        overlap().postprocess_nodes(mixed, query_str=query),
        await overlap().apostprocess_nodes(mixed, query_str=query),
    ):
        assert sorted(ids(kept)) == sorted(ids(mixed))
    texts = {p.id: p.text for p in overlap().rank_nodes(mixed, query).passages}
    assert [texts[node.id_] for node in strange[:2]] == ["", ""]


def test_a_failure_is_an_error_and_never_an_empty_answer(nodes, query):
    failing = CrossEncoder(FailingScorer())
    with pytest.raises(ModelError):
        ShortlistRerank(reranker=failing).postprocess_nodes(nodes, query_str=query)
    rescued = ShortlistRerank(reranker=failing | KeepOrder())
    assert ids(rescued.postprocess_nodes(nodes, query_str=query)) == ids(nodes)
    assert rescued.rank_nodes(nodes, query).degraded


@pytest.mark.parametrize("runtime", [{"limits": {"calls": 1}}, Runtime(limits=Limits(calls=1))])
def test_runtime_holds(runtime, nodes, query):
    limited = ShortlistRerank(reranker=CrossEncoder(OverlapScorer()) | KeepOrder(), runtime=runtime)
    assert limited.rank_nodes(nodes, query).degraded


def test_query_that_is_no_text_is_refused(nodes):
    with pytest.raises(InputError):
        overlap().postprocess_nodes(nodes, QueryBundle(query_str=None))


def test_fifty_threads_on_one_instance(nodes):
    grades = {item.node.text: float(i) for i, item in enumerate(nodes)}
    rerank = ShortlistRerank(reranker=CrossEncoder(OracleScorer(grades)))

    def one(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(4)
        kept = rerank.postprocess_nodes([nodes[i] for i in order], query_str=f"query {seed}")
        return ids(kept) == ["node-3", "node-2", "node-1", "node-0"]

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(one, range(200)))
