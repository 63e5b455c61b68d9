"""Answers kept for the next time they are asked for, in memory or on disk."""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.errors import InputError
from shortlist.plan import Model, Reply

if TYPE_CHECKING:
    from sqlite3 import Connection


_TABLE = "CREATE TABLE IF NOT EXISTS replies (key BLOB PRIMARY KEY, value BLOB, cost TEXT) WITHOUT ROWID"


class Cache(ABC):
    """Replies by model and payload. Safe to share between threads."""

    @abstractmethod
    def load(self, model: Model[Any, Any], payloads: Sequence[Hashable]) -> list[Reply[Any] | None]:
        """What is kept for each payload, or None."""

    @abstractmethod
    def store(self, model: Model[Any, Any], payloads: Sequence[Hashable], replies: Sequence[Reply[Any]]) -> None:
        """Keep these replies."""

    @property
    @abstractmethod
    def location(self) -> str:
        """What `cache_at` opens again: a path, or `memory`."""


class MemoryCache(Cache):
    """The most recently used replies, in this process."""

    def __init__(self, size: int = 100_000) -> None:
        """Keep at most `size` replies."""
        self.size = size
        self._replies: OrderedDict[Hashable, Reply[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, model: Model[Any, Any], payloads: Sequence[Hashable]) -> list[Reply[Any] | None]:
        """What is kept for each payload, or None."""
        keys = _short(model, payloads)
        with self._lock:
            return [self._touch(key) for key in keys]

    def store(self, model: Model[Any, Any], payloads: Sequence[Hashable], replies: Sequence[Reply[Any]]) -> None:
        """Keep these replies, and let the least recently used go."""
        keys = _short(model, payloads)
        with self._lock:
            for key, reply in zip(keys, replies, strict=True):
                self._replies[key] = reply
            while len(self._replies) > self.size:
                self._replies.popitem(last=False)

    @property
    def location(self) -> str:
        """The word `memory`."""
        return "memory"

    def __reduce__(self) -> tuple[type[MemoryCache], tuple[int]]:
        return MemoryCache, (self.size,)  # a copy starts empty: a lock cannot be copied, and the replies need not be

    def _touch(self, key: Hashable) -> Reply[Any] | None:
        reply = self._replies.get(key)
        if reply is not None:
            self._replies.move_to_end(key)
        return reply


class SqliteCache(Cache):
    """Replies in one SQLite file, shared by processes. Models with no fingerprint are not kept."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, making it and its folder when they are not there.

        Raises:
            InputError: that cannot be done, or the file is something else.
        """
        import sqlite3

        self.path = Path(path)
        self._local = threading.local()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as db:
                db.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot open the cache {self.path}: {error}") from error

    def load(self, model: Model[Any, Any], payloads: Sequence[Hashable]) -> list[Reply[Any] | None]:
        """What is kept for each payload, or None."""
        if model.fingerprint is None:
            return [None] * len(payloads)
        select = self._connection().execute
        rows = (select("SELECT value, cost FROM replies WHERE key = ?", (key,)) for key in _keys(model, payloads))
        found = (row.fetchone() for row in rows)
        return [None if row is None else Reply(model.decode(row[0]), *json.loads(row[1])) for row in found]

    def store(self, model: Model[Any, Any], payloads: Sequence[Hashable], replies: Sequence[Reply[Any]]) -> None:
        """Keep these replies, in one transaction."""
        if model.fingerprint is None:
            return
        rows = [
            (key, model.encode(reply.value), json.dumps(reply[1:]))
            for key, reply in zip(_keys(model, payloads), replies, strict=True)
        ]
        with self._connection() as db:
            db.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", rows)

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self.path)

    def __reduce__(self) -> tuple[type[SqliteCache], tuple[Path]]:
        return SqliteCache, (self.path,)

    def _connection(self) -> Connection:
        # One connection a thread: SQLite's own locking then does the rest, between processes too.
        if not hasattr(self._local, "db"):
            import sqlite3

            self._local.db = sqlite3.connect(self.path, timeout=30.0)
            self._local.db.execute("PRAGMA journal_mode=WAL")
            self._local.db.execute("PRAGMA synchronous=NORMAL")
        db: Connection = self._local.db
        return db


def cache_at(location: str) -> Cache:
    """The cache that has this location: `memory`, or the path of a SQLite file.

    Raises:
        InputError: the file cannot be opened.
    """
    return MemoryCache() if location == "memory" else SqliteCache(location)


def _short(model: Model[Any, Any], payloads: Sequence[Hashable]) -> Sequence[Hashable]:
    """Keys that do not hold the texts, however long those are; what has no name across processes is its own key."""
    try:
        return _keys(model, payloads) if model.fingerprint is not None else [(model, payload) for payload in payloads]
    except TypeError:  # JSON cannot hold it: arrays of a network
        return [(model.fingerprint, payload) for payload in payloads]


def _keys(model: Model[Any, Any], payloads: Sequence[Hashable]) -> list[bytes]:
    start = hashlib.sha256(str(model.fingerprint).encode())
    keys = []
    for payload in payloads:
        digest = start.copy()
        digest.update(b"\0" + json.dumps(payload, ensure_ascii=True).encode())
        keys.append(digest.digest())
    return keys
