"""Fitted numbers in JSON files: what they are for, the numbers, and what they were fitted on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from shortlist.errors import InputError
from shortlist.passage import NOTHING


@dataclass(frozen=True)
class Fitted:
    """What was fitted.

    Attributes:
        kind: what it is for: calibration, conformal or abstention.
        values: the numbers, JSON-ready; what stands in it is the kind's own.
        about: where they come from: the pipeline whose scores they read, data, licence, how many lists.
    """

    kind: str
    values: Mapping[str, Any]
    about: Mapping[str, Any] = NOTHING


def fitted(kind: str, name: str) -> Fitted:
    """The shipped numbers of this kind and name, or one's own by the path of their `.json` file.

    Raises:
        InputError: there are none, the file cannot be read, or it holds another kind.
    """
    if not isinstance(name, str):
        raise InputError(f"a {kind} is named by text, not by a {type(name).__name__}")
    if name in shipped(kind):
        return _read(str(_folder(kind) / f"{name}.json"), kind, 0)
    if not name.endswith(".json"):
        there = ", ".join(shipped(kind)) or "none"
        raise InputError(f"no {kind} is named {name!r}; there are {there}, or the path of a .json file")
    try:
        return _read(name, kind, Path(name).stat().st_mtime_ns)
    except OSError as error:
        raise InputError(f"the {kind} in {name}: {error}") from error


@cache  # asked for with every query, and the package does not change under way
def shipped(kind: str) -> tuple[str, ...]:
    """The names of those that come with the package."""
    folder = _folder(kind)
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(each.stem for each in found if each.suffix == ".json"))


def save_fitted(path: Path, given: Fitted) -> None:
    """Write the file that `fitted` reads.

    Raises:
        InputError: a number is not finite, something is not JSON, or the file cannot be written.
    """
    data = {"kind": given.kind, "values": dict(given.values), "about": dict(given.about)}
    try:
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"the {given.kind} cannot be written to {path}: {error}") from error


@lru_cache(maxsize=64)
def _read(path: str, kind: str, _changed: int) -> Fitted:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found = Fitted(str(data["kind"]), dict(data["values"]), dict(data.get("about", {})))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"cannot read {path} as a {kind}: {error!r}") from error
    if found.kind != kind:
        raise InputError(f"{path} holds a {found.kind}, not a {kind}")
    return found


@cache
def _folder(kind: str) -> Path:
    return Path(str(files("shortlist.fitted"))) / "shipped" / kind
