"""Passages and criteria as they stand in a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from shortlist.criteria.judged import Criterion, key_of
from shortlist.passage import Passage
from shortlist.prompts.safety import cleaned, fenced

# Of a value in metadata, and of a sentence about a criterion that a model wrote.
_WORDS = 40

# What prompts and answers write at the beginning of a line, where a passage could pass itself off as another, or as an
# answer. Readers of answers skip lines that are marked as quoted.
_PROTOCOL_LINE = re.compile(
    r"^(?=[^\S\n]{0,8}(?:Document\s{1,4}[0-9]|Doc\s{0,4}:|Question\s{0,4}:|Answer\s{0,4}:))",
    re.IGNORECASE | re.MULTILINE,
)


@cache
def template(name: str) -> str:
    """The text of a template file, without its last line break."""
    return files("shortlist.criteria").joinpath("templates", f"{name}.txt").read_text("utf-8").removesuffix("\n")


def document(number: int, passage: Passage, keys: Sequence[str], words: int | None, *, fence: bool) -> str:
    """`Document 3:`, a line for each of the metadata keys that the passage has, and its text."""
    text = _PROTOCOL_LINE.sub("> ", cleaned(passage.text, brackets=False, words=words, one_line=False))
    known = [(key, passage.metadata[key]) for key in keys if passage.metadata.get(key) is not None]
    lines = [f"{key}: {one_line(str(value))}" for key, value in known]
    shown = f"<passage>\n{fenced(text)}\n</passage>" if fence else text
    return "\n".join([f"Document {number}:", *lines, shown])


def documents(passages: Sequence[Passage], keys: Sequence[str], words: int | None, *, fence: bool) -> str:
    """All of them, numbered from 1, with an empty line between."""
    return "\n\n".join(document(i, each, keys, words, fence=fence) for i, each in enumerate(passages, 1))


def one_line(text: str) -> str:
    """A short text in the middle of a prompt: cleaned, on one line, cut."""
    return fenced(cleaned(text, brackets=False, words=_WORDS, one_line=True))


def query_text(query: str) -> str:
    """The query, cleaned."""
    return cleaned(query, brackets=False, words=None, one_line=False)


def told(criterion: Criterion) -> str:
    """Definition and ends of its scale, in one line."""
    ends = ((criterion.definition, ""), (criterion.high, "5: "), (criterion.low, "0: "))
    return " ".join(f"{head}{one_line(text)}" for text, head in ends if text.strip())


def rubric(criteria: Sequence[Criterion]) -> str:
    """A line for each criterion: the key that answers use, its range, its name, what it means."""
    return "\n".join(f"- {key_of(c.name)}, from 0 to 5 ({one_line(c.name)}). {told(c)}".rstrip() for c in criteria)


def answer_form(columns: Sequence[str], n: int) -> str:
    """The JSON that an answer should be, with `<number>` where the numbers go."""
    entry = "{" + ", ".join(f"{json.dumps(column)}: <number>" for column in columns) + "}"
    shown = [1, 2, n] if n > 2 else range(1, n + 1)
    parts = [f'"{number}": {entry}' for number in shown]
    return '{"scores": {' + ", ".join(parts[:2] + ["..."] * (n > 3) + parts[2:]) + "}}"


def answer_schema(columns: Sequence[str], tops: Sequence[float], n: int) -> str:
    """A JSON schema that asks for every number of every document of the batch, and for nothing else."""
    numbers: dict[str, object] = {
        column: {"type": "number", "minimum": 0, "maximum": top} for column, top in zip(columns, tops, strict=True)
    }
    entry = _closed(numbers)
    return json.dumps(_closed({"scores": _closed({str(number): entry for number in range(1, n + 1)})}))


def _closed(properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
