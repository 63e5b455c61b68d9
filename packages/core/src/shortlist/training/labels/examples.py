"""Examples for few-shot prompts, out of what was made before, or of files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from shortlist.errors import InputError
from shortlist.training.judged import JudgedList
from shortlist.training.labels.made import Made
from shortlist.training.labels.prompts import Example
from shortlist.training.records import Record, located, records


def examples_of(made: Iterable[Made], passages: Mapping[str, str], n: int = 3, seed: int = 0) -> tuple[Example, ...]:
    """Examples out of what was made: UDAPDR's second stage, in which a strong model's queries teach a cheap one.

    The bad query of an example is one that was written for its passage and is not kept.

    Args:
        made: what came of some passages.
        passages: their texts by id.
        n: examples, at most, each of another passage.
        seed: of their choice.
    """
    fit = [each for each in made if each.kept and each.source in passages]
    chosen = random.Random(seed).sample(fit, min(n, len(fit)))
    return tuple(Example(passages[each.source], each.kept[0].draft.query, _bad(each)) for each in chosen)


def _bad(made: Made) -> str:
    drafts = [*(each.draft.bad for each in made.kept), *(each.draft.query for each in made.refused)]
    return next((query for query in drafts if query), "")


def read_examples(path: str | Path, n: int = 3, seed: int = 0) -> tuple[Example, ...]:
    """Examples out of JSON lines: `passage`, `query` and maybe `bad`; or judged lists, such as another run gave.

    Of a judged list, the first relevant passage is taken.

    Args:
        path: the file.
        n: examples, at most: the file's first, or of judged lists so many at random.
        seed: of their choice.

    Raises:
        InputError: the file cannot be read, or has no example.
    """
    rows = list(records(Path(path)))
    if rows and "passages" in rows[0][1]:
        rows = random.Random(seed).sample(rows, len(rows))
    found: list[Example] = []
    for where, record in rows:
        with located(where):
            found += _examples(record)
    if not found:
        raise InputError(f"{path}: no example in it")
    return tuple(found[:n])


def _examples(record: Record) -> Sequence[Example]:
    if "passages" not in record:
        return [Example(record["passage"], record["query"], record.get("bad", ""))]
    judged = JudgedList.from_dict(record)
    relevant = [each.text for each, grade in zip(judged.passages, judged.grades, strict=True) if grade]
    return [Example(text, judged.query, record.get("metadata", {}).get("bad", "")) for text in relevant[:1]]
