"""What the text of passages and queries goes through before it stands in a prompt."""

from __future__ import annotations

import re

# Chat templates (DeepSeek writes full-width bars), sentencepiece, BERT, T5's sentinels, Mistral, Llama 2, Gemma, Qwen,
# tags of thinking and of answers. None holds white space: `<| f |>` is a program's.
_TOKENS = (
    r"<[|｜][^<>|｜\s]{1,64}[|｜]>"
    r"|</?(?:s|bos|eos|unk|pad|mask|cls|sep|think|thinking|reason|answer|tool_call|tool_response|instruct)>"
    r"|<(?:start|end)_of_(?:turn|image)>|<extra_id_[0-9]{1,4}>|<unused_?[0-9]{1,4}>"
    r"|<</?SYS>>|\[/?(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|\[(?:CLS|SEP|MASK|PAD|UNK)\]|◁/?think▷|<seed:/?think>|</?seed:think>"
)
_TOKEN = re.compile(_TOKENS, re.IGNORECASE)
_TOKEN_AT_END = re.compile(rf"(?:{_TOKENS})\Z", re.IGNORECASE)
_PART = re.compile(r"[^>\]▷]*+[>\]▷]|[^>\]▷]++")
_LONGEST_TOKEN = 72

_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Tokenisers drop or fold these, and then read the sign that they hid. Between letters of other scripts and in emoji
# what has no width means something; beside ASCII it does not.
_NO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0100-\U000e01ef]+"
)
_TO_FULL_WIDTH = 0xFEE0
_FULL_WIDTH = str.maketrans("＜＞［］", "<>[]")
# Controls, and the invisible tag characters in which text can be hidden from a reader but not from a model.
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Printable ASCII, line breaks and tabs, and none of the signs that tokens, tags and identifiers begin with: as most
# passages are, so that one look is enough.
_ORDINARY = re.compile(r"[\n\t -;=?-Z\\^-{}~]*+")
# A word of more characters counts as several, or text without spaces would have no end.
_LONGEST_WORD = 16
_SIGNS = r"\s*+(?:&gt;|[-–,;，、=≈>≥≻→]){1,3}+\s*+"
# Readers take quotation marks off: `["12"]` is a name too.
_NUMBER, _LETTERS = (rf"[\"']?{each}[\"']?" for each in ("[0-9０-９]{1,12}", "[A-Z]{1,2}"))
_IDENTIFIER = re.compile(
    r"\[(\s*+(?:(?:passage|document|doc|text|candidate|identifier|id|option|#)s?[\s:#.]{0,3})?"
    rf"(?:-?{_NUMBER}(?:{_SIGNS}{_NUMBER})*+|{_LETTERS}(?:{_SIGNS}{_LETTERS})*+)\s*+)\]",
    re.IGNORECASE | re.ASCII,
)
_LISTED = re.compile(r"(?<![^\W_])(passage)[ _#]?([0-9]{1,12})(?!\w)", re.IGNORECASE | re.ASCII)


def cleaned(text: str, *, brackets: bool, words: int | None, one_line: bool) -> str:
    """The text without what a prompt could take for its own.

    Special tokens of chat templates go, also those that come together when others go; control characters go, but not
    line breaks and tabs; lone surrogates are replaced; angles and square brackets of full width become plain ones, and
    what has no width goes where it stands beside ASCII. With `brackets`, `[12]` and `[B]` become `(12)` and `(B)`: they
    look like names of passages. The text is cut after so many `words`, and after 16 characters for each; with
    `one_line`, white space becomes one space. In time linear in the length of the text.
    """
    if not _ORDINARY.fullmatch(text):
        text = _stripped(text, brackets=brackets)
    if words is not None:
        text = _cut(text, words)
    return " ".join(text.split()) if one_line else text


def fenced(text: str, tag: str = "passage") -> str:
    """The text, so that it cannot close or open the tag that it is put between: `</passage` becomes `&lt;/passage`."""
    letters = "".join(f"[{letter}{chr(ord(letter) + _TO_FULL_WIDTH)}]" for letter in tag)
    return re.sub(rf"<(?=\s*+[/／]?+\s*+{letters}(?![\w-]))", "&lt;", text, flags=re.IGNORECASE)


def renamed(text: str) -> str:
    """The text, so that it does not name passages as LRL does: `PASSAGE12` becomes `PASSAGE (12)`."""
    return _LISTED.sub(r"\1 (\2)", text)


def _stripped(text: str, *, brackets: bool) -> str:
    text = _UNSEEN.sub("", _LINE_BREAKS.sub("\n", _SURROGATE.sub("\ufffd", text)))
    text = _without_tokens(_NO_WIDTH.sub(_shown, text.translate(_FULL_WIDTH)))
    return _IDENTIFIER.sub(r"(\1)", text) if brackets else text


def _shown(run: re.Match[str]) -> str:
    """What has no width, or nothing where it stands beside a sign, letter or digit of ASCII."""
    beside = run.string[max(0, run.start() - 1) : run.start()] + run.string[run.end() : run.end() + 1]
    return "" if any("!" <= each <= "~" for each in beside) else run[0]


def _without_tokens(text: str) -> str:
    """The text without special tokens: each is taken off the end of what is kept as soon as it is whole there.

    So what stands on both sides of one that goes is seen together, and every character is looked at a bounded number
    of times.
    """
    if not _TOKEN.search(text):
        return text
    kept: list[str] = []
    for part in _PART.findall(text):
        kept.extend(part)
        tail = "".join(kept[-_LONGEST_TOKEN:])
        if found := _TOKEN_AT_END.search(tail):
            del kept[len(kept) - len(tail) + found.start() :]
    return "".join(kept)


def _cut(text: str, words: int) -> str:
    """The text up to the end of so many words, or of the characters that these may have."""
    text = text[: max(0, words) * _LONGEST_WORD]
    parts = text.split(maxsplit=words)
    return text if len(parts) <= words else text[: len(text) - len(parts[words])].rstrip()
