"""Hugging Face encoder folders, for the whole BERT family: read as plain arrays, or rebuilt from an int8 ONNX file.

Every family names the same twelve parts of a layer differently; here they get one name each, so that the graph
builder knows one architecture only (Devlin et al. 2019, section 3.1).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import WeightsError

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Linear:
    """`x @ weight + bias`; weight is [inputs, outputs]."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Norm:
    """Gain and shift of a layer normalisation."""

    gain: Array
    shift: Array


@dataclass(frozen=True)
class Layer:
    """One transformer layer, normalisation after each residual sum."""

    query: Linear
    key: Linear
    value: Linear
    attended: Linear
    attended_norm: Norm
    inner: Linear
    outer: Linear
    outer_norm: Norm


@dataclass(frozen=True)
class Encoder:
    """Weights and the few settings that shape the computation.

    `token_types` is None where the family has at most one type; its row is then already in `positions`.
    `padding_id` is None unless positions are counted over the tokens that are not padding (RoBERTa).
    `classifier` is the dense layer and the projection to the labels, or None where the folder has no such head.
    """

    words: Array
    positions: Array
    token_types: Array | None
    embedding_norm: Norm
    projection: Linear | None
    layers: tuple[Layer, ...]
    classifier: tuple[Linear, Linear] | None
    classifier_activation: str
    heads: int
    epsilon: float
    activation: str
    padding_id: int | None

    @property
    def max_tokens(self) -> int:
        """The longest sequence that there are positions for."""
        return len(self.positions) - (0 if self.padding_id is None else self.padding_id + 1)


@dataclass(frozen=True)
class _Family:
    prefix: str
    classifier: tuple[str, str]
    classifier_activation: str
    layer: str = "encoder.layer"
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    attended: str = "attention.output.dense"
    attended_norm: str = "attention.output.LayerNorm"
    inner: str = "intermediate.dense"
    outer: str = "output.dense"
    outer_norm: str = "output.LayerNorm"
    counts_from_padding: bool = False


_ROBERTA = _Family("roberta.", ("classifier.dense", "classifier.out_proj"), "tanh", counts_from_padding=True)
_FAMILIES: Mapping[str, _Family] = {
    "bert": _Family("bert.", ("bert.pooler.dense", "classifier"), "tanh"),
    "electra": _Family("electra.", ("classifier.dense", "classifier.out_proj"), "gelu"),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "distilbert": _Family(
        "distilbert.",
        ("pre_classifier", "classifier"),
        "relu",
        layer="transformer.layer",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        attended="attention.out_lin",
        attended_norm="sa_layer_norm",
        inner="ffn.lin1",
        outer="ffn.lin2",
        outer_norm="output_layer_norm",
    ),
}
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_DISTILBERT_KEYS = {"num_attention_heads": "n_heads", "hidden_act": "activation"}


def read_encoder(folder: Path) -> Encoder:
    """The encoder in a Hugging Face folder (`config.json`, `model*.safetensors`).

    Raises:
        WeightsError: there are no weights, or the architecture is not of BERT's family with absolute positions.
    """
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    family = _FAMILIES.get(config.get("model_type", ""))
    if family is None:
        known = ", ".join(_FAMILIES)
        raise WeightsError(f"model type {config.get('model_type')!r} is not supported; supported are {known}")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise WeightsError(
            f"position embeddings {config['position_embedding_type']!r} are not supported, only 'absolute'"
        )
    if family.layer.startswith("transformer"):
        config |= {name: config[theirs] for name, theirs in _DISTILBERT_KEYS.items() if theirs in config}
    return _encoder(_read_tensors(folder), config, family)


def _read_tensors(folder: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise WeightsError(f"no model.safetensors in {folder}")
    return {name: value.astype(np.float32) for file in files for name, value in load_file(file).items()}


def _encoder(tensors: Tensors, config: Mapping[str, Any], family: _Family) -> Encoder:
    body = family.prefix if any(name.startswith(family.prefix) for name in tensors) else ""
    words, positions, token_types = _embeddings(tensors, f"{body}embeddings")
    projection = f"{body}embeddings_project"
    return Encoder(
        words=words,
        positions=positions,
        token_types=token_types,
        embedding_norm=_norm(tensors, f"{body}embeddings.LayerNorm"),
        projection=_linear(tensors, projection) if f"{projection}.weight" in tensors else None,
        layers=_layers(tensors, f"{body}{family.layer}", family),
        classifier=_classifier(tensors, family),
        classifier_activation=family.classifier_activation,
        heads=config["num_attention_heads"],
        epsilon=config.get("layer_norm_eps", 1e-12),
        activation=config.get("hidden_act", "gelu"),
        padding_id=config.get("pad_token_id", 1) if family.counts_from_padding else None,
    )


def _embeddings(tensors: Tensors, at: str) -> tuple[Array, Array, Array | None]:
    words, positions = tensors[f"{at}.word_embeddings.weight"], tensors[f"{at}.position_embeddings.weight"]
    types = tensors.get(f"{at}.token_type_embeddings.weight")
    if types is not None and len(types) == 1:
        return words, positions + types, None
    return words, positions, types


def _layers(tensors: Tensors, at: str, family: _Family) -> tuple[Layer, ...]:
    count = sum(name.startswith(at) and name.endswith(f"{family.query}.weight") for name in tensors)
    return tuple(_layer(tensors, f"{at}.{index}", family) for index in range(count))


def _layer(tensors: Tensors, at: str, family: _Family) -> Layer:
    return Layer(
        query=_linear(tensors, f"{at}.{family.query}"),
        key=_linear(tensors, f"{at}.{family.key}"),
        value=_linear(tensors, f"{at}.{family.value}"),
        attended=_linear(tensors, f"{at}.{family.attended}"),
        attended_norm=_norm(tensors, f"{at}.{family.attended_norm}"),
        inner=_linear(tensors, f"{at}.{family.inner}"),
        outer=_linear(tensors, f"{at}.{family.outer}"),
        outer_norm=_norm(tensors, f"{at}.{family.outer_norm}"),
    )


def _classifier(tensors: Tensors, family: _Family) -> tuple[Linear, Linear] | None:
    dense, projection = family.classifier
    if f"{projection}.weight" not in tensors:
        return None
    return _linear(tensors, dense), _linear(tensors, projection)


def _linear(tensors: Tensors, at: str) -> Linear:
    return Linear(np.ascontiguousarray(tensors[f"{at}.weight"].T), tensors[f"{at}.bias"])


def _norm(tensors: Tensors, at: str) -> Norm:
    return Norm(tensors[f"{at}.weight"], tensors[f"{at}.bias"])


def dequantise(onnx_path: Path, tokenizer_folder: Path, out_folder: Path) -> None:
    """Write the fp32 Hugging Face folder behind a BERT that was quantised to dynamic int8 ONNX.

    The int8 file is the output of onnxruntime's `quantize_dynamic` on an exported `BertModel` or
    `BertForSequenceClassification`; its scores depend on what else is in the batch, those of the rebuilt folder do
    not. `tokenizer_folder` gives the tokenizer's files, copied as they are.

    Raises:
        WeightsError: the graph is not such a BERT.
    """
    import onnx
    from safetensors.numpy import save_file

    graph = onnx.load(onnx_path).graph
    tensors = _carried_tensors(graph)
    config = _carried_config(tensors, _carried_heads(graph))
    out_folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out_folder / "model.safetensors", metadata={"format": "pt"})
    (out_folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in _TOKENIZER_FILES:
        if (tokenizer_folder / name).exists():
            shutil.copyfile(tokenizer_folder / name, out_folder / name)


def _carried_tensors(graph: onnx.GraphProto) -> dict[str, Array]:
    """Every weight under its Hugging Face name, linear ones as [outputs, inputs]."""
    from onnx import numpy_helper

    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    tensors = {name: value for name, value in held.items() if name.endswith((".bias", "LayerNorm.weight"))}
    for name in held:
        if name.endswith("_embeddings.weight_quantized"):
            tensors[name.removesuffix("_quantized")] = _dequantised(held, name)
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            tensors[_linear_name(node.name)] = np.ascontiguousarray(_dequantised(held, node.input[1]).T)
    return tensors


def _dequantised(held: Mapping[str, NDArray[Any]], name: str) -> Array:
    base = name.removesuffix("_quantized")
    levels = held[name].astype(np.float32) - held[f"{base}_zero_point"].astype(np.float32)
    return np.asarray(levels * held[f"{base}_scale"], dtype=np.float32)


def _linear_name(node: str) -> str:
    """`/bert/encoder/layer.0/output/dense/MatMul_quant` names `bert.encoder.layer.0.output.dense.weight`."""
    return node.rpartition("/")[0].strip("/").replace("/", ".") + ".weight"


def _carried_heads(graph: onnx.GraphProto) -> int:
    """The number of heads, from the shape [batch, tokens, heads, width] that attention reshapes its keys to."""
    from onnx import numpy_helper

    constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in graph.node:
        if node.op_type == "Concat" and len(node.input) == 4 and node.input[2] in constants:
            return int(numpy_helper.to_array(constants[node.input[2]]).item())
    raise WeightsError("no attention was found in the graph")


def _carried_config(tensors: Tensors, heads: int) -> dict[str, Any]:
    body = "bert." if "bert.embeddings.word_embeddings.weight" in tensors else ""
    if f"{body}embeddings.word_embeddings.weight" not in tensors:
        raise WeightsError("the graph is not a BERT quantised to dynamic int8")
    vocabulary, hidden = tensors[f"{body}embeddings.word_embeddings.weight"].shape
    config = {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification" if body else "BertModel"],
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": sum(name.endswith("attention.self.query.weight") for name in tensors),
        "num_attention_heads": heads,
        "intermediate_size": len(tensors[f"{body}encoder.layer.0.intermediate.dense.bias"]),
        "max_position_embeddings": len(tensors[f"{body}embeddings.position_embeddings.weight"]),
        "type_vocab_size": len(tensors[f"{body}embeddings.token_type_embeddings.weight"]),
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    labels = range(len(tensors["classifier.bias"])) if body else ()
    return config | ({"id2label": {str(label): f"LABEL_{label}" for label in labels}} if body else {})
