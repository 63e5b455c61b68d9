"""`rank_many` over many short lists, whose pairs share model batches, against one `rank` after another."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from tokenizers import Tokenizer

from data import ROOT, dl19
from shortlist import Call, CrossEncoder, Pair, Ranking, Reply, ShortlistError
from shortlist.algorithms.packing import pack
from shortlist.documents import first_stage, read_folder
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder
from table import Table, report, skipped
from timing import interleave, median, speed

TITLE, WEIGHTS = "Many queries at once", "ms-marco-minilm"
ONE, MANY = "`rank`, one after another", "`rank_many`"
Requests = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Counted(OnnxCrossEncoder):
    """Notes how many batches each call ran.

    Attributes:
        batches: one number a call.
    """

    batches: list[int] = field(default_factory=list, compare=False)

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float] | ShortlistError]:
        before = call.batches
        replies = super().answer(payloads, call)
        self.batches.append(call.batches - before)
        return replies


def requests(queries: int, passages: int) -> Requests:
    """Real questions with their first candidates; from the example's documents where the collection is not there."""
    collection = dl19()
    if collection is not None:
        lists = ((text, collection.candidates[qid]) for qid, text in collection.queries.items())
        return [(text, [each.text for each in found[:passages]]) for text, found in islice(lists, queries)]
    folder = read_folder(ROOT / "examples" / "documents")
    headings = dict.fromkeys(str(p.metadata["heading"]) for p in folder if p.metadata.get("heading"))
    found = ((heading, first_stage(heading, folder, passages)) for heading in headings)
    return [(heading, [each.text for each in each_list]) for heading, each_list in islice(found, queries)]


def fewest(asked: Requests, budget: int) -> int:
    """Batches that the token budget dictates when all pairs are packed together."""
    folder = find(WEIGHTS)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    pairs = [(query, text) for query, texts in asked for text in texts]
    return len(pack([len(each.ids) for each in tokenizer.encode_batch(pairs)], budget))


def main(*, quick: bool = False) -> Table:
    if find(WEIGHTS) is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {WEIGHTS}`.")
    rows, queries = [], 4 if quick else 40
    for passages, rounds in ((3, 1 if quick else 3), (20, 1)):
        rows += measure(requests(queries, passages), passages, rounds)
    return Table(
        TITLE,
        ("passages a query", "how", "model batches", "CPU seconds", "speed"),
        tuple(rows),
        (
            f"{queries} real questions; cross-encoder `{WEIGHTS}`, int8, one thread. Both ways give the same scores.",
            "In turns in one process: the median of three rounds, and one round for the longer lists.",
        ),
        ("shortlist", "onnxruntime", "tokenizers"),
        ("CPU seconds", "speed"),
    )


def measure(asked: Requests, passages: int, rounds: int) -> list[tuple[str, ...]]:
    scorer = Counted(WEIGHTS, threads=1)
    reranker = CrossEncoder(scorer)
    reranker.rank(*asked[0])
    found: dict[str, list[Ranking]] = {}
    batches: dict[str, int] = {}

    def one() -> None:
        scorer.batches.clear()
        found[ONE] = [reranker.rank(query, texts) for query, texts in asked]
        batches[ONE] = sum(scorer.batches)

    def many() -> None:
        scorer.batches.clear()
        found[MANY] = reranker.rank_many(asked)
        batches[MANY] = sum(scorer.batches)

    times = interleave({ONE: one, MANY: many}, {ONE: rounds, MANY: rounds})
    if [[i.index for i in r.kept[:1]] for r in found[ONE]] != [[i.index for i in r.kept[:1]] for r in found[MANY]]:
        raise SystemExit("the two ways disagree")
    least = fewest(asked, scorer.budget)
    counts = {ONE: f"{batches[ONE]}", MANY: f"{batches[MANY]} (all pairs packed: {least})"}
    return [
        (str(passages), name, counts[name], f"{median(times, name):.2f}", f"{speed(times, name, ONE):.2f}x")
        for name in (ONE, MANY)
    ]


if __name__ == "__main__":
    report(main)
