"""Dealing candidates into windows: which passages a model sees together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

Dealing: TypeAlias = Literal["stripes", "snake", "shuffled"]


def dealt(order: Sequence[int], size: int, dealing: Dealing = "stripes", seed: int = 0) -> list[list[int]]:
    """The candidates, best first, dealt like cards into as few groups as hold at most `size` each.

    `stripes` gives each row of cards to the groups from left to right, `snake` every other row from right to left,
    `shuffled` each row in an order of its own. Each group has its share of every part of the list, in list order, and
    groups differ in size by one at most.
    """
    if not order:
        return []
    groups = -(-len(order) // size)
    turns = np.random.default_rng(seed)
    dealt: list[list[int]] = [[] for _ in range(groups)]
    for row, start in enumerate(range(0, len(order), groups)):
        seats = list(range(groups))
        if dealing == "snake" and row % 2:
            seats.reverse()
        elif dealing == "shuffled":
            seats = turns.permutation(groups).tolist()
        for seat, candidate in zip(seats, order[start : start + groups], strict=False):
            dealt[seat].append(candidate)
    return dealt


def blocks(order: Sequence[int], size: int, repeats: int, seed: int = 0) -> list[list[int]]:
    """Random groups of at most `size` in which every candidate is exactly `repeats` times: equi-replicate blocks.

    Each repeat deals the whole list anew, and shuffles what is in a group.
    """
    return [
        shuffled(group, seed + number)
        for number in range(repeats)
        for group in dealt(order, size, "shuffled", seed + number)
    ]


def shuffled(items: Sequence[int], seed: int) -> list[int]:
    """The items in an order that depends on the seed alone."""
    return [items[i] for i in np.random.default_rng(seed).permutation(len(items)).tolist()]


def met(n: int, meetings: int, seed: int = 0) -> list[tuple[int, int]]:
    """Pairs among n in which everyone meets `meetings` different others, or one more where that cannot come out even.

    All sit in a circle in random order; everyone meets those at random distances around it.
    """
    seats = np.random.default_rng(seed).permutation(n).tolist()
    distances = shuffled(range(1, n // 2 + 1), seed + 1)
    chosen: dict[tuple[int, int], None] = {}
    left = min(meetings, n - 1)
    for distance in distances:
        if left <= 0:
            break
        for i in range(n):
            a, b = seats[i], seats[(i + distance) % n]
            chosen.setdefault((min(a, b), max(a, b)))
        left -= 1 if 2 * distance == n else 2
    return list(chosen)
