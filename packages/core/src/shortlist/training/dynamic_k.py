"""A depth policy from judged lists and a pipeline that scores them: the task, the run, and its figures."""

# ruff: noqa: E402 - what needs torch is imported after a word about it
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from shortlist.errors import require

require("torch", "torch")

import numpy as np
import torch
from torch import nn

from shortlist import __version__
from shortlist.algorithms.dynamic_k import DepthSizes, chances_of, depth_by_cost, depth_features, depth_inputs
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.networks import Array, Tensors
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.trained import CONFIG, Trained
from shortlist.nets.dynamic_k import DepthNetwork, collate
from shortlist.passage import texts
from shortlist.reranker.base import Reranker, Source
from shortlist.rerankers.dynamic_k import DynamicK
from shortlist.runtime.settings import Runtime
from shortlist.training.depth_card import depth_card
from shortlist.training.depth_curve import Depths, found_share, saved_by
from shortlist.training.judged import JudgedList
from shortlist.training.loop import Fitted, Progress, fit
from shortlist.training.outcome import Data, Stage
from shortlist.training.parts import split
from shortlist.training.recipe import Recipe
from shortlist.training.saving import save_run, space_of, tensors_of
from shortlist.training.scored import ScoredList, scored
from shortlist.training.task import Example, Task
from shortlist.training.vectors import Vectors, embedded

_SIZES = DepthSizes()
COSTS = tuple(float(cost) for cost in np.geomspace(0.002, 0.3, 60))
"""At which the figures are measured."""


class DepthOutcome(NamedTuple):
    """What a run came to.

    Attributes:
        folder: where the network is.
        data: how many lists were used for what.
        epochs: that were run.
        best_epoch: whose weights were kept.
        figures: of the held-out lists, by the share of what is needed that is found.
    """

    folder: Path
    data: Data
    epochs: int
    best_epoch: int
    figures: Mapping[str, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self._asdict(), "folder": str(self.folder), "data": asdict(self.data)}


@dataclass(frozen=True)
class DepthTask(Task):
    """The depth policy. Lists stand best first and carry the scores of the pipeline.

    Attributes:
        shape: the sizes of the network, which say what is read of a list.
    """

    kind: ClassVar[str] = DynamicK.name
    source: ClassVar[Source] = DynamicK.source

    shape: DepthSizes = _SIZES

    @property
    def recipe(self) -> Recipe:
        """Direct supervision; `loss=reward` is the policy gradient."""
        return Recipe(loss="needed", epochs=60, batch=32, rate=3e-3, weight_decay=1e-3, patience=10)

    def sizes(self, width: int) -> DepthSizes:
        """As given; `width` is not read, since similarities alone are."""
        return self.shape

    def network(self, sizes: DepthSizes, examples: Sequence[Example] = ()) -> nn.Module:
        """Untrained, with the centre and scale of the features of the examples."""
        return DepthNetwork(sizes, np.concatenate([each.inputs for each in examples]) if examples else None)

    def inputs(self, judged: JudgedList, vectors: Vectors) -> Array:
        """The features, made once: shape (n, f)."""
        return _features(judged, vectors, self.shape)

    def batch(self, inputs: Sequence[Array], sizes: DepthSizes, rng: np.random.Generator | None) -> Any:
        """Padded."""
        return collate(inputs)


def train_dynamic_k(
    lists: Sequence[JudgedList],
    pipeline: Reranker,
    embedder: Embedder | None,
    folder: Path,
    recipe: Recipe | None = None,
    *,
    sizes: Mapping[str, Any] = MappingProxyType({}),
    held_out: float | Sequence[JudgedList] = 0.2,
    data: Sequence[str] = (),
    licence: str = "",
    command: str = "",
    names: Sequence[str] = (),
    runtime: Runtime | None = None,
    progress: Callable[[Stage], None] = lambda _: None,
) -> DepthOutcome:
    """Train a policy, measure it, and write the folder, which is the same for the same arguments.

    Args:
        lists: whose relevant passages are those that an answer needs.
        pipeline: gives the scores and the order, now and whenever the policy is used.
        embedder: whose vectors the policy reads; None for one that reads none.
        folder: to write to.
        recipe: how; None is the task's own.
        sizes: of the network, where they are not to be the usual ones.
        held_out: the share of the lists that is not trained on, half of it to choose the epoch; or the lists for the
            figures, and then a tenth of `lists` chooses the epoch.
        data: what the data is called, for the card.
        licence: of the data, for the card.
        command: that does the same again, for the card.
        names: more names of the embedder, by which it is to be known.
        runtime: how the models are asked.
        progress: is told how far the run has come.

    Raises:
        InputError: sizes, recipe or lists make no sense, or something is in the folder already.
        ModelError: a model failed, or training came apart.
    """
    if (folder / CONFIG).exists():
        raise InputError(f"a network is in {folder} already: remove it, or write elsewhere")
    task = DepthTask(_sized(sizes, vectors=embedder is not None))
    recipe = recipe or task.recipe
    parts, skipped = split(lists, held_out, recipe.seed)
    progress(Stage("scoring", 0.0))
    ranked = [_as_judged(scored(part, pipeline, runtime)) for part in parts]
    vectors = _vectors([each for part in ranked for each in part], embedder, runtime, progress)
    training, choosing, deciding = ([_example(each, task, vectors) for each in part] for part in ranked)
    fitted = _fitted(task, training, choosing, recipe, progress)
    tensors = tensors_of(fitted.network, half=True)
    figures = saved_by(policy_depths(tensors, deciding), fixed_depths(deciding), recipe.seed)
    told = Data(tuple(data), licence, len(training), len(choosing), len(deciding), skipped)
    outcome = DepthOutcome(folder, told, len(fitted.history), fitted.best.number, figures)
    space = None if embedder is None else space_of(embedder, names, runtime)
    said = Trained(task.kind, task.shape, Guard(), space, {}, _training(outcome, recipe, pipeline, command))
    card = depth_card(folder.resolve().name, said, sum(each.size for each in tensors.values()))
    save_run(folder, said, tensors, card, half=True)
    return outcome


def policy_depths(tensors: Tensors, examples: Sequence[Example]) -> list[Depths]:
    """For each cost, how deep the policy goes in each list and what it finds there."""
    chances = [chances_of(tensors, each.inputs) for each in examples]
    grades = [each.grades for each in examples]
    return [found_share([depth_by_cost(each, cost) for each in chances], grades) for cost in COSTS]


def fixed_depths(examples: Sequence[Example]) -> list[Depths]:
    """The same of every fixed depth."""
    grades = [each.grades for each in examples]
    return [found_share([k] * len(grades), grades) for k in range(1, max(map(len, grades)) + 1)]


def depth_examples(
    lists: Sequence[ScoredList], task: DepthTask, embedder: Embedder | None, runtime: Runtime | None = None
) -> list[Example]:
    """Scored lists as the policy reads them; those that nothing was kept of are left out."""
    judged = _as_judged(lists)
    vectors = _vectors(judged, embedder, runtime, lambda _: None)
    return [_example(each, task, vectors) for each in judged]


def _sized(given: Mapping[str, Any], *, vectors: bool) -> DepthSizes:
    try:
        made = replace(DepthSizes(vectors=vectors), **given)
    except (TypeError, ValueError) as error:
        raise InputError(f"a network for {DynamicK.name} cannot have these sizes: {error}") from error
    if made.vectors and not vectors:
        raise InputError("a network that reads vectors needs an embedder")
    return made


def _as_judged(lists: Sequence[ScoredList]) -> list[JudgedList]:
    return [JudgedList(each.query, each.passages, tuple(each.grades.tolist())) for each in lists if each.passages]


def _vectors(
    lists: Sequence[JudgedList], embedder: Embedder | None, runtime: Runtime | None, progress: Callable[[Stage], None]
) -> Vectors:
    if embedder is None:
        return Vectors({}, {}, np.zeros((0, 0), dtype=np.float32))
    return embedded(lists, embedder, runtime, lambda done, of: progress(Stage("embedding", done / of)))


def _features(judged: JudgedList, vectors: Vectors, sizes: DepthSizes) -> Array:
    own, found = np.zeros(0, np.float32), np.zeros((len(judged.passages), 0), np.float32)
    if sizes.vectors:
        own, found = vectors.query(judged.query), vectors.of(judged.passages)
    return depth_features(depth_inputs(_scores(judged), judged.query, texts(judged.passages), own, found), sizes)


def _example(judged: JudgedList, task: DepthTask, vectors: Vectors) -> Example:
    return Example(task.inputs(judged, vectors), np.array(judged.grades), _scores(judged))


def _scores(judged: JudgedList) -> Floats:
    return np.array([passage.score for passage in judged.passages], dtype=np.float64)


def _fitted(
    task: DepthTask,
    training: Sequence[Example],
    choosing: Sequence[Example],
    recipe: Recipe,
    progress: Callable[[Stage], None],
) -> Fitted:
    def told(at: Progress) -> None:
        progress(Stage(f"epoch {at.epoch} of at most {recipe.epochs}", at.done))

    return fit(task, task.shape, training, choosing, recipe, progress=told)


def _training(outcome: DepthOutcome, recipe: Recipe, pipeline: Reranker, command: str) -> dict[str, Any]:
    return {
        "recipe": recipe.to_dict(),
        "pipeline": pipeline.to_dict(),
        "command": command,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "data": asdict(outcome.data),
        "figures": outcome.figures,
        "made_with": {"shortlist": __version__, "torch": str(torch.__version__)},
    }
