"""What a conformal calibration holds."""

import math

import numpy as np
import pytest

from shortlist import InputError, Passage
from shortlist.training.conformal import fit_conformal, measure_conformal
from shortlist.training.scored import ScoredList


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


def test_refuses_what_it_cannot_use():
    with pytest.raises(InputError, match="no setting"):
        fit_conformal([scored([1], [1])], {"method": "luck"})
    with pytest.raises(InputError, match="nothing to calibrate"):
        fit_conformal([scored([1], [0])], {})
