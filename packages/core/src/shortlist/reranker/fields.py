"""Settings read off a reranker's dataclass fields: what they are, from JSON, and back to it."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from shortlist.errors import InputError
from shortlist.models.named import as_model, model_to_dict
from shortlist.plan import Model
from shortlist.reranker.base import Reranker
from shortlist.scorers.base import Scorer
from shortlist.scorers.named import as_scorer, can_answer, scorer_to_dict

T = TypeVar("T", bound=Reranker)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a reranker.

    Attributes:
        name: of the field.
        type: its annotation, resolved.
        required: whether it has no default.
        default: where it has one; for a model or reranker made on demand, None.
        made: the class of a default that is made on demand, where that is a dataclass with settings of its own.
    """

    name: str
    type: Any
    required: bool
    default: Any
    made: type[Any] | None = None

    @property
    def model_kind(self) -> type[Model[Any, Any]] | None:
        """The kind of model that belongs here, or the first of them; None when it is not a model."""
        return next(iter(self.model_kinds), None)

    @property
    def model_kinds(self) -> tuple[type[Model[Any, Any]], ...]:
        """The kinds of model that belong here, the usual one first."""
        return tuple(c for c in _classes(self.type) if issubclass(c, Model))

    @property
    def holds_rerankers(self) -> bool:
        """Whether a reranker, or several, belong here."""
        return any(issubclass(c, Reranker) for c in _classes(self.type))

    @property
    def holds_scorer(self) -> bool:
        """Whether a scorer belongs here."""
        return any(issubclass(c, Scorer) for c in _classes(self.type))

    @property
    def several(self) -> bool:
        """Whether a list belongs here."""
        return get_origin(self.type) in (tuple, list)


@cache
def settings_of(cls: type[Any]) -> tuple[Setting, ...]:
    """The settings of a reranker class, or of another dataclass that stands in one, in order."""
    hints = get_type_hints(cls)
    return tuple(_setting(field, hints[field.name]) for field in fields(cls) if field.init)


def _setting(field: Field[Any], hint: Any) -> Setting:
    required = field.default is MISSING and field.default_factory is MISSING
    default = None if field.default is MISSING else field.default
    made: object = field.default_factory
    whole = made if isinstance(made, type) and is_dataclass(made) else None
    return Setting(field.name, hint, required, default, whole)


def check_numbers(reranker: Reranker) -> None:
    """See that fields for numbers hold numbers: a settings file or a command line may hold anything.

    Raises:
        InputError: one does not, a whole number is none, or a seed is below 0.
    """
    for setting in settings_of(type(reranker)):
        value, kinds = getattr(reranker, setting.name), _classes(setting.type)
        wanted = (int,) if int in kinds else (int, float) if float in kinds else ()
        if not wanted or value is None or (str in kinds and isinstance(value, str)):
            continue
        if isinstance(value, bool) or not isinstance(value, wanted) or (setting.name == "seed" and value < 0):
            what = "a number" if float in wanted else "a whole number" + " from 0" * (setting.name == "seed")
            raise InputError(f"{reranker.name}: {setting.name} must be {what}, not {value!r}")


def build(cls: type[T], data: Mapping[str, Any], models: Sequence[Model[Any, Any]]) -> T:
    """A reranker from settings as JSON would write them.

    Raises:
        InputError: an unknown or missing setting, or a value that cannot be one.
    """
    settings = {setting.name: setting for setting in settings_of(cls)}
    unknown = sorted(set(data) - set(settings))
    if unknown:
        raise InputError(f"{cls.name} has no setting {unknown[0]!r}; it has {', '.join(settings) or 'none'}")
    values = {name: _value(settings[name], value, models) for name, value in data.items()}
    values |= {name: given for name, s in settings.items() if name not in values and (given := _given(cls, s, models))}
    optional = {name for name, s in settings.items() if type(None) in get_args(s.type)}
    values = {name: value for name, value in values.items() if value is not None or name in optional}
    missing = [name for name, s in settings.items() if s.required and values.get(name) is None]
    if missing:
        raise InputError(f"{cls.name} needs {', '.join(missing)}")
    try:
        return cls(**values)
    except TypeError as error:
        raise InputError(f"{cls.name}: {error}") from error


def _given(cls: type, setting: Setting, models: Sequence[Model[Any, Any]]) -> Any:
    """What stands for a setting that is not given: a model of its kind, and with it a scorer, or the usual part."""
    if setting.holds_scorer:
        usual: str = getattr(cls, "prompt", "")
        return as_scorer(usual, models) if usual and can_answer(usual, models) else None
    if setting.model_kinds or setting.made is None or not models:
        return next((m for kind in setting.model_kinds for m in models if isinstance(m, kind)), None)
    return _part(setting.made, {}, models)


def _value(setting: Setting, value: Any, models: Sequence[Model[Any, Any]]) -> Any:
    if value is None:
        return None
    if setting.holds_scorer:
        return as_scorer(value, models)
    if setting.model_kinds:
        return as_model(setting.model_kinds, value)
    return _rerankers(value, models) if setting.holds_rerankers else _plain(setting.type, value, models)


def _rerankers(value: Any, models: Sequence[Model[Any, Any]]) -> Any:
    """Rerankers in place of names and dicts, at any depth of lists."""
    from shortlist.reranker.registry import from_dict, make

    if isinstance(value, str):
        return make(value, models=models)
    if isinstance(value, Mapping):
        return from_dict(value, models=models)
    if isinstance(value, (list, tuple)):
        return tuple(_rerankers(each, models) for each in value)
    return value


def _plain(hint: Any, value: Any, models: Sequence[Model[Any, Any]]) -> Any:
    """Lists as tuples; dicts, and names of a kind, as the dataclass that belongs there."""
    if isinstance(value, list):
        return tuple(_plain(hint, each, models) for each in value)
    told = {"kind": value} if isinstance(value, str) and _kinds(hint) and str not in _classes(hint) else value
    if not isinstance(told, Mapping):
        return value
    made, given = _made_of(hint, told)
    return value if made is None else _part(made, given, models)


def _part(made: type, given: Mapping[str, Any], models: Sequence[Model[Any, Any]]) -> Any:
    """A dataclass that stands in a setting; it may hold models itself, found as those of a reranker are."""
    settings = {setting.name: setting for setting in settings_of(made)}
    values = {name: _value(settings[name], each, models) if name in settings else each for name, each in given.items()}
    usual = {name: _given(made, s, models) for name, s in settings.items() if name not in values}
    try:
        return made(**values, **{name: each for name, each in usual.items() if each is not None})
    except TypeError as error:
        raise InputError(f"not a {made.__name__}: {error}") from error


def _made_of(hint: Any, value: Mapping[str, Any]) -> tuple[type | None, Mapping[str, Any]]:
    """Which dataclass a dict is to become, and its fields. Of several kinds, `kind` says which; else the first."""
    found, kinds = [c for c in _classes(hint) if is_dataclass(c)], _kinds(hint)
    if "kind" not in value or not kinds:
        return (found[0] if found else None), value
    if value["kind"] not in kinds:
        raise InputError(f"no kind is {value['kind']!r}; there are {', '.join(kinds)}")
    return kinds[value["kind"]], {name: each for name, each in value.items() if name != "kind"}


def _kinds(hint: Any) -> dict[str, type]:
    """The dataclasses that may stand here, by what settings files call them."""
    return {c.kind: c for c in _classes(hint) if is_dataclass(c) and hasattr(c, "kind")}


def to_dict(reranker: Reranker) -> dict[str, Any]:
    """Name and settings, JSON-ready.

    Raises:
        InputError: a setting is code and cannot be written down.
    """
    settings = {s.name: written(s.name, getattr(reranker, s.name)) for s in settings_of(type(reranker))}
    return {"reranker": reranker.name, **settings}


def written(name: str, value: Any) -> Any:
    """The value of the setting of this name, JSON-ready.

    Raises:
        InputError: it is code and cannot be written down.
    """
    own = next((write for kind, write in _WRITERS if isinstance(value, kind)), None)
    if own is not None:
        return own(value)
    if isinstance(value, (list, tuple)):
        return [written(name, each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): written(name, each) for key, each in value.items()}
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return {**kind, **{f.name: written(name, getattr(value, f.name)) for f in fields(value)}}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise InputError(f"the setting {name} is a {type(value).__name__}, which cannot be written down")


_WRITERS: tuple[tuple[type, Callable[[Any], dict[str, Any]]], ...] = (
    (Reranker, to_dict),
    (Model, model_to_dict),
    (Scorer, scorer_to_dict),
)


def _classes(hint: Any) -> list[type]:
    """Every class named in an annotation: through unions, optionals, and containers."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return [hint]
    if get_origin(hint) in (Union, types.UnionType, tuple, list) or get_origin(hint) is not None:
        return [c for arg in get_args(hint) for c in _classes(arg)]
    return []
