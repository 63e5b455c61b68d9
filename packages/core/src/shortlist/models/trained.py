"""Networks trained by `shortlist train`: a folder with their settings and weights, and the door to them.

The folder holds `config.json`, `model.safetensors` and a model card. Scoring takes NumPy only; torch is for training.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as as_bytes

from shortlist.algorithms.dynamic_k import DepthSizes, depth_chances
from shortlist.algorithms.ebcar import EbcarSizes, ebcar_prepared, ebcar_scores
from shortlist.algorithms.graph_network import GraphSizes, graph_network
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.hybrank import HybridSizes, hybrank
from shortlist.algorithms.networks import Tensors, check_tensors
from shortlist.arrays import Floats, Vector
from shortlist.errors import InputError, WeightsError
from shortlist.models.base import ListScorer, VectorSpace
from shortlist.models.weights import check, locate
from shortlist.plan import Call, Reply

CONFIG, WEIGHTS, FORMAT = "config.json", "model.safetensors", 1
_SHIPPED = Path(__file__).parent / "shipped"
_PROBE = "probe"


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes:
        sizes: the dataclass of its sizes; its `shapes()` are those of the tensors, by name.
        forward: scores from a network that is prepared, and the inputs of one list.
        ready: puts tensors of the right shapes in order for `forward`, once.
    """

    sizes: type[Any]
    forward: Callable[[Any, Any], Floats]
    ready: Callable[[Tensors, Any], Any] = lambda tensors, sizes: (tensors, sizes)

    def prepare(self, tensors: Tensors, sizes: Any) -> Any:
        """What `forward` reads for each list.

        Raises:
            ValueError: a tensor is missing, of another shape, or none of this network's.
        """
        shapes = sizes.shapes()
        check_tensors(tensors, shapes)
        if strange := sorted(tensors.keys() - shapes.keys()):
            raise ValueError(f"tensors that no such network has: {', '.join(strange[:5])}")
        return self.ready(tensors, sizes)


def _unprepared(forward: Callable[..., Floats]) -> Callable[[Any, Any], Floats]:
    """The forward pass of a network that is its tensors and its sizes, as they are."""
    return lambda network, inputs: forward(*network, inputs)


ARCHITECTURES: Mapping[str, Architecture] = {
    "dynamic-k": Architecture(DepthSizes, _unprepared(depth_chances)),
    "ebcar": Architecture(EbcarSizes, ebcar_scores, ebcar_prepared),
    "g-rag": Architecture(GraphSizes, _unprepared(graph_network)),
    "hybrid": Architecture(HybridSizes, _unprepared(hybrank)),
}


@dataclass(frozen=True, eq=False)
class Trained:
    """What a folder of trained weights says.

    Attributes:
        network: the name of the reranker that it is for.
        sizes: of the network, as its architecture has them.
        guard: what keeps its order near the one before.
        vectors: whose vectors it reads; None for any embedder's.
        settings: of the reranker that it was trained with, such as a graph builder, as a settings file has them.
        training: how it was trained: for readers, nothing is computed from it.
    """

    network: str
    sizes: Any
    guard: Guard
    vectors: VectorSpace | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


def save(folder: Path, trained: Trained, tensors: Tensors, *, half: bool = True) -> None:
    """Write the folder. `half` keeps the weights in 16 bits, which is half of the space and about 3 digits."""
    kind = np.float16 if half else np.float32
    arrays = {name: np.ascontiguousarray(array, dtype=kind) for name, array in tensors.items()}
    space = trained.vectors
    probe = {} if space is None else {_PROBE: np.asarray(space.probe, dtype=np.float32)}
    folder.mkdir(parents=True, exist_ok=True)
    # safetensors' own `save_file` makes a file that nobody else may read.
    (folder / WEIGHTS).write_bytes(as_bytes({**arrays, **probe}))
    config = {
        "format": FORMAT,
        "network": trained.network,
        "sizes": asdict(trained.sizes),
        "guard": trained.guard._asdict(),
        "embedder": None if space is None else {"names": list(space.names), "fingerprint": space.fingerprint},
        "settings": dict(trained.settings),
        "training": dict(trained.training),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


@cache
def read(folder: Path) -> tuple[Trained, Any]:
    """What is in the folder: what it says, and the network, prepared.

    Raises:
        WeightsError: a file is missing or unreadable, or is not of a network that is known here, or not of its sizes.
    """
    try:
        config = _config(folder)
        tensors = {name: array.astype(np.float32) for name, array in load_file(folder / WEIGHTS).items()}
        probe = tensors.pop(_PROBE, None)
        trained = _trained(config, probe)
        return trained, ARCHITECTURES[trained.network].prepare(tensors, trained.sizes)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise WeightsError(f"no readable trained network in {folder.name}: {error}") from error


def _config(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))


def _trained(config: Mapping[str, Any], probe: Vector | None) -> Trained:
    if config["format"] != FORMAT or config["network"] not in ARCHITECTURES:
        raise ValueError(f"it is of format {config['format']} and for {config['network']!r}")
    space = config["embedder"]
    if (space is None) != (probe is None):
        raise ValueError("it names an embedder without a probe, or has a probe without one")
    return Trained(
        network=config["network"],
        sizes=ARCHITECTURES[config["network"]].sizes(**config["sizes"]),
        guard=Guard(**config["guard"]),
        vectors=None if probe is None else VectorSpace(tuple(space["names"]), space["fingerprint"], probe),
        settings=config["settings"],
        training=config["training"],
    )


@cache  # asked for with every query, and the package does not change under way
def shipped() -> Mapping[str, Path]:
    """The networks that come with the package: their folders by name."""
    return MappingProxyType({path.parent.name: path.parent for path in sorted(_SHIPPED.glob(f"*/{CONFIG}"))})


@dataclass(frozen=True)
class TrainedNetwork(ListScorer):
    """A network from a folder that `shortlist train` wrote.

    Attributes:
        weights: a name of those that come with the package, a folder, or a hub id.
    """

    weights: str

    def __post_init__(self) -> None:
        if self.weights not in shipped():
            check(self.weights)

    @property
    def label(self) -> str:
        """The name of the weights."""
        return self.weights

    @property
    def network(self) -> str:
        """The name of the reranker that it was trained for."""
        return self.trained.network

    @property
    def guard(self) -> Guard:
        """What keeps its order near the one before."""
        return self.trained.guard

    @property
    def vectors(self) -> VectorSpace | None:
        """Whose vectors it reads; None when it takes those of any embedder."""
        return self.trained.vectors

    @property
    def trained(self) -> Trained:
        """What the folder says.

        Raises:
            WeightsError: it is not there, or not readable.
        """
        return read(self._folder())[0]

    def warm_up(self) -> None:
        """Read the weights."""
        read(self._folder())

    def answer(self, payloads: Sequence[Any], call: Call) -> list[Reply[Floats]]:
        """The scores of each list, shape (n,)."""
        trained, network = read(self._folder())
        forward = ARCHITECTURES[trained.network].forward
        call.batches += len(payloads)
        return [Reply(forward(network, payload)) for payload in payloads]

    def _folder(self) -> Path:
        return shipped().get(self.weights) or locate(self.weights)


@cache
def shipped_for(network: str, embedder: str | None) -> TrainedNetwork:
    """The network of this kind that comes with the package, for an embedder of this label or for any.

    Raises:
        InputError: there is none; the message says what there is.
    """
    told = {name: _config(folder) for name, folder in shipped().items()}  # the weights of the others are not read
    spaces = {name: config["embedder"] for name, config in told.items() if config["network"] == network}
    found = next((name for name, space in spaces.items() if space is None or embedder in space["names"]), None)
    if found is None:
        names = ", ".join(space["names"][0] for space in spaces.values() if space)
        raise InputError(
            f"no {network} network comes with the package for {embedder}, only for {names or 'none'}:"
            f" `shortlist train {network}` makes one"
        )
    return TrainedNetwork(found)
