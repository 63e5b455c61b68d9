"""What `shortlist evaluate` and `shortlist compare` have in common: runs of pipelines, and what becomes of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from shortlist.cli.exits import ExitCode
from shortlist.cli.options import chosen
from shortlist.cli.output import note, plain, print_json, room_for
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from shortlist.evaluation.collection import Collection
    from shortlist.evaluation.comparison import Comparison
    from shortlist.evaluation.measures import Measure
    from shortlist.evaluation.outcome import Run
    from shortlist.evaluation.readers import Format
    from shortlist.reranker.base import Reranker
    from shortlist.runtime.settings import Runtime

# A name has no sign in it that an expression needs before its first equals sign.
_NAMED = re.compile(r"([^=()\[\]>|'\"]+)=(.+)", re.DOTALL)
_COMMA = re.compile(r",(?![^(]*\))")  # those in parentheses part settings
_UNSAFE = re.compile(r"[^\w.-]+")

Data: TypeAlias = Annotated[
    Path, typer.Argument(help="Questions with candidates and judgments: a file, or a folder (see --format).")
]
DataFormat: TypeAlias = Annotated[
    str,
    typer.Option(
        "--format", help="Of the data: judged, musique, hotpotqa, rank_llm, trec, beir, documents; auto finds out."
    ),
]
Qrels: TypeAlias = Annotated[Path | None, typer.Option(help="Judgments, where they stand in a file of their own.")]
FirstStage: TypeAlias = Annotated[
    Path | None, typer.Option(help="What the first stage found in a folder's corpus, as a run; otherwise BM25 does.")
]
Relevant: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Lowest grade that is relevant where a measure knows only yes and no.")
]
Depth: TypeAlias = Annotated[int, typer.Option(min=1, help="Candidates of a question, at most.")]
Measures: TypeAlias = Annotated[
    str, typer.Option("--measures", "-m", help="Names with commas between them; tables sort by the first.")
]
Report: TypeAlias = Annotated[Path | None, typer.Option(help="Write an HTML page with pictures here.")]
Questions: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Show so many of the largest gains and losses, and the passages that moved.")
]
Batch: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Questions at a time, merged into shared model batches; 1 for the time of one alone.")
]
TopK: TypeAlias = Annotated[int | None, typer.Option("--top-k", "-k", min=1, help="How many to keep of each question.")]
StoreAt: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Keep outcomes in this folder, and go on from what is there: one file for each pipeline."),
]
Prices: TypeAlias = Annotated[
    Path | None, typer.Option(help="A JSON file: prices and shapes of models behind servers, by their names.")
]


def measures_of(text: str, report: Path | None) -> tuple[Measure, ...]:
    """The measures that the option names, and a look whether all that the command needs is here, before anything runs.

    Raises:
        InputError: there is no such measure, or the report cannot be written.
        MissingExtra: what comparisons or reports need is not installed.
    """
    require("evaluate", "ir_measures", "scipy", *(("matplotlib", "jinja2") if report else ()))
    if report is not None:
        _check_place(report)
    from shortlist.evaluation.measures import measure

    return tuple(measure(each.strip()) for each in _COMMA.split(text))


def _check_place(report: Path) -> None:
    room_for(report)
    if not report.parent.is_dir():
        raise InputError(f"{report} cannot be written: there is no folder {report.parent}")


def check_measured(by: Sequence[Measure], collection: Collection, runs: Sequence[Run]) -> None:
    """See that the measures can be computed, and runs out of files are of these questions: before any model is called.

    Raises:
        InputError: a measure cannot be computed, or no question of the collection is in a run.
    """
    for each in by:
        for run in runs:
            each.rows(collection, run)


def collection_at(
    data: Path, form: str, qrels: Path | None, first_stage: Path | None, relevant: int, depth: int
) -> Collection:
    """The questions that the command was given.

    Raises:
        InputError: they cannot be read.
    """
    from shortlist.evaluation.readers import read_collection

    return read_collection(data, cast("Format", form), run=first_stage, qrels=qrels, relevant=relevant, depth=depth)


def named(given: Sequence[str]) -> dict[str, str]:
    """What stands behind each name; what was given without a name has itself as one.

    Raises:
        InputError: two have one name.
    """
    parts = [(found[1].strip(), found[2]) if (found := _NAMED.fullmatch(each)) else (each, each) for each in given]
    names = [name for name, _ in parts]
    if double := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{double[0]!r} is given twice: write NAME=EXPR to give each a name of its own")
    return dict(parts)


def pipelines_of(given: Mapping[str, str | None], prices: Path | None) -> dict[str, Reranker]:
    """The rerankers that the expressions say, with prices for the models in them.

    Raises:
        InputError: an expression says none, or the prices cannot be read.
    """
    from shortlist.evaluation.prices import priced, read_prices

    charges = {} if prices is None else read_prices(prices)
    return {name: priced(chosen(expression), charges) for name, expression in given.items()}


def runs_of(
    pipelines: dict[str, Reranker],
    collection: Collection,
    *,
    top_k: int | None,
    runtime: Runtime,
    store: Path | None,
) -> list[Run]:
    """One run for each pipeline, with a bar for each where somebody is looking.

    Raises:
        InputError: a store is that of something else, which is seen before any pipeline runs.
        WeightsError: weights are not there, likewise.
        MissingExtra: an optional package is not installed, likewise.
    """
    from shortlist.evaluation.running import run

    places = {name: None if store is None else store / _file(name) for name in pipelines}
    for name, pipeline in pipelines.items():
        _check_ready(pipeline, collection, top_k, runtime, places[name])
    with _bars() as bar:
        return [
            run(each, collection, name=name, top_k=top_k, runtime=runtime, store=places[name], progress=bar(name))
            for name, each in pipelines.items()
        ]


def _check_ready(
    pipeline: Reranker, collection: Collection, top_k: int | None, runtime: Runtime, place: Path | None
) -> None:
    from shortlist.evaluation.store import Store, key_of

    kept = Store() if place is None else Store.at(place, key_of(pipeline, collection, top_k, runtime))
    if len(kept.outcomes) < len(collection):
        pipeline.warm_up()


def _file(name: str) -> str:
    """A name that a file can have: a part of the digest tells names apart that look alike without their signs."""
    safe = _UNSAFE.sub("-", name)[:80]
    mark = "" if safe == name else f"-{sha256(name.encode()).hexdigest()[:8]}"
    return f"{safe}{mark}.jsonl"


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None] | None]]:
    if not sys.stderr.isatty():
        yield lambda _name: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:

        def bar(name: str) -> Callable[[int, int], None]:
            task = progress.add_task(name)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield bar


def tell(comparison: Comparison, *, as_json: bool, report: Path | None, questions: int) -> None:
    """Say what was found: tables or JSON on stdout, the report in its file.

    Raises:
        InputError: the report cannot be written.
        Exit: a question has no ranking in a run of a pipeline.
    """
    if as_json:
        print_json(comparison.to_dict())
    else:
        from shortlist.cli.comparison_tables import show

        show(comparison, questions)
    if report is not None:
        _write(report, comparison)
    _check(comparison)


def _write(path: Path, comparison: Comparison) -> None:
    from shortlist.evaluation.report import write_report

    write_report(path, comparison)
    note(f"report: {path}")


def _check(comparison: Comparison) -> None:
    failed = [cost for cost in comparison.costs if cost.failed]
    for cost in failed:
        outcomes = comparison.run(cost.run).outcomes.values()
        why = next((outcome.error for outcome in outcomes if outcome.error), "not in the run")
        told = f"{cost.run}: {cost.failed} of {len(comparison.collection)} questions have no ranking: {why}"
        note(str(*plain(told)))
    if failed:
        raise typer.Exit(ExitCode.SOME_FAILED)
