"""`shortlist train` from a file to a folder that a reranker can use."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")

from shortlist import errors
from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode
from shortlist.models.trained import TrainedNetwork


@pytest.fixture
def data(learning, tmp_path):
    path = tmp_path / "lists.jsonl"
    path.write_text("".join(f"{json.dumps(each.to_dict())}\n" for each in learning.judged_lists(20)))
    return path


@pytest.fixture
def run(data, tmp_path):
    def made(network, *arguments):
        settings = ("train", network, "--data", data, "--out", tmp_path / "net", "--epochs", 2, *arguments)
        return CliRunner().invoke(app, [str(each) for each in settings])

    return made


def sized(learning, kind):
    return [part for name, value in learning.SMALL[kind].items() for part in ("--size", f"{name}={value}")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ebcar", "g-rag", "hybrid"])
def test_a_network_from_a_file(kind, run, learning, tmp_path):
    result = run(kind, *sized(learning, kind), "--licence", "mine", "--recipe", "batch=4", "--recipe", "watch=ndcg")
    assert result.exit_code == ExitCode.OK, result.output
    assert result.stdout.splitlines()[-1] == str(tmp_path / "net")
    for words in ("before", "network, guarded", "nDCG@10", "2 held-out lists"):
        assert words in result.stdout
    network = TrainedNetwork(str(tmp_path / "net"))
    recipe = network.trained.training["recipe"]
    assert (network.network, recipe["epochs"], recipe["batch"], recipe["watch"]) == (kind, 2, 4, "ndcg")
    assert "lists.jsonl. Licence: mine." in (tmp_path / "net" / "README.md").read_text()


@pytest.mark.slow
def test_everything_that_can_be_said_as_json(run, learning, tmp_path):
    settings = (
        "--seed",
        5,
        "--loss",
        "hinge",
        "--builder",
        "metadata",
        "--full",
        "--guard-loss",
        0.5,
        "--embedder",
        "static",
    )
    result = run("g-rag", *sized(learning, "g-rag"), *settings, "--json")
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert told["data"]["names"] == ["lists.jsonl"]
    assert len(told["history"]) == 2
    trained = TrainedNetwork(str(tmp_path / "net")).trained
    assert (trained.training["recipe"]["seed"], trained.training["recipe"]["loss"]) == (5, "hinge")
    assert trained.settings["builder"]["kind"] == "metadata"


@pytest.mark.slow
def test_held_out_lists_of_their_own(run, learning, tmp_path):
    path = tmp_path / "unseen.jsonl"
    path.write_text("".join(f"{json.dumps(each.to_dict())}\n" for each in learning.judged_lists(3, 1, "unseen")))
    result = run("ebcar", *sized(learning, "ebcar"), "--held-out-data", path, "--json")
    data = json.loads(result.stdout)["data"]
    assert (data["training"], data["development"], data["held_out"]) == (18, 2, 3)
    assert data["names"] == ["lists.jsonl", "unseen.jsonl"]


@pytest.mark.slow
def test_a_folder_of_documents_is_enough(learning, tmp_path):
    documents = Path(__file__).parents[3] / "examples" / "documents"
    settings = ("--format", "documents", "--make", "queries=40", "--make", "seed=3", "--epochs", 1)
    command = ("train", "ebcar", "--data", documents, "--out", tmp_path / "net", *settings, *sized(learning, "ebcar"))
    result = CliRunner().invoke(app, [str(each) for each in command])
    assert result.exit_code == ExitCode.OK, result.output
    assert "40 lists made of" in result.stderr
    assert TrainedNetwork(str(tmp_path / "net")).trained.training["data"]["training"] == 32


@pytest.mark.slow
def test_an_interrupted_run_goes_on(run, learning, tmp_path, monkeypatch):
    from shortlist.training.checkpoint import Checkpoint

    save, sizes = Checkpoint.save, sized(learning, "ebcar")

    def killed(self, standing):
        save(self, standing)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", killed)
    assert run("ebcar", *sizes).exit_code == ExitCode.INTERRUPTED
    monkeypatch.undo()
    again = run("ebcar", *sizes)
    assert again.exit_code == ExitCode.USAGE
    assert "an unfinished run is in" in again.stderr
    assert run("ebcar", *sizes, "--resume").exit_code == ExitCode.OK
    assert TrainedNetwork(str(tmp_path / "net")).trained.training["epochs"] == 2


@pytest.mark.parametrize(
    ("network", "arguments", "said"),
    [
        ("bert", (), "no network is called 'bert'; there are ebcar, g-rag, hybrid"),
        ("ebcar", ("--builder", "keywords"), "reads no graph"),
        ("g-rag", ("--builder", "friends"), "no graph builder is of kind 'friends'"),
        ("ebcar", ("--size", "layers"), "'layers' is not NAME=VALUE"),
        ("ebcar", ("--size", "layers=many"), "cannot have these sizes"),
        ("ebcar", ("--recipe", "rate=fast"), "cannot have rate = 'fast'"),
        ("ebcar", ("--recipe", "speed=1"), "a recipe has no 'speed'"),
        ("ebcar", ("--format", "xml"), "there is no format 'xml'"),
        ("ebcar", ("--format", "documents", "--make", "wishes=3"), "lists cannot be made so"),
        ("ebcar", ("--data", "nowhere.jsonl"), "nowhere.jsonl"),
        ("ebcar", ("--held-out", 0.9), "the share"),
        ("ebcar", ("--embedder", "nobody"), "nobody"),
    ],
)
def test_what_makes_no_sense_is_one_line(network, arguments, said, run, tmp_path):
    result = run(network, *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr
    assert result.stderr.startswith("error: ")
    assert not (tmp_path / "net").exists()


def test_without_torch_the_extra_is_named(run, monkeypatch):
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    result = run("ebcar")
    assert result.exit_code == ExitCode.MISSING
    assert "shortlist[torch]" in result.stderr
