"""Scores as probabilities, and fitted numbers found by name or path."""

import json

import numpy as np
import pytest

from shortlist import CrossEncoder, InputError, Passage
from shortlist.errors import WeightsError
from shortlist.fitted.store import Fitted, fitted, save_fitted, shipped
from shortlist.reranker.expression import parse
from shortlist.rerankers.calibrate import Calibrate
from shortlist.rerankers.nucleus_cut import NucleusCut
from shortlist.testing import check_ranking

PLATT = {"method": "platt", "slope": 2.0, "intercept": -1.0, "range": [-1.0, 1.0]}
STEPS = {"method": "isotonic", "scores": [0.0, 1.0], "probabilities": [0.3, 0.3], "range": [0.0, 1.0]}


@pytest.fixture
def file(tmp_path):
    def made(values, kind="calibration"):
        path = tmp_path / f"{kind}.json"
        save_fitted(path, Fitted(kind, values, {"lists": 3}))
        return str(path)

    return made


def test_each_score_as_a_probability(file):
    given = [Passage("a", score=-0.5), Passage("b", score=0.5), Passage("c", score=0.0)]
    ranking = Calibrate(file(PLATT)).rank("q", given)
    check_ranking(ranking, given)
    assert [item.index for item in ranking.kept] == [1, 2, 0] and ranking.score_kind == "probability"
    assert ranking.scores == pytest.approx([1 / (1 + np.exp(-(2 * s - 1))) for s in (0.5, 0.0, -0.5)])
    assert [item.reasons["raw score"] for item in ranking.kept] == [0.5, 0.0, -0.5]
    assert not ranking.repairs


def test_equal_probabilities_stay_in_the_order_of_the_raw_scores(file):
    given = [Passage("a", score=0.1), Passage("b", score=0.9), Passage("c", score=0.5)]
    ranking = Calibrate(file(STEPS)).rank("q", given)
    assert [item.index for item in ranking.kept] == [1, 2, 0] and set(ranking.scores) == {0.3}


def test_scores_beyond_what_was_fitted_are_noted(file):
    ranking = Calibrate(file(PLATT)).rank("q", [Passage("a", score=9.0), Passage("b", score=0.0)])
    assert ranking.repairs == ("1 of 2 scores are outside -1 to 1, where the calibration was fitted",)


def test_without_all_scores_nothing_is_calibrated(file):
    ranking = Calibrate(file(PLATT)).rank("q", [Passage("a"), Passage("b", score=0.0)])
    assert [item.index for item in ranking.kept] == [0, 1] and ranking.score_kind == "rank"
    assert "1 of 2 passages have no score: nothing was calibrated" in ranking.repairs


@pytest.mark.parametrize("name", ["ms-marco-minilm", "bge-small", "all-minilm", "static"])
def test_what_comes_with_the_package(name):
    assert name in shipped("calibration")
    found = fitted("calibration", name)
    low, high = found.values["range"]
    assert low < high and 0 < found.values["base_rate"] < 1
    assert found.about["licence"] and found.about["data"] and found.about["lists"] >= 100
    ranking = Calibrate(name).rank("q", [Passage("a", score=high), Passage("b", score=low)])
    assert 1 > ranking.scores[0] > ranking.scores[1] > 0
    parse(found.about["pipeline"])


def test_a_file_that_changes_is_read_again(file, tmp_path):
    import os

    path = file(PLATT)
    assert fitted("calibration", path).values["slope"] == 2.0
    file({**PLATT, "slope": 3.0})
    os.utime(path, ns=(1, 1))
    assert fitted("calibration", path).values["slope"] == 3.0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nobody", "no calibration is named 'nobody'; there are .*ms-marco-minilm"),
        ("/nowhere/x.json", "No such file"),
        (3, "named by text"),
        ("../calibration/static", "no calibration is named"),
    ],
)
def test_names_of_nothing(name, why):
    with pytest.raises(InputError, match=why):
        Calibrate(name)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot read"),
        ("[]", "cannot read"),
        ('{"kind": "calibration"}', "cannot read"),
        ('{"kind": "conformal", "values": {}}', "holds a conformal, not a calibration"),
        ('{"kind": "calibration", "values": {}}', "no method is None"),
        (json.dumps({"kind": "calibration", "values": {**PLATT, "slope": -2}}), "the less relevant"),
    ],
)
def test_files_of_something_else(text, why, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        Calibrate(str(path))


def test_saving_what_cannot_be_saved(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save_fitted(tmp_path / "x.json", Fitted("calibration", {"slope": float("nan")}))
    with pytest.raises(InputError, match="cannot be written"):
        save_fitted(tmp_path / "no" / "x.json", Fitted("calibration", PLATT))


@pytest.mark.models
def test_a_real_model_calibrated_and_cut():
    texts = [
        "The Moon's gravity pulls the oceans, which makes the tides rise and fall twice a day.",
        "Bread rises because yeast makes carbon dioxide.",
        "The stock market fell on Monday.",
        "High tide comes about fifty minutes later each day, since the Moon moves along its orbit.",
    ]
    try:
        ranking = (CrossEncoder() >> Calibrate() >> NucleusCut(0.9)).rank("what causes the tides", texts)
        whole = (CrossEncoder() >> Calibrate()).rank("what causes the tides", texts)
    except WeightsError as error:
        pytest.skip(str(error))
    check_ranking(ranking, texts)
    fewest = next(k for k in range(1, 5) if sum(whole.scores[:k]) >= 0.9 * sum(whole.scores))
    assert [item.index for item in ranking.kept] == [item.index for item in whole.kept][:fewest]
    assert fewest < 4 and ranking.kept[0].index == 0
    assert [item.index for item in whole.kept] == [
        item.index for item in CrossEncoder().rank("what causes the tides", texts).kept
    ]
    assert whole.score_kind == "probability" and 0 < whole.scores[-1] < whole.scores[0] < 1
