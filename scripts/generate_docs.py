"""Write what the documentation takes from the code: the table of rerankers, a page on each, and one on prompts.

Usage: generate_docs.py [--check]     with --check nothing is written, and what is not up to date is an error.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

from shortlist.prompts.spec import PromptSpec, prompts
from shortlist.reranker.description import Description, descriptions, markdown_table, source_text

ROOT = Path(__file__).parents[1]
_TABLE = re.compile(r"(<!-- rerankers -->\n).*?(<!-- /rerankers -->)", re.DOTALL)


def main() -> int:
    """Write, or check; the exit code."""
    pages = {
        ROOT / "README.md": _with_table(ROOT / "README.md"),
        ROOT / "docs/rerankers.md": _reference(),
        ROOT / "docs/prompts.md": "".join(_prompts()),
    }
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


_ABOUT_PROMPTS = """# Prompts

Written from the files in `shortlist/prompts/systems` by `make docs`.

A prompt is a file: the template, how its answer is read, and whose wording it is. `Llm(model, "rankzephyr")` asks with
the prompt and the strategy of a system; `Prompted(model, "rankzephyr")` is the scorer alone, for a strategy of your
choice. A checkpoint was trained on its template, so the templates are kept to the byte, and tests hold them to the
references named below. Where a reference could not be confirmed, it says so.

`shortlist prompts show NAME` fills a prompt in with real passages and shows what the model would see.

Every passage is cleaned on its way in: special tokens of chat templates go, and where answers name passages in
brackets, `[12]` in a passage becomes `(12)`. Passages too long for a prompt's context are shortened, the longest first.
[Your own prompt](llm.md#your-own-prompt) says how to write one; its fields are at the end of this page.

## Systems

"""


def _prompts() -> Iterator[str]:
    yield _ABOUT_PROMPTS
    yield "| name | what it is | gives | passages | strategy | checkpoints | licence |\n"
    yield "| --- | --- | --- | --- | --- | --- | --- |\n"
    yield from map(_row, prompts().values())
    yield "\n## References\n\n"
    yield from map(_origin, prompts().values())
    yield "\n## Fields\n\n| field | default | |\n| --- | --- | --- |\n"
    yield from _fields()


def _row(spec: PromptSpec) -> str:
    models = "<br>".join(f"`{name}`" for name in spec.checkpoints) or "any"
    cells = (
        f"`{spec.name}`",
        spec.summary,
        spec.contract,
        str(spec.window),
        f"`{spec.strategy}`",
        models,
        spec.licence,
    )
    return f"| {' | '.join(cells)} |\n"


def _origin(spec: PromptSpec) -> str:
    paper = f"*{spec.title}*, {spec.where}, {spec.year}. " if spec.title else ""
    return f"- `{spec.name}`: {paper}Template: {spec.reference}.\n"


def _fields() -> Iterator[str]:
    said = _said(PromptSpec)
    for each in fields(PromptSpec):
        default = "required" if each.default is MISSING else f"`{each.default!r}`"
        yield f"| `{each.name}` | {default} | {said[each.name]} |\n"


def _said(cls: type) -> dict[str, str]:
    """What the docstring says of each attribute."""
    listed = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


if __name__ == "__main__":
    sys.exit(main())
