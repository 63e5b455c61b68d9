"""What can be wrong with a prompt: found when it is read, and not when a model answers nonsense."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import get_args

from shortlist.prompts.grammar import GRAMMARS, SELECTIONS
from shortlist.prompts.spec import Contract, Ids, PromptSpec, Reduce, Role

IN_TURNS = frozenset({"query", "n", "passages", "ids", "instruction", "instruction_line"})
"""Placeholders of a turn; one that is repeated for each passage has those of a passage as well."""

IN_PASSAGE = frozenset({"id", "index", "title", "text", "score", "query"})
"""Placeholders of a passage."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_READ_BY_GRAMMAR = ("ranking", "selection", "pick", "scores", "number")
_OF_ONE = ("number", "likelihood", "pair")
_OF_SEVERAL = ("ranking", "selection", "pick")


def faults(spec: PromptSpec) -> Iterator[str]:
    """Each, in words; the first of them is the one to mend first."""
    yield from _wrong_types(spec)
    yield from _wrong_words(spec)
    yield from _wrong_templates(spec)
    yield from _wrong_window(spec)
    yield from _wrong_labels(spec)
    yield from _wrong_limits(spec)


def _wrong_types(spec: PromptSpec) -> Iterator[str]:
    for field in fields(spec):
        value = getattr(spec, field.name)
        kind = str if field.default is MISSING and field.name != "turns" else type(field.default)
        if field.name in ("words", "context"):
            kind = int if value is not None else type(None)
        if field.name != "turns" and type(value) is not kind and (kind, type(value)) != (float, int):
            yield f"{field.name} is a {type(value).__name__}, not a {kind.__name__}"
    if any(type(each) is not str for each in (*spec.labels, *spec.checkpoints)):
        yield "labels and checkpoints are text"
    if any((type(turn.content), type(turn.each)) != (str, bool) for turn in spec.turns):
        yield "the content of a turn is text, and its each is true or false"


def _wrong_words(spec: PromptSpec) -> Iterator[str]:
    for name, words in (("contract", Contract), ("reduce", Reduce), ("ids", Ids)):
        if getattr(spec, name) not in get_args(words):
            yield f"no {name} is {getattr(spec, name)!r}; there are {', '.join(get_args(words))}"
    if spec.contract in _READ_BY_GRAMMAR and spec.grammar not in GRAMMARS:
        yield f"no grammar is {spec.grammar!r}; there are {', '.join(GRAMMARS)}"
    if (spec.contract == "selection") != (spec.grammar in SELECTIONS):
        yield f"a selection, and nothing else, is read with {' or '.join(SELECTIONS)}: they know what none is"
    strange = [turn.role for turn in spec.turns if turn.role not in get_args(Role)]
    if strange:
        yield f"no role is {strange[0]!r}; there are {', '.join(get_args(Role))}"
    if {"text"} < {turn.role for turn in spec.turns} - {"assistant"}:
        yield "a text goes through no chat template, so it cannot stand beside turns that do"


def _wrong_templates(spec: PromptSpec) -> Iterator[str]:
    for template, allowed in _places(spec):
        strange = set(_PLACEHOLDER.findall(template)) - allowed
        if strange:
            yield f"{{{min(strange)}}} is no placeholder there; there are {', '.join(sorted(allowed))}"
    if not _asks(spec):
        yield "no {query} in it: the model would never see the question"
    fixed = "".join(turn.content for turn in spec.turns if not turn.each)
    in_passages = "{passages}" in fixed and "{text}" in spec.passage
    if not in_passages and not any(turn.each and "{text}" in turn.content for turn in spec.turns):
        yield "no {passages} in it, or no {text} in those: the model would never see them"
    if spec.contract == "pair" and len(spec.turns) != 2:
        yield "a pair is two turns: the query's and the passage's"


def _places(spec: PromptSpec) -> Iterator[tuple[str, frozenset[str]]]:
    """Each template, and what may stand in it."""
    for turn in spec.turns:
        yield turn.content, IN_TURNS | IN_PASSAGE if turn.each else IN_TURNS
    yield spec.passage, IN_PASSAGE
    yield spec.listed, frozenset({"id"})
    yield spec.target, frozenset({"query"})
    yield from ((line, frozenset({"instruction", "query", "n"})) for line in _lines(spec))


def _asks(spec: PromptSpec) -> bool:
    """Whether the model sees the query, be there an instruction or not."""
    turns = "".join(turn.content for turn in spec.turns)
    always = turns + spec.passage + (spec.target if spec.contract == "likelihood" else "")
    lines = _lines(spec) if "{instruction_line}" in turns else ("",)
    return all("{query}" in always + line for line in lines)


def _lines(spec: PromptSpec) -> tuple[str, str]:
    return spec.instruction_line, spec.without_instruction


def _wrong_window(spec: PromptSpec) -> Iterator[str]:
    if spec.window < 1:
        yield "its window holds no passage"
    if spec.contract in _OF_ONE and spec.window != 1:
        yield f"the contract {spec.contract} is for one passage, and its window is {spec.window}"
    if spec.contract in _OF_SEVERAL and spec.window == 1:
        yield f"the contract {spec.contract} is for several passages, and its window is 1"
    if spec.ids == "letters" and spec.window > 26:
        yield "there are 26 letters"


def _wrong_labels(spec: PromptSpec) -> Iterator[str]:
    wanted = spec.contract == "number" or (spec.contract == "labels" and spec.window == 1)
    least = {"difference": 2, "expectation": 2}.get(spec.reduce, 1) if wanted else 0
    if len(spec.labels) < least:
        yield f"it needs {least} labels or more, and has {len(spec.labels)}"
    if len(set(spec.labels)) < len(spec.labels):
        yield "a label stands in it twice"
    if spec.labels and 1 < spec.window != len(spec.labels):
        yield f"it needs a label for each place of its window of {spec.window}, and has {len(spec.labels)}"
    if spec.reduce == "expectation" and len(spec.values) != len(spec.labels):
        yield f"it needs a value for each label, and has {len(spec.values)} for {len(spec.labels)}"


def _wrong_limits(spec: PromptSpec) -> Iterator[str]:
    for name, least in (("words", 1), ("context", 1), ("max_tokens", 0), ("temperature", 0)):
        value = getattr(spec, name)
        if value is not None and value < least:
            yield f"{name} is {value}"
    if not all(type(value) in (int, float) and math.isfinite(value) for value in spec.values):
        yield "its values are not all numbers"
