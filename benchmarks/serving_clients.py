"""Clients of a server: a process of their own, one loop, bare sockets, requests written beforehand."""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice

from data import ROOT, dl19
from shortlist.documents import first_stage, read_folder

PATIENCE = 300.0  # seconds for one reply
Requests = list[tuple[str, list[str]]]


def requests(passages: int) -> Iterator[tuple[str, list[str]]]:
    """Real questions with real passages. Each has words of its own: the server would ask the same pair only once."""
    found = _real(passages)
    for i, (query, texts) in enumerate(cycle(found)):
        yield f"{query} ({i})", texts


def _real(passages: int) -> Requests:
    collection = dl19()
    if collection is not None:
        return [(text, [p.text for p in collection.candidates[q][:passages]]) for q, text in collection.queries.items()]
    folder = read_folder(ROOT / "examples" / "documents")
    headings = dict.fromkeys(str(p.metadata["heading"]) for p in folder if p.metadata.get("heading"))
    return [(each, [p.text for p in first_stage(each, folder, passages)]) for each in islice(headings, 40)]


@dataclass
class Load:
    """What clients met with.

    Attributes:
        seconds: from the first request to the last reply.
        statuses: how many replies had which; 0 is none at all.
        milliseconds: of each reply with a ranking, the shortest first.
        best: the first passage of each ranking, by the number of its request.
        cpu: seconds that the clients themselves took.
    """

    seconds: float
    statuses: dict[str, int]
    milliseconds: list[float]
    best: dict[str, int]
    cpu: float

    @property
    def ranked(self) -> int:
        return self.statuses.get("200", 0)

    def percentile(self, share: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, math.ceil(share * len(self.milliseconds)) - 1)]


async def clients(port: int, count: int, seconds: float, bodies: Sequence[bytes]) -> Load:
    waiting = iter(enumerate(bodies))
    told: Counter[str] = Counter()
    times: list[float] = []
    best: dict[str, int] = {}
    start, cpu = time.monotonic(), time.process_time()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() - start < seconds and (next_one := next(waiting, None)):
            i, body = next_one
            began = time.monotonic()
            try:
                status, reply, ends = await asyncio.wait_for(_asked(reader, writer, body), PATIENCE)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                told["0"] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            told[str(status)] += 1
            if status == 200:
                times.append(1000 * (time.monotonic() - began))
                best[str(i)] = json.loads(reply)["results"][0]["index"]
            else:
                await asyncio.sleep(1.0)
            if ends:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    await asyncio.gather(*(one() for _ in range(count)))
    used = time.process_time() - cpu
    return Load(time.monotonic() - start, dict(told), sorted(times), best, used)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> tuple[int, bytes, bool]:
    """Status, body, and whether the server ends the connection."""
    writer.write(b"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    ends = re.search(rb"(?i)connection: close", head) is not None
    return int(head.split(b" ", 2)[1]), await reader.readexactly(int(length[1]) if length else 0), ends


def main() -> None:
    """Told on standard input what to ask; what came of it goes to standard output."""
    order = json.load(sys.stdin)
    asked = islice(requests(order["passages"]), order["first"], order["first"] + order["requests"])
    bodies = [json.dumps({"query": query, "documents": texts}).encode() for query, texts in asked]
    print(json.dumps(asdict(asyncio.run(clients(order["port"], order["clients"], order["seconds"], bodies)))))


if __name__ == "__main__":
    main()
