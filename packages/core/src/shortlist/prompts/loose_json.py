"""The JSON in what a language model wrote: in prose, with commas too many, in Python's spelling, or cut short."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

_STRING = r"""(?P<string>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')"""
_NUMBER = r"(?P<number>[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)"
_WORD = r"(?P<word>[A-Za-z_]\w{0,63}+)"
_OPEN = re.compile(r"[{\[]")
_TOKEN = re.compile(rf"[\s,]*+(?:(?P<open>[{{\[])|(?P<close>[}}\]])|{_STRING}|{_NUMBER}|{_WORD})", re.DOTALL | re.ASCII)
_KEY = re.compile(rf"""[\s,]*+(?:{_STRING}|(?P<bare>\w{{1,64}}+|\[[^\[\]"'\n]{{1,64}}\]))\s*+:""", re.DOTALL | re.ASCII)
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None, "NaN": None}
_STRINGS = json.JSONDecoder(strict=False)
_DEEPEST = 64
_LONGEST_INTEGER = 18


class _Value(NamedTuple):
    value: Any
    start: int
    end: int
    closed: bool


class _Unreadable(Exception):
    """Here the text stops being JSON."""


def loose_json(text: str) -> Any | None:
    """The best JSON value in a text, or None; in linear time, whatever the text is.

    That is the last object or list of those at least half as long as the longest, one that is closed if there is one.
    Of an object that is cut short, or that goes wrong in the middle, what came before stays. Numbers that are not
    finite, and integers of more than 18 digits, become None. Of a key given twice the first counts.
    """
    found: list[_Value] = []
    at = _OPEN.search(text)
    while at:
        found.append(_container(text, at.start()))
        at = _OPEN.search(text, found[-1].end)
    most = max((each.end - each.start for each in found if each.value), default=0)
    full = [each for each in found if each.value and (each.end - each.start) * 2 >= most]
    if not full:
        return found[-1].value if found and found[-1].closed else _scalar(text.strip())
    return next((each for each in reversed(full) if each.closed), full[-1]).value


def _container(text: str, start: int) -> _Value:
    """The object or list that opens at a place, as far as it can be read; commas need not be where they belong."""
    root: Any = {} if text[start] == "{" else []
    stack: list[Any] = [root]
    end = start + 1
    try:
        while stack:
            end = _step(text, end, stack)
    except _Unreadable:
        return _Value(root, start, end, closed=False)
    return _Value(root, start, end, closed=True)


def _step(text: str, at: int, stack: list[Any]) -> int:
    """Read one item, or the end, of the innermost container; returns where it ends."""
    holder, key = stack[-1], None
    token = _TOKEN.match(text, at)
    if token is None:
        raise _Unreadable
    if token["close"]:
        if token["close"] != ("}" if isinstance(holder, dict) else "]"):
            raise _Unreadable
        stack.pop()
        return token.end()
    if isinstance(holder, dict):
        named = _KEY.match(text, at)
        token = named and _TOKEN.match(text, named.end())
        if named is None or token is None or token["close"]:
            raise _Unreadable
        key = named["bare"] or _string(named["string"])
    _put(holder, key, _item(token, stack, len(text)))
    return token.end()


def _item(token: re.Match[str], stack: list[Any], n: int) -> Any:
    """The value that starts with a token; of a container, the empty one that is to be filled."""
    if token["open"]:
        if len(stack) >= _DEEPEST:
            raise _Unreadable
        stack.append({} if token["open"] == "{" else [])
        return stack[-1]
    if token["string"]:
        return _string(token["string"])
    if token["number"]:
        if token.end() == n:
            raise _Unreadable  # More digits may have been to come.
        return _number(token["number"])
    if token["word"] not in _WORDS and isinstance(stack[-1], list):
        raise _Unreadable  # A bracket in prose.
    return _WORDS.get(token["word"])


def _put(holder: Any, key: str | None, value: Any) -> None:
    holder.append(value) if key is None else holder.setdefault(key, value)


def _string(quoted: str) -> str:
    if quoted[0] == "'":
        return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
    try:
        return str(_STRINGS.decode(quoted))
    except ValueError:
        return quoted[1:-1]  # An escape that JSON does not have.


def _number(digits: str) -> int | float | None:
    if digits.lstrip("+-").isdecimal():
        return int(digits) if len(digits) <= _LONGEST_INTEGER else None
    value = float(digits)
    return value if math.isfinite(value) else None


def _scalar(text: str) -> Any | None:
    """A text that is one JSON string, number or truth value."""
    token = _TOKEN.fullmatch(text)
    if token is None or token["open"] or token["close"]:
        return None
    if token["string"]:
        return _string(token["string"])
    return _number(token["number"]) if token["number"] else _WORDS.get(token["word"])
