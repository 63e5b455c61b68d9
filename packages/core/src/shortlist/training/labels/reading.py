"""What a model wrote, as queries and verdicts."""

from __future__ import annotations

import re
from typing import NamedTuple

from shortlist.models.base import ChatReply
from shortlist.prompts.replies import answer
from shortlist.prompts.safety import cleaned
from shortlist.training.labels.prompts import LabelPrompt

_BULLET = re.compile(r"(?:[-*•#>]+|\d{1,2}[.)])\s+")
_LABELLED = re.compile(r"[\s*_]*([A-Za-z][A-Za-z ]{0,30}?)[\s*_]*:[\s*_]*(.*)")
_HEADED = re.compile(r"(?:(?:search |new )?(?:query|question|q)\s*:[\s\"'*_]*)+", re.IGNORECASE)
_QUOTES = "\"'`*_“”‘’«» \t"
_FIRST_WORD = re.compile(r"[^\W\d_]+")


class Written(NamedTuple):
    """The query of a reply, and the bad one beside it; empty where there is none."""

    query: str
    bad: str


def read_query(reply: ChatReply, prompt: LabelPrompt) -> Written:
    """What stands behind the prompt's label, or else the first line that is no announcement.

    Thinking, bullets, numbers, quotation marks, words such as `Question:` and special tokens are taken off. A last line
    that the limit of tokens cut is none.
    """
    text = reply.text.rpartition("\n")[0] if reply.cut else reply.text
    lines = [line for each in answer(text).text.split("\n") if (line := _BULLET.sub("", each.strip(), count=1))]
    labelled = [(match[1].casefold(), match[2]) for line in lines if (match := _LABELLED.fullmatch(line))]
    found = {name: said for name, said in reversed(labelled) if said.strip()}
    bad = found.get(prompt.contrast.casefold(), "")
    query = found.get(prompt.label.casefold(), "") or found.get("query", "") or _first(lines, prompt)
    return Written(_plain(query), _plain(bad))


def _first(lines: list[str], prompt: LabelPrompt) -> str:
    if prompt.contrast:  # without its label nobody knows which of the two it is
        return ""
    return next((line for line in lines if not line.rstrip(_QUOTES).endswith(":")), "")


def _plain(line: str) -> str:
    said = cleaned(line, brackets=False, words=None, one_line=True).strip(_QUOTES)
    if headed := _HEADED.match(said):
        said = said[headed.end() :]
    return "" if said.casefold().rstrip(".") in ("none", "n/a") else said


def read_verdict(text: str) -> bool | None:
    """Whether the first word is yes or no; None where it is neither."""
    word = _FIRST_WORD.search(answer(text).text)
    return None if word is None else {"yes": True, "no": False}.get(word[0].casefold())
