"""`shortlist tune` from a file of questions to a file that the command line, Python and the frameworks load."""

import importlib
import json

import pytest
from typer.testing import CliRunner

import shortlist
from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode

pytest.importorskip("optuna")
TEXTS = ["The sun is a star.", "The moon causes tides, and the sea rises.", "Bread needs yeast."]
QUERY = "what causes tides?"


def line(i):
    texts = [f"noise {i}", f"topic{i} answer here", f"unrelated {i}", f"topic{i} other"]
    return {"query": f"topic{i} answer", "passages": texts, "grades": [0, 2, 0, 1]}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "lists.jsonl"
    path.write_text("".join(f"{json.dumps(line(i))}\n" for i in range(12)))
    return path


@pytest.fixture
def run(data, tmp_path):
    def made(*arguments, templates=("keep-order", "blend(lexical, prior={p:0..1/0.5})"), out="out.json"):
        chosen = [each for template in templates for each in ("-r", template)]
        settings = ("tune", data, "--out", tmp_path / out, "--folds", 3, *chosen, *arguments)
        return CliRunner().invoke(app, [str(each) for each in settings])

    return made


def test_a_pipeline_from_questions(run, tmp_path):
    result = run()
    assert result.exit_code == ExitCode.OK, result.output
    assert result.stdout.splitlines()[-1] == str(tmp_path / "out.json")
    for word in ("nDCG@10 of each part", "chosen on the others", "The best of 4 tried", "blend(lexical, prior=0)"):
        assert word in result.stdout
    for word in ("to expect on new questions: 1.0000", "which flatters it", "first stage", "calls", "4 tried in"):
        assert word in result.stderr
    assert shortlist.load(tmp_path / "out.json") == shortlist.parse("blend(lexical, prior=0)")


def test_as_json(run, tmp_path):
    result = run("--json", "-m", "RR", "--seed", 7, "--confidence", 0.9)
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert told["file"] == str(tmp_path / "out.json")
    assert (told["measure"], told["seed"], told["confidence"], len(told["folds"])) == ("RR", 7, 0.9, 3)
    assert told["nested"]["low"] <= told["nested"]["mean"] <= told["nested"]["high"]


def test_a_space_out_of_a_file_and_answers_in_a_cache(run, tmp_path):
    (tmp_path / "space.toml").write_text('pipelines = ["similarity", "lexical"]')
    settings = ("--space", tmp_path / "space.toml", "--cache", tmp_path / "answers.db", "--json")
    first, again = (json.loads(run(*settings, templates=()).stdout) for _ in range(2))
    assert {each["expression"] for each in first["trials"]} == {"similarity", "lexical"}
    assert again["spent"]["answers"] < first["spent"]["answers"]
    assert again["expression"] == first["expression"]


def test_without_a_space_it_is_what_can_run_here(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path))
    told = json.loads(run("--trials", 8, "--json", templates=()).stdout)
    assert "keep-order" in {each["expression"] for each in told["trials"]}
    assert len(told["trials"]) == 8


def test_limits(run):
    cheap = json.loads(run("--limit-calls", 0, "--json", templates=("similarity", "keep-order")).stdout)
    assert cheap["expression"] == "keep-order"
    none = run("--limit-calls", 0, templates=("similarity",))
    assert none.exit_code == ExitCode.USAGE and "above them" in none.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-r", "lexical[:{k:2..1}]"), "from less to more"),
        (("-m", "magic@3"), "magic"),
        (("-m", "QPP"), "cannot be tuned for|all questions together"),
        (("--folds", 1), "folds"),
        (("--folds", 40), "no 40 parts"),
        (("--trials", 1), "as many trials"),
        (("--space", "nowhere.toml"), "not in both"),
        (("--confidence", 2), "confidence"),
        (("--money", 0), "budget"),
        (("--prices", "nowhere.json"), "nowhere.json"),
    ],
)
def test_what_makes_no_sense(run, arguments, why, tmp_path):
    result = run(*arguments)
    assert result.exit_code == ExitCode.USAGE
    assert any(each in result.stderr for each in why.split("|"))
    assert not (tmp_path / "out.json").exists()


def test_a_pipeline_is_a_json_file(run):
    result = run(out="out.toml")
    assert result.exit_code == ExitCode.USAGE and "out.toml" in result.stderr


# What it is for


@pytest.fixture
def file(run, tmp_path):
    assert run().exit_code == ExitCode.OK
    return str(tmp_path / "out.json")


def test_the_command_line_loads_it(file):
    record = json.dumps({"query": QUERY, "passages": TEXTS})
    result = CliRunner().invoke(app, ["rerank", "--reranker", file], input=record)
    assert result.exit_code == ExitCode.OK, result.output
    assert json.loads(result.stdout)["kept"][0]["index"] == 1


def test_python_loads_it(file):
    assert shortlist.load(file).rank(QUERY, TEXTS).texts[0] == TEXTS[1]


def test_llamaindex_loads_it(file):
    pytest.importorskip("llama_index.core")
    schema = importlib.import_module("llama_index.core.schema")
    package = importlib.import_module("llama_index.postprocessor.shortlist")
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text)) for text in TEXTS]
    found = package.ShortlistRerank(reranker=file, top_n=1).postprocess_nodes(nodes, query_str=QUERY)
    assert [each.text for each in found] == TEXTS[1:2]


def test_langchain_loads_it(file):
    pytest.importorskip("langchain_core")
    documents = importlib.import_module("langchain_core.documents")
    package = importlib.import_module("langchain_shortlist")
    given = [documents.Document(page_content=text) for text in TEXTS]
    found = package.ShortlistCompressor(reranker=file, top_n=1).compress_documents(given, QUERY)
    assert [each.page_content for each in found] == TEXTS[1:2]


def test_haystack_loads_it(file):
    haystack = pytest.importorskip("haystack")
    package = importlib.import_module("haystack_integrations.components.rankers.shortlist")
    given = [haystack.Document(content=text) for text in TEXTS]
    found = package.ShortlistRanker(file, top_k=1).run(query=QUERY, documents=given)["documents"]
    assert [each.content for each in found] == TEXTS[1:2]
