"""Questions that need several passages at once: is every needed one among the first k?"""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from data import DATA
from neighbourhood import chosen, kept
from quality import interval
from shortlist import Embedder, FunctionChat, FunctionEmbedder, FunctionScorer, PairScorer, Passage, Reranker
from shortlist import StaticEmbedder
from shortlist.algorithms.diversity.merging import Merge
from shortlist.models.base import ChatReply, ChatRequest, Pair, Role, Text
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from shortlist.plan import Call, Reply
from shortlist.rerankers.dpp import Dpp
from shortlist.rerankers.facility_location import FacilityLocation
from shortlist.rerankers.keep_order import KeepOrder
from shortlist.rerankers.knowledge_aware import KnowledgeAware
from shortlist.rerankers.mmr import Mmr
from shortlist.rerankers.msd import Msd
from shortlist.rerankers.pm2 import Pm2
from shortlist.rerankers.ssd import Ssd
from shortlist.rerankers.xquad import Xquad
from shortlist.subtopics import Clusters
from shortlist.subtopics.declaring import declare_request
from table import Table, report, skipped

TITLE = "Every needed passage among the first k"
NEEDED = ("ms-marco-minilm", "bge-small")
DEPTHS = (2, 3, 4, 5, 8)
DIVERSITIES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
FOLDS = 5
WRITER, WRITTEN = "smollm2-135m", 60
FORM = {"shown": 5, "most": 4, "words": 60, "form": "lines"}
"""How the small writer is asked: what it reads takes it seconds."""
Values = npt.NDArray[np.float64]
_CLAUSES = re.compile(r"\b(?=(?:which|who|whom|whose|where|when|that|what|how)\b)|,", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A question with its candidates.

    Attributes:
        text: of the question.
        candidates: in an order that means nothing.
        needed: ids of the passages that the answer needs.
        steps: its gold decomposition, a question and its answer for each step; empty where there is none.
    """

    text: str
    candidates: Sequence[Passage]
    needed: frozenset[str]
    steps: Sequence[tuple[str, str]] = ()


def musique() -> list[Question]:
    """300 questions with 20 paragraphs each, of which two to four are needed."""
    folder = DATA / "multihop"
    rows = json.loads((folder / "hipporag_subset" / "musique_train.json").read_text(encoding="utf-8"))
    lines = (folder / "migres_subset" / "musique.json").read_text(encoding="utf-8").splitlines()
    return [_from_musique(row) for row in (*rows, *map(json.loads, lines))]


def _from_musique(row: Mapping[str, Any]) -> Question:
    paragraphs = row["paragraphs"]
    candidates = [Passage(f"{p['title']}\n{p['paragraph_text']}", str(p["idx"])) for p in paragraphs]
    needed = frozenset(str(p["idx"]) for p in paragraphs if p["is_supporting"])
    steps = [(each["question"], each["answer"]) for each in row["question_decomposition"]]
    return Question(row["question"], candidates, needed, steps)


def hotpot() -> list[Question]:
    """100 questions with 10 paragraphs each, of which two are needed."""
    path = DATA / "multihop" / "hipporag_subset" / "hotpotqa_train.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Question(
            row["question"],
            [Passage(f"{title}\n{''.join(sentences)}", title) for title, sentences in row["context"]],
            frozenset(title for title, _ in row["supporting_facts"]),
        )
        for row in rows
    ]


def steps(question: Question, *, answered: bool) -> tuple[str, ...]:
    """The gold decomposition; `#1` is replaced by the answer to step 1, or left as it is."""
    answers = [answer for _, answer in question.steps]
    filled = [
        re.sub(r"#(\d)", lambda match: answers[int(match[1]) - 1] if answered else match[0], text)
        for text, _ in question.steps
    ]
    return tuple(" ".join(text.replace(">>", " ").split()) for text in filled)


def clauses(text: str) -> list[str]:
    """The parts of a question between its commas and question words, those of three words and more."""
    return [part for part in (each.strip(" ?,") for each in _CLAUSES.split(text)) if len(part.split()) > 2]


def rule() -> FunctionChat:
    """A scripted model: it declares the clauses of the question, and reads no document."""

    def said(request: ChatRequest) -> str:
        asked = request.messages[-1].content.rpartition("\nQuestion: ")[2].partition("\n")[0]
        return json.dumps({"elements": clauses(asked)})

    return FunctionChat(said, "clauses")


class Remembered:
    """What a model said of each payload, asked once; kept between runs where a folder is given for that."""

    def __init__(self, name: str, ask: Callable[[list[Any]], Sequence[Any]]) -> None:
        self._name, self._ask, self._fresh = name, ask, False
        none = np.array([], dtype="U32")
        found = kept(name, lambda: {"keys": none, "values": none})
        self._known: dict[str, Any] = dict(zip(found["keys"].tolist(), found["values"], strict=True))

    def __call__(self, payloads: Sequence[tuple[str, ...]]) -> list[Any]:
        keys = [blake2b("\0".join(each).encode(), digest_size=16).hexdigest() for each in payloads]
        missing = {key: each for key, each in zip(keys, payloads, strict=True) if key not in self._known}
        if missing:
            self._known.update(zip(missing, self._ask([*missing.values()]), strict=True))
            self._fresh = True
        return [self._known[key] for key in keys]

    def save(self) -> None:
        if self._fresh:
            kept(self._name, lambda: {"keys": np.array([*self._known]), "values": np.array([*self._known.values()])}, anew=True)


@dataclass(frozen=True)
class Models:
    """What is asked, and remembers its answers.

    Attributes:
        scorer: the cross-encoder.
        embedder: the better one.
        remembered: their memories.
    """

    scorer: PairScorer
    embedder: Embedder
    remembered: Sequence[Remembered]


def models() -> Models:
    pairs = Remembered("needed-pairs", lambda asked: _values(OnnxCrossEncoder("ms-marco-minilm").answer([Pair(*e) for e in asked], Call())))
    rows = Remembered("needed-vectors", lambda asked: _values(OnnxEmbedder("bge-small").answer([Text(*e) for e in asked], Call())))

    def embed(texts: list[str], role: Role) -> Sequence[Any]:
        return rows([(text, role) for text in texts])

    return Models(FunctionScorer(pairs, "minilm", "logit"), FunctionEmbedder(embed, "bge-small"), (pairs, rows))


def _values(replies: Sequence[Any]) -> list[Any]:
    return [reply.value for reply in replies if isinstance(reply, Reply)]


def recalls(reranker: Reranker, questions: Sequence[Question]) -> Values:
    """Whether all needed passages are among the first k: shape (depths, questions)."""
    rankings = reranker.rank_many([(each.text, each.candidates) for each in questions])
    orders = [[str(passage.id) for passage in ranking.passages] for ranking in rankings]
    found = [[each.needed <= set(order[:k]) for each, order in zip(questions, orders, strict=True)] for k in DEPTHS]
    return np.array(found, dtype=np.float64)


def scored(questions: Sequence[Question], lists: Sequence[Values]) -> list[Question]:
    """With these scores, best first."""
    made = []
    for question, scores in zip(questions, lists, strict=True):
        told = [replace(p, score=s) for p, s in zip(question.candidates, scores.tolist(), strict=True)]
        made.append(replace(question, candidates=sorted(told, key=lambda each: -(each.score or 0.0))))
    return made


def relevance(questions: Sequence[Question], scorer: PairScorer | Embedder) -> list[Values]:
    """The scores of each question's candidates, in their order: those of the question's own list."""
    reranker = KnowledgeAware(scorer=scorer, elements=("none",), merge="max")
    del reranker
    return []


