"""Deals, aggregation, preference models and beliefs, against second implementations, written slowly and plainly here."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.aggregation import (
    borda,
    comparisons,
    mean_of_scores,
    of_document,
    ordered,
    page_rank,
    points_by_place,
    win_rate,
)
from shortlist.algorithms.deal import blocks, dealt, met, shuffled
from shortlist.algorithms.normal import cdf, hazard, log_cdf
from shortlist.algorithms.preference import preference_fit
from shortlist.algorithms.trueskill import chances_of_top, updated

SIZES = st.integers(1, 60), st.integers(1, 25)

# ---- deals -----------------------------------------------------------------------------------------------------------


@given(*SIZES, st.sampled_from(["stripes", "snake", "shuffled"]), st.integers(0, 5))
def test_every_card_is_dealt_once_and_every_group_has_its_share_of_each_part(n, size, dealing, seed):
    groups = dealt(range(n), size, dealing, seed)
    assert sorted(itertools.chain(*groups)) == list(range(n))
    assert len(groups) == math.ceil(n / size) and max(map(len, groups)) <= size
    assert max(map(len, groups)) - min(map(len, groups)) <= 1
    for group in groups:  # one card of each row, in the order of the rows
        assert [card // len(groups) for card in group] == list(range(len(group)))


def test_stripes_and_snake_by_hand():
    assert dealt("abcdefg", 3) == [["a", "d", "g"], ["b", "e"], ["c", "f"]]
    assert dealt("abcdefg", 3, "snake") == [["a", "f", "g"], ["b", "e"], ["c", "d"]]
    assert dealt([], 3) == [] == blocks([], 3, 2)


@given(*SIZES, st.integers(1, 4))
def test_blocks_have_everyone_equally_often(n, size, repeats):
    made = blocks(range(n), size, repeats)
    assert Counter(itertools.chain(*made)) == dict.fromkeys(range(n), repeats)
    assert max(map(len, made)) <= size and all(len({*block}) == len(block) for block in made)


def test_other_seeds_deal_otherwise():
    assert shuffled(range(20), 1) == shuffled(range(20), 1) != shuffled(range(20), 2)
    assert sorted(shuffled(range(20), 1)) == list(range(20))
    assert blocks(range(40), 10, 2, 0) != blocks(range(40), 10, 2, 7)
    first, second = blocks(range(40), 10, 2)[:4], blocks(range(40), 10, 2)[4:]
    assert {frozenset(b) for b in first}.isdisjoint(frozenset(b) for b in second)


@given(st.integers(2, 40), st.integers(1, 45), st.integers(0, 3))
def test_everyone_meets_as_many_others_as_asked(n, meetings, seed):
    pairs = met(n, meetings, seed)
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) and all(a != b for a, b in pairs)
    times = Counter(itertools.chain(*pairs))
    wanted = min(meetings, n - 1)
    assert {times[i] for i in range(n)} <= {wanted, wanted + 1}


# ---- aggregation -----------------------------------------------------------------------------------------------------

VOTES = st.integers(2, 8).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.permutations(range(n)).flatmap(
                lambda order: st.tuples(st.integers(1, n).map(lambda m: order[:m]), st.integers(0, n))
            ),
            max_size=6,
        ).map(lambda votes: [(order, min(named, len(order))) for order, named in votes]),
    )
)


@given(VOTES)
def test_borda_is_the_mean_share_of_the_window_below(case):
    n, votes = case
    found = borda(votes, n)
    for i in range(n):
        shares = []
        for order, named in votes:
            if i in order:
                # A passage beats what stands below it; half of itself and of those that it is tied with.
                place, size = order.index(i), len(order)
                ties = size - named if place >= named else 1
                below = 0 if place >= named else size - 1 - place
                shares.append((below + ties / 2) / size)
        assert found[i] == pytest.approx(np.mean(shares)) if shares else np.isnan(found[i])


def test_points_by_place_by_hand():
    assert points_by_place(4, 4).tolist() == [0.875, 0.625, 0.375, 0.125]
    assert points_by_place(4, 1).tolist() == pytest.approx([0.875, 0.375, 0.375, 0.375])
    assert points_by_place(1, 1).tolist() == points_by_place(1, 0).tolist() == [0.5]
    assert points_by_place(2, 0).tolist() == [0.5, 0.5]


@given(VOTES)
def test_comparisons_and_win_rate(case):
    n, votes = case
    wins = Counter()
    for order, named in votes:
        for a, b in itertools.combinations(range(len(order)), 2):
            if a < named:
                wins[order[a], order[b]] += 1
    pairs = comparisons(votes)
    assert Counter(map(tuple, pairs.tolist())) == wins
    rates = win_rate(pairs, n)
    for i in range(n):
        won = sum(times for (a, _), times in wins.items() if a == i)
        met_ = won + sum(times for (_, b), times in wins.items() if b == i)
        assert rates[i] == pytest.approx(won / met_) if met_ else np.isnan(rates[i])


def test_weights_share_a_win():
    rates = win_rate(np.array([[0, 1], [1, 0]]), 2, np.array([0.8, 0.2]))
    assert rates.tolist() == pytest.approx([0.8, 0.2])


def test_means_leave_out_what_is_missing():
    found = mean_of_scores([{0: 1.0, 1: 4.0}, {1: 2.0}], 3)
    assert found[:2].tolist() == [1.0, 3.0] and np.isnan(found[2])


def test_page_rank_is_the_stationary_distribution():
    pairs = np.array([[0, 1], [0, 1], [0, 2], [2, 1], [3, 2]])
    chain = np.zeros((5, 5))  # passage 4 met nobody
    for winner, loser in pairs:
        chain[loser, winner] += 1
    chain[chain.sum(axis=1) == 0] = 1.0
    chain /= chain.sum(axis=1, keepdims=True)
    values, vectors = np.linalg.eig((0.85 * chain + 0.15 / 5).T)
    expected = np.real(vectors[:, np.argmax(np.real(values))])
    np.testing.assert_allclose(page_rank(pairs, 5), expected / expected.sum(), atol=1e-6)


def test_ordered_keeps_ties_and_puts_the_unknown_where_it_came_in():
    assert ordered(np.array([0.5, 0.9, 0.5]), [2, 0, 1]) == [1, 2, 0]
    assert ordered(np.full(4, np.nan), [3, 1, 0, 2]) == [3, 1, 0, 2]
    # Of four, the first is worth 0.875 and the third 0.375 where nothing is known of them.
    assert ordered(np.array([np.nan, 0.9, np.nan, 0.4]), [0, 1, 2, 3]) == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("how", "k", "expected"),
    [("first", 3, 1.0), ("max", 3, 4.0), ("sum", 3, 10.0), ("mean", 3, 2.5), ("top-k mean", 3, 3.0), ("top-k mean", 9, 2.5)],
)  # fmt: skip
def test_scores_of_documents(how, k, expected):
    assert of_document([1.0, 4.0, 2.0, 3.0], how, k) == expected


# ---- preference models -----------------------------------------------------------------------------------------------


def slow_fit(pairs, n, weights, prior, variance, log_chance):
    """Gradient ascent with the slopes of numerical differences: nothing in common but the model."""

    def height(s):
        explained = sum(w * log_chance(s[a] - s[b]) for (a, b), w in zip(pairs, weights, strict=True))
        return explained - sum((x - m) ** 2 for x, m in zip(s, prior, strict=True)) / (2 * variance)

    s, step = list(prior), 0.5
    for _ in range(4000):
        slopes = []
        for i in range(n):
            up, down = [*s], [*s]
            up[i], down[i] = s[i] + 1e-5, s[i] - 1e-5
            slopes.append((height(up) - height(down)) / 2e-5)
        new = [x + step * slope for x, slope in zip(s, slopes, strict=True)]
        if height(new) < height(s):
            step /= 2
            continue
        s = new
        if max(map(abs, slopes)) < 1e-7:
            break
    return s


def log_logistic(z):
    return -math.log1p(math.exp(-z)) if z > -30 else z


def log_normal(z):
    return math.log(0.5 * math.erfc(-z / math.sqrt(2)))


@pytest.mark.parametrize(("model", "log_chance"), [("bradley-terry", log_logistic), ("thurstone", log_normal)])
@pytest.mark.parametrize("seed", range(3))
def test_preference_fit_finds_the_maximum(model, log_chance, seed):
    rng = np.random.default_rng(seed)
    n, m = 5, 12
    pairs = np.array([rng.choice(n - 1, 2, replace=False) for _ in range(m)])  # the last met nobody
    weights, prior = rng.uniform(0.2, 2.0, m), rng.normal(size=n)
    found = preference_fit(pairs, n, weights, prior, 0.7, model)
    expected = slow_fit(pairs.tolist(), n, weights, prior.tolist(), 0.7, log_chance)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert found[-1] == pytest.approx(prior[-1])


@pytest.mark.parametrize("model", ["bradley-terry", "thurstone"])
def test_preference_fit_against_scipy(model):
    optimize = pytest.importorskip("scipy.optimize")
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(3)
    pairs = rng.integers(30, size=(400, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    log_chance = special.log_ndtr if model == "thurstone" else special.log_expit

    def depth(s):
        return -log_chance(s[pairs[:, 0]] - s[pairs[:, 1]]).sum() + (s**2).sum() / 2

    best = optimize.minimize(depth, np.zeros(30), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(preference_fit(pairs, 30, model=model), best.x, atol=1e-5)


@pytest.mark.parametrize("model", ["bradley-terry", "thurstone"])
def test_preference_fit_of_one_who_always_wins_and_of_groups_that_never_met(model):
    chain = np.array([[0, 1], [1, 2], [2, 3]] * 50 + [[5, 4]])
    found = preference_fit(chain, 7, model=model)
    assert found[0] > found[1] > found[2] > found[3] and found[5] > found[6] == 0.0 > found[4]
    assert np.isfinite(found).all()
    far = preference_fit(np.array([[0, 1]]), 2, prior=np.array([-60.0, 60.0]), model=model)
    assert np.isfinite(far).all() and -60.0 < far[0] < far[1] < 60.0
    assert preference_fit(np.zeros((0, 2), dtype=np.int64), 3, model=model).tolist() == [0.0] * 3
    assert preference_fit(np.zeros((0, 2), dtype=np.int64), 0, model=model).size == 0


def test_preference_fit_of_ten_thousand_needs_no_square_matrix():
    rng = np.random.default_rng(0)
    strengths = rng.normal(size=10_000)
    met_ = rng.integers(10_000, size=(80_000, 2))
    met_ = met_[met_[:, 0] != met_[:, 1]]
    first = rng.random(len(met_)) < 1 / (1 + np.exp(strengths[met_[:, 1]] - strengths[met_[:, 0]]))
    found = preference_fit(np.where(first[:, None], met_, met_[:, ::-1]), 10_000)
    assert np.corrcoef(found, strengths)[0, 1] > 0.8


# ---- the normal distribution -----------------------------------------------------------------------------------------


def test_the_normal_distribution_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    z = np.concatenate([np.linspace(-60, 40, 401), [-25.0, -25.0000001, -24.9999999]])
    np.testing.assert_allclose(cdf(z), stats.norm.cdf(z), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(log_cdf(z), stats.norm.logcdf(z), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(hazard(z), np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z)), rtol=1e-8, atol=1e-300)


# ---- beliefs ---------------------------------------------------------------------------------------------------------


def moments(mean, variance, order, noise, draws=2_000_000):
    """Means and variances of skills given the order, by drawing performances and keeping those in that order."""
    rng = np.random.default_rng(0)
    skills = mean + np.sqrt(variance) * rng.standard_normal((draws, len(mean)))
    performed = (skills + math.sqrt(noise) * rng.standard_normal(skills.shape))[:, order]
    kept = skills[(np.diff(performed, axis=1) < 0).all(axis=1)]
    return kept.mean(axis=0), kept.var(axis=0)


def test_beliefs_after_an_order_are_those_of_draws():
    mean, variance = np.array([0.0, 0.4, -0.3, 1.0]), np.array([1.0, 0.5, 2.0, 1.0])
    told, spread = updated(mean, variance, [2, 0, 1], 0.25)
    expected, expected_spread = moments(mean, variance, [2, 0, 1], 0.25)
    np.testing.assert_allclose(told, expected, atol=0.02)
    np.testing.assert_allclose(spread, expected_spread, atol=0.02)
    assert told[3] == 1.0 and spread[3] == 1.0 and mean[2] == -0.3, "who did not play is believed what he was"


def test_beliefs_after_one_game_are_trueskills_equations():
    # Herbrich et al., section 1: v and w of two players, without draws.
    c = math.sqrt(1.0 + 1.0 + 2 * 0.25)
    density, chance = math.exp(0) / math.sqrt(2 * math.pi), 0.5
    v = density / chance
    mean, variance = updated(np.zeros(2), np.ones(2), [1, 0], 0.25)
    assert mean.tolist() == pytest.approx([-v / c, v / c])
    assert variance.tolist() == pytest.approx([1 - v * v / c**2] * 2)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 12), st.floats(0.01, 4.0), st.floats(-20, 20))
def test_beliefs_stay_finite_and_grow_surer(order, m, noise, tilt):
    mean, variance = np.linspace(tilt, -tilt, 12), np.ones(12)
    told, spread = updated(mean, variance, order[:m], noise)
    assert np.isfinite(told).all() and (spread > 0).all() and (spread <= 1 + 1e-9).all()
    if m < 2:
        assert (told == mean).all() and (spread == variance).all()


def test_chances_of_top_sum_to_k():
    mean, variance = np.array([2.0, 1.0, 0.0, -1.0, -5.0]), np.array([0.1, 1.0, 1.0, 4.0, 1e-6])
    for k in (1, 2, 4):
        chances = chances_of_top(mean, variance, k)
        assert chances.sum() == pytest.approx(k, abs=1e-6)
    assert (np.diff(chances_of_top(mean, np.ones(5), 2)) < 0).all()
