"""`shortlist mcp`: pipelines as tools of an agent."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.output import note
from shortlist.errors import require

if TYPE_CHECKING:
    from shortlist.serving.pipelines import Pipelines
    from shortlist.serving.settings import ServingSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def mcp(
    pipelines: Annotated[
        list[str],
        typer.Argument(
            metavar="PIPELINE...",
            help="What to offer, the default first: a name (`shortlist list`), an expression such as "
            "'lexical[:50] >> mmr(diversity=0.3)', the path of a .json file, or NAME=any of these.",
        ),
    ],
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Serve HTTP there, at /mcp; without it, stdin and stdout.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at, with --port.")] = "127.0.0.1",
    keys: Annotated[
        Path | None, typer.Option(help="A file with API keys, one a line, for HTTP; SHORTLIST_KEYS adds more.")
    ] = None,
    max_passages: Annotated[int, typer.Option(min=1, help="Passages of one call.")] = 1000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes of one call's body, over HTTP.")] = 8_000_000,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one call, at four bytes each.")] = 1_000_000,
    max_query_bytes: Annotated[int, typer.Option(min=1, help="Bytes of one query.")] = 65_536,
    queue: Annotated[int, typer.Option(min=1, help="Calls waiting or under way; past it they are turned away.")] = 64,
    deadline: Annotated[float, typer.Option(help="Seconds that a call may take at most.")] = 30.0,
    cache: Annotated[
        str, typer.Option(help="Where answers of models are kept: memory, none, or the path of a file.")
    ] = "memory",
) -> None:
    """Serve pipelines to agents by the Model Context Protocol: a tool that reranks, and a list of what there is.

    An agent's program starts this command and speaks to it through stdin and stdout; with --port it listens for HTTP.
    """
    require("mcp", "mcp", "prometheus_client")
    from shortlist.serving.mcp import serve_stdio
    from shortlist.serving.pipelines import Pipelines
    from shortlist.serving.settings import ServingSettings

    settings = ServingSettings(
        host=host,
        max_passages=max_passages,
        max_bytes=max_bytes,
        max_tokens=max_tokens,
        max_query_bytes=max_query_bytes,
        queue=queue,
        deadline=deadline,
        cache=None if cache == "none" else cache,
    )
    offered = Pipelines.of(pipelines)
    if port is None:
        serve_stdio(offered, settings)
    else:
        _serve_http(offered, settings, port, keys)


def _serve_http(offered: Pipelines, settings: ServingSettings, port: int, keys: Path | None) -> None:
    require("serve", "fastapi", "uvicorn", "prometheus_client")
    from shortlist.serving.keys import keys_from
    from shortlist.serving.mcp import http_app
    from shortlist.serving.run import address_of, listening, serve

    bound_to = replace(settings, port=port, keys=keys_from(keys, os.environ))
    app = http_app(offered, bound_to)
    with listening(bound_to) as bound:
        note(f"serving {', '.join(offered.names)} at {address_of(bound)}/mcp")
        if not bound_to.keys and bound_to.host not in _LOOPBACK:
            note(f"warning: whoever reaches {bound_to.host} may ask: give --keys FILE, or SHORTLIST_KEYS")
        serve(app, bound_to, bound)
