"""What training makes small. Scores, grades and `present`, which is False for padding, have shape (b, n)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

# Stands for minus infinity, of which a logsumexp over nothing else would have no gradient.
_NOTHING = -1e30
_COST, _SOFTNESS = 0.03, 0.02

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(scores: Tensor, grades: Tensor, present: Tensor) -> Tensor:
    """Mean over lists of the mean over their positives of -log softmax, each among the negatives and itself alone.

    With one positive it is InfoNCE (EBCAR); with several, the others are masked out (HybRank, arXiv 2305.09313). Grades
    above 0 are positive. A list without positives counts as 0.
    """
    scores = scores.masked_fill(~present, 0.0)
    positive = present & (grades > 0)
    negatives = scores.masked_fill(positive | ~present, _NOTHING).logsumexp(dim=1, keepdim=True)
    # -log(e^s / (e^s + sum of e^negatives)) = log(1 + e^(logsumexp of negatives - s))
    return _mean(functional.softplus(negatives - scores), positive)


def hinge(scores: Tensor, grades: Tensor, present: Tensor) -> Tensor:
    """Mean over lists of the mean over their pairs of unequal grades of max(0, 1 - r (s_i - s_j)).

    G-RAG-RL (arXiv 2405.18414, section 3.4); r is 1 where i is to precede j, so each pair stands once, better first. A
    list without such a pair counts as 0.
    """
    scores = scores.masked_fill(~present, 0.0)
    differences = scores[:, :, None] - scores[:, None, :]
    better = (grades[:, :, None] > grades[:, None, :]) & present[:, :, None] & present[:, None, :]
    return _mean(functional.relu(1.0 - differences).flatten(1), better.flatten(1))


def needed(scores: Tensor, grades: Tensor, present: Tensor) -> Tensor:
    """Mean over lists of the mean binary cross-entropy of the logits: whether each passage is needed (grade above 0).

    A depth policy's direct supervision: with these chances, every depth's expected worth is known.
    """
    labels = (grades > 0).to(scores.dtype)
    return _mean(
        functional.binary_cross_entropy_with_logits(scores.masked_fill(~present, 0.0), labels, reduction="none"),
        present,
    )


def reward(scores: Tensor, grades: Tensor, present: Tensor) -> Tensor:
    """Minus the expected reward of a depth policy, mean over lists: share of what is needed found - 0.03 * depth.

    The policy draws the depth by a softmax, at temperature 0.02, of what the logits' chances expect of this reward.
    With finitely many depths the expectation is summed and not sampled, so its gradient is the policy gradient
    (Williams, 1992) without variance, in the all-actions form of Sutton et al. (2000, theorem 1).
    """
    chances = scores.sigmoid()
    depths = present.cumsum(dim=1) * _COST
    worth = chances.cumsum(dim=1) / chances.sum(dim=1, keepdim=True).clamp(min=1e-6) - depths
    policy = (worth / _SOFTNESS).masked_fill(~present, _NOTHING).softmax(dim=1)
    wanted = present & (grades > 0)
    found = wanted.cumsum(dim=1) / wanted.sum(dim=1, keepdim=True).clamp(min=1)
    return -torch.mean((policy * (found - depths)).sum(dim=1))


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over rows of each row's mean over what is counted; a row of which nothing is counts as 0."""
    totals = values.masked_fill(~counted, 0.0).sum(dim=1)
    return torch.mean(totals / counted.sum(dim=1).clamp(min=1))


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {"cross-entropy": cross_entropy, "hinge": hinge, "needed": needed, "reward": reward}
)
