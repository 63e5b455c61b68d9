"""Measures of diversity: the published example, ndeval on TREC's judgments, and a plain second version."""

import os
from collections import defaultdict
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.diversity import dpp, facility_location, mmr, msd, ssd
from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.algorithms.diversity.xquad import xquad
from shortlist.algorithms.diversity_measures import alpha_ndcg_at, err_ia_at, nrbp, subtopic_recall_at
from shortlist.algorithms.similarity import unit_rows

DATA = Path(os.environ.get("SHORTLIST_DATA") or Path(__file__).parents[3] / "shared" / "data")
WEB = sorted((DATA / "trec_web_diversity").glob("qrels.*.ndeval.txt"))
needs_trec = pytest.mark.skipif(not WEB, reason="the judgments of the TREC Web tracks are not there")

# The example in pyndeval's README: passages A, D, E, B in this order; C was judged and not found.
EXAMPLE = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]])
EXAMPLE_JUDGED = np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])
EXAMPLE_SCORES = np.array([9.3, 8.4, 8.1, 7.6])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (alpha_ndcg_at(EXAMPLE_SCORES, EXAMPLE, 5, EXAMPLE_JUDGED), 0.7868),
        (alpha_ndcg_at(EXAMPLE_SCORES, EXAMPLE, 20, EXAMPLE_JUDGED), 0.7868),
        (err_ia_at(EXAMPLE_SCORES, EXAMPLE, 5, EXAMPLE_JUDGED), 0.3933),
        (err_ia_at(EXAMPLE_SCORES, EXAMPLE, 10, EXAMPLE_JUDGED), 0.3907),
        (nrbp(EXAMPLE_SCORES, EXAMPLE, EXAMPLE_JUDGED), 0.3906),
        (subtopic_recall_at(EXAMPLE_SCORES, EXAMPLE, 5, EXAMPLE_JUDGED), 2 / 3),
    ],
)
def test_the_published_example(found, expected):
    assert found == pytest.approx(expected, abs=1e-4)  # printed cut off, not rounded


def topics():
    """Each topic's judged documents, last name first as ndeval breaks ties, and who answers what, shape (p, m)."""
    read = defaultdict(lambda: defaultdict(dict))
    for path in WEB:
        for line in path.read_text(encoding="utf-8").splitlines():
            topic, subtopic, document, grade = line.split()
            read[topic][document][int(subtopic)] = int(grade)
    for topic, documents in sorted(read.items()):
        names = sorted(documents, reverse=True)
        width = 1 + max(max(grades) for grades in documents.values())
        yield topic, names, np.array([[documents[name].get(j, 0) for j in range(width)] for name in names])


@needs_trec
@pytest.mark.parametrize("alpha", [0.5, 0.3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_numbers_are_those_of_ndeval(seed, alpha):
    ndeval = pytest.importorskip("pyndeval")
    rng, judged, run, ours = np.random.default_rng(seed), [], [], {}
    for topic, names, answers in topics():
        judged += [
            (topic, str(j), name, int(g)) for name, row in zip(names, answers, strict=True) for j, g in enumerate(row)
        ]
        some = rng.choice(len(names), size=rng.integers(1, min(60, len(names))), replace=False)
        # A fifth was never judged: rows of zeros, under names that ndeval does not know.
        known = rng.random(len(some)) > 0.2
        rows, scores = np.where(known[:, None], answers[some], 0), -np.arange(len(some), dtype=float)
        run += [(topic, names[i] if k else f"none-{i}", float(s)) for i, k, s in zip(some, known, scores, strict=True)]
        ours[topic] = {
            **{f"alpha-nDCG@{k}": alpha_ndcg_at(scores, rows, k, answers, alpha=alpha) for k in (2, 5, 10, 20)},
            **{f"ERR-IA@{k}": err_ia_at(scores, rows, k, answers, alpha=alpha) for k in (2, 5, 10, 20)},
            **{f"strec@{k}": subtopic_recall_at(scores, rows, k, answers) for k in (1, 5, 20)},
            "NRBP": nrbp(scores, rows, answers, alpha=alpha),
        }
    theirs = ndeval.ndeval(judged, run, measures=list(ours[topic]), alpha=alpha)
    assert len(theirs) == len(ours) == 100
    assert sum(values["alpha-nDCG@10"] > 0 for values in ours.values()) > 50
    for topic, values in ours.items():
        assert values == pytest.approx(theirs[topic], abs=1e-6), topic


def plain(order, answers, judged, alpha, weigh, k):
    """The sum over the first k of what each adds, weighed by rank, from the definition."""
    total, seen = 0.0, [0] * len(judged[0])
    for rank, i in enumerate(order[:k], 1):
        for j, answered in enumerate(answers[i]):
            if answered:
                total += (1 - alpha) ** seen[j] * weigh(rank)
                seen[j] += 1
    return total


CASES = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.tuples(st.integers(0, 2), *[st.integers(0, 2)] * m), min_size=1, max_size=5)
)


@given(CASES, st.integers(1, 6), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
@settings(max_examples=80, deadline=None)
def test_the_definitions(rows, k, alpha):
    table = np.array(rows)
    scores, answers = table[:, 0].astype(float), table[:, 1:]
    order = sorted(range(len(rows)), key=lambda i: -scores[i])
    aspects = int((answers > 0).any(axis=0).sum())
    if not aspects:
        assert alpha_ndcg_at(scores, answers, k) == err_ia_at(scores, answers, k) == nrbp(scores, answers) == 0.0
        return

    def per_rank(weigh, at=k):
        return plain(order, answers, answers, alpha, weigh, at)

    most = sum(aspects * (1 - alpha) ** (rank - 1) / rank for rank in range(1, k + 1))
    assert err_ia_at(scores, answers, k, alpha=alpha) == pytest.approx(per_rank(lambda rank: 1 / rank) / most)
    endless = sum(aspects * (1 - alpha) ** r * 0.7**r for r in range(400))
    got = nrbp(scores, answers, alpha=alpha, beta=0.7)
    assert got == pytest.approx(per_rank(lambda rank: 0.7 ** (rank - 1), len(rows)) / endless)
    seen = {j for i in order[:k] for j, answered in enumerate(answers[i]) if answered}
    assert subtopic_recall_at(scores, answers, k) == pytest.approx(len(seen) / aspects)

    def dcg(order):
        return plain(order, answers, answers, alpha, lambda rank: 1 / np.log2(1 + rank), k)

    best = max(dcg(each) for each in permutations(range(len(rows))))
    value = alpha_ndcg_at(scores, answers, k, alpha=alpha)
    # The greedy order is not always the best one, and never better.
    assert value >= dcg(order) / best - 1e-9
    greedy = []
    while len(greedy) < len(rows):
        left = [i for i in range(len(rows)) if i not in greedy]
        greedy.append(
            max(left, key=lambda i: (round(plain([*greedy, i], answers, answers, alpha, lambda _: 1.0, 99), 9), -i))
        )
    assert value == pytest.approx(dcg(order) / dcg(greedy))


def test_without_repetition_losing_worth_it_is_the_ndcg_of_counts():
    measures = pytest.importorskip("ir_measures")
    rng = np.random.default_rng(0)
    answers, scores = rng.integers(0, 2, size=(12, 4)), rng.permutation(12).astype(float)
    judged = [measures.Qrel("q", str(i), int(count)) for i, count in enumerate(answers.sum(axis=1))]
    run = [measures.ScoredDoc("q", str(i), score) for i, score in enumerate(scores)]
    theirs = measures.calc_aggregate([measures.nDCG @ 5], judged, run)[measures.nDCG @ 5]
    assert alpha_ndcg_at(scores, answers, 5, alpha=0.0) == pytest.approx(theirs)


def test_aspects_that_nobody_answers_do_not_count():
    answers, scores = np.array([[1, 0], [0, 0]]), np.array([2.0, 1.0])
    assert alpha_ndcg_at(scores, answers, 2) == subtopic_recall_at(scores, answers, 1) == 1.0
    # One that only a passage outside the list answers does.
    judged = np.array([[1, 0], [0, 0], [0, 1]])
    assert subtopic_recall_at(scores, answers, 1, judged) == 0.5
    assert alpha_ndcg_at(scores, answers, 2, judged) < 1.0


@pytest.mark.parametrize("measure", [alpha_ndcg_at, err_ia_at, subtopic_recall_at])
def test_empty_lists_and_lists_without_relevant_ones(measure):
    for rows in (np.zeros((0, 2), int), np.zeros((3, 2), int), np.zeros((3, 0), int)):
        assert measure(np.zeros(len(rows)), rows, 5) == 0.0
        assert nrbp(np.zeros(len(rows)), rows) == 0.0
    assert measure(np.zeros(0), np.zeros((0, 2), int), 5, np.ones((1, 2), int)) == 0.0
    with pytest.raises(ValueError, match="answers of shape"):
        measure(np.zeros(2), np.ones((3, 2), int), 5)
    with pytest.raises(ValueError, match="judged ones of shape"):
        measure(np.zeros(2), np.ones((2, 2), int), 5, np.ones((4, 3), int))


def order_of(method, relevance, rows):
    """All candidates in the order of a method. Those that read vectors read which aspects a passage answers."""
    if method in (xquad, pm2):
        return method(relevance, rows.T, np.full(rows.shape[1], 1.0 / rows.shape[1]), len(rows), 0.5).order
    return method(relevance, unit_rows(rows), len(rows), 0.1).order


@needs_trec
@pytest.mark.parametrize("method", [xquad, pm2, mmr, dpp, msd, facility_location, ssd])
def test_told_the_true_aspects_every_method_ranks_better_than_relevance_alone(method):
    """Relevance knows, with noise, whether a passage answers any aspect, and not which.

    Methods that read vectors choose among passages that answer something: the others have no vector here, and a
    passage without one is unlike everything.
    """
    rng, gains = np.random.default_rng(0), []
    for _, names, answers in topics():
        aspects = (answers > 0).astype(np.float64)
        pool = np.arange(len(names)) if method in (xquad, pm2) else np.flatnonzero(aspects.any(axis=1))
        if aspects.any(axis=0).sum() < 2:
            continue
        rows = aspects[rng.choice(pool, size=min(60, len(pool)), replace=False)]
        relevance = np.clip(0.2 + 0.6 * rows.max(axis=1) + rng.normal(scale=0.1, size=len(rows)), 0.0, 1.0)
        placed = np.empty(len(rows))
        placed[order_of(method, relevance, rows)] = -np.arange(len(rows), dtype=float)
        measures = (alpha_ndcg_at, err_ia_at)
        gains.append(
            [measure(placed, rows, 10, aspects) - measure(relevance, rows, 10, aspects) for measure in measures]
        )
    assert len(gains) > 50
    draws = np.random.default_rng(1).integers(len(gains), size=(1000, len(gains)))
    means = np.array(gains)[draws].mean(axis=1)
    assert np.quantile(means, 0.025, axis=0).min() > 0.0, means.mean(axis=0)
