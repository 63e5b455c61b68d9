"""`shortlist train dynamic-k` from a file to a folder, and again by the command on its card."""

import json
import shlex
import sys

import pytest

pytest.importorskip("torch")

from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode
from shortlist.cli.train_depth import placeless
from shortlist.models.trained import TrainedNetwork
from shortlist.reranker.expression import parse

FILES = ("model.safetensors", "config.json", "README.md")


def line(i):
    needed = i % 3 + 1
    texts = [f"{'amber' if place < needed else 'cobalt'} {i} {place}" for place in range(5)]
    return {"query": f"amber {i}", "passages": texts, "grades": [int(place < needed) for place in range(5)]}


@pytest.fixture
def run(monkeypatch, capsys):
    def made(*arguments):
        monkeypatch.setattr(sys, "argv", ["shortlist", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app()
        return ended.value.code or 0, capsys.readouterr()

    return made


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "elsewhere" / "lists.jsonl"
    path.parent.mkdir()
    path.write_text("".join(f"{json.dumps(line(i))}\n" for i in range(24)))
    return path


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_scored(run, data, monkeypatch):
    monkeypatch.setattr("shortlist.training.dynamic_k.scored", lambda *_: pytest.fail("scored"))
    code, said = run("train", "dynamic-k", f"--data={data}", "--out", data / "net", "--pipeline", "lexical")
    assert code == ExitCode.USAGE and "cannot be written" in said.err


@pytest.mark.slow
def test_the_command_on_the_card_gives_the_same_files(run, data, tmp_path, monkeypatch):
    out = tmp_path / "one" / "net"
    settings = ("--pipeline", "lexical", "--size", "vectors=false", "--epochs", 2, "--seed", 3, "--licence", "my own")
    code, said = run("train", "dynamic-k", f"--data={data}", "--out", out, *settings)
    assert code == ExitCode.OK, said.err
    assert "share found" in said.out and said.out.splitlines()[-1] == str(out)
    command = TrainedNetwork(str(out)).trained.training["command"]
    assert command in (out / "README.md").read_text()
    assert all(str(tmp_path) not in (out / file).read_text() for file in FILES[1:])
    monkeypatch.chdir(data.parent)
    assert run(*shlex.split(command)[1:])[0] == ExitCode.OK
    for file in FILES:
        assert (out / file).read_bytes() == (data.parent / "net" / file).read_bytes()
    assert len(parse(f"lexical >> dynamic-k(network='{out}', cost=0.0)").rank("amber", ["amber", "blue"])) == 2


@pytest.mark.slow
def test_another_seed_gives_another_network(run, data, tmp_path):
    for seed in (0, 1):
        settings = ("--pipeline", "lexical", "--size", "vectors=false", "--epochs", 1, "--seed", seed, "--json")
        code, said = run("train", "dynamic-k", "--data", data, "--out", tmp_path / str(seed), *settings)
        assert code == ExitCode.OK and json.loads(said.out)["epochs"] == 1
    one, other = ((tmp_path / name / FILES[0]).read_bytes() for name in ("0", "1"))
    assert one != other


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "--pipeline"),
        (("--pipeline", "magic"), "no reranker is named 'magic'"),
        (("--pipeline", "lexical", "--size", "depth=3"), "these sizes"),
    ],
)
def test_what_makes_no_sense_is_one_line(run, data, tmp_path, arguments, why):
    code, said = run("train", "dynamic-k", "--data", data, "--out", tmp_path / "net", *arguments)
    assert code == ExitCode.USAGE
    assert why in said.err and said.err.startswith("error: ")
    assert not (tmp_path / "net").exists()


def test_of_places_the_names_are_said(tmp_path):
    (tmp_path / "lists.jsonl").touch()
    out = tmp_path / "net"
    there = (f"--data={tmp_path}/lists.jsonl", f"{tmp_path}/lists.jsonl", str(out), "--seed", "cross-encoder", "a/b=c")
    assert [placeless(each, out) for each in there] == [
        "--data=lists.jsonl", "lists.jsonl", "net", "--seed", "cross-encoder", "a/b=c",
    ]  # fmt: skip
