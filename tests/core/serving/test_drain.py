"""Told to stop, a server answers all that it has accepted; killed clients leave nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest
from tests.core.serving.live import ASK, PATIENCE, asking, process, request, said, status, until

pytestmark = pytest.mark.slow
# `slow:SECONDS` is a pipeline whose model takes its time, and `held:FILE` one whose model waits until the file is there;
# neither does so in the self-check.
SLOW = """
import dataclasses, pathlib, time
from shortlist.models.fakes import OverlapScorer, SlowScorer
import shortlist.reranker.expression as expression, shortlist.serving.pipelines as pipelines
from shortlist import CrossEncoder
class Sleepy(SlowScorer):
    def answer(self, payloads, call):
        checked = not payloads[0].query.startswith("tides")
        return OverlapScorer().answer(payloads, call) if checked else super().answer(payloads, call)
@dataclasses.dataclass(frozen=True)
class Held(SlowScorer):
    file: str = ""
    def answer(self, payloads, call):
        while payloads[0].query.startswith("tides") and not pathlib.Path(self.file).exists():
            time.sleep(0.02)
        return OverlapScorer().answer(payloads, call)
real = expression.load
def load(text):
    kind, _, given = text.partition(":")
    made = {"slow": lambda: Sleepy(float(given)), "held": lambda: Held(file=given)}.get(kind)
    return CrossEncoder(made()) if made else real(text)
pipelines.load = load
pipelines.Pipelines.check_weights = lambda self: None
"""


def ask(port: int) -> httpx.Response:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
        return client.post("/v1/rerank", json=ASK)


def told(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=30)


def background(work: object, *given: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def waiting(port: int) -> float:
    text = told(port, "/metrics").text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("shortlist_queue "))


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_what_is_accepted_is_answered_and_what_is_new_is_turned_away(sent: int, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with process([f"p=held:{release}"], "--deadline", "600", "--drain", "600", code=SLOW) as (running, port):
        replies: list[httpx.Response] = []
        threads = [background(lambda: replies.append(ask(port))) for _ in range(12)]
        until(lambda: waiting(port) == 12)
        running.send_signal(sent)
        until(lambda: told(port, "/ready").status_code == 503)
        late, ready = ask(port), told(port, "/ready")
        assert (late.status_code, ready.status_code) == (503, 503)
        assert late.headers["connection"] == ready.headers["connection"] == "close"
        assert told(port, "/health").status_code == 200
        assert not replies
        release.touch()
        for thread in threads:
            thread.join(PATIENCE)
        assert Counter(reply.status_code for reply in replies) == {200: 12}
        assert running.wait(PATIENCE) == 0


def _kind(reply: bytes) -> str:
    """The status of a reply that is whole."""
    head, _, body = reply.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, flags=re.IGNORECASE)
    whole = length and len(body) == int(length[1])
    return str(status(reply)) if whole else "cut" if reply else "never taken"


def test_under_load_nothing_that_was_accepted_goes_unanswered() -> None:
    """Clients that never stop asking: each connection that was taken has an answer, whole, up to the end."""
    seen: Counter[str] = Counter()
    over = threading.Event()

    def one(port: int) -> None:
        content = asking()
        while not over.is_set():
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            except ConnectionRefusedError:
                return
            except ConnectionError:
                seen["never taken"] += 1
                continue
            with connection:
                try:
                    connection.sendall(request(content, f"Content-Length: {len(content)}"))
                except ConnectionError:
                    seen["never taken"] += 1
                    continue
                seen[_kind(said(connection))] += 1

    with process(["p=slow:0.05"], code=SLOW) as (running, port):
        threads = [background(one, port) for _ in range(16)]
        until(lambda: seen["200"] > 50)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert seen["cut"] == 0
    assert {*seen} - {"cut"} <= {"200", "503", "never taken"}
    # Those that the system had queued at the door when it closed: the server never saw them.
    assert seen["never taken"] <= len(threads)


def test_what_takes_longer_than_the_drain_is_told_so() -> None:
    with process(["p=slow:25"], "--drain", "0.5", code=SLOW) as (running, port):
        replies: list[httpx.Response] = []
        threads = [background(lambda: replies.append(ask(port))) for _ in range(3)]
        until(lambda: waiting(port) == 3)
        running.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(PATIENCE)
        assert [reply.status_code for reply in replies] == [503, 503, 503]
        assert running.wait(PATIENCE) == 0


def test_an_idle_server_ends_at_once() -> None:
    with process(["lexical"]) as (running, port), httpx.Client(trust_env=False, timeout=30) as client:
        assert client.get(f"http://127.0.0.1:{port}/health").status_code == 200  # a connection that stays open
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0


def test_clients_that_are_killed_leave_nothing_behind() -> None:
    code = f"""
import socket, sys, time
connections = []
for _ in range(20):
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    connection.sendall({request(asking(), f"Content-Length: {len(asking())}")!r})
    connections.append(connection)
print("sent", flush=True)
time.sleep(60)
"""
    with process(["p=slow:20", "lexical"], code=SLOW) as (running, port):
        here = psutil.Process(running.pid)
        before = here.num_fds()
        client = subprocess.Popen([sys.executable, "-c", code, str(port)], stdout=subprocess.PIPE, text=True)
        assert client.stdout is not None
        assert client.stdout.readline() == "sent\n"
        until(lambda: waiting(port) == 20)
        os.kill(client.pid, signal.SIGKILL)
        client.wait(10)
        client.stdout.close()
        until(lambda: waiting(port) == 0)
        until(lambda: here.num_fds() <= before + 1)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as well:
            assert well.post("/v1/rerank", json={**ASK, "model": "lexical"}).status_code == 200
