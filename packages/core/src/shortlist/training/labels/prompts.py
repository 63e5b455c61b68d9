"""What a model is asked when labels are made: templates in files, filled with texts that cannot speak in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from shortlist.errors import InputError, checked_count
from shortlist.models.base import ChatRequest, Message
from shortlist.passage import Passage
from shortlist.prompts.render import filled, titled
from shortlist.prompts.safety import cleaned, fenced
from shortlist.prompts.spec import Turn

Task: TypeAlias = Literal["query", "change", "check", "rewrite", "answer"]

_TURN_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "query": frozenset({"passage", "examples"}),
        "change": frozenset({"passage", "query", "attribute"}),
        "check": frozenset({"passage", "query"}),
        "rewrite": frozenset({"query", "persona"}),
        "answer": frozenset({"query", "given"}),
    }
)
"""What a prompt for each task may hold."""
_OPTIONAL = frozenset({"examples", "persona"})
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_TAGS = ("passage", "query")


class Example(NamedTuple):
    """What a model is shown before it is asked.

    Attributes:
        passage: a text.
        query: what somebody may ask who is looking for it.
        bad: what is no good query for it; empty where nobody wrote one.
    """

    passage: str
    query: str
    bad: str = ""


@dataclass(frozen=True, slots=True)
class LabelPrompt:
    """How a model is asked for one kind of label, as a file says.

    Attributes:
        name: of the prompt.
        summary: what it is, in one line.
        task: `query` (a query for a passage), `change` (the query with one attribute changed), `check` (can the passage
            answer the query?), `rewrite` (the query as a persona asks it) or `answer` (the answer to the query).
        turns: of the prompt. Placeholders by task: `{passage}` and `{examples}`; `{passage}`, `{query}` and
            `{attribute}`; `{passage}` and `{query}`; `{query}` and `{persona}`; `{query}` and `{given}`.
        reference: what it follows.
        example: one example in `{examples}`. Placeholders: `{passage}`, `{query}`, `{bad}`.
        examples: those shown when the caller has none.
        label: what the line with the query begins with; empty where the first line is the query.
        contrast: what the line with a bad query begins with, for prompts that ask for one, too.
        given: what `{given}` is where there is a passage. Placeholder: `{passage}`.
        without: what it is where there is none.
        target: the text whose likelihood is wanted. Placeholder: `{answer}`.
        words: that a passage may have.
        max_tokens: to write at most.

    Raises:
        InputError: a number that cannot be, an unknown task, a placeholder that the task does not have, or one missing.
    """

    name: str
    summary: str
    task: Task
    turns: tuple[Turn, ...]
    reference: str = ""
    example: str = ""
    examples: tuple[Example, ...] = ()
    label: str = ""
    contrast: str = ""
    given: str = ""
    without: str = ""
    target: str = "{answer}"
    words: int = 300
    max_tokens: int = 64

    def __post_init__(self) -> None:
        checked_count(self.words, f"prompt {self.name}: words")
        checked_count(self.max_tokens, f"prompt {self.name}: max_tokens")
        if wrong := next(self._faults(), None):
            raise InputError(f"prompt {self.name}: {wrong}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelPrompt:
        """The prompt that a file holds.

        Raises:
            InputError: an unknown or missing field, one of another type, or what `LabelPrompt` refuses.
        """
        if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
            raise InputError(f"a prompt for labels has no field {unknown[0]!r}")
        try:
            turns = tuple(Turn(**turn) for turn in data["turns"])
            examples = tuple(Example(**each) for each in data.get("examples", ()))
            return cls(**{**data, "turns": turns, "examples": examples})
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"prompt {data.get('name', '')}: {error}") from error

    def messages(self, values: Mapping[str, str], examples: Sequence[Example] = ()) -> tuple[Message, ...]:
        """The turns with these values, and with these examples or else its own."""
        told = "\n\n".join(filled(self.example, self._safe(each._asdict())) for each in examples or self.examples)
        own = {**self._safe(values), "examples": told}
        return tuple(Message(turn.role, filled(turn.content, own)) for turn in self.turns)

    def request(self, values: Mapping[str, str], examples: Sequence[Example] = ()) -> ChatRequest:
        """The same as a request."""
        return ChatRequest(self.messages(values, examples), max_tokens=self.max_tokens)

    def _safe(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value if name == "given" else self.safe(value, name) for name, value in values.items()}

    def safe(self, text: str, name: str = "passage") -> str:
        """The text as it may stand in the prompt: special tokens gone, fences kept, passages cut, the rest one line."""
        long = name == "passage"
        text = cleaned(text, brackets=False, words=self.words if long else None, one_line=not long)
        for tag in _TAGS:
            text = fenced(text, tag)
        return text

    def _faults(self) -> Iterator[str]:
        if self.task not in _TURN_FIELDS:
            yield f"no task is {self.task!r}; there are {', '.join(_TURN_FIELDS)}"
            return
        allowed = _TURN_FIELDS[self.task]
        held = {name for turn in self.turns for name in _PLACEHOLDER.findall(turn.content)}
        if unknown := sorted(held - allowed):
            yield f"{self.task} has no placeholder {{{unknown[0]}}}"
        if missing := sorted(allowed - held - _OPTIONAL):
            yield f"its turns lack {{{missing[0]}}}"
        if ("examples" in held) != bool(self.example):
            yield "{examples} in the turns and a template of one example go together"
        if self.task == "answer" and ("{passage}" not in self.given or "{answer}" not in self.target):
            yield "'given' lacks {passage}, or 'target' lacks {answer}"


@cache
def label_prompts() -> Mapping[str, LabelPrompt]:
    """Every prompt for labels that is shipped, by name."""
    folder = files("shortlist.training.labels").joinpath("templates")
    texts = [each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".toml")]
    found = [LabelPrompt.from_dict(tomllib.loads(text)) for text in texts]
    return MappingProxyType({each.name: each for each in sorted(found, key=lambda each: each.name)})


def label_prompt(name: str, task: Task) -> LabelPrompt:
    """A shipped prompt by its name, or one's own by the path of its file.

    Raises:
        InputError: there is none, its file cannot be read as one, or it is for another task.
    """
    found = label_prompts().get(name) or _from_file(name, task)
    if found.task != task:
        raise InputError(f"prompt {name} is for {found.task!r}, not for {task!r}")
    return found


def _from_file(name: str, task: Task) -> LabelPrompt:
    if not name.endswith(".toml"):
        known = ", ".join(each for each, prompt in label_prompts().items() if prompt.task == task)
        raise InputError(f"no prompt is named {name!r}; there are {known}, or the path of a .toml file")
    try:
        return LabelPrompt.from_dict(tomllib.loads(Path(name).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"the prompt file {name}: {error}") from error


def text_of(passage: Passage) -> str:
    """What a model reads of a passage: its title, where it has one, and its text."""
    title, text = titled(passage)
    return f"{title}\n{text}" if title else text
