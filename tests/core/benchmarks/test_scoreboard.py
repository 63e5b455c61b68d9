"""The scoreboard is made of saved tables, and two runs of a benchmark differ in times only."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"
OURS = ("table", "results", "scoreboard", "run")


@pytest.fixture
def bench(monkeypatch):
    """The modules of the folder, whose names are nobody else's business."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield {name: importlib.import_module(name) for name in OURS}
    for name in OURS:
        sys.modules.pop(name, None)


@pytest.fixture
def table(bench):
    return bench["table"].Table(
        "Speed",
        ("library", "speed", "same picks"),
        (("ours", "2.5x (90%)", "yes"), ("theirs", "1.00x", "yes"), ("third", "", "no")),
        ("Ten passages.",),
        ("numpy",),
        ("speed",),
        ("Reading took 1,234.5 ms, of 3 rounds.",),
    )


def changed(table, place, *cells):
    rows = list(table.rows)
    rows[place] = cells
    return replace(table, rows=tuple(rows))


def test_times_may_differ_and_nothing_else(bench, table):
    differences = bench["results"].differences
    slower = replace(changed(table, 0, "ours", "12x (90%)", "yes"), spent=("Reading took 9 ms, of 5 rounds.",))
    assert [*differences(table, slower)] == []
    for other in (
        changed(table, 0, "ours", "2.5x (80%)", "yes"),
        changed(table, 1, "theirs", "1.00x", "no"),
        changed(table, 1, "theirs", "out of memory", "yes"),
        changed(table, 2, "third", "1.00x", "no"),
        replace(table, rows=table.rows[:2]),
        replace(table, notes=("Eleven passages.",)),
        replace(table, spent=("Reading was skipped.",)),
        replace(table, clocked=()),
    ):
        assert [*differences(table, other)], other


def test_a_table_says_which_of_its_columns_are_times(bench, table):
    with pytest.raises(ValueError, match="seconds"):
        replace(table, clocked=("seconds",))


def test_a_result_comes_back_from_its_file_and_is_a_section_of_the_page(bench, table, tmp_path):
    results, run = bench["results"], bench["run"]
    made = results.Result.now("quality", table)
    made.save(tmp_path)
    assert results.load(tmp_path, ("memory", "quality")) == {"quality": made}
    page = run.page({"quality": made})
    assert "| ours | 2.5x (90%) | yes |" in page
    assert "- Reading took 1,234.5 ms" in page
    assert f"numpy {made.versions['numpy']}. Again: `python benchmarks/run.py quality`" in page


def test_the_scoreboard_shows_cells_and_leaves_out_what_was_not_measured(bench):
    table, results, scoreboard = bench["table"], bench["results"], bench["scoreboard"]
    columns = ("what", "import, CPU seconds")
    found = table.Table("Import, etc.", columns, (("shortlist, all its names", "0.25"), ("rerankers", "")))
    not_run = table.skipped("Memory", "No weights.")
    made = {name: results.Result.now(name, each) for name, each in (("import_time", found), ("memory", not_run))}
    lines = [line for line in scoreboard.scoreboard(made).splitlines() if line.startswith("|")][2:]
    assert lines == ["| Import, CPU seconds: shortlist with all its names | 0.25 | [Import, etc.](#import-etc) |"]


def test_every_figure_is_read_from_a_benchmark_that_there_is(bench):
    names = bench["run"].NAMES
    assert {figure.source for figure in bench["scoreboard"].FIGURES} <= {*names}
    assert all((FOLDER / f"{name}.py").exists() for name in names)


def test_the_page_is_made_of_the_saved_results(bench):
    """Whoever writes on the page by hand loses it at the next run."""
    run, results = bench["run"], bench["results"]
    assert run.PAGE.read_text(encoding="utf-8") == run.page(results.load(results.RESULTS, run.NAMES))


def test_saved_figures_are_on_the_scoreboard(bench):
    """A row or column that was renamed would leave a figure out without a word."""
    found = bench["results"].load(bench["results"].RESULTS, bench["run"].NAMES)
    for figure in bench["scoreboard"].FIGURES:
        if figure.source in found and found[figure.source].table.columns != ("state",):
            figure.read(found[figure.source].table)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["call_plans", "strategies"])
def test_two_runs_differ_in_times_only(name, tmp_path):
    def run(*more):
        command = [sys.executable, str(FOLDER / "run.py"), name, "--quick", *more]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    first = run("--to", str(tmp_path))
    assert first.returncode == 0, first.stderr
    second = run("--check", str(tmp_path))
    assert second.returncode == 0 and f"{name}: only times differ" in second.stdout, second.stdout + second.stderr
    file = tmp_path / f"{name}.json"
    saved = json.loads(file.read_text(encoding="utf-8"))
    saved["table"]["rows"][0][1] = "10000"
    file.write_text(json.dumps(saved), encoding="utf-8")
    third = run("--check", str(tmp_path))
    assert third.returncode == 1 and "10000" in third.stdout
