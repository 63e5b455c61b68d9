"""What tests of all packages share: small networks in folders, and servers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from shortlist.algorithms.ebcar import EbcarSizes
from shortlist.algorithms.graph_network import GraphSizes
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.hybrank import HybridSizes
from shortlist.algorithms.similarity import unit_rows
from shortlist.models import clients
from shortlist.models.base import PROBE, Text, VectorSpace
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import Trained, save
from shortlist.plan import Call

MakeNetwork = Callable[..., str]


def _space(width: int, *, another: bool) -> VectorSpace:
    (reply,) = HashEmbedder(width).answer([Text(PROBE)], Call())
    probe = -reply.value if another else reply.value
    return VectorSpace(("another" if another else "hash",), f"hash:{width}{another}", unit_rows(probe[None])[0])


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Servers on this machine are asked without a proxy or a key; the clients are closed in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    yield
    clients.close_clients()


@pytest.fixture
def network_folder(tmp_path: Path) -> MakeNetwork:
    """Makes the folder of a network that nobody trained, for vectors of `HashEmbedder(width)` or of another embedder.

    Its scores are arbitrary, depend on all that such a network reads, and are not guarded.
    """

    def make(name: str, width: int, *, another: bool = False) -> str:
        sizes = {
            "ebcar": EbcarSizes(width, 2, 4, 8, 1, 8),
            "g-rag": GraphSizes(width, 8, sage=True),
            "hybrid": HybridSizes(8, 2, 12, column_layers=1, positions=0),
        }[name]
        rng = np.random.default_rng(3)
        tensors = {key: rng.normal(0.0, 0.5, shape).astype(np.float32) for key, shape in sizes.shapes().items()}
        settings = {"builder": {"kind": "metadata"}} if name == "g-rag" else {}
        folder = tmp_path / name
        save(folder, Trained(name, sizes, Guard(), _space(width, another=another), settings), tensors)
        return str(folder)

    return make
