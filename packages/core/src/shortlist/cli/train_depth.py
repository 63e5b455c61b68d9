"""`shortlist train dynamic-k`: a policy that says how many passages to keep, behind a pipeline that scores them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from shortlist.cli.output import plain, print_json, print_table, table, working
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.models.base import Embedder
    from shortlist.training.dynamic_k import DepthOutcome
    from shortlist.training.judged import JudgedList


def train_depth(
    pipeline: str | None,
    lists: Sequence[JudgedList],
    embedder: Embedder,
    out: Path,
    recipe: Mapping[str, Any],
    sizes: Mapping[str, Any],
    held_out: float | Sequence[JudgedList],
    data: Sequence[str],
    licence: str,
    *,
    as_json: bool,
) -> None:
    """Train it, show what it saves, and where it is.

    Raises:
        InputError: no pipeline is given, or it cannot be trained so.
    """
    from shortlist.reranker.expression import load
    from shortlist.training.dynamic_k import DepthTask, train_dynamic_k

    if pipeline is None:
        raise InputError("dynamic-k reads the scores of a pipeline: --pipeline cross-encoder, or another expression")
    with working(f"training on {len(lists)} lists"):
        outcome = train_dynamic_k(
            lists,
            load(pipeline),
            None if sizes.get("vectors") is False else embedder,
            out,
            DepthTask().recipe.changed(recipe),
            sizes=sizes,
            held_out=held_out,
            data=data,
            licence=licence,
            command=shlex.join(["shortlist", *(placeless(each, out) for each in sys.argv[1:])]),
        )
    _show(outcome, as_json=as_json)


def placeless(argument: str, out: Path) -> str:
    """An argument as a card may say it: of a file or folder, such as the one to be written, the name alone."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    there = value == str(out) or (value != "" and Path(value).exists())
    return f"{option}{equals}{Path(value).name if there else value}"


def _show(outcome: DepthOutcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_dict())
        return
    columns = ("kept", "kept by a fixed depth", "saved", "low", "high")
    title = f"{outcome.data.held_out} held-out lists, after epoch {outcome.best_epoch}"
    shown = table("share found", *columns, title=title)
    for level, row in outcome.figures.items():
        shown.add_row(*plain(level, *(f"{row[name]:.3f}" if name in row else "" for name in columns)))
    print_table(shown)
    typer.echo(str(outcome.folder))
