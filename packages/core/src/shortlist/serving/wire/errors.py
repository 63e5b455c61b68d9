"""What clients are told when something went wrong: one body that every client finds its own words in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.serving.wire import documents, tei

# What TEI calls it (`router/src/lib.rs` of text-embeddings-inference, ErrorType); its clients read `error_type`.
_KINDS: Mapping[int, str] = {
    400: "Empty",
    401: "Unauthorized",
    404: "NotFound",
    405: "NotFound",
    408: "Timeout",
    413: "Validation",
    415: "Validation",
    422: "Validation",
    429: "Overloaded",
    500: "Backend",
    502: "Backend",
    503: "Unhealthy",
    504: "Timeout",
}


_SHOWN = 5
"""Faults of one request that its error tells of."""
_NO_STEPS = documents.TAGS | tei.TAGS | {"body"}


def in_words(faults: Sequence[Mapping[str, Any]], unknown: str = "") -> str:
    """What pydantic found wrong in a request, each with its path there, and nothing of what the request holds.

    Args:
        faults: from `ValidationError.errors`.
        unknown: what is said of a name that is not known; empty for pydantic's own words.
    """
    told = [": ".join(filter(None, each.values())) for each in shown(faults, unknown)]
    more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "; ".join(told + more)


def shown(faults: Sequence[Mapping[str, Any]], unknown: str = "") -> list[dict[str, str]]:
    """The first faults, each with its path in the request and what is wrong there; see `in_words`."""
    return [
        {"at": _path(each), "message": unknown if unknown and each["type"] == "extra_forbidden" else str(each["msg"])}
        for each in faults[:_SHOWN]
    ]


def _path(fault: Mapping[str, Any]) -> str:
    return ".".join(str(step) for step in fault["loc"] if step not in _NO_STEPS)


def error_body(
    status: int, message: str, request_id: str | None = None, faults: Sequence[Mapping[str, Any]] = (), kind: str = ""
) -> dict[str, Any]:
    """The body of an error reply.

    Cohere's clients read `message`, those of Jina and Voyage `detail`, those of TEI `error` and `error_type`.

    Args:
        status: of the reply.
        message: in words, for a person.
        request_id: under which the logs tell of it.
        faults: where the request was wrong, each a path in it and what is wrong there.
        kind: TEI's word, where it is not the usual one for the status.
    """
    kind = kind or _KINDS.get(status, "Backend" if status >= 500 else "Validation")
    told = {"message": message, "detail": message, "error": message, "error_type": kind, "type": kind}
    return {**told, "request_id": request_id, **({"faults": [dict(each) for each in faults]} if faults else {})}
