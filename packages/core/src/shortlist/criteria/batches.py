"""Which passages stand in one prompt."""

from __future__ import annotations

from shortlist.algorithms import deal


def consecutive(n: int, size: int) -> list[list[int]]:
    """The places 0 to n - 1, `size` at a time."""
    return [list(range(at, min(at + size, n))) for at in range(0, n, size)]


def dealt(n: int, size: int, anchors: int) -> list[list[int]]:
    """The places 0 to n - 1 in batches of at most `size`, the same `anchors` first in each.

    Anchors are spread over the order from the first place down, so that some are likely to be relevant and some not;
    they stand where the model reads them alike in every batch. The others are dealt like cards, so that every batch
    has its share of the better candidates. What fits one batch is one, without anchors.
    """
    if n <= size:
        return [list(range(n))]
    shared = [n * k // anchors for k in range(anchors)]
    others = sorted(set(range(n)).difference(shared))
    return [[*shared, *group] for group in deal.dealt(others, size - anchors)]
