"""A language model as a reranker, asked as one of the published systems asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from shortlist.errors import InputError
from shortlist.models.base import ChatModel, LikelihoodModel, PairScorer
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.prompts.spec import prompt
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker
from shortlist.reranker.strategy import Strategy
from shortlist.scorers.prompted import Prompted


@dataclass(frozen=True)
class Llm(Reranker):
    """Ask a language model, with the prompt and the strategy of a published system.

    `shortlist prompts list` names the systems. To change the strategy of one, put it together by hand:
    `SlidingWindow(Prompted(model, "rankzephyr"), stride=5)`.

    Attributes:
        model: the language model: for most systems a chat model, for those by likelihood a `LikelihoodModel`.
        system: whose prompt and strategy; by default our own, for any model that follows instructions.
        instruction: what is relevant, for prompts that have a place for it.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None for what the
            strategy judges: a hundred, of most.
    """

    name = "llm"
    needs: ClassVar[frozenset[Need]] = frozenset({"chat"})
    order_sensitive = True

    model: ChatModel | LikelihoodModel | PairScorer
    system: str = "shortlist"
    instruction: str | None = None
    depth: int | None = None

    def __post_init__(self) -> None:
        self.strategy()

    def strategy(self) -> Strategy:
        """The reranker that this stands for.

        Raises:
            InputError: no such system.
        """
        from shortlist.reranker.registry import reranker_class

        spec = prompt(self.system)
        scorer = Prompted(self.model, self.system, self.instruction)
        settings = dict(spec.settings) | ({} if self.depth is None else {"depth": self.depth})
        made = cast(Any, reranker_class(spec.strategy))(scorer, **settings)
        if not isinstance(made, Strategy):
            raise InputError(f"{spec.strategy} is no strategy")
        return made

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The strategy's."""
        return self.strategy().plan(query, passages)

    def top(self, k: int) -> Reranker:
        """The strategy is told."""
        return self.strategy().top(k)

    def warm_up(self) -> None:
        """The strategy's: a server is checked with a question whose answer is known."""
        self.strategy().warm_up()
