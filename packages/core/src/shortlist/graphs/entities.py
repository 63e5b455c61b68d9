"""Edges between passages that name the same things."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

from shortlist.arrays import Matrix
from shortlist.errors import WeightsError, checked_count, require
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.graphs.overlap import overlap_graph
from shortlist.passage import Passage, texts

_UNREAD = ["textcat", "textcat_multilabel", "entity_linker", "spancat", "senter"]
_SILENT = {"ROOT", "dep", "punct", "det", "aux", "auxpass", "cc", "case", "mark", "expl"}
_PREPOSITIONS = {"prep", "agent", "dative"}
_BATCH = 64
_lock = threading.Lock()


class Meaning(NamedTuple):
    """What a text speaks of.

    Attributes:
        concepts: its named entities and noun phrases, as lemmas without stop words.
        relations: (head lemma, relation, dependent lemma); through a preposition its lemma is the relation.
    """

    concepts: frozenset[str]
    relations: frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Entities:
    """An edge where passages name the same things: spaCy's phrases for G-RAG's concepts, its parse for the relations.

    The first channel is the number of shared entities and noun phrases, the second that of shared dependency triples.
    Takes about 30 ms a passage on one core.

    Attributes:
        model: a spaCy pipeline: one that is installed, a name of `shortlist models list`, or a folder. Without a parser
            there are only entities, and no second channel.
        k: how many nearest ones of a passage count; None for all that share something, as in the paper.
    """

    kind: ClassVar[str] = "entities"
    needs_vectors: ClassVar[bool] = False

    model: str = "en_core_web_sm"
    k: int | None = 10

    def __post_init__(self) -> None:
        if self.k is not None:
            checked_count(self.k, "k")
        require("entities", "spacy")

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The graph; `vectors` are not read.

        Raises:
            WeightsError: the pipeline is not there.
        """
        found = meanings(_pipeline(self.model), texts(passages))
        return overlap_graph([each.concepts for each in found], [each.relations for each in found], self.k)


def meanings(pipeline: Any, documents: Sequence[str]) -> list[Meaning]:
    """What each text speaks of, by a `spacy.Language`."""
    with _lock:  # a pipeline grows its vocabulary as it reads, and is not made for threads
        parsed = pipeline.pipe(documents, batch_size=_BATCH)
        return [Meaning(frozenset(_concepts(each)), frozenset(_relations(each))) for each in parsed]


@cache
def _pipeline(model: str) -> Any:
    """Loaded once in a process."""
    import spacy

    from shortlist.models.catalogue import catalogue, find

    name = model.replace("_", "-")
    folder = find(name) if name in catalogue() else None
    try:
        return spacy.load(folder or model, exclude=_UNREAD)
    except OSError as error:
        raise WeightsError(f"no spaCy pipeline {model}: `shortlist models get en-core-web-sm` fetches one") from error


def _concepts(document: Any) -> Iterator[str]:
    for span in _spans(document):
        words = [_lemma(token) for token in span if _speaks(token)]
        if words:
            yield " ".join(words)


def _spans(document: Any) -> Iterable[Any]:
    """Entities, and noun phrases where pipeline and language have them."""
    phrases = document.has_annotation("DEP") and document.vocab.get_noun_chunks is not None
    return (*document.ents, *document.noun_chunks) if phrases else document.ents


def _relations(document: Any) -> Iterator[tuple[str, str, str]]:
    for token in document:
        head, relation = token.head, token.dep_
        if head.dep_ in _PREPOSITIONS and relation in ("pobj", "pcomp"):
            head, relation = head.head, _lemma(head)
        if relation and relation not in _SILENT and _speaks(token) and _speaks(head):
            yield _lemma(head), relation, _lemma(token)


def _speaks(token: Any) -> bool:
    return not (token.is_stop or token.is_punct or token.is_space)


def _lemma(token: Any) -> str:
    return str(token.lemma_ or token.text).lower()
