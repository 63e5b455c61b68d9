"""The folder beside the output in which a job keeps what is done.

A shard has up to three files: its part of the output, its failures, and last of all its tally. The tally says how long
the others are, so a shard counts as done only when all of them are whole, whatever the store does with half a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from shortlist.batch.manifest import Head, json_bytes, read_json
from shortlist.batch.places import Place
from shortlist.batch.shards import Shard
from shortlist.errors import InputError

SUFFIX = ".work"
HEAD, PART, FAILURES, TALLY, BEGUN = "head.json", ".part", ".failures.jsonl", ".tally.json", ".begun"


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of a shard, or of several.

    Attributes:
        rows: of the input, blank lines included.
        blank: lines with nothing on them.
        ranked: rows in the output.
        passages: that were ranked in them.
        degraded: rankings of a fallback, or of part of the work.
        repaired: rankings in which something was mended.
        failed: rows among the failures.
        errors: how many of each class.
        usage: of all rankings together; None for what one of them does not know.
        seconds: that the actor worked, without the loading of models.
        ranking: seconds of these that the pipeline took.
        part: bytes of the part of the output.
        failures: bytes of the file of failures.
    """

    rows: int = 0
    blank: int = 0
    ranked: int = 0
    passages: int = 0
    degraded: int = 0
    repaired: int = 0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    usage: dict[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    ranking: float = 0.0
    part: int = 0
    failures: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum."""
    totals: dict[str, Any] = Tally().to_dict()
    for each in tallies:
        for name, value in each.to_dict().items():
            totals[name] = _added(totals[name], value)
    return Tally(**totals)


def _added(total: Any, value: Any) -> Any:
    if not isinstance(total, dict):
        return None if total is None or value is None else total + value
    return {**total, **{name: _added(total.get(name, 0), each) for name, each in value.items()}}


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Where the parts are, until they are joined."""

    place: Place

    @classmethod
    def of(cls, output: Place) -> WorkFolder:
        """Beside the output."""
        return cls(output.beside(SUFFIX))

    def begin(self, head: Head) -> None:
        """Make it, or take it up again.

        Raises:
            InputError: it belongs to another job, or is something else.
        """
        names = self.place.names()
        if HEAD in names:
            head.check(self.place / HEAD, self.place.url)
        elif names:
            raise InputError(f"{self.place.url} is in the way: it is not the folder of a job")
        else:
            self.place.make()
            (self.place / HEAD).write(json_bytes(head.to_dict()))
        for name in names:
            if name.endswith(BEGUN) or name.startswith("."):  # of workers that were killed
                (self.place / name).remove()

    def part(self, shard: Shard) -> Place:
        """The shard's part of the output."""
        return self.place / f"{shard.name}{PART}"

    def failures(self, shard: Shard) -> Place:
        """Its rows that failed."""
        return self.place / f"{shard.name}{FAILURES}"

    def begun(self, shard: Shard) -> Place:
        """How often work on it was begun."""
        return self.place / f"{shard.name}{BEGUN}"

    def done(self, shard: Shard, part: bytes, failures: bytes, tally: Tally) -> None:
        """Keep what became of a shard. What is there already is written over."""
        if part:
            self.part(shard).write(part)
        if failures:
            self.failures(shard).write(failures)
        (self.place / f"{shard.name}{TALLY}").write(json_bytes(tally.to_dict()))
        self.begun(shard).remove()

    def tallies(self, shards: Iterable[Shard]) -> dict[int, Tally]:
        """Of the shards that are done, by number."""
        names = {*self.place.names()}
        found = {
            shard: read_json(self.place / f"{shard.name}{TALLY}") for shard in shards if f"{shard.name}{TALLY}" in names
        }
        read = {shard: Tally(**told) for shard, told in found.items() if told}
        return {shard.number: tally for shard, tally in read.items() if self._whole(shard, tally, names)}

    def _whole(self, shard: Shard, tally: Tally, names: set[str]) -> bool:
        wanted = ((self.part(shard), tally.part), (self.failures(shard), tally.failures))
        return all(size == 0 or (place.name in names and place.size() == size) for place, size in wanted)
