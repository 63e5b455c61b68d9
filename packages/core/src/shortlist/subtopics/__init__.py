"""What a query has to it: aspects that a diverse selection should cover, and which passage answers which."""

from __future__ import annotations

from shortlist.subtopics.aspects import Aspects, Subtopics
from shortlist.subtopics.clusters import Clusters
from shortlist.subtopics.elements import Elements
from shortlist.subtopics.kinds import AnySubtopics
from shortlist.subtopics.sub_queries import SubQueries
from shortlist.subtopics.topics import Topics

__all__ = ["AnySubtopics", "Aspects", "Clusters", "Elements", "SubQueries", "Subtopics", "Topics"]
