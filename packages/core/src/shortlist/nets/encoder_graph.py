"""BERT-family encoders as ONNX graphs for CPU inference, built from the weights without torch.

The graph differs from an exported one in two ways, both exact. A head that reads the first token only makes the last
layer compute that token only (keys and values still of all tokens). And GELU with its bias, and attention with its bias
and mask, are one fused operator of ONNX Runtime each.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from shortlist.errors import WeightsError
from shortlist.nets.checkpoint import Array, Encoder, Layer, Linear, Norm, read_encoder

FUSED = "com.microsoft"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Head(StrEnum):
    """What the graph gives for a sequence: its logits, or a unit vector pooled from its tokens."""

    CLASSIFY = "classify"
    MEAN = "mean"
    FIRST = "first"


def build_encoder(folder: Path, head: Head) -> onnx.ModelProto:
    """The network of a Hugging Face folder with one head, fp32.

    Inputs are `input_ids`, `attention_mask` and `token_type_ids`, int64 [batch, tokens]; padding is on the right.
    Output is `logits` [batch, labels] or `embedding` [batch, dimension], of length one.

    Raises:
        WeightsError: the architecture is not supported, or the folder has no such head.
    """
    return encoder_graph(read_encoder(folder), head)


def encoder_graph(encoder: Encoder, head: Head) -> onnx.ModelProto:
    """The same, from weights already read."""
    graph = _Graph()
    states = _embed(graph, encoder)
    mask = graph.node("Cast", ["attention_mask"], {"to": TensorProto.INT32})
    for layer in encoder.layers[:-1]:
        states = _layer(graph, encoder, layer, states, states, mask)
    last = encoder.layers[-1]
    if head is Head.MEAN:
        return graph.model("embedding", _unit(graph, _mean(graph, _layer(graph, encoder, last, states, states, mask))))
    first = graph.node("Gather", [states, graph.constant(np.array([0]))], {"axis": 1})
    pooled = graph.node("Squeeze", [_layer(graph, encoder, last, first, states, mask), graph.constant(np.array([1]))])
    if head is Head.FIRST:
        return graph.model("embedding", _unit(graph, pooled))
    return graph.model("logits", _classify(graph, encoder, pooled))


def _embed(graph: _Graph, encoder: Encoder) -> str:
    words = graph.node("Gather", [graph.constant(encoder.words), "input_ids"])
    positions = graph.node("Gather", [graph.constant(encoder.positions), _positions(graph, encoder.padding_id)])
    total = graph.node("Add", [words, positions])
    if encoder.token_types is not None:
        types = graph.node("Gather", [graph.constant(encoder.token_types), "token_type_ids"])
        total = graph.node("Add", [total, types])
    states = _normalise(graph, encoder.epsilon, encoder.embedding_norm, total)
    if encoder.projection is None:
        return states
    return graph.node("Add", [_matmul(graph, encoder.projection, states), graph.constant(encoder.projection.bias)])


def _positions(graph: _Graph, padding_id: int | None) -> str:
    """Position ids: 0, 1, 2, ...; or RoBERTa's, which count tokens and start after the padding id."""
    if padding_id is None:
        length = graph.node("Gather", [graph.node("Shape", ["input_ids"]), graph.constant(np.array(1))])
        return graph.node("Range", [graph.constant(np.array(0)), length, graph.constant(np.array(1))])
    padding = graph.constant(np.array(padding_id))
    is_token = graph.node("Not", [graph.node("Equal", ["input_ids", padding])])
    ones = graph.node("Cast", [is_token], {"to": TensorProto.INT64})
    counted = graph.node("Mul", [graph.node("CumSum", [ones, graph.constant(np.array(1))]), ones])
    return graph.node("Add", [counted, padding])


def _layer(graph: _Graph, encoder: Encoder, layer: Layer, states: str, context: str, mask: str) -> str:
    """One layer for the tokens in `states`, which attend to all those in `context`."""
    attended = _attend(graph, encoder.heads, layer, states, context, mask)
    projected = _matmul(graph, layer.attended, attended)
    states = _add_norm(graph, encoder.epsilon, layer.attended_norm, projected, states, layer.attended.bias)
    inner = _activate(graph, encoder.activation, _matmul(graph, layer.inner, states), layer.inner.bias)
    outer = _matmul(graph, layer.outer, inner)
    return _add_norm(graph, encoder.epsilon, layer.outer_norm, outer, states, layer.outer.bias)


def _attend(graph: _Graph, heads: int, layer: Layer, states: str, context: str, mask: str) -> str:
    query = _matmul(graph, layer.query, states)
    key, value = _matmul(graph, layer.key, context), _matmul(graph, layer.value, context)
    bias = graph.constant(np.concatenate([layer.query.bias, layer.key.bias, layer.value.bias]))
    return graph.node("MultiHeadAttention", [query, key, value, bias, mask], {"num_heads": heads}, FUSED)


def _add_norm(graph: _Graph, epsilon: float, norm: Norm, states: str, residual: str, bias: Array) -> str:
    total = graph.node("Add", [graph.node("Add", [states, graph.constant(bias)]), residual])
    return _normalise(graph, epsilon, norm, total)


def _normalise(graph: _Graph, epsilon: float, norm: Norm, states: str) -> str:
    """Layer normalisation; ONNX Runtime's SkipLayerNormalization is several times slower on CPU than this and a sum."""
    inputs = [states, graph.constant(norm.gain), graph.constant(norm.shift)]
    return graph.node("LayerNormalization", inputs, {"axis": -1, "epsilon": epsilon})


def _activate(graph: _Graph, activation: str, states: str, bias: Array) -> str:
    """The activation of `states + bias`; GELU by the error function or by tanh, as the checkpoint was trained."""
    added = graph.constant(bias)
    match activation:
        case "gelu":
            return graph.node("BiasGelu", [states, added], domain=FUSED)
        case "gelu_new" | "gelu_pytorch_tanh":
            return graph.node("FastGelu", [states, added], domain=FUSED)
        case "relu" | "tanh":
            return graph.node(activation.capitalize(), [graph.node("Add", [states, added])])
    raise WeightsError(f"activation {activation!r} is not supported")


def _mean(graph: _Graph, states: str) -> str:
    """Mean over the tokens that are not padding."""
    weights = graph.node("Cast", ["attention_mask"], {"to": TensorProto.FLOAT})
    axis = graph.constant(np.array([1]))
    total = graph.node("Squeeze", [graph.node("MatMul", [graph.node("Unsqueeze", [weights, axis]), states]), axis])
    return graph.node("Div", [total, graph.node("ReduceSum", [weights, axis], {"keepdims": 1})])


def _unit(graph: _Graph, vectors: str) -> str:
    return graph.node("LpNormalization", [vectors], {"axis": -1, "p": 2})


def _classify(graph: _Graph, encoder: Encoder, pooled: str) -> str:
    if encoder.classifier is None:
        raise WeightsError("the checkpoint has no sequence classification head")
    dense, projection = encoder.classifier
    hidden = graph.node("Gemm", [pooled, graph.constant(dense.weight)])
    active = _activate(graph, encoder.classifier_activation, hidden, dense.bias)
    return graph.node("Gemm", [active, graph.constant(projection.weight), graph.constant(projection.bias)])


def _matmul(graph: _Graph, linear: Linear, states: str) -> str:
    return graph.node("MatMul", [states, graph.constant(linear.weight)])


class _Graph:
    """A graph under construction: nodes and constants get running names, the name of each result is its handle."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(
        self,
        kind: str,
        inputs: list[str],
        attributes: Mapping[str, int | float] = MappingProxyType({}),
        domain: str = "",
    ) -> str:
        name = f"{kind}_{len(self._nodes)}"
        node = helper.make_node(kind, inputs, [name], name=name, domain=domain)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return name

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def model(self, output: str, result: str) -> onnx.ModelProto:
        self._nodes.append(helper.make_node("Identity", [result], [output]))
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "width"])]
        graph = helper.make_graph(self._nodes, "encoder", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)
