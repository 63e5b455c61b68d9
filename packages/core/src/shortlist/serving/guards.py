"""What every request passes before the application sees it, and every reply on its way out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from starlette.middleware.cors import CORSMiddleware

from shortlist.serving.admission import Admission, Draining, Overloaded, headers_of, status_of
from shortlist.serving.bodies import Bodies, while_connected
from shortlist.serving.heads import Head, request_id
from shortlist.serving.hosts import Callers
from shortlist.serving.keys import Keyring, presented
from shortlist.serving.logs import Entry, entered, entry, failed
from shortlist.serving.metrics import Metrics
from shortlist.serving.refusals import App, ClientGone, Message, Receive, Refusal, Scope, Send, refuse
from shortlist.serving.settings import ServingSettings
from shortlist.serving.tracing import server_span

_PROBES = frozenset({"/health", "/ready"})
_TO_THE_END = _PROBES | {"/metrics"}
_PAGE = frozenset({"/", "/index.html", "/favicon.ico", "/favicon.svg", "/licenses.txt"})
_ASSETS = "/assets/"
_SHAPES = ("/v1/rerank", "/v2/rerank", "/rerank", "/voyage/v1/rerank")
# What is asked there is refused when the queue is full, before anything of it is read.
_QUEUED = frozenset({*_SHAPES, *(f"/playground/api/{what}" for what in ("rank", "search", "code"))})
_KEY_HEADERS = ("authorization", "x-api-key", "api-key")
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SECURITY = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}


class Guards:
    """ASGI middleware, to stand before all other.

    In this order: a request id, a span and a line in the log; the end of the server; CORS; what a head may be; hosts
    and origins; keys; room in the queue; the body's kind, size and time; the client's leaving. Whatever goes wrong has
    a JSON reply.
    """

    def __init__(
        self,
        app: App,
        settings: ServingSettings,
        metrics: Metrics,
        admission: Admission,
        open_paths: Collection[str] = (),
    ) -> None:
        """`open_paths` need no key, besides the probes and the files of the page."""
        self._app = app
        self._metrics = metrics
        self._admission = admission
        self._callers = Callers(settings)
        self._keyring = Keyring(settings.keys)
        self._bodies = Bodies(settings)
        self._open = _PROBES.union(open_paths)
        self._page = settings.playground
        self._inner: App = _cors(self._answer, settings.origins) if settings.origins else self._answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the start and end of the server."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        new = Entry(id=request_id(scope["headers"]))
        scope.setdefault("state", {})["request_id"] = new.id
        with self._counted(scope, new), server_span(scope["method"], scope["headers"], new), entered(new):
            return await self._inner(scope, receive, _Reply(send, new, self._admission, scope))

    @contextmanager
    def _counted(self, scope: Scope, new: Entry) -> Iterator[None]:
        self._metrics.in_flight.inc()
        try:
            yield
        finally:
            self._metrics.in_flight.dec()
            self._metrics.answered(new.route, new.pipeline, new.status, new.seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's reply, or that of a guard."""
        body = _Progress()
        try:
            await self._guarded(scope, receive, send, body)
        except ClientGone:
            entry().status, entry().error = 499, "ClientGone"
        except Refusal as refusal:
            await refuse(refusal, entry().id, receive, send, unread=body.unread)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client has an answer and the server goes on
            await self._failed(error, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, body: _Progress) -> None:
        body.unread = any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])
        head = Head.of(scope)
        body.unread = head.body
        self._check_open(head)
        self._callers.check(scope, head)
        self._check_key(head)
        if not head.body:
            return await self._app(scope, receive, send)
        head.check_body()
        self._check_room(head)
        async with self._bodies.read(head.length, receive) as whole:
            body.unread = False
            self._check_room(head)  # again: others may have come while it was read
            await while_connected(self._app, scope, whole, receive, send, lambda: entry().complete)
        return None

    def _check_open(self, head: Head) -> None:
        if self._admission.draining and head.path not in _TO_THE_END:
            over = Draining()
            raise Refusal(503, str(over), headers_of(over))

    def _check_room(self, head: Head) -> None:
        """A body that is read in vain costs as much as one that is not."""
        if head.path not in _QUEUED:
            return
        try:
            self._admission.check_room()
        except Overloaded as full:
            entry().error = type(full).__name__
            raise Refusal(429, str(full), headers_of(full)) from full

    def _check_key(self, head: Head) -> None:
        if self._free(head) or self._keyring.admits(presented(head.headers)):
            return
        raise Refusal(401, "no valid API key: Authorization: Bearer KEY", {"www-authenticate": "Bearer"})

    def _free(self, head: Head) -> bool:
        if head.path in self._open:
            return True
        page = head.path in _PAGE or head.path.startswith(_ASSETS)
        return page and self._page and head.method in {"GET", "HEAD"}

    async def _failed(self, error: Exception, receive: Receive, send: Send) -> None:
        """An error that nobody has made a reply of."""
        entry().error = type(error).__name__
        failed(error)
        if entry().begun:
            raise error  # half a reply is out: only the end of the connection can say so
        status = status_of(error)
        message = "something went wrong here; the log has it under the request's id" if status == 500 else str(error)
        await refuse(Refusal(status, message, headers_of(error)), entry().id, receive, send, unread=False)


class _Progress:
    """Whether some of the body has not been read."""

    unread = False


class _Reply:
    """Sends a reply, with the headers that all have, and notes what it is."""

    def __init__(self, send: Send, new: Entry, admission: Admission, scope: Scope) -> None:
        self._send = send
        self._entry = new
        self._admission = admission
        self._scope = scope

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._entry.begun = True
            self._entry.status = message["status"]
            self._entry.route = _route(self._scope)
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._entry.complete = True
        await self._send(message)

    def _headers(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        told = {name.lower() for name, _ in headers}
        ours = {**_SECURITY, b"x-request-id": self._entry.id.encode()}
        if not self._scope["path"].startswith(_ASSETS):
            ours[b"cache-control"] = b"no-store"
        if self._admission.draining:
            ours[b"connection"] = b"close"
        return [*headers, *((name, value) for name, value in ours.items() if name not in told)]


def _route(scope: Scope) -> str:
    """The path as the router has it; a client's own words are never a label."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "other"


def _cors(app: App, origins: Sequence[str]) -> App:
    """Pages of these origins may call; credentials are keys in a header, never cookies."""
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=[*_KEY_HEADERS, "content-type", "x-request-id", "traceparent"],
        expose_headers=["x-request-id", "retry-after"],
    )
