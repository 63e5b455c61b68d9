"""What must be known to answer, declared by a language model, each piece with its share of the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, get_args

from shortlist.algorithms.diversity.merging import Merge, merged
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, Embedder, PairScorer
from shortlist.models.fakes import ConstantChat
from shortlist.models.named import check_model, default_scorer
from shortlist.passage import Passage
from shortlist.plan import Model, Plan
from shortlist.ranking import Ranking, Reasons, dropped
from shortlist.reranker.base import Need, Reranker, Source, checked_k
from shortlist.reranker.fields import check_numbers
from shortlist.reranker.task import subplan
from shortlist.rerankers.inputs import best_first, known_scores
from shortlist.rerankers.mmr import Mmr
from shortlist.subtopics.declaring import Declaration, Form, declared
from shortlist.subtopics.elements import check_form
from shortlist.subtopics.scoring import check_scorer, raw_scores, scored
from shortlist.subtopics.sub_queries import checked_texts

_QUESTION = "the question"


class _Order(NamedTuple):
    """Candidates, best first: their places among the candidates, a mapping for each of those, and what was mended."""

    places: Sequence[int]
    reasons: Sequence[Reasons]
    repairs: tuple[str, ...] = ()
    degraded: str | None = None


@dataclass(frozen=True)
class KnowledgeAware(Reranker):
    """A language model declares what must be known to answer; passages for each of it are among the first.

    It is shown the first passages, so that it can name what the question only describes, and declares knowledge
    elements: short texts to look up. The question and every element are scored against the candidates, all pairs in one
    round, and the lists are merged. Elements that are known, such as sub-questions, can be given; then no language
    model is asked.

    What the paper leaves open, as far as we could read it, is decided here: how lists are merged, how many elements
    there are, and the prompt. By default lists take turns, the question's own first; a list whose candidate another has
    taken has had its turn. `max` and `sum` order by the largest and the mean chance; `xquad` and `pm2` cover the
    elements beside relevance to the question. The paper's fine-tuned language model is not public, nor is its training
    data; by its authors' account, its system led the automatic leaderboard of the LiveRAG challenge.

    Reasons name the list that a passage was taken for, and its chances of holding what that list and the question ask
    for. Scores tell places. When no elements are declared, or a single one, `otherwise` ranks the passages and the
    ranking is marked; where the stage before gave no scores, it reads those of the question's list.

    Attributes:
        model: what declares; may be left out where elements are given.
        scorer: says how likely a passage holds what a text asks for: a cross-encoder, or an embedder, whose cosines
            then stand for chances. By default MiniLM on ONNX Runtime.
        elements: knowledge elements that are given.
        merge: how lists become one: round-robin, max, sum, xquad or pm2.
        diversity: of the merges xquad and pm2: 0 is the question alone, 1 only elements.
        shown: how many passages the model sees: the first by the scores of the stage before, or as they came.
        most: how many declared elements count.
        depth: how many candidates are scored, the first; the others follow in their order.
        words: of a passage that the model sees; None for all.
        form: of the answer that is asked for, json or lines; either is read.
        otherwise: ranks when there are fewer than two elements.
        k: how many to keep; None keeps all.
    """

    name = "knowledge-aware"
    source = Source("Knowledge-Aware Diverse Reranking for Cross-Source Question Answering", "arXiv 2506.20476", 2025)
    needs: ClassVar[frozenset[Need]] = frozenset({"chat", "pair scores"})
    order_sensitive = True  # where passages have no scores, the first are those that came first

    model: ChatModel | None = None
    scorer: PairScorer | Embedder = field(default_factory=default_scorer)
    elements: tuple[str, ...] = ()
    merge: Merge = "round-robin"
    diversity: float = 0.5
    shown: int = 5
    most: int = 6
    depth: int = 100
    words: int | None = 200
    form: Form = "json"
    otherwise: Reranker = field(default_factory=Mmr)
    k: int | None = None

    @classmethod
    def example(cls, fakes: Mapping[type[Any], Model[Any, Any]]) -> KnowledgeAware:
        """One with fakes, or with a model that can be written down."""
        model: Any = fakes.get(ChatModel, ConstantChat('["tides", "the moon"]'))
        scorer: Any = fakes.get(PairScorer)
        return cls(model) if scorer is None else cls(model, scorer)

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", checked_texts(self.elements, "elements"))
        if not self.elements:
            check_model(ChatModel, self.model)
        check_scorer(self.scorer)
        check_model(Reranker, self.otherwise)
        check_numbers(self)
        check_form(self.shown, self.most, self.words, self.form)
        checked_k(self.depth, "depth")
        if self.k is not None:
            checked_k(self.k, "k")
        if self.merge not in get_args(Merge):
            raise InputError(f"no merge is {self.merge!r}; there are {', '.join(get_args(Merge))}")
        if not 0.0 <= self.diversity <= 1.0:
            raise InputError(f"diversity must be in [0, 1], not {self.diversity}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Two rounds: the declaration, if elements are not given; then every list over all candidates."""
        first = best_first(passages)
        candidates = [passages[i] for i in first[: self.depth]]
        told = yield from self._declared(query, candidates)
        if len(told.elements) < (1 if self.elements else 2):
            found = yield from self._without(query, candidates, told)
        else:
            found = yield from self._covering(query, candidates, told)
        return self._ranking(passages, first, found)

    def _declared(self, query: str, candidates: Sequence[Passage]) -> Plan[Declaration]:
        if self.elements or self.model is None:
            return Declaration(self.elements)
        shown = candidates[: self.shown]
        return (yield from declared(query, shown, self.model, most=self.most, words=self.words, form=self.form))

    def _covering(self, query: str, candidates: Sequence[Passage], told: Declaration) -> Plan[_Order]:
        lists = (query, *told.elements)
        chances = yield from scored(lists, candidates, self.scorer)
        picks = merged(chances, len(candidates), self.merge, self.diversity)
        names = (_QUESTION, *told.elements)
        rows = dict(zip(picks.order.tolist(), picks.rows.tolist(), strict=True))
        reasons: list[Reasons] = [
            {"taken for": names[rows[i]], "chance": float(chances[rows[i], i]), "question": float(chances[0, i])}
            for i in range(len(candidates))
        ]
        return _Order(picks.order.tolist(), reasons, told.repairs)

    def _without(self, query: str, candidates: Sequence[Passage], told: Declaration) -> Plan[_Order]:
        """By `otherwise`, which reads the question's list where the stage before gave no scores."""
        if known_scores(candidates) is None:
            (own,), _ = yield from raw_scores([query], candidates, self.scorer)
            candidates = [replace(each, score=s) for each, s in zip(candidates, own.tolist(), strict=True)]
        ranking = yield from subplan(self.otherwise, query, candidates)
        items = [*ranking.kept, *ranking.dropped]
        reasons = {item.index: {name: why for name, why in item.reasons.items() if name != "dropped"} for item in items}
        count = len(told.elements)
        why = told.trouble or f"{count or 'no'} knowledge element{'' if count == 1 else 's'} declared"
        return _Order(
            [item.index for item in items],
            [reasons[i] for i in range(len(candidates))],
            told.repairs + ranking.repairs,
            "; ".join(filter(None, (f"{why}: {self.otherwise.name} answered", ranking.degraded))),
        )

    def _ranking(self, passages: Sequence[Passage], first: Sequence[int], found: _Order) -> Ranking:
        order = [*(first[i] for i in found.places), *first[self.depth :]]
        reasons: list[Reasons] = [{}] * len(passages)
        for i, why in zip(first, found.reasons, strict=False):
            reasons[i] = why
        whole = Ranking.by_order(passages, order, reasons)
        ranking = whole if self.k is None else whole.top(self.k)
        lost = dropped(ranking.dropped, "not picked")
        return replace(ranking, dropped=lost).noting(*found.repairs, degraded=found.degraded)

    def top(self, k: int) -> Reranker:
        """Fewer are kept; as many are read."""
        return replace(self, k=k if self.k is None else min(k, self.k))
