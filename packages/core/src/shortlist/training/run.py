"""One run between its data and its folder: what it trains, and what it measures with what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from shortlist.algorithms.guard import Guard, fit_guard, guarded
from shortlist.algorithms.networks import Tensors
from shortlist.arrays import Floats
from shortlist.models.trained import ARCHITECTURES
from shortlist.training.checkpoint import Checkpoint
from shortlist.training.figures import Figures, figures
from shortlist.training.judged import JudgedList
from shortlist.training.loop import Fitted, Progress, fit
from shortlist.training.outcome import Stage
from shortlist.training.parts import Parts
from shortlist.training.recipe import Recipe
from shortlist.training.task import Example, Task
from shortlist.training.vectors import Vectors, prior_of


@dataclass(frozen=True, eq=False)
class Run:
    """What stays the same throughout a run; `vectors` has those of each embedder."""

    task: Task
    recipe: Recipe
    sizes: Any
    parts: Parts
    vectors: Sequence[Vectors]
    progress: Callable[[Stage], None]

    def identity(self) -> str:
        """What stands for all that the weights depend on."""
        said = {"task": self.task.kind, "settings": self.task.settings(), "sizes": asdict(self.sizes)}
        total = hashlib.sha256(json.dumps({**said, "recipe": self.recipe.to_dict()}).encode())
        for vectors in self.vectors:
            total.update(vectors.rows.tobytes())
        for part in self.parts:
            total.update(b"\0")
            for each in part:
                total.update(json.dumps(each.to_dict(), default=str).encode())
        return total.hexdigest()

    def examples(self, part: Sequence[JudgedList]) -> list[Example]:
        """The lists as the network reads them: all of them with one embedder's vectors, then with the next one's."""
        found, count = [], len(part) * len(self.vectors)
        for done, (vectors, each) in enumerate(product(self.vectors, part), 1):
            inputs = self.task.inputs(each, vectors)
            found.append(Example(inputs, np.array(each.grades), prior_of(each, vectors)))
            self.progress(Stage("preparing", done / count))
        return found

    def fitted(self, training: Sequence[Example], development: Sequence[Example], checkpoint: Checkpoint) -> Fitted:
        """How training went, and the network."""

        def told(at: Progress) -> None:
            self.progress(_stage(at, self.recipe.epochs))

        return fit(self.task, self.sizes, training, development, self.recipe, checkpoint=checkpoint, progress=told)

    def guard(self, tensors: Tensors, development: Sequence[Example], loss: float, least: Guard) -> Guard:
        """The guard, no weaker than `least`, under which no more than `loss` is lost."""
        priors, grades = [each.prior for each in development], [each.grades.astype(np.float64) for each in development]
        return fit_guard(self._scores(tensors, development), priors, grades, loss, self.recipe.seed, least)

    def figures(self, tensors: Tensors, held_out: Sequence[Example], guard: Guard) -> Figures:
        """By the forward pass that rerankers have."""
        scores, priors = self._scores(tensors, held_out), [each.prior for each in held_out]
        mixed = [guarded(new, old, guard)[0] for new, old in zip(scores, priors, strict=True)]
        orders = {"before": priors, "network": scores, "network, guarded": mixed}
        return figures(orders, [each.grades for each in held_out], self.recipe.seed, len(self.vectors))

    def _scores(self, tensors: Tensors, examples: Sequence[Example]) -> list[Floats]:
        architecture = ARCHITECTURES[self.task.kind]
        network = architecture.prepare(tensors, self.sizes)
        return [architecture.forward(network, each.inputs) for each in examples]


def _stage(at: Progress, epochs: int) -> Stage:
    best = at.best
    note = "" if best is None else f"best so far: epoch {best.number}, held-out nDCG@10 {best.held_ndcg:.4f}"
    return Stage(f"epoch {at.epoch} of at most {epochs}", at.done, note)
