"""Rerankers that read passages in company, on questions that need several passages; and how fast one is."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ir_measures import nDCG

from data import DATA, Collection
from neighbourhood import asked, carrying, chosen, embedder_of, milliseconds, vectors_of
from quality import interval, measured
from shortlist import (
    Blend,
    CrossEncoder,
    Embedder,
    FunctionEmbedder,
    Fuse,
    KeepOrder,
    Lexical,
    Passage,
    Reranker,
    Similarity,
)
from shortlist.graphs import GraphBuilder, Metadata, Neighbours
from shortlist.models.base import Role
from shortlist.models.catalogue import find
from shortlist.models.trained import TrainedNetwork, shipped_for
from shortlist.rerankers.collaborative import Collaborative
from shortlist.rerankers.ebcar import Ebcar
from shortlist.rerankers.feature_refinement import FeatureRefinement
from shortlist.rerankers.g_rag import GRag
from shortlist.rerankers.graph import GraphPropagation
from shortlist.rerankers.hybrank import HybRank
from shortlist.training.judged import JudgedList, folds, kept_apart
from shortlist.training.readers import read_judged
from table import Table, report, skipped
from timing import cpu_seconds

Array = npt.NDArray[np.float64]
Row = tuple[str, ...]
TITLE = "Passages in company"
NEEDED = ("ms-marco-minilm", "bge-small")
EMBEDDERS = ("static", "bge-small")
FOLDS, DEPTH = 5, 5
NETWORKS: Mapping[str, type[Ebcar] | type[GRag] | type[HybRank]] = {"ebcar": Ebcar, "g-rag": GRag, "hybrid": HybRank}
SHARES = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Subject:
    """Judged lists to rank.

    Attributes:
        title: of the collection.
        name: of its files in the cache.
        lists: questions with their passages.
        builders: of the graphs that scores flow along.
        networks: which are trained on them.
    """

    title: str
    name: str
    lists: Sequence[JudgedList]
    builders: Mapping[str, GraphBuilder]
    networks: Sequence[str]

    @property
    def collection(self) -> Collection:
        """Its questions by number; the order of the passages means nothing."""
        numbered = {f"{i:04}": each for i, each in enumerate(self.lists)}
        return Collection(
            {q: each.query for q, each in numbered.items()},
            {q: [*each.passages] for q, each in numbered.items()},
            {
                q: {str(p.id): g for p, g in zip(each.passages, each.grades, strict=True)}
                for q, each in numbered.items()
            },
        )


class Values(NamedTuple):
    """What one order is worth, question by question."""

    ndcg: Array
    all_gold: Array


@dataclass(frozen=True)
class Start:
    """An order to start from.

    Attributes:
        name: of what made it.
        values: of the order itself.
        collection: the passages in that order, as rerankers get them.
    """

    name: str
    values: Values
    collection: Collection


def subjects() -> list[Subject] | None:
    folder = DATA / "multihop"
    if not folder.exists():
        return None
    questions = read_judged(folder / "hipporag_subset" / "musique_train.json")
    questions += read_judged(folder / "migres_subset" / "musique.json")
    sentences = read_judged(folder / "hipporag_subset" / "hotpotqa_train.json", level="sentence")
    near: dict[str, GraphBuilder] = {"graph of neighbours": Neighbours(5)}
    return [
        Subject("HotpotQA, sentences", "hotpotqa", sentences, {**near, "graph of documents": Metadata()}, ["ebcar"]),
        Subject("MuSiQue, paragraphs", "musique", questions, near, ["g-rag", "hybrid"]),
    ]


def values(orders: Mapping[str, Sequence[str]], collection: Collection) -> Values:
    gold = {q: {d for d, grade in grades.items() if grade} for q, grades in collection.grades.items()}
    found = measured({q: [*ids] for q, ids in orders.items()}, collection, [nDCG @ 10])[nDCG @ 10]
    return Values(found, np.array([gold[q] <= set(orders[q][:DEPTH]) for q in sorted(orders)], dtype=np.float64))


def ranked(reranker: Reranker, collection: Collection) -> dict[str, list[str]]:
    rankings = {q: reranker.rank(text, collection.candidates[q]) for q, text in collection.queries.items()}
    return {q: [str(passage.id) for passage in ranking.passages] for q, ranking in rankings.items()}


def rows(subject: Subject, embedder: str, n_folds: int, *, quick: bool) -> tuple[list[Row], str]:
    """The rows of one collection with the vectors of one embedder, and what the models took."""
    collection = subject.collection
    signals = asked(collection, subject.name, embedder)
    model = remembered(collection, signals.queries, signals.passages, embedder)
    own = carrying(collection, replace(signals, scores=[np.zeros(len(each)) for each in signals.scores]))
    alone = Collection(own.queries, {q: _unscored(p) for q, p in own.candidates.items()}, own.grades)
    similar = Similarity(model, stored=True)
    told = Told(collection, embedder)
    place = partial(_row, f"{subject.title}; {embedder}")
    words = values(ranked(Lexical(), alone), alone)
    by_vectors = Start("vectors", values(ranked(similar, alone), alone), alone)
    scored = carrying(collection, signals)
    by_reading = Start("cross-encoder", values(ranked(KeepOrder(), scored), scored), scored)
    found = [
        place("BM25", "", words, None, milliseconds(Lexical(), alone)),
        place("vectors", "", by_vectors.values, None, milliseconds(similar, alone)),
        place("cross-encoder", "", by_reading.values, None, told.reading),
    ]
    for start in (by_vectors, by_reading):
        for name, reranker in untrained(subject, model, blended=start is by_reading).items():
            after = values(ranked(reranker, start.collection), start.collection)
            found.append(place(name, start.name, after, start, milliseconds(reranker, start.collection)))
        for kind in subject.networks:
            name, after, spent = (
                as_shipped(start, model, embedder)
                if kind == "ebcar"
                else trained(kind, start, model, n_folds, quick=quick)
            )
            found.append(place(name, start.name, after, start, spent))
    name, after, spent = best(cheap(model), by_reading, n_folds)
    found.append(place(name, by_reading.name, after, by_reading, spent))
    return found, f"{subject.title}: {told.shares(spent)}"


def untrained(subject: Subject, model: Embedder, *, blended: bool) -> dict[str, Reranker]:
    """With the settings that they have by default; after the cross-encoder, half of its score stays."""
    plain: dict[str, Reranker] = {
        "similarity": Similarity(model, stored=True),
        "feature refinement": FeatureRefinement(model, stored=True),
        "collaborative": Collaborative(model, stored=True),
    }
    flowing = {name: GraphPropagation(builder, embedder=model) for name, builder in subject.builders.items()}
    if not blended:
        return {name: each for name, each in plain.items() if name != "similarity"} | flowing
    return {f"blend with {name}": Blend(each, 0.5) for name, each in plain.items()} | flowing


def cheap(model: Embedder) -> dict[str, Reranker]:
    """The few combinations among which other questions choose."""
    similar, shared = Similarity(model, stored=True), Collaborative(model, stored=True)
    refined = FeatureRefinement(model, stored=True)
    parts: dict[str, Reranker] = {
        "similarity": similar,
        "refinement": refined,
        "refinement, no expansion": replace(refined, expand=0),
        "collaborative": shared,
        "refinement + collaborative": Fuse(refined, shared, method="weighted"),
        "all three": Fuse(similar, refined, shared, method="weighted"),
    }
    return {f"{name}, prior={p}": Blend(each, p) for (name, each), p in product(parts.items(), SHARES)}


def best(settings: Mapping[str, Reranker], start: Start, n_folds: int) -> tuple[str, Values, float]:
    """The combination that was best on the other folds: what it is mostly, its values, its milliseconds."""
    tried = [values(ranked(each, start.collection), start.collection) for each in settings.values()]
    got, picks = chosen(np.stack([each.ndcg for each in tried]), n_folds)
    gold = np.stack([each.all_gold for each in tried])[picks, np.arange(len(picks))]
    most = [*settings][int(np.bincount(picks).argmax())]
    name = f"best of {len(settings)} cheap combinations (mostly {most})"
    return name, Values(got, gold), milliseconds(settings[most], start.collection)


def as_shipped(start: Start, model: Embedder, embedder: str) -> tuple[str, Values, float]:
    """EBCAR as it comes with the package: it was trained on none of these questions, and 80 would be too few."""
    reranker = Ebcar(model, network=shipped_for("ebcar", embedder))
    after = values(ranked(reranker, start.collection), start.collection)
    return "ebcar, as shipped", after, milliseconds(reranker, start.collection)


def trained(kind: str, start: Start, model: Embedder, n_folds: int, *, quick: bool) -> tuple[str, Values, float]:
    """The network, trained by the task's defaults on the other folds and what else there is to train on."""
    from shortlist.training.tasks import TASKS
    from shortlist.training.train import train

    lists = _judged(start.collection)
    numbers = {id(each): q for q, each in zip(start.collection.queries, lists, strict=True)}
    parts = folds(lists, n_folds)
    orders: dict[str, list[str]] = {}
    spent: list[float] = []
    recipe = replace(TASKS[kind]().recipe, epochs=1) if quick else None
    for held in parts:
        with tempfile.TemporaryDirectory() as scratch:
            others = [each for part in parts if part is not held for each in part]
            others += kept_apart(made(kind), held, relevant=True)
            folder = Path(scratch) / kind
            train(kind, others, model, folder, recipe, held_out=held)
            reranker = NETWORKS[kind](model, network=TrainedNetwork(str(folder)))
            share = _part(start.collection, [numbers[id(each)] for each in held])
            orders |= ranked(reranker, share)
            spent.append(milliseconds(reranker, share))
    name = f"{kind}, trained on {n_folds - 1} of {n_folds} parts"
    return name, values(orders, start.collection), float(np.mean(spent))


def _judged(collection: Collection) -> list[JudgedList]:
    return [
        JudgedList(collection.queries[q], tuple(found), tuple(collection.grades[q][str(p.id)] for p in found))
        for q, found in collection.candidates.items()
    ]


def made(kind: str) -> list[JudgedList]:
    """More lists to train on, from the folder that `SHORTLIST_TRAINING_LISTS` names: `ebcar.jsonl` and so on."""
    folder = os.environ.get("SHORTLIST_TRAINING_LISTS")
    path = None if folder is None else Path(folder) / f"{kind}.jsonl"
    return read_judged(path, "judged") if path is not None and path.exists() else []


def remembered(collection: Collection, queries: Array, passages: Sequence[Array], name: str) -> Embedder:
    """The embedder, with what it said before at hand."""
    texts = [p.text for candidates in collection.candidates.values() for p in candidates]
    known = {("query", text): row for text, row in zip(collection.queries.values(), queries, strict=True)}
    known |= {("passage", text): row for text, row in zip(texts, np.concatenate(passages), strict=True)}

    def vectors(wanted: list[str], role: Role) -> list[npt.NDArray[np.float32]]:
        new = [text for text in dict.fromkeys(wanted) if (role, text) not in known]
        if new:
            found = vectors_of(embedder_of(name), new, role)
            known.update(((role, text), row) for text, row in zip(new, found, strict=True))
        return [known[role, text] for text in wanted]

    return FunctionEmbedder(vectors, name=f"{name}, remembered")


class Told:
    """Milliseconds of CPU for a question: of the cross-encoder, and of the embedder for question and passages."""

    def __init__(self, collection: Collection, embedder: str) -> None:
        few = _part(collection, [*collection.queries][:5])
        model = embedder_of(embedder)
        vectors_of(model, ["warm"])
        self.embedder = embedder
        self.reading = milliseconds(CrossEncoder(), few)
        self.question = _mean_ms(few, lambda q: vectors_of(model, [few.queries[q]], "query"))
        self.passages = _mean_ms(few, lambda q: vectors_of(model, [p.text for p in few.candidates[q]]))

    def shares(self, spent: float) -> str:
        some, every = spent + self.question, spent + self.question + self.passages
        return (
            f"the best cheap combination, with {self.embedder} for the question, takes {some / self.reading:.1%} of the"
            f" cross-encoder's {self.reading:,.0f} ms; {every / self.reading:.1%} where the passages are embedded too."
        )


def _row(where: str, name: str, begun: str, got: Values, start: Start | None, ms: float) -> Row:
    gains = ["", ""] if start is None else [_gain(*pair) for pair in zip(got, start.values, strict=True)]
    means = [f"{got.ndcg.mean():.4f}", f"{got.all_gold.mean():.3f}"]
    return where, f"{name}, after {begun}" if begun else name, means[0], gains[0], means[1], gains[1], f"{ms:.3g}"


def _gain(got: Array, before: Array) -> str:
    mean, low, high = interval(got - before)
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def _part(collection: Collection, ids: Sequence[str]) -> Collection:
    every = (collection.queries, collection.candidates, collection.grades)
    return Collection(*({q: each[q] for q in ids} for each in every))


def _unscored(passages: Sequence[Passage]) -> list[Passage]:
    return [replace(passage, score=None) for passage in passages]


def _mean_ms(collection: Collection, work: Callable[[str], object]) -> float:
    return 1e3 * cpu_seconds(lambda: [work(q) for q in collection.queries]) / len(collection.queries)


def speed(*, quick: bool) -> str:
    """What EBCAR takes beside the cross-encoder, in a process of its own with two threads."""
    command = [sys.executable, str(Path(__file__).with_name("ebcar_speed.py")), *(["--quick"] if quick else [])]
    environment = {**os.environ, "SHORTLIST_THREADS": "2"}
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return run.stdout.strip()


def main(*, quick: bool = False) -> Table:
    columns = (
        "passages; vectors", "reranker", "nDCG@10", "gain, 95 % interval", f"all@{DEPTH}", "gain, 95 % interval",
        "ms a question",
    )  # fmt: skip
    found = subjects()
    if found is None:
        return skipped(TITLE, "The collections (HotpotQA, MuSiQue) are not part of the repository, and were not there.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    lines: list[Row] = []
    notes = [speed(quick=quick)]
    for subject, embedder in product(found, EMBEDDERS[:1] if quick else EMBEDDERS):
        few = replace(subject, lists=subject.lists[:40]) if quick else subject
        new, note = rows(few, embedder, 2 if quick else FOLDS, quick=quick)
        lines += new
        notes.append(f"{note[0].upper()}{note[1:]}")
    return Table(
        TITLE,
        columns,
        tuple(lines),
        (
            *(f"{each.title}: {len(each.lists)} questions, {_mean_length(each):.0f} passages each." for each in found),
            "Gains are over the order before, with a paired bootstrap 95 % interval over questions: over that of the"
            " vectors, or over the cross-encoder's (ms-marco-minilm, int8), whose scores the passages then carry."
            f" all@{DEPTH} is the share of questions whose needed passages are all among the first {DEPTH}.",
            f"G-RAG and HybRank are trained anew for each of {FOLDS} parts of the questions, which share no needed"
            " passage, on the other parts alone, with the recipe that `shortlist train` has by default, and held by"
            " the guard that was fitted in that run. EBCAR is the one that comes with the package: no question of"
            " HotpotQA was in its training.",
            "Cheap combinations: for each question, the setting that was best for the questions of the other parts.",
            "Milliseconds are CPU time, vectors at hand; of the cross-encoder, all of its work.",
        ),
        ("shortlist", "onnxruntime", "numpy", "torch", "ir-measures"),
        columns[-1:],
        tuple(notes),
    )


def _mean_length(subject: Subject) -> float:
    return float(np.mean([len(each.passages) for each in subject.lists]))


if __name__ == "__main__":
    report(main)
