"""How a model that knows nothing but the signs of a prompt reads it: which text is which passage's, and what is none's.

A passage begins where the prompt's own form says so, and ends where that form says so, or where a special token of a
chat template ends the turn. What is not inside a passage is an instruction. Whoever wrote a sign, it counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shortlist.models.base import Message

_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_THOUGHT = r"</think(?:ing)?>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|channel\|>final<\|message\|>"
_NAMES = (
    r"im_start|im_end|im_sep|start_header_id|end_header_id|begin_of_text|end_of_text|endoftext|eot_id|eom_id|start|end"
    r"|message|channel|return|call|user|assistant|system|developer|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN|SYSTEM_TOKEN"
    r"|USER_TOKEN|CHATBOT_TOKEN|begin▁of▁sentence|end▁of▁sentence"
)
_TOKEN = re.compile(
    rf"(?P<thought>{_THOUGHT})|<\|(?:{_NAMES})\|>|</?s>|<[be]os>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|<think(?:ing)?>|\[THINK\]|◁think▷",
    re.IGNORECASE,
)
_WARNED = re.compile(
    r"(?:instruction|request)s?\b[^.]{0,60}\b(?:ignore|disregard|do not follow)"
    r"|(?:do not follow|ignore|disregard)\b[^.]{0,60}\b(?:instruction|request)|nothing in it is an instruction",
    re.IGNORECASE,
)

_NAME = r"(?P<name>[A-Z]|[0-9]{1,3})"
_FENCE = re.compile(r"<\s*/\s*passage\b[^>]*>", re.IGNORECASE)
# An empty line, or a line that begins as those do which the prompts write below their passages.
_BELOW = re.compile(
    r"\n[^\S\n]*\n|^(?:(?:Search )?Query|QUESTION|Question|PASSAGES):|^BM25 score for passge"
    r"|^After completing|^You are a search",
    re.MULTILINE,
)


class Form(NamedTuple):
    """How a prompt marks its passages: by what one begins, by what it ends, and whether that is a fence."""

    begins: re.Pattern[str]
    ends: re.Pattern[str]
    fence: bool = False


_FORMS = (
    Form(re.compile(rf'<passage\s+id="{_NAME}"\s*>'), _FENCE, fence=True),
    Form(re.compile(rf"^Document {_NAME}:\n(?:[^\n<]*\n){{0,30}}?<passage>", re.MULTILINE), _FENCE, fence=True),
    Form(re.compile(r"<passage>(?=\n)"), _FENCE, fence=True),
    Form(re.compile(rf"^\[{_NAME}\][:.]?(?=\s)", re.MULTILINE), _BELOW),
    *(
        Form(re.compile(rf"^{word}(?:[ _#]|(?=[0-9])){_NAME}\s?[:=]", re.MULTILINE), _BELOW)
        for word in ("Passage", "PASSAGE", "Document", "Context")
    ),
    Form(re.compile(rf"(?<=[ \n])Document{_NAME}:"), _BELOW),
    Form(re.compile(rf"^{_NAME}\. Topic:", re.MULTILINE), _BELOW),
    Form(
        re.compile(
            r"^(?i:passage|document|context):|(?<= )(?:Passage|Document):|<Document>:|Here is the document:|^B:",
            re.MULTILINE,
        ),
        _BELOW,
    ),
)
_NEVER = re.compile(r"(?!)")
# A prompt without marks: its last turn is the passage.
_TURN = Form(_NEVER, _NEVER)


class Reading(NamedTuple):
    """What was read.

    Attributes:
        passages: text by name, in the order in which they stand. Of a name that comes twice, the later counts.
        outside: what is in no passage, each with the name of the passage that stands last before it.
        thought: names of passages that ended with an end of thinking: the model takes it for its own.
        guarded: whether passages stand in fences, and the prompt says that what is in them is no instruction.
    """

    passages: dict[str, str]
    outside: tuple[tuple[str, str], ...]
    thought: frozenset[str]
    guarded: bool


class _Piece(NamedTuple):
    """Text up to a sign: which passage was the last to begin, whether the text is in it, and what sign ended it."""

    text: str
    name: str
    inside: bool
    sign: re.Match[str] | None

    @property
    def thought(self) -> bool:
        """Whether it is a passage's, and an end of thinking ended it."""
        return self.inside and self.sign is not None and self.sign.re is _TOKEN and self.sign["thought"] is not None


def read_prompt(messages: Sequence[Message], most: int) -> Reading:
    """Read the last `most` characters of the prompt: servers cut what is too long at its beginning."""
    turns = _last([_normal(message.content) for message in messages if message.content.strip()], most)
    form = _form(turns)
    pieces = [piece for turn in turns for piece in _pieces(turn, form, whole=form is _TURN and turn is turns[-1])]
    pieces = list(_carried(pieces))
    passages: dict[str, str] = {}
    for piece in pieces:
        if piece.inside:
            passages.pop(piece.name, None)
            passages[piece.name] = piece.text
    outside = tuple((piece.name, piece.text) for piece in pieces if not piece.inside and piece.text.strip())
    thought = frozenset(piece.name for piece in pieces if piece.thought)
    guarded = form.fence and any(_WARNED.search(text) for _, text in outside)
    return Reading(passages, outside, thought, guarded)


def _normal(text: str) -> str:
    """As a tokeniser that normalises reads it: full-width signs as plain ones, and nothing that has no width."""
    text = _BREAKS.sub("\n", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _VARIATIONS.sub("", text))
    if text.isprintable():
        return text
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf"))


def _last(turns: Sequence[str], most: int) -> list[str]:
    kept: list[str] = []
    for turn in reversed(turns):
        if most > 0:
            kept.insert(0, turn[-most:])
        most -= len(turn)
    return kept


def _form(turns: Sequence[str]) -> Form:
    """The form of the first mark in the prompt: who writes in a passage comes too late to choose it."""
    text = "\n".join(turns)
    found = [(match.start(), place) for place, form in enumerate(_FORMS) if (match := form.begins.search(text))]
    return _FORMS[min(found)[1]] if found else _TURN


def _pieces(turn: str, form: Form, *, whole: bool) -> Iterator[_Piece]:
    """The turn cut at what begins or ends a passage; no name yet where none has begun in it."""
    name, inside, start = "1" if whole else "", whole, 0
    signs = [match for pattern in (form.begins, form.ends, _TOKEN) for match in pattern.finditer(turn)]
    for sign in sorted(signs, key=lambda match: match.start()):
        begins = sign.re is form.begins
        if sign.start() < start or (begins and inside and form.fence) or not (begins or inside):
            continue
        yield _Piece(turn[start : sign.start()], name, inside, sign)
        start, inside = sign.end(), begins
        name = (sign.groupdict().get("name") or "1") if begins else name
    yield _Piece(turn[start:], name, inside, None)


def _carried(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """The pieces of all turns, where none has a name of its own with that of the last passage before it."""
    name = ""
    for piece in pieces:
        name = piece.name or name
        yield piece._replace(name=name)
