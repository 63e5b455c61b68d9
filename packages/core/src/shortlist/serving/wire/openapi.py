"""What the document of the interface says of every rerank endpoint: errors, and how clients show who they are."""

from __future__ import annotations

from typing import Any

from fastapi import Security
from fastapi.params import Depends
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel, Field

from shortlist.serving.wire.errors import error_body

DESCRIPTION = """
Rerank what a retriever found, by any pipeline that this server offers, in the shape that your client already speaks.

`model` picks the pipeline; without it the first one ranks. Fields that are not known are ignored. Four fields work in
every shape: `include` (reasons, dropped, usage, trace), `settings` (turn a pipeline's numbers for one request),
`timeout` (seconds) and `raw_scores`.
"""


class Fault(BaseModel):
    """One thing that is wrong in a request."""

    at: str = Field(description="Path in the body.")
    message: str


class ErrorReply(BaseModel):
    """What went wrong. One body for all clients: each finds the word that it reads."""

    message: str = Field(description="In words; what Cohere's clients read.")
    detail: str = Field(description="The same, for those of Jina and Voyage.")
    error: str = Field(description="The same, for those of TEI.")
    error_type: str = Field(description="TEI's kind of error.")
    type: str = Field(description="The same.")
    request_id: str | None = Field(None, description="Under which the server's logs tell of it.")
    faults: list[Fault] | None = Field(None, description="Where the request is wrong.")


_RETRY = {"Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": {"type": "integer"}}}

# Status: what it means, an example of its message, headers.
_ERRORS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("No documents, or no JSON", "there are no documents to rank: the list must not be empty", {}),
    401: ("No key, or a wrong one", "a valid API key is needed", {}),
    403: ("A page of another site asks, and there are no keys", "pages of other sites may not ask", {}),
    404: ("No such pipeline", "no pipeline is called 'best'; there are: lexical", {}),
    408: ("The body came too slowly", "the body did not come within 10 seconds", {}),
    413: ("Too much in one request", "2000 documents are more than the 1000 that a request may hold", {}),
    415: ("The body is not called JSON", "send JSON, and say so: Content-Type: application/json", {}),
    421: ("Called by a name that is not this machine's", "not a name of this server", {}),
    422: ("A field is wrong", "documents.1: Input should be a valid string", {}),
    429: ("Too many requests at once", "too many requests are waiting; ask again in 1 second", _RETRY),
    502: ("The model gave no answer that can be one", "the model answered with NaN", {}),
    503: ("Not ready, going down, or the model cannot be reached", "the server is not ready yet", _RETRY),
    504: ("The deadline passed", "30 seconds were not enough", {}),
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of these error replies, or of all."""
    return {status: _documented(status) for status in statuses or _ERRORS}


def _documented(status: int) -> dict[str, Any]:
    summary, message, headers = _ERRORS[status]
    example = error_body(status, message, "4d1c7b1e0f5a4c0d")
    told = {"description": summary, "model": ErrorReply, "content": {"application/json": {"example": example}}}
    return {**told, "headers": headers} if headers else told


def security() -> list[Depends]:
    """The ways to give a key, for the document only: the guards look at it before any route is reached."""
    bearer = HTTPBearer(auto_error=False, description="The key as a bearer token.")
    header = APIKeyHeader(name="x-api-key", auto_error=False, description="The key in a header of its own.")
    return [Security(bearer), Security(header)]
