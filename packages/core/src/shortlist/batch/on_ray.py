"""Shards over the actors of a Ray cluster, through Ray Data."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from shortlist.batch.cores import hold_cores
from shortlist.batch.shards import Shard
from shortlist.batch.work import Tally
from shortlist.batch.worker import Orders, Worker
from shortlist.errors import ShortlistError

_STORE = 256 << 20  # bytes of shared memory: nothing goes through it but the names of shards and what became of them

# Read by Ray when it starts: no statistics sent, no bars of its own, no lines of its C++ parts.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_BACKEND_LOG_LEVEL": "fatal"}


@dataclass(frozen=True, slots=True)
class Actors:
    """How many actors, and what each has.

    Attributes:
        number: how many; None for as many as fit.
        cores: of each.
        several: whether its models take all the cores that they see.
        gpus: whether each has a GPU, where there are any.
    """

    number: int | None
    cores: int
    several: bool
    gpus: bool


class Actor:
    """A `Worker` as Ray Data calls it: errors are told and not raised, since Ray wraps what is raised."""

    def __init__(self, orders: Orders) -> None:
        """Hold cores, so that models that take what they see leave the others to the other actors."""
        self._held = hold_cores(orders.cores)
        self._worker = Worker(orders)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """What became of each shard, as JSON."""
        return pa.table({"told": [json.dumps(self._told(Shard(**row))) for row in batch.to_pylist()]})

    def _told(self, shard: Shard) -> dict[str, Any]:
        try:
            return {"shard": shard.number, "tally": self._worker.do(shard).to_dict()}
        except Exception as error:  # noqa: BLE001 - it is raised where the job was started
            return {"shard": shard.number, "error": type(error).__name__, "message": str(error)}


def work_through(shards: Sequence[Shard], orders: Orders, actors: Actors) -> Iterator[Tally]:
    """Have every shard done; what became of each, as it comes.

    Raises:
        ShortlistError: a worker could not go on; the class is that of its error where it is one of the house's.
    """
    import ray.data

    cores, gpus, number = _sizes(actors, len(shards))
    told_to = replace(orders, cores=cores if actors.several else None)
    rows = ray.data.from_items([shard.to_dict() for shard in shards], override_num_blocks=len(shards))
    told = rows.map_batches(
        Actor,
        fn_constructor_args=(told_to,),
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=number),
        num_cpus=cores,
        num_gpus=gpus,
    )
    try:
        for row in told.iter_rows():
            yield _outcome(json.loads(row["told"]))
    except ray.exceptions.RayError as error:
        raise ShortlistError(f"Ray could not go on: {str(error).strip().splitlines()[-1]}") from error


def _sizes(actors: Actors, shards: int) -> tuple[int, int, int]:
    """Cores and GPUs of an actor, and how many actors: no more than there are shards."""
    import ray

    nodes: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    gpus = int(actors.gpus and any(node.get("GPU", 0) >= 1 for node in nodes))
    cores = max(1, min([actors.cores, *(int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1)]))
    fit = sum(int(min(node.get("CPU", 0) // cores, node.get("GPU", 0) if gpus else 1 << 30)) for node in nodes)
    return cores, gpus, max(1, min(actors.number or fit, shards))


def _outcome(told: dict[str, Any]) -> Tally:
    if "error" not in told:
        return Tally(**told["tally"])
    import shortlist.errors

    kind = getattr(shortlist.errors, told["error"], None)
    if isinstance(kind, type) and issubclass(kind, ShortlistError):
        raise kind(told["message"])
    raise ShortlistError(f"shard {told['shard']}: {told['error']}: {told['message']}")


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """A connection to Ray: the one that there is, the cluster of the address, or one started here for the job.

    Nothing of it asks a server elsewhere: no usage statistics, no dashboard.

    Raises:
        ShortlistError: there is no cluster at the address, or none can be started.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own modules, about one another
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        import ray
        import ray.data

        if ray.is_initialized():
            yield from _quietly()
            return
        here: dict[str, Any] = (
            {}
            if address or "RAY_ADDRESS" in os.environ
            else {"include_dashboard": False, "object_store_memory": _STORE}
        )
        try:
            ray.init(
                address=address or os.environ.get("RAY_ADDRESS", "local"),
                log_to_driver=False,
                logging_level=logging.ERROR,
                **here,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ShortlistError(f"cannot start Ray, or reach it at {address}: {error}") from error
        try:
            yield from _quietly()
        finally:
            ray.shutdown()


def _quietly() -> Iterator[None]:
    """Ray Data tells of its progress on a logger with a handler of its own; problems are still told."""
    import ray.data

    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    handlers = [each for each in logging.getLogger("ray.data").handlers if isinstance(each, logging.StreamHandler)]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars = before
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)
