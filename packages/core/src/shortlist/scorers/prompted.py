"""A language model as a scorer, asked with a prompt from a file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from shortlist.errors import InputError, ShortlistError
from shortlist.models.base import (
    ChatModel,
    ChatRequest,
    Continuation,
    LikelihoodModel,
    Message,
    Pair,
    PairScorer,
)
from shortlist.models.known_answer import known_call, known_pairs, told_apart
from shortlist.models.named import check_model
from shortlist.passage import Passage
from shortlist.plan import Missing, Model, Plan, Reply, votes
from shortlist.prompts.guided import pattern_for, schema_for
from shortlist.prompts.render import render, target
from shortlist.prompts.spec import PromptSpec, prompt
from shortlist.ranking import ScoreKind
from shortlist.scorers.base import Judgement, Scorer
from shortlist.scorers.reading import read, read_likelihood


@dataclass(frozen=True)
class Prompted(Scorer):
    """A language model and how it is asked.

    Attributes:
        model: a chat model; for prompts that want a likelihood a `LikelihoodModel`, for pairs a `PairScorer`.
        prompt: the name of a shipped prompt (`shortlist prompts list`), or the path of one's own.
        instruction: what is relevant, for prompts that have a place for it; None for the prompt's own.
        check: whether `warm_up` asks a server that reveals log-probabilities questions whose answer is known, since
            behind a wrong template it would not fail, but rank at random.
        temperature: at which it writes; None for the prompt's own.
        confidence: whether the log-probability of its answer is wanted, which some servers refuse; None for what the
            prompt says.

    Raises:
        InputError: no such prompt, a model that cannot answer it, an instruction that is no text, or a temperature
            below 0.
    """

    model: ChatModel | LikelihoodModel | PairScorer
    prompt: str
    instruction: str | None = None
    check: bool = True
    temperature: float | None = None
    confidence: bool | None = None

    def __post_init__(self) -> None:
        check_model(model_kind(self.spec), self.model)
        if not isinstance(self.instruction, str | None):
            raise InputError(f"an instruction is text, not a {type(self.instruction).__name__}")
        heat: object = 0.0 if self.temperature is None else self.temperature
        if isinstance(heat, bool) or not isinstance(heat, int | float) or not 0 <= heat < math.inf:
            raise InputError(f"a temperature is a number from 0, not {heat!r}")
        if not isinstance(self.confidence, bool | None):
            raise InputError(f"confidence is true, false or none, not {self.confidence!r}")

    @property
    def spec(self) -> PromptSpec:
        """The prompt, read."""
        return prompt(self.prompt)

    @property
    def window(self) -> int:
        """As the prompt says."""
        return self.spec.window

    @property
    def picks(self) -> bool:
        """Whether the prompt asks for the best one only."""
        return self.spec.contract == "pick"

    @property
    def selects(self) -> bool:
        """Whether the prompt asks which to keep."""
        return self.spec.contract == "selection"

    @property
    def varies(self) -> bool:
        """Above temperature 0."""
        return self._heat(self.spec) > 0

    @property
    def score_kind(self) -> ScoreKind:
        """Of the scores that come of the prompt's labels."""
        if isinstance(self.model, PairScorer):
            return self.model.score_kind
        kinds: dict[str, ScoreKind] = {"probability": "probability", "difference": "logit", "logit": "logit"}
        return kinds.get(self.spec.reduce, "utility") if self.spec.contract == "labels" else "utility"

    def judge(self, query: str, windows: Sequence[Sequence[Passage]]) -> Plan[list[Judgement | Missing]]:
        """One prompt a window; one that stands there again is another draw, where it can be."""
        spec = self.spec
        payloads = _drawn([self._payload(spec, query, window) for window in windows])
        answers = yield from votes(cast(Model[Any, Any], self.model), payloads)
        return [
            each if isinstance(each, Missing) else _read(spec, each, len(window))
            for each, window in zip(answers, windows, strict=True)
        ]

    def warm_up(self) -> None:
        """Load a local model; ask a remote one something whose answer is known."""
        self.model.warm_up()
        if self.check and self.model.remote and self.spec.contract in ("labels", "likelihood"):
            self._check()

    def _check(self) -> None:
        spec = self.spec
        for turn, known in enumerate(known_pairs()):
            step = -1 if turn == 1 else 1  # a model that takes the first of a window, whatever it is, is found out
            texts = (known.relevant, known.other)[::step]
            windows = [[Passage(text)] for text in texts] if spec.window == 1 else [[Passage(text) for text in texts]]
            payloads: Sequence[Any] = [self._payload(spec, known.query, window) for window in windows]
            answers = cast(Model[Any, Any], self.model).answer(payloads, known_call())
            told = [_known(spec, reply, len(window)) for reply, window in zip(answers, windows, strict=True)]
            relevant, other = [score for scores in told for score in scores][::step]
            told_apart(known, relevant, other, self.model.label)

    def _payload(self, spec: PromptSpec, query: str, window: Sequence[Passage]) -> Any:
        turns = tuple(Message(*turn) for turn in render(spec, query, window, self.instruction))
        if spec.contract == "likelihood":
            return Continuation(turns, target(spec, query))
        if spec.contract == "pair":
            return Pair(turns[0].content, turns[-1].content)
        names = spec.choices(len(window))
        return ChatRequest(
            turns,
            schema=schema_for(spec.held, names),
            max_tokens=spec.max_tokens,
            temperature=self._heat(spec),
            labels=spec.weighed(len(window)),
            labels_after=spec.labels_after,
            pattern=pattern_for(spec.held, names),
            confidence=spec.confidence if self.confidence is None else self.confidence,
        )

    def _heat(self, spec: PromptSpec) -> float:
        return spec.temperature if self.temperature is None else self.temperature


def _drawn(payloads: Sequence[Any]) -> list[Any]:
    """The payloads, and of prompts that are answered at a temperature and stand there again the later ones as draws."""
    seen = Counter[Any]()
    drawn: list[Any] = []
    for payload in payloads:
        again = seen[payload] if isinstance(payload, ChatRequest) and payload.temperature > 0 else 0
        drawn.append(payload._replace(draw=again) if again else payload)
        seen[payload] += 1
    return drawn


def _read(spec: PromptSpec, answer: Any, n: int) -> Judgement | Missing:
    if spec.contract == "likelihood":
        return read_likelihood(answer)
    if spec.contract == "pair":
        return Judgement((0,), 1, (float(answer),))
    return read(spec, answer, n)


def _known(spec: PromptSpec, reply: Reply[Any] | ShortlistError, n: int) -> Sequence[float]:
    """The scores of a reply that must be one."""
    judged = _read(spec, reply.value, n) if isinstance(reply, Reply) else Missing(reply)
    if isinstance(judged, Missing):
        raise judged.error
    return [0.0 if score is None else score for score in judged.scores or [-i for i in judged.order]]


def model_kind(spec: PromptSpec) -> type[Model[Any, Any]]:
    """The kind of model that can answer a prompt."""
    if spec.contract == "likelihood":
        return LikelihoodModel
    return PairScorer if spec.contract == "pair" else ChatModel
