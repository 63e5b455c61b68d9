"""Is every passage that a question needs among the first k? By relevance, diversity, and declared knowledge."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from needed_data import Question, collections, rule, steps
from neighbourhood import chosen, scores_of
from quality import interval
from remembered import Remembered
from shortlist import (
    ChatModel,
    CrossEncoder,
    Embedder,
    FunctionChat,
    FunctionEmbedder,
    FunctionScorer,
    KeepOrder,
    PairScorer,
    Reranker,
    Similarity,
    StaticEmbedder,
)
from shortlist.models.base import ChatRequest, Message, Pair, Role, Text
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from shortlist.plan import Call, Model
from shortlist.rerankers.dpp import Dpp
from shortlist.rerankers.facility_location import FacilityLocation
from shortlist.rerankers.knowledge_aware import KnowledgeAware
from shortlist.rerankers.mmr import Mmr
from shortlist.rerankers.msd import Msd
from shortlist.rerankers.pm2 import Pm2
from shortlist.rerankers.ssd import Ssd
from shortlist.rerankers.xquad import Xquad
from shortlist.runtime.settings import Runtime
from table import Table, report, skipped

TITLE = "Every needed passage among the first k"
WEIGHTS = ("ms-marco-minilm", "bge-small")
DEPTHS = (2, 3, 4, 5, 8)
DIVERSITIES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
FOLDS = 5
WRITER, WRITTEN = "smollm2-135m", 20
Values = npt.NDArray[np.float64]
Row = tuple[str, ...]
Make = Callable[[Question], Reranker]


@dataclass(frozen=True)
class Models:
    """Models that remember their answers."""

    scorer: PairScorer
    embedder: Embedder
    writer: ChatModel | None


def models() -> Models:
    """The cross-encoder, the embedder, and the small language model where torch and its weights are there."""
    pairs = Remembered("needed-pairs", lambda asked: _said(OnnxCrossEncoder(WEIGHTS[0]), [Pair(*e) for e in asked]))
    rows = Remembered("needed-vectors", lambda asked: _said(OnnxEmbedder(WEIGHTS[1]), [Text(*e) for e in asked]))

    def embed(texts: list[str], role: Role) -> Sequence[Any]:
        return rows([(text, role) for text in texts])

    return Models(
        FunctionScorer(pairs, "minilm", "logit"),
        FunctionEmbedder(embed, "bge-small"),
        None if find(WRITER) is None else _writer(),
    )


def _said(model: Model[Any, Any], payloads: Sequence[Any]) -> list[Any]:
    return [reply.value for reply in model.answer(payloads, Call())]


def _writer() -> ChatModel:
    """One prompt at a time: each takes it seconds."""
    from shortlist.models.torch_language import TorchChat

    model = TorchChat(WRITER)

    def write(asked: list[tuple[str, str]]) -> list[str]:
        requests = [ChatRequest((Message("user", prompt),), max_tokens=int(most)) for prompt, most in asked]
        return [reply.text for reply in _said(model, requests)]

    written = Remembered("needed-written", write)

    def answer(request: ChatRequest) -> str:
        return str(written([(request.messages[-1].content, str(request.max_tokens))])[0])

    return FunctionChat(answer, WRITER, concurrency=1)


def recalls(make: Make, questions: Sequence[Question]) -> Values:
    """Whether all needed passages are among the first k, shape (depths, questions)."""
    rankings = [make(each).rank(each.text, each.candidates) for each in questions]
    orders = [[str(passage.id) for passage in ranking.passages] for ranking in rankings]
    found = [[each.needed <= set(order[:k]) for each, order in zip(questions, orders, strict=True)] for k in DEPTHS]
    return np.array(found, dtype=np.float64)


def best(tried: Mapping[str, Values], folds: int) -> tuple[str, Values]:
    """Each question under the setting that was best over all depths for the other folds; and which mostly was."""
    values = np.stack([*tried.values()])
    _, picks = chosen(values.mean(axis=1), folds)
    most = [*tried][int(np.bincount(picks).argmax())]
    return f"{len(tried)} tried, mostly {most}", values[picks, :, np.arange(values.shape[2])].T


def carrying(questions: Sequence[Question], reranker: Reranker, embedder: Embedder) -> list[Question]:
    """With this reranker's scores, best first, and with vectors."""
    made = []
    for question in questions:
        scores = scores_of(reranker, question.text, question.candidates)
        vectors = _said(embedder, [Text(passage.text) for passage in question.candidates])
        told = zip(question.candidates, scores.tolist(), vectors, strict=True)
        carried = [replace(passage, score=score, embedding=vector) for passage, score, vector in told]
        made.append(replace(question, candidates=sorted(carried, key=lambda each: -(each.score or 0.0))))
    return made


def selections() -> dict[str, dict[str, Make]]:
    """Diverse selections that need no language model, by name and by setting."""
    kinds = {
        "Mmr": Mmr,
        "Msd": Msd,
        "Dpp": Dpp,
        "FacilityLocation": FacilityLocation,
        "Ssd": Ssd,
        "Xquad, clusters": Xquad,
        "Pm2, clusters": Pm2,
    }
    return {
        name: {f"diversity={each}": partial(_same, kind(diversity=each)) for each in DIVERSITIES}
        for name, kind in kinds.items()
    }


def merges(scorer: PairScorer | Embedder, elements: Callable[[Question], tuple[str, ...]]) -> dict[str, Make]:
    """Every merge of these elements."""
    aware = partial(KnowledgeAware, scorer=scorer)
    plain = {rule: partial(_given, partial(aware, merge=rule), elements) for rule in ("round-robin", "max", "sum")}
    covering = {
        f"{rule} {each}": partial(_given, partial(aware, merge=rule, diversity=each), elements)
        for rule, each in product(("xquad", "pm2"), (0.3, 0.6, 0.9))
    }
    return plain | covering


def _same(reranker: Reranker, _: Question) -> Reranker:
    return reranker


def _given(
    make: Callable[..., Reranker], elements: Callable[[Question], tuple[str, ...]], question: Question
) -> Reranker:
    return make(elements=elements(question))


def rows(name: str, questions: Sequence[Question], own: Models, folds: int, written: int) -> Iterator[Row]:
    """One collection's part of the table."""
    alone = {
        "static": Similarity(StaticEmbedder()),
        "bge-small": Similarity(own.embedder),
        "cross-encoder": CrossEncoder(own.scorer),
    }
    base = {scorer: recalls(partial(_same, reranker), questions) for scorer, reranker in alone.items()}
    for scorer, values in base.items():
        yield _row(name, f"relevance alone, {scorer}", "", values, None)
    scored = carrying(questions, alone["cross-encoder"], own.embedder)
    for kind, settings in selections().items():
        tried, values = best({setting: recalls(make, scored) for setting, make in settings.items()}, folds)
        yield _row(name, f"cross-encoder >> {kind}", tried, values, base["cross-encoder"])
    for scorer, model in (("cross-encoder", own.scorer), ("bge-small", own.embedder)):
        yield from _declared(name, questions, scorer, model, base[scorer], folds)
    if own.writer is not None and any(question.steps for question in questions):  # each prompt takes it a minute
        yield _row(name, f"elements by {WRITER}, cross-encoder", *_by_writer(scored[:written], own))


def _declared(
    name: str, questions: Sequence[Question], scorer: str, model: PairScorer | Embedder, base: Values, folds: int
) -> Iterator[Row]:
    if any(question.steps for question in questions):
        for answered, said in ((True, "answers filled in"), (False, "#1 left")):
            tried = {
                kind: recalls(make, questions)
                for kind, make in merges(model, partial(steps, answered=answered)).items()
            }
            yield _row(name, f"gold decomposition, {said}, {scorer}", "round-robin", tried["round-robin"], base)
            yield _row(name, f"gold decomposition, {said}, {scorer}", *best(tried, folds), base)
    aware = partial(_same, KnowledgeAware(rule(), model))
    yield _row(name, f"elements by rule, {scorer}", "round-robin", recalls(aware, questions), base)


def _by_writer(scored: Sequence[Question], own: Models) -> tuple[str, Values, Values]:
    aware = KnowledgeAware(own.writer, own.scorer, shown=5, most=4, words=60, form="lines", otherwise=KeepOrder())
    patient = Runtime(timeout=None)  # it writes for as long as this machine takes
    rankings = [aware.rank(each.text, each.candidates, runtime=patient) for each in scored]
    fell = sum(ranking.degraded is not None for ranking in rankings)
    values, base = (recalls(partial(_same, each), scored) for each in (aware, KeepOrder()))
    return f"{len(scored)} questions, {fell} without elements", values, base


def _row(name: str, what: str, setting: str, values: Values, base: Values | None) -> Row:
    return name, what, setting, *(_cell(values[i], None if base is None else base[i]) for i in range(len(DEPTHS)))


def _cell(values: Values, base: Values | None) -> str:
    if base is None:
        return f"{values.mean():.3f}"
    return "{:.3f} ({:+.3f} [{:+.3f}, {:+.3f}])".format(values.mean(), *interval(values - base))


def main(*, quick: bool = False) -> Table:
    found = collections()
    if found is None:
        return skipped(
            TITLE, "The collections (MuSiQue, HotpotQA) were not there; they are not part of the repository."
        )
    if missing := [name for name in WEIGHTS if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    folds, written = (2, 1) if quick else (FOLDS, WRITTEN)
    asked = {name: questions[: 4 if quick else None] for name, questions in found.items()}
    own = models()
    table = [row for name, questions in asked.items() for row in rows(name, questions, own, folds, written)]
    sizes = ", ".join(f"{name} {len(questions)}" for name, questions in asked.items())
    return Table(
        TITLE,
        ("collection", "what ranks", "setting", *(f"first {k}" for k in DEPTHS)),
        tuple(table),
        (
            f"The share of questions whose needed paragraphs are all among the first k ({sizes} questions). MuSiQue"
            " has 20 paragraphs a question, of which two to four are needed, HotpotQA ten, of which two are. In"
            " brackets the gain over relevance alone by the same scorer, with a paired bootstrap 95 % interval.",
            "It is a proxy: each needed paragraph stands for one needed aspect; what a reader makes of it is not"
            " measured.",
            "Cross-encoder is ms-marco-minilm; vectors are of bge-small. Diversity, and where several are named the"
            f" merge, is the one that was best for the questions of the other folds ({FOLDS} folds), over all k.",
            "The gold decomposition is MuSiQue's own. With answers filled in, a step names what earlier steps found:"
            " what a perfect declarer could know only by reading the documents. With `#1` left it is the structure"
            " alone.",
            "By rule: the clauses of the question, between commas and question words; no document is read.",
            f"{WRITER} is shown five passages of 60 words and asked for at most four lines. It was not made for this,"
            " and has 135 million parameters: it shows that the way through a real model holds, not what a good one"
            " declares. Where it declares nothing, the cross-encoder's order stands.",
        ),
        ("shortlist", "onnxruntime", "numpy", "torch", "transformers"),
    )


if __name__ == "__main__":
    report(main)
