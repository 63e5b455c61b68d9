"""The model card of a depth policy. It says nothing that two equal runs would say differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shortlist.models.trained import Trained
from shortlist.rerankers.dynamic_k import DynamicK


def depth_card(name: str, trained: Trained, parameters: int) -> str:
    """The card as Markdown."""
    said = trained.training
    parts = [f"# {name}", _what(trained, parameters), "## Data", _data(said["data"]), "## Training", _training(trained)]
    return "\n\n".join([*parts, "## Figures", _figures(said)]) + "\n"


def _what(trained: Trained, parameters: int) -> str:
    space, source = trained.vectors, DynamicK.source
    reads = "no vectors" if space is None else f"vectors of `{space.names[0]}`"
    return (
        f"A network for the reranker `{trained.network}` of Shortlist: it tells how many passages a query needs. That a"
        f" depth is learned from what answers need is after {source.title} ({source.where}, {source.year}); the network"
        f" and its weights are not its authors'. It has {parameters:,} parameters and reads {reads}, and the scores of"
        f" this pipeline and no others:\n\n    {trained.training['pipeline']}"
    )


def _data(data: dict[str, Any]) -> str:
    names = ", ".join(data["names"]) or "not named"
    return (
        f"{names}. Licence: {data['licence'] or 'not stated'}.\n\n"
        f"{data['training']:,} lists to train on, {data['development']:,} to choose the epoch,"
        f" {data['held_out']:,} for the figures; no query is in two of these parts."
        f" {data['skipped']:,} lists were left out, since nothing in them is relevant."
    )


def _training(trained: Trained) -> str:
    said = trained.training
    epochs = f"{said['epochs']} epochs were run; the weights are those of epoch {said['best_epoch']}."
    made = ", ".join(f"{name} {version}" for name, version in said["made_with"].items())
    again = f"\n\nThe same again:\n\n    {said['command']}" if said["command"] else ""
    sizes = {f"sizes: {key}": value for key, value in asdict(trained.sizes).items()}
    rows = [f"| {key} | {value} |" for key, value in {**sizes, **said["recipe"]}.items()]
    return "\n".join([f"{epochs} Made with {made}.{again}\n", "| setting | value |", "|---|---|", *rows])


def _figures(said: Mapping[str, Any]) -> str:
    note = (
        f"Means over the {said['data']['held_out']:,} held-out lists, over all costs of the policy: how many passages"
        " are kept when so large a share of what is needed is found, in the same order. In brackets, the 95 % interval"
        " of a paired bootstrap."
    )
    head = ["| share found | kept | by a fixed depth | saved |", "|---|---|---|---|"]
    return "\n".join([note, "", *head, *(_row(level, row) for level, row in said["figures"].items())])


def _row(level: str, row: dict[str, float]) -> str:
    if "saved" not in row:
        return f"| {level} | not reached | | |"
    saved = f"{row['saved']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
    return f"| {level} | {row['kept']:.2f} | {row['kept by a fixed depth']:.2f} | {saved} |"
