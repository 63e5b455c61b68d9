"""Utility labels: how much a passage raises a model's chance of the known answer. ICLERB (arXiv 2411.18947)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InputError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Continuation, Likelihood, LikelihoodModel, Message
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan, votes
from shortlist.prompts.render import filled
from shortlist.prompts.replies import answer
from shortlist.training.labels.answered import Answered
from shortlist.training.labels.prompts import LabelPrompt, label_prompt, text_of
from shortlist.training.rewards.matching import exact_match


@dataclass(frozen=True)
class UtilityLabels:
    """How utilities are measured. With a model of likelihoods, in nats,

        u(q, d) = [log p(y+ | d, q) - log p(y- | d, q)] - [log p(y+ | q) - log p(y- | q)]

    where y+ is the first right answer and y- the first rejected one; without a rejected one its terms are left out. A
    chat model answers instead, and u is 1 where it is right with d, less 1 where it is right without: -1, 0 or 1. Right
    is that some right answer stands in what it says, as whole words.

    Attributes:
        model: the reader.
        prompt: what it is asked with: a shipped prompt for answers, or the path of one's own.

    Raises:
        InputError: another kind of model, or no such prompt.
    """

    model: LikelihoodModel | ChatModel
    prompt: str = "answer"

    def __post_init__(self) -> None:
        if not isinstance(self.model, LikelihoodModel | ChatModel):
            raise InputError(f"needs a LikelihoodModel or a ChatModel, not a {type(self.model).__name__}")
        label_prompt(self.prompt, "answer")

    @property
    def form(self) -> str:
        """`likelihood` or `exact match`: the two are on other scales."""
        return "likelihood" if isinstance(self.model, LikelihoodModel) else "exact match"

    def settings(self) -> list[Any]:
        """All that utilities depend on, as values for JSON."""
        return [self.model.fingerprint or repr(self.model), repr(label_prompt(self.prompt, "answer"))]

    def plan(self, question: Answered) -> Plan[Mapping[str, float]]:
        """Utilities by passage id, in one round; a passage whose answer was not had has none.

        Raises:
            ModelError: nothing was had without a passage, so that nothing can be compared with it.
        """
        worth = yield from self._worth(question, [None, *question.passages])
        base, *others = worth
        if isinstance(base, Missing):
            raise base.error
        told = zip(question.passages, others, strict=True)
        return {str(each.id): value - base for each, value in told if not isinstance(value, Missing)}

    def _worth(self, question: Answered, passages: Sequence[Passage | None]) -> Plan[list[float | Missing]]:
        """What the reader says of the answers with each passage, or with none."""
        prompts = [self._messages(question.query, passage) for passage in passages]
        if isinstance(self.model, LikelihoodModel):
            return (yield from _margins(self.model, prompts, self._targets(question)))
        most = label_prompt(self.prompt, "answer").max_tokens
        requests = [ChatRequest(messages, max_tokens=most) for messages in prompts]
        replies = yield from self.model.votes(requests)
        return [_right(reply, question.answers) for reply in replies]

    def _messages(self, query: str, passage: Passage | None) -> tuple[Message, ...]:
        prompt = label_prompt(self.prompt, "answer")
        given = prompt.without if passage is None else _given(prompt, passage)
        return prompt.messages({"query": query, "given": given})

    def _targets(self, question: Answered) -> list[str]:
        prompt = label_prompt(self.prompt, "answer")
        texts = [question.answers[0], *question.rejected[:1]]
        return [filled(prompt.target, {"answer": prompt.safe(text, "answer")}) for text in texts]


def _given(prompt: LabelPrompt, passage: Passage) -> str:
    return filled(prompt.given, {"passage": prompt.safe(text_of(passage))})


def _margins(
    model: LikelihoodModel, prompts: Sequence[tuple[Message, ...]], targets: Sequence[str]
) -> Plan[list[float | Missing]]:
    """How much likelier the first target is than the second after each prompt; its log p where there is no second."""
    asked = [Continuation(prompt, target) for target in targets for prompt in prompts]
    said = yield from votes(model, asked)
    right, wrong = said[: len(prompts)], said[len(prompts) :] or [Likelihood(0.0, 1)] * len(prompts)
    return [_difference(*each) for each in zip(right, wrong, strict=True)]


def _difference(right: Likelihood | Missing, wrong: Likelihood | Missing) -> float | Missing:
    if isinstance(right, Missing):
        return right
    return wrong if isinstance(wrong, Missing) else right.logprob - wrong.logprob


def _right(reply: ChatReply | Missing, golds: Sequence[str]) -> float | Missing:
    return reply if isinstance(reply, Missing) else exact_match(answer(reply.text).text, golds)


def utility_line(question: Answered, labels: UtilityLabels, utilities: Mapping[str, float]) -> Mapping[str, Any]:
    """A line for `read_judged` and `read_collection`: a judged list with `utilities` by passage id beside its grades.

    Where nobody judged, a passage is graded 1 when its utility is above 0.
    """
    names = [str(passage.id) for passage in question.passages]
    found = [int(utilities.get(name, 0.0) > 0.0) for name in names]
    told = question.to_dict()
    metadata = {"model": labels.model.label, "form": labels.form, "missing": len(names) - len(utilities)}
    if question.grades is None:
        metadata["grades"] = "utility above 0"
    return {**told, "grades": told["grades"] or found, "utilities": dict(utilities), "metadata": metadata}
