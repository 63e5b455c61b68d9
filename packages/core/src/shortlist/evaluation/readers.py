"""Collections out of files: judged lists, TREC's and BEIR's folders, rank_llm's JSON; and into a file again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection, Question, question_of
from shortlist.evaluation.folders import read_folder
from shortlist.evaluation.qrels import read_qrels
from shortlist.evaluation.ranked_lists import is_ranked_list, read_ranked_lists
from shortlist.training.readers import judged_record, read_judged
from shortlist.training.records import Record, located, records
from shortlist.training.trec import find_file

Format: TypeAlias = Literal["auto", "judged", "musique", "hotpotqa", "rank_llm", "trec", "beir", "documents"]

_FOLDERS = ("trec", "beir")


def read_collection(
    path: str | Path,
    format: Format = "auto",  # noqa: A002 - the CLI's word
    *,
    run: str | Path | None = None,
    qrels: str | Path | None = None,
    name: str | None = None,
    relevant: int = 1,
    depth: int = 100,
) -> Collection:
    """The questions of a file or folder, with their candidates and judgments.

    | format | what | candidates |
    |---|---|---|
    | judged | JSON lines of `query`, `passages` and `grades`, as `write_collection` writes them | as they stand |
    | musique, hotpotqa | JSON list or lines, see `read_judged` | as they stand |
    | rank_llm | JSON list or lines of queries with their hits; needs `qrels` | by `rank` |
    | trec, beir | a folder with `corpus`, `queries` and `qrels` | of the run, or of BM25 |
    | documents | a folder of documents that nobody judged, see `make_from_folder` | as they are made |

    Questions that are not judged are left out, and count in no mean, as in trec_eval. A judged question of a folder for
    which the run has nothing stays, without a candidate: whatever reranks it has 0.

    Args:
        path: the file or folder.
        format: `auto` looks at what the path is and what the first record has.
        run: a folder's first stage: a file as `read_run` reads it. Without one, the folder's file `run`, else BM25.
        qrels: a file of judgments as `read_qrels` reads it, instead of those of the path, or of rank_llm's file; of a
            folder also the name of a split, such as `dev`. Without it, `qrels` in the folder, or beside the file.
        name: of the collection; that of the path when None.
        relevant: the lowest grade that is relevant where a measure knows only yes and no.
        depth: candidates of a question, at most.

    Raises:
        InputError: something cannot be read; the message says in which file and where in it.
        MissingExtra: BM25 is the first stage, and the extra `search` is not installed.
    """
    path = Path(path)
    if format not in get_args(Format) or depth < 1:
        raise InputError(f"there is no format {format!r} with {depth} candidates")
    kind = _kind(path) if format == "auto" else format
    if run is not None and kind not in _FOLDERS:
        raise InputError(f"a run is the first stage of a folder, not of {path}")
    if kind in _FOLDERS:
        questions = read_folder(path, None if run is None else Path(run), qrels, depth)
    else:
        questions = _regraded(_of_file(path, kind), path, qrels, needed=kind == "rank_llm")
    cut = tuple(replace(each, passages=each.passages[:depth]) for each in questions)
    if not cut:
        raise InputError(f"{path}: no question in it is judged")
    return Collection(name or path.stem, cut, relevant)


def write_collection(path: str | Path, collection: Collection) -> None:
    """Write the questions as JSON lines, which `read_collection` reads again; `read_judged` reads them as judged lists.

    The list of grades has 0 for candidates that nobody judged; where there are such, or passages that were judged and
    not found, `judged` has all that was said.

    Raises:
        InputError: the file cannot be written, or a passage's metadata holds what JSON cannot.
    """
    try:
        lines = [json.dumps(_record(question), ensure_ascii=False, allow_nan=False) for question in collection]
        Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except (TypeError, ValueError, OSError) as error:
        raise InputError(f"cannot write {path}: {error}") from error


def _kind(path: Path) -> Format:
    if path.is_dir():
        return "beir"
    _, first = next(iter(records(path)), ("", {}))
    return "rank_llm" if is_ranked_list(first) else "auto"


def _of_file(path: Path, kind: Format) -> Iterator[Question]:
    if kind == "rank_llm":
        return (Question(found.id, found.query, found.passages, {}) for found in read_ranked_lists(path))
    if kind == "documents":
        return iter(Collection.of_lists(path.stem, read_judged(path, "documents")))
    return _of_records(path, kind)


def _of_records(path: Path, kind: Format) -> Iterator[Question]:
    """With the ids that the records have, and what else they say."""
    for place, (where, record) in enumerate(records(path)):
        with located(where):
            question = _question(str(record.get("id", record.get("_id", place))), record, kind)
            yield replace(
                question,
                grades={name: int(grade) for name, grade in record.get("judged", question.grades).items()},
                aspects={name: frozenset(map(str, each)) for name, each in record.get("aspects", {}).items()},
                utilities={name: float(each) for name, each in record.get("utilities", {}).items()},
                group=str(record.get("group", "")),
            )


def _question(name: str, record: Record, kind: Format) -> Question:
    if record.get("passages") == [] and "query" in record:
        return Question(name, str(record["query"]), (), {})  # nothing was found for it, and a judged list has something
    return question_of(name, judged_record(record, kind))  # type: ignore[arg-type]


def _regraded(
    questions: Iterable[Question], path: Path, qrels: str | Path | None, *, needed: bool
) -> Iterator[Question]:
    """As the qrels say; without any, as they are, unless they need some."""
    found = qrels if qrels is not None or not needed else find_file(path.parent, "qrels")
    if found is None:
        if needed:
            raise InputError(f"{path} has no judgments: a file of qrels is needed")
        yield from questions
        return
    judged = read_qrels(found)
    for question in questions:
        if question.id in judged:
            said = judged[question.id]
            yield replace(question, grades=said.grades, aspects=said.aspects)


def _record(question: Question) -> dict[str, Any]:
    candidates = question.candidates
    grades = tuple(max(0, question.grades.get(name, 0)) for name in candidates)
    more: Mapping[str, Any] = {
        "aspects": {each: sorted(found) for each, found in question.aspects.items()},
        "utilities": dict(question.utilities),
        "group": question.group,
    }
    passages = [passage.to_dict() for passage in question.passages]
    record: dict[str, Any] = {"id": question.id, "query": question.query, "passages": passages, "grades": list(grades)}
    if question.grades != dict(zip(candidates, grades, strict=True)):
        record["judged"] = dict(question.grades)
    return {**record, **{key: value for key, value in more.items() if value}}
