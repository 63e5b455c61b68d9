"""`shortlist trajectories`: from questions to what a policy that selects passages is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from shortlist.cli.driving import runtime_of
from shortlist.cli.exits import ExitCode
from shortlist.cli.named_models import NAMES, chat_of
from shortlist.cli.options import AsJson, chosen
from shortlist.cli.output import note, print_json, room_for, working
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.models.base import Embedder
    from shortlist.reranker.base import Reranker
    from shortlist.runtime.settings import Runtime
    from shortlist.training.export import Format
    from shortlist.training.judged import JudgedList
    from shortlist.training.trajectories import Explorer, Question

FILE = "trajectories.jsonl"


def trajectories(
    questions: Annotated[
        Path, typer.Argument(help='JSON lines: {"query": TEXT, "passages": [...], "answers": [TEXT, ...]}.')
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help=f"The policy: {NAMES}",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write. A run that was stopped goes on.")],
    generator: Annotated[str | None, typer.Option(metavar="MODEL", help="Who answers; the policy if not said.")] = None,
    judge: Annotated[str | None, typer.Option(metavar="MODEL", help="Who judges answers; nobody if not said.")] = None,
    embedder: Annotated[str, typer.Option(help="Compares answers: static, a name, or none.")] = "static",
    prompt: Annotated[str, typer.Option(help="What the policy is asked with: a name, or the path of one.")] = (
        "shortlist-selection"
    ),
    samples: Annotated[int, typer.Option(min=1, help="Lists to draw for a question.")] = 8,
    temperature: Annotated[float, typer.Option(help="At which they are drawn.")] = 0.4,
    style: Annotated[str, typer.Option(help="Of answers: phrase, paragraph or verdict.")] = "phrase",
    longest: Annotated[int | None, typer.Option(help="Passages from which on a list's length is worth 0.")] = None,
    margin: Annotated[float, typer.Option(min=0, help="In reward, between the best and the worst list.")] = 0.05,
    judged: Annotated[
        Path | None, typer.Option(help="Judged lists, for demonstrations: their relevant passages.")
    ] = None,
    teacher: Annotated[str | None, typer.Option(metavar="EXPR", help="The reranker that orders these.")] = None,
    format: Annotated[str, typer.Option(help="trl or llama-factory.")] = "trl",  # noqa: A002 - what everybody calls it
    batch: Annotated[int, typer.Option(min=1, help="Questions at a time, merged into shared model batches.")] = 16,
    cache: Annotated[Path | None, typer.Option(help="Keep models' answers in this file, and look there first.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sample lists of passages from a model, answer with each, reward them, and pair the best with the worst.

    Writes trajectories.jsonl, a line for each question, and the pairs for DPO as the trainer reads them; with --judged,
    demonstrations for supervised fine-tuning too. A question that fails is told, and taken up again by the next run.
    """
    from shortlist.training.rewards import Reward
    from shortlist.training.trajectories import Explorer, Trial, explore, read_questions

    form = _form(format)
    asked = read_questions(questions)
    lists = [] if judged is None else _judged(judged)
    expert = chosen(teacher) if lists else None
    policy = chat_of(model)
    reward = Reward(_embedder(embedder), None if judge is None else chat_of(judge), longest=longest)
    trial = Trial(policy if generator is None else chat_of(generator), reward, cast(Any, style))
    explorer = Explorer(policy, trial, prompt, samples, temperature)
    _check_written(out, asked, explorer, form)
    runtime = runtime_of(cache, batch, None, None, None, None)
    with working(f"{len(asked)} questions"):
        failed = explore(asked, explorer, out / FILE, runtime)
    for place, error in failed:
        note(f"question {place + 1}: {error}")
    told = {"failed": len(failed), **_pairs(out, explorer, form, margin)}
    if expert is not None:
        told |= _demonstrations(out, lists, expert, explorer, form, runtime)
    _show(told, as_json=as_json)
    if failed:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _form(name: str) -> Format:
    from shortlist.training.export import Format

    if name not in get_args(Format):
        raise InputError(f"no format is {name!r}; there are {', '.join(get_args(Format))}")
    return cast("Format", name)


def _check_written(out: Path, asked: Sequence[Question], explorer: Explorer, form: Format) -> None:
    """See that what comes of it can be written, before any model is paid."""
    from shortlist.training.export import check_prompt
    from shortlist.training.trajectories.selection import turns

    room_for(out, folder=True)
    for each in asked[:1]:  # which turns there are is the prompt's matter, not the question's
        check_prompt(turns(each, explorer.spec), form)


def _embedder(name: str) -> Embedder | None:
    from shortlist.models.base import Embedder
    from shortlist.models.named import as_model

    return None if name == "none" else cast(Embedder, as_model(Embedder, name))


def _judged(path: Path) -> list[JudgedList]:
    from shortlist.training.readers import read_judged

    return read_judged(path)


def _pairs(out: Path, explorer: Explorer, form: Format, margin: float) -> dict[str, Any]:
    """Write the pairs of all that is explored; how many questions and lists there are, and where the pairs went."""
    from shortlist.training.export import preferences, write_examples
    from shortlist.training.trajectories import explored

    found = list(explored(out / FILE))
    told = {"questions": len(found), "lists": sum(len(each.trajectories) for each in found)}
    told["lost samples"] = sum(each.lost for each in found)
    examples = preferences(found, explorer.spec, margin)
    file = write_examples(out, "pairs", examples, form) if examples else None
    return {**told, "pairs": len(examples), "pairs in": None if file is None else str(file)}


def _demonstrations(
    out: Path, lists: Sequence[JudgedList], teacher: Reranker, explorer: Explorer, form: Format, runtime: Runtime
) -> dict[str, Any]:
    from shortlist.training.export import demonstrations, write_examples
    from shortlist.training.trajectories import expert_traces

    traces = expert_traces(lists, teacher, explorer.spec, runtime)
    file = write_examples(out, "demonstrations", demonstrations(traces, explorer.spec), form)
    return {"demonstrations": len(traces), "demonstrations in": str(file)}


def _show(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name}: {'none' if value is None else value}")
