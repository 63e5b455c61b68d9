"""The commands, and what happens when one of them fails."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from shortlist import __version__
from shortlist.cli import (
    batch,
    compare,
    cost,
    describe,
    doctor,
    evaluate,
    exits,
    fit,
    label,
    list_rerankers,
    mcp,
    models,
    output,
    prompts,
    rerank,
    search,
    serve,
    train,
    trajectories,
    tune,
)
from shortlist.errors import ShortlistError


class _Commands(TyperGroup):
    """Turns the errors of the house into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ShortlistError as error:
            output.note(f"error: {error}")
            raise typer.Exit(exits.code_of(error)) from error
        except BrokenPipeError as error:
            # What is left in the buffer has nowhere to go: without this, Python complains of it on its way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(exits.ExitCode.UNREAD) from error


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


logging.getLogger("shortlist").addHandler(logging.NullHandler())  # the commands tell of it themselves

app = typer.Typer(
    cls=_Commands,
    name="shortlist",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=exits.HELP,
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Rerank what a retriever found."""


app.command("search", epilog=exits.HELP)(search.search)
app.command("rerank", epilog=exits.HELP)(rerank.rerank)
app.command("serve", epilog=exits.HELP)(serve.serve)
app.command("mcp", epilog=exits.HELP)(mcp.mcp)
app.command("batch", epilog=exits.HELP)(batch.batch)
app.command("train", epilog=exits.HELP)(train.train)
app.command("fit", epilog=exits.HELP)(fit.fit)
app.command("trajectories", epilog=exits.HELP)(trajectories.trajectories)
app.command("evaluate", epilog=exits.HELP)(evaluate.evaluate)
app.command("compare", epilog=exits.HELP)(compare.compare)
app.command("tune", epilog=exits.HELP)(tune.tune)
app.command("list")(list_rerankers.list_rerankers)
app.command("describe")(describe.describe)
app.command("doctor")(doctor.doctor)
app.command("cost", epilog=exits.HELP)(cost.cost)
app.add_typer(models.commands, name="models")
app.add_typer(prompts.commands, name="prompts")
app.add_typer(label.commands, name="label")
