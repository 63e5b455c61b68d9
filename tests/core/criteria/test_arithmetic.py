"""Weighted sums and calibration, against slow and plain loops."""

import math

import numpy as np
import pytest

from shortlist.algorithms.criteria import batch_offsets, final_scores, halved, on_one_scale, within
from shortlist.criteria.batches import consecutive, dealt

RNG = np.random.default_rng(7)


def slow_final(rows, weights):
    """REBEL's sum in plain Python: an unknown number is the mean of the known ones of its column."""
    columns = list(zip(*rows, strict=True))
    means = []
    for column in columns:
        known = [value for value in column if not math.isnan(value)]
        means.append(sum(known) / len(known) if known else 0.0)
    return [
        sum(w * (mean if math.isnan(v) else v) for v, mean, w in zip(row, means, weights, strict=True)) for row in rows
    ]


@pytest.mark.parametrize("seed", range(20))
def test_final_scores_are_those_of_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    rows = rng.uniform(0, 10, (9, 4))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 3] = np.nan if seed % 5 == 0 else rows[:, 3]
    weights = rng.uniform(-1, 1, 4)
    np.testing.assert_allclose(
        final_scores(rows, weights), slow_final(rows.tolist(), weights.tolist()), rtol=0, atol=1e-6
    )


def test_decimals_count():
    rows = np.array([[8.0, 4.5, 4.5], [8.0, 4.0, 4.0], [8.0, 4.0, 5.0]])
    assert final_scores(rows, np.array([1.0, 0.5, 0.5])).tolist() == [12.5, 12.0, 12.5]


def test_sums_that_are_equal_on_paper_are_ties():
    rows = np.array([[0.1, 0.2, 0.0], [0.3, 0.0, 0.0]])
    first, second = final_scores(rows, np.ones(3))
    assert first == second


@pytest.mark.parametrize("seed", range(10))
def test_offsets_of_batches_are_found_exactly(seed):
    rng = np.random.default_rng(seed)
    worth, offsets = rng.uniform(0, 10, (3, 2)), rng.normal(0, 2, (5, 2))
    judged = worth[None] + offsets[:, None]
    np.testing.assert_allclose(batch_offsets(judged), offsets - offsets.mean(axis=0), atol=1e-9)


def test_offsets_with_a_missing_judgement_are_those_of_least_squares():
    worth, offsets = np.array([2.0, 5.0, 7.0]), np.array([0.0, 1.0, -2.0, 0.5])
    judged = (worth[None, :] + offsets[:, None])[..., None]
    judged[1, 0] = judged[3, 2] = np.nan
    found = batch_offsets(judged)[:, 0]
    np.testing.assert_allclose(found - found[0], offsets - offsets[0], atol=1e-3)


def test_a_batch_without_judged_anchors_has_no_offset():
    judged = np.array([[[1.0], [2.0]], [[np.nan], [np.nan]], [[3.0], [4.0]]])
    assert batch_offsets(judged)[:, 0].tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(("n", "size", "anchors"), [(1, 10, 2), (10, 10, 2), (11, 10, 2), (50, 10, 2), (33, 5, 0), (97, 4, 3), (3, 2, 1)])  # fmt: skip
def test_every_passage_is_in_a_batch_and_only_anchors_in_several(n, size, anchors):
    batches = dealt(n, size, anchors)
    assert all(len(batch) <= size and len(set(batch)) == len(batch) for batch in batches)
    assert {place for batch in batches for place in batch} == set(range(n))
    shared = batches[0][:anchors] if len(batches) > 1 else []
    assert all(batch[: len(shared)] == shared for batch in batches)
    others = [place for batch in batches for place in batch[len(shared) :]]
    assert len(others) == len(set(others)) == n - len(shared)
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


def test_consecutive():
    assert consecutive(5, 2) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("anchors", [0, 1, 2, 3])
def test_one_scale_takes_offsets_off_and_gives_anchors_their_mean(anchors):
    n, size = 30, 10
    worth = RNG.uniform(0, 10, (n, 3))
    batches = dealt(n, size, anchors)
    offsets = RNG.normal(0, 1, (len(batches), 3))
    table = np.full((len(batches), size, 3), np.nan)
    for b, places in enumerate(batches):
        table[b, : len(places)] = worth[places] + offsets[b]
    values, shifts = on_one_scale(n, batches, table, anchors)
    if not anchors:
        assert not shifts.any()
        np.testing.assert_allclose(values[batches[1]], table[1, : len(batches[1])], atol=1e-8)
        return
    np.testing.assert_allclose(values, worth + offsets.mean(axis=0), atol=1e-8)
    for b, places in enumerate(batches):
        np.testing.assert_allclose(shifts[places[anchors:]], np.tile(offsets.mean(0) - offsets[b], (len(places) - anchors, 1)), atol=1e-8)  # fmt: skip


def test_equal_anchors_move_nothing_not_even_by_rounding():
    """A relevance of 3 must stay 3: the threshold is there."""
    table = np.tile(np.array([[3.1], [0.7], [3.0]]), (7, 1, 1))
    values, shifts = on_one_scale(9, [[0, 1, 2 + b] for b in range(7)], table, 2)
    assert values[2:, 0].tolist() == [3.0] * 7
    assert not shifts.any()


def test_offsets_that_are_no_more_than_noise_are_left():
    """50 batches that all judge alike, two anchors, noise of 1: hardly anything is taken off."""
    rng = np.random.default_rng(3)
    judged = rng.uniform(0, 10, 2)[None, :, None] + rng.normal(0, 1, (50, 2, 1))
    raw = judged.mean(axis=1) - judged.mean()
    assert np.abs(batch_offsets(judged)).mean() < 0.4 * np.abs(raw).mean()


def slow_shrunk(judged):
    """The offsets of a full table of one column in plain Python: batch means, shrunk by what the fit leaves."""
    b, a = len(judged), len(judged[0])
    grand = sum(map(sum, judged)) / (a * b)
    worth = [sum(row[k] for row in judged) / b for k in range(a)]
    offsets = [sum(row) / a - grand for row in judged]
    left = sum((judged[i][k] - worth[k] - offsets[i]) ** 2 for i in range(b) for k in range(a))
    noise, spread = left / ((a - 1) * (b - 1)) / a, sum(o * o for o in offsets) / (b - 1)
    return [o * max(0.0, 1 - noise / spread) for o in offsets]


@pytest.mark.parametrize("seed", range(10))
def test_shrinking_is_that_of_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    judged = rng.uniform(0, 10, 3) + rng.normal(0, seed / 4, (6, 1)) + rng.normal(0, 1, (6, 3))
    np.testing.assert_allclose(batch_offsets(judged[..., None])[:, 0], slow_shrunk(judged.tolist()), atol=1e-9)


@pytest.mark.parametrize(("bias", "least"), [(0.0, -0.03), (1.0, 0.3), (2.0, 0.5)])
def test_anchors_help_where_batches_differ_and_hardly_harm_where_not(bias, least):
    """The share of the error, after the common offset, that two anchors take away: noise of 0.5, 50 passages."""
    rng, errors = np.random.default_rng(1), np.zeros(2)
    for _ in range(100):
        worth = rng.uniform(0, 10, 50)
        for i, anchors in enumerate((0, 2)):
            batches = dealt(50, 10, anchors)
            table = np.full((len(batches), 10, 1), np.nan)
            for b, places in enumerate(batches):
                table[b, : len(places), 0] = worth[places] + rng.normal(0, bias) + rng.normal(0, 0.5, len(places))
            values, _ = on_one_scale(50, batches, table, anchors)
            errors[i] += np.std(values[:, 0] - worth)
    assert 1 - errors[1] / errors[0] > least


def test_half_life():
    assert [halved(age, 10) for age in (-5, 0, 10, 20)] == [5.0, 5.0, 2.5, 1.25]


def test_length():
    assert [within(size, 10, 20) for size in (0, 5, 10, 15, 20, 40)] == [0.0, 2.5, 5.0, 5.0, 5.0, 2.5]
