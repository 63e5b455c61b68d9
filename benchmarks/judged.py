"""Collections as `shortlist.evaluation` has them, and rerankers whose models are asked once for each pair or text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from data import DATA
from remembered import Remembered
from shortlist import CrossEncoder, FunctionEmbedder, FunctionScorer, Passage, Reranker, Similarity
from shortlist.documents import FirstStage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.outcome import Run
from shortlist.evaluation.readers import read_collection
from shortlist.models.base import Pair, Role, Text, Vector
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from shortlist.plan import Call

STAGES = ("bm25", "tasb", "splade")
DEPTH = 100
"""Candidates of a question."""


def dl19(stage: str = "bm25") -> Collection | None:
    """TREC Deep Learning 2019 over one of the first stages."""
    folder = DATA / "dl19"
    if not folder.exists():
        return None
    name = f"dl19, {stage}"
    return read_collection(folder / f"{stage}.json", qrels=folder / "qrels.txt", name=name, relevant=2)


def cacm(depth: int) -> Collection | None:
    """Abstracts of Communications of the ACM, 1958 to 1979, over BM25; the group is the median year of what answers."""
    folder = DATA / "cacm"
    if not folder.exists():
        return None
    corpus = {number: _article(fields) for number, fields in _records(folder / "cacm.all")}
    index = FirstStage([passage for passage, _ in corpus.values()])
    judged: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.text").read_text(encoding="ascii").splitlines():
        query, number, *_ = line.split()
        judged.setdefault(str(int(query)), {})[str(int(number))] = 1
    questions = []
    for number, fields in _records(folder / "query.text"):
        if number in judged:
            query = " ".join(fields["W"].split())
            year = int(np.median([corpus[each][1] for each in judged[number]]))
            questions.append(
                Question(number, query, tuple(index.search(query, depth)), judged[number], group=f"{year}")
            )
    return Collection("CACM", tuple(questions))


def _article(fields: Mapping[str, str]) -> tuple[Passage, int]:
    """Title and abstract, and the year."""
    text = " ".join(f"{fields['T']} {fields.get('W', '')}".split())
    year = re.search(r"19\d\d", fields["B"])
    assert year
    return Passage(text, fields["I"]), int(year[0])


def _records(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Of SMART's format: fields by their letter, with the number as `I`."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for record in re.split(r"^\.I ", text, flags=re.MULTILINE)[1:]:
        number, _, rest = record.partition("\n")
        parts = re.split(r"^\.([A-Z])\s*\n", rest, flags=re.MULTILINE)
        yield number.strip(), {"I": number.strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def first(collection: Collection, n: int, depth: int) -> Collection:
    """Its first questions, with so many candidates."""
    cut = tuple(replace(each, passages=each.passages[:depth]) for each in collection.questions[:n])
    return replace(collection, questions=cut)


def all_of(run: Run) -> Run:
    """The run, which a question that failed spoils."""
    if failed := [each.error for each in run.outcomes.values() if each.error]:
        raise SystemExit(f"{run.name}: {failed[0]}")
    return run


def cross_encoder(weights: str = "ms-marco-minilm") -> Reranker:
    """Int8; remembers each pair."""
    model = OnnxCrossEncoder(weights, precision="int8")

    def ask(pairs: list[tuple[str, str]]) -> list[float]:
        return [float(reply.value) for reply in model.answer([Pair(*each) for each in pairs], Call())]

    return CrossEncoder(FunctionScorer(Remembered(f"pairs-{weights}", ask)))


def similarity(weights: str) -> Reranker:
    """Int8; remembers each text."""
    model = OnnxEmbedder(weights, precision="int8")

    def ask(texts: list[tuple[str, Role]]) -> list[Vector]:
        return [reply.value for reply in model.answer([Text(*each) for each in texts], Call())]

    known = Remembered(f"vectors-{weights}", ask)
    return Similarity(FunctionEmbedder(lambda texts, role: np.array(known([(text, role) for text in texts]))))
