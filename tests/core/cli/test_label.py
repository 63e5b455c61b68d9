"""`shortlist label` from documents and questions to files."""

import json

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode
from shortlist.training.readers import read_judged

pytest.importorskip("bm25s")

QUERY = "how long does the yeast need to let dough rise"
WRITER = json.dumps({"model": "constant-chat", "text": f"Query: {QUERY}"})
TEXTS = (
    "Yeast turns sugar into gas, and the bubbles of the gas let the dough of bread rise in about two hours in a warm room.",
    "The moon pulls at the water of the sea, so that the tide rises and falls twice in a day on most coasts that there are.",
)


@pytest.fixture
def run(tmp_path):
    def made(*arguments):
        return CliRunner().invoke(app, ["label", *(str(each) for each in arguments)])

    folder = tmp_path / "documents"
    folder.mkdir()
    for place, text in enumerate(TEXTS):
        (folder / f"{place}.txt").write_text(text)
    return made


def test_queries_from_documents(run, tmp_path):
    out = tmp_path / "judged.jsonl"
    result = run("queries", tmp_path / "documents", "--model", WRITER, "--out", out, "--rank", 1)
    assert result.exit_code == ExitCode.OK, result.output
    (judged,) = read_judged(out)
    assert (judged.query, judged.passages[0].id, judged.grades) == (QUERY, "0.txt#0", (1, 0))
    for word in ("passages: 2", "queries: 1", "asked already: 8", "does not lead back: 1", str(out)):
        assert word in result.stdout


def test_a_query_without_another_candidate_is_no_list(run, tmp_path):
    alone = json.dumps({"model": "constant-chat", "text": "Query: yeast dough"})
    result = run("queries", tmp_path / "documents", "--model", alone, "--out", tmp_path / "j.jsonl", "--json")
    told = json.loads(result.stdout)
    assert (told["queries"], told["without other candidates"]) == (1, 1)
    assert (tmp_path / "j.jsonl").read_text() == ""


def test_everything_that_can_be_said(run, tmp_path):
    passages, examples = tmp_path / "passages.jsonl", tmp_path / "examples.jsonl"
    passages.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    examples.write_text(json.dumps({"passage": "p", "query": "q"}))
    result = run(
        "queries", passages, "--model", WRITER, "--out", tmp_path / "j.jsonl", "--passages", 1, "--seed", 1,
        "--prompt", "question", "--prompt", "examples", "--samples", 2, "--temperature", 1, "--examples", examples,
        "--reranker", "lexical", "--depth", 5, "--rank", 2, "--persona", "a baker", "--near-misses", "--verifier", WRITER,
        "--batch", 1, "--cache", tmp_path / "cache", "--json",
    )  # fmt: skip
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert told["passages"] == 1 and told["failed"] == 0 and {*told["files"]} == {"lists", "near misses"}


def test_nothing_that_is_kept_is_told(run, tmp_path):
    silent = json.dumps({"model": "constant-chat", "text": ""})
    result = run("queries", tmp_path / "documents", "--model", silent, "--out", tmp_path / "j.jsonl")
    assert result.exit_code == ExitCode.OK, result.output
    assert "nothing was kept" in result.stderr and "empty or cut off: 10" in result.stdout


def test_utilities_of_questions(run, tmp_path):
    questions = tmp_path / "q.jsonl"
    question = {"query": "what rises?", "passages": list(TEXTS), "answers": ["dough"], "grades": [1, 0]}
    questions.write_text("".join(json.dumps({**question, "id": i}) + "\n" for i in range(3)))
    reader = json.dumps({"model": "constant-chat", "text": "dough"})
    result = run("utility", questions, "--model", reader, "--out", tmp_path / "u.jsonl", "--limit", 2, "--json")
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert (told["questions"], told["mean of relevant"], told["relevant above others"]) == (2, 0.0, 0.5)
    lines = [json.loads(line) for line in (tmp_path / "u.jsonl").read_text().splitlines()]
    assert lines[0]["utilities"] == {"0": 0.0, "1": 0.0} and lines[0]["metadata"]["form"] == "exact match"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--model", "{"), "a model in JSON that is none"),
        (("--model", WRITER, "--prompt", "poem"), "no prompt is named 'poem'"),
        (("--model", WRITER, "--reranker", "magic"), "magic"),
        (("--model", WRITER, "--samples", "2", "--temperature", "0"), "2 samples"),
    ],
)
def test_mistakes_are_told_before_any_model_is_called(arguments, why, run, tmp_path):
    result = run("queries", tmp_path / "documents", "--out", tmp_path / "j.jsonl", *arguments)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert why in result.stderr and not (tmp_path / "j.jsonl").exists()


def test_what_labels_did_not_write_is_not_written_over(run, tmp_path):
    out = tmp_path / "judged.jsonl"
    out.write_text("by hand\n")
    result = run("queries", tmp_path / "documents", "--model", WRITER, "--out", out)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert "is there already" in result.stderr and out.read_text() == "by hand\n"


def test_what_is_read_is_not_written_over(run, tmp_path):
    questions, passages = tmp_path / "q.jsonl", tmp_path / "passages.jsonl"
    questions.write_text(json.dumps({"query": "what rises?", "passages": list(TEXTS), "answers": ["dough"]}) + "\n")
    passages.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    for command, path in (("utility", questions), ("queries", passages)):
        before = path.read_bytes()
        result = run(command, path, "--model", WRITER, "--out", path)
        assert result.exit_code == ExitCode.USAGE, result.output
        assert "would be written over" in result.stderr and path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told_before_any_model_is_called(run, tmp_path):
    for command in ("utility", "queries"):
        result = run(command, tmp_path / "documents", "--model", WRITER, "--out", tmp_path)
        assert result.exit_code == ExitCode.USAGE and "cannot be written" in result.stderr, result.output
    assert not [*tmp_path.glob("*.made.jsonl")]


def test_passages_that_are_all_too_short_are_told(run, tmp_path):
    result = run("queries", tmp_path / "documents", "--model", WRITER, "--out", tmp_path / "j.jsonl", "--words", 10)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert "has twenty words or more" in result.stderr and not (tmp_path / "j.jsonl").exists()
