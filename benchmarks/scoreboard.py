"""The few figures to look at first, each read out of a saved table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from results import Result
from table import Table

TITLE = "Scoreboard"
CROSS_ENCODER = "cross-encoder ms-marco-minilm, int8"
GROUPED, SLIDING = "**grouped (default)**", "sliding window, 1 pass"


@dataclass(frozen=True)
class Figure:
    """A line of the scoreboard.

    Attributes:
        what: it says.
        source: name of the benchmark.
        read: of its table; a LookupError where the table has it not.
    """

    what: str
    source: str
    read: Callable[[Table], str]


def cell(column: str, *first: str) -> Callable[[Table], str]:
    return lambda table: table.cell(column, *first)


def against(column: str, first: tuple[str, ...], other: tuple[str, ...]) -> Callable[[Table], str]:
    """Two cells of one column."""
    return lambda table: f"{table.cell(column, *first)} against {table.cell(column, *other)}"


def spread(column: str, method: str) -> Callable[[Table], str]:
    """The least and the most of the ratios in a column, whose cells may say more in brackets."""

    def read(table: Table) -> str:
        if column not in table.columns:
            raise LookupError(column)
        at = table.columns.index(column)
        found = [row[at].partition(" ")[0] for row in table.rows if row[0] == method and row[at]]
        ordered = sorted(found, key=lambda ratio: float(ratio.rstrip("x")))
        if not ordered:
            raise LookupError(method)
        return f"{ordered[0]} to {ordered[-1]}"

    return read


FIGURES = (
    Figure("Quality, dl19 nDCG@10: order of BM25, published as 0.5058", "quality", cell("dl19 nDCG@10", "input order")),
    Figure("Quality: BM25 and the vectors that come with the package, half and half", "quality",
           cell("dl19 nDCG@10", "blend(similarity, prior=0.5), static")),
    Figure("Quality: MiniLM cross-encoder, int8", "quality", cell("dl19 nDCG@10", CROSS_ENCODER)),
    Figure("Quality: it over three first stages together, with a setting chosen on other queries", "cascade",
           cell("dl19 nDCG@10", "any of these")),
    Figure("Depth: what 100 candidates of BM25 bring the cross-encoder over 20", "depth_sweep",
           cell("100 less 20", "bm25", "cross-encoder")),
    Figure("Depth: likewise over SPLADE", "depth_sweep", cell("100 less 20", "splade", "cross-encoder")),
    Figure("Speed, 100 passages, same weights, one thread, sentence-transformers as 1: ours, fp32", "cross_encoder",
           cell("speed", "100", "shortlist, fp32")),
    Figure("Speed: ours, int8", "cross_encoder", cell("speed", "100", "shortlist, int8")),
    Figure("Speed: rerankers", "cross_encoder", cell("speed", "100", "rerankers")),
    Figure("Speed: FlashRank", "cross_encoder", cell("speed", "100", "FlashRank")),
    Figure("Speed in LlamaIndex, its own reranker as 1: ours, fp32", "frameworks", cell("ours, fp32", "LlamaIndex")),
    Figure("Speed in LangChain, likewise", "frameworks", cell("ours, fp32", "LangChain")),
    Figure("Speed in Haystack, likewise", "frameworks", cell("ours, fp32", "Haystack")),
    Figure("Peak memory for 10,000 passages, MiB more than the loaded model", "memory",
           cell("MiB more at the peak", "shortlist, int8, threads 2", "10,000")),
    Figure("Many short lists at once instead of one by one: speed", "many", cell("speed", "3", "`rank_many`")),
    Figure("MMR: time of pyversity to ours", "diversity", spread("pyversity", "mmr")),
    Figure("MMR: time of LangChain to ours", "diversity", spread("langchain-core", "mmr")),
    Figure("Calls of a listwise language model over 100 passages: ours against rank_llm", "call_plans",
           against("calls", ("100", "grouped (default)"), ("100", "rank_llm"))),
    Figure("Rounds of such calls, each waiting for the one before", "call_plans",
           against("rounds", ("100", "grouped (default)"), ("100", "rank_llm"))),
    Figure("Simulated nDCG@10 with a model that errs by .5: ours against a sliding window", "strategies",
           against("noise .5", (GROUPED,), (SLIDING,))),
    Figure("Passages kept where 0.9 of the needed are found (MuSiQue): fitted cut against a fixed k", "dynamic_k",
           against("kept at 0.9 found", ("MuSiQue", "cross-encoder", "policy, likeliest first"),
                   ("MuSiQue", "cross-encoder", "fixed k"))),
    Figure("Silence where nothing answers (MuSiQue, cross-encoder): nAUC, 1 is an oracle", "abstention",
           cell("nAUC", "MuSiQue", "ms-marco-minilm", "logistic")),
    Figure("Import, CPU seconds: shortlist with all its names", "import_time",
           cell("import, CPU seconds", "shortlist, all its names")),
    Figure("Import: rerankers", "import_time", cell("import, CPU seconds", "rerankers")),
)  # fmt: skip


def scoreboard(results: Mapping[str, Result]) -> str:
    """As Markdown: what has been measured, with the section that it is from."""
    lines = [row for figure in FIGURES if (row := _row(figure, results))]
    head = ["| what | figure | from |", "| --- | --- | --- |"]
    note = "Every figure is a cell of a table below, which says how it came to be; none is written by hand."
    return "\n\n".join([f"## {TITLE}", "\n".join([*head, *lines]), f"- {note}"])


def _row(figure: Figure, results: Mapping[str, Result]) -> str | None:
    """None where it was not measured here: a benchmark that could not run has another table."""
    if figure.source not in results:
        return None
    table = results[figure.source].table
    try:
        found = figure.read(table)
    except LookupError:
        return None
    if not found or "not installed" in found:
        return None
    return f"| {figure.what} | {found} | [{table.title}](#{anchor(table.title)}) |"


def anchor(title: str) -> str:
    """As MkDocs makes it of a heading."""
    return "-".join("".join(c if c.isalnum() or c in "-_" else " " for c in title.lower()).split())
