"""Plans of many items, and what becomes of them kept line by line, so that a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from shortlist.errors import InputError, ShortlistError
from shortlist.plan import Plan
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.records import located, records

T = TypeVar("T")

_HEAD = "shortlist_labels"


class Failed(NamedTuple):
    """An item that came to nothing this time; the next run takes it up again.

    Attributes:
        name: of the item.
        error: why.
    """

    name: str
    error: ShortlistError


@dataclass(frozen=True, eq=False)
class Work(Generic[T]):
    """Items, what is to become of each, and the file that holds what has.

    Attributes:
        file: its first line says whose work it is; then a line for each item that is done.
        plan: of one item; what it gives goes into the file as JSON.
        settings: all that the plan depends on beside the item, as values for JSON. A file of other settings is refused.
    """

    file: Path
    plan: Callable[[T], Plan[Mapping[str, Any]]]
    settings: Any

    def do(
        self,
        items: Mapping[str, T],
        runtime: Runtime | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Failed]:
        """Do what the file does not hold yet; `progress` is told how many are done.

        As many items as the runtime's `window` are under way at once, and written when all of these are done: their
        asks share batches. Items that failed are told, and not written.

        Args:
            items: by names of their own, which are the same in the next run.
            runtime: how plans are driven.
            progress: see above.

        Raises:
            InputError: the file cannot be read or written, or is of other work.
        """
        runtime = runtime or Runtime()
        done = self._begun()
        waiting = iter([name for name in items if name not in done])
        failed, held = list[Failed](), sum(name in done for name in items)
        while window := list(islice(waiting, max(1, runtime.window))):
            finished = drive([self.plan(items[name]) for name in window], runtime)
            results = {name: each.result for name, each in zip(window, finished, strict=True)}
            bad = {name: found for name, found in results.items() if isinstance(found, ShortlistError)}
            failed += [Failed(*each) for each in bad.items()]
            self._append([{"item": name, "made": found} for name, found in results.items() if name not in bad])
            held += len(window) - len(bad)
            progress(held)
        return failed

    def made(self, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What has become of the items of these names, in this order, of those that are done.

        Raises:
            InputError: the file cannot be read, or is of other work.
        """
        found = self._begun()
        yield from ((name, found[name]) for name in names if name in found)

    def _begun(self) -> dict[str, Mapping[str, Any]]:
        """What the file holds; it is begun if it is not there, and half a line at its end is cut off."""
        head = {_HEAD: hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]}
        try:
            text = self.file.read_bytes() if self.file.exists() else b""
            end = text.rfind(b"\n") + 1
            start = f'{{"{_HEAD}": '.encode()
            if not text.startswith(start) and not start.startswith(text):
                raise InputError(f"{self.file} holds no labels under way: nothing was changed in it")
            if end == 0:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self.file.write_bytes(_line(head))
                return {}
            if end < len(text):
                os.truncate(self.file, end)
        except OSError as error:
            raise InputError(f"cannot use {self.file}: {error}") from error
        return self._held(head)

    def _held(self, head: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
        (_, first), *others = records(self.file)
        if first != head:
            raise InputError(
                f"{self.file} was made with other settings or passages: remove it, or choose another --out"
            )
        found: dict[str, Mapping[str, Any]] = {}
        for where, record in others:
            with located(where):
                found[record["item"]] = record["made"]
        return found

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        try:
            with self.file.open("ab") as sink:
                sink.write(b"".join(map(_line, lines)))
        except OSError as error:
            raise InputError(f"cannot write {self.file}: {error}") from error


def work_file(out: Path) -> Path:
    """Where the work for a file of labels stands: beside it, `judged.jsonl` in `judged.made.jsonl`."""
    return out.with_name(f"{out.stem}.made.jsonl")


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write JSON lines, in place of what was there.

    Raises:
        InputError: the file cannot be written, or a passage's metadata holds what JSON cannot.
    """
    try:
        data = b"".join(map(_line, lines))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"cannot write {path}: {error}") from error


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"
