"""`shortlist models`: weights that have a name here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from shortlist.cli.options import AsJson
from shortlist.cli.output import note, plain, print_json, print_table, table
from shortlist.errors import WeightsError

if TYPE_CHECKING:
    from shortlist.models.catalogue import NamedWeights

commands = typer.Typer(no_args_is_help=True, help="List, fetch and find named weights.")

Name: TypeAlias = Annotated[str, typer.Argument(help="A model's name, as `shortlist models list` has it.")]


@commands.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models that have a name, and which of them are here."""
    from shortlist.models.catalogue import catalogue, find

    found = [(weights, find(weights.name)) for weights in catalogue().values()]
    if as_json:
        print_json([_told(weights, path) for weights, path in found])
        return
    shown = table("name", "kind", "what it is", "licence", "MB", "here")
    for each, path in found:
        size = f"{each.size_bytes / 1e6:.0f}"
        shown.add_row(*plain(each.name, each.kind, each.summary, each.licence, size, "yes" if path else "no"))
    print_table(shown)


@commands.command("get")
def get_model(name: Name, as_json: AsJson = False) -> None:
    """Fetch a model's weights, check them, and print their folder."""
    from shortlist.models.catalogue import get

    _print(name, str(get(name, progress=note)), as_json=as_json)


@commands.command("path")
def model_path(name: Name, as_json: AsJson = False) -> None:
    """Print the folder of a model that has been fetched."""
    from shortlist.models.catalogue import find

    path = find(name)
    if path is None:
        raise WeightsError(f"the weights of {name} are not here: run `shortlist models get {name}`")
    _print(name, str(path), as_json=as_json)


def _told(weights: NamedWeights, path: Path | None) -> dict[str, object]:
    names = ("name", "kind", "summary", "licence", "size_bytes")
    return {**{name: getattr(weights, name) for name in names}, "path": None if path is None else str(path)}


def _print(name: str, path: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "path": path})
    else:
        typer.echo(path)
