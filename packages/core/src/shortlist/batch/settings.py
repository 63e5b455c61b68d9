"""What a job is told beside its pipeline, its input and its output."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from shortlist.errors import InputError, checked_count
from shortlist.runtime.settings import Limits

# What changes no byte of the output: a job may be resumed with other values of these.
_FREE = ("cache", "concurrency", "cpus", "address", "errors")


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a job runs, and what it writes.

    Attributes:
        top_k: how many to keep of each query; None keeps what the pipeline keeps.
        with_query: write the query into the output.
        with_text: write the passages' texts into the output.
        reasons: write what is behind each score.
        dropped: write the passages that were not kept, and why.
        times: write how long each ranking took; two runs then no longer give the same bytes.
        limits: of each query.
        cache: a file in which models' answers are kept. Each machine has its own; usage is then not written, since it
            would tell what the cache held.
        concurrency: actors, each with its own copy of the models; None for as many as fit. 0 works in this process,
            without Ray.
        cpus: cores of an actor; None for 1, or up to 4 where local models can use them.
        shard_size: rows that are ranked and written together: what a kill loses at most, for each actor. None for
            1,024, or 256 where the pipeline has models.
        errors: the file for rows that failed, as JSON lines; None for the output's name with `.errors.jsonl`.
        address: of a Ray cluster, as `ray.init` takes it; None starts Ray on this machine, or uses what is running in
            this process.

    Raises:
        InputError: a number is out of its range.
    """

    top_k: int | None = None
    with_query: bool = False
    with_text: bool = False
    reasons: bool = False
    dropped: bool = False
    times: bool = False
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    cache: str | None = None
    concurrency: int | None = None
    cpus: int | None = None
    shard_size: int | None = None
    errors: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("top_k", 1), ("concurrency", 0), ("cpus", 1), ("shard_size", 1)):
            value = getattr(self, name)
            if value is not None:
                checked_count(value, name, least)
        if self.cache == "memory":
            raise InputError("the cache of a job is a file: actors do not share memory")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def deciding(self) -> dict[str, Any]:
        """Those that the bytes of the output depend on."""
        told = {name: value for name, value in asdict(self).items() if name not in _FREE}
        return {**told, "usage": self.cache is None}
