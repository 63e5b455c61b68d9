"""Questions with their candidates and gold answers, out of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.errors import InputError
from shortlist.passage import Passage, as_passages
from shortlist.training.records import located, records


@dataclass(frozen=True)
class Question:
    """A question, what a retriever found for it, and what the answer is.

    Attributes:
        query: the question.
        passages: the candidates, in the order in which a model is shown them.
        answers: gold answers, any of which is right; empty where nobody knows one.

    Raises:
        InputError: no words in the question, no passage, or an answer that is no text.
    """

    query: str
    passages: tuple[Passage, ...]
    answers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _is_text(self.query):
            raise InputError(f"a question is a text, not {self.query!r}")
        if not self.passages:
            raise InputError("a question has one passage or more")
        if bad := [answer for answer in self.answers if not _is_text(answer)]:
            raise InputError(f"an answer is a text, not {bad[0]!r}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        passages = [passage.to_dict() for passage in self.passages]
        return {"query": self.query, "passages": passages, "answers": list(self.answers)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Question:
        """What `to_dict` wrote; other keys are passed over, and a passage may be a plain string.

        Raises:
            InputError: a key is missing, or of another kind.
        """
        if missing := sorted({"query", "passages", "answers"} - set(data)):
            raise InputError(f"a question needs {', '.join(missing)}")
        if not isinstance(data["passages"], list) or not isinstance(data["answers"], list):
            raise InputError("'passages' and 'answers' must be lists")
        return cls(data["query"], as_passages(data["passages"]), tuple(data["answers"]))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def read_questions(path: str | Path) -> list[Question]:
    """The questions of a JSON list or of JSON lines, each with gold answers.

    Raises:
        InputError: something cannot be read, or a question has no answer; the message says where.
    """
    questions: list[Question] = []
    for where, record in records(Path(path)):
        with located(where):
            questions.append(Question.from_dict(record))
            if not questions[-1].answers:
                raise InputError("it has no answer to compare with")
    if not questions:
        raise InputError(f"{path}: no question in it")
    return questions
