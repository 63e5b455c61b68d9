"""Queries for passages that nobody asked for: generate and filter, as UDAPDR does (arXiv 2303.00807)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlist.errors import InputError, ModelError, checked_count
from shortlist.models.base import ChatModel, ChatReply, ChatRequest
from shortlist.models.named import check_model
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan, together
from shortlist.training.labels.corpus import RoundTrip
from shortlist.training.labels.filters import Filters
from shortlist.training.labels.made import Draft, Kept, Made, Refused
from shortlist.training.labels.near_misses import NearMisses
from shortlist.training.labels.prompts import Example, LabelPrompt, label_prompt, text_of
from shortlist.training.labels.reading import read_query

PROMPTS = ("question", "keywords", "need", "examples", "good-and-bad")
STYLES = ("everyday", "expert")


@dataclass(frozen=True, eq=False)
class QueryGenerator:
    """How queries are made for a passage.

    Attributes:
        model: writes them.
        way: back from a query to its passage: what does not lead back is not kept.
        prompts: what the model is asked with: shipped prompts for queries, or paths of one's own.
        samples: queries to draw with each prompt.
        temperature: at which they are drawn; 0 for the likeliest, of which there is one.
        examples: shown by prompts with examples; theirs where there are none.
        filters: what a query must be like.
        personas: people; each query that is kept is rewritten in everyday words and in an expert's for one of them, as
            in LimRank (arXiv 2510.23544). Empty for no rewriting.
        near_misses: makes hard negative queries; None for none.
        seed: of what is random.

    Raises:
        InputError: no chat model, no such prompt, or a number that cannot be.
    """

    model: ChatModel
    way: RoundTrip
    prompts: tuple[str, ...] = PROMPTS
    samples: int = 1
    temperature: float = 0.7
    examples: tuple[Example, ...] = ()
    filters: Filters = field(default_factory=Filters)
    personas: tuple[str, ...] = ()
    near_misses: NearMisses | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_model(ChatModel, self.model)
        checked_count(self.samples, "samples")
        if not 0 <= self.temperature <= 2 or (self.samples > 1 and self.temperature == 0):
            raise InputError(
                f"{self.samples} samples at temperature {self.temperature}: from above 0 to 2, or one at 0"
            )
        if not self.prompts or any(not persona.strip() for persona in self.personas):
            raise InputError("there must be a prompt, and words in every persona")
        self.settings()

    def settings(self) -> list[Any]:
        """All that its queries depend on, as values for JSON. Models without a fingerprint count by their repr."""
        way, misses = self.way, self.near_misses
        told = [repr(label_prompt(name, "query")) for name in self.prompts]
        told += [repr(label_prompt(name, "rewrite")) for name in (STYLES if self.personas else ())]
        drawn = [self.samples, self.temperature, self.examples, repr(self.filters), self.personas, self.seed]
        back = [way.corpus.digest, None if way.reranker is None else repr(way.reranker), way.depth, way.k]
        return [self.model.fingerprint or repr(self.model), told, drawn, back, misses and misses.settings()]

    def plan(self, passage: Passage) -> Plan[Made]:
        """Rounds: the queries, the way back, their rewritings, the way back of these, near misses, and their check.

        Raises:
            ModelError: no reply with a query, or none with a rewriting, was had, or the reranker failed.
        """
        drafts, lost = yield from self._drafts(*self._asked(passage))
        kept, refused = yield from self._sifted(drafts, passage, ())
        rewritten, also_lost = yield from self._rewritten(kept)
        more, also_refused = yield from self._sifted(rewritten, passage, kept)
        lost += also_lost
        kept = [*kept, *more]
        if self.near_misses is not None and kept:
            found = yield from together([self.near_misses.plan(each.draft.query, passage) for each in kept])
            kept = [each._replace(near_misses=told.kept) for each, told in zip(kept, found, strict=True)]
            lost += sum(told.lost for told in found)
        return Made(str(passage.id), tuple(kept), (*refused, *also_refused), lost)

    def _asked(self, passage: Passage) -> tuple[list[ChatRequest], list[tuple[LabelPrompt, Draft]]]:
        """The first round, and what each request is for."""
        requests, told = list[ChatRequest](), list[tuple[LabelPrompt, Draft]]()
        for prompt in (label_prompt(name, "query") for name in self.prompts):
            request = prompt.request({"passage": text_of(passage)}, self.examples)._replace(
                temperature=self.temperature
            )
            requests += [request._replace(draw=draw) for draw in range(self.samples)]
            told += [(prompt, Draft("", prompt.name))] * self.samples
        return requests, told

    def _drafts(
        self, requests: Sequence[ChatRequest], told: Sequence[tuple[LabelPrompt, Draft]]
    ) -> Plan[tuple[list[Draft], int]]:
        """The queries that are written for the requests, and how many replies were not had."""
        replies = yield from self.model.votes(requests)
        had = [(reply, about) for reply, about in zip(replies, told, strict=True) if not isinstance(reply, Missing)]
        if not had:
            raise next((each.error for each in replies if isinstance(each, Missing)), ModelError("no reply"))
        return [_read(reply, *about) for reply, about in had], len(replies) - len(had)

    def _rewritten(self, kept: Sequence[Kept]) -> Plan[tuple[list[Draft], int]]:
        """Everyday's and an expert's form of each, for a persona that the seed and the query choose."""
        if not (self.personas and kept):
            return [], 0
        requests, told = list[ChatRequest](), list[tuple[LabelPrompt, Draft]]()
        for each in kept:
            query = each.draft.query
            persona = random.Random(f"{self.seed} {query}").choice(self.personas)
            for prompt in (label_prompt(style, "rewrite") for style in STYLES):
                told.append((prompt, Draft("", prompt.name, seed=query, persona=persona)))
                requests.append(prompt.request({"query": query, "persona": persona}))
        return (yield from self._drafts(requests, told))

    def _sifted(
        self, drafts: Iterable[Draft], passage: Passage, before: Sequence[Kept]
    ) -> Plan[tuple[list[Kept], list[Refused]]]:
        """Those that pass the filters and lead back, and the others. Of queries that are one, the first is taken."""
        fit, kept, refused = list[Draft](), list[Kept](), list[Refused]()
        for draft in drafts:
            if why := self._fault(draft, passage, [*(each.draft for each in before), *fit]):
                refused.append(Refused(draft, why))
            else:
                fit.append(draft)
        ranks = yield from together([self.way.plan(draft.query, passage) for draft in fit])
        for draft, rank in zip(fit, ranks, strict=True):
            if rank is not None and rank <= self.way.k:
                kept.append(Kept(draft, rank))
            else:
                refused.append(Refused(draft, "not found" if rank is None else "does not lead back"))
        return kept, refused

    def _fault(self, draft: Draft, passage: Passage, before: Sequence[Draft]) -> str | None:
        own = [each for name in self.prompts for each in label_prompt(name, "query").examples]
        shown = [each.query for each in self.examples or own]
        why = self.filters.fault(draft.query, passage.text, draft.bad, shown)
        if why is None and any(self.filters.same(draft.query, each.query) for each in before):
            return "asked already"
        return why


def _read(reply: ChatReply, prompt: LabelPrompt, about: Draft) -> Draft:
    found = read_query(reply, prompt)
    return about._replace(query=found.query, bad=found.bad)
