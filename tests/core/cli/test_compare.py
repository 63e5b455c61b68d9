"""`shortlist evaluate` and `shortlist compare` from files to tables, JSON and a report."""

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("ir_measures")
pytest.importorskip("scipy")

from shortlist.cli.app import app
from shortlist.cli.comparing import measures_of, named
from shortlist.cli.exits import ExitCode
from shortlist.errors import InputError

WORDS = ("fish", "bird", "stone")


def line(i):
    texts = [f"nothing {i} {place}" for place in range(4)] + [f"{WORDS[i % 3]} number {i}"]
    passages = [{"text": text, "id": f"q{i}p{place}"} for place, text in enumerate(texts)]
    return {"id": f"q{i}", "query": WORDS[i % 3], "passages": passages, "grades": [1, 0, 0, 0, 2]}


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "judged.jsonl"
    path.write_text("".join(f"{json.dumps(line(i))}\n" for i in range(8)))
    return path


@pytest.fixture
def shortlist(data):
    def made(command, *arguments):
        return CliRunner().invoke(app, [command, str(data), *map(str, arguments)], env={"COLUMNS": "160"})

    return made


def rows(result, measure="nDCG@10"):
    return {row["run"]: row for row in json.loads(result.stdout)["rows"] if row["measure"] == measure}


def test_evaluate_says_how_much_better_how_sure_and_at_what_cost(shortlist):
    result = shortlist("evaluate", "-r", "lexical")
    assert result.exit_code == ExitCode.OK, result.output
    for word in ("judged, 8 questions", "lexical", "first stage", "95% interval", "won/lost/tied", "8/0/0", "seconds"):
        assert word in result.stdout
    assert "paired randomisation test, Holm's correction for 2 tests" in result.stderr


def test_evaluate_shows_the_passages_that_moved(shortlist):
    result = shortlist("evaluate", "-r", "lexical", "-m", "RR(rel=2)", "--questions", 1)
    assert "largest gains and losses over first stage" in result.stdout
    assert "0.200 to 1.000" in result.stdout
    assert "largest" not in shortlist("evaluate", "-r", "lexical", "--questions", 0).stdout


def test_evaluate_takes_what_can_run_here_by_default(shortlist, monkeypatch, tmp_path):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path))
    monkeypatch.setattr("shortlist.cli.options.find", lambda _name: None, raising=False)
    result = shortlist("evaluate", "--json")
    assert result.exit_code == ExitCode.OK, result.output
    assert set(rows(result)) == {"first stage", "default"}


def test_compare_puts_all_pipelines_beside_the_first_stage(shortlist):
    result = shortlist(
        "compare", "-r", "lexical", "-r", "half=blend(lexical, prior=0.5)", "-m", "nDCG@10,R@1", "--json"
    )
    assert result.exit_code == ExitCode.OK, result.output
    assert [*rows(result)] == ["first stage", "lexical", "half"]
    assert [*rows(result, "R@1")] == ["first stage", "lexical", "half"]
    assert rows(result)["lexical"]["gain"] > 0.0
    data = json.loads(result.stdout)
    assert data["baseline"] == "first stage"
    assert data["pipelines"]["half"]["reranker"] == "blend"


def test_compare_with_settings(shortlist):
    settings = ("--baseline", "lexical", "--correction", "none", "--confidence", 0.8, "--resamples", 200, "--seed", 3)
    result = shortlist("compare", "-r", "lexical", "-r", "keep-order", "--top-k", 1, *settings, "--json")
    assert json.loads(result.stdout)["method"] == {
        "confidence": 0.8,
        "resamples": 200,
        "correction": "none",
        "seed": 3,
    }
    assert rows(result)["lexical"]["gain"] is None
    assert rows(result)["keep-order"]["losses"] == 8


def test_compare_reads_runs_that_something_else_made(shortlist, tmp_path):
    path = tmp_path / "theirs.trec"
    path.write_text("".join(f"q{i} Q0 q{i}p4 1 2.0 x\nq{i} Q0 q{i}p0 2 1.0 x\n" for i in range(8)))
    result = shortlist("compare", "--run", path, "--run", f"again={path}", "--json")
    assert result.exit_code == ExitCode.OK, result.output
    assert rows(result)["theirs"]["mean"] == rows(result)["again"]["mean"] == 1.0
    costs = {cost["run"]: cost for cost in json.loads(result.stdout)["costs"]}
    assert costs["theirs"]["seconds"] is None
    assert "not known" in shortlist("compare", "--run", path).stdout


def test_compare_goes_on_from_its_store(shortlist, tmp_path):
    store = tmp_path / "store"
    arguments = ("-r", "lexical", "-r", "half=blend(lexical, prior=0.5)", "--store", store, "--json")
    first = shortlist("compare", *arguments)
    assert sorted(path.name for path in store.iterdir()) == ["half.jsonl", "lexical.jsonl"]
    lines = (store / "half.jsonl").read_bytes().splitlines(keepends=True)
    (store / "half.jsonl").write_bytes(b"".join(lines[:4]))
    again = shortlist("compare", *arguments)
    assert rows(again) == rows(first)
    assert len((store / "half.jsonl").read_bytes().splitlines()) == 9


def test_a_store_of_another_pipeline_is_refused(shortlist, tmp_path):
    shortlist("compare", "-r", "a=lexical", "--store", tmp_path / "store")
    result = shortlist("compare", "-r", "a=keep-order", "--store", tmp_path / "store")
    assert result.exit_code == ExitCode.USAGE
    assert "a.jsonl is the store of another pipeline: remove it, or choose another place" in result.stderr


def test_names_that_look_alike_have_files_of_their_own(shortlist, tmp_path):
    shortlist("compare", "-r", "lexical[:3]", "-r", "lexical[:4]", "--store", tmp_path / "store")
    assert len([*(tmp_path / "store").iterdir()]) == 2


def test_long_names_have_files_of_their_own(shortlist, tmp_path):
    names = ["a" * 90 + end for end in "xy"]
    result = shortlist(
        "compare", "-r", f"{names[0]}=lexical", "-r", f"{names[1]}=keep-order", "--store", tmp_path / "s"
    )
    assert result.exit_code == ExitCode.OK, result.output
    assert len([*(tmp_path / "s").iterdir()]) == 2


def test_questions_that_fail_are_told_and_the_exit_code_says_so(shortlist):
    result = shortlist("compare", "-r", "lexical", "-r", "similarity", "--limit-calls", 1)
    assert result.exit_code == ExitCode.SOME_FAILED
    assert "similarity: 8 of 8 questions have no ranking: LimitReached" in result.stderr
    assert "nDCG@10" in result.stdout


def test_compare_writes_a_report(shortlist, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    path = tmp_path / "report.html"
    result = shortlist("compare", "-r", "lexical", "--report", path)
    assert result.exit_code == ExitCode.OK, result.output
    assert path.read_text().lstrip().lower().startswith("<!doctype html")
    assert f"report: {path}" in result.stderr
    assert shortlist("compare", "-r", "lexical", "--report", tmp_path / "no" / "where.html").exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare"),
        (("-r", "lexical", "-r", "lexical"), "'lexical' is given twice: write NAME=EXPR"),
        (("-r", "nonsense"), "nonsense"),
        (("-r", "lexical", "-m", "nonsense@1"), "nonsense"),
        (("-r", "lexical", "--baseline", "other"), "no run has the name 'other'"),
        (("-r", "lexical", "--correction", "luck"), "not a way to compare"),
        (("-r", "first stage=lexical",), "2 runs have the name 'first stage'"),
        (("--run", "nowhere.trec"), "cannot read nowhere.trec"),
        (("-r", "lexical", "--prices", "nowhere.json"), "cannot read nowhere.json as prices"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(shortlist, arguments, message):
    result = shortlist("compare", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("wrong", [("-m", "nonsense@1"), ("--baseline", "other"), ("-r", "first stage=keep-order")])
def test_what_makes_no_sense_is_told_before_anything_runs(shortlist, wrong, tmp_path):
    result = shortlist("compare", "-r", "lexical", *wrong, "--store", tmp_path / "store")
    assert result.exit_code == ExitCode.USAGE
    assert not (tmp_path / "store").exists()


def test_commas_in_parentheses_part_settings():
    found = measures_of("nDCG@10, RR(rel=2),RPP(P(rel=2)@5),P(rel=2,judged_only=True)@5", None)
    assert [*map(str, found[:3])] == ["nDCG@10", "RR(rel=2)", "RPP(P(rel=2)@5)"]
    assert len(found) == 4


def test_data_that_is_not_there():
    result = CliRunner().invoke(app, ["evaluate", "nowhere.jsonl", "-r", "lexical"])
    assert result.exit_code == ExitCode.USAGE
    assert "nowhere.jsonl" in result.stderr


def test_names_stand_before_the_first_equals_sign_that_belongs_to_no_setting():
    given = [
        "lexical",
        "a=lexical",
        "half and half = blend(lexical, prior=0.5)",
        "blend(lexical, prior=0.4)",
        "x/y.json",
    ]
    assert named(given) == {
        "lexical": "lexical",
        "a": "lexical",
        "half and half": " blend(lexical, prior=0.5)",
        "blend(lexical, prior=0.4)": "blend(lexical, prior=0.4)",
        "x/y.json": "x/y.json",
    }
    with pytest.raises(InputError, match="twice"):
        named(["a=lexical", "a=keep-order"])


@pytest.fixture
def nothing_runs(monkeypatch):
    def ran(*_arguments, **_settings):
        raise AssertionError("a pipeline was run")

    monkeypatch.setattr("shortlist.evaluation.running.run", ran)


@pytest.mark.parametrize("command", ["evaluate", "compare"])
@pytest.mark.parametrize("place", ["no/where.html", "."])
def test_a_report_that_cannot_be_written_is_told_first(shortlist, tmp_path, nothing_runs, command, place):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    result = shortlist(command, "-r", "lexical", "--report", tmp_path / place)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert "cannot be written" in result.stderr


def test_a_run_of_other_questions_is_told_first(shortlist, tmp_path, nothing_runs):
    path = tmp_path / "other.trec"
    path.write_text("elsewhere Q0 a 1 1.0 x\n")
    result = shortlist("compare", "-r", "lexical", "--run", path)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert "no question of judged is in the run other" in result.stderr


def test_all_stores_are_looked_at_before_anything_runs(shortlist, tmp_path, monkeypatch):
    shortlist("compare", "-r", "b=lexical", "--store", tmp_path / "store")
    result = shortlist("compare", "-r", "a=lexical", "-r", "b=keep-order", "--store", tmp_path / "store")
    assert result.exit_code == ExitCode.USAGE
    assert len((tmp_path / "store" / "a.jsonl").read_bytes().splitlines()) == 1  # begun, and nothing in it


def test_all_weights_are_looked_for_before_anything_runs(shortlist, tmp_path, nothing_runs):
    gone = f"similarity(embedder='{tmp_path / 'gone'}')"
    result = shortlist("compare", "-r", "lexical", "-r", f"b={gone}")
    assert result.exit_code == ExitCode.USAGE, result.output
    assert "gone' is no folder" in result.stderr


def test_a_measure_of_what_nobody_judged_is_told(shortlist):
    result = shortlist("compare", "-r", "lexical", "-m", "StRecall@5")
    assert "nothing here has any StRecall@5" in " ".join(result.stdout.split())


def test_a_run_without_a_figure_stands_last(shortlist):
    result = shortlist("compare", "-r", "lexical", "-r", "similarity", "-m", "QPP")
    assert result.exit_code == ExitCode.OK, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[4:7]] == ["similarity", "first", "lexical"]
    assert "nan" not in result.stdout


def test_what_stands_in_a_run_commands_no_terminal(shortlist, tmp_path):
    path = tmp_path / "[red]theirs.jsonl"
    usage = {"usage": {}, "ids": [], "scores": [], "dropped": [], "error": "\x1b[2Jdown"}
    path.write_text("".join(f"{json.dumps({'question': f'q{i}', **usage})}\n" for i in range(8)))
    result = shortlist("compare", "--run", path, "--baseline", "[red]theirs")
    assert result.exit_code == ExitCode.SOME_FAILED, result.output
    assert "\x1b" not in result.output
    assert "[2Jdown" in result.stderr and "gains over [red]theirs" in " ".join(result.stdout.split())
