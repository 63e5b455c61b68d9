"""Options that several commands share."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from shortlist.cli.output import note

if TYPE_CHECKING:
    from shortlist.reranker.base import Reranker

BETTER = "ms-marco-minilm"
# The static embedder alone ranks below BM25; half and half it ranks above (docs/benchmarks.md).
FALLBACK = "blend(similarity, prior=0.5)"

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Expression: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--reranker",
        "-r",
        metavar="EXPR",
        help="A name (`shortlist list`), an expression such as 'lexical[:50] >> mmr(diversity=0.3)', or the path of "
        "a .json file. By default cross-encoder if its weights are here, else blend(similarity, prior=0.5).",
    ),
]


def chosen(expression: str | None) -> Reranker:
    """The reranker that the expression says, or the best that can run here.

    Raises:
        InputError: the expression says none.
    """
    from shortlist.reranker.expression import load

    if expression is not None:
        return load(expression)
    missing = _missing()
    if missing:
        note(f"reranking with {FALLBACK}; for the better cross-encoder: {missing}")
    return load(FALLBACK if missing else "cross-encoder")


def _missing() -> str:
    """What to type to have the cross-encoder; empty when it is there."""
    from shortlist.models.catalogue import find

    steps = []
    if find_spec("onnxruntime") is None or find_spec("tokenizers") is None:
        steps.append("pip install 'shortlist[onnx]'")
    if find(BETTER) is None:
        steps.append(f"shortlist models get {BETTER}")
    return " && ".join(steps)
