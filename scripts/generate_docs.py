"""Write what the documentation takes from the code: the table of rerankers, and a page on each.

Usage: generate_docs.py [--check]     with --check nothing is written, and what is not up to date is an error.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from shortlist.reranker.description import Description, descriptions, markdown_table, source_text

ROOT = Path(__file__).parents[1]
_TABLE = re.compile(r"(<!-- rerankers -->\n).*?(<!-- /rerankers -->)", re.DOTALL)


def main() -> int:
    """Write, or check; the exit code."""
    pages = {ROOT / "README.md": _with_table(ROOT / "README.md"), ROOT / "docs/rerankers.md": _reference()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the code says: run `make docs`")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
    return 0


def _with_table(path: Path) -> str:
    table = markdown_table(descriptions())
    return _TABLE.sub(lambda match: f"{match[1]}\n{table}\n{match[2]}", path.read_text(encoding="utf-8"))


def _reference() -> str:
    intro = "# Rerankers\n\nWritten from the code by `make docs`.\n"
    return intro + "".join(f"\n{''.join(_section(each))}" for each in descriptions())


def _section(each: Description) -> Iterator[str]:
    yield f"## `{each.name}`\n\n`{each.class_name}`. {each.summary}\n"
    if each.details:
        yield f"\n{each.details}\n"
    if each.source:
        yield f"\nSource: {source_text(each.source)}.\n"
    if each.needs:
        yield f"\nNeeds: {', '.join(each.needs)}.\n"
    if each.settings:
        yield "\n| setting | type | default | |\n| --- | --- | --- | --- |\n"
    for setting in each.settings:
        default = "required" if setting.default is None else f"`{setting.default}`"
        kind = setting.type.replace("|", "\\|")
        yield f"| `{setting.name}` | {kind} | {default} | {setting.summary} |\n"


if __name__ == "__main__":
    sys.exit(main())
