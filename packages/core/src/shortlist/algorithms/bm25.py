"""BM25 over a list of candidates: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, eq. 3.15."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from shortlist.arrays import Floats

# Runs of letters, digits and the marks that join them (vowel signs of Indic scripts, accents that have no letter of
# their own); a character of a script that writes no spaces is a token by itself.
_ALONE = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_MARKS = "".join(chr(code) for code in range(0x300, 0x20F0) if unicodedata.category(chr(code)) in {"Mn", "Mc"})
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}][^\W{_ALONE}{_MARKS}]*(?:[{_MARKS}]+[^\W{_ALONE}{_MARKS}]*)*")


def tokenize(text: str) -> list[str]:
    """Words in lower case, in order."""
    return _TOKEN.findall(unicodedata.normalize("NFC", text).casefold())


def lucene_idf(document_count: float, document_frequency: float) -> float:
    """log(1 + (N - n + .5) / (n + .5)): Lucene's form, above 0 even for a term that every document has.

    Okapi's form, without the 1, is 0 or negative for a term in half the documents or more. Over a candidate list that
    is the rule and not the exception: the retriever chose the candidates because they have the query's terms.
    """
    return float(np.log1p((document_count - document_frequency + 0.5) / (document_frequency + 0.5)))


def bm25_scores(
    query: Sequence[str],
    documents: Sequence[Sequence[str]],
    *,
    k1: float = 1.2,
    b: float = 0.75,
    idf: Mapping[str, float] | None = None,
    average_length: float | None = None,
) -> Floats:
    """BM25 of each document (a list of tokens) for the query's tokens, shape (n,).

    Idf and average length are those of the candidates, unless given for a corpus. A query token counts as often as it
    stands in the query. Terms that `idf` does not know add nothing.
    """
    lengths = np.fromiter(map(len, documents), dtype=np.float64, count=len(documents))
    average = average_length or (float(lengths.mean()) if len(documents) else 0.0) or 1.0
    norm = k1 * (1.0 - b + b * lengths / average)
    scores = np.zeros(len(documents))
    for term, count in Counter(query).items():
        tf = np.fromiter((document.count(term) for document in documents), dtype=np.float64, count=len(documents))
        weight = lucene_idf(len(documents), float((tf > 0).sum())) if idf is None else idf.get(term, 0.0)
        # Equation 3.15 without its constant factor (k1 + 1), as Lucene has it: the order is the same.
        scores += count * weight * np.divide(tf, tf + norm, out=np.zeros_like(tf), where=tf > 0)
    return scores
