"""What each shape takes and answers, and what it says when a request is wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import BaseModel

from shortlist.errors import BadAnswer
from shortlist.models.base import PairScorer
from shortlist.models.fakes import HangingScorer, OracleScorer
from shortlist.models.function import FunctionScorer
from shortlist.passage import Passage
from shortlist.ranking import Ranked, Ranking, dropped
from shortlist.reranker.expression import load
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.serving.wire import cohere, jina, tei, voyage
from shortlist.serving.wire.answer import Answer, encoded, sigmoid, under
from shortlist.serving.wire.asked import Asked, Extras

QUERY = "what pulls at the water of the tides"
TEXTS = ["Bread rises by yeast.", "The moon pulls at the water.", "Tides follow the moon.", "Paris is a city.", ""]
LOGITS = {TEXTS[1]: 4.5, TEXTS[2]: 2.25, TEXTS[0]: -3.0, TEXTS[3]: -800.0}
SHAPES: dict[str, type[BaseModel]] = {
    "/v1/rerank": jina.RerankReply,
    "/v2/rerank": cohere.CohereReply,
    "/rerank": tei.TeiReply,
    "/voyage/v1/rerank": voyage.VoyageReply,
}


def logit_scorer() -> PairScorer:
    return FunctionScorer(lambda pairs: [LOGITS.get(text, -1.0) for _, text in pairs], kind_of_score="logit")


def moody_scorer() -> PairScorer:
    """Passes the self-check at the start, and fails at these tests' query."""

    def score(pairs: list[tuple[str, str]]) -> list[float]:
        if any(query == QUERY for query, _ in pairs):
            raise BadAnswer("made to fail")
        return [1.0 for _ in pairs]

    return FunctionScorer(score)


PIPELINES: dict[str, Any] = {
    "lexical": "lexical",
    "similar": "similarity",
    "cut": "similarity[:2]",
    "diverse": "similarity >> mmr(diversity=0.6)",
    "logits": CrossEncoder(logit_scorer()),
    "nan": CrossEncoder(FunctionScorer(lambda pairs: [math.nan] * len(pairs))),
    "broken": CrossEncoder(moody_scorer()),
    "saved": CrossEncoder(moody_scorer()) | load("lexical"),
}


def asked(path: str, model: str | None = None, texts: list[Any] | None = None, **fields: Any) -> dict[str, Any]:
    named = {} if model is None else {"model": model}
    return {"query": QUERY, "texts" if path == "/rerank" else "documents": texts or TEXTS, **named, **fields}


def results(path: str, reply: Any) -> list[tuple[int, float]]:
    rows = {"/rerank": lambda: reply, "/voyage/v1/rerank": lambda: reply["data"]}.get(path, lambda: reply["results"])()
    return [(row["index"], row["score" if path == "/rerank" else "relevance_score"]) for row in rows]


def expected(name: str, texts: list[str] = TEXTS, **settings: Any) -> list[tuple[int, float]]:
    ranking = load(PIPELINES[name]).rank(QUERY, texts, **settings)
    squash = sigmoid if ranking.score_kind == "logit" else float
    return [(item.index, squash(item.score or 0.0)) for item in ranking.kept]


@pytest.fixture(scope="module")
def url(serve: Any) -> str:
    names = ("lexical", "similar", "cut", "diverse", "logits")
    return serve({name: PIPELINES[name] for name in names}, deadline=20.0)


def post(url: str, path: str, body: Any, **given: Any) -> httpx.Response:
    return httpx.post(url + path, json=body, timeout=30, trust_env=False, **given)


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize("name", ["lexical", "similar", "diverse", "logits"])
def test_every_shape_has_the_order_and_scores_of_the_library(url: str, path: str, name: str) -> None:
    reply = post(url, path, asked(path, name))
    assert reply.status_code == 200, reply.text
    SHAPES[path].model_validate(reply.json())
    assert results(path, reply.json()) == expected(name)


@pytest.mark.parametrize("path", SHAPES)
def test_the_first_pipeline_is_the_default(url: str, path: str) -> None:
    for model in (None, ""):
        assert results(path, post(url, path, asked(path, model)).json()) == expected("lexical")


@pytest.mark.parametrize("path", SHAPES)
def test_one_document_works(url: str, path: str) -> None:
    assert [index for index, _ in results(path, post(url, path, asked(path, texts=["one"])).json())] == [0]


@pytest.mark.parametrize("path", SHAPES)
def test_raw_scores_are_those_of_the_model(url: str, path: str) -> None:
    raw = results(path, post(url, path, asked(path, "logits", raw_scores=True)).json())
    assert [score for _, score in raw] == [4.5, 2.25, -1.0, -3.0, -800.0]
    squashed = results(path, post(url, path, asked(path, "logits")).json())
    assert [index for index, _ in raw] == [index for index, _ in squashed]
    assert all(0.0 <= score <= 1.0 for _, score in squashed)


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/rerank", "top_n"), ("/v2/rerank", "top_n"), ("/voyage/v1/rerank", "top_k")]
)
def test_as_many_as_were_asked_for(url: str, path: str, limit: str) -> None:
    assert results(path, post(url, path, asked(path, **{limit: 2})).json()) == expected("lexical", top_k=2)
    for large in (500, 2**31 - 1, 10**30):
        assert len(results(path, post(url, path, asked(path, **{limit: large})).json())) == len(TEXTS)
    assert len(results(path, post(url, path, asked(path, **{limit: None})).json())) == len(TEXTS)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_documents_come_back_only_when_asked_for(url: str, path: str) -> None:
    assert "document" not in post(url, path, asked(path)).json()["results"][0]
    # Xinference's clients send the text "true".
    for wanted in (True, "true"):
        told = post(url, path, asked(path, return_documents=wanted)).json()["results"]
        assert [row["document"] for row in told] == [{"text": TEXTS[row["index"]]} for row in told]


def test_voyage_and_tei_repeat_texts_in_their_own_way(url: str) -> None:
    told = post(url, "/voyage/v1/rerank", asked("/voyage/v1/rerank", return_documents=True)).json()["data"]
    assert [row["document"] for row in told] == [TEXTS[row["index"]] for row in told]
    ranks = post(url, "/rerank", asked("/rerank", return_text=True)).json()
    assert [row["text"] for row in ranks] == [TEXTS[row["index"]] for row in ranks]


def test_tei_answers_for_every_text_and_the_dropped_stand_below(url: str) -> None:
    rows = post(url, "/rerank", asked("/rerank", "cut")).json()
    kept = expected("cut")
    assert [(row["index"], row["score"]) for row in rows[:2]] == kept
    assert sorted(row["index"] for row in rows) == [*range(len(TEXTS))]
    assert ["dropped" in row for row in rows] == [False] * 2 + [True] * 3
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    # What fell behind the cut has the score that the pipeline gave it.
    assert [(row["index"], row["score"]) for row in rows] == expected("similar")


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/voyage/v1/rerank"])
def test_clients_that_want_a_score_for_every_document_can_have_it(url: str, path: str) -> None:
    assert len(results(path, post(url, path, asked(path, "cut")).json())) == 2
    everything = post(url, f"{path}?all=true", asked(path, "cut")).json()
    assert results(path, everything) == expected("similar")


def test_what_was_dropped_never_rises_above_what_was_kept() -> None:
    passages = [Passage(text) for text in "abcde"]
    kept = (Ranked(passages[0], 0, 0.5), Ranked(passages[1], 1, -0.25))
    out = dropped(
        [Ranked(passages[2], 2, 0.9), Ranked(passages[3], 3, None), Ranked(passages[4], 4, -0.5)], "too much alike"
    )
    answer = Answer("any", Asked(None, "q", tuple(passages), None, False, Extras()), Ranking(kept, out), every=True)
    assert [(row.item.index, row.score) for row in answer.rows()] == [
        (0, 0.5),
        (1, -0.25),
        (4, -0.5),
        (2, -1.5),
        (3, -1.5),
    ]
    assert under(0.25) == 0.0
    assert under(math.inf) == 0.0


def test_the_path_of_tei_answers_jina_when_asked_with_documents(url: str) -> None:
    reply = post(url, "/rerank", asked("/v1/rerank", "cut")).json()
    assert results("/v1/rerank", reply) == expected("cut")
    jina.RerankReply.model_validate(reply)


@pytest.mark.parametrize("path", SHAPES)
def test_fields_of_other_servers_are_ignored(url: str, path: str) -> None:
    extra = {
        "rank_fields": ["text"],
        "truncation": True,
        "truncate": True,
        "max_chunks_per_doc": 10,
        "max_tokens_per_doc": 4096,
        "priority": 0,
        "user": "someone",
        "return_len": "true",
        "truncate_prompt_tokens": -1,
        "include": None,
        "settings": None,
        "timeout": None,
    }
    assert results(path, post(url, path, asked(path, **extra)).json()) == expected("lexical")


def test_all_that_was_asked_for_beside_the_results(url: str) -> None:
    include = ["reasons", "dropped", "usage", "trace"]
    for path in ("/v1/rerank", "/v2/rerank", "/voyage/v1/rerank"):
        reply = post(url, path, asked(path, "cut", include=include)).json()
        ranking = load("similarity[:2]").rank(QUERY, TEXTS)
        assert reply["score_kind"] == ranking.score_kind
        rows = reply["data" if path.startswith("/voyage") else "results"]
        assert [row["reasons"] for row in rows] == [dict(item.reasons) for item in ranking.kept]
        assert [each["index"] for each in reply["dropped"]] == [item.index for item in ranking.dropped]
        assert {each["reason"] for each in reply["dropped"]} == {"below the first 2"}
        assert set(reply["usage"]) >= {"total_tokens", "prompt_tokens", "calls", "hits", "seconds", "flops", "money"}
        assert len(reply["trace"]) == len(ranking.rounds)


def test_nothing_is_told_that_was_not_asked_for(url: str) -> None:
    reply = post(url, "/v2/rerank", asked("/v2/rerank", "cut")).json()
    assert set(reply) == {"id", "results", "meta", "score_kind"}
    assert set(reply["results"][0]) == {"index", "relevance_score"}


def test_usage_stands_where_each_client_looks(url: str) -> None:
    texts = ["a text that no other test has sent", "and another one"]
    first = post(url, "/v1/rerank", asked("/v1/rerank", "similar", texts)).json()
    assert first["usage"]["total_tokens"] == first["usage"]["prompt_tokens"] > 0
    assert first["meta"]["tokens"] == {"input_tokens": first["usage"]["total_tokens"], "output_tokens": 0}
    assert first["meta"]["billed_units"] == {"search_units": 1}
    assert first["meta"]["api_version"] == {"version": "1"}
    listed = post(url, "/rerank", asked("/rerank", "similar", ["once more something new"]))
    assert int(listed.headers["x-compute-tokens"]) > 0
    assert int(listed.headers["x-total-time"]) >= 0


def test_documents_with_what_the_retriever_knew(url: str) -> None:
    texts = [
        {
            "text": "a",
            "id": "1",
            "score": 0.5,
            "embedding": [1, 0.0],
            "document_id": "d",
            "position": 3,
            "metadata": {"k": [1]},
        },
        {"text": "b", "embedding": [0.0, 1.0], "unknown": 1},
        "c",
    ]
    assert post(url, "/v1/rerank", asked("/v1/rerank", texts=texts)).status_code == 200


async def test_embeddings_reach_the_pipeline(app_client: Any) -> None:
    texts = [{"text": str(i), "embedding": [1.0, i / 10]} for i in range(4)]
    body = {"query": "any", "documents": texts, "model": "stored"}
    async with app_client({"stored": "mmr(diversity=1.0)"}) as client:
        told = (await client.post("/v1/rerank", json=body)).json()
    passages = [Passage(each["text"], embedding=np.asarray(each["embedding"], np.float32)) for each in texts]
    wanted = load("mmr(diversity=1.0)").rank("any", passages)
    assert [index for index, _ in results("/v1/rerank", told)] == [item.index for item in wanted.kept]


# What is wrong, in any shape: a change to the body, the status, and a part of the message.
WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"query": 3}, 422, "query: "),
    ({"query": None}, 422, "query: "),
    ({"model": 7}, 422, "model: "),
    ({"model": "nobody"}, 404, "there are: lexical, similar, cut, diverse, logits"),
    ({"DOCUMENTS": []}, 400, "must not be empty"),
    ({"DOCUMENTS": None}, 422, "valid list"),
    ({"DOCUMENTS": "a text"}, 422, "valid list"),
    ({"DOCUMENTS": ["a", 5]}, 422, ".1: Input should be a valid string"),
    ({"DOCUMENTS": ["a", None]}, 422, ".1: Input should be a valid string"),
    ({"DOCUMENTS": [{"id": "no text"}]}, 422, ".0.text: Field required"),
    ({"DOCUMENTS": [{"text": "a", "score": "high"}]}, 422, ".0.score: "),
    ({"DOCUMENTS": [{"text": "a", "score": 1e300}]}, 422, ".0.score: "),
    ({"DOCUMENTS": [{"text": "a", "position": -1}]}, 422, ".0.position: "),
    ({"DOCUMENTS": [{"text": "a", "embedding": []}]}, 422, ".0.embedding: "),
    ({"DOCUMENTS": [{"text": "a", "embedding": [1.0, "x"]}]}, 422, ".0.embedding.1: "),
    ({"DOCUMENTS": [{"text": "a", "embedding": [1e39]}]}, 422, ".0.embedding.0: "),
    ({"DOCUMENTS": [{"text": "a", "embedding": [1.0]}, {"text": "b", "embedding": [1.0, 2.0]}]}, 422, "one size"),
    ({"return_documents": "perhaps", "return_text": 3}, 422, "return_"),
    ({"raw_scores": "yes"}, 422, "raw_scores: "),
    ({"timeout": 0}, 422, "timeout: "),
    ({"timeout": "soon"}, 422, "timeout: "),
    ({"include": ["secrets"]}, 422, "include.0: "),
    ({"settings": {"k1": {"a": 1}}}, 422, "settings.k1"),
    ({"settings": {"nothing": 1}}, 422, "nothing"),
    ({"settings": {"k1": "much"}}, 422, "k1"),
]


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize(("change", "status", "part"), WRONG)
def test_a_wrong_request_is_told_what_is_wrong(
    url: str, path: str, change: dict[str, Any], status: int, part: str
) -> None:
    name = "texts" if path == "/rerank" else "documents"
    body = asked(path) | {name if key == "DOCUMENTS" else key: value for key, value in change.items()}
    reply = post(url, path, body)
    assert reply.status_code == status, reply.text
    assert part in reply.json()["message"]
    check_error(reply)


def check_error(reply: httpx.Response) -> None:
    """One body in which every client finds the word that it reads."""
    told = reply.json()
    assert told["message"] == told["detail"] == told["error"]
    assert told["error_type"] == told["type"]
    assert told["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize("missing", ["query", "documents"])
def test_what_must_be_there(url: str, path: str, missing: str) -> None:
    body = asked(path)
    del body["texts" if missing == "documents" and path == "/rerank" else missing]
    reply = post(url, path, body)
    assert reply.status_code == 422
    assert "Field required" in reply.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"), [("top_n", 0), ("top_n", -1), ("top_n", "2"), ("top_n", 1.5), ("top_n", True)]
)
def test_a_top_n_that_is_none(url: str, field: str, value: Any) -> None:
    for path in ("/v1/rerank", "/v2/rerank"):
        reply = post(url, path, asked(path, **{field: value}))
        assert (reply.status_code, reply.json()["faults"][0]["at"]) == (422, "top_n")


def test_teis_kinds_of_error(url: str) -> None:
    kinds = {
        "Validation": asked("/rerank") | {"query": 1},
        "Empty": asked("/rerank") | {"texts": []},
        "NotFound": asked("/rerank", "nobody"),
    }
    assert {kind: post(url, "/rerank", body).json()["error_type"] for kind, body in kinds.items()} == {
        k: k for k in kinds
    }


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize(
    "body", [b"{", b"", b"not json", b'{"query": "a", }', b"\xff\xfe", b"[" * 100_000, b"1" * 5000]
)
def test_no_json_is_no_server_error(url: str, path: str, body: bytes) -> None:
    reply = httpx.post(url + path, content=body, headers={"content-type": "application/json"}, trust_env=False)
    assert reply.status_code in {400, 422}
    check_error(reply)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"3", b"null", b"true"])
def test_json_that_is_no_request(url: str, body: bytes) -> None:
    for path in SHAPES:
        reply = httpx.post(url + path, content=body, headers={"content-type": "application/json"}, trust_env=False)
        assert reply.status_code == 422
        check_error(reply)


def test_numbers_that_json_does_not_have(url: str) -> None:
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"query": "a", "documents": [{{"text": "b", "score": {word}}}]}}'.encode()
        reply = httpx.post(
            f"{url}/v1/rerank", content=body, headers={"content-type": "application/json"}, trust_env=False
        )
        assert reply.status_code in {400, 422}, word


def test_half_an_emoji_is_ranked_like_any_other_text(url: str) -> None:
    # What JavaScript sends when a text was cut by its length.
    for path in ("/v1/rerank", "/v2/rerank", "/voyage/v1/rerank"):
        body = b'{"query": "a \\ud83d", "documents": ["\\ud83d", "\\ud83d\\ude00"], "return_documents": true, "model": "similar"}'
        reply = httpx.post(f"{url}{path}", content=body, headers={"content-type": "application/json"}, trust_env=False)
        assert reply.status_code == 200
        assert {index for index, _ in results(path, reply.json())} == {0, 1}
    wrong = b'{"query": "a", "documents": ["a"], "model": "\\ud83d"}'
    reply = httpx.post(f"{url}/v1/rerank", content=wrong, headers={"content-type": "application/json"}, trust_env=False)
    assert reply.status_code == 404


def test_errors_do_not_repeat_what_was_sent(url: str) -> None:
    secret = "a secret of the client"
    for change in ({"query": [secret]}, {"documents": [[secret]]}, {"top_n": secret}, {"include": [secret]}):
        assert secret not in post(url, "/v1/rerank", asked("/v1/rerank") | change).text


async def test_limits_of_one_request(app_client: Any) -> None:
    async with app_client({"lexical": "lexical"}, max_passages=5, max_query_bytes=50, max_tokens=100) as client:
        for path in SHAPES:
            for body, part in (
                (asked(path, texts=["a"] * 6), "6 documents"),
                (asked(path, texts=["a"]) | {"query": "ä" * 26}, "52 bytes"),
                (asked(path, texts=["a" * 500]), "tokens"),
            ):
                reply = await client.post(path, json=body)
                assert (reply.status_code, part in reply.json()["message"]) == (413, True), reply.text
            assert (await client.post(path, json=asked(path))).status_code == 200


async def test_a_model_that_fails_is_told_as_such(app_client: Any) -> None:
    alone = {"broken": PIPELINES["broken"]}
    async with app_client(alone) as client:
        for path in SHAPES:
            reply = await client.post(path, json=asked(path))
            assert reply.status_code == 502
            assert reply.json()["error_type"] == "Backend"


async def test_a_fallback_says_so(app_client: Any) -> None:
    async with app_client({"saved": PIPELINES["saved"]}) as client:
        for path in SHAPES:
            reply = await client.post(path, json=asked(path))
            assert reply.status_code == 200
            assert reply.headers["x-degraded"] == "true"
            if path != "/rerank":
                assert reply.json()["degraded"]


async def test_nothing_is_ranked_before_the_server_is_ready(app_client: Any) -> None:
    async with app_client({"nan": PIPELINES["nan"]}, ready=False) as client:
        for path in SHAPES:
            reply = await client.post(path, json=asked(path))
            assert reply.status_code == 503
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json()["error_type"] == "Unhealthy"


async def test_a_client_may_wait_less_than_the_deadline(app_client: Any) -> None:
    hanging = CrossEncoder(HangingScorer(seconds=20.0))
    async with app_client({"hanging": hanging}, ready=False) as client:
        assert (await client.post("/v1/rerank", json=asked("/v1/rerank", timeout=0.1))).status_code in {503, 504}


async def test_settings_turn_the_pipeline_for_one_request(app_client: Any) -> None:
    async with app_client({"diverse": PIPELINES["diverse"]}) as client:
        orders = {}
        for weight in (0.0, 1.0):
            reply = await client.post("/v1/rerank", json=asked("/v1/rerank", settings={"second.diversity": weight}))
            wanted = load(f"similarity >> mmr(diversity={weight})").rank(QUERY, TEXTS)
            orders[weight] = [index for index, _ in results("/v1/rerank", reply.json())]
            assert orders[weight] == [item.index for item in wanted.kept]
        assert orders[0.0] != orders[1.0]


def test_models_and_info(url: str) -> None:
    listed = httpx.get(f"{url}/v1/models", trust_env=False).json()["data"]
    assert [(each["id"], each["default"]) for each in listed][:2] == [("lexical", True), ("similar", False)]
    (diverse,) = (each for each in listed if each["id"] == "diverse")
    (knob,) = (each for each in diverse["settings"] if each["path"] == "second.diversity")
    assert {key: knob[key] for key in ("kind", "low", "high", "choices")} == {
        "kind": "number",
        "low": 0.0,
        "high": 1.0,
        "choices": [],
    }
    turn = asked("/v1/rerank", "diverse", settings={knob["path"]: knob["high"]})
    assert httpx.post(f"{url}/v1/rerank", json=turn, trust_env=False).status_code == 200
    info = httpx.get(f"{url}/info", trust_env=False).json()
    assert (info["model_id"], info["max_client_batch_size"]) == ("lexical", 1000)
    assert "reranker" in info["model_type"]


def test_unknown_paths_and_methods(url: str) -> None:
    for reply, status in ((httpx.get(f"{url}/v3/rerank"), 404), (httpx.get(f"{url}/v1/rerank"), 405)):
        assert reply.status_code == status
        check_error(reply)


def test_a_body_that_is_not_called_json(url: str) -> None:
    reply = httpx.post(f"{url}/v1/rerank", content=b"{}", headers={"content-type": "text/plain"}, trust_env=False)
    assert reply.status_code == 415
    check_error(reply)


def test_the_document_of_the_interface_is_complete(url: str) -> None:
    document = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    for path in SHAPES:
        told = document["paths"][path]["post"]
        statuses = {"200", "400", "401", "404", "408", "413", "415", "422", "429", "502", "503", "504"}
        assert statuses <= set(told["responses"])
        for status in statuses - {"200"}:
            assert told["responses"][status]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/ErrorReply"
            }
        assert "Retry-After" in told["responses"]["429"]["headers"]
        assert told["summary"]
    for name in ("RerankRequest", "CohereRequest", "TeiRequest", "VoyageRequest"):
        assert document["components"]["schemas"][name]["examples"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "securitySchemes" not in document["components"]


def test_the_examples_of_the_document_work(url: str) -> None:
    schemas = httpx.get(f"{url}/openapi.json", trust_env=False).json()["components"]["schemas"]
    for path, name in zip(SHAPES, ("RerankRequest", "CohereRequest", "TeiRequest", "VoyageRequest"), strict=True):
        for example in schemas[name]["examples"]:
            assert post(url, path, example).status_code == 200


async def test_the_document_says_how_to_show_a_key(app_client: Any) -> None:
    from shortlist.serving.keys import digest

    async with app_client({"lexical": "lexical"}, keys=(digest("a key of many letters"),), ready=False) as client:
        refused = await client.post("/v1/rerank", json=asked("/v1/rerank"))
        assert refused.status_code == 401
        shown = {"authorization": "Bearer a key of many letters"}
        document = (await client.get("/openapi.json", headers=shown)).json()
        assert set(document["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyHeader"}
        assert document["paths"]["/v1/rerank"]["post"]["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]


def test_replies_hold_no_number_that_json_does_not_have() -> None:
    value = {"a": math.nan, "b": [math.inf, np.float32(1.5), np.int64(2)], 3: "\ud83d"}
    assert json.loads(encoded(value)) == {"a": None, "b": [None, 1.5, 2], "3": "\ud83d"}
    assert encoded({"a": "é"}) == '{"a":"é"}'.encode()


@pytest.mark.parametrize("logit", [-1e9, -800.0, -1.0, 0.0, 1.0, 800.0, 1e9])
def test_the_sigmoid_never_overflows(logit: float) -> None:
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert sigmoid(logit) + sigmoid(-logit) == pytest.approx(1.0)


def test_grades_of_an_oracle_come_through_unchanged(serve: Any) -> None:
    grades = {text: float(i) for i, text in enumerate(TEXTS)}
    url = serve({"oracle": CrossEncoder(OracleScorer(grades))})
    told = results("/v2/rerank", post(url, "/v2/rerank", asked("/v2/rerank", raw_scores=True)).json())
    assert told == [(4, 4.0), (3, 3.0), (2, 2.0), (1, 1.0), (0, 0.0)]


def test_whole_numbers_of_languages_that_have_one_kind_of_number(url: str) -> None:
    body = asked("/v1/rerank", texts=[{"text": "a", "position": 3.0}, "b"], top_n=1.0)
    assert len(post(url, "/v1/rerank", body).json()["results"]) == 1
