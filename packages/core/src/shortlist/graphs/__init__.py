"""Graphs of passages as values, and what builds them. NetworkX only where a graph object of its is asked for."""

from shortlist.graphs.amr import Amr
from shortlist.graphs.builder import GraphBuilder
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.graphs.entities import Entities
from shortlist.graphs.keywords import Keywords
from shortlist.graphs.metadata import Metadata
from shortlist.graphs.named import builder_from_dict
from shortlist.graphs.neighbours import Neighbours

__all__ = [
    "Amr",
    "DocumentGraph",
    "Entities",
    "GraphBuilder",
    "Keywords",
    "Metadata",
    "Neighbours",
    "builder_from_dict",
]
