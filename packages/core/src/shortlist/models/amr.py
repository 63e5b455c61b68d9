"""Parsers of English into Abstract Meaning Representation."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from shortlist.errors import InputError, ModelError, ShortlistError, require
from shortlist.models.weights import digest
from shortlist.plan import Call, Missing, Model, Plan, Reply, votes


class AmrParser(Model[str, str], ABC):
    """A text to its AMR in PENMAN notation."""

    kind: ClassVar[str] = "amr_parser"

    def parse(self, texts: Sequence[str]) -> Plan[list[str | Missing]]:
        """Ask for the AMR of each text; one that could not be parsed is missing."""
        return votes(self, texts)

    def fault(self, value: str) -> str | None:
        """Why this is no AMR, or None."""
        text: object = value
        good = isinstance(text, str) and text.lstrip().startswith(("(", "#"))
        return None if good else f"no PENMAN notation: {repr(value)[:60]}"


@dataclass(frozen=True)
class AmrlibParser(AmrParser):
    """A sentence-to-graph model of amrlib, from a folder: amrlib hands models out by itself, and none is fetched here.

    Attributes:
        folder: of the model, as amrlib unpacks it.
        device: as torch names it; None for a GPU where there is one.
        beams: how many readings are followed; 1 is about four times as fast as amrlib's own 4.
        batch: texts that are read together.
    """

    folder: str
    device: str | None = None
    beams: int = 1
    batch: int = 32

    def __post_init__(self) -> None:
        if not Path(self.folder).is_dir() or min(self.beams, self.batch) < 1:
            raise InputError(f"needs the folder of an amrlib model, and beams and batch of 1 or more: {self.folder}")
        require("amr-parser", "amrlib")

    @property
    def fingerprint(self) -> str:
        """Weights and beams."""
        return f"amrlib:{digest(Path(self.folder).resolve())}:{self.beams}"

    def warm_up(self) -> None:
        """Load the model."""
        _loaded(self)

    def answer(self, payloads: Sequence[str], call: Call) -> list[Reply[str] | ShortlistError]:
        """One PENMAN text each; a text that could not be parsed is an error."""
        replies: list[Reply[str] | ShortlistError] = []
        for start in range(0, len(payloads), self.batch):
            call.batches += 1
            graphs = _loaded(self).parse_sents(list(payloads[start : start + self.batch]), add_metadata=False)
            replies += [ModelError("amrlib found no graph") if graph is None else Reply(str(graph)) for graph in graphs]
        return replies


@cache
def _loaded(parser: AmrlibParser) -> Any:
    import amrlib

    device = {} if parser.device is None else {"device": parser.device}
    return amrlib.load_stog_model(parser.folder, batch_size=parser.batch, num_beams=parser.beams, **device)
