"""A reranker: an author writes `plan`; everything else comes from here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias, overload

from shortlist.errors import InputError, ShortlistError, checked_count
from shortlist.passage import Passage, PassageLike
from shortlist.plan import Model, Plan
from shortlist.ranking import Ranking
from shortlist.reranker.task import Batch, Request, Task, settled
from shortlist.runtime.scheduler import Finished
from shortlist.runtime.settings import Runtime
from shortlist.runtime.telemetry import reranker_span
from shortlist.runtime.threads import drive

Need: TypeAlias = Literal["embeddings", "chat", "pair scores", "label logits", "document ids", "scores", "training"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an algorithm comes from.

    Attributes:
        title: of the paper, or of what it follows.
        where: venue, arXiv number or DOI.
        year: of publication.
    """

    title: str
    where: str
    year: int


class Reranker(ABC):
    """A frozen value: an algorithm, its settings, its models.

    Subclasses are frozen dataclasses. Their fields are their settings: equality, repr, `to_dict`, the options of the
    command line and the table in the documentation come from them.
    """

    name: ClassVar[str]
    """What the registry knows it by."""
    source: ClassVar[Source | None] = None
    """The paper."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What must be there for it to work."""
    order_sensitive: ClassVar[bool] = False
    """Whether another input order can change more than ties."""

    @abstractmethod
    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Say what is needed, round by round, and return the ranking. Never called with no passages."""

    def rank(
        self,
        query: str,
        passages: Iterable[PassageLike],
        *,
        top_k: int | None = None,
        runtime: Runtime | None = None,
    ) -> Ranking:
        """Rank the passages (passages, plain strings, or mappings) for the query.

        Keeps all of them, or the best `top_k`. Works inside a running event loop, and from many threads at once.

        Raises:
            InputError: the query, a passage or a setting cannot be ranked with; no model has been called.
            ModelError: a model failed, and the reranker has no answer without it.
            LimitReached: a limit of the runtime was passed, and the reranker has no answer with less.
        """
        task = Task.of(self, query, passages, top_k)
        with reranker_span(self.name, query, task.passages, top_k) as span:
            (finished,) = drive([task.plan()], settled(runtime))
            return span.done(task.ranking(finished))

    async def arank(
        self,
        query: str,
        passages: Iterable[PassageLike],
        *,
        top_k: int | None = None,
        runtime: Runtime | None = None,
    ) -> Ranking:
        """`rank`, awaited: remote models are awaited natively, local ones run in a thread."""
        task = Task.of(self, query, passages, top_k)
        with reranker_span(self.name, query, task.passages, top_k) as span:
            (finished,) = await _awaited([task.plan()], settled(runtime))
            return span.done(task.ranking(finished))

    @overload
    def rank_many(
        self, requests: Iterable[Request], *, top_k: int | None = ..., runtime: Runtime | None = ...
    ) -> list[Ranking]: ...
    @overload
    def rank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = ...,
        runtime: Runtime | None = ...,
        return_errors: Literal[True],
    ) -> list[Ranking | ShortlistError]: ...
    def rank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        runtime: Runtime | None = None,
        return_errors: bool = False,
    ) -> list[Any]:
        """Rank for many queries at once; their asks are merged into shared model batches.

        Each request is a query and its passages. Limits hold for each ranking. The first error is raised, or with
        `return_errors` every error, also that of a malformed request, stands in the place of its ranking.
        """
        batch = Batch.of(self, requests, top_k, return_errors=return_errors)
        settings = settled(runtime)
        for window in batch.windows(settings.window):
            batch.take(window, drive(batch.plans(window), settings))
        return batch.results

    @overload
    async def arank_many(
        self, requests: Iterable[Request], *, top_k: int | None = ..., runtime: Runtime | None = ...
    ) -> list[Ranking]: ...
    @overload
    async def arank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = ...,
        runtime: Runtime | None = ...,
        return_errors: Literal[True],
    ) -> list[Ranking | ShortlistError]: ...
    async def arank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        runtime: Runtime | None = None,
        return_errors: bool = False,
    ) -> list[Any]:
        """`rank_many`, awaited."""
        batch = Batch.of(self, requests, top_k, return_errors=return_errors)
        settings = settled(runtime)
        for window in batch.windows(settings.window):
            batch.take(window, await _awaited(batch.plans(window), settings))
        return batch.results

    def warm_up(self) -> None:
        """Load the weights of every model in it now, and not at the first query.

        Raises:
            WeightsError: weights are not there.
        """
        for value in vars(self).values():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, (Model, Reranker)):
                    part.warm_up()

    def top(self, k: int) -> Reranker:
        """The same, keeping the best k. Rerankers that can save work by knowing k override it."""
        from shortlist.reranker.chain import Top

        return Top(self, k)

    def behind(self, before: Reranker) -> tuple[Reranker, tuple[str, ...]]:
        """This as it is to stand behind another in a chain, and what a reader must be told of that."""
        return self, ()

    def __getitem__(self, keep: slice) -> Reranker:
        """`reranker[:k]` keeps the best k."""
        if keep != slice(None, getattr(keep, "stop", None), None):
            raise InputError("only [:k] is meant: the best k")
        return self.top(checked_k(keep.stop))

    def __rshift__(self, other: Reranker) -> Reranker:
        """`a >> b`: b reranks what a kept."""
        _check_operand(other)
        from shortlist.reranker.chain import Chain

        return Chain(self, other)

    def __or__(self, other: Reranker) -> Reranker:
        """`a | b`: b answers when a fails."""
        _check_operand(other)
        from shortlist.reranker.chain import Fallback

        return Fallback(self, other)

    def to_dict(self) -> dict[str, Any]:
        """Name and settings, JSON-ready: what `from_dict` reads, and what a pipeline file holds.

        Raises:
            InputError: a setting is code (a function, a framework's object) and cannot be written down.
        """
        from shortlist.reranker.fields import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reranker that `to_dict` wrote.

        Raises:
            InputError: no such name or setting, or it is not one of these.
        """
        from shortlist.reranker.registry import from_dict

        reranker = from_dict(data)
        if not isinstance(reranker, cls):
            raise InputError(f"{type(reranker).__name__} is not a {cls.__name__}")
        return reranker


async def _awaited(plans: Sequence[Plan[Ranking]], runtime: Runtime) -> list[Finished[Ranking]]:
    from shortlist.runtime.loop import adrive  # brings asyncio, which `rank` has no need of

    return await adrive(plans, runtime)


def _check_operand(other: object) -> None:
    if not isinstance(other, Reranker):
        raise InputError(f"only rerankers can be put together, not {other!r}")


def checked_k(k: object, name: str = "top_k") -> int:
    """A number of passages to keep.

    Raises:
        InputError: it is not a whole number above 0.
    """
    return checked_count(k, name)
