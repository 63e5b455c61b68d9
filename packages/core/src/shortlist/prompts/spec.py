"""A prompt as data: a template with declared placeholders, what comes back, how to read it, and whose it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from shortlist.errors import InputError

Contract: TypeAlias = Literal["ranking", "selection", "pick", "scores", "number", "labels", "likelihood", "pair"]
"""What one prompt gives: an order of the window, those of it that are kept (in order, possibly none), one of its
passages, a number for each, a number for the one passage, log-probabilities of labels, the log-probability of a target,
or a query and a text for a cross-encoder."""

Reduce: TypeAlias = Literal["probability", "difference", "logit", "expectation", "emitted"]
Ids: TypeAlias = Literal["numbers", "letters"]
Role: TypeAlias = Literal["system", "user", "assistant", "text"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the prompt.

    Attributes:
        role: whose turn; a last one of the assistant's is gone on with, a `text` goes through no chat template.
        content: with placeholders.
        each: whether it is repeated for each passage, with its `{id}` and `{text}`.
    """

    role: Role
    content: str
    each: bool = False


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """How a system asks a language model, as its file says.

    Attributes:
        name: of the system.
        summary: what it is, in one line.
        contract: what one prompt gives.
        turns: of the prompt. Placeholders: `{query}`, `{n}`, `{passages}`, `{ids}`, `{instruction}`,
            `{instruction_line}`; in one that is repeated those of `passage` as well.
        title: of the paper, or of what it follows.
        where: venue, arXiv number or DOI.
        year: of publication.
        checkpoints: models that were trained on it; empty where any will do.
        licence: of those, and what is not certain about it.
        reference: where the exact template is documented.
        passage: one passage in `{passages}`. Placeholders: `{id}`, `{text}`, `{title}` (its metadata's, or else a first
            line that looks like one; `{text}` is then what follows), `{score}` (of the first stage), `{index}` (its
            place from 0), `{query}`.
        separator: between passages.
        ids: how passages are named.
        listed: one name in `{ids}`, where they stand with commas between them. Placeholder: `{id}`.
        window: the most passages that a prompt may hold; 1 for pointwise, 2 for pairwise.
        grammar: what the answer is read with; a file may leave it to the contract.
        reversed: whether the answer names the worst first.
        guided: whether a model that can be held to a form is held to the grammar's; not where it thinks aloud first.
        labels: whose log-probabilities are wanted: of one passage the grades, the best first; of several what is
            written for the first of them, the second and so on, which is their ids where nothing else is given.
        values: of the labels, for `expectation`.
        reduce: how the log-probabilities of labels become a score.
        labels_after: what is written before the labels, such as `</think>`.
        words: that a passage may have; None for all.
        one_line: whether line breaks in passages become spaces.
        context: tokens that prompt and answer may have together; longer passages are shortened until they fit.
        max_tokens: to write at most.
        temperature: that the authors use.
        confidence: whether the log-probability of what is written is wanted too; some servers refuse to tell it.
        instruction: what stands for `{instruction}` where the caller gives none.
        instruction_line: what `{instruction_line}` is where there is an instruction. Placeholders: `{instruction}`,
            `{query}`, `{n}`.
        without_instruction: what it is where there is none.
        target: whose likelihood is wanted.
        strategy: the reranker that its authors use it with; a file may leave it to contract and window.
        settings: of that reranker.
    """

    name: str
    summary: str
    contract: Contract
    turns: tuple[Turn, ...]
    title: str = ""
    where: str = ""
    year: int = 0
    checkpoints: tuple[str, ...] = ()
    licence: str = ""
    reference: str = ""
    passage: str = "{text}"
    separator: str = "\n"
    ids: Ids = "numbers"
    listed: str = "[{id}]"
    window: int = 1
    grammar: str = ""
    reversed: bool = False
    guided: bool = True
    labels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    reduce: Reduce = "probability"
    labels_after: str = ""
    words: int | None = None
    one_line: bool = False
    context: int | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    confidence: bool = False
    instruction: str = ""
    instruction_line: str = ""
    without_instruction: str = ""
    target: str = "{query}"
    strategy: str = ""
    settings: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        from shortlist.prompts.faults import faults

        wrong = next(faults(self), None)
        if wrong:
            raise InputError(f"prompt {self.name}: {wrong}")

    @property
    def bracketed(self) -> bool:
        """Whether answers name passages in brackets, so that `[12]` in a passage could be taken for one."""
        return self.window > 1 and ("[{id}]" in self._written or self.grammar == "selection")

    @property
    def titled(self) -> bool:
        """Whether it shows titles apart from the texts."""
        return "{title}" in self._written

    @property
    def fences(self) -> frozenset[str]:
        """Tags that are put around passages, such as `passage` of `</passage>`."""
        return frozenset(re.findall(r"</([a-z]+)>", self._written)) - _ANSWERS

    @property
    def _written(self) -> str:
        return "".join((self.passage, *(turn.content for turn in self.turns)))

    def named(self, n: int) -> tuple[str, ...]:
        """What the passages of a window are called in its prompt."""
        if self.ids == "letters":
            return tuple(chr(ord("A") + i) for i in range(n))
        return tuple(str(i + 1) for i in range(n))

    def choices(self, n: int) -> tuple[str, ...]:
        """What the answer on a window of n is chosen from: labels, or the names of its passages."""
        return (self.labels if self.window == 1 else self.labels[:n]) or self.named(n)

    @property
    def held(self) -> str:
        """The grammar that a model which can be held to a form is held to; empty for none."""
        return self.grammar if self.guided and self.contract not in ("labels", "likelihood", "pair") else ""

    def weighed(self, n: int) -> tuple[str, ...]:
        """The labels whose log-probabilities are wanted of a window of n; empty where what is written counts."""
        return self.choices(n) if self.contract == "labels" or self.reduce == "emitted" else ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PromptSpec:
        """The spec that a file holds.

        Raises:
            InputError: an unknown or missing field or one of the wrong type, an undeclared placeholder, a template
                without its query or its passages, or fields that do not go together.
        """
        unknown = sorted(set(data) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"a prompt has no field {unknown[0]!r}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        try:
            values.setdefault("grammar", _USUAL.get(str(data.get("contract")), ""))
            values.setdefault("strategy", _usual_strategy(str(data.get("contract")), int(data.get("window", 1))))
            values["turns"] = tuple(Turn(**turn) for turn in data["turns"])
            values["settings"] = tuple(dict(data.get("settings", {})).items())
            return cls(**values)
        except InputError:
            raise
        except KeyError as error:
            raise InputError(f"prompt {data.get('name', '')}: it has no {error}") from error
        except (TypeError, ValueError) as error:
            raise InputError(f"prompt {data.get('name', '')}: {error}") from error


# Where a file does not say how an answer is read.
_USUAL = {"ranking": "ranking", "selection": "selection", "pick": "pick", "scores": "score-map", "number": "number"}


def _usual_strategy(contract: str, window: int) -> str:
    if contract == "selection":
        return "dynamic-rag"
    if window <= 2:
        return "pointwise" if window == 1 else "pairwise"
    return "setwise" if contract == "pick" else "grouped"


# Tags that answers are written in; they stand in templates as examples.
_ANSWERS = frozenset({"answer", "think", "reason"})


@cache
def prompts() -> Mapping[str, PromptSpec]:
    """Every prompt that is shipped, by name."""
    folder = files("shortlist.prompts").joinpath("systems")
    texts = [each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".toml")]
    specs = [PromptSpec.from_dict(tomllib.loads(text)) for text in texts]
    return {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.name)}


def prompt(name: str) -> PromptSpec:
    """A shipped prompt by its name, or one's own by the path of its file.

    Raises:
        InputError: there is none, or its file cannot be read as one.
    """
    if not isinstance(name, str):
        raise InputError(f"a prompt is named by text, not by a {type(name).__name__}")
    if name in prompts():
        return prompts()[name]
    if not name.endswith(".toml"):
        raise InputError(f"no prompt is named {name!r}; there are {', '.join(prompts())}, or the path of a .toml file")
    try:
        return _from_file(name, Path(name).stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise InputError(f"the prompt file {name}: {error}") from error


@lru_cache(maxsize=64)
def _from_file(path: str, _changed: int) -> PromptSpec:
    return PromptSpec.from_dict(tomllib.loads(Path(path).read_text("utf-8")))
