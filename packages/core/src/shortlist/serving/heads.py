"""What a request's head may be: a plain path, a known method, headers that mean one thing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from shortlist.serving.refusals import Refusal, Scope

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
# Two readers may take these for different paths, and one of them may be a proxy that decides who may pass.
_TRICKS = re.compile(
    r"//|[\\\x00-\x20\x7f]|%(2f|5c|25|7f|[01][0-9a-f])|/(\.|%2e){1,2}(/|$)",
    re.IGNORECASE,
)
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization", b"x-api-key", b"api-key")
_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_MOST_HEADERS, _MOST_BYTES, _LONGEST_PATH = 100, 32_768, 2_048


@dataclass(frozen=True, slots=True)
class Head:
    """What the guards go by.

    Attributes:
        method: in capitals.
        path: decoded, as the router sees it.
        headers: as they came, names in small letters.
        length: of the body, as the client says; None where it does not.
        body: whether there is one.
    """

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    length: int | None
    body: bool

    @classmethod
    def of(cls, scope: Scope) -> Head:
        """That of a request.

        Raises:
            Refusal: it is none that this server answers.
        """
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        _check_headers(headers)
        _check_path(scope)
        if scope["method"] not in _METHODS:
            raise Refusal(405, "no such method", {"allow": "GET, HEAD, OPTIONS, POST"})
        told = dict(headers)
        length = _length(told.get(b"content-length"))
        return cls(scope["method"], scope["path"], headers, length, bool(length) or b"transfer-encoding" in told)

    def value(self, name: bytes) -> bytes:
        """Of a header that stands there once at most; empty where it does not."""
        return next((value for each, value in self.headers if each == name), b"")

    def check_body(self) -> None:
        """Whether the body may be one that the application reads.

        JSON only: a page of another origin can send forms and plain text without asking, but not this.

        Raises:
            Refusal: it is something else.
        """
        kind = self.value(b"content-type").partition(b";")[0].strip().lower()
        if self.body and not (kind == b"application/json" or kind.endswith(b"+json")):
            raise Refusal(415, "the body must be JSON: Content-Type: application/json", {"accept": "application/json"})
        if self.value(b"content-encoding").lower() not in {b"", b"identity"}:
            raise Refusal(415, "the body must not be compressed", {"accept-encoding": "identity"})


def request_id(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The caller's, where it has the form of one, or a new one."""
    told = [value for name, value in headers if name == b"x-request-id"]
    return told[0].decode() if len(told) == 1 and _ID.fullmatch(told[0]) else uuid4().hex


def _check_headers(headers: Sequence[tuple[bytes, bytes]]) -> None:
    if len(headers) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MOST_BYTES:
        raise Refusal(431, "too many headers, or too long ones")
    count = Counter(name for name, _ in headers)
    if twice := [name.decode() for name in _ONCE if count[name] > 1]:
        raise Refusal(400, f"the header {twice[0]} stands there twice")
    if count[b"content-length"] and count[b"transfer-encoding"]:
        raise Refusal(400, "a body has a Content-Length or a Transfer-Encoding, not both", {"connection": "close"})


def _check_path(scope: Scope) -> None:
    raw = (scope.get("raw_path") or scope["path"].encode("utf-8", "replace")).decode("latin-1")
    if len(raw) > _LONGEST_PATH or len(scope.get("query_string", b"")) > _LONGEST_PATH:
        raise Refusal(414, "the path is too long")
    if not raw.startswith("/") or _TRICKS.search(raw):
        raise Refusal(400, "no path of this server")


def _length(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not (value.isdigit() and len(value) < 16):
        raise Refusal(400, "the Content-Length is no number")
    return int(value)
