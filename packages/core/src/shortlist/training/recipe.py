"""How a network is trained: a value that the model card and a checkpoint can hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from shortlist.errors import InputError

LossName: TypeAlias = Literal["cross-entropy", "hinge", "needed", "reward"]
Watched: TypeAlias = Literal["loss", "ndcg"]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("epochs", "batch", "patience"), lambda value: type(value) is int and value > 0),
    "rate": lambda value: _number(value) and value > 0,
    "temperature": lambda value: value is None or (_number(value) and value > 0),
    **dict.fromkeys(("weight_decay", "warm_up"), lambda value: _number(value) and value >= 0),
    "seed": lambda value: type(value) is int and value >= 0,
    "clip": lambda value: value is None or (_number(value) and value > 0),
    "cosine": lambda value: type(value) is bool,
    "loss": lambda value: value in get_args(LossName),
    "watch": lambda value: value in get_args(Watched),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        loss: what is made small.
        epochs: passes over the lists, at most.
        batch: lists a step.
        rate: Adam's learning rate.
        weight_decay: added to the gradient, as Adam has it.
        warm_up: epochs over which the rate rises from 0.
        cosine: whether the rate then falls to 0 along a cosine, over all epochs; else it stays.
        clip: the longest gradient, in L2 norm; None is any.
        temperature: divides the scores before the loss; None is the one at which the untrained network has least loss,
            as embedders differ in how far apart their cosines are.
        watch: what tells the best epoch, on held-out lists: their loss, or their nDCG@10.
        patience: epochs without a better one after which training ends.
        seed: of all that is random.

    Raises:
        InputError: a value that it cannot have.
    """

    loss: LossName = "cross-entropy"
    epochs: int = 20
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 0.0
    warm_up: float = 0.0
    cosine: bool = False
    clip: float | None = None
    temperature: float | None = 1.0
    watch: Watched = "loss"
    patience: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        for name, good in _CHECKS.items():
            if not good(getattr(self, name)):
                raise InputError(f"a recipe cannot have {name} = {getattr(self, name)!r}")

    def changed(self, given: Mapping[str, Any]) -> Recipe:
        """This one with other values, by name.

        Raises:
            InputError: a name that a recipe has not, or a value that it cannot have.
        """
        if unknown := sorted(set(given) - {field.name for field in fields(self)}):
            raise InputError(f"a recipe has no {unknown[0]!r}; it has {', '.join(asdict(self))}")
        return replace(self, **given)

    def rate_at(self, epoch: float) -> float:
        """The learning rate when so many epochs, whole or not, are done."""
        if epoch < self.warm_up:
            return self.rate * epoch / self.warm_up
        if not self.cosine:
            return self.rate
        done = (epoch - self.warm_up) / max(self.epochs - self.warm_up, 1e-9)
        return self.rate * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
