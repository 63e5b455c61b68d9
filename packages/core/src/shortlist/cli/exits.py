"""The exit codes of every command, in one place."""

from __future__ import annotations

from enum import IntEnum

from shortlist.errors import InputError, MissingExtra, ShortlistError, WeightsError


class ExitCode(IntEnum):
    """What a command exits with."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    MISSING = 3
    FAILED = 4
    INTERRUPTED = 130
    UNREAD = 141


MEANINGS = {
    ExitCode.OK: "all went well",
    ExitCode.SOME_FAILED: "some input lines failed, the others are ranked",
    ExitCode.USAGE: "the arguments or the input make no sense",
    ExitCode.MISSING: "weights or an optional package are missing",
    ExitCode.FAILED: "a model or a reranker failed",
    ExitCode.INTERRUPTED: "interrupted from the keyboard",
    ExitCode.UNREAD: "nobody reads the output any more",
}

HELP = "Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + "."

_BY_ERROR: tuple[tuple[type[ShortlistError], ExitCode], ...] = (
    (MissingExtra, ExitCode.MISSING),
    (WeightsError, ExitCode.MISSING),
    (InputError, ExitCode.USAGE),
    (ShortlistError, ExitCode.FAILED),
)


def code_of(error: ShortlistError) -> ExitCode:
    """The code that a command exits with when it ends in this error."""
    return next(code for kind, code in _BY_ERROR if isinstance(error, kind))
