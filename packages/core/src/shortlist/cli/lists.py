"""Judged lists as commands are given them: files, or folders of documents to make some of; and NAME=VALUE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import typer

from shortlist.cli.output import note
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.training.judged import JudgedList
    from shortlist.training.make import Made, Making
    from shortlist.training.readers import Format

ListsFormat: TypeAlias = Annotated[
    str, typer.Option(help="Of the data: judged, musique, hotpotqa, trec, or documents; auto knows the first four.")
]
Make: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="How lists are made of documents, such as queries=500. May be repeated."),
]


def judged_lists(paths: Sequence[Path], form: str, making: Mapping[str, Any]) -> list[JudgedList]:
    """The lists of files, or those made of folders where the format is `documents`.

    Raises:
        InputError: something cannot be read, or lists cannot be made so.
    """
    return made(paths, making_of(making)) if form == "documents" else read(paths, form)


def read(paths: Sequence[Path], form: str) -> list[JudgedList]:
    """The lists of files, one file after the other."""
    from shortlist.training.readers import read_judged

    return [each for path in paths for each in read_judged(path, cast("Format", form))]


def making_of(given: Mapping[str, Any]) -> Making:
    """How lists are made of documents.

    Raises:
        InputError: there is no such setting.
    """
    from shortlist.training.make import Making

    try:
        return Making(**given)
    except TypeError as error:
        raise InputError(f"lists cannot be made so: {error}") from error


def made(paths: Sequence[Path], making: Making) -> list[JudgedList]:
    """The lists made of folders, one folder after the other; what came of each is said."""
    from shortlist.training.make import make_from_folder

    lists: list[JudgedList] = []
    for path in paths:
        found = make_from_folder(path, making)
        tell(path, found)
        lists += found.lists
    return lists


def tell(path: Path, found: Made) -> None:
    """Say what came of a folder."""
    note(f"{len(found.lists)} lists made of {found.chunks} chunks of {found.documents} documents in {path}")


def pairs(given: Sequence[str]) -> Mapping[str, Any]:
    """NAME=VALUE, the value as JSON has it, or a text.

    Raises:
        InputError: one is not of this form.
    """
    parts = [each.partition("=") for each in given]
    if bad := [name for name, equals, _ in parts if not equals]:
        raise InputError(f"{bad[0]!r} is not NAME=VALUE, such as layers=1")
    return {name: _value(text) for name, _, text in parts}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
