"""Training as one function: from judged lists and an embedder to a folder that `TrainedNetwork` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shortlist.errors import require

require("torch", "torch")

import torch

from shortlist import __version__
from shortlist.algorithms.guard import ANY, Guard
from shortlist.errors import InputError
from shortlist.models.base import Embedder, VectorSpace
from shortlist.models.named import check_model
from shortlist.models.trained import CONFIG, Trained
from shortlist.runtime.settings import Runtime
from shortlist.training.card import card
from shortlist.training.checkpoint import Checkpoint
from shortlist.training.figures import as_json
from shortlist.training.judged import JudgedList
from shortlist.training.outcome import Data, Outcome, Stage
from shortlist.training.parts import split
from shortlist.training.recipe import Recipe
from shortlist.training.run import Run
from shortlist.training.saving import save_run, space_of, tensors_of
from shortlist.training.task import Task
from shortlist.training.tasks import TASKS
from shortlist.training.vectors import embedded

CHECKPOINT = "checkpoint.safetensors"


def train(
    task: Task | str,
    lists: Sequence[JudgedList],
    embedder: Embedder | Sequence[Embedder],
    folder: Path,
    recipe: Recipe | None = None,
    *,
    sizes: Mapping[str, Any] = MappingProxyType({}),
    held_out: float | Sequence[JudgedList] = 0.2,
    guard_loss: float = 0.02,
    least: Guard = ANY,
    data: Sequence[str] = (),
    licence: str = "",
    names: Sequence[str] = (),
    half: bool = True,
    resume: bool = False,
    runtime: Runtime | None = None,
    progress: Callable[[Stage], None] = lambda _: None,
) -> Outcome:
    """Train a network, fit its guard, measure it, and write the folder, which is the same for the same arguments.

    Queries are kept apart, and of lists that are cut into parts, relevant passages too: one part trains, one
    (development) chooses the epoch and fits the guard, and one, by which nothing was chosen, gives the figures.

    Args:
        task: a value such as `EbcarTask()`, or a name: ebcar, g-rag, hybrid.
        lists: what to learn from.
        embedder: makes the vectors, now and whenever the network is used. Several, of which each list is read with
            every one's, make a network that reads any embedder's; only HybRank's can, which sees no vector itself.
        folder: to write to; an unfinished run keeps its checkpoint there.
        recipe: how; None is the task's own.
        sizes: of the network, where they are not to be the task's own.
        held_out: the share of the lists that is not trained on, half of it for development; or the lists for the
            figures, such as those of other documents: then a tenth of `lists` is for development.
        guard_loss: how much nDCG@10 may be lost behind the guard, by an order by chance or behind a better stage.
        least: the least share of the score before, and the least agreement, that the guard may have.
        data: what the data is called, for the card.
        licence: of the data, for the card.
        names: more names of the embedder, by which the network is to be found.
        half: keep the weights in 16 bits. The figures are of the weights that are kept.
        resume: go on with an unfinished run in the folder, if there is one.
        runtime: how the embedder is asked.
        progress: is told how far the run has come.

    Raises:
        InputError: sizes, recipe or lists make no sense, or something is in the folder already.
        ModelError: the embedder failed, or training came apart.
    """
    task = _task(task)
    embedders = _embedders(task, embedder)
    recipe = recipe or task.recipe
    _check_folder(folder, resume=resume)
    parts, skipped = split(
        task.read(lists), held_out if isinstance(held_out, (int, float)) else task.read(held_out), recipe.seed
    )
    every = [each for part in parts for each in part]
    vectors = [
        embedded(every, each, runtime, lambda done, of: progress(Stage("embedding", done / of))) for each in embedders
    ]
    run = Run(task, recipe, _sized(task, vectors[0].width, sizes), parts, vectors, progress)
    checkpoint = Checkpoint(folder / CHECKPOINT, run.identity())
    training, development, deciding = map(run.examples, parts)
    fitted = run.fitted(training, development, checkpoint)
    tensors = tensors_of(fitted.network, half=half)
    guard = run.guard(tensors, development, guard_loss, least)
    told = Data(tuple(data), licence, len(training), len(development), len(deciding), skipped)
    outcome = Outcome(folder, told, fitted.history, fitted.best, guard, run.figures(tensors, deciding, guard))
    said = _said(run, outcome, None if len(embedders) > 1 else space_of(embedders[0], names, runtime))
    parameters = sum(each.size for each in tensors.values())
    save_run(folder, said, tensors, card(folder.resolve().name, said, task.source, outcome, parameters), half=half)
    checkpoint.path.unlink()
    return outcome


def _task(task: Task | str) -> Task:
    if isinstance(task, Task):
        return task
    if task not in TASKS:
        raise InputError(f"no network is trained for {task!r}, only for {', '.join(TASKS)}")
    return TASKS[task]()


def _embedders(task: Task, given: Embedder | Sequence[Embedder]) -> Sequence[Embedder]:
    found = given if isinstance(given, Sequence) else [given]
    for each in found:
        check_model(Embedder, each)
    if not found or (len(found) > 1 and not task.any_vectors):
        raise InputError(f"a network for {task.kind} is trained with one embedder, not {len(found)}")
    return found


def _sized(task: Task, width: int, given: Mapping[str, Any]) -> Any:
    """The task's sizes with those that are given in their places."""
    usual = task.sizes(width)
    try:
        return replace(usual, **given)
    except (TypeError, ValueError) as error:
        raise InputError(f"a network for {task.kind} cannot have these sizes: {error}") from error


def _check_folder(folder: Path, *, resume: bool) -> None:
    if (folder / CHECKPOINT).exists():
        if not resume:
            raise InputError(f"an unfinished run is in {folder}: resume it, or remove it")
    elif (folder / CONFIG).exists():
        raise InputError(f"a network is in {folder} already: remove it, or write elsewhere")


def _said(run: Run, outcome: Outcome, space: VectorSpace | None) -> Trained:
    """What is written beside the weights."""
    training = {
        "recipe": run.recipe.to_dict(),
        "epochs": len(outcome.history),
        "best_epoch": outcome.best.number,
        "data": asdict(outcome.data),
        "figures": as_json(outcome.figures),
        "made_with": {"shortlist": __version__, "torch": str(torch.__version__)},
    }
    return Trained(run.task.kind, run.sizes, outcome.guard, space, run.task.settings(), training)
