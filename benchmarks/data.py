"""Real texts to measure on. Test collections are not part of the repository: without them the documents of the example.

They are looked for in the folder that `SHORTLIST_DATA` names, else beside the repository in `shared/data`.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from shortlist import Passage
from shortlist.documents import Chunking, read_folder

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SHORTLIST_DATA") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class Collection:
    """Queries with their candidates, and what judges said of them.

    Attributes:
        queries: query id to text.
        candidates: query id to passages, in the order of the first stage.
        grades: query id to the grade of each judged passage id.
    """

    queries: Mapping[str, str]
    candidates: Mapping[str, list[Passage]]
    grades: Mapping[str, Mapping[str, int]]


def dl19(stages: Sequence[str] = ("bm25",)) -> Collection | None:
    """TREC Deep Learning 2019: 43 queries with 100 candidates of BM25 each.

    Of several of the stages bm25, tasb and splade: all that they found, by reciprocal rank fusion.
    """
    path = DATA / "dl19"
    if not path.exists():
        return None
    queries: dict[str, str] = {}
    found: dict[str, list[list[Passage]]] = {}
    for stage in stages:
        for each in json.loads((path / f"{stage}.json").read_text(encoding="utf-8")):
            qid = str(each["hits"][0]["qid"])
            queries[qid] = each["query"]
            hits = [Passage(h["content"], str(h["docid"]), float(h["score"])) for h in each["hits"]]
            found.setdefault(qid, []).append(hits)
    candidates = {qid: lists[0] if len(stages) == 1 else _fused(lists) for qid, lists in found.items()}
    grades: dict[str, dict[str, int]] = {qid: {} for qid in queries}
    for line in (path / "qrels.txt").read_text(encoding="utf-8").splitlines():
        qid, _, docid, grade = line.split()
        if qid in grades:
            grades[qid][docid] = int(grade)
    return Collection(queries, candidates, grades)


def _fused(lists: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Best first; the score is the sum of 1 / (60 + rank)."""
    passages = {passage.id: passage for found in lists for passage in found}
    scores = dict.fromkeys(passages, 0.0)
    for rank, passage in (each for found in lists for each in enumerate(found, 1)):
        scores[passage.id] += 1.0 / (60.0 + rank)
    return [replace(passages[i], score=scores[i]) for i in sorted(passages, key=lambda i: -scores[i])]


def musique() -> Collection | None:
    """MuSiQue: 100 questions with 20 paragraphs each, of which two to four are needed for the answer."""
    path = DATA / "multihop" / "hipporag_subset" / "musique_train.json"
    if not path.exists():
        return None
    queries, candidates, grades = {}, {}, {}
    for each in json.loads(path.read_text(encoding="utf-8")):
        qid = each["id"]
        queries[qid] = each["question"]
        candidates[qid] = [Passage(f"{p['title']}\n{p['paragraph_text']}", str(p["idx"])) for p in each["paragraphs"]]
        grades[qid] = {str(p["idx"]): int(p["is_supporting"]) for p in each["paragraphs"]}
    return Collection(queries, candidates, grades)


def passages(n: int) -> tuple[str, list[str]]:
    """A question and n different real passages of mixed length, the same every time; fewer if there are not so many."""
    collection = dl19()
    query = "why can a signal arrive while a lock is held" if collection is None else min(collection.queries.values())
    rng = random.Random(1)
    sources = [rng.sample(texts, len(texts)) for texts in (sorted(set(source)) for source in _sources())]
    mixed = dict.fromkeys(text for row in zip_longest(*sources) for text in row if text is not None)
    return query, list(mixed)[:n]


def where_from() -> str:
    """What `passages` are, for a table's notes."""
    if (DATA / "dl19").exists():
        return "Passages: MS MARCO passages, Cranfield abstracts, and MuSiQue and HotpotQA paragraphs in turns."
    return "Passages: cut from `examples/documents`; the test collections were not there."


def _sources() -> Sequence[Iterable[str]]:
    if not (DATA / "dl19").exists():
        folder = ROOT / "examples" / "documents"
        return [[p.text for p in read_folder(folder, Chunking(words, 0))] for words in (40, 80, 160, 320)]
    return [_dl19_texts(), _cranfield(), _paragraphs()]


def _dl19_texts() -> Iterator[str]:
    for stage in ("bm25", "tasb", "splade"):
        for each in json.loads((DATA / "dl19" / f"{stage}.json").read_text(encoding="utf-8")):
            yield from (hit["content"] for hit in each["hits"])


def _cranfield() -> Iterator[str]:
    text = (DATA / "cranfield" / "cran.all.1400").read_text(encoding="utf-8", errors="replace")
    for abstract in re.findall(r"^\.W\n(.*?)(?=^\.I |\Z)", text, flags=re.MULTILINE | re.DOTALL):
        if abstract.strip():
            yield " ".join(abstract.split())


def _paragraphs() -> Iterator[str]:
    folder = DATA / "multihop" / "hipporag_subset"
    for each in json.loads((folder / "musique_train_corpus.json").read_text(encoding="utf-8")):
        yield f"{each['title']}\n{each['text']}"
    for title, sentences in json.loads((folder / "hotpotqa_train_corpus.json").read_text(encoding="utf-8")).items():
        yield f"{title}\n{''.join(sentences)}"
