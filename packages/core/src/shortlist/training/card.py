"""The model card that a run writes of itself. It says nothing that two equal runs would say differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from shortlist.models.trained import Trained
from shortlist.reranker.base import Source
from shortlist.training.figures import MEASURES
from shortlist.training.outcome import Data, Outcome


def card(name: str, trained: Trained, source: Source, outcome: Outcome, parameters: int) -> str:
    """The card as Markdown."""
    parts = [
        f"# {name}",
        _what(trained, source, parameters),
        "## Data",
        _data(outcome.data),
        "## Training",
        _training(trained),
        "## Figures",
        _figures(outcome),
        "## Guard",
        _guard(outcome),
    ]
    return "\n\n".join(parts) + "\n"


def _what(trained: Trained, source: Source, parameters: int) -> str:
    space = trained.vectors
    whose = "any embedder" if space is None else f"`{space.names[0]}`, fingerprint `{space.fingerprint or 'none'}`"
    return (
        f"A network for the reranker `{trained.network}` of Shortlist, after {source.title} ({source.where},"
        f" {source.year}); the weights are no release of its authors. It scores the passages of a query in each other's"
        f" company and has {parameters:,} parameters. It reads vectors of {whose}."
    )


def _data(data: Data) -> str:
    names = ", ".join(data.names) or "not named"
    return (
        f"{names}. Licence: {data.licence or 'not stated'}.\n\n"
        f"{data.training:,} lists to train on, {data.development:,} to choose the epoch and fit the guard,"
        f" {data.held_out:,} for the figures; no query is in two of these parts."
        f" {data.skipped:,} lists were left out, since nothing in them is relevant."
    )


def _training(trained: Trained) -> str:
    said = trained.training
    epochs = f"{said['epochs']} epochs were run; the weights are those of epoch {said['best_epoch']}."
    rows = {**{f"sizes: {k}": v for k, v in asdict(trained.sizes).items()}, **said["recipe"], **trained.settings}
    made = ", ".join(f"{name} {version}" for name, version in said["made_with"].items())
    return f"{epochs} Made with {made}.\n\n{_table(('setting', 'value'), ((k, str(v)) for k, v in rows.items()))}"


def _figures(outcome: Outcome) -> str:
    note = (
        f"Means over the {outcome.data.held_out:,} held-out lists; in brackets, how far above the order before, with"
        " the 95 % interval of a paired bootstrap."
    )
    rows = ((order, *(_cell(row, name) for name in MEASURES)) for order, row in outcome.figures.items())
    return f"{note}\n\n{_table(('order', *MEASURES), rows)}"


def _cell(row: Mapping[str, Any], name: str) -> str:
    each = row[name]
    gain = f" ({each.gain:+.4f}, {each.low:+.4f} to {each.high:+.4f})"
    return f"{each.mean:.4f}{gain if each.gain or each.low or each.high else ''}"


def _guard(outcome: Outcome) -> str:
    guard = outcome.guard
    if guard.prior >= 1.0:
        return "Nothing of the network's order could be let through within the loss that was allowed: the order stands."
    return (
        f"The order keeps {guard.prior:.0%} of the score before, and stands as it was where the rank correlation of the"
        f" two is below {guard.agreement:+.2f}. On the {outcome.data.development:,} development lists, at most"
        f" {guard.loss:.4f} of nDCG@10 would be lost on the mean: by an order by chance in the place of the network's,"
        " or by the network behind a better stage."
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(_lines([*head], rows))


def _lines(head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
