"""One attempt at a request to an OpenAI-compatible endpoint, through the `openai` package.

The package keeps its part: keys, headers, connections, proxies. Its retries are off, since the runtime has its own, and
its reply types are not used: they check nothing, and a body is read here with a bound on its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shortlist.algorithms.flops import Shape
from shortlist.errors import InputError, ModelError, ModelTimeout, ModelUnavailable, ShortlistError, require
from shortlist.models.clients import certificates, loop_client, thread_client
from shortlist.models.remote import (
    Price,
    as_price,
    checked_url,
    enough,
    excerpt,
    key_in,
    parsed,
    refusal,
    time_left,
)
from shortlist.models.shapes import as_shape
from shortlist.plan import Call

if TYPE_CHECKING:
    import openai

OPENAI_URL = "https://api.openai.com/v1"

# Servers of one's own want no key, but the package does.
_NO_KEY = "none"


@dataclass(frozen=True)
class Endpoint:
    """A server, asked with the key that the environment holds now.

    Attributes:
        url: with its `/v1`.
        key: None where there is none.
    """

    url: str
    key: str | None = field(repr=False)

    @classmethod
    def of(cls, url: str, key_variable: str | None) -> Endpoint:
        """The server with this key; OpenAI's own is not asked without one.

        Raises:
            ModelError: there is none, or it cannot be one.
        """
        return cls(url, key_in(key_variable, needed=url == OPENAI_URL))

    def ask(self, body: dict[str, Any], call: Call) -> Any:
        """The JSON that a chat or text completion, or an embedding, is answered with.

        Raises:
            ModelError: any way in which it is not.
        """
        client = thread_client(("openai", self.url, self.key), self._client)
        reply = bytearray()
        with self._failures(), _create(client, body, call) as response, _unbroken(call):
            for chunk in response.iter_bytes():
                reply += chunk
                enough(response.status_code, reply, call)
        return parsed(reply, self.key)

    async def aask(self, body: dict[str, Any], call: Call) -> Any:
        """The same, awaited."""
        client = await loop_client(("openai", self.url, self.key), self._async_client)
        reply = bytearray()
        with self._failures():
            async with _create(client, body, call) as response:
                with _unbroken(call):
                    async for chunk in response.iter_bytes():
                        reply += chunk
                        enough(response.status_code, reply, call)
        return parsed(reply, self.key)

    def _client(self) -> openai.OpenAI:
        import openai

        http = openai.DefaultHttpxClient(follow_redirects=False, verify=certificates())
        return openai.OpenAI(base_url=self.url, api_key=self.key or _NO_KEY, max_retries=0, http_client=http)

    def _async_client(self) -> openai.AsyncOpenAI:
        import openai

        http = openai.DefaultAsyncHttpxClient(follow_redirects=False, verify=certificates())
        return openai.AsyncOpenAI(base_url=self.url, api_key=self.key or _NO_KEY, max_retries=0, http_client=http)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """The errors of the `openai` package in terms of ours."""
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            raise ModelTimeout("no answer in time") from error
        except openai.APIConnectionError as error:
            reason = error.__cause__ or error
            raise ModelUnavailable(f"{type(reason).__name__}: {excerpt(reason, self.key)}") from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.OpenAIError as error:
            raise ModelError(f"{type(error).__name__}: {excerpt(error, self.key)}") from error

    def _refusal(self, error: openai.APIStatusError) -> ModelError:
        refused = refusal(error.status_code, error.response.headers, error.response.content, self.key)
        # An empty account answers 429 like a busy server, but no wait will fill it.
        return ModelError(str(refused)) if error.code == "insufficient_quota" else refused


class Served:
    """What all doors of this API share: to be named before the kind of model that one is."""

    name: str
    base_url: str
    key_variable: str | None
    concurrency: int
    price: Price | None
    shape: Shape | None

    def __post_init__(self) -> None:
        require("openai", "openai")
        object.__setattr__(self, "base_url", checked_url(self.base_url))
        if self.concurrency < 1:
            raise InputError("concurrency must be 1 or more")
        object.__setattr__(self, "price", as_price(self.price))
        object.__setattr__(self, "shape", as_shape(self.shape))

    @property
    def label(self) -> str:
        """The model."""
        return self.name

    @property
    def priced(self) -> bool:
        """Whether there is a price."""
        return self.price is not None

    @property
    def endpoint(self) -> Endpoint:
        """The server, with the key that the environment holds now."""
        return Endpoint.of(self.base_url, self.key_variable)


@contextmanager
def _unbroken(call: Call) -> Iterator[None]:
    """Reading a body raises the errors of the package's HTTP library, and which one that is depends on its version."""
    try:
        yield
    except ShortlistError:
        raise
    except Exception as error:
        time_left(call)
        raise ModelUnavailable(f"the reply broke off: {type(error).__name__}") from error


def _create(client: Any, body: dict[str, Any], call: Call) -> Any:
    """A reply whose body is yet to be read.

    The body goes in beside the package's own parameters and replaces them: it may hold fields that the package has not,
    and the package would look at each message for types that JSON lacks, which takes as long as the rest of a request.
    """
    rest: dict[str, Any] = {
        "model": body["model"],
        "extra_body": body,
        "extra_headers": {"Accept-Encoding": "identity"},
        "timeout": time_left(call),
    }
    call.batches += 1
    if "messages" in body:
        return client.chat.completions.with_streaming_response.create(messages=(), **rest)
    if "prompt" in body:
        return client.completions.with_streaming_response.create(prompt="", **rest)
    return client.embeddings.with_streaming_response.create(input=(), encoding_format="float", **rest)
