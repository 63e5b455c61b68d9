"""Time of a cross-encoder over 100 and 1,000 real passages, against other libraries on the same weights."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

import cross_encoder_flashrank
import peers
from data import passages, where_from
from ours import ours
from shortlist.algorithms.packing import pack
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder
from shortlist.models.torch import TorchCrossEncoder
from table import Table, report, skipped
from timing import Times, interleave, median, speed

TITLE, WEIGHTS = "Cross-encoder", "ms-marco-minilm"
BASE = "sentence-transformers"
EXACT = 1e-3
TARGETS = {"shortlist, fp32": 1.8, "shortlist, int8": 3.0}
# A probability near 1 has lost the digits of its logit: FlashRank gives no logits.
READABLE = 6.0


@dataclass(frozen=True)
class Way:
    """A way to score passages.

    Attributes:
        score: logits of texts for a query.
        rounds: how often it is measured, for 100 passages and for 1,000.
        computed: tokens that it computes for these texts, padding included; where only watching tells, the list that
            fills as it runs.
        exact: whether its numbers should be those of the fp32 network.
    """

    score: peers.Score
    rounds: tuple[int, int]
    computed: int | peers.Counts
    exact: bool = True


def lengths(folder: Path, query: str, texts: Sequence[str]) -> list[int]:
    """Tokens of each pair, as every library here cuts it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return [len(each.ids) for each in tokenizer.encode_batch([(query, text) for text in texts])]


def ways(folder: Path, scratch: Path, tokens: Sequence[int]) -> dict[str, Way]:
    theirs, their_counts = peers.sentence_transformers(folder)
    rerankers, rerankers_counts = peers.rerankers(folder)
    fp32, int8 = (OnnxCrossEncoder(WEIGHTS, precision=name, threads=1) for name in ("fp32", "int8"))
    packed = sum(max(tokens[i] for i in batch) * len(batch) for batch in pack(tokens, fp32.budget))
    return {
        BASE: Way(theirs, (3, 1), their_counts),
        "shortlist, fp32": Way(ours(fp32), (3, 1), packed),
        "shortlist, int8": Way(ours(int8), (3, 1), packed, exact=False),
        "shortlist, torch fp32": Way(ours(TorchCrossEncoder(WEIGHTS, device="cpu")), (1, 0), packed),
        "rerankers": Way(rerankers, (2, 0), rerankers_counts),
        "FlashRank": Way(peers.flashrank(folder, scratch), (1, 0), max(tokens) * len(tokens)),
    }


def measure(n: int, folder: Path, scratch: Path, place: int, most: int) -> list[tuple[str, ...]]:
    query, texts = passages(n)
    tokens = lengths(folder, query, texts)
    chosen = {name: way for name, way in ways(folder, scratch, tokens).items() if way.rounds[place]}
    for way in chosen.values():
        way.score(query, texts[:4])
        if isinstance(way.computed, list):
            way.computed.clear()
    scores: dict[str, peers.Logits] = {}

    def run(name: str) -> None:
        scores[name] = chosen[name].score(query, texts)

    rounds = {name: min(most, way.rounds[place]) for name, way in chosen.items()}
    times = interleave({name: partial(run, name) for name in chosen}, rounds)
    return [_row(name, way, times, scores, sum(tokens)) for name, way in chosen.items()]


def _row(name: str, way: Way, times: Times, scores: dict[str, peers.Logits], tokens: int) -> tuple[str, ...]:
    expected = scores[BASE]
    readable = (expected < READABLE) if name == "FlashRank" else np.ones(len(expected), dtype=bool)
    off = float(np.abs(scores[name] - expected)[readable].max())
    if way.exact and off > EXACT:
        raise SystemExit(f"{name}: a logit is off by {off:.2g}: not the same network")
    turns = sum(each is not None for each in times[name])
    computed = sum(way.computed) / turns if isinstance(way.computed, list) else way.computed
    faster, rate = f"{speed(times, name, BASE):.2f}x", f"{len(expected) / median(times, name):.1f}"
    return (f"{len(expected):,}", name, faster, rate, f"{computed / tokens:.2f}", f"{off:.0e}")


def main(*, quick: bool = False) -> Table:
    folder = find(WEIGHTS)
    if folder is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {WEIGHTS}`.")
    torch.set_num_threads(1)
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for place, n in enumerate((12, 40) if quick else (100, 1000)):
            rows += measure(n, folder, Path(scratch), place, 1 if quick else 3)
        limit = 8 * 2**30
        seconds = cross_encoder_flashrank.in_limited_memory(folder, Path(scratch), n, limit)
    rows.append((f"{n:,}", "FlashRank", *_flashrank(seconds, rows, n, limit)))
    return Table(
        TITLE,
        ("passages", "library", "speed", "passages per CPU second", "computed / real tokens", "largest difference"),
        tuple(rows),
        (
            f"Model: `{WEIGHTS}`, twelve layers, the same fp32 weights for all; one thread each. {where_from()}",
            f"Speed is relative to `CrossEncoder.predict` of {BASE} with its defaults, in CPU time: measured in turns"
            " in one process, the median of the ratios of the rounds (1,000 passages: one round).",
            f"{BASE} sorts by length: the more passages, the less it loses to padding, and what is left is the speed of"
            " matrix products.",
            "Ours is `CrossEncoder(...).rank`, from strings to a `Ranking`. The largest difference is that of a logit"
            f" to those of {BASE}; above {EXACT:g} for an fp32 row, the benchmark fails.",
            "FlashRank reads a plain ONNX export of these weights, in the folder layout it expects, and its session is"
            f" given one thread. It returns probabilities: logits above {READABLE:g} cannot be told from them and are"
            " left out of its difference.",
            f"What has no row for {n:,} passages is measured for fewer only, for time.",
            f"FlashRank over {n:,} passages runs in a process of its own that may hold {limit / 2**30:.0f} GiB.",
            "CPUs with int8 dot products (VNNI, AMX) gain more from int8 than those without (AVX2 only).",
        ),
        ("shortlist", "onnxruntime", "tokenizers", "torch", "transformers", BASE, "rerankers", "FlashRank"),
        ("speed", "passages per CPU second"),
        (_targets(rows),),
    )


def _targets(rows: Sequence[tuple[str, ...]]) -> str:
    """In words, how far the targets are reached."""
    parts = [
        f"{name} over {row[0]}: {row[2]} of {target}x"
        for name, target in TARGETS.items()
        for row in rows
        if row[1] == name
    ]
    return f"Targets against {BASE}: {', '.join(parts)}."


def _flashrank(seconds: float | None, rows: Sequence[tuple[str, ...]], n: int, limit: int) -> tuple[str, ...]:
    if seconds is None:
        return (f"out of memory ({limit / 2**30:.0f} GiB)", "", "", "")
    base = float(next(row[3] for row in rows if row[:2] == (f"{n:,}", BASE)))
    return (f"{n / seconds / base:.2f}x", f"{n / seconds:.1f}", "", "")


if __name__ == "__main__":
    report(main)
