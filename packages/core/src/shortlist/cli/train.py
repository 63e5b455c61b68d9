"""`shortlist train`: a network from judged lists."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from shortlist.cli.lists import ListsFormat, Make, made, making_of, pairs, read, tell
from shortlist.cli.options import AsJson
from shortlist.cli.output import plain, print_json, print_table, room_for, table
from shortlist.cli.train_depth import train_depth
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from shortlist.models.base import Embedder
    from shortlist.training.figures import Figure, Figures
    from shortlist.training.judged import JudgedList
    from shortlist.training.outcome import Outcome, Stage
    from shortlist.training.task import Task


def train(
    network: Annotated[str, typer.Argument(help="Which: ebcar, g-rag, hybrid or dynamic-k.")],
    data: Annotated[
        list[Path], typer.Option(help="What to learn from: judged lists, or a folder of documents. May be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    format: ListsFormat = "auto",  # noqa: A002 - what everybody calls it
    make: Make = None,
    embedder: Annotated[str, typer.Option(help="static, a name (`shortlist models list`), or a folder.")] = "static",
    held_out: Annotated[float, typer.Option(help="The share of queries, or of documents, not trained on.")] = 0.2,
    held_out_data: Annotated[
        list[Path] | None, typer.Option(help="Judged lists for the figures, in place of a share. May be repeated.")
    ] = None,
    loss: Annotated[str | None, typer.Option(help="cross-entropy or hinge; of dynamic-k, needed or reward.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the lists, at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Another part of the recipe, such as rate=0.0005. May be repeated."),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A size, such as layers=1. May be repeated.")
    ] = None,
    builder: Annotated[
        str | None, typer.Option(help="Of g-rag: keywords, neighbours, metadata, entities or amr.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(help="Of dynamic-k: whose scores it reads, a name or an expression.")
    ] = None,
    guard_loss: Annotated[float, typer.Option(help="What may be lost of nDCG@10, guarded.")] = 0.02,
    licence: Annotated[str, typer.Option(help="Of the data, for the model card.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Keep the weights in 32 bits, not in 16.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the unfinished run in --out, if any.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network that ranks passages in each other's company, and fit the guard that holds its order.

    Some queries are held out: half of them choose the epoch and fit the guard, the others give the figures, which are
    shown and written into the model card. The folder is read by `TrainedNetwork`.

    Of a folder of long documents (--format documents) lists are made without labels: each query names what only the
    neighbours of its answer name.
    """
    require("torch", "torch", "safetensors")
    from shortlist.training import train as training

    room_for(out, folder=True)
    task = None if network == "dynamic-k" else _task(network, builder)
    if task is not None and pipeline is not None:
        raise InputError(f"--pipeline is of dynamic-k: {network} reads the scores that passages carry")
    given, sizes = _given(recipe, loss, epochs, seed), pairs(size or ())
    names = [path.name for path in (*data, *(held_out_data or ()))]
    lists, apart = _data(data, held_out_data or (), format, pairs(make or ()), held_out)
    if task is None:
        train_depth(pipeline, lists, _embedder(embedder), out, given, sizes, apart, names, licence, as_json=as_json)
        return
    with _progress() as show:
        outcome = training.train(
            task,
            lists,
            _embedder(embedder),
            out,
            task.recipe.changed(given),
            sizes=sizes,
            held_out=apart,
            guard_loss=guard_loss,
            data=names,
            licence=licence,
            half=not full,
            resume=resume,
            progress=show,
        )
    _show(outcome, as_json=as_json)


def _given(recipe: Sequence[str] | None, loss: str | None, epochs: int | None, seed: int | None) -> Mapping[str, Any]:
    """What is given of the recipe."""
    named = {"loss": loss, "epochs": epochs, "seed": seed}
    return {**pairs(recipe or ()), **{name: value for name, value in named.items() if value is not None}}


def _task(name: str, builder: str | None) -> Task:
    from shortlist.graphs import builder_from_dict
    from shortlist.training.tasks import TASKS, GRagTask

    if name not in TASKS:
        raise InputError(f"no network is called {name!r}; there are {', '.join(TASKS)}")
    if builder is None:
        return TASKS[name]()
    if name != GRagTask.kind:
        raise InputError(f"--builder is of {GRagTask.kind}: {name} reads no graph")
    return GRagTask(builder_from_dict({"kind": builder}))


def _data(
    paths: Sequence[Path], apart: Sequence[Path], form: str, given: Mapping[str, Any], share: float
) -> tuple[list[JudgedList], list[JudgedList] | float]:
    """Lists to learn from, and those for the figures or their share. Of many documents, some are kept apart whole."""
    from shortlist.training.make import make_apart

    if form != "documents":
        return read(paths, form), read(apart, form) if apart else share
    making = making_of(given)
    if apart:
        return made(paths, making), made(apart, making)
    parts = [make_apart(path, making, share=share) for path in paths]
    if not all(theirs.lists for _, theirs in parts):
        return made(paths, making), share
    for path, pair in zip(paths, parts, strict=True):
        for each in pair:
            tell(path, each)
    return [each for ours, _ in parts for each in ours.lists], [each for _, theirs in parts for each in theirs.lists]


def _embedder(name: str) -> Embedder:
    from shortlist.models.base import Embedder
    from shortlist.models.named import as_model

    return cast(Embedder, as_model(Embedder, name))


@contextmanager
def _progress() -> Iterator[Callable[[Stage], None]]:
    """A bar on stderr for each stage, when somebody is looking."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("reading", total=1.0, note="")
        yield lambda stage: bars.update(bar, description=stage.what, completed=stage.done, note=stage.note)


def _show(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_dict())
        return
    _show_figures(outcome.figures, f"{outcome.data.held_out} held-out lists, after epoch {outcome.best.number}")
    typer.echo(str(outcome.folder))


def _show_figures(figures: Figures, title: str) -> None:
    names = [*next(iter(figures.values()))]
    shown = table("order", *names, title=f"{title}; in brackets, the 95 % interval of the gain")
    for order, row in figures.items():
        shown.add_row(*plain(order, *(_cell(row[name]) for name in names)))
    print_table(shown)


def _cell(figure: Figure) -> str:
    """The mean and, of another order than the first, the interval of the gain."""
    gain = f" ({figure.low:+.4f} to {figure.high:+.4f})" if figure.low or figure.high else ""
    return f"{figure.mean:.4f}{gain}"
