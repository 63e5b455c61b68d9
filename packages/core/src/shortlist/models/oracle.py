"""A language model that knows the right answer, and says it with noise: for tests and benchmarks of strategies."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.arrays import Floats
from shortlist.models.base import ChatModel, ChatReply, ChatRequest
from shortlist.plan import Call, Reply

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class OracleChat(ChatModel):
    """Knows the grade of each text, finds the texts and their names in a prompt, and answers as it was asked to.

    A passage is found where a line, or what follows a name in it, is a text that has a grade: `[3] text`, `Passage C:
    text`, `<passage id="3">text</passage>`, or the text alone below such a name. The answer obeys the request's schema
    or pattern, and is else an order: `[3] > [1] > [2]`, best first (a prompt that wants the worst first, as ListT5's,
    is misread), or where a selection is asked for those believed above `wanted`; labels get logits. What it believes
    of a passage is

        grade + s * (sqrt(rho) * e(passage) + sqrt(1 - rho) * e(prompt, passage)) + pull * (1/2 - place / (n - 1)),

    with s = noise * (n / 20) ** growth, standard normal e that depend on nothing but what is in brackets and the seed,
    and the place, from 0, among the n passages of the prompt. Tokens are a quarter of the characters.

    Attributes:
        grades: by text, as it stands in the prompt: white space at the ends aside.
        noise: standard deviation of the error in a prompt of twenty passages.
        rho: the share of the error's variance that is the same whenever the passage is read.
        pull: how much better the first passage of a prompt seems than the last.
        growth: how the error grows with the passages in a prompt: 0 not at all, 0.5 as their square root.
        seed: another seed, other errors.
        wanted: what it must believe of a passage to select it.
        concurrency: how many calls may run at the same time.
    """

    grades: Mapping[str, float]
    noise: float = 0.0
    rho: float = 0.0
    pull: float = 0.0
    growth: float = 0.0
    seed: int = 0
    wanted: float = 0.0
    concurrency: int = 1000
    remote = True

    def __hash__(self) -> int:
        return hash((len(self.grades), self.noise, self.rho, self.pull, self.growth, self.seed, self.wanted))

    def split(self, payloads: Sequence[ChatRequest]) -> list[list[int]]:
        """All at once: an answer takes no time."""
        return [[*range(len(payloads))]]

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One reply for each prompt."""
        call.batches += 1
        return [self._reply(payload) for payload in payloads]

    def _reply(self, request: ChatRequest) -> Reply[ChatReply]:
        prompt = "\n".join(message.content for message in request.messages)
        found = dict(self._found(prompt))
        beliefs = self._beliefs(prompt, [*found.values()])
        text = _written(request, [*found], beliefs, self.wanted)
        value = ChatReply(text, _labels(request.labels, [*found], beliefs))
        return Reply(value, len(prompt) // _CHARACTERS_PER_TOKEN, max(1, len(text) // _CHARACTERS_PER_TOKEN))

    def _found(self, prompt: str) -> Iterator[tuple[str, str]]:
        """Name and text of each passage; the name is the last word before it."""
        name = ""
        for line in prompt.splitlines():
            if headed := _HEAD.match(line):
                name = headed[1]
                continue
            for start in (0, *(match.end() for match in _SEPARATOR.finditer(line))):
                text = _CLOSING.sub("", line[start:]).strip()
                words = _WORD.findall(line[:start].removeprefix("Content:"))
                name = words[-1] if words else name
                if text in self.grades:
                    yield name, text
                    break

    def _beliefs(self, prompt: str, texts: Sequence[str]) -> Floats:
        n = len(texts)
        size = self.noise * (n / 20.0) ** self.growth
        grades = np.array([self.grades[text] for text in texts], dtype=np.float64)
        if size > 0.0:
            kept = np.array([_normals(f"{self.seed}", text, n=1)[0] for text in texts] if self.rho else np.zeros(n))
            fresh = _normals(f"{self.seed}", prompt, n=n)
            grades = grades + size * (math.sqrt(self.rho) * kept + math.sqrt(1.0 - self.rho) * fresh)
        return grades + self.pull * (0.5 - np.arange(n) / max(1, n - 1))


# A line of DynamicRAG's, above the one with the text.
_HEAD = re.compile(r"(\w+)\. Topic:")
# What may stand between a passage's name and its text.
_SEPARATOR = re.compile(r'[\]:>=."]\s*')
_CLOSING = re.compile(r'"?(</\w+>)?$')
_WORD = re.compile(r"\w+")


def _normals(*parts: str, n: int) -> Floats:
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(n)


def _written(request: ChatRequest, names: Sequence[str], beliefs: Floats, wanted: float) -> str:
    """The answer in the form that the request holds it to."""
    best = [names[i] for i in np.argsort(-beliefs, kind="stable").tolist()]
    if _selects(request):
        best = best[: int(np.count_nonzero(beliefs > wanted))]
        if request.schema is None:
            return ", ".join(f"[{name}]" for name in best) or "None"
    if request.schema is not None:
        return _json(json.loads(request.schema), dict(zip(names, beliefs.tolist(), strict=True)), best)
    ranking = " > ".join(f"[{name}]" for name in best)
    if request.pattern is None or not best:
        return ranking
    top = best[0]
    forms = (ranking, f"<answer>[{top}]</answer>", f"<answer>{top}</answer>", f"Passage {top}", top, f"[{top}]")
    return next((form for form in forms if re.fullmatch(request.pattern, form)), ranking)


def _selects(request: ChatRequest) -> bool:
    """Whether an answer may name no passage."""
    if request.schema is not None:
        fields: list[dict[str, object]] = [*json.loads(request.schema).get("properties", {}).values()]
        return len(fields) == 1 and fields[0].get("type") == "array" and "minItems" not in fields[0]
    return request.pattern is not None and bool(re.fullmatch(request.pattern, "None"))


def _json(schema: Mapping[str, object], beliefs: Mapping[str, float], best: Sequence[str]) -> str:
    properties = schema.get("properties")
    keys = [*properties] if isinstance(properties, Mapping) else []
    if len(keys) == 1 and keys[0] not in beliefs:
        return json.dumps({keys[0]: [*best]})
    scores = {key: beliefs.get(key.strip("[]")) for key in keys}
    return json.dumps({key: round(_squeezed(score), 3) for key, score in scores.items() if score is not None})


def _squeezed(belief: float) -> float:
    """A belief on a scale of 0 to 10, the middle of it at 0."""
    return 10.0 / (1.0 + math.exp(-belief))


def _labels(labels: Sequence[str], names: Sequence[str], beliefs: Floats) -> dict[str, float]:
    """Logits: of labels that name passages, what is believed of those; of grades, they fall evenly from the best."""
    known = dict(zip(names, beliefs.tolist(), strict=True))
    if any(label.strip() in known for label in labels) and len(names) > 1:
        return {label: known[label.strip()] for label in labels if label.strip() in known}
    if not labels or not len(beliefs):
        return {}
    # Words stand best first, as in (yes, no); numbers are worth what they say.
    numbers = all(label.strip().isdecimal() for label in labels)
    fall = np.linspace(0.5, -0.5, len(labels)) * (-1 if numbers else 1) if len(labels) > 1 else np.ones(1)
    return {label: float(beliefs[0] * share) for label, share in zip(labels, fall.tolist(), strict=True)}
