"""Questions explored many at a time, and what becomes of them kept line by line, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shortlist.errors import InputError, ShortlistError
from shortlist.plan import Plan
from shortlist.runtime.settings import Runtime
from shortlist.training.records import located, records
from shortlist.training.trajectories.explorer import Explored, Explorer
from shortlist.training.trajectories.question import Question
from shortlist.training.underway import digest
from shortlist.training.work import Work


class Failed(NamedTuple):
    """A question that came to nothing this time; the next run takes it up again.

    Attributes:
        place: among the questions, from 0.
        error: why.
    """

    place: int
    error: ShortlistError


def explore(
    questions: Sequence[Question],
    explorer: Explorer,
    file: Path,
    runtime: Runtime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Failed]:
    """Explore what the file does not hold yet, and add a line for each; `progress` is told how many it holds.

    As many questions as the runtime's `window` are under way at once, and written when all of these are done: their
    asks share batches. Lines stand in the order of the questions, those that were mended by a later run after them.

    Raises:
        InputError: the file cannot be written, or is of other questions or another explorer.
    """

    def plan(placed: tuple[int, Question]) -> Plan[Mapping[str, Any]]:
        place, question = placed
        return {"place": place, **(yield from explorer.plan(question)).to_dict()}

    items = {f"{place} {digest(each.to_dict())}": (place, each) for place, each in enumerate(questions)}
    work = Work("trajectories", file, plan, _settings(explorer))
    if other := [each["place"] for name, each in work.done().items() if name not in items]:
        raise InputError(f"{file} is of other questions: question {other[0] + 1} has changed, or is not there any more")
    return [Failed(items[name][0], error) for name, error in work.do(items, runtime, progress)]


def explored(file: Path) -> Iterator[Explored]:
    """What `explore` wrote, in the order of the questions.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    rows = []
    for where, record in records(file):
        with located(where):
            if "shortlist_trajectories" not in record:  # the first line
                rows.append((record["made"]["place"], Explored.from_dict(record["made"])))
    yield from (each for _, each in sorted(rows, key=lambda row: row[0]))


def _settings(explorer: Explorer) -> list[Any]:
    """What makes trajectories other ones. Models without a fingerprint are told apart by their repr."""
    trial, reward = explorer.trial, explorer.trial.reward
    models = (explorer.policy, trial.generator, reward.embedder, reward.judge)
    told = [None if model is None else model.fingerprint or repr(model) for model in models]
    asked = [repr(explorer.spec), explorer.samples, explorer.temperature, trial.style, trial.max_tokens]
    return [*told, *asked, *reward.weights, reward.longest]
