"""All kinds of subtopics: what a settings file may name."""

from __future__ import annotations

from typing import TypeAlias

from shortlist.subtopics.aspects import Subtopics
from shortlist.subtopics.clusters import Clusters
from shortlist.subtopics.elements import Elements
from shortlist.subtopics.sub_queries import SubQueries
from shortlist.subtopics.topics import Topics

AnySubtopics: TypeAlias = Clusters | Topics | SubQueries | Elements | Subtopics
