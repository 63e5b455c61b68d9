"""A server on a real loopback socket that answers like a rerank, chat, completion or embedding endpoint, or misbehaves.

Each request is answered by the next mode of a script, the last one again and again. The server writes down what it was
asked, and knows how many connections are open and how many requests have not ended.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 15.0


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    mode: str

    @property
    def texts(self) -> list[str]:
        """The documents of a rerank request."""
        return self.body.get("documents") or self.body.get("texts") or []


Handler = Callable[["MisbehavingServer", Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MisbehavingServer:
    """`with MisbehavingServer("429 for ever", "fine") as server:` asks it at `server.url`."""

    def __init__(self, *script: str, wait: float = 0.2) -> None:
        self.script = script or ("fine",)
        self.wait = wait  # seconds of Retry-After
        self.requests: list[Request] = []
        self.sent = 0  # bytes of an endless body that were taken
        self.connections = 0  # ever
        self.open = 0  # connections now
        self.unfinished = 0  # requests now
        self.most_at_once = 0
        self.ready_at: float | None = None
        self._changed = threading.Condition()
        self._started = threading.Event()

    def __enter__(self) -> MisbehavingServer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait for it; False when that takes far too long."""
        with self._changed:
            return self._changed.wait_for(condition, PATIENCE)

    def note(self, **changes: int) -> None:
        """Add to counters, and wake who waits for them."""
        with self._changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self.most_at_once = max(self.most_at_once, self.unfinished)
            self._changed.notify_all()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.note(connections=1, open=1)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.note(open=-1)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))))
        mode = self.script[min(len(self.requests), len(self.script) - 1)]
        request = Request(head[0].split()[1], headers, body, mode)
        self.requests.append(request)
        self.note(unfinished=1)
        try:
            await MODES[mode](self, request, reader, writer)
            await writer.drain()
        finally:
            self.note(unfinished=-1)
        return not writer.is_closing()


def fine(request: Request) -> Any:
    """What a server that behaves says: scores are counts of the query's words, best first."""
    if request.path.endswith("/chat/completions"):
        return chat("[2, 0, 1]")
    if request.path.endswith("/completions"):
        return completion(request.body)
    if request.path.endswith("/embeddings"):
        rows = [{"index": i, "embedding": [float(len(t)), 1.0]} for i, t in enumerate(request.body["input"])]
        return {"data": rows[::-1], "usage": {"prompt_tokens": 7 * len(rows), "total_tokens": 7 * len(rows)}}
    words = request.body["query"].split()
    field_ = "score" if "texts" in request.body else "relevance_score"
    rows = [{"index": i, field_: sum(w in t.split() for w in words) / 10} for i, t in enumerate(request.texts)]
    rows.sort(key=lambda row: -row[field_])
    if "texts" in request.body:
        return rows
    usage = {"total_tokens": 10 * len(rows)}
    return {"results": rows, "usage": usage, "meta": {"billed_units": {"search_units": 1}}}


def chat(text: object, **choice: Any) -> dict[str, Any]:
    """A chat completion."""
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    whole = {"index": 0, "message": message, "finish_reason": "stop", **choice}
    return {"object": "chat.completion", "choices": [whole], "usage": {"prompt_tokens": 100, "completion_tokens": 9}}


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """A text completion as vLLM writes it: words are tokens, of -0.5 each, and a special token stands in front."""
    read = ["<s>", *re.findall(r"\s*\S+|\s+$", body["prompt"])]
    tokens = [*read, " and"] if body.get("echo") else [" and"]
    chosen = [None if token == "<s>" else -0.5 for token in tokens]
    logprobs = {"tokens": tokens, "token_logprobs": chosen, "top_logprobs": [None for _ in tokens]}
    choice = {"index": 0, "text": "".join(tokens), "logprobs": logprobs, "finish_reason": "length"}
    return {"choices": [choice], "usage": {"prompt_tokens": len(read), "completion_tokens": 1}}


def _write(
    writer: asyncio.StreamWriter, body: Any, status: str = "200 OK", kind: str = "application/json", **headers: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + raw)


def sending(change: Callable[[Request, Any], Any]) -> Handler:
    """A mode that sends what it makes of the right answer."""

    async def handle(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
        _write(writer, change(request, fine(request)))

    return handle


def _rows(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], text: str) -> Handler:
    """A mode that spoils the results of a reranker, or has a chat model say `text`."""

    def spoil(request: Request, answer: Any) -> Any:
        if request.path.endswith("/chat/completions"):
            return chat(text)
        if isinstance(answer, list):
            return change(answer)
        name = "data" if "data" in answer else "results"
        return {**answer, name: change(answer[name])}

    return sending(spoil)


def _score(value: Any, text: str) -> Handler:
    name = {"relevance_score", "score", "embedding"}

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: value if k in name else v for k, v in rows[0].items()}, *rows[1:]]

    return _rows(change, text)


def _status(status: str, text: str = "made to fail") -> Handler:
    async def handle(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
        _write(writer, {"error": {"message": text, "saw": request.headers.get("authorization")}}, status)

    return handle


async def _busy(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    """429 until the time that the first reply told has come: whoever asks sooner is refused again."""
    now = time.monotonic()
    server.ready_at = server.ready_at or now + server.wait
    if now >= server.ready_at:
        return _write(writer, fine(request))
    return _write(writer, {"message": "slow down"}, "429 Too Many Requests", Retry_After=str(server.wait))


async def _busy_for_ever(server: MisbehavingServer, request: Request, reader: Any, writer: Any) -> None:
    _write(writer, {"message": "slow down"}, "429 Too Many Requests", Retry_After=str(server.wait))


async def _broke(server: MisbehavingServer, request: Request, reader: Any, writer: Any) -> None:
    error = {"message": "You exceeded your quota", "code": "insufficient_quota", "type": "insufficient_quota"}
    _write(writer, {"error": error}, "429 Too Many Requests")


async def _hang(server: MisbehavingServer, request: Request, reader: asyncio.StreamReader, writer: Any) -> None:
    """Says nothing until the client goes away."""
    await reader.read()
    writer.close()


async def _trickle(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, each in time for a timeout that looks at single reads only."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _half(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    raw = json.dumps(fine(request)).encode()
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw[: len(raw) // 2])
    writer.close()


async def _half_unmarked(server: MisbehavingServer, request: Request, reader: Any, writer: Any) -> None:
    """Half a body that only the end of the connection delimits: nobody can see that it is half."""
    raw = json.dumps(fine(request)).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + raw[: len(raw) // 2])
    writer.close()


async def _closed(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _html(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    _write(writer, b"<html><body>[0, 1, 2] Bad gateway, please <b>try again</b></body></html>", kind="text/html")


async def _huge(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    """A body with no end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()
        server.note(sent=65536)


async def _redirect(server: MisbehavingServer, request: Request, reader: Any, writer: asyncio.StreamWriter) -> None:
    _write(writer, {}, "307 Temporary Redirect", Location=f"{server.url}/elsewhere/chat/completions")


MODES: dict[str, Handler] = {
    "fine": sending(lambda request, answer: answer),
    "429 with Retry-After": _busy,
    "429 for ever": _busy_for_ever,
    "429, no money left": _broke,
    "500": _status("500 Internal Server Error", "the model fell over"),
    "503": _status("503 Service Unavailable"),
    "400": _status("400 Bad Request", "too long " * 1000),
    "401": _status("401 Unauthorized", "wrong key"),
    "hang": _hang,
    "trickle": _trickle,
    "half a body": _half,
    "half a body, unmarked": _half_unmarked,
    "closed connection": _closed,
    "HTML with 200": _html,
    "error with 200": sending(lambda request, answer: {"error": {"message": "[0, 1, 2] went wrong"}}),
    "other JSON": sending(lambda request, answer: {"detail": "Not Found"}),
    "deep JSON": sending(lambda request, answer: b"[" * 200_000),
    "null": sending(lambda request, answer: None),
    "huge body": _huge,
    "redirect": _redirect,
    "wrong index": _rows(lambda rows: [{**rows[0], "index": 99}, *rows[1:]], "[99, 0, 1]"),
    "index as text": _rows(lambda rows: [{**row, "index": str(row["index"])} for row in rows], '["0", "1", "2"]'),
    "repeated index": _rows(lambda rows: [{**row, "index": 0} for row in rows], "[0, 0, 1]"),
    "one too many": _rows(lambda rows: [*rows, rows[0]], "[0, 1, 2, 2]"),
    "missing index": _rows(lambda rows: rows[1:], "[0, 1]"),
    "rows of numbers": _rows(lambda rows: [1, 2, 3], "[[0], [1], [2]]"),  # type: ignore[list-item,return-value]
    "NaN score": _score(float("nan"), "NaN"),
    "string score": _score("0.99", '"0.99"'),
    "true score": _score(True, "true"),
    "no score": _score(None, "null"),
    "enormous score": _score(10**400, str(10**400)),
    "no choices": sending(lambda request, answer: {"choices": []}),
    "refusal": sending(lambda request, answer: chat(None, message={"refusal": "I cannot help with that."})),
    "number for text": sending(lambda request, answer: chat(17)),
    "no text": sending(lambda request, answer: chat(None, finish_reason="tool_calls")),
    "cut before the first word": sending(lambda request, answer: chat(None, finish_reason="length")),
    "cut": sending(lambda request, answer: chat("[2, 0", finish_reason="length")),
    "prose": sending(lambda request, answer: chat("As of 2024 passage 1 is best, then 0 and 2.")),
}
