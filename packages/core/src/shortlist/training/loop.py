"""The training loop: Adam over batches of lists, until the held-out lists get no better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from shortlist.algorithms.measures import ndcg_at
from shortlist.errors import InputError, ModelError
from shortlist.training.checkpoint import Checkpoint, Standing, copied
from shortlist.training.losses import LOSSES
from shortlist.training.recipe import Recipe
from shortlist.training.seeds import seeded
from shortlist.training.task import Example, Task

DEPTH = 10
_TEMPERATURES = (1.0, 0.5, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.035, 0.025, 0.017)
_TRIED = 200


@dataclass(frozen=True, slots=True)
class Epoch:
    """What was measured in one epoch.

    Attributes:
        number: from 1.
        loss: mean over the training lists, while their weights moved.
        held_loss: mean over the held-out lists, after it.
        held_ndcg: mean nDCG@10 over the held-out lists, after it.
    """

    number: int
    loss: float
    held_loss: float
    held_ndcg: float


class Progress(NamedTuple):
    """How far training has come.

    Attributes:
        epoch: the one that is under way, from 1.
        done: how much of it, in [0, 1].
        best: the best one so far; None in the first.
    """

    epoch: int
    done: float
    best: Epoch | None


class Fitted(NamedTuple):
    """What came of it.

    Attributes:
        network: with the weights of the best epoch, ready to score.
        history: what was measured, epoch by epoch.
        best: the epoch whose weights were kept.
        skipped: lists without a relevant passage, which teach nothing.
    """

    network: nn.Module
    history: tuple[Epoch, ...]
    best: Epoch
    skipped: int


def fit(
    task: Task,
    sizes: Any,
    training: Sequence[Example],
    held: Sequence[Example],
    recipe: Recipe,
    *,
    checkpoint: Checkpoint | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Fitted:
    """Train a network of these sizes on some lists, until others, which are held out, are ranked no better.

    Equal seeds give equal weights on one machine, on the CPU and with as many threads. With a checkpoint, a run goes on
    where the one before was ended, and comes to the weights that it would have come to.

    Raises:
        InputError: no list that is trained on, or none that is held out, has a relevant passage.
        ModelError: the loss is no longer finite.
    """
    lists, held_lists = _useful(training), _useful(held)
    if not lists or not held_lists:
        raise InputError("needs lists with a relevant passage, to train on and to hold out")
    run = _Run(task, sizes, recipe, lists, checkpoint)
    while not run.over:
        run.epoch(lists, held_lists, progress)
    run.network.load_state_dict(dict(run.best_weights))
    return Fitted(
        run.network.eval(), tuple(run.history), run.best, len(training) + len(held) - len(lists) - len(held_lists)
    )


class _Run:
    """One run between its epochs."""

    def __init__(
        self, task: Task, sizes: Any, recipe: Recipe, lists: Sequence[Example], checkpoint: Checkpoint | None
    ) -> None:
        self.task, self.sizes, self.recipe, self.checkpoint = task, sizes, recipe, checkpoint
        with seeded(recipe.seed, 0):
            self.network = task.network(sizes, lists)
            self.temperature = recipe.temperature or self._best_temperature(lists[:_TRIED])
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
        self.history: list[Epoch] = []
        self.best_weights = copied(self.network.state_dict())
        if checkpoint is not None and (standing := checkpoint.load()) is not None:
            self._restore(standing)

    @property
    def best(self) -> Epoch:
        return min(self.history, key=lambda e: e.held_loss if self.recipe.watch == "loss" else -e.held_ndcg)

    @property
    def over(self) -> bool:
        done = len(self.history)
        return done >= self.recipe.epochs or (done > 0 and done - self.best.number >= self.recipe.patience)

    def epoch(self, training: Sequence[Example], held: Sequence[Example], progress: Callable[[Progress], None]) -> None:
        number, best = len(self.history) + 1, self.best if self.history else None
        with seeded(self.recipe.seed, 1, number) as rng:
            loss = self._trained(training, rng, lambda done: progress(Progress(number, done, best)))
        measured = Epoch(number, loss, *self._measured(held))
        if not math.isfinite(measured.loss + measured.held_loss):
            raise ModelError(f"training came apart in epoch {number}: the loss is {measured.loss}; try a smaller rate")
        self.history.append(measured)
        if self.best is measured:
            self.best_weights = copied(self.network.state_dict())
        if self.checkpoint is not None:
            self.checkpoint.save(self._standing())

    def _trained(
        self, examples: Sequence[Example], rng: np.random.Generator, progress: Callable[[float], None]
    ) -> float:
        self.network.train()
        order, size, total = rng.permutation(len(examples)), self.recipe.batch, 0.0
        for start in range(0, len(order), size):
            chosen = [self.task.varied(examples[i], rng) for i in order[start : start + size].tolist()]
            begun, done = start / len(order), min(start + size, len(order)) / len(order)
            total += self._step(chosen, rng, len(self.history) + (begun + done) / 2.0) * len(chosen)
            progress(done)
        return total / len(order)

    def _step(self, examples: Sequence[Example], rng: np.random.Generator, epoch: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate_at(epoch)
        self.optimiser.zero_grad()
        loss = self._loss(self._scores(examples, rng), examples)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimiser.step()
        return loss.item()

    def _scores(self, examples: Sequence[Example], rng: np.random.Generator | None) -> Tensor:
        """Shape (b, n)."""
        batch = self.task.batch([example.inputs for example in examples], self.sizes, rng)
        scores: Tensor = self.network(batch)
        return scores

    def _loss(self, scores: Tensor, examples: Sequence[Example]) -> Tensor:
        grades, present = _padded(examples)
        return LOSSES[self.recipe.loss](scores / self.temperature, grades, present)

    @torch.no_grad()
    def _best_temperature(self, lists: Sequence[Example]) -> float:
        """That at which the untrained network has the least loss."""
        self.network.eval()
        scores, losses = self._scores(lists, None), {}
        for self.temperature in _TEMPERATURES:
            losses[self.temperature] = self._loss(scores, lists).item()
        return min(losses, key=losses.__getitem__)

    @torch.no_grad()
    def _measured(self, held: Sequence[Example]) -> tuple[float, float]:
        """Loss and nDCG."""
        self.network.eval()
        losses, ndcgs, size = 0.0, 0.0, self.recipe.batch
        for chosen in (held[start : start + size] for start in range(0, len(held), size)):
            scores = self._scores(chosen, None)
            losses += self._loss(scores, chosen).item() * len(chosen)
            rows = zip(scores.numpy(), (each.grades for each in chosen), strict=True)
            ndcgs += sum(ndcg_at(row[: len(grades)], grades, DEPTH) for row, grades in rows)
        return losses / len(held), ndcgs / len(held)

    def _standing(self) -> Standing:
        optimiser = self.optimiser.state_dict()["state"]
        return Standing(self.network.state_dict(), self.best_weights, optimiser, [asdict(e) for e in self.history])

    def _restore(self, standing: Standing) -> None:
        self.network.load_state_dict(dict(standing.network))
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": dict(standing.optimiser), "param_groups": groups})
        self.history = [Epoch(**each) for each in standing.history]
        self.best_weights = dict(standing.best)


def _padded(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Grades, and which are no padding, both of shape (b, n)."""
    lengths = np.array([len(example.grades) for example in examples])
    present = np.arange(lengths.max()) < lengths[:, None]
    grades = np.zeros(present.shape, dtype=np.float32)
    grades[present] = np.concatenate([example.grades for example in examples])
    return torch.from_numpy(grades), torch.from_numpy(present)


def _useful(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if (example.grades > 0).any()]
