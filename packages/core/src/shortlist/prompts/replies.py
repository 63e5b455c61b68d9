"""What part of a reply is the answer: thinking taken out, the answer's tags taken off."""

from __future__ import annotations

import re
from typing import NamedTuple

LIMIT = 200_000
"""Characters of an answer that are read; of a longer one, the last so many."""

# The tags of DeepSeek, Qwen and most others; GroupRank's <reason>; Magistral, Command A, Kimi, Seed and gpt-oss.
_OPENS = (
    r"<(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?)>|\[THINK\]|<\|START_THINKING\|>|◁think▷"
    r"|<\|channel\|>analysis"
)
_CLOSES = (
    r"</(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?)>|\[/THINK\]|<\|END_THINKING\|>|◁/think▷"
    r"|<\|channel\|>final<\|message\|>"
)
_THINKING = re.compile(f"(?P<opens>{_OPENS})|(?:{_CLOSES})", re.IGNORECASE | re.ASCII)
_ANSWER = re.compile(r"<(/?)answer>", re.IGNORECASE | re.ASCII)
_SPECIAL = re.compile(r"<\|[a-z_]{1,40}\|>|</?s>", re.IGNORECASE | re.ASCII)


class Reply(NamedTuple):
    """The answer in a reply, whether it stood between tags, and what was wrong so far."""

    text: str
    tagged: bool
    notes: tuple[str, ...]


def answer(text: str) -> Reply:
    """The answer in a reply."""
    said, finished = _without_thinking(text)
    notes = [] if finished else ["thinking was not finished"]
    if len(said) > LIMIT:
        said = said[-LIMIT:]
        notes.append(f"only the last {LIMIT} characters were read")
    inside = _between_tags(said)
    told = _SPECIAL.sub(" ", said if inside is None else inside).strip()
    return Reply(told, inside is not None, tuple(notes))


def thinks(text: str) -> bool:
    """Whether a reply holds thinking beside its answer."""
    return bool(_THINKING.search(text))


def _without_thinking(text: str) -> tuple[str, bool]:
    """What was said aloud, and whether the thinking came to an end."""
    aloud: list[str] = []
    start, thinking = 0, False
    for tag in _THINKING.finditer(text):
        if tag["opens"] and not thinking:
            aloud.append(text[start : tag.start()])
        elif not tag["opens"] and not thinking:
            aloud.clear()  # The template opened the thinking: all of it so far was.
        start, thinking = tag.end(), bool(tag["opens"])
    return "\n".join(aloud if thinking else [*aloud, text[start:]]), not thinking


def _between_tags(text: str) -> str | None:
    """What stands in the last `<answer>` that holds anything; one may be left open, or closed without opening."""
    tags = list(_ANSWER.finditer(text))
    ends = [*(tag.start() for tag in tags[1:]), len(text)]
    held = [text[tag.end() : end] for tag, end in zip(tags, ends, strict=False) if not tag[1]]
    if tags and tags[0][1]:
        held.insert(0, text[: tags[0].start()])  # The prompt opened it.
    return next((part for part in reversed(held) if part.strip()), None)
