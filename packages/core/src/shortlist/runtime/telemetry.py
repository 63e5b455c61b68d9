"""OpenTelemetry spans for rankings, with the attribute names of the OpenInference reranker convention.

Only where `opentelemetry` has been imported by the program: a program that has not cannot have set up a tracer. The
convention's two switches, OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS, keep texts out of the spans.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shortlist.passage import Passage
from shortlist.ranking import Ranking


class Span:
    """A span, or nothing where nobody traces."""

    __slots__ = ("_span",)

    def __init__(self, span: Any = None) -> None:
        """Wrap an OpenTelemetry span that records, or None."""
        self._span = span

    def done(self, ranking: Ranking) -> Ranking:
        """Note what became of it."""
        if self._span is not None:
            for key, value in _output(ranking):
                self._span.set_attribute(key, value)
        return ranking


@contextmanager
def reranker_span(name: str, query: str, passages: Sequence[Passage], top_k: int | None) -> Iterator[Span]:
    """A span around one ranking, if the program traces. Errors are recorded on it."""
    if "opentelemetry.trace" not in sys.modules:
        yield Span()
        return
    trace = sys.modules["opentelemetry.trace"]
    # The message of an error may quote what was ranked.
    told = not (_hidden("OPENINFERENCE_HIDE_INPUTS") or _hidden("OPENINFERENCE_HIDE_OUTPUTS"))
    start = trace.get_tracer("shortlist").start_as_current_span
    with start(f"rerank {name}", record_exception=told, set_status_on_exception=told) as span:
        if not span.is_recording():
            yield Span()
            return
        for key, value in _input(name, query, passages, top_k):
            span.set_attribute(key, value)
        try:
            yield Span(span)
        except Exception as error:
            if not told:
                span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise


def _input(name: str, query: str, passages: Sequence[Passage], top_k: int | None) -> Iterator[tuple[str, Any]]:
    hidden = _hidden("OPENINFERENCE_HIDE_INPUTS")
    yield "openinference.span.kind", "RERANKER"
    yield "reranker.model_name", name
    yield "reranker.top_k", len(passages) if top_k is None else top_k
    if not hidden:
        yield "reranker.query", query
    scored = ((passage, passage.score) for passage in passages)
    yield from _documents("reranker.input_documents", scored, hidden=hidden)


def _output(ranking: Ranking) -> Iterator[tuple[str, Any]]:
    hidden = _hidden("OPENINFERENCE_HIDE_OUTPUTS")
    kept = ((item.passage, item.score) for item in ranking.kept)
    yield from _documents("reranker.output_documents", kept, hidden=hidden)
    usage = ranking.usage
    yield "llm.token_count.prompt", usage.tokens_in
    yield "llm.token_count.completion", usage.tokens_out
    yield "shortlist.calls", usage.calls
    yield "shortlist.cache_hits", usage.hits
    yield "shortlist.rounds", len(ranking.rounds)
    if ranking.degraded:
        yield "shortlist.degraded", True if hidden else ranking.degraded  # which may quote what a model said


def _documents(
    prefix: str, scored: Iterable[tuple[Passage, float | None]], *, hidden: bool
) -> Iterator[tuple[str, Any]]:
    for i, (passage, score) in enumerate(scored):
        at = f"{prefix}.{i}.document"
        if passage.id is not None:
            yield f"{at}.id", passage.id
        if score is not None:
            yield f"{at}.score", score
        if not hidden:
            yield f"{at}.content", passage.text


def _hidden(switch: str) -> bool:
    return os.environ.get(switch, "").lower() in {"1", "true", "yes"}
