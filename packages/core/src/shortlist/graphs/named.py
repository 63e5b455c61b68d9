"""Graph builders from what a settings file or a trained network holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.errors import InputError
from shortlist.graphs.amr import Amr
from shortlist.graphs.builder import GraphBuilder
from shortlist.graphs.entities import Entities
from shortlist.graphs.keywords import Keywords
from shortlist.graphs.metadata import Metadata
from shortlist.graphs.neighbours import Neighbours

BUILDERS = {each.kind: each for each in (Keywords, Neighbours, Metadata, Entities, Amr)}
"""The classes of builders by their kind."""


def builder_from_dict(data: Mapping[str, Any]) -> GraphBuilder:
    """The builder of this `kind` with these settings.

    Raises:
        InputError: no builder is of this kind, or it has not such a setting.
        MissingExtra: it needs packages that are not installed.
    """
    settings = dict(data)
    kind = settings.pop("kind", None)
    if kind not in BUILDERS:
        raise InputError(f"no graph builder is of kind {kind!r}; there are {', '.join(BUILDERS)}")
    try:
        made: GraphBuilder = BUILDERS[kind](**settings)
    except TypeError as error:
        raise InputError(f"{kind}: {error}") from error
    return made
