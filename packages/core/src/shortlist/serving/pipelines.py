"""The rerankers that a server offers, by the names that clients call them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shortlist.errors import InputError
from shortlist.models import catalogue
from shortlist.models.weights import locate
from shortlist.plan import Model
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load

# A name has no sign in it that an expression needs before its first equals sign.
_NAMED = re.compile(r"([^=()\[\]>|'\"]+)=(.+)", re.DOTALL)


class UnknownPipeline(InputError):
    """No pipeline has this name; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Rerankers by name, in the order given. The first is the default.

    Attributes:
        rerankers: by name.

    Raises:
        InputError: there is none, or a name is empty or cannot be shown.
    """

    rerankers: Mapping[str, Reranker]

    def __post_init__(self) -> None:
        if not self.rerankers:
            raise InputError("nothing to serve: name a pipeline, such as 'lexical' or 'best=cross-encoder[:10]'")
        for name in self.rerankers:
            if not name.strip() or not name.isprintable():
                raise InputError(f"{name!r} cannot be the name of a pipeline")
        object.__setattr__(self, "rerankers", MappingProxyType(dict(self.rerankers)))

    @classmethod
    def of(cls, specs: Sequence[str]) -> Pipelines:
        """Pipelines from `NAME=EXPR`, an expression, a registered name, or the path of a .json file.

        What has no name of its own is called as it is written, and a file by its name without the ending.

        Raises:
            InputError: one says no reranker, or two have one name.
            MissingExtra: an optional package that one needs is not installed.
            WeightsError: weights that one needs are not there.
        """
        made: dict[str, Reranker] = {}
        for name, expression in map(_parted, specs):
            if name in made:
                raise InputError(f"{name!r} is given twice: write NAME=EXPR to give each a name of its own")
            made[name] = load(expression)
        return cls(made)

    @property
    def default(self) -> str:
        """The name of the first."""
        return next(iter(self.rerankers))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order given."""
        return tuple(self.rerankers)

    def name(self, asked: str | None) -> str:
        """The name that a request means: its own, or the default where it names none.

        Raises:
            UnknownPipeline: there is no such pipeline.
        """
        name = asked or self.default
        if name not in self.rerankers:
            raise UnknownPipeline(f"no pipeline is called {name[:100]!r}; there are: {', '.join(self.names)}")
        return name

    def get(self, name: str | None) -> Reranker:
        """The reranker of this name; None and the empty text mean the default.

        Raises:
            UnknownPipeline: there is no such pipeline.
        """
        return self.rerankers[self.name(name)]

    def items(self) -> Iterator[tuple[str, Reranker]]:
        """Names with their rerankers, in the order given."""
        yield from self.rerankers.items()

    def check_weights(self) -> None:
        """See, before a server takes a port, that weights which the catalogue names are here. Nothing is loaded.

        Raises:
            WeightsError: some are not; the message says how to get them.
        """
        for model in (model for each in self.rerankers.values() for model in _models(each)):
            weights = getattr(model, "weights", None)
            if isinstance(weights, str) and weights in catalogue.catalogue():
                locate(weights)

    def __len__(self) -> int:
        return len(self.rerankers)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rerankers)


def _parted(spec: str) -> tuple[str, str]:
    """A name and what it stands for."""
    if found := _NAMED.fullmatch(spec):
        return found[1].strip(), found[2].strip()
    return (Path(spec).stem if spec.endswith(".json") else spec), spec


def _models(reranker: Reranker) -> Iterator[Model[Any, Any]]:
    """Every model in it, as `warm_up` goes through them."""
    for value in vars(reranker).values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Reranker):
                yield from _models(part)
            elif isinstance(part, Model):
                yield part
