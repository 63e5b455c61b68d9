"""Graphs of passages as values, and what builds them. NetworkX only where a graph object of its is asked for."""

from shortlist.graphs.builder import GraphBuilder
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.graphs.keywords import Keywords
from shortlist.graphs.metadata import Metadata
from shortlist.graphs.neighbours import Neighbours

__all__ = ["DocumentGraph", "GraphBuilder", "Keywords", "Metadata", "Neighbours"]
