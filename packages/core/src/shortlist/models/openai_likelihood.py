"""How likely a text follows a prompt, asked of a server that echoes the prompt with its log-probabilities."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from shortlist.algorithms.flops import Shape
from shortlist.errors import BadAnswer, InputError
from shortlist.models.base import Continuation, Likelihood, LikelihoodModel
from shortlist.models.openai_client import Served
from shortlist.models.openai_format import cached, first_choice, overlaid, raw_text, read_options, usage
from shortlist.models.remote import Price, count, finite, operations, part, sendable
from shortlist.plan import Call, Reply


@dataclass(frozen=True)
class OpenAILikelihood(Served, LikelihoodModel):
    """A language model behind `/completions` with `echo`: vLLM, SGLang, llama-cpp-python.

    OpenAI's own server and llama.cpp's refuse `echo`. Prompts are single raw texts, written in the model's own
    template: turns of a chat would need the template, which only the server has. One token is written and thrown away,
    since some servers take 0 for no limit.

    Attributes:
        name: the model, as the server knows it.
        base_url: the server, with its `/v1`.
        key_variable: the name of the environment variable that holds the key, as in `OpenAIChat`.
        concurrency: requests at the same time.
        price: what it costs; None when that is not known.
        options: a JSON object, as text, that is laid over each request's body, as in `OpenAIChat`.
        shape: the sizes of its matrices, or its config.json, so that operations can be counted; None if unknown.

    Raises:
        MissingExtra: the `openai` package is not installed.
        InputError: the URL is none, or the options are not a JSON object.
    """

    name: str
    base_url: str
    key_variable: str | None = "OPENAI_API_KEY"
    concurrency: int = 16
    price: Price | None = None
    options: str = "{}"
    shape: Shape | None = None
    remote = True

    def __post_init__(self) -> None:
        super().__post_init__()
        read_options(self.options)

    @property
    def fingerprint(self) -> str:
        """Server, model and options."""
        return f"openai-likelihood:{self.base_url}:{self.name}:{self.options}"

    def answer(self, payloads: Sequence[Continuation], call: Call) -> list[Reply[Likelihood]]:
        """One request a prompt, in turn.

        Raises:
            InputError: a prompt that is turns of a chat, or nothing to follow it.
            BadAnswer: the server did not echo the prompt, or its tokens cannot be matched with the text.
        """
        endpoint = self.endpoint
        return [self._reply(each, endpoint.ask(self._body(each), call)) for each in payloads]

    async def aanswer(self, payloads: Sequence[Continuation], call: Call) -> list[Reply[Likelihood]]:
        """The same, awaited."""
        endpoint = self.endpoint
        return [self._reply(each, await endpoint.aask(self._body(each), call)) for each in payloads]

    def _body(self, payload: Continuation) -> dict[str, Any]:
        prompt = raw_text(payload.messages)
        if prompt is None:
            raise InputError("a server without its chat template can be asked of a raw text only (role `text`)")
        if not payload.target:
            raise InputError("nothing to follow the prompt")
        asked = {"model": self.name, "prompt": sendable(prompt + payload.target)}
        return overlaid({**asked, "max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}, self.options)

    def _reply(self, payload: Continuation, answer: Any) -> Reply[Likelihood]:
        tokens, logprobs = _echoed(answer)
        start = _start(tokens, sendable(raw_text(payload.messages) or ""), sendable(payload.target))
        chosen = [finite(each) for each in logprobs[start:]]
        (read, written), money = usage(answer, self.price)
        operated = operations(self.shape, read, written, cached(answer))
        return Reply(Likelihood(sum(chosen), len(chosen)), read, written, flops=operated, money=money)


def _echoed(answer: Any) -> tuple[list[str], list[Any]]:
    """The prompt's tokens and their log-probabilities, without what was written after it."""
    logprobs = part(first_choice(answer), "logprobs")
    tokens, chosen = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(chosen, list) or len(tokens) != len(chosen):
        raise BadAnswer("no log-probabilities of the prompt: the server does not echo it")
    told = part(answer, "usage")
    # A server that does not count has written the one token that it was asked for.
    written = count(told.get("completion_tokens")) if "completion_tokens" in told else 1
    end = len(tokens) - written
    return [str(token) for token in tokens[:end]], chosen[:end]


def _start(tokens: Sequence[str], prompt: str, target: str) -> int:
    """The first token that holds something of the target.

    `text_offset` does not tell it: servers count the text of special tokens in front, which the prompt has not. So the
    target is looked for at the end; some servers decode tokens without their spaces, and one that is part of a
    character as U+FFFD: then the target is what follows the prompt.
    """
    whole = "".join(tokens)
    for form in (str, _squashed):
        if form(target) and form(whole).endswith(form(target)):
            return _beyond([form(token) for token in tokens], len(form(whole)) - len(form(target)))
    end = whole.find(prompt) + len(prompt)
    if prompt and prompt in whole and "\ufffd" in whole[end:]:
        return _beyond(tokens, end)
    raise BadAnswer("the echoed tokens are not those of the prompt")


def _beyond(tokens: Sequence[str], place: int) -> int:
    """The first token with something behind this place in their text."""
    return bisect_right(list(accumulate(map(len, tokens))), place)


def _squashed(text: str) -> str:
    return "".join(text.replace("▁", " ").replace("Ġ", " ").split())
