"""What Prometheus is told. Labels are names of the server's own, never a client's words, so that they stay few."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shortlist.ranking import Ranking

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OTHER = "other"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BY_PIPELINE = {
    "rankings": "Rankings that were given.",
    "passages_in": "Passages that rankings were asked for.",
    "passages_kept": "Passages that rankings kept.",
    "model_calls": "Asks that were sent to a model: texts, pairs, prompts.",
    "cache_hits": "Asks answered without one: from the cache, or because another ranking had asked the same.",
    "tokens_in": "Tokens that models read.",
    "tokens_out": "Tokens that models wrote.",
    "batches": "Batches that rankings had a part in; one that several share counts for each of them.",
    "degraded": "Rankings that a fallback or a partial result answered.",
    "repairs": "Malformed input and output that was mended.",
}


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self, pipelines: Iterable[str] = ()) -> None:
        """All counters at nothing; other names than these pipelines' are counted as one."""
        self.registry = CollectorRegistry()
        self._known = frozenset(pipelines)
        self._requests = Counter(
            "shortlist_requests",
            "Requests that were answered.",
            ("route", "pipeline", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "shortlist_request_seconds",
            "From a request's head to the end of its reply.",
            ("route", "pipeline"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._sums = {
            name: Counter(f"shortlist_{name}", about, ("pipeline",), registry=self.registry)
            for name, about in _BY_PIPELINE.items()
        }
        self.in_flight = Gauge("shortlist_in_flight", "Requests under way, of all kinds.", registry=self.registry)
        self.queue = Gauge("shortlist_queue", "Rankings waiting or under way.", registry=self.registry)
        self._refused = Counter(
            "shortlist_refused", "Rankings that were turned away.", ("reason",), registry=self.registry
        )

    def answered(self, route: str, pipeline: str | None, status: int, seconds: float) -> None:
        """A request has its reply."""
        name = self._name(pipeline)
        self._requests.labels(route, name, str(status)).inc()
        self._seconds.labels(route, name).observe(seconds)

    def ranked(self, pipeline: str, passages: int, ranking: Ranking) -> None:
        """A ranking was given."""
        usage = ranking.usage
        told = {
            "rankings": 1,
            "passages_in": passages,
            "passages_kept": len(ranking.kept),
            "model_calls": usage.calls,
            "cache_hits": usage.hits,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "batches": sum(trace.batches for trace in ranking.rounds),
            "degraded": int(ranking.degraded is not None),
            "repairs": len(ranking.repairs),
        }
        for name, value in told.items():
            self._sums[name].labels(self._name(pipeline)).inc(value)

    def refused(self, reason: str) -> None:
        """A ranking was turned away; the reason is a word of the server's own."""
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _name(self, pipeline: str | None) -> str:
        return pipeline if pipeline in self._known else "" if pipeline is None else _OTHER
