"""A small language model on one's own machine as a reranker: likelihood of the query, and yes or no."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from ir_measures import RR, nDCG

from data import Collection, dl19
from quality import first, interval, measured
from shortlist.arrays import Floats
from shortlist.models.base import ChatRequest, Continuation, Message
from shortlist.models.catalogue import find
from shortlist.models.torch_language import TorchChat, TorchLikelihood
from shortlist.plan import Call, Reply
from table import Table, report, skipped

TITLE = "A language model of 135 M parameters as a reranker"
WEIGHTS = "smollm2-135m"
WORDS = 64
"""Of a passage; the rest is cut off."""

Scorer = Callable[[str, Sequence[str], Call], list[tuple[float, int]]]
"""A query and texts to a score and the tokens read for each."""


def by_likelihood(prompt: str, query: str, texts: Sequence[str], call: Call) -> list[tuple[float, int]]:
    """log p(query | passage), after UPR (arXiv 2204.07496)."""
    model = TorchLikelihood(WEIGHTS)
    asks = [Continuation((Message("user", prompt.format(text=text)),), query) for text in texts]
    return [(reply.value.logprob, reply.tokens_in) for reply in _replies(model.answer(asks, call))]


def by_label(
    turns: Sequence[Message], labels: tuple[str, str], query: str, texts: Sequence[str], call: Call
) -> list[tuple[float, int]]:
    """The logit of the first label less that of the second."""
    asks = [
        ChatRequest(tuple(Message(t.role, t.content.format(query=query, text=text)) for t in turns), labels=labels)
        for text in texts
    ]
    good, bad = labels
    replies = _replies(TorchChat(WEIGHTS).answer(asks, call))
    return [(reply.value.labels[good] - reply.value.labels[bad], reply.tokens_in) for reply in replies]


def calibrated(scorer: Scorer, query: str, texts: Sequence[str], call: Call) -> list[tuple[float, int]]:
    """Less what the passage gets for no query at all (Zhao et al. 2021, arXiv 2102.09690): twice the work."""
    pairs = zip(scorer(query, texts, call), scorer("N/A", texts, call), strict=True)
    return [(score - empty, tokens + more) for (score, tokens), (empty, more) in pairs]


def _replies(replies: Sequence[Any]) -> list[Reply[Any]]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return list(replies)


ASKED = "Query: {query}\nPassage: {text}\nDoes the passage answer the query? Answer Yes or No."
SHOWN = (
    ("how long does bread dough rise", "Leave the dough in a warm place for one to two hours, until doubled.", "Yes"),
    ("who wrote the opera carmen", "Carmen is a given name of Spanish origin, popular in many countries.", "No"),
    ("what is the boiling point of water", "Water boils at 100 degrees Celsius at sea level.", "Yes"),
    ("symptoms of a cold", "The Cold War was a long conflict between two blocs of states.", "No"),
)
EXAMPLES = tuple(
    turn
    for query, text, answer in SHOWN
    for turn in (Message("user", ASKED.format(query=query, text=text)), Message("assistant", answer))
)

READ = partial(
    by_label,
    (Message("text", "Question: {query}\nPassage: {text}\nIs the question answered by the passage? Answer:"),),
    (" Yes", " No"),
)

SCORERS: Mapping[str, Scorer] = {
    "likelihood: Passage, then: write a question based on it": partial(
        by_likelihood, "Passage: {text}\nPlease write a question based on this passage."
    ),
    "yes/no: query, passage, Does it answer?": partial(by_label, (Message("user", ASKED),), ("Yes", "No")),
    "yes/no: passage, query, Is it relevant?": partial(
        by_label,
        (
            Message(
                "user",
                "Passage: {text}\nQuery: {query}\nIs the passage relevant to the query? Answer with yes or no only.",
            ),
        ),
        ("yes", "no"),
    ),
    "yes/no: as the first, after four examples": partial(by_label, (*EXAMPLES, Message("user", ASKED)), ("Yes", "No")),
    "yes/no: raw text, Is it answered?": READ,
    "yes/no: as that, less the same for no query": partial(calibrated, READ),
    "true/false: raw text, no template": partial(
        by_label,
        (
            Message(
                "text", 'Passage: {text}\n\nThe passage above answers the question "{query}": True or False? Answer:'
            ),
        ),
        (" True", " False"),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What a scorer made of a collection.

    Attributes:
        scores: query id to one score a candidate, in the order of the candidates.
        tokens: that were read.
        seconds: CPU seconds.
    """

    scores: Mapping[str, Floats]
    tokens: int
    seconds: float


def last(collection: Collection, skip: int) -> Collection:
    """Its queries but the first."""
    kept = list(collection.queries)[skip:]
    queries, candidates, grades = (
        {q: each[q] for q in kept} for each in (collection.queries, collection.candidates, collection.grades)
    )
    return Collection(queries, candidates, grades)


def run(scorer: Scorer, collection: Collection) -> Outcome:
    start = time.process_time()
    found = {
        qid: scorer(query, [_cut(passage.text) for passage in collection.candidates[qid]], Call())
        for qid, query in collection.queries.items()
    }
    seconds = time.process_time() - start
    scores = {qid: np.array([score for score, _ in each]) for qid, each in found.items()}
    return Outcome(scores, sum(tokens for each in found.values() for _, tokens in each), seconds)


def _cut(text: str) -> str:
    return " ".join(text.split()[:WORDS])


def orders(scores: Mapping[str, Floats], collection: Collection) -> dict[str, list[str]]:
    return {
        qid: [str(collection.candidates[qid][place].id) for place in np.argsort(-each, kind="stable")]
        for qid, each in scores.items()
    }


def with_bm25(scores: Mapping[str, Floats], collection: Collection) -> dict[str, Floats]:
    """Half each, both as standard scores among a query's candidates."""
    prior = {q: np.array([float(p.score or 0.0) for p in each]) for q, each in collection.candidates.items()}
    return {q: _standard(each) + _standard(prior[q]) for q, each in scores.items()}


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / (values.std() or 1.0)


def main(*, quick: bool = False, queries: int = 43, depth: int = 20, skip: int = 0, only: str = "") -> Table:
    collection = dl19()
    if collection is None:
        return skipped(TITLE, "The collection (dl19) was not there; it is not part of the repository.")
    if find(WEIGHTS) is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {WEIGHTS}`.")
    collection = last(first(collection, skip + (2 if quick else queries)), skip)
    depth = 4 if quick else depth
    kept = {qid: candidates[:depth] for qid, candidates in collection.candidates.items()}
    collection = Collection(collection.queries, kept, collection.grades)
    measures = [nDCG @ 10, RR(rel=2) @ 10]
    given = measured({q: [str(p.id) for p in each] for q, each in kept.items()}, collection, measures)
    rows = [("the order of BM25", *(f"{given[each].mean():.4f}" for each in measures), "", "", "")]
    TorchChat(WEIGHTS).warm_up()
    for name, scorer in ((name, scorer) for name, scorer in SCORERS.items() if only in name):
        outcome = run(scorer, collection)
        for label, scores in ((name, outcome.scores), ("  and BM25, half each", with_bm25(outcome.scores, collection))):
            values = measured(orders(scores, collection), collection, measures)
            mean, low, high = interval(values[measures[0]] - given[measures[0]])
            gain = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
            shown = [f"{values[each].mean():.4f}" for each in measures]
            own = label == name
            rate = f"{outcome.tokens / outcome.seconds:,.0f}" if own else ""
            rows.append((label, *shown, gain, f"{outcome.tokens:,}" if own else "", rate))
            print(*rows[-1], sep="  ", flush=True)
    return Table(
        TITLE,
        ("scorer", "nDCG@10", "RR@10", "nDCG@10 less BM25's", "tokens read", "tokens per CPU second"),
        tuple(rows),
        (
            f"dl19: {len(kept)} queries after the first {skip}, the {depth} best of BM25 for each, passages cut to"
            f" {WORDS} words."
            " RR counts grades of 2 and above. Differences with their paired bootstrap 95 % interval over queries.",
            "SmolLM2-135M-Instruct, whose 4-bit weights were turned into fp32; one thread. More wordings and label"
            " pairs of yes and no were tried on the first 12 queries; by itself, none came up to the order of BM25.",
            "Tokens are counted for each prompt as if it were read alone; what prompts share is computed once.",
        ),
        ("shortlist", "torch", "transformers", "numpy", "ir-measures"),
        ("tokens per CPU second",),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--queries", type=int, default=43, help="the first so many")
    parser.add_argument("--skip", type=int, default=0, help="not the first so many, on which prompts were chosen")
    parser.add_argument("--depth", type=int, default=20, help="candidates of each query")
    parser.add_argument("--only", default="", help="scorers with this in their names")
    options, others = parser.parse_known_args()
    report(partial(main, queries=options.queries, depth=options.depth, skip=options.skip, only=options.only), others)
