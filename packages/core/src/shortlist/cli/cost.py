"""`shortlist cost`: what a model or a pipeline will take, before it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.options import AsJson
from shortlist.cli.output import note, plain, print_json, print_table, table
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.algorithms.flops import Shape
    from shortlist.evaluation.foreseen import Foreseen


def cost(
    what: Annotated[
        str,
        typer.Argument(
            help="A model: its config.json, its folder, its name in `shortlist models list` or in the table of "
            "--prices. Or a pipeline: a .json file or an expression."
        ),
    ],
    prompt: Annotated[int, typer.Option(min=0, help="Of a model: tokens that a call reads.")] = 200,
    output: Annotated[int, typer.Option(min=0, help="Of a model: tokens that a call writes.")] = 1,
    calls: Annotated[int, typer.Option(min=0, help="Of a model: calls a query.")] = 1,
    prefix: Annotated[
        int, typer.Option(min=0, help="Of a model: tokens that all prompts begin with, computed once.")
    ] = 0,
    candidates: Annotated[int, typer.Option(min=1, help="Of a pipeline: passages a query.")] = 100,
    tokens: Annotated[int, typer.Option(min=1, help="Of a pipeline: tokens a passage.")] = 150,
    prices: Annotated[
        Path | None, typer.Option(help="A JSON file: prices and shapes of models behind servers, by their names.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate calls, tokens, floating-point operations and money of one query. No model is called."""
    from shortlist.evaluation.foreseen import foresee, foresee_calls
    from shortlist.evaluation.prices import Charge, priced, read_prices
    from shortlist.models.remote import Price

    charges = {} if prices is None else read_prices(prices)
    config = _config(what)
    if config is not None or what in charges:
        # What runs here costs nothing; a config.json alone does not say where it runs.
        charge = charges.get(what, Charge(None if what.endswith(".json") else Price()))
        shape = charge.shape if config is None else _shape(what, config)
        rows = [foresee_calls(what, shape, charge.price, calls=calls, prompt=prompt, output=output, prefix=prefix)]
    else:
        rows = foresee(priced(_pipeline(what), charges), candidates, tokens)
    _print(rows, as_json=as_json)


def _config(what: str) -> dict[str, Any] | None:
    """The config.json that a path or a name leads to; None where it is a pipeline, or a name of a server's."""
    from shortlist.models.catalogue import catalogue
    from shortlist.models.weights import locate, read_settings

    if what in catalogue() or (Path(what).is_dir() and Path(what, "config.json").exists()):
        return dict(read_settings(locate(what)).config)
    if not what.endswith(".json"):
        return None
    try:
        told = json.loads(Path(what).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {what}: {error}") from error
    return told if isinstance(told, dict) and "reranker" not in told else None


def _shape(what: str, config: dict[str, Any]) -> Shape | None:
    from shortlist.models.shapes import as_shape, shape_of

    if "model_type" not in config:
        return as_shape(config)
    found = shape_of(config)
    if found is None:
        note(f"{what}: the shape of a {config['model_type']!r} is not known, so its operations are not either")
    return found


def _pipeline(what: str) -> Any:
    from shortlist.reranker.expression import load

    try:
        return load(what)
    except InputError as error:
        raise InputError(f"{what!r} is no model that is known here, and no pipeline: {error}") from error


def _print(rows: list[Foreseen], *, as_json: bool) -> None:
    from shortlist.evaluation.foreseen import together

    total = together("all", rows)
    if as_json:
        print_json({"models": [row.to_dict() for row in rows], "all": total.to_dict()})
        return
    shown = table("model", "calls", "tokens in", "tokens out", "TFLOP (paper)", "TFLOP (exact)", "money")
    for row in [*rows, *([total] if len(rows) != 1 else [])]:
        counts = [f"{number:,}" for number in (row.calls, row.tokens_in, row.tokens_out)]
        operations = ["unknown" if n is None else f"{n / 1e12:,.4g}" for n in (row.paper, row.exact)]
        shown.add_row(*plain(row.model, *counts, *operations, "unknown" if row.money is None else f"{row.money:.4g}"))
    print_table(shown)
