"""Int8 forms of an encoder graph that keep every score independent of what else is in the batch.

Weights are int8 with one scale per output channel, activations uint8 with one scale per token, measured as they come
(token-wise quantisation of ZeroQuant, Yao et al. 2022, section 4.1). The usual dynamic quantisation measures one scale
over the whole batch instead: 5 % faster, but a passage's score then moves with its neighbours, and the error is more
than twice as large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from shortlist.nets.encoder_graph import FUSED

# Without VNNI, AVX2 sums a pair of uint8 x int8 products in 16 bits: 2 * 255 * 63 stays below 2 ** 15.
WEIGHT_LEVELS = 63


@dataclass(frozen=True)
class _Range:
    """How states are laid over the 256 levels: the level of zero, the least scale, and whether the peak is signed."""

    zero: int
    least_scale: float
    signed: bool


# GELU is never below -0.17, so nearly all levels can serve its positive side.
_SYMMETRIC, _GELU = _Range(128, 1e-12, signed=True), _Range(32, 0.17 / 32, signed=False)


def quantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with the products of its layers' states and weights in int8.

    Embeddings, attention, norms and the head stay fp32.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    multiplied = {node.input[0] for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in weights}
    gelus = {node.output[0] for node in model.graph.node if node.op_type in {"BiasGelu", "FastGelu"}}
    int8 = _Int8Graph()
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            states, weight = node.input[0], numpy_helper.to_array(weights.pop(node.input[1]))
            int8.multiply(states, _GELU if states in gelus else _SYMMETRIC, weight, node.output[0])
        else:
            int8.nodes.append(_by_tanh(node) if node.output[0] in multiplied else node)
    constants = [*weights.values(), *int8.constants.values()]
    graph = model.graph
    graph = helper.make_graph(int8.nodes, graph.name, graph.input, graph.output, constants)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


class _Int8Graph:
    """The nodes and constants so far. States that several products read are quantised once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._quantised: set[str] = set()

    def multiply(self, states: str, range_: _Range, weight: NDArray[np.float32], result: str) -> None:
        """`states @ weight` in integers, scaled back by channel (inside the product) and by token."""
        if states not in self._quantised:
            self._quantise(states, range_, len(weight))
        levels, scales = _by_channel(weight)
        operands = [
            f"{states}/levels",
            self._constant(f"{result}/weight", levels),
            self._constant("one", np.float32(1)),
            self._constant(f"{result}/scales", scales),
            self._constant(f"zero/{range_.zero}", np.uint8(range_.zero)),
        ]
        self._node("MatMulIntegerToFloat", operands, f"{result}/by_channel", {}, FUSED)
        self._node("Mul", [f"{result}/by_channel", f"{states}/scale_column"], f"{result}/flat")
        width = self._constant(f"width/{weight.shape[1]}", np.array([weight.shape[1]]))
        self._node("Concat", [f"{states}/leading", width], f"{result}/shape", {"axis": 0})
        self._node("Reshape", [f"{result}/flat", f"{result}/shape"], result)

    def _quantise(self, states: str, range_: _Range, width: int) -> None:
        """Levels [tokens of the batch, width], one scale per token: `states = scale * (level - zero)`."""
        self._quantised.add(states)
        self._node("Shape", [states], f"{states}/leading", {"end": -1})
        shape = self._constant(f"rows/{width}", np.array([-1, width]))
        flat = self._node("Reshape", [states, shape], f"{states}/rows")
        scale = self._scale(states, flat, range_)
        self._node("Unsqueeze", [scale, self._constant("last", np.array([-1]))], f"{states}/scale_column")
        tokens = self._node("Shape", [scale], f"{states}/tokens")
        zero = self._constant(f"zero/{range_.zero}", np.uint8(range_.zero))
        zeros = self._node("Expand", [zero, tokens], f"{states}/zeros")
        self._node("QuantizeLinear", [flat, scale, zeros], f"{states}/levels", {"axis": 0})

    def _scale(self, states: str, flat: str, range_: _Range) -> str:
        size = self._node("Abs", [flat], f"{states}/size") if range_.signed else flat
        peak = self._node("ReduceMax", [size], f"{states}/peak", {"axes": [-1], "keepdims": 0})
        step = self._constant(f"step/{range_.zero}", np.float32(1 / (255 - range_.zero)))
        least = self._constant(f"least/{range_.zero}", np.float32(range_.least_scale))
        return self._node("Max", [self._node("Mul", [peak, step], f"{states}/step"), least], f"{states}/scale")

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def _node(
        self,
        kind: str,
        inputs: list[str],
        output: str,
        attributes: Mapping[str, int | list[int]] = MappingProxyType({}),
        domain: str = "",
    ) -> str:
        node = helper.make_node(kind, inputs, [output], name=output, domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return output


def _by_tanh(node: onnx.NodeProto) -> onnx.NodeProto:
    """GELU in its tanh form, a third faster and off by under a tenth of a level; other nodes stay."""
    if node.op_type != "BiasGelu":
        return node
    return helper.make_node("FastGelu", node.input, node.output, name=node.name, domain=FUSED)


def _by_channel(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Levels and scales with `weight = levels * scales`, one scale per output channel."""
    scales = np.maximum(np.abs(weight).max(axis=0) / WEIGHT_LEVELS, np.finfo(np.float32).tiny)
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)
