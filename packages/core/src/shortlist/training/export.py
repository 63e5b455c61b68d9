"""Demonstrations and preferences as the trainers TRL and LLaMA-Factory read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from shortlist.errors import InputError
from shortlist.models.base import Message
from shortlist.prompts.spec import PromptSpec
from shortlist.training.trajectories.expert import Trace
from shortlist.training.trajectories.explorer import Explored
from shortlist.training.trajectories.selection import turns, written

Format: TypeAlias = Literal["trl", "llama-factory"]


class Example(NamedTuple):
    """A prompt, and what a policy is to write.

    Attributes:
        turns: what the reranker sends, to the byte.
        chosen: the answer to learn.
        rejected: the one that it is preferred to; None in a demonstration.
    """

    turns: tuple[Message, ...]
    chosen: str
    rejected: str | None = None


def demonstration(trace: Trace, spec: PromptSpec) -> Example:
    """An expert's list as an example for supervised fine-tuning."""
    return Example(turns(trace.question, spec), written(trace.ids, spec))


def preference(explored: Explored, spec: PromptSpec, margin: float) -> Example | None:
    """The best and the worst list as an example for DPO; None where no two differ by the margin in reward."""
    pair = explored.pair(margin)
    if pair is None:
        return None
    return Example(turns(explored.question, spec), written(pair.chosen.ids, spec), written(pair.rejected.ids, spec))


def trl(example: Example) -> dict[str, Any]:
    """A row of TRL's conversational formats: prompt and completion, or prompt, chosen and rejected."""
    prompt = [{"role": turn.role, "content": turn.content} for turn in example.turns]
    chosen = _said("role", "assistant", "content", example.chosen)
    if example.rejected is None:
        return {"prompt": prompt, "completion": [chosen]}
    rejected = _said("role", "assistant", "content", example.rejected)
    return {"prompt": prompt, "chosen": [chosen], "rejected": [rejected]}


def llama_factory(example: Example) -> dict[str, Any]:
    """A row of LLaMA-Factory's `sharegpt` format, the system prompt in a column of its own.

    Raises:
        InputError: the turns are not, after a system prompt, by turns a user's and an assistant's, a user's last.
    """
    system, rest = _split(example.turns)
    talk = [_said("from", _SPEAKERS[turn.role], "value", turn.content) for turn in rest]
    chosen = _said("from", "gpt", "value", example.chosen)
    if example.rejected is None:
        return {"conversations": [*talk, chosen], "system": system}
    rejected = _said("from", "gpt", "value", example.rejected)
    return {"conversations": talk, "system": system, "chosen": chosen, "rejected": rejected}


def dataset_info(name: str, file: str, *, ranking: bool) -> dict[str, Any]:
    """The entry of a file in LLaMA-Factory's `dataset_info.json`."""
    columns = {"messages": "conversations", "system": "system"}
    if not ranking:
        return {name: {"file_name": file, "formatting": "sharegpt", "columns": columns}}
    columns |= {"chosen": "chosen", "rejected": "rejected"}
    return {name: {"file_name": file, "formatting": "sharegpt", "ranking": True, "columns": columns}}


def check_prompt(turned: Sequence[Message], form: Format) -> None:
    """See that a prompt can be written, before anything is paid for that is to follow it.

    Raises:
        InputError: it cannot, in this format.
    """
    _ROWS[form](Example(tuple(turned), ""))


def write_examples(folder: Path, name: str, examples: Sequence[Example], form: Format) -> Path:
    """Write the examples to `<name>.<form>.jsonl`; for LLaMA-Factory, enter the file in `dataset_info.json` as well.

    Examples of one file are all demonstrations, or all preferences.

    Raises:
        InputError: no such format, no example, examples of both kinds, or the folder cannot be written to.
    """
    if form not in get_args(Format):
        raise InputError(f"no format is {form!r}; there are {', '.join(get_args(Format))}")
    ranking = {example.rejected is not None for example in examples}
    if len(ranking) != 1:
        raise InputError("examples are wanted, all of one kind")
    file = folder / f"{name}.{form}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{json.dumps(row)}\n" for row in map(_ROWS[form], examples)), "utf-8")
        if form == "llama-factory":
            _enter(folder / "dataset_info.json", dataset_info(name, file.name, ranking=ranking.pop()))
    except OSError as error:
        raise InputError(f"cannot write {file}: {error}") from error
    return file


def demonstrations(traces: Iterable[Trace], spec: PromptSpec) -> list[Example]:
    """Each trace as an example."""
    return [demonstration(trace, spec) for trace in traces]


def preferences(found: Iterable[Explored], spec: PromptSpec, margin: float) -> list[Example]:
    """An example for each question with two lists that differ by the margin in reward."""
    return [example for each in found if (example := preference(each, spec, margin)) is not None]


_SPEAKERS: Mapping[str, str] = MappingProxyType({"user": "human", "assistant": "gpt"})
_ROWS: Mapping[str, Callable[[Example], dict[str, Any]]] = MappingProxyType(
    {"trl": trl, "llama-factory": llama_factory}
)


def _said(role: str, speaker: str, content: str, text: str) -> dict[str, str]:
    return {role: speaker, content: text}


def _split(turned: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The system prompt, empty where there is none, and the other turns."""
    system, rest = (turned[0].content, turned[1:]) if turned[0].role == "system" else ("", turned)
    if [turn.role for turn in rest] != ["user", *["assistant", "user"] * (len(rest) // 2)]:
        raise InputError("LLaMA-Factory reads turns of a user's and an assistant's, one after the other, a user's last")
    return system, rest


def _enter(file: Path, entry: Mapping[str, Any]) -> None:
    """Add the entry to those that are there."""
    try:
        held = json.loads(file.read_text("utf-8")) if file.exists() else {}
        file.write_text(json.dumps({**held, **entry}, indent=2) + "\n", "utf-8")
    except (ValueError, TypeError) as error:
        raise InputError(f"{file} is no dataset_info.json of LLaMA-Factory: {error}") from error
