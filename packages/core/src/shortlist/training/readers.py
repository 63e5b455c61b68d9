"""Judged lists out of files: our own, MuSiQue's, HotpotQA's, TREC's; and out of documents that nobody judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.training.judged import JudgedList
from shortlist.training.make import make_from_folder
from shortlist.training.records import Record, located, records
from shortlist.training.trec import is_trec_folder, read_trec_folder

Format: TypeAlias = Literal["auto", "judged", "musique", "hotpotqa", "trec", "documents"]
Level: TypeAlias = Literal["sentence", "paragraph"]


def read_judged(path: str | Path, format: Format = "auto", *, level: Level = "sentence") -> list[JudgedList]:  # noqa: A002 - the CLI's word
    """The judged lists of a file or folder.

    | format | what | passages |
    |---|---|---|
    | judged | JSON lines as `JudgedList.to_dict` writes them | as they are |
    | musique | JSON list or lines of MuSiQue | title and paragraph; document id: the title |
    | hotpotqa | JSON list or lines of HotpotQA | sentences or paragraphs; document id: the title |
    | trec | a folder with a run, qrels, queries and a corpus | see `read_trec` |
    | documents | a folder of long documents, which nobody judged | see `make_from_folder` |

    Args:
        path: the file or folder.
        format: `auto` looks at what the path is and what the first record has.
        level: of HotpotQA: a passage is a sentence, its position its place in the paragraph; or a whole paragraph.

    Raises:
        InputError: something cannot be read; the message says in which file and where in it.
        MissingExtra: an HTML or PDF file is among the documents, and the extra `search` is not installed.
    """
    path = Path(path)
    if format == "auto" and path.is_dir():
        format = "trec" if is_trec_folder(path) else "documents"  # noqa: A001
    if format == "trec":
        return read_trec_folder(path)
    if format == "documents":
        return _made(path)
    if format not in ("auto", *_SHAPES) or level not in ("sentence", "paragraph"):
        raise InputError(f"there is no format {format!r} with level {level!r}")
    lists: list[JudgedList] = []
    for where, record in records(path):
        with located(where):
            lists.append(judged_record(record, format, level))
    if not lists:
        raise InputError(f"{path}: no list in it")
    return lists


def judged_record(record: Record, format: Format = "auto", level: Level = "sentence") -> JudgedList:  # noqa: A002
    """The judged list that one record of a file is, in one of the formats of records.

    Raises:
        InputError: it has none of their shapes, or something of it is of another kind.
        KeyError: something is not there.
    """
    name = format if format != "auto" else next((n for n, (keys, _) in _SHAPES.items() if keys <= set(record)), None)
    if name is None:
        raise InputError(f"neither a judged list nor MuSiQue nor HotpotQA: its keys are {', '.join(record)}")
    return _SHAPES[name][1](record, level)


def _made(path: Path) -> list[JudgedList]:
    made = make_from_folder(path)
    if not made.lists:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in made.left_out.items())
        raise InputError(f"{path}: no list comes of its {made.chunks} chunks: {reasons}")
    return list(made.lists)


def _judged(record: Record, _: Level) -> JudgedList:
    return JudgedList.from_dict(record)


def _musique(record: Record, _: Level) -> JudgedList:
    found = [
        (Passage(f"{p['title']}\n{p['paragraph_text']}", str(p["idx"]), document_id=p["title"]), p["is_supporting"])
        for p in record["paragraphs"]
    ]
    return _list(record["question"], found)


def _hotpotqa(record: Record, level: Level) -> JudgedList:
    supporting = set(_pairs(record["supporting_facts"], "sent_id"))
    context = list(_pairs(record["context"], "sentences"))
    if level == "paragraph":
        titles = {title for title, _ in supporting}
        return _list(record["question"], [(_paragraph(*each), each[0] in titles) for each in context])
    found = [
        (Passage(text.strip(), f"{title}#{i}", document_id=title, position=i), (title, i) in supporting)
        for title, sentences in context
        for i, text in enumerate(sentences)
        if text.strip()
    ]
    return _list(record["question"], found)


def _paragraph(title: str, sentences: Sequence[str]) -> Passage:
    return Passage(f"{title}\n{''.join(sentences).strip()}", title, document_id=title)


def _pairs(value: Any, second: str) -> Iterator[tuple[str, Any]]:
    """Pairs of a title and something: a list of pairs in HotpotQA's own files, two lists in its other edition."""
    if isinstance(value, Mapping):
        yield from zip(value["title"], value[second], strict=True)
    else:
        yield from ((title, found) for title, found in value)


def _list(question: Any, found: Sequence[tuple[Passage, Any]]) -> JudgedList:
    if not isinstance(question, str):
        raise InputError(f"the question is not a text: {question!r}")
    return JudgedList(question, tuple(passage for passage, _ in found), tuple(int(grade) for _, grade in found))


_SHAPES: Mapping[str, tuple[frozenset[str], Callable[[Record, Level], JudgedList]]] = MappingProxyType(
    {
        "judged": (frozenset({"query", "passages", "grades"}), _judged),
        "musique": (frozenset({"question", "paragraphs"}), _musique),
        "hotpotqa": (frozenset({"question", "context", "supporting_facts"}), _hotpotqa),
    }
)
"""Which keys a record of each format has, and who reads it."""
