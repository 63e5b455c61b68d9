"""Folders of documents as passages, and a first stage that finds candidates among them.

from shortlist.documents import first_stage, read_folder

candidates = first_stage("how do locks work?", read_folder("guides"), k=50)
"""

from __future__ import annotations

from shortlist.documents.chunks import Chunking
from shortlist.documents.first_stage import FirstStage, first_stage
from shortlist.documents.folder import read_folder

__all__ = ["Chunking", "FirstStage", "first_stage", "read_folder"]
