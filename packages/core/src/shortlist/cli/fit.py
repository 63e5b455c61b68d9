"""`shortlist fit`: numbers for cuts, calibrations and abstention, from judged lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.lists import ListsFormat, Make, judged_lists, pairs
from shortlist.cli.options import AsJson
from shortlist.cli.output import note, plain, print_json, print_table, room_for, table, working
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.training.fitting import Table


def fit(
    kind: Annotated[str, typer.Argument(help="What: calibration, conformal or abstention.")],
    pipeline: Annotated[
        str, typer.Argument(help="Whose scores are read: a name, an expression, or the path of a .json file.")
    ],
    data: Annotated[
        list[Path], typer.Option(help="Judged lists, or a folder of documents to make some of. May be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="The .json file to write.")],
    format: ListsFormat = "auto",  # noqa: A002 - what everybody calls it
    make: Make = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the kind, such as method=isotonic. May be repeated."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of the lists, each measured by what the others fit.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the parts.")] = 0,
    licence: Annotated[str, typer.Option(help="Of the data, for the file.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fit numbers on the scores that a pipeline gives to judged lists, and measure them on lists held out.

    The figures are those of held-out parts; the file holds what was fitted on all lists. Its path goes where a shipped
    name may stand: calibrate(calibration='out.json').
    """
    from shortlist.fitted.store import save_fitted
    from shortlist.reranker.expression import load
    from shortlist.training.fitting import fit as fit_kind

    if out.suffix != ".json":
        raise InputError(f"fitted numbers are read from a .json file, not from {out}")
    ranker, lists = load(pipeline), judged_lists(data, format, pairs(make or ()))
    room_for(out)
    about = {"data": [path.name for path in data], "licence": licence or "not stated"}
    with working(f"scoring {len(lists)} lists"):
        found = fit_kind(kind, lists, ranker, pairs(settings or ()), about=about, folds=folds, seed=seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_fitted(out, found.fitted)
    if as_json:
        print_json({"file": str(out), "values": found.fitted.values, "figures": found.figures})
        return
    _show(found.figures, f"{len(lists)} lists in {folds} parts, each measured by what the others fit")
    note(f"{kind} of {len(lists)} lists")
    typer.echo(str(out))


def _show(figures: Table, title: str) -> None:
    """A table for each set of columns."""
    heads = list(dict.fromkeys(tuple(row) for row in figures.values()))
    for head in heads:
        shown = table("", *head, title=title)
        for name, row in figures.items():
            if tuple(row) == head:
                shown.add_row(*plain(name, *(_cell(each) for each in row.values())))
        print_table(shown)


def _cell(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4f}"
