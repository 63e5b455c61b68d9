"""What stands between braces in a template: a name, and the values that may stand there.

{k:10..100}         whole numbers, one by one, where only a whole number may stand
{p:0..1}            else a hundredth of the range at a time
{k:10..100/10}      in steps
{t:0.01..10 log}    25 values, each the same number of times the one before
{a:lexical|similarity}    one of these texts
{k}                 the same value as where `k` was declared
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shortlist.errors import InputError

# Settings in braces, such as {'model': 'static'}, begin with a quote: they are no holes.
HOLE = re.compile(r"\{\s*([A-Za-z_]\w*)\s*(?::([^{}]*))?\}")
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?:/\s*({_NUMBER})|(log))?\s*")
_PARTS, _MULTIPLES, _MOST = 100, 25, 10_000


@dataclass(frozen=True)
class Hole:
    """A place for one of some values.

    Attributes:
        name: of the place, unique in its template.
        values: as they are written, at least one.
        ordered: whether neighbours are alike, as numbers are; a search makes use of it.
    """

    name: str
    values: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True)
class Declared:
    """A hole as it is written: a range may turn out to be one of whole numbers.

    Attributes:
        name: of the place.
        text: what is declared of it.
    """

    name: str
    text: str

    @property
    def doubtful(self) -> bool:
        """Whether it is a range that can be read in two ways: both ends are whole, and no step is given."""
        found = _RANGE.fullmatch(self.text)
        if found is None or found[3] is not None:
            return False
        return float(found[1]).is_integer() and float(found[2]).is_integer()

    def hole(self, *, whole: bool) -> Hole:
        """The hole that is meant.

        Raises:
            InputError: nothing can stand there, or too much.
        """
        found = _RANGE.fullmatch(self.text)
        if found is None:
            return Hole(self.name, self._texts(), ordered=False)
        low, high = float(found[1]), float(found[2])
        if not low < high:
            raise self._wrong("a range goes from less to more")
        numbers = _multiples(low, high) if found[4] else _steps(low, high, self._step(found[3], high - low, whole))
        return Hole(self.name, tuple(dict.fromkeys(_written(each, whole=whole) for each in numbers)), ordered=True)

    def between(self) -> str:
        """A number of the range that is not whole."""
        found = _RANGE.fullmatch(self.text)
        return _written(float(found[1]) + 0.5, whole=False) if found else ""

    def _texts(self) -> tuple[str, ...]:
        texts = tuple(dict.fromkeys(each.strip() for each in self.text.split("|")))
        if ".." in self.text or "" in texts:
            raise self._wrong("write {k:10..100}, {p:0..1/0.1}, {t:0.01..10 log} or {a:lexical|similarity}")
        return texts

    def _step(self, given: str | None, width: float, whole: bool) -> float:  # noqa: FBT001 - of this file alone
        step = float(given) if given else 1.0 if whole else width / _PARTS
        if not 0.0 < step <= width or width / step > _MOST:
            raise self._wrong(f"a step leads from one end to the other in at most {_MOST:,}")
        return step

    def _wrong(self, why: str) -> InputError:
        return InputError(f"{{{self.name}:{self.text}}}: {why}")


def declared(text: str) -> tuple[Declared, ...]:
    """The holes of a template, in order.

    Raises:
        InputError: a name is declared twice, or not at all.
    """
    found = [(hole[1], hole[2]) for hole in HOLE.finditer(text)]
    names = [name for name, told in found if told is not None]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{{{twice[0]}}} is declared twice in {text!r}: write {{{twice[0]}}} the second time")
    if unknown := [name for name, told in found if told is None and name not in names]:
        raise InputError(f"{{{unknown[0]}}} is declared nowhere in {text!r}: write {{{unknown[0]}:low..high}}")
    return tuple(Declared(name, told) for name, told in found if told is not None)


def _steps(low: float, high: float, step: float) -> Iterator[float]:
    for place in range(math.floor((high - low) / step + 1e-9) + 1):
        yield low + place * step


def _multiples(low: float, high: float) -> Iterator[float]:
    if low <= 0.0:
        raise InputError(f"a range of multiples begins above 0, not at {low:g}")
    for place in range(_MULTIPLES):
        yield float(f"{low * (high / low) ** (place / (_MULTIPLES - 1)):.3g}")


def _written(number: float, *, whole: bool) -> str:
    return str(round(number)) if whole else f"{number:.6g}"
