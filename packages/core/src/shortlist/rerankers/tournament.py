"""A tournament of small windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench
from shortlist.reranker.strategy import Windowed

Slots: TypeAlias = list[int | None]
"""Places of a round, in order; None where there is nobody any more."""


@dataclass(frozen=True)
class Tournament(Windowed):
    """ListT5's tournament sort: the best of each group play on, the winner leaves, and its path is played again.

    All groups of a level are judged in one round. A group whose passages have already been judged together keeps their
    order and is not judged again.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted, and found; None finds ten.
        window: passages in a call; None for what the prompt was made for.
        keep: how many of a group play on; None for two, or one where the window is of two or three.
    """

    name = "tournament"
    source = Source(
        "ListT5: Listwise Reranking with Fusion-in-Decoder Improves Zero-shot Retrieval",
        "ACL 2024, arXiv 2402.15838",
        2024,
    )
    prompt: ClassVar[str] = "rankzephyr"

    keep: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self._kept() <= self.size // 2:
            raise InputError(f"{self.name} needs a keep of 1 to half its window, not {self.keep}")

    def _kept(self) -> int:
        return min(2, self.size // 2) if self.keep is None else self.keep

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """One winner after the other."""
        slots: Slots = [*bench.order]
        known, winners = _Known(), list[int]()
        for _ in range(self.wanted(len(bench))):
            winner = yield from self._played(bench, slots, known)
            winners.append(winner)
            slots[slots.index(winner)] = None
            bench.order = [*winners, *(i for i in slots if i is not None)]
        return Ranking.by_order(bench.passages, bench.order)

    def _played(self, bench: Bench, slots: Slots, known: _Known) -> Plan[int]:
        """The winner of the last group."""
        keep = self._kept()
        while True:
            places = range(0, len(slots), self.size)
            groups = [[i for i in slots[at : at + self.size] if i is not None] for at in places]
            orders = yield from known.judged(bench, groups)
            if len(orders) == 1:
                return orders[0][0]
            # Everyone's place stays, whoever has left, so that the groups of the other paths are as they were.
            slots = [each for order in orders for each in [*order, *[None] * keep][:keep]]


class _Known:
    """Orders that were told, and through them those of every smaller group."""

    def __init__(self) -> None:
        self._with: dict[int, list[Sequence[int]]] = {}

    def judged(self, bench: Bench, groups: Sequence[Sequence[int]]) -> Plan[list[list[int]]]:
        """The order of each group; a group whose judgement fails stands as it came in, and is not asked about again."""
        asked = [group for group in groups if len(group) > 1 and self._found(group) is None]
        told = yield from bench.judge(asked)
        for group, each in zip(asked, told, strict=True):
            self._keep(group if each is None else each.order)
        return [self._found(group) or [*group] for group in groups]

    def _keep(self, order: Sequence[int]) -> None:
        for i in order:
            self._with.setdefault(i, []).append(order)

    def _found(self, group: Sequence[int]) -> list[int] | None:
        wanted = {*group}
        for order in self._with.get(group[0], ()) if group else ():
            if wanted.issubset(order):
                return [i for i in order if i in wanted]
        return None
