"""Questions that need several passages at once, and what could be declared of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data import DATA
from shortlist import FunctionChat, Passage
from shortlist.models.base import ChatRequest

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


def collections() -> dict[str, list[Question]] | None:
    """MuSiQue and HotpotQA; None where they are not there."""
    return {"MuSiQue": musique(), "HotpotQA": hotpot()} if (DATA / "multihop").exists() else None


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
    return Question(
        row["question"],
        candidates,
        needed,
        [(each["question"], each["answer"]) for each in row["question_decomposition"]],
    )


def hotpot() -> list[Question]:
    """100 questions with 10 paragraphs each, of which two are needed."""
    path = DATA / "multihop" / "hipporag_subset" / "hotpotqa_train.json"
    return [
        Question(
            row["question"],
            [Passage(f"{title}\n{''.join(sentences)}", title) for title, sentences in row["context"]],
            frozenset(title for title, _ in row["supporting_facts"]),
        )
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def steps(question: Question, *, answered: bool) -> tuple[str, ...]:
    """The gold decomposition; `#1` is replaced by the answer to step 1, or left as it is."""
    answers = [answer for _, answer in question.steps]
    filled = [
        re.sub(r"#(\d)", lambda match: answers[int(match[1]) - 1] if answered else match[0], text)
        for text, _ in question.steps
    ]
    return tuple(" ".join(text.replace(">>", " ").split()) for text in filled)


def rule() -> FunctionChat:
    """A scripted model: it declares the parts of the question, and reads no document."""

    def said(request: ChatRequest) -> str:
        asked = request.messages[-1].content.rpartition("\nQuestion: ")[2].partition("\n")[0]
        return json.dumps({"elements": clauses(asked)})

    return FunctionChat(said, "clauses")


def clauses(text: str) -> list[str]:
    """The parts between commas and question words that have three words or more."""
    return [part for part in (each.strip(" ?,") for each in _CLAUSES.split(text)) if len(part.split()) > 2]
