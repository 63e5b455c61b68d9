"""Which confidence tells the lists that will not serve from those that will, and whether thresholds keep their rate."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from data import DATA, dl19
from neighbourhood import kept
from shortlist import Passage
from shortlist.algorithms.abstention import CONFIDENCES, nauc, threshold_for
from shortlist.models.catalogue import find
from shortlist.reranker.expression import load
from shortlist.training.abstention import confidences, fit_abstention, models, utilities_of, without_support
from shortlist.training.judged import JudgedList
from shortlist.training.readers import read_judged
from shortlist.training.scored import ScoredList, scored, scored_folds
from table import Table, report, skipped

TITLE = "Abstention"
SCORERS = {
    "ms-marco-minilm": "cross-encoder(scorer='ms-marco-minilm')",
    "bge-small": "similarity(embedder='bge-small')",
    "static": "similarity",
}
NEEDED = ("ms-marco-minilm", "bge-small")
PARTS, ROUNDS, DRAWS, ASKED = 3, 3, 300, 0.3
Measured = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]
"""Of one part: confidences, utilities, and the threshold for the rate that was asked."""


def collections() -> dict[str, list[JudgedList]]:
    folder = DATA / "multihop"
    files = ("hipporag_subset/musique_train.json", "migres_subset/musique.json")
    hotpot = read_judged(folder / "hipporag_subset" / "hotpotqa_train.json", "hotpotqa", level="paragraph")
    return {"MuSiQue": [each for f in files for each in read_judged(folder / f, "musique")], "HotpotQA": hotpot}


def passages() -> list[JudgedList]:
    found = dl19()
    assert found is not None
    # Grades of 2 and above are relevant, as everywhere on this collection.
    lists = []
    for q, text in found.queries.items():
        grades = tuple(max(0, found.grades[q].get(str(p.id), 0) - 1) for p in found.candidates[q])
        lists.append(JudgedList(text, tuple(found.candidates[q]), grades))
    return lists


def ranked(lists: Sequence[JudgedList], name: str, scorer: str) -> list[ScoredList]:
    """Scored once, where a folder is given to keep scores in."""

    def ask() -> dict[str, npt.NDArray[np.float64]]:
        by_text = [{p.text: p.score or 0.0 for p in each.passages} for each in scored(lists, load(SCORERS[scorer]))]
        texts = [[p.text for p in each.passages] for each in lists]
        return {"scores": np.array([s[t] for s, row in zip(by_text, texts, strict=True) for t in row])}

    ends = np.cumsum([len(each.passages) for each in lists])[:-1]
    scores = np.split(kept(f"abstention-{name}-{len(lists)}-{scorer}", ask)["scores"], ends)
    return [_ordered(each, own) for each, own in zip(lists, scores, strict=True)]


def _ordered(judged: JudgedList, scores: npt.NDArray[np.float64]) -> ScoredList:
    order = np.argsort(-scores, kind="stable")
    found = tuple(Passage(judged.passages[i].text, score=float(scores[i])) for i in order)
    return ScoredList(judged.query, found, np.array(judged.grades)[order])


def crossed(lists: Sequence[ScoredList], utility: str, share: float) -> dict[str, list[Measured]]:
    """Each part measured by what the others fit: the regressions on one half of them, thresholds on the other."""
    found: dict[str, list[Measured]] = {name: [] for name in CONFIDENCES}
    for seed in range(ROUNDS):
        changed = without_support(lists, share, seed) if share else list(lists)
        parts = scored_folds(changed, PARTS, seed)
        for part in parts:
            rest = [each for other in parts if other is not part for each in other]
            _measure(fit_abstention(rest, {"utility": utility, "seed": seed}), part, utility, found)
    return found


def _measure(
    values: Mapping[str, object], part: Sequence[ScoredList], utility: str, found: dict[str, list[Measured]]
) -> None:
    utilities = utilities_of(part, utility)
    told = values["confidences"]
    assert isinstance(told, dict)
    for name, each in confidences([one.scores for one in part], *models(values)).items():
        found[name].append((each, utilities, threshold_for(ASKED, np.array(told[name]))))


def row(where: str, scorer: str, name: str, parts: Sequence[Measured]) -> tuple[str, ...]:
    """Mean over parts, and a bootstrap over the lists of each part."""
    rng = np.random.default_rng(0)
    value = float(np.mean([nauc(c, u) for c, u, _ in parts]))
    draws = [
        np.mean([nauc(c[at], u[at]) for c, u, at in ((c, u, rng.integers(len(c), size=len(c))) for c, u, _ in parts)])
        for _ in range(DRAWS)
    ]
    # Parts of later rounds hold the same lists again: only the first round's number of them is independent.
    spread = float(np.std(draws)) * np.sqrt(max(1, len(parts) // PARTS)) * 1.96
    silent = float(np.mean(np.concatenate([c < least for c, _, least in parts])))
    return where, scorer, name, f"{value:.3f}", f"[{value - spread:.3f}, {value + spread:.3f}]", f"{silent:.3f}"


def main(*, quick: bool = False) -> Table:
    if not (DATA / "multihop").exists() or not (DATA / "dl19").exists():
        return skipped(TITLE, "The collections (MuSiQue, HotpotQA, dl19) were not there.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    rows: list[tuple[str, ...]] = []
    judged, other = collections(), passages()
    if quick:
        judged, other = {name: lists[:30] for name, lists in judged.items()}, other[:10]
    for scorer in list(SCORERS)[-1:] if quick else SCORERS:
        lists = {name: ranked(found, name, scorer) for name, found in judged.items()}
        for name, found in lists.items():
            rows += [row(name, scorer, k, parts) for k, parts in crossed(found, "any", 0.5).items()]
        web = ranked(other, "dl19", scorer)
        for utility in ("ndcg", "ap"):
            rows += [row(f"dl19, {utility}", scorer, k, parts) for k, parts in crossed(web, utility, 0.0).items()]
        moved: dict[str, list[Measured]] = {name: [] for name in CONFIDENCES}
        _measure(fit_abstention(lists["MuSiQue"], {"unanswerable": 0.5}), web, "ndcg", moved)
        rows += [
            row("MuSiQue to dl19, ndcg", scorer, k, parts) for k, parts in moved.items() if k in ("ridge", "logistic")
        ]
    return Table(
        TITLE,
        ("lists", "scorer", "confidence", "nAUC", "95 % interval", f"abstained, {ASKED} asked"),
        tuple(rows),
        (
            "nAUC: 1 is an oracle, 0 is chance; areas over abstention rates of 0 to 0.8. MuSiQue and HotpotQA: every"
            " second question, drawn, has lost all its supporting paragraphs, the others as many that support nothing;"
            " a list is good when it can be answered. dl19: BM25's 100 best, nDCG@10 (of grades less one) or"
            " average precision of the list.",
            f"Three parts that share no query and no relevant text, {ROUNDS} times: each is measured by regressions"
            " fitted on one half of the others and thresholds taken on the other half. Intervals: bootstrap over lists,"
            " normal, widened as the rounds hold the same lists.",
        ),
        ("shortlist", "onnxruntime", "numpy"),
    )


if __name__ == "__main__":
    report(main)
