"""Clients as their makers ship them, pointed at a server of ours by nothing but its address.

Each must get what `reranker.rank` gives in process: the same order, the same scores.
"""

from __future__ import annotations

import gc
import math
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shortlist.models.base import PairScorer
from shortlist.models.function import FunctionScorer
from shortlist.models.http import HttpRerank
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load
from shortlist.rerankers.cross_encoder import CrossEncoder

QUERY = "what pulls at the water of the tides"
TEXTS = [
    "Bread rises because yeast makes gas in the dough.",
    "The moon pulls at the water of the sea.",
    "Tides follow the moon, twice a day.",
    "Paris is the capital of France.",
    "Water boils at a hundred degrees.",
]
KEY = "a key that is long enough to be one"
WRONG_KEY = "another key that nobody has given out"


def _logit(pairs: list[tuple[str, str]]) -> list[float]:
    return [len(set(query.split()) & set(text.lower().split())) - 2.0 for query, text in pairs]


def pipelines() -> dict[str, Reranker]:
    scorer: PairScorer = FunctionScorer(_logit, kind_of_score="logit")
    return {
        "lexical": load("lexical"),
        "similar": load("similarity"),
        "logits": CrossEncoder(scorer),
        "cut": load("similarity[:2]"),
        "diverse": load("lexical >> mmr(diversity=0.7)"),
    }


WHOLE = ("lexical", "similar", "logits", "diverse")
NAMES = (*WHOLE, "cut")


@pytest.fixture(scope="module")
def url(serve: Any) -> str:
    from shortlist.serving.keys import digest

    return serve(pipelines(), keys=(digest(KEY),))


# What other people's packages warn of is no business of ours.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def _connections_that_clients_leave_open() -> Iterator[None]:
    """Collected here, where a warning about them ends no other test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        requestor = sys.modules.get("voyageai.api_resources.api_requestor")
        if session := requestor and vars(requestor._thread_context).pop("session", None):
            session.close()
        gc.collect()


def expected(name: str, k: int | None = None) -> list[tuple[int, float]]:
    ranking = pipelines()[name].rank(QUERY, TEXTS, top_k=k)
    if ranking.score_kind == "logit":
        return [(item.index, 1 / (1 + math.exp(-(item.score or 0.0)))) for item in ranking.kept]
    return [(item.index, float(item.score or 0.0)) for item in ranking.kept]


def same(told: list[tuple[int, float]], wanted: list[tuple[int, float]]) -> None:
    assert [index for index, _ in told] == [index for index, _ in wanted]
    assert [score for _, score in told] == pytest.approx([score for _, score in wanted], abs=1e-12)


def rows(results: Any) -> list[tuple[int, float]]:
    return [(each.index, each.relevance_score) for each in results]


class TestCohere:
    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def package() -> Any:
        return pytest.importorskip("cohere")

    @pytest.mark.parametrize("name", NAMES)
    def test_second_version(self, url: str, name: str) -> None:
        import cohere

        client = cohere.ClientV2(KEY, base_url=url)
        same(rows(client.rerank(model=name, query=QUERY, documents=TEXTS).results), expected(name))
        limited = client.rerank(model=name, query=QUERY, documents=TEXTS, top_n=1, max_tokens_per_doc=100, priority=1)
        same(rows(limited.results), expected(name, 1))

    @pytest.mark.parametrize("name", NAMES)
    async def test_second_version_awaited(self, url: str, name: str) -> None:
        import cohere

        client = cohere.AsyncClientV2(KEY, base_url=url)
        reply = await client.rerank(model=name, query=QUERY, documents=TEXTS, top_n=3)
        same(rows(reply.results), expected(name, 3))
        assert reply.id
        assert reply.meta.billed_units.search_units == 1

    def test_first_version(self, url: str) -> None:
        import cohere

        client = cohere.Client(KEY, base_url=url)
        documents = [TEXTS[0], *({"text": text} for text in TEXTS[1:])]
        reply = client.rerank(
            model="similar", query=QUERY, documents=documents, return_documents=True, rank_fields=["text"], top_n=4
        )
        same(rows(reply.results), expected("similar", 4))
        assert [each.document.text for each in reply.results] == [TEXTS[each.index] for each in reply.results]

    async def test_first_version_awaited(self, url: str) -> None:
        import cohere

        reply = await cohere.AsyncClient(KEY, base_url=url).rerank(model="lexical", query=QUERY, documents=TEXTS)
        same(rows(reply.results), expected("lexical"))

    def test_its_errors(self, url: str) -> None:
        import cohere

        client = cohere.ClientV2(KEY, base_url=url)
        with pytest.raises(cohere.NotFoundError) as missing:
            client.rerank(model="nobody", query=QUERY, documents=TEXTS)
        assert "there are: lexical" in missing.value.body["message"]
        with pytest.raises(cohere.BadRequestError) as empty:
            client.rerank(model="lexical", query=QUERY, documents=[])
        assert "must not be empty" in empty.value.body["message"]
        with pytest.raises(cohere.UnprocessableEntityError):
            client.rerank(model="lexical", query=QUERY, documents=TEXTS, top_n=0)
        with pytest.raises(cohere.UnauthorizedError):
            cohere.ClientV2(WRONG_KEY, base_url=url).rerank(model="lexical", query=QUERY, documents=TEXTS)


class TestVoyage:
    @pytest.fixture(scope="class", autouse=True)
    @staticmethod
    def package() -> Any:
        return pytest.importorskip("voyageai")

    @pytest.mark.parametrize("name", NAMES)
    def test_client(self, url: str, name: str) -> None:
        import voyageai

        client = voyageai.Client(KEY, base_url=f"{url}/voyage/v1")
        reply = client.rerank(QUERY, TEXTS, model=name)
        same(rows(reply.results), expected(name))
        assert [each.document for each in reply.results] == [TEXTS[each.index] for each in reply.results]
        same(rows(client.rerank(QUERY, TEXTS, model=name, top_k=2).results), expected(name, 2))

    async def test_client_awaited(self, url: str) -> None:
        import voyageai

        client = voyageai.AsyncClient(KEY, base_url=f"{url}/voyage/v1")
        reply = await client.rerank(QUERY, TEXTS, model="similar", top_k=4, truncation=False)
        same(rows(reply.results), expected("similar", 4))
        assert reply.total_tokens >= 0

    def test_its_errors(self, url: str) -> None:
        import voyageai
        from voyageai.error import AuthenticationError, InvalidRequestError, MalformedRequestError

        client = voyageai.Client(KEY, base_url=f"{url}/voyage/v1")
        with pytest.raises(InvalidRequestError, match="must not be empty"):
            client.rerank(QUERY, [], model="lexical")
        with pytest.raises(MalformedRequestError, match="top_k"):
            client.rerank(QUERY, TEXTS, model="lexical", top_k=0)
        with pytest.raises(AuthenticationError):
            voyageai.Client(WRONG_KEY, base_url=f"{url}/voyage/v1").rerank(QUERY, TEXTS, model="lexical")


@pytest.mark.slow
class TestHaystack:
    def documents(self) -> list[Any]:
        from haystack import Document

        return [Document(content=text, meta={"place": i}) for i, text in enumerate(TEXTS)]

    def told(self, found: dict[str, Any]) -> list[tuple[int, float]]:
        return [(each.meta["place"], each.score) for each in found["documents"]]

    @pytest.mark.parametrize("name", NAMES)
    def test_cohere_ranker(self, url: str, name: str) -> None:
        rankers = pytest.importorskip("haystack_integrations.components.rankers.cohere")
        from haystack.utils import Secret

        ranker = rankers.CohereRanker(model=name, api_key=Secret.from_token(KEY), api_base_url=url, top_k=3)
        same(self.told(ranker.run(query=QUERY, documents=self.documents())), expected(name, 3))

    @pytest.mark.parametrize("name", NAMES)
    async def test_jina_ranker(self, url: str, name: str) -> None:
        rankers = pytest.importorskip("haystack_integrations.components.rankers.jina")
        from haystack.utils import Secret

        ranker = rankers.JinaRanker(model=name, api_key=Secret.from_token(KEY), base_url=f"{url}/v1/rerank")
        found = ranker.run(query=QUERY, documents=self.documents())
        same(self.told(found), expected(name))
        assert found["meta"]["model"] == name
        same(self.told(await ranker.run_async(query=QUERY, documents=self.documents(), top_k=2)), expected(name, 2))

    def test_jina_ranker_tells_what_is_wrong(self, url: str) -> None:
        rankers = pytest.importorskip("haystack_integrations.components.rankers.jina")
        from haystack.utils import Secret

        ranker = rankers.JinaRanker(model="nobody", api_key=Secret.from_token(KEY), base_url=f"{url}/v1/rerank")
        with pytest.raises(RuntimeError, match="there are: lexical"):
            ranker.run(query=QUERY, documents=self.documents())


@pytest.mark.slow
class TestLlamaIndex:
    def nodes(self) -> list[Any]:
        from llama_index.core.schema import NodeWithScore, TextNode

        return [NodeWithScore(node=TextNode(text=text, id_=str(i))) for i, text in enumerate(TEXTS)]

    def told(self, nodes: list[Any]) -> list[tuple[int, float]]:
        return [(int(each.node.id_), each.score) for each in nodes]

    @pytest.mark.parametrize("name", NAMES)
    def test_cohere_rerank(self, url: str, name: str) -> None:
        module = pytest.importorskip("llama_index.postprocessor.cohere_rerank")
        ranker = module.CohereRerank(model=name, api_key=KEY, base_url=url, top_n=4, max_retries=1)
        same(self.told(ranker.postprocess_nodes(self.nodes(), query_str=QUERY)), expected(name, 4))

    @pytest.mark.parametrize("name", NAMES)
    def test_jina_rerank(self, url: str, name: str) -> None:
        module = pytest.importorskip("llama_index.postprocessor.jinaai_rerank")
        ranker = module.JinaRerank(model=name, api_key=KEY, base_url=f"{url}/v1", top_n=4)
        same(self.told(ranker.postprocess_nodes(self.nodes(), query_str=QUERY)), expected(name, 4))

    @pytest.mark.parametrize("name", NAMES)
    def test_text_embedding_inference(self, serve: Any, name: str) -> None:
        module = pytest.importorskip("llama_index.postprocessor.tei_rerank")
        alone = serve({name: pipelines()[name]})
        ranker = module.TextEmbeddingInference(base_url=alone, top_n=len(expected(name)))
        same(self.told(ranker.postprocess_nodes(self.nodes(), query_str=QUERY)), expected(name))

    def test_text_embedding_inference_with_a_key(self, url: str) -> None:
        module = pytest.importorskip("llama_index.postprocessor.tei_rerank")
        ranker = module.TextEmbeddingInference(base_url=url, top_n=3, auth_token=f"Bearer {KEY}")
        same(self.told(ranker.postprocess_nodes(self.nodes(), query_str=QUERY)), expected("lexical", 3))


@pytest.mark.slow
class TestLangChain:
    @pytest.mark.parametrize("name", NAMES)
    def test_cohere_rerank(self, url: str, name: str) -> None:
        package = pytest.importorskip("langchain_cohere")
        from langchain_core.documents import Document

        ranker = package.CohereRerank(model=name, cohere_api_key=KEY, base_url=url, top_n=3)
        documents = [Document(text, metadata={"place": i}) for i, text in enumerate(TEXTS)]
        found = ranker.compress_documents(documents, QUERY)
        same([(each.metadata["place"], each.metadata["relevance_score"]) for each in found], expected(name, 3))


class TestPlainHttp:
    @pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
    def test_a_key_in_any_header(self, url: str, header: str) -> None:
        value = f"Bearer {KEY}" if header == "authorization" else KEY
        body = {"query": QUERY, "documents": TEXTS, "model": "similar"}
        reply = httpx.post(f"{url}/v1/rerank", json=body, headers={header: value}, trust_env=False)
        told = [(each["index"], each["relevance_score"]) for each in reply.json()["results"]]
        same(told, expected("similar"))

    def test_what_open_webui_sends(self, url: str) -> None:
        # It puts the scores back in the order of the request, and needs one for every document.
        body = {"model": "cut", "query": QUERY, "documents": TEXTS, "top_n": len(TEXTS)}
        reply = httpx.post(
            f"{url}/v1/rerank?all=true", json=body, headers={"authorization": f"Bearer {KEY}"}, trust_env=False
        ).json()
        by_index = sorted(reply["results"], key=lambda each: each["index"])
        wanted = dict(expected("similar"))
        assert [each["relevance_score"] for each in by_index] == [wanted[i] for i in range(len(TEXTS))]

    def test_what_ragflow_sends_to_xinference(self, url: str) -> None:
        body = {
            "model": "lexical",
            "query": QUERY,
            "return_documents": "true",
            "return_len": "true",
            "documents": TEXTS,
        }
        reply = httpx.post(
            f"{url}/v1/rerank", json=body, headers={"authorization": f"Bearer {KEY}"}, trust_env=False
        ).json()
        assert reply["meta"]["tokens"]["input_tokens"] + reply["meta"]["tokens"]["output_tokens"] == 0
        same([(each["index"], each["relevance_score"]) for each in reply["results"]], expected("lexical"))


class TestOurOwnClient:
    @pytest.mark.parametrize("dialect", ["cohere", "jina", "tei", "vllm"])
    def test_every_dialect(self, serve: Any, dialect: Any) -> None:
        alone = serve({"logits": pipelines()["logits"]})
        name = None if dialect == "tei" else "logits"
        told = CrossEncoder(HttpRerank(url=alone, name=name, dialect=dialect)).rank(QUERY, TEXTS)
        same([(item.index, item.score) for item in told.kept], expected("logits"))

    @pytest.mark.parametrize("dialect", ["cohere", "jina", "vllm"])
    def test_a_key_and_any_pipeline(self, url: str, dialect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHORTLIST_TEST_KEY", KEY)
        for name in WHOLE:
            scorer = HttpRerank(url=url, name=name, dialect=dialect, key_variable="SHORTLIST_TEST_KEY", check=False)
            told = CrossEncoder(scorer).rank(QUERY, TEXTS)
            same([(item.index, item.score) for item in told.kept], expected(name))


@pytest.mark.models
@pytest.mark.slow
def test_the_cross_encoder_over_the_wire_is_the_one_in_process(serve: Any) -> None:
    cohere = pytest.importorskip("cohere")
    pytest.importorskip("onnxruntime")
    from shortlist.models.catalogue import find

    if find("ms-marco-minilm") is None:
        pytest.skip("no weights of ms-marco-minilm")
    ranking = load("cross-encoder").rank(QUERY, TEXTS)
    address = serve({"cross-encoder": "cross-encoder"})
    told = cohere.ClientV2("none", base_url=address).rerank(model="cross-encoder", query=QUERY, documents=TEXTS)
    assert [each.index for each in told.results] == [item.index for item in ranking.kept]
    wanted = [1 / (1 + math.exp(-(item.score or 0.0))) for item in ranking.kept]
    assert [each.relevance_score for each in told.results] == pytest.approx(wanted, abs=1e-5)
