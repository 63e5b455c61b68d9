"""Lists of passages put to the trial: an answer is written with each, and rewarded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shortlist.errors import InputError, ModelError, checked_count
from shortlist.models.base import ChatModel
from shortlist.models.named import check_model
from shortlist.plan import Missing, Plan
from shortlist.prompts.replies import answer
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.rewards import Answered, Reward, Terms
from shortlist.training.trajectories.answering import STYLES, Style, generator_request
from shortlist.training.trajectories.question import Question


class Trajectory(NamedTuple):
    """A list, the answer made with it, and its reward.

    Attributes:
        ids: the passages, best first, numbered from 1 as in the prompt; empty where none is wanted.
        times: how often the list was proposed.
        answer: what the generator wrote.
        terms: of the reward.
        reward: from 0 to 1; None where no term that counts is known.
    """

    ids: tuple[int, ...]
    times: int
    answer: str
    terms: Terms
    reward: float | None


@dataclass(frozen=True)
class Trial:
    """How lists are tried.

    Attributes:
        generator: the model that answers.
        reward: of its answers.
        style: of the answers: `phrase`, `paragraph`, or `verdict` (SUPPORTS, REFUTES, NOT ENOUGH INFO).
        max_tokens: of an answer.

    Raises:
        InputError: a model of another kind, no such style, or no room for an answer.
    """

    generator: ChatModel
    reward: Reward
    style: Style = "phrase"
    max_tokens: int = 256

    def __post_init__(self) -> None:
        check_model(ChatModel, self.generator)
        checked_count(self.max_tokens, "max_tokens")
        if self.style not in STYLES:
            raise InputError(f"no style is {self.style!r}; there are {', '.join(STYLES)}")

    def plan(self, question: Question, lists: Mapping[tuple[int, ...], int]) -> Plan[tuple[Trajectory, ...]]:
        """A trajectory for each different list, with how often it was proposed; a list without an answer has none.

        Two rounds: the answers, at temperature 0, and what their rewards need.
        """
        requests = [generator_request(question, ids, self.style, self.max_tokens) for ids in lists]
        replies = (yield from self.generator.votes(requests)) if requests else []
        told = {
            ids: answer(reply.text).text
            for ids, reply in zip(lists, replies, strict=True)
            if not isinstance(reply, Missing)
        }
        if not told:
            return ()
        answers = [Answered(text, len(ids)) for ids, text in told.items()]
        rewards = yield from self.reward.plan(question.query, answers, question.answers)
        return tuple(
            Trajectory(ids, lists[ids], text, each.terms, each.value)
            for (ids, text), each in zip(told.items(), rewards, strict=True)
        )


def comparable(trajectories: Iterable[Trajectory]) -> tuple[Trajectory, ...]:
    """Those whose rewards can be compared: they know the same terms, which are those that most of them know."""
    known = [each for each in trajectories if each.reward is not None]
    counts = Counter(each.terms.known for each in known)
    terms = max(counts, key=lambda names: (counts[names], len(names)), default=None)
    return tuple(each for each in known if each.terms.known == terms)


def best_of(
    lists: Iterable[Sequence[int]], question: Question, trial: Trial, runtime: Runtime | None = None
) -> Trajectory:
    """The list whose answer is worth most; of equal ones the first.

    For use on questions whose answer nobody knows: the reward's judge and the lists' lengths then decide.

    Raises:
        InputError: no list, or a passage that is not there.
        ModelError: no list was answered, or no answer rewarded.
    """
    proposed = Counter(tuple(ids) for ids in lists)
    if not proposed or any(not 0 < i <= len(question.passages) for ids in proposed for i in ids):
        raise InputError(f"lists are wanted, of numbers from 1 to {len(question.passages)}")
    (finished,) = drive([trial.plan(question, proposed)], runtime or Runtime())
    fit = comparable(finished.value())
    if not fit:
        raise ModelError("no list has an answer with a reward")
    return max(fit, key=lambda each: each.reward or 0.0)
