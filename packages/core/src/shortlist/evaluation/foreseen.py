"""What a model or a pipeline will take, before any of it is spent: calls, tokens, operations, money.

A pipeline is a plan, so what it will ask can be seen by answering it without a model: passages of a given length, and
answers that follow a fixed order of them which differs from the one they come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from shortlist.algorithms.flops import Mode, Shape, flops_of_calls
from shortlist.errors import InputError, ShortlistError
from shortlist.models.base import (
    ChatModel,
    ChatRequest,
    Embedder,
    LikelihoodModel,
    ListScorer,
    PairScorer,
)
from shortlist.models.fake_networks import ArbitraryListScorer
from shortlist.models.fakes import HashEmbedder, OracleScorer
from shortlist.models.obedient import CopyingLikelihood
from shortlist.models.oracle import OracleChat
from shortlist.models.remote import Price, cost
from shortlist.models.shapes import shape_of
from shortlist.models.weights import locate, read_settings
from shortlist.passage import Passage
from shortlist.plan import Asks, Call, Model, Reply
from shortlist.reranker.base import Reranker
from shortlist.reranker.task import subplan

StandIns: TypeAlias = Mapping[type, Model[Any, Any]]

_CHARACTERS = 4  # of a token, as `Model.estimate` counts
_STEP = 7919  # a prime: places times this, modulo the passages, are an order that has nothing of the first


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one model will take for one query.

    Attributes:
        model: its label.
        calls: asks that it will be sent.
        tokens_in: tokens that it will read.
        tokens_out: tokens that it will write.
        paper: floating-point operations in the form of E2R-FLOPs; None for a model of unknown shape.
        exact: in the corrected form.
        money: None for a server without a price.
    """

    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    paper: float | None
    exact: float | None
    money: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def foresee_calls(
    model: str,
    shape: Shape | None,
    price: Price | None = None,
    *,
    calls: int = 1,
    prompt: int,
    output: int = 0,
    prefix: int = 0,
) -> Foreseen:
    """Of calls of one length, the first `prefix` tokens of their prompts the same and computed once.

    All tokens are paid for: what a server takes off for those in its cache is its own affair.

    Raises:
        InputError: a negative number, or a prefix longer than the prompt.
    """
    if min(calls, prompt, output, prefix) < 0 or prefix > prompt:
        raise InputError("numbers are 0 or more, and a prefix is a part of its prompt")

    def operations(mode: Mode) -> float | None:
        return None if shape is None else flops_of_calls(shape, calls, prompt, output, prefix=prefix, mode=mode)

    written = 0 if shape is not None and shape.kind == "encoder" else output
    money = cost(price, calls * prompt, calls * written, calls)
    return Foreseen(model, calls, calls * prompt, calls * written, operations("paper"), operations("exact"), money)


def foresee(reranker: Reranker, candidates: int, tokens: int, query_tokens: int = 10) -> list[Foreseen]:
    """Of a pipeline over so many passages of so many tokens: one entry a model, in the order they are first asked.

    No model is called. Tokens are taken for four characters each, and no prefix is shared. Where the calls depend on
    the answers, as in sorting, this is one example of them.

    Raises:
        InputError: there is nothing to rank, or the pipeline cannot go on without a model's real answers.
    """
    if min(candidates, tokens, query_tokens) < 1:
        raise InputError("candidates and tokens are 1 or more")
    passages = [_passage(i, candidates, tokens) for i in range(candidates)]
    stand_ins = _stand_ins({each.text: each.score or 0.0 for each in passages})
    taken: dict[str, list[Foreseen]] = {}
    plan = subplan(reranker, _text(query_tokens, "what"), passages)
    try:
        asked = next(plan)
        while True:
            told = [_answered(each, stand_ins) for each in asked]
            for each, (rows, _) in zip(asked, told, strict=True):
                taken.setdefault(each.model.label, []).extend(rows)
            asked = plan.send([values for _, values in told])
    except StopIteration:
        return [together(label, each) for label, each in taken.items()]
    except ShortlistError as error:
        raise InputError(f"{reranker.name} cannot be foreseen without its models: {error}") from error


def together(label: str, parts: Iterable[Foreseen]) -> Foreseen:
    """The sum under one label; unknown where a part of it is."""
    rows = list(parts)

    def total(name: str) -> Any:
        numbers = [getattr(row, name) for row in rows]
        return None if None in numbers else sum(numbers)

    names = ("calls", "tokens_in", "tokens_out", "paper", "exact", "money")
    return Foreseen(label, *map(total, names))


def known_shape(model: Model[Any, Any]) -> Shape | None:
    """What a door to a server was told, or what stands beside local weights; None where there is neither."""
    told = getattr(model, "shape", None)
    weights = getattr(model, "weights", None)
    if isinstance(told, Shape) or not isinstance(weights, str):
        return told if isinstance(told, Shape) else None
    try:
        return shape_of(read_settings(locate(weights)).config)
    except ShortlistError:
        return None


def _answered(asks: Asks[Any, Any], stand_ins: StandIns) -> tuple[list[Foreseen], list[Any]]:
    """What these asks take, and what the stand-in says to each."""
    shape = known_shape(asks.model)
    replies = _stand_in(asks.model, stand_ins).answer(asks.payloads, Call())
    rows, values = [], []
    for payload, reply in zip(asks.payloads, replies, strict=True):
        if isinstance(reply, ShortlistError):
            raise reply
        values.append(reply.value)
        rows.append(_one(asks.model, shape, payload, reply))
    return rows, values


def _one(model: Model[Any, Any], shape: Shape | None, payload: Any, reply: Reply[Any]) -> Foreseen:
    read, written = model.estimate(payload), 0
    if isinstance(payload, ChatRequest):
        weighed = payload.labels and not payload.labels_after  # of labels, one is written
        read, written = read - payload.max_tokens, 1 if weighed else reply.tokens_out
    row = foresee_calls(model.label, shape, getattr(model, "price", None), prompt=read, output=written)
    return row if model.remote else replace(row, money=0.0)


def _stand_in(model: Model[Any, Any], stand_ins: StandIns) -> Model[Any, Any]:
    found = next((each for kind, each in stand_ins.items() if isinstance(model, kind)), None)
    if found is None:
        raise InputError(f"nothing can stand in for a {type(model).__name__}")
    return found


def _stand_ins(grades: Mapping[str, float]) -> StandIns:
    return {
        Embedder: HashEmbedder(),
        PairScorer: OracleScorer(grades),
        ChatModel: OracleChat(grades),
        LikelihoodModel: CopyingLikelihood(),
        ListScorer: ArbitraryListScorer(),
    }


def _passage(place: int, n: int, tokens: int) -> Passage:
    """Retriever scores fall; what the stand-ins believe is in no order of theirs."""
    text = _text(tokens, f"p{place}")
    return Passage(text, id=str(place), document_id=str(place), score=((place + 1) * _STEP % n) / n)


def _text(tokens: int, word: str) -> str:
    size = tokens * _CHARACTERS
    return (f"{word} " * (size // (len(word) + 1) + 1))[:size].strip().ljust(size, "a")
