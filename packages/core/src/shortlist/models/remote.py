"""What doors over HTTP have in common: keys, prices, and reading what a server says with care. Nothing is sent here."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from shortlist.algorithms.flops import Shape, flops
from shortlist.errors import BadAnswer, InputError, ModelError, ModelTimeout, ModelUnavailable
from shortlist.passage import well_formed
from shortlist.plan import Call

# No honest reply is longer: a thousand scores with their documents, or a hundred vectors as text, are a tenth of it.
LONGEST_REPLY = 32 * 2**20
_EXCERPT = 200
_ENOUGH_TO_QUOTE = 2048


class Price(NamedTuple):
    """What a server charges, in any one currency.

    Attributes:
        million_in: for a million tokens read.
        million_out: for a million tokens written.
        search: for each search unit; one request is one unit where the server does not count them.
    """

    million_in: float = 0.0
    million_out: float = 0.0
    search: float = 0.0


def as_price(value: object) -> Price | None:
    """A price from itself, its numbers in order, or a mapping of its fields: what a settings file holds.

    Raises:
        InputError: it is none of these.
    """
    if value is None:
        return None
    try:
        price = Price(**value) if isinstance(value, Mapping) else Price(*value)  # type: ignore[misc]
    except TypeError as error:
        raise InputError(f"not a price: {value!r}") from error
    numbers: tuple[object, ...] = price
    if not all(isinstance(each, int | float) and each >= 0 for each in numbers):
        raise InputError(f"not a price: {value!r}")
    return price


def cost(price: Price | None, tokens_in: int, tokens_out: int = 0, searches: int = 0) -> float | None:
    """What this much comes to; None without a price, or where tokens are charged that the server did not count."""
    if price is None or (price.million_in and not tokens_in):
        return None
    return searches * price.search + (tokens_in * price.million_in + tokens_out * price.million_out) / 1e6


def operations(shape: Shape | None, tokens_in: int, tokens_out: int = 0, cached: int = 0) -> float | None:
    """Floating-point operations of one call; None for a model of unknown shape, or where nobody counted its tokens.

    Tokens that the server had in its cache cost nothing but the others' attention to them.
    """
    if shape is None or not tokens_in:
        return None
    logits = shape.vocab * tokens_out
    return flops(shape, tokens_in, tokens_out, prefix=min(cached, tokens_in), logits=logits)


def shared_out(total: int, n: int) -> list[int]:
    """A count over n texts, as evenly as whole numbers are."""
    return [total // n + (i < total % n) for i in range(n)]


def checked_url(url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        InputError: it is not one for HTTP, or it holds a password, which settings would then show.
    """
    scheme, separator, rest = url.partition("://")
    if scheme not in {"http", "https"} or not separator or not rest.strip("/"):
        raise InputError(f"needs a URL with http:// or https://, not {url!r}")
    if "@" in rest.partition("/")[0]:
        raise InputError("a URL with a password in it: name the environment variable of a key instead")
    return url.rstrip("/")


def key_in(variable: str | None, *, needed: bool = True) -> str | None:
    """The key that an environment variable holds now.

    Raises:
        ModelError: the variable is not set though a key is needed, or no header can hold what it is set to.
    """
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key:
        if needed and variable:
            raise ModelError(f"the environment variable {variable} holds no key")
        return None
    if not (key.isascii() and key.isprintable()):
        raise ModelError(f"the environment variable {variable} holds what cannot be a key")
    return key


def sendable(text: str) -> str:
    """The text as servers take it: half a surrogate pair is no UTF-8, and many refuse a text of no length."""
    return well_formed(text) or " "


def time_left(call: Call) -> float | None:
    """Seconds that are left, never 0: a socket with a timeout of 0 does not block, and fails in ways of its own.

    Raises:
        ModelTimeout: there is no time left, or nobody waits any more.
    """
    seconds = call.remaining()
    if seconds == 0.0 or call.cancelled.is_set():
        raise ModelTimeout("no answer in time")
    return seconds


def enough(status: int, body: bytearray, call: Call) -> bool:
    """Whether to read no more of this body: of a refusal, only what is quoted.

    Raises:
        BadAnswer: it is longer than any answer.
        ModelTimeout: a slow trickle has outlasted the call.
    """
    time_left(call)
    if status < 300 and len(body) > LONGEST_REPLY:
        raise BadAnswer(f"a reply of more than {LONGEST_REPLY} bytes")
    return status >= 300 and len(body) >= _ENOUGH_TO_QUOTE


def refusal(status: int, headers: Mapping[str, str], body: bytes, key: str | None) -> ModelError:
    """The error that a status other than success stands for."""
    said = f"HTTP {status}: {excerpt(body, key)}"
    if status in {408, 425, 429} or status >= 500:
        return ModelUnavailable(said, retry_after(headers))
    if 300 <= status < 400:
        said = f"HTTP {status}: moved to {excerpt(headers.get('location', ''), key)}; redirects are not followed"
    return ModelError(said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks callers to wait, from a number or a date; None when it does not say."""
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def excerpt(said: object, key: str | None = None) -> str:
    """A short piece of what a server said, on one line, without the key should the server repeat it."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes | bytearray) else str(said)
    line = " ".join((text.replace(key, "***") if key else text).split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}..."


def parsed(body: bytes | bytearray, key: str | None) -> Any:
    """The JSON of a reply that came whole.

    Raises:
        BadAnswer: it is not JSON, or it is an error that some proxy sent as a success. Not retriable: the server said
            all it had to say, and it was somebody else's text.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"a reply that is not JSON: {excerpt(bytes(body[:_ENOUGH_TO_QUOTE]), key)}") from error
    if isinstance(answer, dict) and answer.get("error"):
        raise BadAnswer(f"an error in the place of a reply: {excerpt(answer['error'], key)}")
    return answer


def part(answer: object, *names: str) -> dict[str, Any]:
    """The object at this path; an empty one where there is none."""
    for name in names:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer if isinstance(answer, dict) else {}


def by_index(rows: object, n: int, field: str) -> list[Any]:
    """A field of each row, in the order of their `index`: servers sort by score.

    Raises:
        BadAnswer: the rows do not name each of n places exactly once.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadAnswer("a reply with no list of results")
    found = {row["index"]: row.get(field) for row in rows if type(row.get("index")) is int}
    if len(rows) != n or found.keys() != set(range(n)):
        raise BadAnswer(f"{len(rows)} results that do not name each of {n} indices once")
    return [found[i] for i in range(n)]


def finite(value: object) -> float:
    """A number that JSON held.

    Raises:
        BadAnswer: it is text, a truth value, NaN, infinite, or beyond a float.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    raise BadAnswer(f"a score that is not a finite number: {excerpt(repr(value))}")


def count(value: object) -> int:
    """A count that a server may have given, as a number or a header; 0 when it did not."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 16 else 0
    return value if isinstance(value, int) and value > 0 else 0
