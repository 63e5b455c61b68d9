"""Language models on torch and transformers: chat, label logits, and the likelihood of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from shortlist.errors import InputError, ShortlistError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Continuation, Likelihood, LikelihoodModel
from shortlist.models.language_answers import chat_replies, likelihood_replies
from shortlist.models.torch import check_torch
from shortlist.models.torch_language_engine import EngineSettings, engine
from shortlist.models.weights import digest, locate
from shortlist.plan import Call, Reply


@dataclass(frozen=True)
class _Local:
    """What the doors to one engine share: to be named before the kind of model that one is."""

    made_for: ClassVar[str]

    weights: str
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    max_length: int | None = None
    budget: int | None = None

    def __post_init__(self) -> None:
        check_torch(self.weights, self.dtype)
        if (self.max_length is not None and self.max_length < 8) or (self.budget is not None and self.budget < 1):
            raise InputError("max_length must be 8 or more, and budget above 0")

    @property
    def fingerprint(self) -> str:
        """Weights, number format and length."""
        return f"{self.made_for}:{digest(locate(self.weights))}:{self.dtype}:{self.max_length}"

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    @property
    def settings(self) -> EngineSettings:
        """What makes its engine unlike another."""
        return EngineSettings(locate(self.weights), self.device, self.dtype, self.max_length, self.budget)

    def warm_up(self) -> None:
        """Load tokenizer and module."""
        engine(self.settings)


@dataclass(frozen=True)
class TorchChat(_Local, ChatModel):
    """A decoder-only model (Qwen, Llama, Gemma, Mistral and their like) or T5, that writes, or weighs labels.

    Turns go through the folder's chat template; T5 has none, and its encoder reads their contents, a blank line between
    two. A prefix that the assistant goes on writing is appended as it is; T5's decoder reads it.

    Where `labels` are wanted, nothing is generated: one pass reads the prompt, only the last position's state meets the
    output head, and of that only the labels' rows. The reply's text is the likeliest label. A label is cut into tokens
    as the continuation of the text before it: to a model that writes `: yes`, the label is ` yes`. The value of a label
    of several tokens is the first one's logit and the others' log-probabilities, summed.

    With `labels_after`, the model writes until that text; labels are weighed at the position after it. A model that
    does not come to it within `max_tokens` has its text cut to the last whole sentence and `labels_after` put there for
    it (Rank1, arXiv 2502.18418).

    A prompt that is too long loses the middle of its longest message, and the reply says that it was truncated. At
    temperature 0 the likeliest token is taken; above, tokens are drawn by a seed that is made of the prompt and of the
    request's `draw`, so that the same request has the same reply. `schema` and `pattern` are left to the prompt.

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors, or a hub id.
        device: as torch names it; None for a GPU where there is one.
        dtype: `float32`, `bfloat16` or `float16`.
        max_length: tokens that prompt and answer may have together; None for what the model was made for.
        budget: tokens in a batch, padding included; None for 1,024 on a CPU and 16,384 elsewhere.
    """

    made_for = "torch-chat"

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply] | ShortlistError]:
        """What is written after each prompt, or the logits of its labels."""
        return chat_replies(engine(self.settings), payloads, call)


@dataclass(frozen=True)
class TorchLikelihood(_Local, LikelihoodModel):
    """How likely a decoder-only model or T5 finds a text after a prompt: the target is read, not written.

    Prompts are made as `TorchChat` makes them. The softmax over the vocabulary is computed at the target's positions
    only.

    Attributes:
        weights: a name of `shortlist models list`, a folder with safetensors, or a hub id.
        device: as torch names it; None for a GPU where there is one.
        dtype: `float32`, `bfloat16` or `float16`.
        max_length: tokens that prompt and target may have together; None for what the model was made for.
        budget: tokens in a batch, padding included; None for 1,024 on a CPU and 16,384 elsewhere.
    """

    made_for = "torch-likelihood"

    def answer(self, payloads: Sequence[Continuation], call: Call) -> list[Reply[Likelihood] | ShortlistError]:
        """The log-probability of each target."""
        return likelihood_replies(engine(self.settings), payloads, call)
