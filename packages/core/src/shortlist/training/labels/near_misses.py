"""Hard negative queries: DocReRank (arXiv 2505.22584), in text form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shortlist.algorithms.bm25 import tokenize
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, ChatReply
from shortlist.models.named import check_model
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan
from shortlist.training.labels.filters import Filters
from shortlist.training.labels.prompts import label_prompt, text_of
from shortlist.training.labels.reading import read_query, read_verdict

ATTRIBUTES = (
    "a number or an amount",
    "a year or a date",
    "the name of a person, place, product or organisation",
    "a condition or a circumstance",
)


class NearMiss(NamedTuple):
    """A query that looks like one that a passage answers, and that it does not answer.

    Attributes:
        query: as written.
        attribute: what was changed.
    """

    query: str
    attribute: str


class Missed(NamedTuple):
    """Near misses of one query, and how many replies were not had or gave no verdict."""

    kept: tuple[NearMiss, ...]
    lost: int


@dataclass(frozen=True)
class NearMisses:
    """How near misses are made.

    Attributes:
        model: changes one attribute of the query.
        verifier: says whether the passage answers a query; another model than the one that wrote it where there is one.
        attributes: each is changed once, where the query has it.
        filters: what a query must be like.

    Raises:
        InputError: no chat model, or no attribute.
    """

    model: ChatModel
    verifier: ChatModel
    attributes: tuple[str, ...] = ATTRIBUTES
    filters: Filters = Filters()  # noqa: RUF009 - a frozen value

    def __post_init__(self) -> None:
        check_model(ChatModel, self.model)
        check_model(ChatModel, self.verifier)
        if not self.attributes or not all(each.strip() for each in self.attributes):
            raise InputError("near misses need an attribute to change")

    def settings(self) -> list[Any]:
        """All that they depend on, as values for JSON."""
        told = [model.fingerprint or repr(model) for model in (self.model, self.verifier)]
        prompts = [repr(label_prompt("change", "change")), repr(label_prompt("check", "check"))]
        return [told, prompts, list(self.attributes), repr(self.filters)]

    def plan(self, query: str, passage: Passage) -> Plan[Missed]:
        """Two rounds: the changed queries, and whether the passage answers them.

        The verifier is asked about the query itself as well: one that finds no answer to this either, or gives no
        verdict, cannot tell, and nothing is kept.
        """
        values = {"passage": text_of(passage), "query": query}
        asked = [label_prompt("change", "change").request({**values, "attribute": each}) for each in self.attributes]
        replies = yield from self.model.votes(asked)
        drafts, lost = self._drafts(query, replies), sum(isinstance(each, Missing) for each in replies)
        if not drafts:
            return Missed((), lost)
        check = label_prompt("check", "check")
        queries = [query, *(each.query for each in drafts)]
        said = yield from self.verifier.votes([check.request({**values, "query": each}) for each in queries])
        known, *verdicts = map(_verdict, said)
        lost += [known, *verdicts].count(None)
        kept = [each for each, answered in zip(drafts, verdicts, strict=True) if known and answered is False]
        return Missed(tuple(kept), lost)

    def _drafts(self, query: str, replies: Sequence[ChatReply | Missing]) -> list[NearMiss]:
        """What was written, without what is no query, changes nothing, or was written before."""
        found: dict[str, NearMiss] = {_key(query): NearMiss(query, "")}
        for attribute, reply in zip(self.attributes, replies, strict=True):
            if isinstance(reply, Missing):
                continue
            written = read_query(reply, label_prompt("change", "change")).query
            if self.filters.fault(written, "") is None:
                found.setdefault(_key(written), NearMiss(written, attribute))
        return list(found.values())[1:]


def _key(query: str) -> str:
    return " ".join(tokenize(query))


def _verdict(reply: ChatReply | Missing) -> bool | None:
    return None if isinstance(reply, Missing) else read_verdict(reply.text)
