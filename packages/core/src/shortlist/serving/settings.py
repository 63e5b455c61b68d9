"""What a server may be asked for, and how it is set up. One value, read by every module of the server."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from pathlib import Path

from shortlist.errors import InputError, checked_count
from shortlist.runtime.cache import cache_at
from shortlist.runtime.settings import Limits, Retry, Runtime

_COUNTS = ("max_passages", "max_bytes", "max_tokens", "max_query_bytes", "queue")
_SECONDS = ("deadline", "body_seconds", "drain")
# As browsers write it: in lower case, without the usual port, nothing after it. A file's page says `null`.
_ORIGIN = re.compile(r"\*|null|(?!http:.*:80$|https:.*:443$)[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+")


@dataclass(frozen=True, slots=True)
class ServingSettings:
    """How a server is set up.

    Attributes:
        host: address to listen at.
        port: to listen at; 0 lets the system choose.
        max_passages: in one request.
        max_bytes: of one request's body.
        max_tokens: of one request's texts, at four bytes a token.
        max_query_bytes: of one query.
        queue: requests waiting or under way; past it a request is turned away with 429.
        deadline: seconds that a request may take, and the most that a client may ask for.
        body_seconds: within which the whole body of a request must have come.
        drain: seconds that requests under way are given when the server is told to stop.
        keys: SHA-256 of each API key, as hex digits; none is an open server.
        origins: web origins whose pages may call the server; none closes it to all but its own.
        playground: whether the page is served.
        log_texts: whether queries and passages may stand in logs.
        documents: folders that the page may search.
        cache: where answers of models are kept: `memory`, the path of a SQLite file, or None.

    Raises:
        InputError: a number is out of its range, or an origin is none that a browser sends.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    max_passages: int = 1000
    max_bytes: int = 8_000_000
    max_tokens: int = 1_000_000
    max_query_bytes: int = 65_536
    queue: int = 64
    deadline: float = 30.0
    body_seconds: float = 10.0
    drain: float = 30.0
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    playground: bool = True
    log_texts: bool = False
    documents: tuple[Path, ...] = ()
    cache: str | None = "memory"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _COUNTS:
                checked_count(value, field.name)
            if field.name in _SECONDS and not 0.0 < value < math.inf:
                raise InputError(f"{field.name} must be a number of seconds above 0, not {value!r}")
        if not 0 <= checked_count(self.port, "port", 0) < 65_536:
            raise InputError(f"port must be below 65536, not {self.port}")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise InputError(f"no page is of origin {origin!r}: write it as browsers do, like https://example.org")

    def runtime(self) -> Runtime:
        """How models are driven: a client that waits is worth one more attempt, not a long backoff."""
        cache = None if self.cache is None else cache_at(self.cache)
        return Runtime(
            limits=Limits(seconds=self.deadline),
            retry=Retry(attempts=2, first=0.2, longest=2.0),
            timeout=self.deadline,
            cache=cache,
        )
