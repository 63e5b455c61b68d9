"""Options that say how rerankers are driven: cache and limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from shortlist.runtime.settings import Runtime

CacheAt: TypeAlias = Annotated[
    Path | None, typer.Option("--cache", help="Keep models' answers in this file, and look there first.")
]
Calls: TypeAlias = Annotated[int | None, typer.Option("--limit-calls", min=0, help="Model calls a query may take.")]
Tokens: TypeAlias = Annotated[int | None, typer.Option("--limit-tokens", min=0, help="Tokens a query may take.")]
Seconds: TypeAlias = Annotated[float | None, typer.Option("--limit-seconds", min=0, help="Seconds a query may take.")]
Money: TypeAlias = Annotated[float | None, typer.Option("--limit-money", min=0, help="Money a query may take.")]


def runtime_of(
    cache: Path | None, window: int, calls: int | None, tokens: int | None, seconds: float | None, money: float | None
) -> Runtime:
    """The runtime that the options say.

    Raises:
        InputError: the cache cannot be opened.
    """
    from shortlist.runtime.cache import cache_at
    from shortlist.runtime.settings import Limits, Runtime

    return Runtime(
        limits=Limits(calls=calls, tokens=tokens, seconds=seconds, money=money),
        cache=None if cache is None else cache_at(str(cache)),
        window=window,
    )
