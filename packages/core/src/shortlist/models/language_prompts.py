"""Messages as the token ids that a language model reads, and what follows them as the ids that it would write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from shortlist.errors import InputError
from shortlist.models.base import Message
from shortlist.passage import well_formed

_CHARACTERS = 64  # a token at most, see onnx_engine
_TAIL = 24  # characters by which it is seen how what follows is cut into tokens
_GAP = " ... "


class Prompt(NamedTuple):
    """What is read before anything is written.

    Attributes:
        source: what an encoder reads; empty for a decoder-only model.
        ids: what the decoder reads.
        tail: the last characters before the first position to be written.
        truncated: whether a message lost its middle.
    """

    source: tuple[int, ...]
    ids: tuple[int, ...]
    tail: str
    truncated: bool

    @property
    def tokens(self) -> int:
        """How many are read."""
        return len(self.source) + len(self.ids)


class Prompter:
    """A tokenizer, and the shape of the prompts of its model.

    Attributes:
        start: what the decoder of an encoder-decoder model reads first; None for a decoder-only model.
    """

    def __init__(self, tokenizer: Any, start: int | None) -> None:
        self.tokenizer = tokenizer
        self.start = start
        self.following = lru_cache(maxsize=4096)(self._following)

    def prompt(self, messages: Sequence[Message], room: int) -> Prompt:
        """The prompt, with the middle of its longest messages left out until it has no more than `room` tokens.

        Raises:
            InputError: turns that the model has no template for, or more tokens than there is room for without them.
        """
        kept = [Message(m.role, _without_middle(m.content, len(m.content) - _CHARACTERS * room)) for m in messages]
        while True:
            made = self._made(kept)
            excess = (len(made.ids) if self.start is None else len(made.source)) - room
            if excess <= 0:
                return made._replace(truncated=kept != list(messages))
            kept = self._shorter(kept, excess)

    def encode(self, text: str) -> tuple[int, ...]:
        """The text's tokens and no special ones."""
        return tuple(self.tokenizer(well_formed(text), add_special_tokens=False, verbose=False)["input_ids"])

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """The text of the tokens, with those that are marks of the model or without."""
        options = {"skip_special_tokens": not special, "clean_up_tokenization_spaces": False}
        return str(self.tokenizer.decode(list(ids), **options))

    def tail(self, text: str) -> str:
        """As much of a text's end as is needed to see how what follows is cut into tokens."""
        return text[-_TAIL:]

    def _following(self, tail: str, text: str) -> tuple[int, ...]:
        """The tokens of a text as the continuation of another; as those of a text by itself where the two would merge.

        Raises:
            InputError: it has none.
        """
        before, both = self.encode(tail), self.encode(tail + text)
        ids = (both[len(before) :] if both[: len(before)] == before else ()) or self.encode(text)
        if not ids:
            raise InputError(f"{text!r} has no tokens")
        return ids

    def _made(self, messages: Sequence[Message]) -> Prompt:
        begun = bool(messages) and messages[-1].role == "assistant"
        turns, prefix = (messages[:-1], messages[-1].content) if begun else (messages, "")
        if not turns or (len(turns) > 1 and any(turn.role == "text" for turn in turns)):
            raise InputError("a prompt is one or more turns, or one message whose role is text; then what was begun")
        if self.start is not None:
            source = self.tokenizer(well_formed("\n\n".join(turn.content for turn in turns)), verbose=False)[
                "input_ids"
            ]
            return Prompt(tuple(source), (self.start, *self.encode(prefix)), prefix[-_TAIL:], truncated=False)
        raw = turns[0].role == "text"
        text = (turns[0].content if raw else self._templated(turns)) + prefix
        ids = self.tokenizer(well_formed(text), add_special_tokens=raw, verbose=False)["input_ids"]
        if not ids:
            raise InputError("the prompt has no tokens")
        return Prompt((), tuple(ids), text[-_TAIL:], truncated=False)

    def _templated(self, turns: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise InputError("the model's folder has no chat template: give one message whose role is text")
        try:
            return self._rendered(turns)
        except TemplateError as error:
            # Gemma's has no system role.
            if turns[0].role != "system" or len(turns) < 2:
                raise InputError(f"the chat template does not take these turns: {error}") from error
            merged = Message(turns[1].role, f"{turns[0].content}\n\n{turns[1].content}")
            return self._templated([merged, *turns[2:]])

    def _rendered(self, turns: Sequence[Message]) -> str:
        conversation = [{"role": turn.role, "content": turn.content} for turn in turns]
        return str(self.tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True))

    def _shorter(self, messages: Sequence[Message], excess: int) -> list[Message]:
        """Without so many tokens, about, of the middle of the longest message."""
        longest = max(range(len(messages)), key=lambda index: len(messages[index].content))
        role, content = messages[longest]
        if not content:
            raise InputError(f"the prompt's template alone is {excess} tokens longer than the model reads")
        surplus = len(content) * (excess + 1) // max(1, len(self.encode(content))) + 1
        return [*messages[:longest], Message(role, _without_middle(content, surplus)), *messages[longest + 1 :]]


def _without_middle(text: str, surplus: int) -> str:
    """The text shorter by so many characters at least, a mark in their place; nothing where none would be left."""
    if surplus <= 0:
        return text
    kept = len(text) - surplus - len(_GAP)
    return f"{text[: (kept + 1) // 2]}{_GAP}{text[len(text) - kept // 2 :]}" if kept > 0 else ""
