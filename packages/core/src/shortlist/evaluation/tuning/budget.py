"""What a search may take, and how that is shared out among searches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from shortlist.errors import InputError


@dataclass(frozen=True)
class Budget:
    """What tuning may take. It is looked at before each trial: the one under way is finished.

    Attributes:
        trials: different pipelines that each search tries, at most.
        seconds: of all searches together, on the wall clock; with it, how many trials there are is up to the machine.
        money: that is paid for answers, in the currency of the prices.

    Raises:
        InputError: there is no trial, or a limit is not above 0.
    """

    trials: int = 60
    seconds: float | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        if self.trials < 1 or any(limit is not None and not limit > 0 for limit in (self.seconds, self.money)):
            raise InputError(f"a budget needs a trial or more, and limits above 0: {self}")


class Purse:
    """A budget that is being spent: each search may have an equal share of what is left."""

    def __init__(
        self, budget: Budget, paid: Callable[[], float], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Full. `paid` says how much money is gone."""
        self.budget = budget
        self._paid = paid
        self._clock = clock
        self._begun = clock()

    @property
    def seconds(self) -> float:
        """Since it was full."""
        return self._clock() - self._begun

    def share(self, searches: int) -> Callable[[], bool]:
        """Whether the next of so many searches that are left may go on; asked before each trial."""
        seconds, money = self.seconds, self._paid()
        late = _end(seconds, self.budget.seconds, searches)
        dear = _end(money, self.budget.money, searches)
        return lambda: self.seconds < late and self._paid() < dear


def _end(taken: float, limit: float | None, searches: int) -> float:
    return float("inf") if limit is None else taken + max(0.0, limit - taken) / searches
