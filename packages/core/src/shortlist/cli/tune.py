"""`shortlist tune`: which pipeline, with which settings, on one's own questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.comparing import (
    Batch,
    Data,
    DataFormat,
    Depth,
    FirstStage,
    Prices,
    Qrels,
    Relevant,
    collection_at,
)
from shortlist.cli.driving import CacheAt, Calls, Money, Seconds, Tokens, runtime_of
from shortlist.cli.options import AsJson
from shortlist.cli.output import note, plain, print_json, print_table, table
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from shortlist.evaluation.comparison import Cost
    from shortlist.evaluation.tuning.space import Space
    from shortlist.evaluation.tuning.tuned import Figure, Tuned

_SHOWN = 10


def tune(
    data: Data,
    out: Annotated[Path, typer.Option(help="The .json file that the pipeline is written to.")],
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--reranker",
            "-r",
            metavar="TEMPLATE",
            help="An expression with ranges, such as 'lexical[:{k:10..100}] >> cross-encoder'. May be repeated. By "
            "default what can run here.",
        ),
    ] = None,
    space: Annotated[Path | None, typer.Option(help="A .toml or .json file of templates, under `pipelines`.")] = None,
    by: Annotated[str, typer.Option("--measure", "-m", help="The measure to raise.")] = "nDCG@10",
    trials: Annotated[int, typer.Option(min=1, help="Pipelines that each search tries, at most.")] = 60,
    seconds: Annotated[float | None, typer.Option(help="That all searches together may take.")] = None,
    money: Annotated[float | None, typer.Option(help="That may be paid for answers; needs --prices.")] = None,
    limit_calls: Calls = None,
    limit_tokens: Tokens = None,
    limit_seconds: Seconds = None,
    limit_money: Money = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts, each measured by what is chosen without it.")] = 5,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of splits and proposals.")] = 0,
    cache: CacheAt = None,
    prices: Prices = None,
    form: DataFormat = "auto",
    qrels: Qrels = None,
    first_stage: FirstStage = None,
    relevant: Relevant = 1,
    depth: Depth = 100,
    batch: Batch = 16,
    as_json: AsJson = False,
) -> None:
    """Search pipelines and settings on questions with judgments, and write the best one to a file.

    The figure is that of questions which the search did not see. What a query may take is meant on the mean, as if
    nothing were in the cache. With --cache, a search that was broken off is soon where it was.
    """
    require("tune", "optuna", "ir_measures", "scipy")
    from shortlist.evaluation.prices import read_prices
    from shortlist.evaluation.tuning.budget import Budget
    from shortlist.evaluation.tuning.tune import Method
    from shortlist.evaluation.tuning.tune import tune as tuned_on
    from shortlist.runtime.settings import Limits

    if out.suffix != ".json":
        raise InputError(f"a pipeline is read from a .json file, not from {out}")
    limits = Limits(limit_calls, limit_tokens, limit_seconds, limit_money)
    method = Method(limits, Budget(trials, seconds, money), folds, confidence, seed)
    chosen_from = _space(templates or (), space)
    charges = {} if prices is None else read_prices(prices)
    collection = collection_at(data, form, qrels, first_stage, relevant, depth)
    runtime = runtime_of(cache, batch, None, None, None, None)
    with _progress() as progress:
        found = tuned_on(collection, chosen_from, by, method=method, runtime=runtime, prices=charges, progress=progress)
    found.write(out)
    if as_json:
        print_json({"file": str(out), **found.to_dict()})
        return
    _show(found)
    typer.echo(str(out))


def _space(templates: Sequence[str], file: Path | None) -> Space | None:
    from shortlist.evaluation.tuning.space import Space, read_space

    if templates and file is not None:
        raise InputError("templates stand in a file or on the command line, not in both")
    if file is not None:
        return read_space(file)
    return Space.of(templates) if templates else None


@contextmanager
def _progress() -> Iterator[Callable[[int], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("the first pipeline") as status:
        yield lambda tried: status.update(f"{tried} pipelines tried")


def _show(found: Tuned) -> None:
    _show_folds(found)
    _show_trials(found)
    share = f"{found.confidence:.0%} interval"
    spent = found.spent
    for line in (
        f"{found.measure} to expect on new questions: {_told(found.nested, share)}",
        f"more than the order of the first stage: {_told(found.gain, share)}",
        f"on the questions that it was chosen on: {found.optimistic:.4f}, which flatters it",
        f"a question takes {_amounts(found.cost)}, measured without a cache",
        f"{spent.pipelines} tried in {spent.seconds:.0f} s, {spent.answers} answers of models, {spent.money:g} paid",
        f"chosen on all {len(found.questions)} questions: {found.expression}",
    ):
        note(line)


def _show_folds(found: Tuned) -> None:
    shown = table("part", "questions", "chosen on the others", "there", "here", title=f"{found.measure} of each part")
    for place, fold in enumerate(found.folds, 1):
        shown.add_row(
            *plain(str(place), str(len(fold.questions)), fold.chosen, f"{fold.inside:.4f}", f"{fold.outside:.4f}")
        )
    print_table(shown)


def _show_trials(found: Tuned) -> None:
    tried = found.trials
    title = f"The best of {len(tried)} tried on all questions"
    shown = table(found.measure, "pipeline", "seconds", "calls", "tokens", "money", title=title)
    for trial in tried[:_SHOWN]:
        cost = trial.cost
        tokens = None if cost.tokens_in is None or cost.tokens_out is None else cost.tokens_in + cost.tokens_out
        amounts = (_number(each) for each in (cost.seconds, cost.calls, tokens, cost.money))
        shown.add_row(*plain(f"{trial.values.mean():.4f}", trial.expression, *amounts))
    print_table(shown)


def _told(figure: Figure, share: str) -> str:
    return f"{figure.mean:.4f}, {share} {figure.low:.4f} to {figure.high:.4f}"


def _amounts(cost: Cost) -> str:
    return f"{_number(cost.seconds)} s, {_number(cost.calls)} calls, {_number(cost.money)} in money"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
