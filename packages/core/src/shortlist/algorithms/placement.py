"""Where in a prompt the best passages stand: orders of places, for models that read some places better than others."""

from __future__ import annotations


def at_both_ends(n: int) -> list[int]:
    """Ranks 0, 2, 4, ... from the front and 1, 3, 5, ... from the back, so that the last ranks stand in the middle.

    Models use what stands at the beginning or at the end of a long context, and miss what stands in its middle: Liu et
    al., TACL 2024, arXiv 2307.03172, section 2.3.
    """
    return [*range(0, n, 2), *reversed(range(1, n, 2))]


def reversed_order(n: int) -> list[int]:
    """The best last, next to a question that stands below the passages."""
    return list(range(n - 1, -1, -1))
