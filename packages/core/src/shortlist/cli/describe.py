"""`shortlist describe`: one reranker in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.options import AsJson
from shortlist.cli.output import plain, print_json, print_table, table

if TYPE_CHECKING:
    from shortlist.reranker.description import Description


def describe(
    name: Annotated[str, typer.Argument(help="A reranker's name, as `shortlist list` has it.")],
    as_json: AsJson = False,
) -> None:
    """Describe a reranker: what it does, where it comes from, what it needs, its settings."""
    from shortlist.reranker import description
    from shortlist.reranker.registry import reranker_class

    found = description.describe(reranker_class(name))
    if as_json:
        print_json(found.to_dict())
        return
    for line in _lines(found):
        typer.echo(line)
    if found.settings:
        shown = table("setting", "type", "default", "what it is")
        for each in found.settings:
            shown.add_row(
                *plain(each.name, each.type, "required" if each.default is None else each.default, each.summary)
            )
        print_table(shown)


def _lines(found: Description) -> list[str]:
    from shortlist.reranker.description import source_text

    order = "yes" if found.order_sensitive else "only in ties"
    said = {
        "needs": ", ".join(found.needs) or "nothing",
        "source": source_text(found.source) or "none",
        "input order matters": order,
    }
    prose = [found.summary, *(["", found.details] if found.details else [])]
    return [
        f"{found.name} ({found.class_name})",
        "",
        *prose,
        "",
        *(f"{key}: {value}" for key, value in said.items()),
        "",
    ]
