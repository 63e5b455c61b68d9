"""Runs in files: TREC's lines, our own JSON lines, rank_llm's JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measuring.base import MISSING, UNKNOWN
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.ranked_lists import is_ranked_list, ranked_lists, read_ranked_lists
from shortlist.training.records import Record, contents, located, records, rows


def first_stage_run(collection: Collection, name: str = "first stage") -> Run:
    """The order in which the first stage found the candidates, as a run.

    Scores are those of the passages where all have one and they never rise, else ranks from the last.
    """
    outcomes = {
        question.id: Outcome(question.candidates, _falling([passage.score for passage in question.passages]))
        for question in collection
    }
    return Run(name, outcomes)


def read_run(path: str | Path, name: str | None = None) -> Run:
    """The run in a file, whose shape is seen from what it begins with.

    | shape | what | order |
    |---|---|---|
    | TREC | lines `query Q0 passage rank score tag` | by score, as trec_eval: see `trec_order` |
    | JSON lines | of `write_run` or a store; or `question`, `ids` and perhaps `scores` | as they stand |
    | rank_llm | a JSON list or lines of `query` and `hits`, or `candidates` | by `rank`, else as they stand |

    Args:
        path: the file.
        name: of the run; the one in the file, or the file's own name, when None.

    Raises:
        InputError: the file cannot be read, or a question or passage stands in it twice; the message says where.
    """
    path = Path(path)
    text = contents(path).lstrip()
    if not text:
        raise InputError(f"{path}: no run in it")
    if text[0] not in "[{":
        return Run(name or path.stem, _trec(path))
    _, first = next(records(path))
    if is_ranked_list(first):
        return Run(name or path.stem, {found.id: _ranked(found.passages) for found in read_ranked_lists(path)})
    return _lines(path, name)


def write_run(path: str | Path, run: Run, *, collection: Collection | None = None) -> None:
    """Write a run in the shape that the file's ending says: `.jsonl` ours, `.json` rank_llm's, all others TREC's.

    JSON lines hold all of it. TREC's lines hold ids and scores: where scores would not bring a question's passages into
    their order again, as where they tie, ranks from the last stand for them. rank_llm's JSON holds texts as well.

    Raises:
        InputError: the file cannot be written; rank_llm's shape is asked for, and there is no collection to take texts
            from; or an id cannot stand in a TREC file.
    """
    path = Path(path)
    if path.suffix == ".jsonl":
        text = "".join(f"{line}\n" for line in map(_json, run_records(run)))
    elif path.suffix == ".json":
        if collection is None:
            raise InputError(f"{path}: this shape holds texts, and needs the collection to take them from")
        text = _json(ranked_lists(run, collection))
    else:
        text = "".join(_trec_lines(run))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def run_records(run: Run) -> Iterator[dict[str, Any]]:
    """A run as JSON-ready records: one about it, then one a question."""
    pipeline = None if run.pipeline is None else dict(run.pipeline)
    yield {"run": run.name, "pipeline": pipeline, "seconds": run.seconds}
    for question, outcome in run.outcomes.items():
        yield {"question": question, **outcome.to_dict()}


def trec_order(scores: Mapping[str, float]) -> list[str]:
    """Passage ids as trec_eval orders them: by score in single precision, ties by id from the last to the first."""
    with np.errstate(over="ignore"):
        single = np.asarray([*scores.values()], dtype=np.float64).astype(np.float32).tolist()
    # Its ids are compared byte by byte; UTF-8 was made so that this is the order of the characters.
    return [name for _, name in sorted(zip(single, scores, strict=True), reverse=True)]


def _trec(path: Path) -> dict[str, Outcome]:
    found: dict[str, dict[str, float]] = {}
    for where, (query, _, passage, _, score, _) in rows(path, 6):
        with located(where):
            scores = found.setdefault(query, {})
            if passage in scores:
                raise InputError(f"passage {passage!r} stands a second time in query {query!r}")
            scores[passage] = _number(score)
    return {query: _outcome(trec_order(scores), scores) for query, scores in found.items()}


def _number(written: str | float) -> float:
    value = float(written)
    if math.isnan(value):
        raise InputError("a score is not a number")
    return value


def _outcome(ids: Sequence[str], scores: Mapping[str, float]) -> Outcome:
    return Outcome(tuple(ids), tuple(scores[name] for name in ids), usage=UNKNOWN)


def _ranked(passages: Sequence[Any]) -> Outcome:
    scores = [passage.score for passage in passages]
    return Outcome(tuple(str(passage.id) for passage in passages), _falling(scores), usage=UNKNOWN)


def _falling(scores: Sequence[float | None]) -> tuple[float, ...]:
    """The scores where they fall with the ranks, else ranks from the last."""
    known = [score for score in scores if score is not None and not math.isnan(score)]
    falls = len(known) == len(scores) and known == sorted(known, reverse=True)
    return tuple(known) if falls else _ranks(len(scores))


def _ranks(n: int) -> tuple[float, ...]:
    return tuple(map(float, range(n, 0, -1)))


def _lines(path: Path, name: str | None) -> Run:
    """Our lines, and those of a store of `run`, whose outcomes stand one deeper beside the seconds of each."""
    about: Record = {}
    outcomes: dict[str, Outcome] = {}
    seconds = 0.0
    for place, (where, record) in enumerate(records(path)):
        with located(where):
            if place == 0 and "question" not in record:
                about = record
                continue
            question = str(record["question"])
            if outcomes.get(question, MISSING).error is None:
                raise InputError(f"question {question!r} stands here a second time")
            outcomes[question] = _read_outcome(record.get("outcome", record))
            seconds += float(record.get("seconds", 0.0))
    with located(str(path)):
        taken = float(about.get("seconds", seconds))
    return Run(name or str(about.get("run") or path.stem), outcomes, about.get("pipeline"), taken)


def _read_outcome(record: Record) -> Outcome:
    fields = {key: value for key, value in record.items() if key != "question"}
    if "usage" in fields:
        outcome = Outcome.from_dict(fields)
    else:
        ids = tuple(map(str, record["ids"]))
        scores = _falling([_number(each) for each in record.get("scores") or _ranks(len(ids))])
        outcome = Outcome(ids, scores, usage=UNKNOWN)
    if len(outcome.ids) != len(outcome.scores) or len({*outcome.ids}) < len(outcome.ids):
        raise InputError(f"{len({*outcome.ids})} different ids and {len(outcome.scores)} scores: one a passage")
    for score in outcome.scores:
        _number(score)
    return outcome


def _trec_lines(run: Run) -> Iterator[str]:
    tag = "".join("_" if each.isspace() else each for each in run.name) or "run"
    for question, outcome in run.outcomes.items():
        for name in (question, *outcome.ids):
            if not name or name.split() != [name]:
                raise InputError(f"the id {name!r} cannot stand in a TREC file: it has white space, or nothing at all")
        scores = dict(zip(outcome.ids, outcome.scores, strict=True))
        if trec_order(scores) != [*outcome.ids]:
            scores = dict(zip(outcome.ids, _ranks(len(scores)), strict=True))
        for rank, (name, score) in enumerate(scores.items(), 1):
            yield f"{question} Q0 {name} {rank} {score!r} {tag}\n"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the run holds what JSON cannot: {error}") from error
