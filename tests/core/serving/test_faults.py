"""What clients and models may do to a real server over a real socket, and that it goes on."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from tests.core.serving.live import ASK, DEATHS, Live, Moody, asking, live, process, request, said, status, until
from uvicorn.protocols.http.h11_impl import H11Protocol

from shortlist import CrossEncoder, Lexical
from shortlist.models.fakes import HangingScorer, SlowScorer

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    PROTOCOLS: list[Any] = [H11Protocol, HttpToolsProtocol]
except ImportError:
    PROTOCOLS = [H11Protocol]

pytestmark = pytest.mark.slow
SERVED = {
    "moody": CrossEncoder(Moody()),
    "lexical": Lexical(),
    "slow": CrossEncoder(SlowScorer(0.2)),
    "hanging": CrossEncoder(HangingScorer(0.5)),
}
POST = b"POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module", params=PROTOCOLS, ids=lambda each: each.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[Live]:
    with live(SERVED, http=request.param, body_seconds=0.5, deadline=2.0, max_passages=100) as running:
        yield running


def sent(server: Live, data: bytes) -> bytes:
    data = data.replace(b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n", 1)
    with server.connect() as connection:
        connection.sendall(data)
        return said(connection)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", {422, 415}),
        (b"{", {400}),
        (b"null", {422}),
        (b"[]", {422}),
        (b'"query"', {422}),
        (b"\xff\xfe", {400}),
        (b'{"query": "\xff", "documents": ["a"]}', {400}),
        (b"[" * 100_000, {400, 422}),
        (b'{"a":' * 50_000, {400, 422}),
        (b'{"query": ' + b"9" * 10_000 + b', "documents": ["a"]}', {400, 422}),
        (asking(top_n=10**400), {200, 400, 422}),
        (asking(top_n=0), {422}),
        (asking(top_n=True), {422}),
        (asking(query=7), {422}),
        (asking(query=None), {422}),
        (asking(documents=[]), {400}),
        (asking(documents="text"), {422}),
        (asking(documents=[7]), {422}),
        (asking(documents=[{}]), {422}),
        (asking(documents=[{"text": 7}]), {422}),
        (asking(documents=[{"text": "a", "score": "high"}]), {422}),
        (asking(documents=[{"text": "a", "embedding": ["x"]}]), {422}),
        (asking(timeout=-1), {422}),
        (asking(timeout="soon"), {422}),
        (asking(settings={"no.such": 1}), {422}),
        (asking(settings=[1]), {422}),
        (asking(include=["all"]), {422}),
        (asking(model="../../etc/passwd"), {404}),
        (asking(model=["lexical"]), {422}),
        (asking(documents=["a"] * 10_000), {413}),
        (asking(query="a" * 70_000), {413}),
        (b'{"query": "a", "documents": [{"text": "a", "score": NaN}]}', {200, 400, 422}),
        (b'{"query": "a", "documents": [{"text": "a", "score": 1e999}]}', {200, 400, 422}),
        (b'{"query": "a", "query": "b", "documents": ["a"]}', {200}),
        (b'{"query": "\\ud800", "documents": ["\\udfff"]}', {200, 400, 422}),
        (b'{"query": "\\u0000", "documents": ["\\u0000"]}', {200, 422}),
        (asking(documents=[""]), {200}),
        (asking(query=""), {200, 400, 422}),
    ],
)
def test_what_is_no_request(server: Live, content: bytes, wanted: set[int]) -> None:
    with server.client() as client:
        reply = client.post("/v1/rerank", content=content, headers={"content-type": "application/json"})
        assert reply.status_code in wanted, reply.text[:500]
        if reply.status_code != 200:
            assert reply.json()["message"]
            assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert server.ranks()


@pytest.mark.parametrize("path", ["/v2/rerank", "/rerank", "/voyage/v1/rerank"])
@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b'{"query": "\\ud800", "documents": ["a"], "texts": ["a"]}', b"[" * 99_999]
)
def test_other_shapes_bear_it_too(server: Live, path: str, content: bytes) -> None:
    with server.client() as client:
        reply = client.post(path, content=content, headers={"content-type": "application/json"})
    assert reply.status_code < 500


def test_a_head_that_trickles(server: Live) -> None:
    with server.connect() as connection:
        told = _trickled(connection, POST + b"X-A: " + b"a" * 1_000)
    assert status(told) == 408


def test_a_connection_that_says_nothing(server: Live) -> None:
    with server.connect() as connection:
        assert status(said(connection)) == 408


def test_a_second_head_that_trickles(server: Live) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(connection.recv(65_536)) == 200
        assert status(_trickled(connection, POST + b"X-A: " + b"a" * 1_000)) == 408


def test_a_body_that_trickles(server: Live) -> None:
    with server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 1000\r\n\r\n")
        told = _trickled(connection, b"[" + b" " * 998)
    assert status(told) == 408
    assert b"connection: close" in told.lower()


def test_chunks_that_trickle(server: Live) -> None:
    with server.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        told = _trickled(connection, b"1\r\n \r\n" * 500)
    assert status(told) == 408


def _trickled(connection: socket.socket, data: bytes) -> bytes:
    """What the server says to somebody who sends a byte now and then, for up to half a minute."""
    connection.settimeout(0.03)
    for i in range(len(data)):
        try:
            connection.sendall(data[i : i + 1])
            if told := connection.recv(65_536):
                return told
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    return b""


def test_many_slow_clients_hold_up_nobody(server: Live) -> None:
    slow = [server.connect() for _ in range(200)]
    for connection in slow:
        connection.sendall(b"POST /v1/rerank HTTP/1.1\r\nHost: l")
    assert server.ranks()
    until(lambda: len(server.uvicorn.server_state.connections) < 100)
    for connection in slow:
        connection.close()
    assert server.ranks()


def test_a_client_that_does_not_read_its_reply(server: Live) -> None:
    text = "sea " * 20_000
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        content = asking(documents=[text] * 40, return_documents=True, model="lexical")
        connection.sendall(request(content, f"Content-Length: {len(content)}"))
        until(lambda: not server.uvicorn.server_state.connections)
    assert server.ranks()


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n[]   ",
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 0x2\r\n\r\n[]",
        POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
        POST + b"Content-Length : 2\r\n\r\n[]",
        POST + b"No colon\r\n\r\n",
        POST + b"X: \x00\r\n\r\n",
        POST + b"Host: there\r\nContent-Length: 2\r\n\r\n[]",
        POST + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        POST + b"".join(b"X-%d: a\r\n" % i for i in range(500)) + b"\r\n",
        b"GET //health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/..%2fhealth HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/../health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT here:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 600,
        b"\x00" * 1_000,
        b"a" * 200_000,
    ],
)
def test_what_no_good_client_sends(server: Live, data: bytes) -> None:
    told = sent(server, data)
    assert status(told) in {0, 400, 405, 408, 414, 431, 501, 505}, told[:300]
    assert told.count(b"HTTP/1.1 ") <= 1, "a second request was read out of the body of the first"
    assert server.alive()


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]",
        POST + b"Content-Length: 2, 2\r\n\r\n[]",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b" folded: yes\r\n\r\n",
        b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /health\r\n\r\n",
    ],
)
def test_what_parsers_read_in_their_own_way_is_one_request_at_most(server: Live, data: bytes) -> None:
    told = sent(server, data)
    assert status(told) < 500 or status(told) in {501, 505}
    assert told.count(b"HTTP/1.1 ") <= 1
    assert server.alive()


def test_a_request_hidden_in_a_body_is_not_answered(server: Live) -> None:
    hidden = b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"
    chunk = b"0\r\n\r\n" + hidden
    told = sent(server, POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(chunk) + chunk)
    assert told.count(b"HTTP/1.1 ") <= 1
    assert b"model_id" not in told


def test_an_upgrade_is_passed_over(server: Live) -> None:
    told = sent(
        server, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    )
    assert status(told) in {200, 400}
    assert server.alive()


def test_a_continue_that_is_expected_comes_and_one_that_would_be_in_vain_does_not(server: Live) -> None:
    content = asking()
    with server.connect() as connection:
        connection.sendall(request(b"", f"Content-Length: {len(content)}", "Expect: 100-continue"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(content)
        assert status(said(connection)) == 200
    with server.connect() as connection:
        connection.sendall(request(b"", "Content-Length: 100000000", "Expect: 100-continue"))
        assert status(connection.recv(65_536)) == 413


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_are_refused_and_not_kept(server: Live, chunked: bool) -> None:
    block = b" " * 1_000_000

    def hundred() -> Iterator[bytes]:
        for _ in range(100):
            yield block

    before = psutil.Process().memory_info().rss
    with server.client() as client:
        headers = {"content-type": "application/json", **({} if chunked else {"content-length": "100000000"})}
        reply = client.post("/v1/rerank", content=hundred(), headers=headers)
    assert reply.status_code == 413
    assert psutil.Process().memory_info().rss - before < 60_000_000
    assert server.ranks()


def _sent_without_end(connection: socket.socket, blocks: bytes) -> None:
    for _ in range(100):
        connection.sendall(blocks)


def test_a_client_that_sends_without_end_is_cut_off(server: Live) -> None:
    blocks = (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * 20
    with server.connect(5.0) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|[Bb]roken|aborted"):
            _sent_without_end(connection, blocks)
    assert server.ranks()


@pytest.mark.parametrize(
    ("query", "model", "wanted"),
    [
        ("fail now", "moody", 502),
        *((death, "moody", 502) for death in DEATHS),
        ("hang", "moody", 504),
        ("sea", "hanging", 504),
    ],
)
def test_a_model_that_dies_takes_nobody_with_it(server: Live, query: str, model: str, wanted: int) -> None:
    with server.client() as client:
        more = {"timeout": 0.2} if wanted == 504 else {}
        reply = client.post("/v1/rerank", json={**ASK, "query": query, "model": model, **more})
        assert reply.status_code == wanted
        assert reply.json()["message"]
        well = client.post("/v1/rerank", json={**ASK, "model": "lexical"})
        assert well.status_code == 200
    assert server.alive()
    until(server.ranks)


def test_clients_of_a_shared_batch_fail_together_and_only_they(server: Live) -> None:
    """What a model cannot answer is an error of those who asked in that call; the next call is a new one."""

    def one(i: int) -> int:
        with server.client() as client:
            query = "fail" if i % 4 == 0 else f"sea {i}"
            return client.post("/v1/rerank", json={**ASK, "query": query, "model": "moody"}).status_code

    with ThreadPoolExecutor(16) as pool:
        told = [*pool.map(one, range(32))]
    assert {*told[::4]} == {502}
    assert {*told} <= {200, 502}
    assert server.ranks()


def test_clients_that_break_off(server: Live) -> None:
    content = asking(model="slow")
    for _ in range(40):
        with server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # a reset
            connection.sendall(request(content, f"Content-Length: {len(content)}"))
    until(lambda: server.admission.under_way == 0)
    assert server.ranks()


def test_past_capacity_every_request_has_an_answer() -> None:
    content = asking()
    with live({"slow": CrossEncoder(SlowScorer(0.3))}, queue=8) as server:

        def one(i: int) -> tuple[int, bytes]:
            told = sent(server, request(content, f"Content-Length: {len(content)}"))
            return status(told), told

        with ThreadPoolExecutor(64) as pool:
            told = [*pool.map(one, range(64))]
        assert {code for code, _ in told} == {200, 429}
        assert sum(code == 200 for code, _ in told) >= 8
        assert all(b"retry-after: " in reply for code, reply in told if code == 429)
        assert server.admission.under_way == 0


def test_one_connection_takes_many_requests_one_after_another(server: Live) -> None:
    content = asking()
    whole = POST + b"Content-Length: %d\r\n\r\n" % len(content) + content
    with server.connect() as connection:
        connection.sendall(whole * 5 + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = said(connection)
    assert told.count(b"HTTP/1.1 200") == 6


@pytest.mark.parametrize("times", [300])
def test_memory_does_not_grow_with_faults(times: int) -> None:
    with process(["lexical"], "--body-seconds", "0.5") as (running, port):
        bad = [
            POST + b"Content-Length: 7000000\r\n\r\n" + b" " * 50_000,
            request(b"{", "Content-Length: 1"),
            b"\x00" * 99,
        ]
        here = psutil.Process(running.pid)

        def abuse(count: int) -> None:
            for i in range(count):
                with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                    connection.sendall(bad[i % len(bad)])

        abuse(times)
        time.sleep(1.0)
        before = here.memory_info().rss
        abuse(times)
        time.sleep(1.0)
        assert here.memory_info().rss - before < 30_000_000
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request(asking(), f"Content-Length: {len(asking())}"))
            assert json.loads(said(connection).partition(b"\r\n\r\n")[2])["results"]
