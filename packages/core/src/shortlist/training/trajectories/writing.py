"""Questions explored many at a time, and what becomes of them kept line by line, so that a killed run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from shortlist.errors import InputError, ShortlistError
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.records import located, records
from shortlist.training.trajectories.explorer import Explored, Explorer
from shortlist.training.trajectories.question import Question


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
    runtime = runtime or Runtime()
    done = _done(file, questions, explorer)
    waiting = iter([place for place in range(len(questions)) if place not in done])
    failed: list[Failed] = []
    held = len(done)
    with _opened(file) as sink:
        while window := list(islice(waiting, max(1, runtime.window))):
            finished = drive([explorer.plan(questions[place]) for place in window], runtime)
            for place, each in zip(window, finished, strict=True):
                if isinstance(each.result, ShortlistError):
                    failed.append(Failed(place, each.result))
                    continue
                _append(sink, {**_head(place, questions[place], explorer), **each.result.to_dict()})
                held += 1
            progress(held)
    return failed


def explored(file: Path) -> Iterator[Explored]:
    """What `explore` wrote, in the order of the questions.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    rows = []
    for where, record in records(file):
        with located(where):
            rows.append((record["place"], Explored.from_dict(record)))
    yield from (each for _, each in sorted(rows, key=lambda row: row[0]))


def _head(place: int, question: Question, explorer: Explorer) -> dict[str, Any]:
    return {"place": place, "of": _digest(question.to_dict()), "by": _digest(_settings(explorer))}


def _settings(explorer: Explorer) -> list[Any]:
    """What makes trajectories other ones. Models without a fingerprint are told apart by their repr."""
    trial, reward = explorer.trial, explorer.trial.reward
    models = (explorer.policy, trial.generator, reward.embedder, reward.judge)
    told = [None if model is None else model.fingerprint or repr(model) for model in models]
    asked = [repr(explorer.spec), explorer.samples, explorer.temperature, trial.style, trial.max_tokens]
    return [*told, *asked, *reward.weights, reward.longest]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _done(file: Path, questions: Sequence[Question], explorer: Explorer) -> set[int]:
    """The places that the file holds; half a line at its end, of a run that was killed, is cut off."""
    if not file.exists():
        return set()
    _mend(file)
    done = set[int]()
    for where, record in records(file):
        with located(where):
            place = record["place"]
            if not 0 <= place < len(questions):
                raise InputError("the file is of more questions")
            wanted = _head(place, questions[place], explorer)
            if record["of"] != wanted["of"]:
                raise InputError(f"the file is of other questions: question {place + 1} has changed")
            if record["by"] != wanted["by"]:
                raise InputError("the file was made with other settings: take another folder")
            done.add(place)
    return done


def _mend(file: Path) -> None:
    data = file.read_bytes()
    end = data.rfind(b"\n") + 1
    if end == len(data):
        return
    if not (data[end:].startswith(b'{"place": ') or b'{"place": '.startswith(data[end:])):
        raise InputError(f"{file} holds no trajectories: nothing was changed in it")
    with file.open("r+b") as sink:
        sink.truncate(end)


def _opened(file: Path) -> IO[bytes]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("ab")
    except OSError as error:
        raise InputError(f"cannot write {file}: {error}") from error


def _append(sink: IO[bytes], record: dict[str, Any]) -> None:
    sink.write(json.dumps(record).encode() + b"\n")
    sink.flush()
