"""Templates filled: from a spec, a query and passages to the turns that a model is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from shortlist.passage import Passage
from shortlist.prompts.read_selection import unsaid
from shortlist.prompts.safety import cleaned, fenced, renamed
from shortlist.prompts.spec import PromptSpec, Role

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_BYTES_PER_TOKEN = 4
_SHORTEST = 40
"""Characters that a passage keeps, whatever the room."""
_TITLE_WORDS = 16
_TITLE = re.compile(r".{0,160}[^\s.!?:;,]")


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced in one pass: braces inside a value stay what they are."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def render(
    spec: PromptSpec, query: str, passages: Sequence[Passage], instruction: str | None = None
) -> tuple[tuple[Role, str], ...]:
    """The turns of the prompt: role and content.

    Passages, titles and query are cleaned on their way in: of special tokens of chat templates, of tags that fence
    passages, and of look-alikes of the names that answers give to passages. Passages are cut to the spec's `words`,
    and the longest of them further when the whole would not fit its `context`, a token taken for four bytes.
    """
    shown = [titled(passage) if spec.titled else ("", passage.text) for passage in passages]
    texts = [_safe(spec, text, spec.words, one_line=spec.one_line) for _, text in shown]
    titles = [_safe(spec, title, _TITLE_WORDS, one_line=True) for title, _ in shown]
    query = _safe(spec, query, None, one_line=False)
    parts = [
        {"id": name, "index": str(place), "title": title, "score": _score(passage), "query": query}
        for place, (name, title, passage) in enumerate(zip(spec.named(len(texts)), titles, passages, strict=True))
    ]
    turns = _turns(spec, parts, texts, query, instruction)
    while spec.context and _tokens(turns) + spec.max_tokens > spec.context:
        room = max(map(len, texts), default=0) * 4 // 5
        if room < _SHORTEST:
            break
        texts = [_cut(text, room) for text in texts]
        turns = _turns(spec, parts, texts, query, instruction)
    return turns


def titled(passage: Passage) -> tuple[str, str]:
    """The passage's title, empty where it has none, and its text without it.

    That is the `title` of its metadata where that is text, or else a first line that looks like one: short, no
    sentence, and not all there is.
    """
    first, _, rest = passage.text.lstrip().partition("\n")
    first, given = first.strip(), passage.metadata.get("title")
    if isinstance(given, str) and given.strip():
        return given, rest if first == given.strip() and rest.strip() else passage.text
    if rest.strip() and _TITLE.fullmatch(first) and len(first.split()) <= _TITLE_WORDS:
        return first, rest
    return "", passage.text


def target(spec: PromptSpec, query: str) -> str:
    """The text whose likelihood is wanted."""
    return filled(spec.target, {"query": _safe(spec, query, None, one_line=False)})


def _turns(
    spec: PromptSpec, parts: Sequence[Mapping[str, str]], texts: Sequence[str], query: str, instruction: str | None
) -> tuple[tuple[Role, str], ...]:
    parts = [{**part, "text": text} for part, text in zip(parts, texts, strict=True)]
    own = {"query": query, "n": str(len(texts)), "ids": ", ".join(filled(spec.listed, part) for part in parts)}
    own["passages"] = spec.separator.join(filled(spec.passage, part) for part in parts)
    own["instruction"] = spec.instruction if instruction is None else instruction
    own["instruction_line"] = filled(spec.instruction_line if own["instruction"] else spec.without_instruction, own)
    turns: list[tuple[Role, str]] = []
    for repeated, group in groupby(spec.turns, key=lambda turn: turn.each):
        block = list(group)
        for values in [{**own, **part} for part in parts] if repeated else [own]:
            turns += [(turn.role, filled(turn.content, values)) for turn in block]
    return tuple(turns)


def _safe(spec: PromptSpec, text: str, words: int | None, *, one_line: bool) -> str:
    text = cleaned(text, brackets=spec.bracketed, words=words, one_line=one_line)
    if spec.grammar == "names":
        text = renamed(text)
    if spec.grammar == "selection":
        text = unsaid(text)
    for tag in spec.fences:
        text = fenced(text, tag)
    return text


def _score(passage: Passage) -> str:
    return "" if passage.score is None else f"{passage.score:.3f}"


def _cut(text: str, room: int) -> str:
    """The text in so many characters, and no part of a word at its end where it has words."""
    if len(text) <= room:
        return text
    end = max(text.rfind(" ", 0, room + 1), text.rfind("\n", 0, room + 1))
    return text[: end if end * 2 > room else room]


def _tokens(turns: Sequence[tuple[Role, str]]) -> int:
    return sum(len(content.encode("utf-8", "replace")) for _, content in turns) // _BYTES_PER_TOKEN
