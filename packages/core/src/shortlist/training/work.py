"""Plans of many items, and what becomes of them kept line by line, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from shortlist.errors import ShortlistError
from shortlist.plan import Plan
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.records import located
from shortlist.training.underway import add, digest, resumed

T = TypeVar("T")


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
        kind: what becomes of items, in a word.
        file: its first line says whose work it is; then a line for each item that is done.
        plan: of one item; what it gives goes into the file as JSON.
        settings: all that the plan depends on beside the item, as values for JSON. A file of other settings is refused.
    """

    kind: str
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
        done = self.done()
        waiting = iter([name for name in items if name not in done])
        failed, held = list[Failed](), sum(name in done for name in items)
        while window := list(islice(waiting, max(1, runtime.window))):
            finished = drive([self.plan(items[name]) for name in window], runtime)
            results = {name: each.result for name, each in zip(window, finished, strict=True)}
            bad = {name: found for name, found in results.items() if isinstance(found, ShortlistError)}
            failed += [Failed(*each) for each in bad.items()]
            add(self.file, [{"item": name, "made": found} for name, found in results.items() if name not in bad])
            held += len(window) - len(bad)
            progress(held)
        return failed

    def made(self, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What has become of the items of these names, in this order, of those that are done.

        Raises:
            InputError: the file cannot be read, or is of other work.
        """
        done = self.done()
        yield from ((name, done[name]) for name in names if name in done)

    def done(self) -> dict[str, Mapping[str, Any]]:
        """What the file holds, by the names of items; a file that is not there is begun.

        Raises:
            InputError: as of `made`.
        """
        head = {f"shortlist_{self.kind}": 1, "settings": digest(self.settings)}
        no, other = f"holds no {self.kind} under way", "was made of other texts or with other"
        found: dict[str, Mapping[str, Any]] = {}
        for where, record in resumed(self.file, head, no, other):
            with located(where):
                found[record["item"]] = record["made"]
        return found
