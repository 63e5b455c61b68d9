"""Folders that the page may search: indexed once, when the server starts. Clients name a collection, never a path."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shortlist.documents import FirstStage, read_folder
from shortlist.errors import InputError
from shortlist.passage import Passage

_LOG = logging.getLogger("shortlist.serving")


class UnknownCollection(InputError):
    """No collection has this name."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The passages of a folder, and their index.

    Attributes:
        name: that clients call it by.
        size: how many passages it has.
        index: finds some of them.
    """

    name: str
    size: int
    index: FirstStage


@dataclass(frozen=True, slots=True)
class Collections:
    """All that may be searched.

    Attributes:
        by_name: in the order given.
    """

    by_name: Mapping[str, Collection]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Collections:
        """Read and index the folders. Each goes by its own name, numbered where two have the same.

        Raises:
            InputError: one is not there, or has nothing to read in it.
            MissingExtra: the packages that read documents are not installed.
        """
        found: dict[str, Collection] = {}
        for folder in folders:
            name = _name(folder, found)
            passages = _passages(folder)
            found[name] = Collection(name, len(passages), FirstStage(passages))
        return cls(MappingProxyType(found))

    def search(self, name: str, query: str, k: int) -> Sequence[Passage]:
        """The k passages of a collection that BM25 puts first, best first.

        Raises:
            UnknownCollection: there is none of this name.
        """
        if name not in self.by_name:
            known = ", ".join(self.by_name) or "none"
            raise UnknownCollection(f"no collection is called {name[:80]!r}; there are: {known}")
        return self.by_name[name].index.search(query, k)


def _name(folder: Path, taken: Mapping[str, Collection]) -> str:
    name = folder.resolve().name or "documents"
    same = sum(each == name or each.startswith(f"{name} ") for each in taken)
    return f"{name} {same + 1}" if same else name


def _passages(folder: Path) -> list[Passage]:
    """Of every document that lies in the folder itself: a link may not lead out of it."""
    passages = read_folder(folder, skipped=lambda name, why: _LOG.info("skipped %r: %s", name, why))
    inside = {name: _is_inside(folder, name) for name in {passage.document_id for passage in passages}}
    kept = [passage for passage in passages if inside[passage.document_id]]
    if not kept:
        raise InputError(f"nothing to read in {folder}: no Markdown, text, HTML or PDF file with a text in it")
    return kept


def _is_inside(folder: Path, name: str | None) -> bool:
    root = folder.resolve()
    return not root.is_dir() or (root / str(name)).resolve().is_relative_to(root)
