import json

import pytest
from typer.testing import CliRunner

from shortlist.cli import exits
from shortlist.cli.app import app

QWEN = {
    "model_type": "qwen2", "num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944,
    "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152_064,
}  # fmt: skip
REBEL = "lexical[:10] >> rebel(model='hosted')"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(QWEN))
    (tmp_path / "strange.json").write_text(json.dumps({"model_type": "mamba"}))
    table = {"config.json": {"million_in": 0.1}, "hosted": {"million_in": 1.0, "million_out": 2.0, "shape": QWEN}}
    (tmp_path / "prices.json").write_text(json.dumps(table))
    return lambda *arguments: CliRunner().invoke(app, ["cost", *map(str, arguments)])


def told(result):
    assert result.exit_code == exits.ExitCode.OK, result.output
    return json.loads(result.stdout)


def test_golden_values_of_a_config(run):
    (model,) = told(run("config.json", "--prompt", 200, "--output", 1, "--json"))["models"]
    assert (model["paper"], model["exact"]) == (pytest.approx(1.86124e12, rel=1e-6), pytest.approx(2.6393e12, rel=1e-6))
    assert model["money"] is None
    shown = run("config.json", "--prompt", 200, "--output", 1).stdout
    assert "1.861" in shown and "2.639" in shown and "unknown" in shown


def test_calls_that_share_a_prefix(run):
    arguments = ("config.json", "--calls", 116, "--prompt", 200, "--prices", "prices.json", "--json")
    apart, shared = (told(run(*arguments, "--prefix", prefix))["all"] for prefix in (0, 120))
    assert shared["exact"] < 0.5 * apart["exact"]
    assert shared["money"] == apart["money"] == pytest.approx(116 * 200 * 0.1e-6)


def test_a_pipeline(run):
    found = told(run(REBEL, "--candidates", 40, "--tokens", 80, "--prices", "prices.json", "--json"))["all"]
    assert 0 < found["calls"] <= 10 and found["exact"] > found["paper"] > 0
    assert found["money"] == pytest.approx((found["tokens_in"] + 2 * found["tokens_out"]) / 1e6)
    assert told(run(REBEL, "--json"))["all"]["money"] is None


def test_a_pipeline_file_and_a_name_of_the_table(run, tmp_path):
    (tmp_path / "pipeline.json").write_text(json.dumps({"reranker": "lexical"}))
    assert told(run("pipeline.json", "--json")) == {
        "models": [],
        "all": dict.fromkeys(("calls", "tokens_in", "tokens_out", "paper", "exact", "money"), 0) | {"model": "all"},
    }
    hosted = told(run("hosted", "--prices", "prices.json", "--json"))["models"][0]
    assert hosted["exact"] == pytest.approx(2.6393e12, rel=1e-6)


def test_an_unknown_shape_is_said_and_not_guessed(run):
    result = run("strange.json")
    assert result.exit_code == exits.ExitCode.OK and "unknown" in result.stdout
    assert "'mamba' is not known" in result.stderr


@pytest.mark.parametrize("bad", [["none.json"], ["nothing"], ["config.json", "--prefix", "300"], ["config.json", "--prices", "none"]])  # fmt: skip
def test_what_cannot_be_told_is_an_error(run, bad):
    result = run(*bad)
    assert result.exit_code != exits.ExitCode.OK
    assert "error:" in result.stderr
