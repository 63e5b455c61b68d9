"""Edges between passages whose Abstract Meaning Representations have something in common: G-RAG's own graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, ClassVar, NamedTuple

from shortlist.arrays import Matrix
from shortlist.errors import InputError, checked_count, require
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.graphs.overlap import overlap_graph
from shortlist.passage import Passage

_SENSE = re.compile(r"[a-z]-\d\d$")
QUESTION = "question"
"""The concept that a parser gives for the word before the colon in `joint_text`."""


class Meaning(NamedTuple):
    """One or more AMR graphs as nodes and edges.

    Attributes:
        labels: of each node: a concept without its sense (`get-01` is `get`), or a constant, such as a part of a name.
        edges: source node, role, target node; inverse roles are turned round.
    """

    labels: tuple[str, ...]
    edges: tuple[tuple[int, str, int], ...]

    @property
    def concepts(self) -> frozenset[str]:
        """The labels of its nodes."""
        return frozenset(filter(None, self.labels))

    @property
    def relations(self) -> frozenset[tuple[str, str, str]]:
        """Its edges by the labels of their ends."""
        return frozenset((self.labels[a], role, self.labels[b]) for a, role, b in self.edges)


@dataclass(frozen=True)
class Amr:
    """An edge where the AMRs of two passages share a concept. G-RAG, arXiv 2405.18414, section 3.2.

    The channels are the numbers of shared concepts and of shared edges (source concept, role, target concept). The AMRs
    are PENMAN texts in the passages' metadata: of question and passage together (`joint_text`), as in the paper, or of
    the passage alone, which can be made beforehand. A passage without one has no edges.

    Attributes:
        key: of the metadata that holds the AMR: one text, which may have several graphs, or a list of texts.
        question_key: of the metadata that holds the question's AMR, where passages were parsed alone.
        k: how many nearest ones of a passage count; None for all that share a concept, as in the paper.
    """

    kind: ClassVar[str] = "amr"
    needs_vectors: ClassVar[bool] = False

    key: str = "amr"
    question_key: str = "question_amr"
    k: int | None = None

    def __post_init__(self) -> None:
        if self.k is not None:
            checked_count(self.k, "k")
        require("amr", "penman")

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The graph; `vectors` are not read.

        Raises:
            InputError: an AMR cannot be read.
        """
        found = [self._meaning(i, passage, self.key) for i, passage in enumerate(passages)]
        return overlap_graph([each.concepts for each in found], [each.relations for each in found], self.k)

    def node_texts(self, passages: Sequence[Passage]) -> list[str]:
        """What the paper embeds for each passage: its text, then the concepts on paths from the question.

        Raises:
            InputError: an AMR cannot be read.
        """
        return [" ".join([each.text, *self._on_paths(i, each)]) for i, each in enumerate(passages)]

    def _on_paths(self, index: int, passage: Passage) -> list[str]:
        asked = self._meaning(index, passage, self.question_key).concepts or {QUESTION}
        return concepts_on_paths(self._meaning(index, passage, self.key), asked)

    def _meaning(self, index: int, passage: Passage, key: str) -> Meaning:
        value = passage.metadata.get(key) or ()
        written = [value] if isinstance(value, str) else value
        try:
            return meaning("\n\n".join(written))
        except (TypeError, ValueError) as error:
            raise InputError(f"the {key} of passage {index} is no AMR in PENMAN notation: {error}") from error


def joint_text(question: str, text: str) -> str:
    """What the paper has parsed for one passage."""
    return f"{QUESTION}:{question} {text}"


@lru_cache(maxsize=1024)  # a question's AMR is read with every passage, a passage's for edges and for text
def meaning(penman_text: str) -> Meaning:
    """The graphs in a PENMAN text, side by side; an empty text has none.

    Raises:
        ValueError: it cannot be read.
    """
    import penman

    try:
        graphs = list(penman.iterdecode(penman_text))
    except penman.PenmanError as error:
        raise ValueError(str(error).strip().splitlines()[-1]) from error
    if not graphs and penman_text.strip():
        raise ValueError(f"no graph in {penman_text.strip()[:40]!r}")
    return _side_by_side(graphs)


def _side_by_side(graphs: Sequence[Any]) -> Meaning:
    labels: list[str] = []
    edges: list[tuple[int, str, int]] = []
    for graph in graphs:
        places: dict[str, int] = {}
        for variable, _, concept in graph.instances():
            places[variable] = len(labels)
            labels.append(_without_sense(concept or ""))
        edges += [(places[a], role, places[b]) for a, role, b in graph.edges()]
        for source, role, constant in graph.attributes():
            if any(map(str.isalnum, str(constant))):  # `:wiki -` and `:polarity -` name nothing
                edges.append((places[source], role, len(labels)))
                labels.append(str(constant).strip('"'))
    return Meaning(tuple(labels), tuple(edges))


def _without_sense(concept: str) -> str:
    """A sense is a number of two digits: `get-01`."""
    return concept[:-3] if _SENSE.search(concept) else concept


def concepts_on_paths(found: Meaning, sources: Iterable[str]) -> list[str]:
    """The concepts on shortest paths from the nodes of these labels, along edges in either direction.

    Only paths that are part of no other are walked. Each concept is told once, where it is first met; those of the
    sources themselves are known from the question and left out. Both were not verified against the paper.
    """
    begun = {*sources}
    starts = [node for node, label in enumerate(found.labels) if label in begun]
    paths = chain.from_iterable(_longest_paths(_neighbours(found), starts))
    return [label for label in dict.fromkeys(found.labels[node] for node in paths) if label not in begun]


def _neighbours(found: Meaning) -> Mapping[int, Sequence[int]]:
    beside: dict[int, list[int]] = {node: [] for node in range(len(found.labels))}
    for source, _, target in found.edges:
        beside[source].append(target)
        beside[target].append(source)
    return beside


def _longest_paths(beside: Mapping[int, Sequence[int]], starts: Sequence[int]) -> Iterator[list[int]]:
    """To each leaf of the tree of shortest paths, whose own paths hold all others."""
    before: dict[int, int | None] = dict.fromkeys(starts)
    reached = list(starts)
    for node in reached:  # grows as it is walked
        new = [each for each in dict.fromkeys(beside[node]) if each not in before]
        before |= dict.fromkeys(new, node)
        reached += new
    passed = {*before.values()}
    yield from (_path(before, node) for node in reached if node not in passed)


def _path(before: Mapping[int, int | None], end: int) -> list[int]:
    """From a start to this node."""
    path: list[int] = []
    node: int | None = end
    while node is not None:
        path.append(node)
        node = before[node]
    return path[::-1]
