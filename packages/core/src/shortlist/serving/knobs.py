"""What of a pipeline a client may turn: numbers, switches and choices of its stages, and nothing else.

Models, addresses, paths, names of weights, patterns and texts are the operator's: no path of a knob leads to one.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

from shortlist.criteria.computed import ComputedCriterion
from shortlist.criteria.judged import Criterion, key_of
from shortlist.errors import InputError
from shortlist.plan import Model
from shortlist.reranker.base import Reranker
from shortlist.reranker.description import summaries
from shortlist.reranker.fields import Setting, settings_of
from shortlist.reranker.fusion import Fuse
from shortlist.serving.ranges import range_of

Kind: TypeAlias = Literal["number", "integer", "boolean", "choice"]
T = TypeVar("T")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting that may be turned.

    Attributes:
        path: where it stands: names of settings from the outermost stage down, joined by dots.
        label: the stage and the setting, in words.
        kind: what its values are.
        value: where it stands now; None where the pipeline decides by itself.
        low: the least value of a number; None for no end.
        high: the largest.
        step: of a slider.
        choices: of a choice, all there are.
        optional: whether None may stand here.
        summary: what it is for.
    """

    path: str
    label: str
    kind: Kind
    value: float | int | bool | str | None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str | int, ...] = ()
    optional: bool = False
    summary: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "choices": list(self.choices)}

    def checked(self, value: object) -> Any:
        """The value as it is to be set.

        Raises:
            InputError: it is of another kind, or out of range.
        """
        if value is None:
            if not self.optional:
                raise InputError(f"{self.path} needs a {self.kind}, not null")
            return None
        if self.kind == "choice":
            return self._chosen(value)
        if self.kind == "boolean":
            if not isinstance(value, bool):
                raise InputError(f"{self.path} is true or false, not {_shown(value)}")
            return value
        return self._counted(value)

    def _chosen(self, value: object) -> str | int:
        for choice in self.choices:
            if value == str(choice) or (type(value) is type(choice) and value == choice):
                return choice  # menus of web pages hold texts only
        raise InputError(f"{self.path} is one of {', '.join(map(str, self.choices))}, not {_shown(value)}")

    def _counted(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise InputError(f"{self.path} is a number, not {_shown(value)}")
        if self.kind == "integer" and value != int(value):
            raise InputError(f"{self.path} is a whole number, not {_shown(value)}")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            ends = [f"{way} {end:g}" for way, end in (("from", self.low), ("to", self.high)) if end is not None]
            raise InputError(f"{self.path} is {' '.join(ends)}, not {_shown(value)}")
        return int(value) if self.kind == "integer" else float(value)


def knobs(reranker: Reranker) -> tuple[Knob, ...]:
    """All that may be turned, outermost stage first, in the order of the settings."""
    return tuple(_found(reranker, ""))


def turned(reranker: Reranker, settings: Mapping[str, Any]) -> Reranker:
    """The reranker with these knobs, by path, turned to these values. Where nothing changes, the very same.

    Raises:
        InputError: no knob has the path, a value is of another kind or out of range, or values do not go together.
    """
    if not isinstance(settings, Mapping):
        raise InputError(f"settings are values by path, not {_shown(settings)}")
    known = {knob.path: knob for knob in knobs(reranker)} if settings else {}
    wanted = {}
    for path, value in settings.items():
        if path not in known:
            there = ", ".join(known) or "none"
            raise InputError(f"this pipeline has no setting {_shown(path)} that can be turned; there are: {there}")
        set_to = known[path].checked(value)
        if set_to != known[path].value:
            wanted[path] = set_to
    return _rebuilt(reranker, "", wanted) if wanted else reranker


class _Entry(NamedTuple):
    """A value of a stage: under which key, of which setting, and where that holds several, at which place."""

    key: str
    setting: Setting
    place: int | None
    value: Any


def _entries(part: Any) -> Iterator[_Entry]:
    cls: type = type(part)
    for setting in settings_of(cls):
        value = _held(part, setting.name)
        if isinstance(value, tuple):
            yield from (_Entry(f"{setting.name}.{_key(i, v)}", setting, i, v) for i, v in enumerate(value))
        else:
            yield _Entry(setting.name, setting, None, value)


def _held(part: Any, name: str) -> Any:
    value = getattr(part, name)
    if isinstance(part, Fuse) and name == "weights" and not value:
        return (1.0,) * len(part.rerankers)  # what no weights mean
    return value


def _key(place: int, value: Any) -> str:
    """Criteria go by their names, which no two share; others by their places."""
    return key_of(value.name) if isinstance(value, Criterion | ComputedCriterion) else str(place)


def _found(part: Any, prefix: str, stage: str = "") -> Iterator[Knob]:
    stage = part.name if isinstance(part, Reranker) else f"{stage} {_called(part)}"
    told, about = summaries(type(part)), " ".join((inspect.getdoc(type(part)) or "").partition("\n\n")[0].split())
    for entry in _entries(part):
        if _is_part(entry.value):
            yield from _found(entry.value, f"{prefix}{entry.key}.", stage)
        elif (kind := _kind(entry.setting)) is not None:
            path, label = prefix + entry.key, f"{stage}: {_words(part, entry)}"
            yield _knob(part, entry, Knob(path, label, kind, entry.value, summary=told.get(entry.setting.name, about)))


def _is_part(value: object) -> bool:
    """Rerankers, and what settings files know by its kind: builders, subtopics, criteria. Never a model or a scorer."""
    if isinstance(value, Reranker):
        return True
    return is_dataclass(value) and hasattr(type(value), "kind") and not isinstance(value, Model)


def _called(part: Any) -> str:
    return part.name if isinstance(part, Criterion | ComputedCriterion) else part.kind


def _words(part: Any, entry: _Entry) -> str:
    if isinstance(part, Fuse) and entry.place is not None:
        return f"weight of {part.rerankers[entry.place].name}"
    return entry.setting.name.replace("_", " ")


def _knob(part: Any, entry: _Entry, knob: Knob) -> Knob:
    """With its range or its choices."""
    optional = entry.place is None and type(None) in _members(entry.setting.type)
    if knob.kind == "choice":
        return replace(knob, choices=_choices(entry.setting.type), optional=optional)
    if knob.kind == "boolean":
        return replace(knob, optional=optional)
    low, high, step = range_of(part, entry.setting.name, whole=knob.kind == "integer", value=entry.value)
    return replace(knob, low=low, high=high, step=step, optional=optional)


def _kind(setting: Setting) -> Kind | None:
    """What values a setting takes, where it may be turned."""
    members = set(_members(setting.type)) - {type(None)}
    if members and all(get_origin(each) is Literal for each in members):
        return "choice"
    kinds: dict[frozenset[Any], Kind] = {
        frozenset({bool}): "boolean",
        frozenset({int}): "integer",
        frozenset({float}): "number",
        frozenset({int, float}): "number",
        frozenset({tuple[float, ...]}): "number",
    }
    return kinds.get(frozenset(members))


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _choices(hint: Any) -> tuple[str | int, ...]:
    return tuple(value for each in _members(hint) if get_origin(each) is Literal for value in get_args(each))


def _rebuilt(part: T, prefix: str, wanted: Mapping[str, Any]) -> T:
    """The part with what is wanted of it and of what stands in it."""
    changed: dict[str, Any] = {}
    for entry in _entries(part):
        path = prefix + entry.key
        inner = _rebuilt(entry.value, f"{path}.", wanted) if _is_part(entry.value) else entry.value
        value = wanted.get(path, inner)
        if value is not entry.value:
            name = entry.setting.name
            changed[name] = _with(changed.get(name, _held(part, name)), entry.place, value)
    if not changed:
        return part
    try:
        return replace(part, **changed)  # type: ignore[type-var]
    except InputError as error:
        paths = ", ".join(path for path in wanted if path.startswith(prefix))
        raise InputError(f"{paths}: {error}") from error


def _with(values: Any, place: int | None, value: Any) -> Any:
    return value if place is None else (*values[:place], value, *values[place + 1 :])


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _shown(value: object) -> str:
    """What a client sent, in a message: not all of a megabyte."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
