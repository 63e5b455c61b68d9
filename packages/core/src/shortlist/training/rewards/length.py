"""What a short list is worth."""

from __future__ import annotations


def inverse_length(k: int) -> float:
    """1 / (1 + k) for a list of k passages: DynamicRAG's, as the paper writes it.

    The published script gives the number of sampled lists for k, so that its term is the same for every list. From
    four or five passages on, one more or less hardly changes this term.
    """
    return 1.0 / (1 + k)


def linear_length(k: int, longest: int) -> float:
    """1 - k / longest, 0 from there on: every passage costs the same, also in long lists."""
    return max(0.0, 1.0 - k / longest)
