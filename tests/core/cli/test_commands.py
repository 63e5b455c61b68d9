import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import shortlist
from shortlist import Ranking, registered
from shortlist.cli import exits, options
from shortlist.cli.app import app
from shortlist.models import catalogue
from shortlist.reranker.registry import reranker_class

E = exits.ExitCode
EXAMPLES = Path(__file__).parents[3] / "examples" / "documents"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command line, with no weights on the machine."""
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path / "home"))
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "cats.md").write_text("# Cats\n\ncats purr and cats sleep, cats, cats\n\n# Food\n\nwhat cats eat: fish")
    (docs / "dogs.txt").write_text("dogs bark at cats [bold]not markup[/bold]")
    (docs / "photo.png").write_bytes(b"\x89PNG")
    return docs


def test_help_states_every_exit_code(run):
    for arguments in (["--help"], ["search", "--help"], ["rerank", "--help"]):
        told = " ".join(run(*arguments).stdout.split())
        assert all(str(code.value) in told for code in exits.ExitCode)
    assert set(exits.MEANINGS) == set(exits.ExitCode)


def test_version(run):
    assert run("--version").stdout.strip() == shortlist.__version__


def test_search_shows_rank_before_and_after(run, folder):
    result = run("search", "cats eat", folder, "--reranker", "lexical", "--top-k", 2)
    assert result.exit_code == E.OK
    for word in ("rank", "was", "move", "score", "cats.md#1", "cats.md#0"):
        assert word in result.stdout
    assert "skipped photo.png" in result.stderr


def test_search_shows_texts_as_they_are(run, folder):
    assert "[bold]not markup[/bold]" in run("search", "dogs bark", folder, "-r", "keep-order").stdout


def test_search_as_json_holds_the_whole_ranking(run, folder):
    result = run("search", "cats eat", folder, "-r", "lexical", "-k", 1, "--json")
    told = json.loads(result.stdout)
    ranking = Ranking.from_dict(told["ranking"])
    assert ranking.kept[0].passage.id == "cats.md#1"
    assert (told["reranker"], told["passages"], told["candidates"]) == ("lexical", 3, 3)
    assert len(ranking.kept) + len(ranking.dropped) == 3


def test_search_shows_what_fell_out_of_the_first(run, folder):
    before = json.loads(run("search", "cats", folder, "-r", "keep-order", "--json").stdout)["ranking"]["kept"]
    first = before[0]["passage"]["id"]
    expression = "lexical(k1=0.0, b=0.0)[:3]"
    after = run("search", "cats food", folder, "-r", expression, "-k", 1)
    assert first == "cats.md#0"
    assert "cats.md#1" in after.stdout


def test_search_without_a_match_says_so(run, folder):
    result = run("search", "zebra", folder, "-r", "lexical")
    assert result.exit_code == E.OK
    assert "no passage has a word of the question" in result.stderr


def test_candidates_bounds_what_the_reranker_sees(run, folder):
    told = json.loads(run("search", "cats", folder, "-r", "lexical", "--candidates", 2, "--json").stdout)
    assert told["candidates"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["search", "q", "nowhere", "-r", "lexical"], E.USAGE, "nowhere"),
        (["search", "q", ".", "-r", "nonsense"], E.USAGE, "no reranker is named 'nonsense'"),
        (["search", "q", ".", "-r", "lexical("], E.USAGE, "cannot read"),
        (["search", "q", ".", "-r", "lexical(k2=1)"], E.USAGE, "no setting 'k2'"),
        (["search", "q"], E.USAGE, "folder"),
        (["search", "q", ".", "--top-k", "0"], E.USAGE, "--top-k"),
        (["describe", "nonsense"], E.USAGE, "nonsense"),
        (["models", "path", "nonsense"], E.USAGE, "nonsense"),
        (["models", "path", "ms-marco-minilm"], E.MISSING, "shortlist models get ms-marco-minilm"),
    ],
)
def test_errors_are_one_line_and_a_code(run, arguments, code, says):
    result = run(*arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_weights_that_are_not_here(run, folder):
    pytest.importorskip("onnxruntime")
    result = run("search", "cats", folder, "-r", "cross-encoder")
    assert result.exit_code == E.MISSING
    assert "shortlist models get ms-marco-minilm" in result.stderr


def test_the_default_is_the_best_that_is_here(run, monkeypatch, capsys):
    monkeypatch.setattr(catalogue, "find", lambda name: None)
    assert options.chosen(None).name == "blend"
    assert "shortlist models get ms-marco-minilm" in capsys.readouterr().err
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(catalogue, "find", lambda name: Path("somewhere"))
    assert options.chosen(None).name == "cross-encoder"
    assert capsys.readouterr().err == ""


def test_a_model_that_fails(run, folder, monkeypatch):
    def load(expression):
        from shortlist import CrossEncoder
        from shortlist.models.fakes import FailingScorer

        return CrossEncoder(FailingScorer())

    monkeypatch.setattr("shortlist.reranker.expression.load", load)
    result = run("search", "cats", folder, "-r", "x")
    assert result.exit_code == E.FAILED
    assert "made to fail" in result.stderr


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do I protect my program against a malicious database file?", "security.txt#1"),
        ("Why does deleting rows not make the file smaller?", "faq.html#17"),
        ("Is it safe to use one connection from several threads?", "threads.md#0"),
    ],
)
def test_the_real_cross_encoder_puts_the_answer_first_where_bm25_does_not(question, answer):
    """The questions of the demo, over examples/documents."""
    pytest.importorskip("onnxruntime")
    if catalogue.find("ms-marco-minilm") is None:
        pytest.skip("needs `shortlist models get ms-marco-minilm`")
    command = ["search", question, str(EXAMPLES), "-r", "cross-encoder", "--json"]
    result = CliRunner().invoke(app, command)
    first = json.loads(result.stdout)["ranking"]["kept"][0]
    assert first["passage"]["id"] == answer
    assert first["index"] > 0


def test_list_has_every_reranker(run):
    told = json.loads(run("list", "--json").stdout)
    assert [each["name"] for each in told] == list(registered())
    shown = run("list").stdout
    assert all(name in shown for name in registered())


@pytest.mark.parametrize("name", list(registered()))
def test_describe(run, name):
    told = json.loads(run("describe", name, "--json").stdout)
    assert told["name"] == name
    assert told["class_name"] == reranker_class(name).__name__
    shown = run("describe", name).stdout
    assert all(setting["name"] in shown for setting in told["settings"])


def test_doctor_says_what_is_missing_and_how_to_get_it(run, monkeypatch):
    monkeypatch.setattr("shortlist.cli.doctor._version", lambda name: None if name == "bm25s" else "1.0")
    found = {each["what"]: each for each in json.loads(run("doctor", "--json").stdout)}
    assert found["python"]["ok"]
    assert found["numpy"]["found"] == "1.0"
    assert not found["extra search"]["ok"]
    assert found["extra search"]["install"] == "pip install 'shortlist[search]'"
    assert found["extra openai"]["ok"]
    assert found["weights ms-marco-minilm"]["install"] == "shortlist models get ms-marco-minilm"
    assert run("doctor").exit_code == E.OK


def test_models(run, tmp_path):
    told = json.loads(run("models", "list", "--json").stdout)
    assert [each["name"] for each in told] == list(catalogue.catalogue())
    assert all(each["path"] is None for each in told)
    weights = tmp_path / "home" / "models" / "bge-small"
    weights.mkdir(parents=True)
    (weights / "config.json").write_text("{}")
    assert run("models", "path", "bge-small").stdout.strip() == str(weights)
    assert json.loads(run("models", "get", "bge-small", "--json").stdout)["path"] == str(weights)
    assert "yes" in run("models", "list").stdout


def test_importing_shortlist_imports_no_command_line():
    code = "import sys, shortlist; print(sorted({'typer', 'rich', 'bm25s', 'bs4', 'pypdf'} & set(sys.modules)))"
    assert _python(code) == "[]"


def test_help_needs_nothing_heavy():
    code = (
        "import sys; from shortlist.cli.app import app\n"
        "heavy = {'bm25s', 'bs4', 'pypdf', 'onnxruntime', 'torch', 'tokenizers', 'openai', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert not set(json.loads(_python(code).replace("'", '"'))) - {"sqlite3"}


def _python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
