"""`shortlist list`: every reranker there is."""

from __future__ import annotations

from shortlist.cli.options import AsJson
from shortlist.cli.output import plain, print_json, print_table, table


def list_rerankers(as_json: AsJson = False) -> None:
    """List the rerankers, those of installed packages included."""
    from shortlist.reranker.description import descriptions

    found = descriptions()
    if as_json:
        print_json([each.to_dict() for each in found])
        return
    shown = table("name", "what it does", "needs")
    for each in found:
        shown.add_row(*plain(each.name, each.summary, ", ".join(each.needs)))
    print_table(shown)
