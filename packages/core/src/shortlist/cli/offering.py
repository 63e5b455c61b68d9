"""What the commands share that offer pipelines to others."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from shortlist.cli.output import note

Offered: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="PIPELINE...",
        help="What to offer, the default first: a name (`shortlist list`), an expression such as "
        "'lexical[:50] >> mmr(diversity=0.3)', the path of a .json file, or NAME=any of these.",
    ),
]
MaxPassages: TypeAlias = Annotated[int, typer.Option(min=1, help="Passages of one request.")]
MaxBytes: TypeAlias = Annotated[int, typer.Option(min=1, help="Bytes of one request's body.")]
MaxTokens: TypeAlias = Annotated[int, typer.Option(min=1, help="Tokens of one request, at four bytes each.")]
MaxQueryBytes: TypeAlias = Annotated[int, typer.Option(min=1, help="Bytes of one query.")]
Queue: TypeAlias = Annotated[int, typer.Option(min=1, help="Requests waiting or under way; past it, 429.")]
Deadline: TypeAlias = Annotated[float, typer.Option(help="Seconds that a request may take at most.")]
Answers: TypeAlias = Annotated[
    str, typer.Option("--cache", help="Where answers of models are kept: memory, none, or the path of a file.")
]


def kept_at(cache: str) -> str | None:
    """Where the settings have it."""
    return None if cache == "none" else cache


def tell_of_pipe(names: Sequence[str]) -> None:
    """Say what is served to whoever started the command: stdout is theirs."""
    note(f"serving {', '.join(names)} on stdin and stdout")


def tell(names: Sequence[str], host: str, address: str, *, keyless: bool) -> None:
    """Say what is served where, and when whoever can reach it may ask."""
    note(f"serving {', '.join(names)} at {address}")
    if keyless and not _loopback(host):
        note(f"warning: whoever reaches {host} may ask: give --keys FILE, or SHORTLIST_KEYS")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
