"""How a ranking shows itself: in words, and as an HTML table in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shortlist.ranking import Ranked, Ranking

_SHOWN = 160
_CELL = "text-align:left;vertical-align:top;padding:2px 8px"


def explanation(ranking: Ranking) -> str:
    """One line a passage, best first, then the dropped ones, then what was mended or degraded."""
    lines = [f"{rank}. {_line(item)}" for rank, item in enumerate(ranking.kept, 1)]
    lines += [f"-. {_line(item)} (dropped: {ranking.why_dropped(item)})" for item in ranking.dropped]
    lines += [f"mended: {repair}" for repair in ranking.repairs]
    lines += [f"degraded: {ranking.degraded}"] if ranking.degraded else []
    return "\n".join(lines)


def _line(item: Ranked) -> str:
    score = "unscored" if item.score is None else f"{item.score:.4g}"
    reasons = reasons_text(item)
    why = f" because {reasons}" if reasons else ""
    return f"[{name_of(item)}] {score}, came in at {item.index + 1}{why}: {excerpt(item)}"


def name_of(item: Ranked) -> str:
    """The passage's id, or its place in the input."""
    return item.passage.id if item.passage.id is not None else f"#{item.index + 1}"


def reasons_text(item: Ranked) -> str:
    """The reasons as `name value` pairs, numbers to four digits."""
    return ", ".join(f"{name} {_value(value)}" for name, value in item.reasons.items() if name != "dropped")


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def excerpt(item: Ranked, width: int = _SHOWN) -> str:
    """The start of the text on one line."""
    text = " ".join(item.passage.text[: 4 * width].split())
    return text if len(text) <= width else text[: width - 1] + "…"


def html_table(ranking: Ranking) -> str:
    """A table with rank, movement, score, reasons and text; every text is escaped."""
    head = "".join(f'<th style="{_CELL}">{name}</th>' for name in ("rank", "was", "score", "reasons", "text"))
    rows = [_row(str(rank), item) for rank, item in enumerate(ranking.kept, 1)]
    rows += [_row(f"dropped: {ranking.why_dropped(item)}", item) for item in ranking.dropped]
    notes = [*ranking.repairs, *([f"degraded: {ranking.degraded}"] if ranking.degraded else [])]
    footer = "".join(f"<p>{escape(note)}</p>" for note in notes)
    caption = f"<caption>{escape(ranking.query)} ({ranking.score_kind})</caption>"
    return f"<table>{caption}<tr>{head}</tr>{''.join(rows)}</table>{footer}"


def _row(rank: str, item: Ranked) -> str:
    score = "" if item.score is None else f"{item.score:.4g}"
    cells = (rank, str(item.index + 1), score, reasons_text(item), excerpt(item))
    return "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"
