"""`shortlist fit` from a file to a file that a reranker can use."""

import json

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode
from shortlist.reranker.expression import parse


def line(i, relevant=True):
    texts = [f"topic{i} answer here", f"topic{i} other", f"unrelated {i}", f"noise {i}"]
    return {"query": f"topic{i} answer", "passages": texts, "grades": [int(relevant), 0, 0, 0]}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "lists.jsonl"
    path.write_text("".join(f"{json.dumps(line(i))}\n" for i in range(12)))
    return path


@pytest.fixture
def run(data, tmp_path):
    def made(*arguments, kind="calibration", pipeline="lexical", file=data):
        settings = ("fit", kind, pipeline, "--data", file, "--out", tmp_path / "out.json", *arguments)
        return CliRunner().invoke(app, [str(each) for each in settings])

    return made


def test_a_calibration_from_a_file(run, tmp_path):
    result = run("--licence", "mine", "--set", "method=isotonic", "--folds", 3)
    assert result.exit_code == ExitCode.OK, result.output
    for word in ("before", "after", "ece", "brier", "log_loss", "bin 1", "12 lists in 3 parts"):
        assert word in result.stdout
    assert result.stdout.splitlines()[-1] == str(tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["kind"] == "calibration" and written["values"]["method"] == "isotonic"
    assert written["about"]["data"] == ["lists.jsonl"] and written["about"]["licence"] == "mine"
    assert written["about"]["pipeline"]["reranker"] == "lexical"
    ranking = parse(f"lexical >> calibrate(calibration='{tmp_path / 'out.json'}')").rank("a", ["a b", "c"])
    assert ranking.score_kind == "probability"


def test_as_json(run, tmp_path):
    result = run("--json")
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert told["file"] == str(tmp_path / "out.json") and set(told["figures"]["after"]) == {"ece", "brier", "log_loss"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "magic"}, "nothing is fitted for 'magic'"),
        ({"pipeline": "magic"}, "no reranker is named 'magic'"),
        ({"file": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_fitted(run, change, why, tmp_path):
    result = run(**change)
    assert result.exit_code == ExitCode.USAGE and why in result.stderr
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--set", "method"), "not NAME=VALUE"),
        (("--set", "speed=3"), "no setting 'speed'"),
        (("--folds", 40), "no 40 parts"),
        (("--out", "x.txt"), "from a .json file"),
        (("--format", "magic"), "no format 'magic'"),
        (("--format", "documents", "--make", "speed=3"), "lists cannot be made so"),
    ],
)
def test_options_that_make_no_sense(run, arguments, why):
    result = run(*arguments)
    assert result.exit_code == ExitCode.USAGE and why in result.stderr


@pytest.mark.parametrize("out", ["lists.jsonl/out.json", "folder.json"])
def test_what_cannot_be_written_is_told_before_anything_is_scored(run, out, tmp_path, monkeypatch):
    (tmp_path / "folder.json").mkdir()
    monkeypatch.setattr("shortlist.training.fitting.scored", lambda *_: pytest.fail("scored"))
    result = run("--out", tmp_path / out)
    assert result.exit_code == ExitCode.USAGE and "cannot be written" in result.stderr


def test_a_folder_that_is_not_there_is_made(run, tmp_path):
    assert run("--out", tmp_path / "new" / "one" / "own.json").exit_code == ExitCode.OK
    assert (tmp_path / "new" / "one" / "own.json").exists()


def test_nothing_relevant(run, tmp_path):
    path = tmp_path / "none.jsonl"
    path.write_text("".join(f"{json.dumps(line(i, relevant=False))}\n" for i in range(6)))
    result = run(file=path)
    assert result.exit_code == ExitCode.USAGE and "nothing in the lists is relevant" in result.stderr


def test_a_conformal_calibration_of_a_policys_chances(run, tmp_path):
    chances = "similarity >> dynamic-k(network='dynamic-k-static', reorder=True, cost=0.0)"
    result = run("--json", kind="conformal", pipeline=chances)
    assert result.exit_code == ExitCode.OK, result.output
    values = json.loads(result.stdout)["values"]
    assert values["lists"] == 12
    assert all(-1.0 <= value <= 0.0 for value in values["values"]["score"]["all"])  # chances, negated
    calibration = f"coverage=0.8, calibration='{tmp_path / 'out.json'}', measure='score'"
    given = line(0)
    ranking = parse(f"{chances} >> conformal-cut({calibration})").rank(given["query"], given["passages"])
    assert 1 <= len(ranking) <= 4 and "nonconformity" in ranking[0].reasons
