"""A server span around each request, which takes over the caller's trace; rankings make their own spans below it.

As in `shortlist.runtime.telemetry`: only where the program has imported OpenTelemetry, as `opentelemetry-instrument`
does, for a program that has not cannot have set up a tracer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shortlist.serving.logs import Entry

_HIDE = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS")


def hide_texts() -> None:
    """Keep queries and passages out of the spans of rankings, unless the environment says otherwise."""
    for switch in _HIDE:
        os.environ.setdefault(switch, "true")


@contextmanager
def server_span(method: str, headers: Iterable[tuple[bytes, bytes]], entry: Entry) -> Iterator[None]:
    """A span of the kind SERVER, below that of the `traceparent` header, told in the end what the entry says."""
    if "opentelemetry.trace" not in sys.modules:
        yield
        return
    from opentelemetry import propagate, trace

    above = propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in headers})
    with trace.get_tracer("shortlist").start_as_current_span(
        method, context=above, kind=trace.SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        finally:
            if span.is_recording():
                _tell(span, method, entry)


def _tell(span: Any, method: str, entry: Entry) -> None:
    """The attributes of the HTTP convention."""
    from opentelemetry.trace import StatusCode

    span.update_name(f"{method} {entry.route}")
    told = {
        "http.request.method": method,
        "http.route": entry.route,
        "http.response.status_code": entry.status,
        "shortlist.request_id": entry.id,
        "shortlist.pipeline": entry.pipeline,
        "error.type": entry.error,
    }
    for name, value in told.items():
        if value is not None:
            span.set_attribute(name, value)
    if entry.status >= 500:
        span.set_status(StatusCode.ERROR)
