import json

import pytest
from typer.testing import CliRunner

from shortlist.cli import exits
from shortlist.cli.app import app
from shortlist.cli.prompts import PASSAGES, QUERY
from shortlist.prompts.spec import prompts

E = exits.ExitCode


def run(*arguments):
    return CliRunner().invoke(app, ["prompts", *arguments])


def test_list_has_every_system():
    shown = run("list")
    assert shown.exit_code == E.OK
    assert all(name in shown.stdout for name in prompts())
    told = json.loads(run("list", "--json").stdout)
    assert {each["name"]: each["licence"] for each in told} == {s.name: s.licence for s in prompts().values()}


@pytest.mark.parametrize("name", sorted(prompts()))
def test_show_fills_it_in_with_real_passages(name):
    shown = run("show", name)
    spec = prompts()[name]
    assert shown.exit_code == E.OK
    assert QUERY in shown.stdout
    assert all(passage.text in shown.stdout for passage in PASSAGES[: spec.window])
    assert all(f"--- {turn.role}\n" in shown.stdout for turn in spec.turns)
    for said in (spec.summary, spec.licence, spec.reference, *spec.checkpoints, spec.strategy):
        assert said in shown.stdout
    told = json.loads(run("show", name, "--json").stdout)
    assert told["rendered"][0]["role"] == spec.turns[0].role
    assert told["settings"] == dict(spec.settings)
    assert told["contract"] == spec.contract


def test_show_takes_a_query_passages_and_an_instruction():
    shown = run("show", "qwen3-reranker", "-q", "what is dew", "-p", "Dew is water.", "-i", "weather only").stdout
    assert "<Instruct>: weather only\n<Query>: what is dew\n<Document>: Dew is water.\n" in shown


def test_show_says_what_is_asked_for_besides_the_text():
    assert "log-probabilities of: 'yes', 'no'" in run("show", "qwen3-reranker").stdout
    assert "log-probabilities of: 'A', 'B', 'C'" in run("show", "first").stdout
    assert '"enum": ["1", "2", "3"]' in run("show", "shortlist").stdout
    assert r"held to the pattern: \[(?:1|2|3)\]" in run("show", "rankzephyr").stdout
    assert "held to" not in run("show", "rank-k").stdout
    assert f"target:  {QUERY}" in run("show", "upr").stdout
    assert (
        "20 passages in a prompt, 300 words each, 4096 tokens in all, 160 to write" in run("show", "rankzephyr").stdout
    )


def test_show_says_which_passages_are_left_out():
    shown = run("show", "prp", "-p", "one", "-p", "two", "-p", "three")
    assert "the first 2 of 3 passages" in shown.stderr
    assert "three" not in shown.stdout
    assert run("show", "prp").stderr == ""


def test_an_unknown_prompt_is_one_line_and_an_exit_code():
    shown = run("show", "rankzefir")
    assert shown.exit_code == E.USAGE
    assert shown.stderr.startswith("error: no prompt is named 'rankzefir'")


def test_show_reads_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nsummary = "Mine."\ncontract = "labels"\nlabels = ["yes"]\nreduce = "logit"\n'
        '[[turns]]\nrole = "user"\ncontent = "is {passages} of {query}?"\n'
    )
    assert f"is {PASSAGES[0].text} of dew?" in run("show", str(path), "-q", "dew").stdout
