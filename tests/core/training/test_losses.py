"""Losses against loops, and padding that must not matter."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from shortlist.training.losses import LOSSES, cross_entropy, hinge  # noqa: E402

LISTS = [
    ([2.0, -1.0, 0.5, 0.5], [1, 0, 0, 1]),
    ([0.3, 0.2], [0, 1]),
    ([1.0, 4.0, -3.0], [2, 0, 1]),
    ([7.0], [1]),
    ([1.0, 2.0], [3, 1]),
]


def batch(lists, dtype=torch.float64):
    n = max(len(scores) for scores, _ in lists)
    scores = torch.full((len(lists), n), -math.inf, dtype=dtype)
    grades, present = torch.zeros(len(lists), n), torch.zeros(len(lists), n, dtype=torch.bool)
    for i, (values, given) in enumerate(lists):
        scores[i, : len(values)] = torch.tensor(values, dtype=dtype)
        grades[i, : len(values)], present[i, : len(values)] = torch.tensor(given), True
    return scores.requires_grad_(), grades, present


def naive_cross_entropy(scores, grades):
    negatives = [math.exp(s) for s, g in zip(scores, grades, strict=True) if g == 0]
    losses = [-math.log(math.exp(s) / (math.exp(s) + sum(negatives))) for s, g in zip(scores, grades, strict=True) if g]
    return sum(losses) / len(losses)


def naive_hinge(scores, grades):
    """Over ordered pairs with r of both signs, as the paper has it: each unordered pair twice, alike."""
    losses = []
    for si, gi in zip(scores, grades, strict=True):
        for sj, gj in zip(scores, grades, strict=True):
            if gi != gj:
                r = 1 if gi > gj else -1
                losses.append(max(0.0, 1.0 - r * (si - sj)))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize(("loss", "naive"), [(cross_entropy, naive_cross_entropy), (hinge, naive_hinge)])
def test_a_loss_is_the_mean_of_the_lists_of_the_loops(loss, naive):
    expected = np.mean([naive(*each) for each in LISTS])
    assert loss(*batch(LISTS)).item() == pytest.approx(expected, abs=1e-12)
    for each in LISTS:
        assert loss(*batch([each])).item() == pytest.approx(naive(*each), abs=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_padding_has_no_part_in_loss_or_gradient(name):
    alone, padded = batch(LISTS[:1]), batch([LISTS[0], ([0.0] * 9, [1] + [0] * 8)])
    LOSSES[name](*alone).backward()
    LOSSES[name](*padded).backward()
    assert torch.isfinite(padded[0].grad).all()
    torch.testing.assert_close(padded[0].grad[0, :4] * 2, alone[0].grad[0])
    assert (padded[0].grad[0, 4:] == 0).all()
    assert (alone[0].grad != 0).any()


@pytest.mark.parametrize("name", ["cross-entropy", "hinge"])  # of an order; those of depth learn from every list
def test_lists_of_which_nothing_is_to_be_learned_are_finite(name):
    scores, grades, present = batch(
        [([1.0, 2.0], [0, 0]), ([3.0, 1.0], [1, 1]), ([50.0, -50.0], [0, 1])], torch.float32
    )
    loss = LOSSES[name](scores, grades, present)
    loss.backward()
    assert loss.item() == pytest.approx((100 if name == "cross-entropy" else 101) / 3, rel=1e-6)
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad[:2] == 0).all()


def test_with_one_positive_cross_entropy_is_torchs_own():
    scores, grades, present = batch([([0.1, 2.0, -1.0, 0.7], [0, 0, 1, 0]), ([1.0, 0.0, 0.5, 3.0], [1, 0, 0, 0])])
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([2, 0]))
    torch.testing.assert_close(cross_entropy(scores, grades, present), expected)


@pytest.mark.parametrize("name", ["needed", "reward"])
def test_losses_of_depth_are_finite_at_the_edges(name):
    scores, grades, present = batch(
        [([1.0, 2.0], [0, 0]), ([3.0, 1.0], [1, 1]), ([90.0, -90.0, -90.0], [0, 1, 0])], torch.float32
    )
    loss = LOSSES[name](scores, grades, present)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()
    assert (scores.grad[~present] == 0).all()
