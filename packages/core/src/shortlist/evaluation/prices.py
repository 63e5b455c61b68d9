"""What models behind servers cost: a table that the user supplies, and the pipeline whose doors know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shortlist.algorithms.flops import Shape
from shortlist.errors import InputError
from shortlist.models.remote import Price, as_price
from shortlist.models.shapes import as_shape
from shortlist.plan import Model

T = TypeVar("T")


class Charge(NamedTuple):
    """What is known of one model.

    Attributes:
        price: what it costs; None where that is not known.
        shape: what its operations are counted by; None where that is not known.
    """

    price: Price | None = None
    shape: Shape | None = None


def read_prices(path: Path) -> dict[str, Charge]:
    """A JSON file: by the name of a model, as traces have it, the fields of its `Price` and, under `shape`, its sizes.

    The sizes are the fields of a `Shape`, or the model's config.json. A model with a shape alone has no price.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} as prices: {error}") from error
    if not isinstance(told, dict) or not all(isinstance(each, dict) for each in told.values()):
        raise InputError(f"{path}: prices are one JSON object for each model, by its name")
    return {name: _charge(f"{path}: {name}", dict(each)) for name, each in told.items()}


def priced(value: T, prices: Mapping[str, Charge]) -> T:
    """The same reranker, scorer or model, the doors in it with the price and the shape that stand under their labels.

    What the table says goes before what a door had; a door that it does not name stays as it is: unknown is unknown.
    Limits on money hold with these prices, since the doors know them before anything is asked.
    """
    charge = prices.get(value.label) if isinstance(value, Model) else None
    if charge is not None:
        return _charged(value, charge)
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(priced(each, prices) for each in value)  # type: ignore[return-value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    held = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    changed = {name: new for name, old in held.items() if (new := priced(old, prices)) != old}
    return replace(value, **changed) if changed else value


def _charge(where: str, told: dict[str, Any]) -> Charge:
    try:
        shape = as_shape(told.pop("shape", None))
        return Charge(as_price(told or None), shape)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _charged(model: T, charge: Charge) -> T:
    """Only doors to servers have a price and a shape to be told; what runs here costs nothing, and knows its shape."""
    named = {field.name for field in fields(model)} if is_dataclass(model) else set()
    told = {name: each for name, each in charge._asdict().items() if each is not None and name in named}
    return replace(model, **told) if told else model  # type: ignore[type-var]
