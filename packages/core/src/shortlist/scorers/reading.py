"""From a model's reply to a judgement, as the prompt's contract says. Nothing here raises, whatever the reply."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from shortlist.errors import ParseError
from shortlist.models.base import ChatReply, Likelihood
from shortlist.plan import Missing
from shortlist.prompts.grammar import Parsed, completed, parse
from shortlist.prompts.read_selection import PROSE
from shortlist.prompts.replies import thinks
from shortlist.prompts.spec import PromptSpec
from shortlist.scorers.base import Judgement


def read(spec: PromptSpec, reply: ChatReply, n: int) -> Judgement | Missing:
    """What the reply says of a window of n passages; `Missing` when it says nothing of any."""
    if spec.contract == "labels":
        return _labelled(spec, reply, n) if spec.window > 1 else _graded(spec, reply)
    cut = ("the answer was cut at max_tokens",) if reply.cut else ()
    if spec.contract == "selection":
        return _selected(parse(spec.grammar, reply.text, spec.named(n)), reply, n, cut)
    if spec.contract == "number":
        return _numbered(parse(spec.grammar, reply.text, spec.labels), spec, reply, cut)
    if spec.reversed:
        return _parsed(_turned(parse(spec.grammar, _signed(reply.text), spec.named(n))), n, cut)
    return _parsed(parse(spec.grammar, reply.text, spec.named(n)), n, cut)


def read_likelihood(value: Likelihood) -> Judgement:
    """The mean log-probability of a token of the target: UPR, section 2."""
    return Judgement((0,), 1, (value.logprob / value.tokens,))


def _parsed(parsed: Parsed, n: int, cut: tuple[str, ...]) -> Judgement | Missing:
    repairs = (*parsed.repairs, *cut)
    if not parsed.order:
        return Missing(ParseError(_said("names no passage", repairs)))
    order = completed(parsed.order, n)
    scores = tuple(parsed.scores.get(i) for i in range(n)) if parsed.scores else None
    return Judgement(order, len(parsed.order), scores, repairs)


def _selected(parsed: Parsed, reply: ChatReply, n: int, cut: tuple[str, ...]) -> Judgement | Missing:
    repairs = (*parsed.repairs, *cut)
    if not parsed.order and not parsed.none:
        return Missing(ParseError(_said("neither names a passage nor says none", repairs)))
    # The likelihood is of all that was written: of the list only where there was nothing else.
    alone = PROSE not in repairs and not thinks(reply.text)
    likelihood = reply.likelihood if alone else None
    return Judgement(completed(parsed.order, n), len(parsed.order), None, repairs, likelihood)


def _signed(text: str) -> str:
    """ListT5 writes its order as numbers and nothing else."""
    return " > ".join(f"[{name}]" for name in text.split()) if re.fullmatch(r"[\d\s]+", text, re.ASCII) else text


def _turned(parsed: Parsed) -> Parsed:
    return parsed._replace(order=parsed.order[::-1])


def _numbered(parsed: Parsed, spec: PromptSpec, reply: ChatReply, cut: tuple[str, ...]) -> Judgement | Missing:
    repairs = (*parsed.repairs, *cut)
    if not parsed.order:
        return Missing(ParseError(_said("has no number in range", repairs)))
    number = parsed.scores[parsed.order[0]]
    if spec.reduce == "emitted":  # ERank: s times the probability of having written s
        number *= _chance(spec.labels[parsed.order[0]], _probabilities(_told((*reply.labels,), reply)))
    return Judgement((0,), 1, (number,), repairs)


def _chance(label: str, chances: Mapping[str, float]) -> float:
    """That it is written; of `10`, where the model tells of single digits only, that it begins so."""
    return chances.get(label, chances.get(label[:1], 1.0))


def _labelled(spec: PromptSpec, reply: ChatReply, n: int) -> Judgement | Missing:
    """A window whose labels stand for its passages: FIRST, setwise and pairwise by likelihood."""
    labels = spec.choices(n)
    chances = _probabilities(_told(labels, reply))
    if not chances:  # a model that reveals no log-probabilities, but has written its answer
        return _parsed(parse("pick", reply.text, [label.strip() for label in labels]), n, ())
    scores = tuple(chances.get(label) for label in labels)
    known = [i for i in range(n) if scores[i] is not None]
    order = completed(sorted(known, key=lambda i: -(scores[i] or 0.0)), n)
    missing = n - len(known)
    return Judgement(order, len(known), scores, (f"{missing} labels without a log-probability",) if missing else ())


def _graded(spec: PromptSpec, reply: ChatReply) -> Judgement | Missing:
    """One passage, by the log-probabilities of the labels."""
    known = _told(spec.labels, reply)
    if known:
        repairs = (f"{len(spec.labels) - len(known)} labels without a log-probability",)
        return Judgement((0,), 1, (_score(spec, known),), repairs if len(known) < len(spec.labels) else ())
    parsed = parse("pick", reply.text, [label.strip() for label in spec.labels])
    if not parsed.order:
        return Missing(ParseError(_said("has no label", parsed.repairs)))
    said = {spec.labels[parsed.order[0]]: 0.0}
    return Judgement((0,), 1, (_score(spec, said),), ("no log-probabilities: the label that was written counts",))


def _told(labels: Sequence[str], reply: ChatReply) -> dict[str, float]:
    """The log-probabilities that the model told of; one that is not finite tells nothing."""
    return {each: reply.labels[each] for each in labels if math.isfinite(reply.labels.get(each, math.nan))}


def _score(spec: PromptSpec, logits: Mapping[str, float]) -> float:
    """A label that the model left out is less likely than all it told."""
    floor = min(logits.values()) - _UNSEEN
    row = [logits.get(label, floor) for label in spec.labels]
    if spec.reduce == "logit":
        return row[0]
    if spec.reduce == "difference":
        return row[0] - row[1]
    chances = _softmax(row)
    if spec.reduce == "expectation":
        return sum(value * chance for value, chance in zip(spec.values, chances, strict=True))
    return chances[0]


# A label outside the twenty likeliest tokens is at least so much less likely, in nats, than the least of them.
_UNSEEN = 2.0


def _probabilities(logits: Mapping[str, float]) -> dict[str, float]:
    return dict(zip(logits, _softmax(list(logits.values())), strict=True))


def _softmax(row: Sequence[float]) -> list[float]:
    top = max(row, default=0.0)
    weights = [math.exp(each - top) for each in row]
    total = sum(weights)
    return [weight / total for weight in weights]


def _said(what: str, repairs: Sequence[str]) -> str:
    return f"an answer that {what}" + (f" ({'; '.join(repairs)})" if repairs else "")
