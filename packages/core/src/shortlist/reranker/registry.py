"""Rerankers and models by name: those in the package, and those that installed packages announce.

A class is found because its module stands in `shortlist.rerankers` (or `shortlist.models`), or because a distribution
announces it under the entry point group `shortlist.rerankers` (or `shortlist.models`). Nothing else is to be edited.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from abc import ABC
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from shortlist.errors import InputError
from shortlist.plan import Model
from shortlist.reranker import fields
from shortlist.reranker.base import Reranker

_PACKAGES = ("shortlist.reranker", "shortlist.rerankers")


@cache
def registered() -> Mapping[str, type[Reranker]]:
    """Every reranker class by its name, composites included."""
    found = [*_in_packages(_PACKAGES, Reranker), *_announced("shortlist.rerankers", Reranker)]
    return {cls.name: cls for cls in sorted(found, key=lambda cls: cls.name)}


def reranker_class(name: str) -> type[Reranker]:
    """The class of this name; hyphens and underscores are the same.

    Raises:
        InputError: there is none; the message lists what there is.
    """
    cls = registered().get(name.replace("_", "-"))
    if cls is None:
        raise InputError(f"no reranker is named {name!r}; there are {', '.join(registered())}")
    return cls


def make(name: str, settings: Mapping[str, Any] | None = None, *, models: Iterable[Model[Any, Any]] = ()) -> Reranker:
    """The reranker of this name with these settings.

    Settings may be written as JSON would: a model as a name, a folder, a hub id, or a dict; a reranker as a name or a
    dict. A model field that is not set takes the first of `models` that is of its kind.

    Raises:
        InputError: no such reranker or setting, or a value that cannot be one.
    """
    return fields.build(reranker_class(name), settings or {}, tuple(models))


def from_dict(data: Mapping[Any, Any], *, models: Iterable[Model[Any, Any]] = ()) -> Reranker:
    """The reranker that `Reranker.to_dict` wrote.

    Raises:
        InputError: it has no name, or a setting that its class has not.
    """
    given: object = data  # a file may hold anything
    name = data.get("reranker") if isinstance(given, Mapping) else None
    if not isinstance(name, str):
        raise InputError("a reranker as a dict needs its name under 'reranker'")
    settings = {key: value for key, value in data.items() if key != "reranker"}
    return make(name, settings, models=models)


def _in_packages(packages: Iterable[str], base: type[ABC]) -> Iterator[Any]:
    for package in packages:
        root = importlib.import_module(package)
        for module in pkgutil.iter_modules(root.__path__, f"{package}."):
            for cls in vars(importlib.import_module(module.name)).values():
                if _is_one(cls, base) and cls.__module__ == module.name:
                    yield cls


def _announced(group: str, base: type[ABC]) -> Iterator[Any]:
    from importlib.metadata import entry_points

    for point in entry_points(group=group):
        try:
            cls = point.load()
        except Exception as error:  # noqa: BLE001 - another package's defect must not take all rerankers with it
            warnings.warn(f"{point.value}, announced as {point.name}, cannot be imported: {error}", stacklevel=2)
            continue
        if not _is_one(cls, base):
            raise InputError(f"entry point {point.name} of {group} is not a {base.__name__}")
        yield cls


def _is_one(cls: object, base: type[ABC]) -> bool:
    return isinstance(cls, type) and issubclass(cls, base) and not cls.__abstractmethods__ and hasattr(cls, "name")
