"""`shortlist mcp`: pipelines as tools of an agent."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.offering import (
    Answers,
    Deadline,
    MaxBytes,
    MaxPassages,
    MaxQueryBytes,
    MaxTokens,
    Offered,
    Queue,
    kept_at,
    tell,
    tell_of_pipe,
)
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from shortlist.serving.pipelines import Pipelines
    from shortlist.serving.settings import ServingSettings


def mcp(
    pipelines: Offered,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Serve HTTP there, at /mcp; without it, stdin and stdout.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at, with --port; 127.0.0.1 unless told otherwise.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file with API keys, one a line, with --port; SHORTLIST_KEYS adds more.")
    ] = None,
    max_passages: MaxPassages = 1000,
    max_bytes: MaxBytes = 8_000_000,
    max_tokens: MaxTokens = 1_000_000,
    max_query_bytes: MaxQueryBytes = 65_536,
    queue: Queue = 64,
    deadline: Deadline = 30.0,
    cache: Answers = "memory",
) -> None:
    """Serve pipelines to agents by the Model Context Protocol: a tool that reranks, and a list of what there is.

    An agent's program starts this command and speaks to it through stdin and stdout; with --port it listens for HTTP.
    """
    require("mcp", "mcp", "prometheus_client")
    from shortlist.serving.logs import configure
    from shortlist.serving.mcp import stdio_server
    from shortlist.serving.pipelines import Pipelines
    from shortlist.serving.settings import ServingSettings

    if port is None and (keys is not None or host is not None):
        raise InputError("--keys and --host need --port")
    settings = ServingSettings(
        host=host or "127.0.0.1",
        max_passages=max_passages,
        max_bytes=max_bytes,
        max_tokens=max_tokens,
        max_query_bytes=max_query_bytes,
        queue=queue,
        deadline=deadline,
        cache=kept_at(cache),
    )
    offered = Pipelines.of(pipelines)
    if port is None:
        configure(settings)
        server = stdio_server(offered, settings)
        tell_of_pipe(offered.names)
        server.run("stdio")
    else:
        _serve_http(offered, settings, port, keys)


def _serve_http(offered: Pipelines, settings: ServingSettings, port: int, keys: Path | None) -> None:
    require("serve", "fastapi", "uvicorn", "prometheus_client")
    from shortlist.serving.keys import keys_from
    from shortlist.serving.logs import configure
    from shortlist.serving.mcp import http_app
    from shortlist.serving.run import address_of, listening, serve

    bound_to = replace(settings, port=port, keys=keys_from(keys, os.environ))
    configure(bound_to)  # before the SDK sets logs up, which would show texts
    app = http_app(offered, bound_to)
    with listening(bound_to) as bound:
        tell(offered.names, bound_to.host, f"{address_of(bound)}/mcp", keyless=not bound_to.keys)
        serve(app, bound_to, bound)
