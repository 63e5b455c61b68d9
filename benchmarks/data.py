"""Real texts to measure on. Test collections are not part of the repository: without them the documents of the example.

They are looked for in the folder that `SHORTLIST_DATA` names, else beside the repository in `shared/data`.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


def dl19() -> Collection | None:
    """TREC Deep Learning 2019: 43 queries with 100 candidates of BM25 each."""
    path = DATA / "dl19"
    if not path.exists():
        return None
    queries, candidates = {}, {}
    for each in json.loads((path / "bm25.json").read_text(encoding="utf-8")):
        qid = str(each["hits"][0]["qid"])
        queries[qid] = each["query"]
        candidates[qid] = [Passage(h["content"], str(h["docid"]), float(h["score"])) for h in each["hits"]]
    grades: dict[str, dict[str, int]] = {qid: {} for qid in queries}
    for line in (path / "qrels.txt").read_text(encoding="utf-8").splitlines():
        qid, _, docid, grade = line.split()
        if qid in grades:
            grades[qid][docid] = int(grade)
    return Collection(queries, candidates, grades)


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
