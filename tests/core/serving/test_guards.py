"""What every request passes: heads, bodies, origins, ids, headers of replies, a client's leaving."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.core.serving.live import ASK, inside

from shortlist import Lexical
from shortlist.serving.admission import Admission
from shortlist.serving.app import create_app
from shortlist.serving.guards import Guards
from shortlist.serving.logs import entry
from shortlist.serving.metrics import Metrics
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.refusals import Message, Receive, Scope, Send
from shortlist.serving.settings import ServingSettings


class Inner:
    """An application that notes what reaches it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.cancelled = asyncio.Event()
        self.entered = asyncio.Event()
        self.error: Exception | None = None
        self.wait = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        if self.error:
            raise self.error
        message = await receive()
        self.bodies.append(message.get("body", b""))
        try:
            await (asyncio.Event().wait() if self.wait else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


class Client:
    """Hands a request to the guards, piece by piece, and keeps what they send."""

    def __init__(self, *pieces: Message, **scope: Any) -> None:
        self.sent: list[Message] = []
        self._pieces = asyncio.Queue[Message]()
        for piece in pieces:
            self.push(piece)
        self.scope = {"type": "http", "method": "POST", "path": "/v1/rerank", "query_string": b"", **scope}

    def push(self, piece: Message) -> None:
        self._pieces.put_nowait(piece)

    async def receive(self) -> Message:
        return await self._pieces.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"] if self.sent else 0

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


JSON = (b"content-type", b"application/json")


def guards(inner: Any, **given: Any) -> tuple[Guards, Admission]:
    settings = ServingSettings(**given)
    metrics = Metrics()
    admission = Admission(None, settings, metrics)  # type: ignore[arg-type]
    return Guards(inner, settings, metrics, admission), admission


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


async def told(client: Client, **given: Any) -> Inner:
    inner = Inner()
    async with asyncio.timeout(10):
        await guards(inner, **given)[0](client.scope, client.receive, client.send)
    return inner


async def test_the_application_has_the_whole_body_at_once() -> None:
    client = Client(
        body(b"[1,", more=True), body(b"", more=True), body(b"2]"), headers=[JSON, (b"content-length", b"5")]
    )
    assert (await told(client)).bodies == [b"[1,2]"]
    assert client.status == 200


async def test_a_body_that_is_declared_too_long_is_not_read() -> None:
    client = Client(headers=[JSON, (b"content-length", b"101")])
    client.push({"type": "http.disconnect"})
    assert (await told(client, max_bytes=100)).bodies == []
    assert client.status == 413
    assert client.headers[b"connection"] == b"close"


async def test_a_body_that_turns_out_too_long_is_not_kept() -> None:
    pieces = [body(b"x" * 40, more=True)] * 3
    client = Client(*pieces, body(b""), headers=[JSON, (b"transfer-encoding", b"chunked")])
    assert (await told(client, max_bytes=100)).bodies == []
    assert client.status == 413


async def test_a_body_of_just_the_size_is_read() -> None:
    client = Client(body(b"x" * 100), headers=[JSON, (b"content-length", b"100")])
    assert (await told(client, max_bytes=100)).bodies == [b"x" * 100]


async def test_a_body_that_does_not_come_in_time() -> None:
    client = Client(body(b"[", more=True), headers=[JSON, (b"content-length", b"5")])
    inner = Inner()
    made, _ = guards(inner, body_seconds=0.05)
    work = asyncio.create_task(made(client.scope, client.receive, client.send))
    async with asyncio.timeout(10):
        while not client.sent:
            await asyncio.sleep(0.01)
        client.push({"type": "http.disconnect"})
        await work
    assert client.status == 408
    assert inner.bodies == []


async def test_no_more_bodies_are_held_than_there_is_room_for() -> None:
    inner = Inner()
    inner.wait = True
    made, _ = guards(inner, max_bytes=100)
    headers = [JSON, (b"content-length", b"100")]
    held = [Client(body(b"x" * 100), headers=headers) for _ in range(16)]
    work = [asyncio.create_task(made(each.scope, each.receive, each.send)) for each in held]
    async with asyncio.timeout(10):
        while len(inner.bodies) < 16:
            await asyncio.sleep(0)
        one_more = Client(body(b"x" * 100), {"type": "http.disconnect"}, headers=headers)
        await made(one_more.scope, one_more.receive, one_more.send)
        assert one_more.status == 503
        for each in held:
            each.push({"type": "http.disconnect"})
        await asyncio.wait(work)
        inner.wait = False
        again = Client(body(b"x" * 100), headers=headers)
        await made(again.scope, again.receive, again.send)
    assert again.status == 200


async def test_when_the_client_leaves_the_application_is_cancelled() -> None:
    client = Client(body(b"[]"), headers=[JSON, (b"content-length", b"2")])
    inner = Inner()
    inner.wait = True
    made, _ = guards(inner)
    work = asyncio.create_task(made(client.scope, client.receive, client.send))
    async with asyncio.timeout(10):
        await inner.entered.wait()
        client.push({"type": "http.disconnect"})
        await work
    assert inner.cancelled.is_set()
    assert client.sent == []


async def test_a_client_that_leaves_with_half_a_body() -> None:
    client = Client(body(b"[", more=True), {"type": "http.disconnect"}, headers=[JSON, (b"content-length", b"2")])
    assert (await told(client)).bodies == []
    assert client.sent == []


async def test_a_server_that_ends_takes_the_application_with_it() -> None:
    client = Client(body(b"[]"), headers=[JSON, (b"content-length", b"2")])
    inner = Inner()
    inner.wait = True
    work = asyncio.create_task(guards(inner)[0](client.scope, client.receive, client.send))
    await asyncio.wait_for(inner.entered.wait(), 10)
    work.cancel()
    await asyncio.wait([work])
    await asyncio.wait_for(inner.cancelled.wait(), 10)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/..%2fmetrics", "/v1//rerank", "//v1/rerank", "/v1/../metrics", "/..", "/v1/%2e%2e/metrics", "/v1/.%2E/x",
        "/v1%2Frerank", "/v1\\rerank", "/v1%5crerank", "/v1/rerank%00", "/v1/%2572erank", "http://here/v1/rerank",
        "*", "here:80", "", "/./v1/rerank", "/v1/rerank/.", "/%2e/v1", "/ready%0a", "/health%09", "/a" * 1100,
    ],
)  # fmt: skip
async def test_paths_that_two_readers_may_read_in_two_ways(path: str) -> None:
    from urllib.parse import unquote

    client = Client(path=unquote(path), raw_path=path.encode(), method="GET", headers=[])
    inner = await told(client)
    assert not inner.entered.is_set()
    assert client.status in {400, 414}


@pytest.mark.parametrize(
    "path", ["/v1/rerank", "/", "/assets/index-B1.c.js", "/v1/models/my%20own", "/a.b/..c", "/%C3%A9"]
)
async def test_plain_paths_pass(path: str) -> None:
    from urllib.parse import unquote

    client = Client(body(b""), path=unquote(path), raw_path=path.encode(), method="GET", headers=[])
    assert (await told(client)).entered.is_set()
    assert client.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-length", b"5"), (b"content-length", b"5")], 400),
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"content-length", b"-5")], 400),
        ([(b"content-length", b"+5")], 400),
        ([(b"content-length", b"5, 5")], 400),
        ([(b"content-length", b"9" * 30)], 400),
        ([(b"content-length", "\u0665".encode())], 400),
        ([(b"host", b"a"), (b"host", b"b")], 400),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], 400),
        ([(b"x-api-key", b"a"), (b"x-api-key", b"b")], 400),
        ([(b"content-type", b"text/plain"), JSON], 400),
        ([(b"x-%d" % i, b"") for i in range(101)], 431),
        ([(b"x", b"y" * 40_000)], 431),
    ],
)
async def test_headers_that_mean_two_things_or_too_much(headers: list[tuple[bytes, bytes]], status: int) -> None:
    client = Client({"type": "http.disconnect"}, headers=headers)
    assert not (await told(client)).entered.is_set()
    assert client.status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-type", b"text/plain")], 415),
        ([(b"content-type", b"application/x-www-form-urlencoded")], 415),
        ([(b"content-type", b"multipart/form-data; boundary=application/json")], 415),
        ([], 415),
        ([JSON, (b"content-encoding", b"gzip")], 415),
        ([(b"content-type", b"Application/JSON; charset=utf-8")], 200),
        ([(b"content-type", b"application/vnd.api+json")], 200),
        ([JSON, (b"content-encoding", b"identity")], 200),
    ],
)
async def test_a_body_is_json(headers: list[tuple[bytes, bytes]], status: int) -> None:
    client = Client(body(b"{}"), headers=[*headers, (b"content-length", b"2")])
    await told(client)
    assert client.status == status


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND", "\u00c9"])
async def test_methods_that_nobody_has(method: str) -> None:
    client = Client(method=method, headers=[])
    await told(client)
    assert client.status == 405
    assert client.headers[b"allow"]


@pytest.mark.parametrize("path", ["/v1/rerank", "/health", "/nowhere"])
async def test_what_every_reply_says(path: str) -> None:
    async with inside() as (client, _):
        reply = await client.get(path)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert not [word for word in ("unsafe", "*", "http", "data:") if word in policy]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-request-id"]
    assert "server" not in reply.headers


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(["abc-1.2_3"], True), (["a" * 64], True), (["a" * 65], False), (["a b"], False), (["a\tb"], False), ([""], False),
     (["\u00e9"], False), (["a", "b"], False), (["a", "a"], False)],
)  # fmt: skip
async def test_a_request_id_is_taken_over_only_where_it_is_one(sent: list[str], kept: bool) -> None:
    async with inside() as (client, _):
        reply = await client.get("/health", headers=[("x-request-id", each.encode()) for each in sent])
        other = await client.get("/health")
    assert (reply.headers["x-request-id"] == sent[0]) is kept
    assert len(other.headers["x-request-id"]) == 32


async def test_the_id_stands_in_errors_too() -> None:
    async with inside() as (client, _):
        reply = await client.post("/v1/rerank", content=b"{", headers={"x-request-id": "me", "content-type": "text/x"})
    assert reply.status_code == 415
    assert reply.json()["request_id"] == "me"


async def test_cors_is_closed() -> None:
    async with inside() as (client, _):
        asked = await client.post("/v1/rerank", json=ASK, headers={"origin": "https://evil.example"})
        first = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        before = await client.options("/v1/rerank", headers=first)
    assert not [name for reply in (asked, before) for name in reply.headers if name.startswith("access-control")]
    assert before.status_code in {400, 404, 405}


async def test_cors_is_open_to_those_that_are_listed() -> None:
    async with inside(origins=("https://good.example",), keys=("0" * 64,)) as (client, _):
        first = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        good = await client.options("/v1/rerank", headers={"origin": "https://good.example", **first})
        evil = await client.options("/v1/rerank", headers={"origin": "https://good.example.evil", **first})
        refused = await client.post("/v1/rerank", json=ASK, headers={"origin": "https://good.example"})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "https://good.example"
    assert "access-control-allow-credentials" not in good.headers
    assert "access-control-allow-origin" not in evil.headers
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://good.example"


async def test_an_error_that_nobody_expects_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    inner = Inner()
    inner.error = ValueError("a secret text")
    client = Client(body(b"[]"), headers=[JSON, (b"content-length", b"2")])
    await guards(inner)[0](client.scope, client.receive, client.send)
    assert client.status == 500
    reply = json.loads(client.sent[1]["body"])
    assert reply["request_id"].encode() == client.headers[b"x-request-id"]
    assert "secret" not in str(client.sent) + "".join(str(vars(record)) for record in caplog.records)


async def test_an_error_in_the_middle_of_a_reply_ends_the_connection() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("x")

    client = Client(headers=[])
    with pytest.raises(ValueError, match="x"):
        await guards(half)[0](client.scope, client.receive, client.send)
    assert len(client.sent) == 1


async def test_while_it_drains_only_probes_are_answered() -> None:
    async with inside() as (client, app):
        app.state.admission.begin_drain()
        asked = await client.post("/v1/rerank", json=ASK)
        ready, health = await client.get("/ready"), await client.get("/health")
    assert (asked.status_code, ready.status_code, health.status_code) == (503, 503, 200)
    assert {reply.headers["connection"] for reply in (asked, ready, health)} == {"close"}
    assert ready.json()["missing"] == {"server": "shutting down"}


async def test_the_entry_is_that_of_the_request() -> None:
    seen = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(entry().id)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    made, _ = guards(inner)
    for name in (b"one", b"two"):
        client = Client(headers=[(b"x-request-id", name)])
        await made(client.scope, client.receive, client.send)
    assert seen == ["one", "two"]
    assert entry().id == ""


async def test_what_is_no_request_passes() -> None:
    seen = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await guards(inner)[0]({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_a_reply_that_streams_is_not_cut() -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for i in range(3):
            await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b"%d" % i, "more_body": i < 2})
        await asyncio.sleep(0.01)
        seen.append("after the reply")

    seen: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b"[]"

    made, _ = guards(inner)
    transport = httpx.ASGITransport(made)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        reply = await client.post("/x", content=pieces(), headers={"content-type": "application/json"})
    assert reply.text == "012"
    assert seen == ["after the reply"]


def _numbers(field: str) -> dict[str, Any]:
    return {**ASK, field: [0] * 1000}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/rerank", _numbers("documents")),
        ("/v2/rerank", _numbers("documents")),
        ("/voyage/v1/rerank", _numbers("documents")),
        ("/rerank", _numbers("documents")),
        ("/rerank", {"query": "a", "texts": [0] * 1000}),
        ("/v1/rerank", _numbers("include")),
        ("/v1/rerank", {**ASK, "documents": [{"text": "a", "embedding": ["x"] * 1000}]}),
        ("/v1/rerank", {**ASK, "settings": {str(i): [] for i in range(1000)}}),
        ("/playground/api/rank", {"query": "a", "passages": [0] * 1000}),
        ("/playground/api/code", {"query": "a", "passages": [], "settings": {str(i): [] for i in range(1000)}}),
    ],
)
async def test_a_list_of_wrong_items_is_one_fault(path: str, content: dict[str, Any]) -> None:
    app = create_app(Pipelines({"lexical": Lexical()}), ServingSettings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        reply = await client.post(path, json=content)
    assert (reply.status_code, len(reply.json()["faults"])) == (422, 1), reply.text


@pytest.mark.parametrize("field", ["id", "document_id"])
async def test_names_are_no_longer_than_names_are(field: str) -> None:
    async with inside() as (client, _):
        told = [
            (await client.post("/v1/rerank", json={**ASK, "documents": [{"text": "a", field: "x" * size}]})).status_code
            for size in (512, 513)
        ]
    assert told == [200, 422]


HERE = ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:8000", 200), ("localhost.:1", 200), ("127.0.0.1:8000", 200), ("127.8.0.1", 200),
        ("[::1]", 200), ("[::1]:8000", 200), ("evil.example", 421), ("rebound.evil.example:8000", 421), ("", 421),
        ("localhost.evil.example", 421), ("evil.example#localhost", 421), ("127.0.0.1.evil.example", 421), ("[", 421),
        ("192.168.0.7:8000", 421), ("0.0.0.0:8000", 421), ("localhost:80:90", 421), ("evil@localhost", 421),
    ],
)  # fmt: skip
async def test_an_open_server_of_this_machine_has_no_other_name(host: str, status: int) -> None:
    def client(**scope: Any) -> Client:
        return Client(body(b""), method="GET", headers=[(b"host", host.encode())], **scope)

    here = client(server=HERE)
    await told(here)
    assert here.status == status
    for elsewhere, given in (
        (client(server=HERE), {"keys": ("0" * 64,), "playground": False}),  # whoever has a key may call it anything
        (client(server=("10.0.0.7", 8000)), {}),  # mounted in a server that listens elsewhere
        (client(server=None), {}),  # a Unix socket
        (client(server=HERE), {"host": "0.0.0.0"}),
    ):
        await told(elsewhere, **given)
        assert elsewhere.status == (401 if given.get("keys") else 200)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 200), ("https://localhost:8000", 200), ("http://LOCALHOST:8000", 200),
        ("https://good.example", 200), ("https://evil.example", 403), ("http://localhost:9000", 403), ("null", 403),
        ("http://localhost", 403), ("https://good.example.evil", 403), ("localhost:8000", 403),
        ("ftp://localhost:8000", 403),
    ],
)  # fmt: skip
async def test_pages_of_other_origins_may_not_ask_an_open_server(origin: str, status: int) -> None:
    def client(**scope: Any) -> Client:
        sent = [JSON, (b"host", b"localhost:8000"), (b"origin", origin.encode()), (b"content-length", b"2")]
        return Client(body(b"{}"), headers=sent, server=HERE, **scope)

    asking, elsewhere, reading = client(), client(), client(method="GET")
    inner = await told(asking, origins=("https://good.example",))
    assert (asking.status, bool(inner.bodies)) == (status, status == 200)
    await told(elsewhere, origins=("https://good.example",), host="0.0.0.0")
    assert elsewhere.status == status
    await told(reading, origins=("https://good.example",))
    assert reading.status == 200


@pytest.mark.parametrize(
    "path", ["/v1/rerank", "/v2/rerank", "/rerank", "/voyage/v1/rerank", *(f"/playground/api/{each}" for each in
             ("rank", "search", "code"))]
)  # fmt: skip
async def test_a_body_is_not_read_where_there_is_no_room(path: str) -> None:
    inner = Inner()
    made, admission = guards(inner, queue=1)
    headers = [JSON, (b"content-length", b"2")]
    unread = Client({"type": "http.disconnect"}, path=path, headers=headers)
    late = Client(body(b"[", more=True), path=path, headers=headers)
    other = Client(body(b"[]"), path="/mcp", headers=headers)
    async with asyncio.timeout(10):
        reading = asyncio.create_task(made(late.scope, late.receive, late.send))
        await asyncio.sleep(0)
        async with admission.place():
            await made(unread.scope, unread.receive, unread.send)
            late.push(body(b"]"))
            await reading
            await made(other.scope, other.receive, other.send)
    assert (unread.status, late.status, other.status) == (429, 429, 200)
    assert int(unread.headers[b"retry-after"]) >= 1
    assert inner.bodies == [b"[]"]
