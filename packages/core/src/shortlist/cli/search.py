"""`shortlist search`: a folder searched, its passages reranked, before and after in one table."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.options import AsJson, Expression, chosen
from shortlist.cli.output import note, plain, print_json, print_table, table, working

if TYPE_CHECKING:
    from shortlist.passage import Passage
    from shortlist.ranking import Ranked, Ranking

_EXCERPT = 320
_SKIPPED_SHOWN = 5


def search(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    folder: Annotated[Path, typer.Argument(help="A folder of Markdown, text, HTML and PDF files, or one such file.")],
    reranker: Expression = None,
    candidates: Annotated[int, typer.Option(min=1, help="How many passages BM25 hands to the reranker.")] = 50,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="How many to show.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Search a folder of documents: BM25 finds candidates, a reranker puts them in order."""
    ranker = chosen(reranker)
    with working("reading and searching"):
        count, found = _candidates(question, folder, candidates)
    with working(f"reranking {len(found)} passages with {ranker.name}"):
        ranking = ranker.rank(question, found, top_k=top_k)
    if as_json:
        head = {"question": question, "folder": str(folder), "reranker": ranker.name, "passages": count}
        print_json({**head, "candidates": len(found), "ranking": ranking.to_dict()})
    else:
        _show(ranking, f"{question}\n{count} passages, {len(found)} candidates, reranked by {ranker.name}", top_k)


def _candidates(question: str, folder: Path, k: int) -> tuple[int, list[Passage]]:
    from shortlist.documents import first_stage, read_folder
    from shortlist.errors import InputError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every flaw of a PDF that it can read
    skipped: list[str] = []
    passages = read_folder(folder, skipped=lambda name, why: skipped.append(f"skipped {name}: {why}"))
    for line in skipped[:_SKIPPED_SHOWN]:
        note(line)
    if len(skipped) > _SKIPPED_SHOWN:
        note(f"and {len(skipped) - _SKIPPED_SHOWN} more files")
    if not passages:
        raise InputError(f"nothing to read in {folder}: no Markdown, text, HTML or PDF file with a text in it")
    return len(passages), first_stage(question, passages, k)


def _show(ranking: Ranking, title: str, top_k: int) -> None:
    if not ranking.kept:
        note("no passage has a word of the question" if not ranking.dropped else "the reranker kept no passage")
    shown = table("rank", "was", "move", "score", "passage", title=title)
    for rank, item in enumerate(ranking.kept, 1):
        shown.add_row(*plain(str(rank), str(item.index + 1), _move(item.index + 1 - rank), *_told(item)))
    gone = sorted((item for item in ranking.dropped if item.index < top_k), key=lambda item: item.index)
    shown.add_section()
    for item in gone:
        shown.add_row(*plain("–", str(item.index + 1), "out", *_told(item, ranking.why_dropped(item))), style="dim")
    print_table(shown)
    for line in [*ranking.repairs, *([f"degraded: {ranking.degraded}"] if ranking.degraded else [])]:
        note(line)


def _move(places: int) -> str:
    return "=" if places == 0 else f"{'↑' if places > 0 else '↓'}{abs(places)}"


def _told(item: Ranked, dropped: str | None = None) -> tuple[str, str]:
    """The score, and where the passage stands, why it is there, and how it begins."""
    from shortlist.display import excerpt, name_of, reasons_text

    score = "" if item.score is None else f"{item.score:.3f}"
    where = " · ".join(str(part) for part in (name_of(item), *_place(item.passage.metadata)))
    if dropped is not None:
        return score, f"{where} ({dropped})"
    why = reasons_text(item)
    return score, "\n".join(part for part in (where, why and f"because {why}", excerpt(item, _EXCERPT), "") if part)


def _place(metadata: Any) -> list[str]:
    page = metadata.get("page")
    heading = str(metadata.get("heading") or metadata.get("title") or "")
    return [part for part in (heading, f"page {page}" if page else "") if part]
