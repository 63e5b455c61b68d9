"""The kinds of model that rerankers ask, each a door with a typed helper for plans."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from shortlist.algorithms.guard import Guard
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.errors import BadAnswer, ShortlistError
from shortlist.plan import Missing, Model, Plan, Reply, ask, votes
from shortlist.ranking import ScoreKind

Role: TypeAlias = Literal["query", "passage"]

# English text has about four characters a token; an estimate for limits, never for billing.
_CHARACTERS_PER_TOKEN = 4


class Text(NamedTuple):
    """A text to embed, and which side of the search it stands on: some models read a prefix by it."""

    text: str
    role: Role = "passage"


class Pair(NamedTuple):
    """A query and a passage's text, to be read together."""

    query: str
    text: str


class Message(NamedTuple):
    """One turn of a chat.

    A last turn of the assistant's is one that it goes on writing. A single message whose role is `text` is no turn: it
    goes to the model as it is, through no chat template.
    """

    role: Literal["system", "user", "assistant", "text"]
    content: str


class ChatRequest(NamedTuple):
    """One prompt.

    Attributes:
        messages: the turns so far.
        schema: a JSON schema that the answer must have, as JSON text; None for free text.
        max_tokens: to write at most.
        temperature: 0 for the likeliest answer.
        labels: short texts whose log-probabilities are wanted; servers reveal those of a single token only.
        labels_after: what is written before the position at which they are wanted, such as `</think>`; empty for the
            first written position.
        pattern: a regular expression that the answer must match, for models that can be held to one.
        confidence: whether the log-probability of what is written is wanted.
        draw: which of several answers to the same prompt this is; of two draws neither stands for the other.
    """

    messages: tuple[Message, ...]
    schema: str | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    labels: tuple[str, ...] = ()
    labels_after: str = ""
    pattern: str | None = None
    confidence: bool = False
    draw: int = 0


class Likelihood(NamedTuple):
    """Natural log-probability of a text, summed over its tokens, and how many those are."""

    logprob: float
    tokens: int


class ChatReply(NamedTuple):
    """What was written.

    Attributes:
        text: the answer, thinking included where the model hands it over.
        labels: log-probabilities of the labels that the model revealed; of a local model, the logit of a label's first
            token and the log-probabilities of the others. Only the differences between them mean the same everywhere.
        cut: whether the model had more to say than `max_tokens`.
        likelihood: of all that was written, thinking and the end included where they are revealed, before the
            temperature; None where it was not asked for or not revealed.
    """

    text: str
    labels: Mapping[str, float] = {}
    cut: bool = False
    likelihood: Likelihood | None = None


class Continuation(NamedTuple):
    """A prompt, and a text whose probability as its continuation is wanted."""

    messages: tuple[Message, ...]
    target: str


class Embedder(Model[Text, Vector], ABC):
    """Texts to vectors of one size, compared by cosine."""

    kind: ClassVar[str] = "embedder"

    def embed(self, texts: Sequence[str], role: Role = "passage") -> Plan[Matrix]:
        """Ask for one vector a text: an array of shape (n, d), float32.

        Raises:
            BadAnswer: the vectors are not all of one size.
        """
        vectors = yield from ask(self, [Text(text, role) for text in texts])
        sizes = {len(vector) for vector in vectors}
        if len(sizes) > 1:
            raise BadAnswer(f"{self.label}: vectors of {min(sizes)} and of {max(sizes)} values")
        return np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)

    def fault(self, value: Vector) -> str | None:
        """Why this is not a vector, or None."""
        good = value.ndim == 1 and value.size > 0 and bool(np.isfinite(value).all())
        return None if good else "a vector that is empty, not flat, or not finite"

    def estimate(self, payload: Text) -> int:
        """Tokens that the text will probably take."""
        return len(payload.text) // _CHARACTERS_PER_TOKEN + 1

    def encode(self, value: Vector) -> bytes:
        """The vector's float32 bytes."""
        return np.ascontiguousarray(value, dtype=np.float32).tobytes()

    def decode(self, data: bytes) -> Vector:
        """The vector that `encode` wrote."""
        return np.frombuffer(data, dtype=np.float32)


class PairScorer(Model[Pair, float], ABC):
    """A query and a passage read together, to one score: a cross-encoder, or a server that has one."""

    kind: ClassVar[str] = "pair_scorer"

    @property
    def score_kind(self) -> ScoreKind:
        """What the scores are."""
        return "logit"

    def score(self, query: str, texts: Sequence[str]) -> Plan[Floats]:
        """Ask for one score a text, shape (n,); higher is better."""
        scores = yield from ask(self, [Pair(query, text) for text in texts])
        return np.asarray(scores, dtype=np.float64)

    def fault(self, value: float) -> str | None:
        """Why this is not a score, or None."""
        number: object = value
        if not isinstance(number, int | float) or type(number) is bool:
            return f"a score that is no number: {value!r}"
        return None if math.isfinite(value) else f"a score that is not finite: {value!r}"

    def estimate(self, payload: Pair) -> int:
        """Tokens that the pair will probably take."""
        return (len(payload.query) + len(payload.text)) // _CHARACTERS_PER_TOKEN + 3


class ChatModel(Model[ChatRequest, ChatReply], ABC):
    """A language model that answers prompts."""

    kind: ClassVar[str] = "chat"

    def fault(self, value: ChatReply) -> str | None:
        """Why this is not a reply, or None."""
        text: object = value.text
        labels: object = value.labels
        if not isinstance(text, str):
            return f"a reply whose text is {type(text).__name__}"
        told = isinstance(labels, Mapping) and all(isinstance(each, Real) for each in labels.values())
        if not told:
            return f"a reply whose labels are no log-probabilities: {labels!r}"
        return None if value.likelihood is None else _no_likelihood(value.likelihood)

    def chat(self, requests: Sequence[ChatRequest]) -> Plan[list[ChatReply]]:
        """Ask all of them at once."""
        return ask(self, requests)

    def votes(self, requests: Sequence[ChatRequest]) -> Plan[list[ChatReply | Missing]]:
        """Ask all of them at once; one that fails is a missing vote."""
        return votes(self, requests)

    def estimate(self, payload: ChatRequest) -> int:
        """Tokens that the prompt will probably take, and all it may write."""
        read = sum(len(message.content) for message in payload.messages) // _CHARACTERS_PER_TOKEN
        return read + payload.max_tokens

    def encode(self, value: ChatReply) -> bytes:
        """The reply as JSON."""
        return super().encode(value._replace(labels=dict(value.labels)))

    def decode(self, data: bytes) -> ChatReply:
        """The reply that `encode` wrote."""
        reply = ChatReply(*super().decode(data))
        return reply if reply.likelihood is None else reply._replace(likelihood=Likelihood(*reply.likelihood))


class LikelihoodModel(Model[Continuation, Likelihood], ABC):
    """A language model that says how likely a text is to follow a prompt."""

    kind: ClassVar[str] = "likelihood"

    def fault(self, value: Likelihood) -> str | None:
        """Why this is not a likelihood, or None."""
        return _no_likelihood(value)

    def estimate(self, payload: Continuation) -> int:
        """Tokens that prompt and target will probably take."""
        read = sum(len(message.content) for message in payload.messages) + len(payload.target)
        return read // _CHARACTERS_PER_TOKEN + 1

    def decode(self, data: bytes) -> Likelihood:
        """The likelihood that `encode` wrote."""
        return Likelihood(*super().decode(data))


def _no_likelihood(value: Likelihood) -> str | None:
    return None if math.isfinite(value.logprob) and value.tokens > 0 else f"a likelihood that is none: {value!r}"


PROBE = "The lighthouse keeper counted 47 ships before the storm reached the northern harbour."
"""A text whose vector tells one embedder from another."""


class VectorSpace(NamedTuple):
    """Whose vectors a network reads.

    Attributes:
        names: what the embedder is called; the first is the one that a settings file would name.
        fingerprint: of the embedder that the network was trained with.
        probe: the unit vector that this embedder has for `PROBE`, shape (d,).
    """

    names: tuple[str, ...]
    fingerprint: str | None
    probe: Vector


class ListScorer(Model[Any, Floats], ABC):
    """A trained network that scores passages in each other's company, from arrays: one payload is one list.

    What a payload holds is the network's own; `network` says which network this is.
    """

    kind: ClassVar[str] = "list_scorer"

    @property
    def network(self) -> str:
        """The name of the reranker that it was trained for."""
        return ""

    @property
    def guard(self) -> Guard:
        """What keeps its order near the one before."""
        return Guard()

    @property
    def vectors(self) -> VectorSpace | None:
        """Whose vectors it reads; None when it takes those of any embedder."""
        return None

    def fault(self, value: Floats) -> str | None:
        """Why these are not scores, or None."""
        return None if value.ndim == 1 and bool(np.isfinite(value).all()) else "scores that are not finite"


def as_logit(reply: Reply[Vector] | ShortlistError) -> Reply[float] | ShortlistError:
    """A classifier's row as a score: one logit as it is; of two, how much the second is above the first."""
    if not isinstance(reply, Reply):
        return reply
    logits = reply.value.astype(np.float64).tolist()
    if len(logits) > 2:
        return BadAnswer(f"a cross-encoder gives one or two logits, not {len(logits)}")
    return Reply(float(logits[-1] - logits[0] if len(logits) == 2 else logits[0]), *reply[1:])
