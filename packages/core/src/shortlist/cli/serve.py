"""`shortlist serve`: pipelines behind the HTTP shapes that rerank clients speak."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

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
)
from shortlist.errors import InputError, require


def serve(
    pipelines: Offered,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="To listen at; 0 for any that is free.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(help="A file with API keys, one a line; SHORTLIST_KEYS adds more. Without any, all may ask."),
    ] = None,
    max_passages: MaxPassages = 1000,
    max_bytes: MaxBytes = 8_000_000,
    max_tokens: MaxTokens = 1_000_000,
    max_query_bytes: MaxQueryBytes = 65_536,
    queue: Queue = 64,
    deadline: Deadline = 30.0,
    body_seconds: Annotated[float, typer.Option(help="Seconds in which a request must have come.")] = 10.0,
    drain: Annotated[float, typer.Option(help="Seconds for what is under way when told to stop.")] = 30.0,
    origins: Annotated[
        list[str] | None,
        typer.Option("--origin", help="A web origin whose pages may ask, such as https://example.org. Repeatable."),
    ] = None,
    playground: Annotated[bool, typer.Option(help="Serve the page at /.")] = True,
    documents: Annotated[
        list[Path] | None, typer.Option(help="A folder of documents that the page may search. Repeatable.")
    ] = None,
    cache: Answers = "memory",
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Let queries and passages stand in logs.")] = False,
) -> None:
    """Serve pipelines to the clients of Cohere, Jina, Voyage and text-embeddings-inference, and the playground at /.

    The model that a client names picks the pipeline. The server listens at once and ranks when its models are loaded
    (/ready); it stops at SIGTERM or Ctrl-C once what is under way is answered.
    """
    require("serve", "fastapi", "uvicorn", "prometheus_client")
    from shortlist.serving.app import create_app
    from shortlist.serving.keys import keys_from
    from shortlist.serving.logs import configure
    from shortlist.serving.pipelines import Pipelines
    from shortlist.serving.run import address_of, listening
    from shortlist.serving.run import serve as run
    from shortlist.serving.settings import ServingSettings

    settings = ServingSettings(
        host=host,
        port=port,
        max_passages=max_passages,
        max_bytes=max_bytes,
        max_tokens=max_tokens,
        max_query_bytes=max_query_bytes,
        queue=queue,
        deadline=deadline,
        body_seconds=body_seconds,
        drain=drain,
        keys=keys_from(keys, os.environ),
        origins=tuple(origins or ()),
        playground=playground,
        log_texts=log_texts,
        documents=tuple(map(_folder, documents or ())),
        cache=kept_at(cache),
    )
    offered = Pipelines.of(pipelines)
    offered.check_weights()
    app = create_app(offered, settings)
    with listening(settings) as bound:
        configure(settings)
        tell(offered.names, settings.host, address_of(bound), keyless=not settings.keys)
        run(app, settings, bound)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"{path} is no folder")
    return path.resolve()
