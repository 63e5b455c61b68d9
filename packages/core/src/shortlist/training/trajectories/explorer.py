"""Sampling lists from the policy that is to be trained: DynamicRAG (arXiv 2505.07233), stage 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from shortlist.errors import InputError, checked_count
from shortlist.models.base import ChatModel, ChatRequest
from shortlist.models.named import check_model
from shortlist.plan import Missing, Plan
from shortlist.prompts.spec import PromptSpec
from shortlist.training.rewards import Terms
from shortlist.training.trajectories.question import Question
from shortlist.training.trajectories.selection import request, selected, selection_spec, shown
from shortlist.training.trajectories.trial import Trajectory, Trial, comparable


class Pair(NamedTuple):
    """What a policy is to prefer, and to what."""

    chosen: Trajectory
    rejected: Trajectory


class Explored(NamedTuple):
    """What became of a question.

    Attributes:
        question: with the passages of the prompt.
        trajectories: one for each different list, in the order in which they were first said.
        lost: samples that were not had or could not be read, or whose list got no answer.
    """

    question: Question
    trajectories: tuple[Trajectory, ...]
    lost: int

    def pair(self, margin: float) -> Pair | None:
        """The best and the worst list; None where no two differ by the margin in reward.

        Only rewards of the same terms are compared. Lists of the same passages in another order are different lists.
        """
        ranked = sorted(comparable(self.trajectories), key=lambda each: -(each.reward or 0.0))
        if len(ranked) < 2:
            return None
        best, worst = ranked[0], ranked[-1]
        gain = (best.reward or 0.0) - (worst.reward or 0.0)
        return Pair(best, worst) if gain > 0 and gain >= margin else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        told = [{**each._asdict(), "ids": list(each.ids), "terms": each.terms._asdict()} for each in self.trajectories]
        return {**self.question.to_dict(), "trajectories": told, "lost": self.lost}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Explored:
        """What `to_dict` wrote."""
        told = [
            Trajectory(tuple(each["ids"]), each["times"], each["answer"], Terms(**each["terms"]), each["reward"])
            for each in data["trajectories"]
        ]
        return cls(Question.from_dict(data), tuple(told), data["lost"])


@dataclass(frozen=True)
class Explorer:
    """How trajectories are made.

    Attributes:
        policy: the model that chooses passages.
        trial: what becomes of its choices; in the paper the policy is the generator, too.
        prompt: what the policy is asked with: a shipped prompt for selections, or the path of one's own. Of a question
            with more passages than its window holds, the first are shown.
        samples: lists to draw for a question.
        temperature: at which they are drawn.

    Raises:
        InputError: a model of another kind, no such prompt, or a number that cannot be.
    """

    policy: ChatModel
    trial: Trial
    prompt: str = "shortlist-selection"
    samples: int = 8
    temperature: float = 0.4

    def __post_init__(self) -> None:
        check_model(ChatModel, self.policy)
        checked_count(self.samples, "samples")
        if not 0 < self.temperature <= 2:
            raise InputError(f"samples need a temperature above 0, and at most 2: not {self.temperature}")
        selection_spec(self.prompt)

    @property
    def spec(self) -> PromptSpec:
        """The prompt, read."""
        return selection_spec(self.prompt)

    def plan(self, question: Question) -> Plan[Explored]:
        """Three rounds: the samples, an answer for each different list, and what the rewards of these need."""
        question = shown(question, self.spec)
        replies = yield from self.policy.votes(self._samples(question))
        read = [selected(each, self.spec, len(question.passages)) for each in replies if not isinstance(each, Missing)]
        told = yield from self.trial.plan(question, Counter(ids for ids in read if ids is not None))
        return Explored(question, told, self.samples - sum(each.times for each in told))

    def _samples(self, question: Question) -> list[ChatRequest]:
        asked = request(question, self.spec)
        return [asked._replace(temperature=self.temperature, draw=i) for i in range(self.samples)]
