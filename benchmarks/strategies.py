"""What strategies cost and how well they rank, with a language model that knows the right order and errs.

Simulated queries as in the notes of the table; everything goes through `Reranker.rank_many` with a real prompt, so
calls, tokens and rounds are those of the library's own accounts.
"""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from shortlist import Passage, Ranking
from shortlist.models.oracle import OracleChat
from shortlist.reranker.strategy import Strategy
from shortlist.rerankers.adaptive import Adaptive
from shortlist.rerankers.blocks import Blocks
from shortlist.rerankers.elimination import Elimination
from shortlist.rerankers.grouped import Grouped
from shortlist.rerankers.setwise import Setwise
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.rerankers.top_down import TopDown
from shortlist.rerankers.tournament import Tournament
from shortlist.scorers.prompted import Prompted
from table import Table, report

TITLE = "Strategies for language models"
CANDIDATES, K, PROMPT = 100, 10, "rankzephyr"
SLIDING, DEFAULT, QUALITY = "sliding window, 1 pass", "**grouped (default)**", "grouped, deals=2, finals=5"
THRICE = "sliding window, 3 passes"

STRATEGIES: Mapping[str, Callable[[Prompted], Strategy]] = {
    SLIDING: SlidingWindow,
    "sliding window, 2 passes": partial(SlidingWindow, passes=2),
    THRICE: partial(SlidingWindow, passes=3),
    "top-down": TopDown,
    "grouped, finals=1": partial(Grouped, finals=1),
    DEFAULT: Grouped,
    "grouped, finals=5": partial(Grouped, finals=5),
    QUALITY: partial(Grouped, deals=2, finals=5),
    "tournament": Tournament,
    "tournament, window=5 (ListT5)": partial(Tournament, window=5),
    "blocks, repeats=4": partial(Blocks, repeats=4),
    "blocks, repeats=4, bradley-terry": partial(Blocks, repeats=4, aggregate="bradley-terry"),
    "setwise heap": Setwise,
    "setwise heap, window=4": partial(Setwise, window=4),
    "setwise insertion": partial(Setwise, sort="insertion"),
    "adaptive, budget=9": partial(Adaptive, budget=9),
    "adaptive, budget=20": Adaptive,
    "elimination": Elimination,
}
NOISES: Mapping[str, Mapping[str, float]] = {
    "none": {},
    ".3": {"noise": 0.3},
    ".5": {"noise": 0.5},
    ".7": {"noise": 0.7},
    "1.0": {"noise": 1.0},
    ".7, half stays": {"noise": 0.7, "rho": 0.5},
    ".7, .8 stays": {"noise": 0.7, "rho": 0.8},
    ".5, half stays, pull .5": {"noise": 0.5, "rho": 0.5, "pull": 0.5},
    ".7, .3 stays, grows": {"noise": 0.7, "rho": 0.3, "growth": 0.5},
}


@dataclass(frozen=True)
class Query:
    """A simulated question: its candidates in the order of the first stage, and what each is worth."""

    text: str
    passages: tuple[Passage, ...]
    worth: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """What a strategy made of all queries under one noise: nDCG@10 of each, and means of what it took."""

    ndcg: tuple[float, ...]
    calls: float
    rounds: float
    tokens: float


@cache
def queries(count: int, words: int) -> tuple[Query, ...]:
    """Worth is N(0, 1), 1.5 more for twelve of the hundred; the first stage sees it with noise of 1.5."""
    return tuple(_query(number, words) for number in range(count))


def _query(number: int, words: int) -> Query:
    rng = np.random.default_rng(number)
    worth = rng.standard_normal(CANDIDATES) + 1.5 * (np.arange(CANDIDATES) < 12)
    worth = worth[np.argsort(-(worth + 1.5 * rng.standard_normal(CANDIDATES)))]
    filler = " ".join(["tides"] * words)
    texts = [f"query {number} candidate {i} {filler}".strip() for i in range(CANDIDATES)]
    return Query(f"query {number}", tuple(map(Passage, texts)), dict(zip(texts, worth.tolist(), strict=True)))


def run(job: tuple[str, str, int, int]) -> Run:
    """One strategy under one noise; in a process of its own."""
    strategy, noise, count, words = job
    asked = queries(count, words)
    known = {text: worth for query in asked for text, worth in query.worth.items()}
    scorer = Prompted(OracleChat(known, **NOISES[noise]), PROMPT)
    reranker = replace(STRATEGIES[strategy](scorer), k=K)
    rankings = reranker.rank_many([(query.text, query.passages) for query in asked])
    return Run(
        tuple(ndcg(query, ranking) for query, ranking in zip(asked, rankings, strict=True)),
        float(np.mean([ranking.usage.calls for ranking in rankings])),
        float(np.mean([len(ranking.rounds) for ranking in rankings])),
        float(np.mean([ranking.usage.tokens_in for ranking in rankings])),
    )


def ndcg(query: Query, ranking: Ranking) -> float:
    """A passage's gain is what it is worth above 1."""
    discounts = 1.0 / np.log2(np.arange(2, K + 2))
    gains = np.array([max(0.0, query.worth[text] - 1.0) for text in ranking.texts])
    ideal = np.sort([max(0.0, worth - 1.0) for worth in query.worth.values()])[::-1][:K]
    return float(gains @ discounts / (ideal @ discounts))


def measured(count: int) -> tuple[dict[tuple[str, str], Run], dict[str, Run]]:
    """Quality on short passages, by strategy and noise; cost on passages of about 135 tokens, with noise of .5."""
    jobs = [(strategy, noise, count, 0) for strategy in STRATEGIES for noise in NOISES]
    costs = [(strategy, ".5", max(2, count // 10), 85) for strategy in STRATEGIES]
    with ProcessPoolExecutor(2) as pool:
        runs = list(pool.map(run, [*jobs, *costs]))
    quality = {(job[0], job[1]): each for job, each in zip(jobs, runs, strict=False)}
    return quality, dict(zip(STRATEGIES, runs[len(jobs) :], strict=True))


def comparison(quality: Mapping[tuple[str, str], Run], ours: str, theirs: str) -> str:
    """In words, how much better the one is than the other, by noise, with standard errors over the same queries."""
    parts = []
    for noise in NOISES:
        difference = np.array(quality[ours, noise].ndcg) - np.array(quality[theirs, noise].ndcg)
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        parts.append(f"{noise}: {difference.mean():+.3f} ± {error:.3f}")
    return f"nDCG@10 of {ours.strip('*')} less {theirs}, ± a standard error over the queries: {'; '.join(parts)}."


def main(*, quick: bool = False) -> Table:
    count = 4 if quick else 100
    quality, costs = measured(count)
    tokens = costs[SLIDING].tokens
    rows = []
    for name in STRATEGIES:
        runs: Sequence[Run] = [quality[name, noise] for noise in NOISES]
        cost = quality[name, ".5"]
        means = [f"{np.mean(each.ndcg):.3f}" for each in runs]
        rows.append((name, f"{cost.calls:.3g}", f"{cost.rounds:.3g}", f"{costs[name].tokens / tokens:.2f}", *means))
    error = max(np.std(each.ndcg, ddof=1) / np.sqrt(count) for each in quality.values())
    return Table(
        TITLE,
        ("strategy", "calls", "rounds", "tokens in", *(f"noise {noise}" for noise in NOISES)),
        tuple(rows),
        (
            f"nDCG@10, mean of {count} simulated queries, standard error at most {error:.3f}; {CANDIDATES} candidates,"
            f" windows of 20 where nothing else is said, the best {K} wanted. A passage is worth a draw from N(0, 1),"
            " 1.5 more if it is one of twelve; the first stage sees that with noise of 1.5, and its order has an"
            " nDCG@10 of 0.5. A passage's gain is what it is worth above 1.",
            "The model (`OracleChat`) orders a window by worth and an error: the standard deviation is in the heading,"
            " of a window of 20. `stays`: the share of its variance that is the same whenever the model reads the"
            " passage; the rest is drawn anew for each prompt. `pull`: the first passage of a prompt seems so much"
            " better than the last. `grows`: with the square root of the passages in the prompt.",
            f"Calls and rounds at noise .5; tokens relative to one sliding pass, which reads {tokens:,.0f} in passages"
            f" of about 135 tokens in the prompt of {PROMPT}.",
            comparison(quality, DEFAULT, SLIDING),
            comparison(quality, QUALITY, THRICE),
            "A simulation: it holds as far as a model's errors are of these kinds. Errors that come with the company a"
            " passage is in, answers that cannot be read, and limits on parallel calls are not in it.",
        ),
        ("shortlist", "numpy"),
    )


if __name__ == "__main__":
    report(main)
