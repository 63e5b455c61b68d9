"""`shortlist label`: labels where there are none, by a language model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import typer

from shortlist.cli.driving import CacheAt, runtime_of
from shortlist.cli.exits import HELP, ExitCode
from shortlist.cli.named_models import NAMES, chat_of, model_of
from shortlist.cli.options import AsJson
from shortlist.cli.output import note, print_json, room_for, working
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.models.base import ChatModel
    from shortlist.passage import Passage
    from shortlist.training.labels import Corpus, Labelled, NearMisses

commands = typer.Typer(name="label", no_args_is_help=True, help="Make labels where there are none.", epilog=HELP)

Out: TypeAlias = Annotated[
    Path, typer.Option(help="The file of judged lists to write. A run that was stopped goes on.")
]
Batch: TypeAlias = Annotated[int, typer.Option(min=1, help="Items at a time, merged into shared model batches.")]


@commands.command("queries", epilog=HELP)
def queries(
    documents: Annotated[Path, typer.Argument(help="A folder of documents, one document, or JSON lines of passages.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help=f"Who writes: {NAMES}")],
    out: Out,
    passages: Annotated[int | None, typer.Option(min=1, help="So many, at random; all if not said.")] = None,
    words: Annotated[
        int,
        typer.Option(
            min=1, help="Of a passage, where documents are cut; queries are made for passages of 20 and more."
        ),
    ] = 100,
    prompt: Annotated[
        list[str] | None, typer.Option(help="One or more; all five that are shipped if not said.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Queries to draw with each prompt.")] = 1,
    temperature: Annotated[float, typer.Option(help="At which they are drawn.")] = 0.7,
    examples: Annotated[
        Path | None,
        typer.Option(
            help='For few-shot prompts: JSON lines {"passage": TEXT, "query": TEXT, "bad": TEXT}, or judged lists.'
        ),
    ] = None,
    reranker: Annotated[
        str | None, typer.Option("--reranker", "-r", metavar="EXPR", help="Ranks on the way back; BM25 if not said.")
    ] = None,
    depth: Annotated[int, typer.Option(min=2, help="Candidates of a query.")] = 30,
    rank: Annotated[int, typer.Option(min=1, help="A query's passage must come among the first so many.")] = 3,
    persona: Annotated[
        list[str] | None, typer.Option(help="Who rewrites the queries, such as 'a nurse on night shift'; one or more.")
    ] = None,
    near_misses: Annotated[bool, typer.Option(help="Make queries that look alike and are not answered.")] = False,
    verifier: Annotated[str | None, typer.Option(metavar="MODEL", help="Checks these; the writer if not said.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is random.")] = 0,
    batch: Batch = 16,
    cache: CacheAt = None,
    as_json: AsJson = False,
) -> None:
    """Write queries for passages, keep those that lead back to their passage, and write these as judged lists.

    A query's passage is graded 1, the other candidates 0. What was refused, and why, stands in a file beside.
    """
    from shortlist.reranker.expression import load
    from shortlist.training.labels import PROMPTS, QueryGenerator, RoundTrip, label_queries, read_examples

    _check_place(out, documents)
    corpus, writer = _corpus(documents, words), chat_of(model)
    generator = QueryGenerator(
        writer,
        RoundTrip(corpus, None if reranker is None else load(reranker), depth, rank),
        tuple(prompt or PROMPTS),
        samples,
        temperature,
        () if examples is None else read_examples(examples, seed=seed),
        personas=tuple(persona or ()),
        near_misses=_near_misses(writer, verifier) if near_misses else None,
        seed=seed,
    )
    chosen = corpus.sample(passages, seed)
    if not chosen:
        raise InputError(f"no passage of {documents} has twenty words or more: a shorter one is asked for nothing")
    with working(f"{len(chosen)} of {len(corpus.passages)} passages"):
        found = label_queries(chosen, generator, out, runtime_of(cache, batch, None, None, None, None))
    _show(found, as_json=as_json)


@commands.command("utility", epilog=HELP)
def utility(
    questions: Annotated[
        Path,
        typer.Argument(
            help='JSON lines: {"query": TEXT, "passages": [...], "answers": [TEXT, ...]}, and maybe "rejected", '
            '"grades", "id"; or a file of MuSiQue or HotpotQA.'
        ),
    ],
    model: Annotated[str, typer.Option(metavar="MODEL", help=f"The reader: {NAMES} A local one gives likelihoods.")],
    out: Out,
    prompt: Annotated[str, typer.Option(help="What it is asked with: a name, or the path of one.")] = "answer",
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many questions; all if not said.")] = None,
    batch: Batch = 16,
    cache: CacheAt = None,
    as_json: AsJson = False,
) -> None:
    """Measure how much each passage raises the model's chance of the known answer, and write it beside the grades.

    With likelihoods in nats; with a chat model 1 where it answers right, less 1 where it does without the passage.
    """
    from shortlist.models.base import ChatModel, LikelihoodModel
    from shortlist.training.labels import UtilityLabels, label_utilities, read_answered

    _check_place(out, questions)
    asked = read_answered(questions)[:limit]
    labels = UtilityLabels(cast(Any, model_of((LikelihoodModel, ChatModel), model)), prompt)
    with working(f"{len(asked)} questions"):
        found = label_utilities(asked, labels, out, runtime_of(cache, batch, None, None, None, None))
    _show(found, as_json=as_json)


def _check_place(out: Path, read: Path) -> None:
    """See that the labels can be written, and not over anything else, before any model is asked."""
    from shortlist.training.labels.labelling import work_file

    room_for(out)
    if out.resolve() == read.resolve():
        raise InputError(f"--out is the file that is read, and would be written over: {out}")
    if out.exists() and not work_file(out).exists():
        raise InputError(f"{out} is there already, and labels did not make it: it would be written over")


def _near_misses(writer: ChatModel, verifier: str | None) -> NearMisses:
    from shortlist.training.labels import NearMisses

    return NearMisses(writer, writer if verifier is None else chat_of(verifier))


def _corpus(path: Path, words: int) -> Corpus:
    """Passages out of a file of them, or of documents, cut without overlap: what two passages say has no one source."""
    from shortlist.documents import Chunking, read_folder
    from shortlist.passage import as_passages
    from shortlist.training.labels import Corpus
    from shortlist.training.records import located, records

    if path.suffix not in (".jsonl", ".json"):
        found = read_folder(path, Chunking(words=words, overlap=0), skipped=lambda name, why: note(f"{name}: {why}"))
        return Corpus(tuple(found))
    rows: list[Passage] = []
    for where, record in records(path):
        with located(where):
            rows += as_passages([record])
    return Corpus(tuple(rows))


def _show(found: Labelled, *, as_json: bool) -> None:
    for name, error in found.failed:
        note(f"{name}: {error}")
    if not found.lines:
        note("nothing was kept")
    files = {name: str(path) for name, path in found.files.items()}
    told: Mapping[str, Any] = {**found.figures, "failed": len(found.failed), "files": files}
    if as_json:
        print_json(told)
    else:
        _print(told)
    if found.failed:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _print(told: Mapping[str, Any], indent: str = "") -> None:
    for name, value in told.items():
        if isinstance(value, Mapping):
            typer.echo(f"{indent}{name}:{'' if value else ' none'}")
            _print(value, f"{indent}  ")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            typer.echo(f"{indent}{name}: {'none' if value is None else shown}")
