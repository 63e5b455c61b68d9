"""What the page asks, against the whole application."""

import asyncio
import json
import os
import re
import threading

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import InputError, Lexical, Mmr, load
from shortlist.models.fakes import OverlapScorer
from shortlist.reranker.registry import make
from shortlist.serving.app import create_app
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.playground.collections import Collections
from shortlist.serving.playground.page import File, page_files
from shortlist.serving.settings import ServingSettings

API = "/playground/api"
QUERY = "what causes the tides"
TEXTS = [
    "Bread rises by yeast.",
    "The moon pulls at the water and causes the tides.",
    "The sun causes weaker tides than the moon.",
]
OFFERED = {"best": "lexical[:50] >> mmr(diversity=0.4)", "plain": "keep-order", "coded": "lexical"}


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "guides"
    (folder / "sea").mkdir(parents=True)
    (folder / "sea" / "tides.md").write_text("# Tides\n\nThe moon causes the tides of the sea.\n")
    (folder / "bread.txt").write_text("Bread rises by yeast.")
    (tmp_path / "secret.txt").write_text("The password of the tides is xyzzy.")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


async def _post(client, name, body):
    return await client.post(f"{API}/{name}", json=body)


async def test_what_there_is(app_client, library):
    async with app_client(OFFERED, playground=True, documents=(library,), max_passages=7) as client:
        told = (await client.get(f"{API}/pipelines")).json()
    assert told["keys"] is False and told["limits"] == {"passages": 7, "bytes": 8_000_000} and told["version"]
    assert told["collections"] == [{"name": "guides", "passages": 2}]
    best, plain, _ = told["pipelines"]
    assert best["name"] == "best" and load(best["text"]) == load(OFFERED["best"])
    assert [stage["name"] for stage in best["stages"]] == ["lexical", "mmr"]
    assert best["stages"][1]["source"].startswith("The Use of MMR") and plain["stages"][0]["source"] is None
    (diversity,) = (knob for knob in best["knobs"] if knob["path"] == "second.diversity")
    assert (diversity["value"], diversity["low"], diversity["high"], diversity["kind"]) == (0.4, 0.0, 1.0, "number")
    assert plain["knobs"] == []


async def test_a_ranking_with_its_picture(app_client):
    async with app_client(OFFERED, playground=True) as client:
        passages = [TEXTS[0], {"text": TEXTS[1], "id": "moon", "embedding": None, "title": "ignored"}, TEXTS[2]]
        body = {
            "pipeline": "best",
            "settings": {"second.diversity": 0.9},
            "query": QUERY,
            "passages": passages,
            "top_k": 2,
        }
        reply = await _post(client, "rank", body)
        again = await _post(client, "rank", body)
    assert reply.status_code == 200, reply.text
    told = reply.json()
    expected = (Lexical()[:50] >> Mmr(0.9)).rank(QUERY, TEXTS, top_k=2)
    assert [item["index"] for item in told["ranking"]["kept"]] == [item.index for item in expected]
    moved = told["picture"]["movement"]
    assert [each["id"] for each in sorted(moved, key=lambda each: each["index"])] == ["#1", "moon", "#3"]
    assert moved[0]["after"] == 1 and moved[-1]["after"] is None and told["picture"]["cut"]["at"] == 2
    assert set(told) == {"ranking", "picture", "cost", "explain"} and "came in at" in told["explain"]
    assert set(told["cost"]) == {"seconds", "calls", "tokens_in", "tokens_out", "flops", "money", "hits"}
    assert again.json()["picture"] == told["picture"]


async def test_reasons_name_passages_of_the_input(app_client):
    """A later stage counts what reached it, and in another order: names must not be its numbers."""
    twins = ["Bread rises by yeast.", *["The moon causes the tides."] * 2]
    async with app_client(OFFERED, playground=True) as client:
        told = (await _post(client, "rank", {"pipeline": "best", "query": QUERY, "passages": twins})).json()
    assert [each for each in told["picture"]["redundancy"] if each["similarity"] > 0.9] == [
        {"index": 2, "like": 1, "similarity": pytest.approx(1.0, abs=1e-5)}
    ]


async def test_vectors_are_not_sent_back(app_client):
    async with app_client(OFFERED, playground=True) as client:
        passages = [{"text": text, "embedding": [1.0, float(i)]} for i, text in enumerate(TEXTS)]
        reply = await _post(client, "rank", {"query": QUERY, "passages": passages})
    assert reply.status_code == 200 and "embedding" not in reply.text


async def test_code(app_client):
    body = {"pipeline": "best", "settings": {"second.diversity": 1}, "query": QUERY, "passages": TEXTS, "top_k": 2}
    async with app_client(OFFERED, playground=True, keys=("0" * 64,)) as client:
        assert (await _post(client, "code", body)).status_code == 401
    async with app_client(OFFERED, playground=True) as client:
        told = (await _post(client, "code", body)).json()
        short = (await _post(client, "code", {"pipeline": "best", "query": QUERY})).json()
    assert set(told) == set(short) == {"python", "llamaindex", "langchain", "haystack", "curl"}
    assert "mmr(diversity=1.0)" in told["python"] and TEXTS[1] in told["python"] and TEXTS[1] not in short["python"]
    assert told["curl"].startswith("curl http://shortlist.test/v1/rerank ")


async def test_a_search(app_client, library):
    async with app_client(OFFERED, playground=True, documents=(library,)) as client:
        found = (await _post(client, "search", {"collection": "guides", "query": "tides", "k": 5})).json()["passages"]
        missing = await _post(client, "search", {"collection": "../secret", "query": "tides"})
        reply = await _post(client, "rank", {"query": "tides", "passages": found})
    (passage,) = found
    assert (passage["id"], passage["document_id"], passage["title"]) == ("sea/tides.md#0", "sea/tides.md", "Tides")
    assert passage["score"] > 0 and reply.status_code == 200
    assert missing.status_code == 422 and missing.json()["message"].startswith("no collection is called '../secret'")


@pytest.mark.parametrize(
    ("name", "body"), [("search", {"collection": "guides", "query": "tides"}), ("code", {"query": "q"})]
)
async def test_all_of_its_work_is_queued_and_bounded(library, monkeypatch, name, body):
    gate = threading.Event()
    for where in ("collections.Collections.search", "api._Desk._written"):
        monkeypatch.setattr(f"shortlist.serving.playground.{where}", lambda *_: gate.wait(60))
    chosen = ServingSettings(documents=(library,), queue=1, deadline=0.3)
    app = create_app(Pipelines({"lexical": Lexical()}), chosen)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60) as client,
    ):
        try:
            waiting = asyncio.create_task(_post(client, name, body))
            async with asyncio.timeout(60):
                while not app.state.admission.under_way:
                    await asyncio.sleep(0.001)
                again = await _post(client, name, body)
                late = await waiting
        finally:
            gate.set()
    assert (again.status_code, late.status_code) == (429, 504), (again.text, late.text)
    assert int(again.headers["retry-after"]) >= 1


@pytest.mark.parametrize("name", ["rank", "code"])
@pytest.mark.parametrize("number", ["1", "NaN"])
async def test_metadata_has_a_bottom(app_client, name, number):
    async with app_client(OFFERED, playground=True) as client:
        told = {}
        for levels in (32, 33, 600):
            deep = "[" * (levels - 1) + "]" * (levels - 1)
            body = f'{{"query": "q", "passages": [{{"text": "a", "metadata": {{"n": {number}, "d": {deep}}}}}]}}'
            reply = await client.post(f"{API}/{name}", content=body, headers={"content-type": "application/json"})
            told[levels] = reply.status_code
    assert told == {32: 200, 33: 422, 600: 422}
    assert reply.json()["message"] == "passages.0.metadata: metadata may have 32 levels at most"


def test_no_link_leads_out_of_a_folder(library):
    found = Collections.of([library])
    assert found.search("guides", "password xyzzy", 9) == []
    assert Collections.of([library / "bread.txt"]).by_name["bread.txt"].size == 1
    with pytest.raises(InputError, match="there is no folder"):
        Collections.of([library / "none"])
    (library / "empty").mkdir()
    with pytest.raises(InputError, match="nothing to read"):
        Collections.of([library / "empty"])


def test_folders_of_one_name(library, tmp_path):
    other = tmp_path / "other" / "guides"
    other.mkdir(parents=True)
    (other / "a.txt").write_text("Something else.")
    assert list(Collections.of([library, other]).by_name) == ["guides", "guides 2"]


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("rank", {"query": "q", "passages": []}, 400, "no documents"),
        ("rank", {"query": "q", "passages": ["a"] * 8}, 413, "more than the 7"),
        ("code", {"query": "q", "passages": ["a"] * 8}, 413, "more than the 7"),
        ("search", {"query": "q" * 70_000, "collection": "guides"}, 413, "query"),
        ("rank", {"query": "q", "passages": ["a"], "pipeline": "none"}, 404, "no pipeline is called 'none'"),
        ("rank", {"query": "q", "passages": ["a"], "settings": {"first.inner.k1": 11}}, 422, "first.inner.k1 is from 0 to 10"),
        ("rank", {"query": "q", "passages": ["a"], "settings": {"embedder": "x"}}, 422, "no setting 'embedder'"),
        ("rank", {"query": "q", "passages": ["a"], "settings": {"second.embedder.weights": "/etc"}}, 422, "no setting"),
        ("rank", {"query": "q", "passages": ["a"], "pipeline": "lexical >> mmr"}, 404, "no pipeline"),
        ("rank", {"query": "q", "passages": [{"id": "a"}]}, 422, "text"),
        ("rank", {"query": "q", "passages": ["a"], "top_k": 0}, 422, "top_k"),
        ("rank", {"query": 3, "passages": ["a"]}, 422, "query"),
        ("code", {"query": "q", "pipeline": "mine"}, 422, "code"),
        ("search", {"query": "q", "collection": "guides", "k": 0}, 422, "k"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_said(app_client, name, body, status, words):
    offered = {**OFFERED, "mine": make("cross-encoder", {"scorer": _Mine()})}
    async with app_client(offered, playground=True, max_passages=7) as client:
        reply = await _post(client, name, body)
    assert reply.status_code == status, reply.text
    assert words in reply.json()["message"]


class _Mine(OverlapScorer):
    """A model of one's own, which cannot be written down."""


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("query", "passages", "pipeline", "settings", "top_k", "collection", "k", "timeout")
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANY)) | ANY


@pytest.mark.slow
async def test_nothing_breaks_it(app_client, library):
    async with app_client(OFFERED, playground=True, documents=(library,)) as client:
        bodies: list[tuple[str, object]] = []

        @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(["rank", "code", "search"]), BODIES)
        def collect(name, body):
            bodies.append((name, body))

        collect()
        for name, body in bodies:
            fit = {"query": "q", "passages": ["a", {"text": "b"}], "collection": "guides"}
            for each in (body, {**fit, **body} if isinstance(body, dict) else fit):
                reply = await client.post(
                    f"{API}/{name}", content=json.dumps(each).encode(), headers={"content-type": "application/json"}
                )
                assert reply.status_code < 500, (name, each, reply.text)
                json.loads(reply.content)


async def test_the_page(app_client):
    if not page_files():
        pytest.skip("the page was not built")
    async with app_client(OFFERED, playground=True, keys=("0" * 64,)) as client:
        page = await client.get("/")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert page.headers["cache-control"] == "no-cache" and page.text.startswith("<!doctype html>")
        again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
        assert again.status_code == 304 and not again.content
        scripts = re.findall(r'(?:src|href)="\.(/[^"]+)"', page.text)
        assert scripts
        for path in scripts:
            reply = await client.get(path, headers={"accept-encoding": "gzip"})
            if path.startswith("/assets/"):
                assert reply.status_code == 200 and "immutable" in reply.headers["cache-control"]
        head = await client.head("/")
        assert head.status_code == 200 and not head.content


@pytest.mark.parametrize(
    "path", ["/assets/", "/assets/../api.py", "/assets/%2e%2e/%2e%2e/api.py", "/assets//etc/passwd", "/assets/x.js",
             "/static/index.html", "/playground/api.py"]
)  # fmt: skip
async def test_nothing_else_is_served(app_client, path):
    async with app_client(OFFERED, playground=True) as client:
        assert (await client.get(path)).status_code in (400, 404)


async def test_without_a_page_there_is_none(app_client):
    async with app_client(OFFERED, playground=False) as client:
        for path in ("/", f"{API}/pipelines"):
            assert (await client.get(path)).status_code == 404


def test_files_are_packed():
    assert File.of("/a.js", b"x" * 5000).packed is not None and File.of("/a.js", b"x").packed is None
    assert (
        File.of("/a.bin", os.urandom(5000)).packed is None and File.of("/a.bin", b"").kind == "application/octet-stream"
    )
    assert File.of("/a.js", b"x" * 5000).tag != File.of("/a.js", b"y" * 5000).tag
