"""BM25 over the candidates: the second stage of LeSeR."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shortlist.algorithms.bm25 import bm25_scores, lucene_idf, tokenize
from shortlist.errors import InputError
from shortlist.passage import Passage, texts
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker, Source


@dataclass(frozen=True)
class CorpusStatistics:
    """What BM25 must know of a corpus.

    Attributes:
        document_count: how many documents it has.
        average_length: in tokens.
        document_frequencies: in how many documents each token stands.
    """

    document_count: int
    average_length: float
    document_frequencies: Mapping[str, int]

    def __hash__(self) -> int:
        return hash((self.document_count, self.average_length))

    @classmethod
    def of(cls, documents: Iterable[str]) -> CorpusStatistics:
        """Count them over the texts of a corpus."""
        frequencies: Counter[str] = Counter()
        count = length = 0
        for document in documents:
            tokens = tokenize(document)
            frequencies.update(set(tokens))
            count, length = count + 1, length + len(tokens)
        return cls(count, length / max(1, count), dict(frequencies))

    @classmethod
    def load(cls, path: str | Path) -> CorpusStatistics:
        """The statistics that `save` wrote."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))

    def save(self, path: str | Path) -> None:
        """Write them as JSON."""
        Path(path).write_text(json.dumps(vars(self), ensure_ascii=False), encoding="utf-8")

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """Lucene's idf of each term; one that the corpus has not seen is as rare as can be."""
        return {t: lucene_idf(self.document_count, self.document_frequencies.get(t, 0)) for t in set(terms)}


@dataclass(frozen=True)
class Lexical(Reranker):
    """BM25 over the candidates, with Lucene's idf counted over them, or with the statistics of a corpus.

    Attributes:
        k1: how soon more occurrences of a term stop to count.
        b: how much a long passage is held back, in [0, 1].
        statistics: of the corpus that the candidates come from; None counts over the candidates.
    """

    name = "lexical"
    source = Source("The Probabilistic Relevance Framework: BM25 and Beyond", "Foundations and Trends in IR 3(4)", 2009)

    k1: float = 1.2
    b: float = 0.75
    statistics: CorpusStatistics | None = None

    def __post_init__(self) -> None:
        if not (self.k1 >= 0.0 and 0.0 <= self.b <= 1.0):
            raise InputError(f"k1 must be 0 or more and b in [0, 1], not {self.k1} and {self.b}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing."""
        yield from ()
        terms = tokenize(query)
        corpus = self.statistics
        scores = bm25_scores(
            terms,
            [tokenize(text) for text in texts(passages)],
            k1=self.k1,
            b=self.b,
            idf=None if corpus is None else corpus.idf(terms),
            average_length=None if corpus is None else corpus.average_length,
        )
        return Ranking.by_score(passages, scores, "utility")
