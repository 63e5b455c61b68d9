"""What a conformal calibration holds."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from shortlist import InputError, Passage, Similarity
from shortlist.models.trained import TrainedNetwork
from shortlist.rerankers.dynamic_k import DynamicK
from shortlist.training.conformal import fit_conformal, measure_conformal
from shortlist.training.readers import read_judged
from shortlist.training.scored import ScoredList
from shortlist.training.scored import scored as scored_by_pipeline

DATA = Path(os.environ.get("SHORTLIST_DATA") or Path(__file__).parents[4] / "shared" / "data")
MUSIQUE = DATA / "multihop" / "migres_subset" / "musique.json"


def scored(scores, grades, lost=0):
    passages = tuple(Passage(str(s), score=float(s)) for s in scores)
    return ScoredList("q", passages, np.array(grades, dtype=np.int64), lost)


def test_values_are_those_of_the_lists():
    lists = [scored([3, 2, 1], [1, 0, 1]), scored([5, 4], [0, 1], lost=1), scored([9, 8], [0, 0]), scored([], [], 1)]
    found = fit_conformal(lists, {})
    assert found["lists"] == 3  # nothing is wanted of one
    assert found["values"]["rank"] == {"all": [3.0], "any": [1.0, 2.0]}  # two lost something, one of them everything
    assert found["values"]["score"] == {"all": [-1.0], "any": [-4.0, -3.0]}
    assert found["seen"]["first score"] == [3.0, 5.0]
    assert found["seen"]["length"] == [2.0, 3.0]


def test_rounding_drops_nothing():
    (value,) = fit_conformal([scored([1.0, 1 / 3, 0.1], [0, 1, 0])], {})["values"]["standardised"]["all"]
    assert value >= (2 / 3) / np.std([1.0, 1 / 3, 0.1])
    assert math.isclose(value, (2 / 3) / np.std([1.0, 1 / 3, 0.1]), abs_tol=2e-6)


def test_measures_lists_that_were_held_out():
    lists = [scored([3, 2, 1], [1, 0, 0])] * 9 + [scored([3, 2, 1], [0, 1, 0])] * 10
    told = measure_conformal([(fit_conformal(lists, {}), [scored([3, 2, 1], [0, 0, 1])])], {})
    assert told["rank at 0.8"] == {"coverage": 0.0, "kept": 2.0}


def drawn(rng, n=12):
    """Scores that tell something of what is wanted, and a list of which something is."""
    scores = -np.sort(-rng.normal(size=n))
    grades = (rng.random(n) < 0.6 / (1.0 + np.exp(-2.0 * scores))).astype(np.int64)
    grades[rng.integers(n)] = 1
    return scored(scores, grades)


def covered(lists, calibrating, seeds):
    """The mean over splits: calibrated on so many of the lists, measured on the others."""
    held = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(lists))
        own, others = ([lists[i] for i in part] for part in (order[:calibrating], order[calibrating:]))
        held.append((fit_conformal(own, {}), others))
    return {name: row["coverage"] for name, row in measure_conformal(held, {}).items()}


@pytest.mark.slow
def test_exchangeable_lists_are_covered_as_often_as_was_asked_over_20_splits():
    rng = np.random.default_rng(0)
    told = [covered([drawn(rng) for _ in range(500)], 200, 1) for _ in range(20)]
    for name in told[0]:
        measure, asked = name.split(" at ")
        mean = np.mean([each[name] for each in told])
        assert mean > float(asked) - 0.02
        assert measure == "rank" or mean < float(asked) + 0.02  # equal ranks of many lists are covered together


@pytest.mark.slow
@pytest.mark.skipif(not MUSIQUE.exists(), reason="MuSiQue is not here; it is not part of the repository")
def test_real_questions_are_covered_as_often_as_was_asked_over_20_splits():
    lists = scored_by_pipeline(read_judged(MUSIQUE, "musique"), Similarity())
    for name, coverage in covered(lists, len(lists) // 2, 20).items():
        measure, asked = name.split(" at ")
        assert coverage > float(asked) - 0.02
        assert measure == "rank" or coverage < float(asked) + 0.02 + 2.0 / len(lists)


@pytest.mark.slow
@pytest.mark.skipif(not MUSIQUE.exists(), reason="MuSiQue is not here; it is not part of the repository")
def test_a_policys_chances_are_cut_to_fewer_passages_than_scores_at_the_coverage_that_was_asked():
    """The questions are the policy's own, so this says nothing of new ones; that the two stages fit, it does."""
    lists = read_judged(MUSIQUE, "musique")
    chances = Similarity() >> DynamicK(TrainedNetwork("dynamic-k-static"), reorder=True, cost=0.0)
    kept = []
    for pipeline, measure in ((Similarity(), "standardised"), (chances, "score")):
        told = scored_by_pipeline(lists, pipeline)
        assert all(not each.lost for each in told)
        figures = measure_conformal([(fit_conformal(told[::2], {}), told[1::2])], {})[f"{measure} at 0.8"]
        assert figures["coverage"] > 0.8 - 4.0 * np.sqrt(0.8 * 0.2 * 2.0 / (len(lists) / 2.0))
        kept.append(figures["kept"])
    assert kept[1] < kept[0]


def test_refuses_what_it_cannot_use():
    with pytest.raises(InputError, match="no setting"):
        fit_conformal([scored([1], [1])], {"method": "luck"})
    with pytest.raises(InputError, match="nothing to calibrate"):
        fit_conformal([scored([1], [0])], {})
