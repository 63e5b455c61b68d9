"""The prompts of the published protocol: with fixed properties, and the one that writes prompts."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.criteria.judged import Criterion
from shortlist.criteria.rendering import one_line, query_text, template, told
from shortlist.models.base import ChatReply, ChatRequest, Message
from shortlist.prompts.render import filled
from shortlist.prompts.replies import answer

_CONTEXT, _QUERY = "{context_str}", "{query_str}"
_QUESTION = "\nQuestion: {query_str}\nAnswer:\n"
_MAX_TOKENS = 2048


def one_turn_prompt(criteria: Sequence[Criterion], threshold: float) -> str:
    """The prompt with fixed properties; `{context_str}` and `{query_str}` are left open."""
    names = [one_line(criterion.name) for criterion in criteria]
    sums = [f"{criterion.weight:g} * ({name})" for criterion, name in zip(criteria, names, strict=True)]
    scale = (f"- {name}, from 0 to 5." for name in names)
    values = {
        "definitions": "\n".join(
            f"{i}. {n}: {told(c)}" for i, (n, c) in enumerate(zip(names, criteria, strict=True), 1)
        ),
        "rubric": "\n".join(scale),
        "formula": " + ".join(["Relevance", *sums]),
        "threshold": f"{threshold:g}",
        "tie": f"the higher {_deciding(names)}",
    }
    return filled(template("one_turn"), values)


def meta_request(query: str, threshold: float, max_tokens: int | None) -> ChatRequest:
    """Ask for a prompt that suits the query. It sees no passage, so the same query is always the same ask."""
    prompt = filled(template("meta_prompt"), {"user_query": query_text(query), "threshold": f"{threshold:g}"})
    return ChatRequest((Message("user", prompt),), None, max_tokens or _MAX_TOKENS)


def usable_prompt(reply: ChatReply) -> tuple[str | None, tuple[str, ...]]:
    """The generated prompt with both placeholders in it, or None where it is none; and what had to be mended.

    A prompt that never says `Doc` and `Relevance` would be answered in a form that nobody can read. One that forgot a
    placeholder, or was cut before it, is given it at its end.
    """
    prompt = answer(reply.text).text
    if "Doc" not in prompt or "Relevance" not in prompt:
        return None, ("the generated prompt was none: the fixed criteria were used",)
    if _CONTEXT not in prompt:
        return f"{prompt}\n\n{_CONTEXT}{_QUESTION}", ("the generated prompt had no place for the documents: added",)
    if _QUERY not in prompt:
        return f"{prompt}{_QUESTION}", ("the generated prompt had no place for the question: added",)
    return prompt, ()


def _deciding(names: Sequence[str]) -> str:
    """What ties are broken by: authority, as in the paper's example, else the first property, else relevance."""
    return next((name for name in names if name.lower().startswith("authorit")), [*names, "Relevance"][0])
