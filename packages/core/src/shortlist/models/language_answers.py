"""Requests as a language model's engine takes them, and what it found as replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from shortlist.errors import InputError, ModelTimeout, ShortlistError
from shortlist.models.base import ChatReply, ChatRequest, Continuation, Likelihood
from shortlist.models.language_prompts import Prompt
from shortlist.plan import Call, Reply

if TYPE_CHECKING:
    from shortlist.models.torch_language_engine import Engine, Found
    from shortlist.models.torch_writing import Written


class _Job(NamedTuple):
    """A request and its prompt; `place` is where its reply goes, `limit` the tokens that may be written."""

    place: int
    request: ChatRequest
    prompt: Prompt
    limit: int


class _Context(NamedTuple):
    """What stands before the position at which labels are weighed, and how it came there."""

    prompt: Prompt
    text: str = ""
    written: int = 0
    cut: bool = False
    flops: float | None = 0.0


def chat_replies(
    engine: Engine, payloads: Sequence[ChatRequest], call: Call
) -> list[Reply[ChatReply] | ShortlistError]:
    """One reply a request, in order; an error where no prompt can be made of it, or no time was left."""
    replies: list[Reply[ChatReply] | ShortlistError] = [_late() for _ in payloads]
    with engine.lock:
        jobs: list[_Job] = []
        for place, request in enumerate(payloads):
            try:
                jobs.append(_job(engine, place, request))
            except InputError as error:
                replies[place] = error
        writing = [job for job in jobs if _is_written(job.request)]
        contexts = {job.place: _Context(job.prompt) for job in jobs if not _is_written(job.request)}
        for job, text in zip(writing, _write(engine, writing, call), strict=True):
            if text is not None and job.request.labels:
                contexts[job.place] = _context(engine, job, text)
            elif text is not None:
                replies[job.place] = _reply(engine, job, text)
        weighed = [job for job in jobs if job.place in contexts]
        for job, reply in zip(weighed, _weighed(engine, weighed, contexts, call), strict=True):
            replies[job.place] = reply or replies[job.place]
    return replies


def likelihood_replies(
    engine: Engine, payloads: Sequence[Continuation], call: Call
) -> list[Reply[Likelihood] | ShortlistError]:
    """One likelihood a payload, in order; an error where no prompt can be made of it, or no time was left."""
    replies: list[Reply[Likelihood] | ShortlistError] = [_late() for _ in payloads]
    with engine.lock:
        jobs: list[tuple[int, Prompt, tuple[int, ...]]] = []
        for place, payload in enumerate(payloads):
            try:
                jobs.append((place, *_continued(engine, payload)))
            except InputError as error:
                replies[place] = error
        reads = [(prompt.source, prompt.ids) for _, prompt, _ in jobs]
        found = engine.logprobs(reads, [target for _, _, target in jobs], call)
    for (place, prompt, target), each in zip(jobs, found, strict=True):
        if each is not None:
            value = Likelihood(each.values[0], len(target))
            replies[place] = Reply(value, prompt.tokens + len(target), 0, prompt.truncated, each.flops)
    return replies


def _is_written(request: ChatRequest) -> bool:
    return not request.labels or bool(request.labels_after)


def _late() -> ShortlistError:
    return ModelTimeout("stopped between two batches")


def _continued(engine: Engine, payload: Continuation) -> tuple[Prompt, tuple[int, ...]]:
    room = engine.max_length - len(engine.prompter.encode(payload.target))
    if room < engine.max_length // 4:
        raise InputError("the target leaves a prompt less than a quarter of what the model reads")
    prompt = engine.prompter.prompt(payload.messages, room)
    return prompt, engine.prompter.following(prompt.tail, payload.target)


def _job(engine: Engine, place: int, request: ChatRequest) -> _Job:
    """Half of what the model can read is the prompt's in any case; what is left of the rest is for the answer."""
    prompter, most = engine.prompter, engine.max_length
    after = max((len(prompter.following("", label)) for label in request.labels), default=0)
    after += len(prompter.encode(f"\n{request.labels_after}")) if request.labels_after else 0
    wanted = after if request.labels and not request.labels_after else request.max_tokens + after
    prompt = prompter.prompt(request.messages, most if prompter.start is not None else max(most - wanted, most // 2))
    return _Job(place, request, prompt, min(request.max_tokens, most - len(prompt.ids) - after))


def _write(engine: Engine, jobs: Sequence[_Job], call: Call) -> Sequence[Written | None]:
    if not jobs:
        return []
    from shortlist.models.torch_network import Read
    from shortlist.models.torch_writing import Wanted

    wanted = [
        Wanted(
            Read(job.prompt.source, job.prompt.ids),
            job.limit,
            job.request.temperature,
            until=job.request.labels_after if job.request.labels else "",
            weighed=job.request.confidence,
            draw=job.request.draw,
        )
        for job in jobs
    ]
    return engine.write(wanted, call)


def _reply(engine: Engine, job: _Job, text: Written) -> Reply[ChatReply]:
    likelihood = Likelihood(sum(text.logprobs), len(text.logprobs)) if text.logprobs else None
    value = ChatReply(engine.prompter.decode(text.tokens), {}, text.cut, likelihood)
    return Reply(value, job.prompt.tokens, len(text.tokens), job.prompt.truncated, engine.flops(text))


def _context(engine: Engine, job: _Job, text: Written) -> _Context:
    """A model that did not come to the labels by itself is brought there after its last whole sentence."""
    prompter, prompt = engine.prompter, job.prompt
    if text.reached:
        shown, added = prompter.decode(text.tokens), tuple(text.tokens)
        tail = prompter.decode(text.tokens, special=True)
    else:
        shown = f"{whole_sentences(prompter.decode(text.tokens))}\n{job.request.labels_after}"
        added, tail = prompter.following(prompt.tail, shown), shown
    longer = prompt._replace(ids=(*prompt.ids, *added), tail=prompter.tail(prompt.tail + tail))
    return _Context(longer, shown, len(text.tokens), text.cut, engine.flops(text))


def whole_sentences(text: str) -> str:
    """The text up to the end of its last sentence or line; all of it when it has no end."""
    end = max(text.rfind(mark) for mark in (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n"))
    whole = text.rstrip().endswith((".", "!", "?"))
    return text.rstrip() if end < 0 or whole else text[: end + 1].rstrip()


def _weighed(
    engine: Engine, jobs: Sequence[_Job], contexts: dict[int, _Context], call: Call
) -> list[Reply[ChatReply] | None]:
    before = [contexts[job.place] for job in jobs]
    pairs = list(zip(jobs, before, strict=True))
    labels = [[engine.prompter.following(c.prompt.tail, label) for label in job.request.labels] for job, c in pairs]
    found = engine.label_values([context.prompt for context in before], labels, call)
    return [_chosen(job, context, each) for (job, context), each in zip(pairs, found, strict=True)]


def _chosen(job: _Job, context: _Context, found: Found | None) -> Reply[ChatReply] | None:
    """The likeliest label is what is written; as on a server, it counts as one token."""
    if found is None:
        return None
    values = dict(zip(job.request.labels, found.values, strict=True))
    text = context.text + max(values, key=values.__getitem__)
    flops = None if context.flops is None or found.flops is None else context.flops + found.flops
    value = ChatReply(text, values, context.cut)
    return Reply(value, job.prompt.tokens, context.written + 1, job.prompt.truncated, flops)
