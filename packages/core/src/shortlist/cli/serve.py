"""`shortlist serve`: pipelines behind the HTTP shapes that rerank clients speak."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.output import note
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from shortlist.serving.settings import ServingSettings


def serve(
    pipelines: Annotated[
        list[str],
        typer.Argument(
            metavar="PIPELINE...",
            help="What to offer, the default first: a name (`shortlist list`), an expression such as "
            "'lexical[:50] >> mmr(diversity=0.3)', the path of a .json file, or NAME=any of these.",
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="To listen at; 0 for any that is free.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(help="A file with API keys, one a line; SHORTLIST_KEYS adds more. Without any, all may ask."),
    ] = None,
    max_passages: Annotated[int, typer.Option(min=1, help="Passages of one request.")] = 1000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes of one request's body.")] = 8_000_000,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one request, at four bytes each.")] = 1_000_000,
    max_query_bytes: Annotated[int, typer.Option(min=1, help="Bytes of one query.")] = 65_536,
    queue: Annotated[int, typer.Option(min=1, help="Requests waiting or under way; past it, 429.")] = 64,
    deadline: Annotated[float, typer.Option(help="Seconds that a request may take at most.")] = 30.0,
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
    cache: Annotated[
        str, typer.Option(help="Where answers of models are kept: memory, none, or the path of a file.")
    ] = "memory",
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
        cache=None if cache == "none" else cache,
    )
    offered = Pipelines.of(pipelines)
    offered.check_weights()
    app = create_app(offered, settings)
    with listening(settings) as bound:
        configure(settings)
        _tell(settings, address_of(bound), offered.names)
        run(app, settings, bound)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"{path} is no folder")
    return path.resolve()


def _tell(settings: ServingSettings, address: str, names: tuple[str, ...]) -> None:
    note(f"serving {', '.join(names)} at {address}")
    if not settings.keys and not _loopback(settings.host):
        note(f"warning: whoever reaches {settings.host} may ask: give --keys FILE, or SHORTLIST_KEYS")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
