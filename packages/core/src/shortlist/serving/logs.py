"""One JSON line for each request, with no query or passage in it unless the settings say so."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shortlist.passage import PassageLike
from shortlist.ranking import Ranking
from shortlist.serving import tracing
from shortlist.serving.settings import ServingSettings

LOG = logging.getLogger("shortlist.serving")
# What others' messages are filled in with may be text of a client's: it is logged only where texts may be.
_SERVER = "uvicorn.error"
_PROBES = frozenset({"/health", "/ready", "/metrics"})  # asked every few seconds: of no interest while all is well
_LOGGERS = ("shortlist", _SERVER)


@dataclass(slots=True)
class Entry:
    """What the line of one request will say; filled in while the request is under way.

    Attributes:
        id: of the request.
        route: the path as the server names it, never as the client wrote it.
        pipeline: that ranked.
        status: of the reply; 499 where the client left before it.
        passages: how many came.
        ranking: what became of them.
        error: the kind of what went wrong.
        texts: the query and the passages, where they may be logged.
        begun: whether some of the reply has gone out.
        complete: whether all of it has.
        started: by the monotonic clock.
    """

    id: str = ""
    route: str = "other"
    pipeline: str | None = None
    status: int = 0
    passages: int = 0
    ranking: Ranking | None = None
    error: str | None = None
    texts: dict[str, Any] = field(default_factory=dict)
    begun: bool = False
    complete: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.started

    def fields(self) -> dict[str, Any]:
        """What the line says, without what is not known."""
        told = {
            "request_id": self.id,
            "route": self.route,
            "pipeline": self.pipeline,
            "status": self.status,
            "milliseconds": round(1000 * self.seconds, 1),
            "passages": self.passages or None,
            "error": self.error,
            **(_ranking_fields(self.ranking) if self.ranking else {}),
            **self.texts,
        }
        return {name: value for name, value in told.items() if value is not None}


_current: ContextVar[Entry | None] = ContextVar("entry", default=None)


def entry() -> Entry:
    """That of the request under way; outside of one, an entry that nobody reads."""
    return _current.get() or Entry()


@contextmanager
def entered(new: Entry) -> Iterator[Entry]:
    """Make it that of the request under way, and log it in the end."""
    token = _current.set(new)
    try:
        yield new
    finally:
        _current.reset(token)
        level = logging.DEBUG if new.route in _PROBES and new.status < 400 else logging.INFO
        LOG.log(level, "request", extra={"fields": new.fields()})


def texts_of(query: str, passages: Sequence[PassageLike]) -> dict[str, Any]:
    """The query and the passages as fields of a line."""
    return {"query": query, "texts": [getattr(passage, "text", passage) for passage in passages]}


def failed(error: BaseException) -> None:
    """Log a defect: what kind, and where in the code, but not its message, which may quote a text."""
    LOG.error("unexpected error", extra={"fields": {"request_id": entry().id, **_fault(error)}})


def configure(settings: ServingSettings) -> None:
    """Write JSON lines to standard error, and hide texts from traces too. For the command line, not for a library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(texts=settings.log_texts))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    # Of all others, warnings. This comes before other packages set up logs of their own, which then let it be.
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if not settings.log_texts:
        tracing.hide_texts()


class JsonLines(logging.Formatter):
    """A record as a JSON object on one line."""

    def __init__(self, *, texts: bool) -> None:
        """Whether what a message was filled in with, and an error's own message, may be shown."""
        super().__init__()
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message, and the record's fields."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._event(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            told |= _fault(record.exc_info[1])
        return json.dumps(told, default=str)

    def _event(self, record: logging.LogRecord) -> str:
        return record.getMessage() if self._texts or record.name == _SERVER else str(record.msg)


def _fault(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return {"error": type(error).__name__, "at": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def _ranking_fields(ranking: Ranking) -> dict[str, Any]:
    usage = ranking.usage
    return {
        "kept": len(ranking.kept),
        "calls": usage.calls,
        "hits": usage.hits,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "degraded": ranking.degraded is not None,
        "repairs": len(ranking.repairs),
    }
