"""One search of a space: Optuna proposes pipelines, a function says what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from shortlist.errors import require
from shortlist.evaluation.tuning.holes import Hole
from shortlist.evaluation.tuning.space import Space

if TYPE_CHECKING:
    import optuna

_PATIENCE = 4
"""Proposals for each trial: what was tried before is no trial."""


def search(
    space: Space, worth: Callable[[str], float], *, trials: int, seed: int, go_on: Callable[[], bool] = lambda: True
) -> list[str]:
    """The pipelines that were tried, each once, in order.

    A space of no more than `trials` is tried in full. Of another, every template is tried once and the rest is proposed
    by a tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), as Optuna has it: the same seed and the same
    worths give the same trials.

    Args:
        space: to choose from.
        worth: of an expression; more is better.
        trials: how many, at most.
        seed: of the proposals.
        go_on: asked before each trial but the first.

    Raises:
        MissingExtra: Optuna is needed and not installed.
    """
    if space.size <= trials:
        return list(_all(space, worth, go_on))
    return list(islice(_proposed(space, worth, trials, seed, go_on), trials))


def _all(space: Space, worth: Callable[[str], float], go_on: Callable[[], bool]) -> Iterator[str]:
    for place, text in enumerate(dict.fromkeys(space.all())):
        if place and not go_on():
            return
        worth(text)
        yield text


def _proposed(
    space: Space, worth: Callable[[str], float], trials: int, seed: int, go_on: Callable[[], bool]
) -> Iterator[str]:
    study, tried = _study(space, seed), set[str]()
    for _ in range(trials * _PATIENCE):
        if tried and not go_on():
            return
        trial = study.ask()
        text = _drawn(space, trial)
        study.tell(trial, worth(text))
        if text not in tried:
            tried.add(text)
            yield text


def _study(space: Space, seed: int) -> optuna.Study:
    require("tune", "optuna")
    import optuna

    with _quiet():
        sampler = optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for place in range(len(space.templates)):
            study.enqueue_trial({"template": place})
    return study


def _drawn(space: Space, trial: optuna.Trial) -> str:
    place = trial.suggest_categorical("template", range(len(space.templates)))
    template = space.templates[place]
    return template.filled({hole.name: _value(hole, f"{place}:{hole.name}", trial) for hole in template.holes})


def _value(hole: Hole, name: str, trial: optuna.Trial) -> str:
    if hole.ordered:
        return hole.values[trial.suggest_int(name, 0, len(hole.values) - 1)]
    return trial.suggest_categorical(name, hole.values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every study; whoever uses the library has not asked for it."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
