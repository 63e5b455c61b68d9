"""The pipelines that a search may choose from: templates of expressions, with ranges where their settings stand."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from shortlist.errors import InputError
from shortlist.evaluation.tuning.holes import HOLE, Declared, Hole, declared
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import parse


@dataclass(frozen=True)
class Template:
    """An expression with holes in it, such as `lexical[:{k:10..100}] >> cross-encoder`.

    Attributes:
        text: as it is written; `shortlist.evaluation.tuning.holes` says what may stand between braces.
        holes: of the template, in order.
    """

    text: str
    holes: tuple[Hole, ...]

    @classmethod
    def read(cls, text: str) -> Template:
        """The template that is written so.

        A range of whole ends is one of whole numbers where a setting, or `[:k]`, takes no other.

        Raises:
            InputError: it cannot be read, or makes no reranker at one of the ends of a range.
            MissingExtra: it makes one that needs a package which is not here.
        """
        told = declared(text)
        plain = cls(text, tuple(each.hole(whole=each.doubtful) for each in told))
        template = cls(text, tuple(each.hole(whole=_is_whole(plain, each)) for each in told))
        for texts in template.ends():
            _one_made(texts, parse)
        return template

    @property
    def size(self) -> int:
        """How many expressions it stands for."""
        return math.prod(len(hole.values) for hole in self.holes)

    def filled(self, values: Mapping[str, str]) -> str:
        """The expression with these values, by the names of the holes."""
        return HOLE.sub(lambda hole: values[hole[1]], self.text)

    def all(self) -> Iterator[str]:
        """Every expression that it stands for."""
        names = [hole.name for hole in self.holes]
        for values in product(*(hole.values for hole in self.holes)):
            yield self.filled(dict(zip(names, values, strict=True)))

    def ends(self) -> Iterator[tuple[str, str]]:
        """Expressions by which it is seen whether the template makes rerankers.

        For both ends of all ranges, and for each text in each hole, two of which one must: numbers may depend on each
        other, as `min_k` and `max_k` do.
        """
        first, last = ({hole.name: hole.values[end] for hole in self.holes} for end in (0, -1))
        yield self.filled(first), self.filled(first)
        yield self.filled(last), self.filled(last)
        for hole in self.holes:
            for value in () if hole.ordered else hole.values:
                yield self.filled({**first, hole.name: value}), self.filled({**last, hole.name: value})


def _one_made(texts: tuple[str, str], made: Callable[[str], Reranker]) -> Reranker:
    try:
        return made(texts[0])
    except InputError as error:
        try:
            return made(texts[1])
        except InputError:
            raise error from None


def _is_whole(plain: Template, told: Declared) -> bool:
    """Whether no fraction may stand there, as the reranker itself has it."""
    if not told.doubtful:
        return False
    values = {hole.name: hole.values[0] for hole in plain.holes}
    parse(plain.filled(values))
    try:
        parse(plain.filled({**values, told.name: told.between()}))
    except InputError:
        return True
    return False


@dataclass(frozen=True)
class Space:
    """Templates to choose from.

    Attributes:
        templates: one or more.

    Raises:
        InputError: there is none.
    """

    templates: tuple[Template, ...]

    def __post_init__(self) -> None:
        if not self.templates:
            raise InputError("a space needs a pipeline or more")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Space:
        """The space of templates that are written so.

        Raises:
            InputError: one cannot be read, or there is none.
            MissingExtra: one needs a package that is not here.
        """
        return cls(tuple(Template.read(text) for text in dict.fromkeys(texts)))

    @property
    def size(self) -> int:
        """How many expressions it stands for; one that two templates make counts twice."""
        return sum(template.size for template in self.templates)

    def all(self) -> Iterator[str]:
        """Every expression."""
        return (text for template in self.templates for text in template.all())

    def check(self, made: Callable[[str], Reranker]) -> None:
        """See that every template can run here, before anything is measured.

        Raises:
            WeightsError: weights are not there.
            MissingExtra: a package is not here.
        """
        for template in self.templates:
            for texts in template.ends():
                _one_made(texts, made).warm_up()


def read_space(path: Path) -> Space:
    """The space of a TOML or JSON file: a list of templates under `pipelines`.

    Raises:
        InputError: the file cannot be read, or holds something else.
        MissingExtra: a pipeline needs a package that is not here.
    """
    try:
        text = path.read_text(encoding="utf-8")
        told = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} as a space: {error}") from error
    templates = told.get("pipelines") if isinstance(told, dict) and set(told) == {"pipelines"} else None
    if not isinstance(templates, list) or not all(isinstance(each, str) for each in templates):
        raise InputError(f"{path}: a space is a list of texts under 'pipelines', and nothing else")
    return Space.of(templates)
