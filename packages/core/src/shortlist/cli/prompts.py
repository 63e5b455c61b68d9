"""`shortlist prompts`: what language models are asked, and whose wording it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.options import AsJson
from shortlist.cli.output import note, plain, print_json, print_table, table
from shortlist.passage import Passage

if TYPE_CHECKING:
    from shortlist.prompts.spec import PromptSpec

commands = typer.Typer(no_args_is_help=True, help="List prompts, and show them filled in.")

QUERY = "Why do the tides change during the day?"
PASSAGES = (
    Passage("The pull of the Moon raises the water on both sides of the Earth, which turns below it.", score=14.25),
    Passage("Spring tides are highest when the Sun and the Moon pull along one line.", score=11.5),
    Passage("A sourdough loaf rises for about twelve hours at room temperature.", score=0.75),
)


@commands.command("list")
def list_prompts(as_json: AsJson = False) -> None:
    """List the systems whose prompts are shipped."""
    from shortlist.prompts.spec import prompts

    found = prompts().values()
    if as_json:
        print_json([_told(spec) for spec in found])
        return
    shown = table("name", "gives", "window", "strategy", "what it is")
    for spec in found:
        shown.add_row(*plain(spec.name, spec.contract, str(spec.window), spec.strategy, spec.summary))
    print_table(shown)


@commands.command("show")
def show_prompt(
    name: Annotated[str, typer.Argument(help="A name, as `shortlist prompts list` has it, or a .toml file.")],
    query: Annotated[str, typer.Option("--query", "-q", help="What is asked.")] = QUERY,
    passage: Annotated[list[str] | None, typer.Option("--passage", "-p", help="A passage; can be repeated.")] = None,
    instruction: Annotated[str | None, typer.Option("--instruction", "-i", help="What counts as relevant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a prompt as a model sees it, and what is known of it."""
    from shortlist.prompts.render import render
    from shortlist.prompts.spec import prompt

    spec = prompt(name)
    given = [Passage(text) for text in passage] if passage else PASSAGES
    passages = given[: spec.window]
    if passage and len(given) > spec.window:
        note(f"the first {spec.window} of {len(given)} passages: more do not go into one prompt of this kind")
    turns = render(spec, query, passages, instruction)
    if as_json:
        rendered = [{"role": role, "content": content} for role, content in turns]
        print_json({**_told(spec), "rendered": rendered, **_asked(spec, query, len(passages))})
        return
    for line in (*_known(spec), *_shown(turns), *_wanted(_asked(spec, query, len(passages)))):
        typer.echo(line)


def _told(spec: PromptSpec) -> dict[str, Any]:
    return {**asdict(spec), "settings": dict(spec.settings)}


def _known(spec: PromptSpec) -> Iterator[str]:
    yield f"{spec.name}: {spec.summary}"
    yield ""
    settings = ", ".join(f"{key} {value}" for key, value in spec.settings)
    said = {
        "paper": ", ".join(filter(None, (spec.title, spec.where, str(spec.year or "")))),
        "checkpoints": ", ".join(spec.checkpoints),
        "licence": spec.licence,
        "reference": spec.reference,
        "strategy": f"{spec.strategy} ({settings})" if settings else spec.strategy,
        "limits": _limits(spec),
        "read as": f"{spec.contract} ({spec.reduce})" if spec.labels else f"{spec.contract} {spec.grammar}",
    }
    yield from (f"{key}: {value}" for key, value in said.items() if value)


def _limits(spec: PromptSpec) -> str:
    words = f", {spec.words} words each" if spec.words else ""
    context = f", {spec.context} tokens in all" if spec.context else ""
    written = f", {spec.max_tokens} to write at temperature {spec.temperature:g}" if spec.max_tokens else ""
    return f"{spec.window} passage{'s' if spec.window > 1 else ''} in a prompt{words}{context}{written}"


def _shown(turns: Sequence[tuple[str, str]]) -> Iterator[str]:
    for role, content in turns:
        yield f"\n--- {role}"
        yield content
    yield "\n---"


def _asked(spec: PromptSpec, query: str, n: int) -> dict[str, Any]:
    """What is wanted besides the text: the form that the answer is held to, labels, a target."""
    from shortlist.prompts.guided import pattern_for, schema_for
    from shortlist.prompts.render import target

    choices = spec.choices(n)
    return {
        "schema": schema_for(spec.held, choices),
        "pattern": pattern_for(spec.held, choices),
        "choices": [*spec.weighed(n)],
        "target": target(spec, query) if spec.contract == "likelihood" else None,
    }


def _wanted(asked: dict[str, Any]) -> Iterator[str]:
    words = {"schema": "held to the JSON schema", "pattern": "held to the pattern", "target": "target"}
    yield from (f"{words[key]}: {asked[key]}" for key in words if asked[key] is not None)
    if asked["choices"]:
        yield f"log-probabilities of: {', '.join(map(repr, asked['choices']))}"
