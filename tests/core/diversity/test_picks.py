"""Each method against a slow version straight from its paper, on plain and on degenerate candidates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.diversity import (
    Picks,
    dpp,
    facility_location,
    farthest_first,
    kernels,
    mmr,
    msd,
    near_duplicates,
    ssd,
)
from shortlist.algorithms.diversity.dpp import dpp_numpy
from shortlist.algorithms.diversity.mmr import mmr_lazy, mmr_numpy, mmr_plain
from shortlist.algorithms.diversity.picks import candidates, squares
from shortlist.algorithms.similarity import unit_rows

ALL = {
    "mmr": mmr,
    "msd": msd,
    "dpp": dpp,
    "dpp, window": lambda *given: dpp(*given, window=3),
    "facility location": facility_location,
    "ssd": ssd,
    "ssd, window": lambda *given: ssd(*given, window=3),
    "farthest first": lambda relevance, vectors, k, diversity: farthest_first(relevance, vectors, k),
}
every = pytest.mark.parametrize("method", ALL.values(), ids=list(ALL))


def drawn(kind: str, n: int = 24, d: int = 16, seed: int = 0):
    rng = np.random.default_rng([seed, n, d])
    vectors = rng.standard_normal((n, d))
    if kind == "clusters":
        vectors = vectors[rng.integers(0, max(1, n // 4), n)] + 0.3 * rng.standard_normal((n, d))
    if kind == "duplicates":
        vectors = vectors[rng.integers(0, max(1, n // 4), n)]
    if kind == "zeros":
        vectors[::3] = 0.0
    if kind == "low rank":
        vectors = rng.standard_normal((n, 3)) @ rng.standard_normal((3, d))
    return rng.random(n), unit_rows(vectors.astype(np.float32))


KINDS = ("plain", "clusters", "duplicates", "zeros", "low rank")
kinds = pytest.mark.parametrize("kind", KINDS)
diversities = pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])


def greedy(n: int, k: int, worth) -> tuple[list[int], list[float]]:
    """Picks by `worth(candidate, picks)`; of equal ones, up to rounding, the first."""
    order: list[int] = []
    gains: list[float] = []
    while len(order) < min(k, n):
        values = {i: worth(i, order) for i in range(n) if i not in order}
        most = max(values.values())
        best = next(i for i, value in values.items() if value >= most - 2e-6)
        order.append(best)
        gains.append(values[best])
    return order, gains


def slow(name: str, relevance, vectors, k: int, diversity: float):
    cosines = (vectors.astype(float) @ vectors.astype(float).T).tolist()
    n = len(relevance)

    def clipped(i: int, j: int) -> float:
        return max(cosines[i][j], 0.0)

    def coverage(chosen) -> float:
        return sum(max((clipped(i, j) for j in chosen), default=0.0) for i in range(n))

    most = max(max((coverage([i]) for i in range(n)), default=0.0), 1e-12)
    worths = {
        "mmr": lambda i, s: (1 - diversity) * relevance[i] - diversity * max((clipped(i, j) for j in s), default=0.0),
        "msd": lambda i, s: (1 - diversity) * relevance[i] + diversity * sum(1 - cosines[i][j] for j in s),
        "facility location": lambda i, s: (
            (1 - diversity) * relevance[i] + diversity * (coverage([*s, i]) - coverage(s)) / most
        ),
        "farthest first": lambda i, s: -sum(cosines[i][j] for j in s) / len(s) if s else relevance[i],
    }
    return greedy(n, k, worths[name])


def same(found: Picks, expected, *, atol: float = 2e-5) -> None:
    """The same picks. Where two are worth the same up to rounding, which of them is left to rounding."""
    order, gains = expected
    np.testing.assert_allclose(found.gains[: len(gains)], gains, atol=atol)
    for at, (mine, theirs) in enumerate(zip(found.order.tolist(), order, strict=False)):
        if mine != theirs:
            assert at > 0 or len(order) == 1 or gains[at] == pytest.approx(found.gains[at], abs=atol)
            return


@kinds
@diversities
@pytest.mark.parametrize("name", ["mmr", "msd", "facility location", "farthest first"])
@pytest.mark.parametrize("k", [1, 7, 24, 40])
def test_against_the_slow_one(name, kind, diversity, k):
    relevance, vectors = drawn(kind)
    same(ALL[name](relevance, vectors, k, diversity), slow(name, relevance, vectors, k, diversity))


@pytest.mark.parametrize("name", ["mmr", "msd", "facility location", "farthest first"])
def test_the_same_picks_exactly_where_nothing_ties(name):
    for seed in range(5):
        relevance, vectors = drawn("plain", seed=seed)
        found = ALL[name](relevance, vectors, 12, 0.4)
        assert found.order.tolist() == slow(name, relevance, vectors, 12, 0.4)[0]


def slow_dpp(relevance, vectors, k: int, diversity: float, window: int | None = None):
    """By determinants of the kernel's submatrices: the gain is the logarithm of their ratio."""
    gram = vectors.astype(float) @ vectors.astype(float).T

    def log_det(chosen) -> float:
        sign, value = np.linalg.slogdet(gram[np.ix_(chosen, chosen)]) if chosen else (1.0, 0.0)
        return value if sign > 0 else -math.inf

    def worth(i, order) -> float:
        near = order if window is None else order[max(0, len(order) - window + 1) :]
        new = log_det([*near, i]) - log_det(near) if math.isfinite(log_det(near)) else -math.inf
        return (1 - diversity) * relevance[i] + diversity * new if diversity else (1 - diversity) * relevance[i]

    return greedy(len(relevance), k, worth)


@diversities
@pytest.mark.parametrize("kind", ["plain", "clusters"])
@pytest.mark.parametrize("window", [None, 3, 30])
def test_dpp_by_determinants(kind, diversity, window):
    relevance, vectors = drawn(kind, n=14, d=20)
    found = dpp(relevance, vectors, 10, diversity, window)
    order, gains = slow_dpp(relevance, vectors, 10, diversity, window)
    assert found.order.tolist() == order and found.filled == 0
    np.testing.assert_allclose(found.gains, gains, atol=1e-3)


@pytest.mark.parametrize("pick", [dpp, dpp_numpy, lambda *given: dpp(*given, window=11)])
def test_dpp_past_the_rank_takes_the_rest_by_relevance(pick):
    relevance, vectors = drawn("plain", n=20, d=4)
    relevance, vectors, k = candidates(relevance, vectors, 12, 0.5)
    found = pick(relevance, vectors, k, 0.5)
    assert len({*found.order.tolist()}) == 12 and np.isfinite(found.gains).all()
    spanning = 12 - found.filled
    assert spanning >= 4 and np.linalg.matrix_rank(vectors[found.order[:4]], tol=1e-3) == 4
    rest = found.order[spanning:].tolist()
    assert rest == sorted(rest, key=lambda i: -relevance[i])
    if spanning < 12:
        assert max(relevance[i] for i in range(20) if i not in found.order) <= relevance[rest[-1]]


def slow_ssd(relevance, vectors, k: int, diversity: float, window: int | None):
    """What is new, by least squares instead of a running Gram-Schmidt; exact for an unlimited window."""

    def worth(i, order) -> float:
        near = vectors[order if window is None else order[max(0, len(order) - window + 1) :]].astype(float)
        rest = vectors[i].astype(float)
        if len(near):
            rest = rest - near.T @ np.linalg.lstsq(near.T, rest, rcond=1e-5)[0]
        return (1 - diversity) * relevance[i] + diversity * float(np.linalg.norm(rest))

    return greedy(len(relevance), k, worth)


@diversities
@pytest.mark.parametrize("kind", ["plain", "clusters", "zeros"])
@pytest.mark.parametrize("window", [None, 2])
def test_ssd_by_least_squares(kind, diversity, window):
    relevance, vectors = drawn(kind, n=16, d=20)
    same(ssd(relevance, vectors, 10, diversity, window), slow_ssd(relevance, vectors, 10, diversity, window), atol=1e-3)


# ---- what all promise ----------------------------------------------------------------------------------------


@every
@kinds
@pytest.mark.parametrize("k", [1, 5, 24, 99])
def test_always_so_many_and_none_twice(method, kind, k):
    relevance, vectors = drawn(kind)
    before = relevance.copy(), vectors.copy()
    found = method(relevance, vectors, k, 0.5)
    assert len({*found.order.tolist()}) == len(found.order) == min(k, 24)
    assert found.gains.shape == found.overlaps.shape == found.order.shape
    assert np.isfinite(found.gains).all() and np.isfinite(found.overlaps).all() and found.overlaps[0] == 0.0
    assert np.array_equal(relevance, before[0]) and np.array_equal(vectors, before[1])


@pytest.mark.parametrize("name", [name for name in ALL if name != "farthest first"])
@kinds
def test_no_diversity_is_plain_relevance(name, kind):
    relevance, vectors = drawn(kind)
    order = ALL[name](relevance, vectors, 24, 0.0).order
    if name.startswith("dpp"):  # a candidate with nothing new is none for a determinant, whatever its weight
        order = dpp(relevance, drawn("plain", d=40)[1], 24, 0.0).order
    assert order.tolist() == np.argsort(-relevance, kind="stable").tolist()


@pytest.mark.parametrize("name", ["mmr", "dpp", "facility location"])
@kinds
def test_gains_never_rise(name, kind):
    found = ALL[name](*drawn(kind), 24, 0.6)
    assert (np.diff(found.gains) <= 1e-5).all()


@every
def test_overlap_is_the_largest_cosine_to_an_earlier_pick(method):
    relevance, vectors = drawn("clusters")
    found = method(relevance, vectors, 12, 0.5)
    for at, i in enumerate(found.order.tolist()):
        earlier = vectors[found.order[:at]] @ vectors[i]
        assert found.overlaps[at] == pytest.approx(max(earlier.max(initial=0.0), 0.0), abs=1e-5)


@every
@pytest.mark.parametrize(
    ("relevance", "vectors", "k", "diversity"),
    [
        ([1.0, math.nan], np.eye(2), 1, 0.5),
        ([1.0, math.inf], np.eye(2), 1, 0.5),
        ([1.0, 1.0], [[math.nan, 0.0], [0.0, 1.0]], 1, 0.5),
        ([1.0, -1.0], [[1.0, 0.0], [0.0, math.nan]], 1, 0.5),  # in one that nobody would look at
        ([1.0, 1.0], [[math.inf, 0.0], [0.0, -math.inf]], 1, 0.5),
        ([1.0], np.eye(2), 1, 0.5),
        ([1.0, 1.0], np.ones(2), 1, 0.5),
        ([1.0, 1.0], np.eye(2), 0, 0.5),
    ],
)
def test_bad_input_is_refused(method, relevance, vectors, k, diversity):
    with pytest.raises(ValueError, match="must"):
        method(np.array(relevance), np.array(vectors), k, diversity)


@pytest.mark.parametrize("diversity", [-0.1, 1.1, math.nan])
@pytest.mark.parametrize("method", [mmr, msd, dpp, facility_location, ssd])
def test_diversity_outside_its_range_is_refused(method, diversity):
    with pytest.raises(ValueError, match="diversity"):
        method(np.ones(2), np.eye(2), 1, diversity)


@pytest.mark.parametrize("method", [dpp, ssd])
def test_a_window_of_one_is_refused(method):
    with pytest.raises(ValueError, match="window"):
        method(np.ones(4), np.eye(4), 3, 0.5, window=1)


def test_values_that_overflow_a_sum_are_finite_all_the_same():
    huge = np.full((3, 2), 3e38, dtype=np.float32)
    assert len(candidates(np.ones(3), huge, 2, 0.5).vectors) == 3


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_coverage_is_monotone_and_submodular(seed, n):
    """Of nested sets, the smaller gains at least as much by the same candidate, and nothing is ever lost."""
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.standard_normal((n, 4)).astype(np.float32))
    likeness = np.maximum(vectors @ vectors.T, 0.0)

    def coverage(chosen) -> float:
        return float(likeness[:, chosen].max(axis=1).sum()) if len(chosen) else 0.0

    order = rng.permutation(n).tolist()
    new, large = order[0], order[1:]
    small = large[: int(rng.integers(0, len(large) + 1))]
    first, second = (coverage([*chosen, new]) - coverage(chosen) for chosen in (small, large))
    assert first >= second - 1e-5 and second >= -1e-6
    found = facility_location(np.zeros(n), vectors, n, 1.0)
    most = max(coverage([i]) for i in range(n))
    total = coverage(found.order.tolist()[:2]) / most
    best = max(coverage([i, j]) for i in range(n) for j in range(i)) / most
    assert found.gains[:2].sum() == pytest.approx(total, abs=1e-4) and total >= (1 - 1 / math.e) * best - 1e-5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_gain_of_a_determinant_is_what_it_is_multiplied_by(seed):
    relevance, vectors = drawn("plain", n=10, d=12, seed=seed)
    found = dpp(relevance, vectors, 6, 1.0)
    gram = vectors[found.order].astype(float) @ vectors[found.order].astype(float).T
    assert found.gains.sum() == pytest.approx(np.linalg.slogdet(gram)[1], abs=1e-3)


# ---- duplicates ----------------------------------------------------------------------------------------------


def test_near_duplicates():
    vectors = unit_rows(np.array([[1, 0], [1, 0.05], [0, 1], [1, 0.1], [0.02, 1], [0, 0]], dtype=np.float32))
    assert near_duplicates(vectors, 0.99).tolist() == [-1, 0, -1, 0, 2, -1]
    assert near_duplicates(vectors, 1.1).tolist() == [-1] * 6


@kinds
def test_near_duplicates_against_the_slow_one(kind):
    vectors = drawn(kind, n=600, d=6)[1]
    expected: list[int] = []
    for i in range(600):
        like = (j for j in range(i) if expected[j] < 0 and float(vectors[i] @ vectors[j]) >= 0.9)
        expected.append(next(like, -1))
    differ = [
        i for i, (a, b) in enumerate(zip(near_duplicates(vectors, 0.9).tolist(), expected, strict=True)) if a != b
    ]
    assert len(differ) <= (0 if kind != "low rank" else 1)


# ---- other libraries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.8])
def test_equal_to_pyversity_where_the_method_is_the_same(diversity):
    pyversity = pytest.importorskip("pyversity")
    rng = np.random.default_rng(3)
    vectors = unit_rows(np.abs(rng.standard_normal((60, 80))).astype(np.float32))
    relevance = rng.random(60)
    theirs = [
        each(vectors, relevance, 20, diversity=diversity).indices.tolist() for each in (pyversity.mmr, pyversity.msd)
    ]
    assert [each(relevance, vectors, 20, diversity).order.tolist() for each in (mmr, msd)] == theirs
    # Its kernel has exp(beta z) for quality, with z the relevance in standard deviations, and no weight on the log.
    z = (relevance - relevance.mean()) / relevance.std()
    other = pyversity.dpp(vectors, relevance, 20, diversity=diversity).indices.tolist()
    assert dpp(2 * diversity * z, vectors, 20, diversity).order.tolist() == other


# ---- twins ----------------------------------------------------------------------------------------------------


@kinds
@diversities
@pytest.mark.parametrize(("n", "d", "k"), [(1, 4, 1), (40, 8, 40), (300, 32, 20), (300, 32, 200), (300, 400, 250)])
def test_lazy_equals_plain(kind, diversity, n, d, k):
    given = candidates(*drawn(kind, n=n, d=d), k, diversity)
    found, plain = mmr_lazy(*given, diversity), mmr_plain(*given, diversity)
    same(found, plain[:2])
    if kind == "plain":
        assert found.order.tolist() == plain.order.tolist()
        np.testing.assert_allclose(found.overlaps, plain.overlaps, atol=1e-6)


def test_few_of_many_are_picked_lazily(monkeypatch):
    called = []
    monkeypatch.setitem(mmr_numpy.__globals__, "mmr_lazy", lambda *given: called.append(given[2]))
    many = np.zeros((3000, 1024), dtype=np.float32)
    for n, k in ((3000, 20), (3000, 2000), (200, 20)):
        mmr_numpy(np.zeros(n, dtype=np.float32), many[:n, : 8 if k > 20 else None], k, 0.5)
    assert called == [20]


# ---- the compiled twins --------------------------------------------------------------------------------------


@pytest.mark.slow
@kinds
@diversities
@pytest.mark.parametrize(("n", "d", "k"), [(1, 4, 1), (40, 8, 40), (60, 80, 60), (300, 32, 20), (300, 32, 200)])
def test_compiled_equals_numpy(kind, diversity, n, d, k):
    pytest.importorskip("numba")
    compiled = kernels.kernels()
    assert compiled is not None
    given = candidates(*drawn(kind, n=n, d=d), k, diversity)
    same(Picks(*compiled.mmr(*given, diversity)), mmr_numpy(*given, diversity)[:2])
    plain = dpp_numpy(*given, diversity)
    found = Picks(*compiled.dpp(*given, squares(given.vectors), diversity, 1e-5))
    spanning = min(len(found.order), len(plain.order) - plain.filled)
    assert abs(len(found.order) - (len(plain.order) - plain.filled)) <= max(1, k // 20)
    np.testing.assert_allclose(found.gains[:spanning], plain.gains[:spanning], atol=0.05)
    if kind in ("plain", "clusters") and k <= d:
        assert found.order.tolist() == plain.order.tolist()


@pytest.mark.slow
def test_without_numba_the_plain_ones_answer(monkeypatch):
    relevance, vectors = drawn("clusters", n=200, d=32)
    compiled = [each(relevance, vectors, 20, 0.5).order.tolist() for each in (mmr, dpp)]
    monkeypatch.setattr(kernels, "find_spec", lambda name: None)
    kernels.kernels.cache_clear()
    try:
        assert kernels.kernels() is None
        kernels.warm_up()
        assert [each(relevance, vectors, 20, 0.5).order.tolist() for each in (mmr, dpp)] == compiled
    finally:
        monkeypatch.undo()
        kernels.kernels.cache_clear()
