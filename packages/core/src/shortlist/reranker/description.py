"""What a reranker class says of itself: for the command line, the server, and the table in the documentation."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any, Literal, Union, get_args, get_origin

from shortlist.plan import Model
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.reranker.fields import Setting, settings_of
from shortlist.reranker.registry import registered

_ENTRY = re.compile(r"(?:^|\n)(\w+): ")


@dataclass(frozen=True, slots=True)
class DescribedSetting:
    """One setting, in words.

    Attributes:
        name: of the field.
        type: what belongs there.
        default: as it would be written; None where there is none and it must be given.
        summary: what it is for.
    """

    name: str
    type: str
    default: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Description:
    """A reranker class, in words.

    Attributes:
        name: in the registry.
        class_name: in Python.
        summary: the first paragraph of the docstring.
        details: the paragraphs after it, up to the settings.
        source: the paper.
        needs: what must be there for it to work, in alphabetical order.
        order_sensitive: whether another input order can change more than ties.
        settings: in the order of the fields.
    """

    name: str
    class_name: str
    summary: str
    details: str
    source: Source | None
    needs: tuple[Need, ...]
    order_sensitive: bool
    settings: tuple[DescribedSetting, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "needs": list(self.needs), "settings": [asdict(each) for each in self.settings]}


def describe(cls: type[Reranker]) -> Description:
    """Read it off the class: its docstring, its class attributes, its fields."""
    prose, _, entries = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    summary, _, details = prose.strip().partition("\n\n")
    described = _entries(entries)
    made = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    return Description(
        name=cls.name,
        class_name=cls.__name__,
        summary=_one_line(summary),
        details=details,
        source=cls.source,
        needs=tuple(sorted(cls.needs)),
        order_sensitive=cls.order_sensitive,
        settings=tuple(_setting(each, made[each.name], described.get(each.name, "")) for each in settings_of(cls)),
    )


def summaries(cls: type[Any]) -> dict[str, str]:
    """What each setting of a dataclass is for, by its name: of a docstring, or of that of a class it comes from."""
    told: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        told |= _entries(((each.__doc__ and inspect.cleandoc(each.__doc__)) or "").partition("Attributes:\n")[2])
    return told


def descriptions() -> list[Description]:
    """Every reranker of the registry, by name."""
    return [describe(cls) for cls in registered().values()]


def markdown_table(described: Iterable[Description]) -> str:
    """The rerankers as a Markdown table: name, what it does, what it needs, and where it comes from."""
    rows = [("name", "what it does", "needs", "source"), ("---",) * 4]
    rows += [(f"`{each.name}`", each.summary, ", ".join(each.needs), source_text(each.source)) for each in described]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def source_text(source: Source | None) -> str:
    """Title, place and year on one line."""
    return "" if source is None else f"{source.title}, {source.where}, {source.year}"


def type_text(hint: Any) -> str:
    """An annotation as a user would say it: `"rrf" | "weighted"`, `list of number`, `Embedder | None`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(type_text(each) for each in arguments)
    if origin is not None and arguments:
        return "list of " + type_text(arguments[0]) if origin in (tuple, list) else str(hint)
    return _class_text(hint)


def _class_text(hint: Any) -> str:
    words = {float: "number", int: "whole number", str: "text", bool: "true or false", type(None): "None"}
    if hint in words:
        return words[hint]
    if inspect.isclass(hint) and issubclass(hint, Reranker):
        return "reranker"
    return getattr(hint, "__name__", str(hint))


def _setting(setting: Setting, field: Field[Any], summary: str) -> DescribedSetting:
    return DescribedSetting(setting.name, type_text(setting.type), _default(field), summary)


def _default(field: Field[Any]) -> str | None:
    """Written as in an expression; a default that is made on demand goes by the name of what makes it."""
    if field.default is not MISSING:
        value = field.default
        return type(value).__name__ if isinstance(value, Model) else repr(value)
    if field.default_factory is not MISSING:
        return getattr(field.default_factory, "__name__", "made on demand").replace("_", " ")
    return None


def _entries(text: str) -> dict[str, str]:
    """The `name: words` of an `Attributes` section, whose longer ones go on on indented lines."""
    section = inspect.cleandoc(text.split("\n\n", maxsplit=1)[0])
    parts = _ENTRY.split(section)
    return {name: _one_line(words) for name, words in zip(parts[1::2], parts[2::2], strict=True)}


def _one_line(text: str) -> str:
    return " ".join(text.split())
