"""A chat server that answers after a fixed delay and knows the right order: for measuring everything but a model.

It speaks OpenAI's API on a free port of this machine, in a process of its own, answers any number of requests at the
same time, and counts calls and tokens. Prompts are listwise: lines `[k] text` in the turns of the user. The order is
that of the numbers in the texts, `(grade 0.73)`. A token is a word.

    python benchmarks/llm_server.py --delay 0.2      prints its address, and serves until it is stopped
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

_LINE = re.compile(r"^\[(\w+)\] (.*)$", re.MULTILINE)
_GRADE = re.compile(r"\(grade (-?\d+(?:\.\d+)?)\)")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Counts:
    """What the server has answered since it was last reset.

    Attributes:
        calls: how many prompts.
        tokens_in: that it read.
        tokens_out: that it wrote.
        most_at_once: prompts.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    most_at_once: int = 0


@dataclass(frozen=True)
class Running:
    """A server in another process."""

    url: str

    def counts(self, *, reset: bool = False) -> Counts:
        """What it has counted."""
        with _DIRECT.open(f"{self.url}/counts{'?reset' if reset else ''}") as reply:
            return Counts(**json.load(reply))


@contextmanager
def running(delay: float) -> Iterator[Running]:
    """Start a server, and stop it in the end."""
    command = [sys.executable, __file__, "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process.stdout.readline().strip() if process.stdout else "")
        finally:
            process.terminate()


def ranked(messages: Sequence[Mapping[str, str]]) -> str:
    """The order of the passages in these turns: `[2] > [1]`."""
    said = "\n".join(turn["content"] for turn in messages if turn["role"] == "user")
    grades = {name: _grade(text) for name, text in _LINE.findall(said)}
    return " > ".join(f"[{name}]" for name in sorted(grades, key=lambda name: -grades[name]))


def _grade(text: str) -> float:
    found = _GRADE.search(text)
    return float(found[1]) if found else float("-inf")


@dataclass
class Server:
    """Answers, and counts.

    Attributes:
        delay: seconds before each answer.
    """

    delay: float
    counts: Counts = field(default_factory=Counts)
    now: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its last."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                said = json.dumps(await self.answer(head.split()[1], body)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(f"Content-Length: {len(said)}\r\n\r\n".encode() + said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def answer(self, path: str, body: bytes) -> dict[str, Any]:
        """A chat completion, or the counts."""
        if path.startswith("/counts"):
            told, self.counts = self.counts, Counts() if path.endswith("?reset") else self.counts
            return asdict(told)
        self.now += 1
        self.counts.most_at_once = max(self.counts.most_at_once, self.now)
        try:
            await asyncio.sleep(self.delay)
            return self._completion(json.loads(body)["messages"])
        finally:
            self.now -= 1

    def _completion(self, messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        text = ranked(messages)
        read, written = sum(len(turn["content"].split()) for turn in messages), len(text.split())
        self.counts.calls += 1
        self.counts.tokens_in += read
        self.counts.tokens_out += written
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {"choices": [choice], "usage": {"prompt_tokens": read, "completion_tokens": written}}


async def main(delay: float) -> None:
    """Serve until stopped."""
    server = await asyncio.start_server(Server(delay).serve, "127.0.0.1", 0, backlog=1024, limit=2**20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.2, help="seconds before each answer")
    asyncio.run(main(parser.parse_args().delay))
