"""The graphs compute what transformers computes, for each family and head, whatever the batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from onnx import helper, numpy_helper  # noqa: E402

from shortlist.errors import WeightsError  # noqa: E402
from shortlist.nets.checkpoint import dequantise, read_encoder  # noqa: E402
from shortlist.nets.encoder_graph import Head, build_encoder  # noqa: E402
from shortlist.nets.quantise import quantise  # noqa: E402

SMALL: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "num_labels": 3,
}
DISTILBERT: dict[str, Any] = {
    "vocab_size": 99,
    "dim": 32,
    "n_layers": 3,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 40,
    "num_labels": 3,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", SMALL),
    "bert with tanh GELU": ("Bert", SMALL | {"hidden_act": "gelu_new"}),
    "bert with ReLU": ("Bert", SMALL | {"hidden_act": "relu"}),
    "roberta": ("Roberta", SMALL | {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "xlm-roberta": ("XLMRoberta", SMALL | {"type_vocab_size": 1}),
    "electra": ("Electra", SMALL | {"embedding_size": 16}),
    "distilbert": ("DistilBert", DISTILBERT),
}
LENGTHS = (20, 5, 13, 1)
Batch = dict[str, np.ndarray]


def make(family: str, folder: Path) -> Any:
    """A random model with weights large enough that an error anywhere shows in its logits."""
    name, settings = FAMILIES[family]
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, f"{name}ForSequenceClassification")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    return model


def batch_for(model: Any) -> Batch:
    """Sequences of different lengths, padded on the right, with two token types where the family has them."""
    shape = (len(LENGTHS), max(LENGTHS))
    ids = np.full(shape, model.config.pad_token_id)
    mask, types = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    draw = np.random.default_rng(0)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = draw.integers(3, 99, length)
        mask[row, :length] = 1
        types[row, length // 2 : length] = int(getattr(model.config, "type_vocab_size", 1) > 1)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def tensors(model: Any, batch: Batch) -> dict[str, Any]:
    has_types = model.config.model_type != "distilbert"
    return {name: torch.tensor(value) for name, value in batch.items() if has_types or name != "token_type_ids"}


def run(model: Any, batch: Batch) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, batch)[0])


def alone(batch: Batch, row: int) -> Batch:
    return {name: value[row : row + 1, : LENGTHS[row]] for name, value in batch.items()}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    model = make(family, tmp_path)
    batch = batch_for(model)
    with torch.no_grad():
        expected = model(**tensors(model, batch)).logits.numpy()
    np.testing.assert_allclose(run(build_encoder(tmp_path, Head.CLASSIFY), batch), expected, atol=1e-5)
    assert expected.std() > 0.05


@pytest.mark.parametrize(("family", "longest"), [("bert", 40), ("roberta", 38), ("distilbert", 40)])
def test_the_longest_sequence_is_known(family: str, longest: int, tmp_path: Path) -> None:
    """RoBERTa's positions start after the padding id, so that it has room for fewer tokens than rows."""
    make(family, tmp_path)
    assert read_encoder(tmp_path).max_tokens == longest
    ids = np.full((1, longest), 5)
    graph = build_encoder(tmp_path, Head.FIRST)
    batch = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    assert run(graph, batch).shape == (1, 32)
    with pytest.raises(Exception, match=r"out of data bounds|broadcast"):
        run(graph, {name: np.concatenate([value, value[:, :1]], axis=1) for name, value in batch.items()})


@pytest.mark.parametrize("head", [Head.MEAN, Head.FIRST])
@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_are_pooled_and_of_length_one(family: str, head: Head, tmp_path: Path) -> None:
    model = make(family, tmp_path)
    batch = batch_for(model)
    with torch.no_grad():
        states = model.base_model(**tensors(model, batch)).last_hidden_state.numpy()
    mask = batch["attention_mask"][..., None]
    pooled = states[:, 0] if head is Head.FIRST else (states * mask).sum(1) / mask.sum(1)
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(run(build_encoder(tmp_path, head), batch), expected, atol=1e-5)


@pytest.mark.parametrize("head", Head)
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_a_result_does_not_depend_on_the_batch(family: str, head: Head, tmp_path: Path) -> None:
    model = make(family, tmp_path)
    batch = batch_for(model)
    graph = build_encoder(tmp_path, head)
    together = run(graph, batch)
    for row in range(len(LENGTHS)):
        np.testing.assert_allclose(run(graph, alone(batch, row))[0], together[row], atol=1e-5)


@pytest.mark.parametrize("head", [Head.FIRST, Head.CLASSIFY])
def test_the_last_layer_computes_the_first_token_only(head: Head, tmp_path: Path) -> None:
    """Of the shapes that ONNX infers, those after the last attention have no axis of tokens."""
    make("bert", tmp_path)
    graph = build_encoder(tmp_path, head).graph
    attention = [node for node in graph.node if node.op_type == "MultiHeadAttention"]
    gathers = {node.output[0] for node in graph.node if node.op_type == "Gather" and node.input[0].startswith("Layer")}
    queries = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "MatMul"}
    read_first = [queries[node.input[0]] in gathers for node in attention]
    assert read_first == [False, False, True]
    assert not any(queries[node.input[1]] in gathers for node in attention)


@pytest.mark.parametrize("family", ["bert", "bert with ReLU", "roberta", "electra", "distilbert"])
def test_int8_is_close_and_does_not_depend_on_the_batch(family: str, tmp_path: Path) -> None:
    model = make(family, tmp_path)
    batch = batch_for(model)
    exact = build_encoder(tmp_path, Head.CLASSIFY)
    before = exact.SerializeToString(deterministic=True)
    int8 = quantise(exact)
    together, expected = run(int8, batch), run(exact, batch)
    assert exact.SerializeToString(deterministic=True) == before
    assert sum(node.op_type == "MatMulIntegerToFloat" for node in int8.graph.node) >= 18
    assert np.corrcoef(together.ravel(), expected.ravel())[0, 1] > 0.99
    for row in range(len(LENGTHS)):
        np.testing.assert_allclose(run(int8, alone(batch, row))[0], together[row], atol=1e-4)


def test_states_of_zero_survive_int8(tmp_path: Path) -> None:
    """A state that is all zero has no peak to scale by; it must not become NaN."""
    model = make("bert", tmp_path)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    model.save_pretrained(tmp_path)
    assert np.array_equal(run(quantise(build_encoder(tmp_path, Head.CLASSIFY)), batch_for(model)), np.zeros((4, 3)))


def test_what_is_not_supported_is_said(tmp_path: Path) -> None:
    model = make("bert", tmp_path)
    model.base_model.save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="no sequence classification head"):
        build_encoder(tmp_path, Head.CLASSIFY)
    edit(tmp_path, {"hidden_act": "silu"})
    with pytest.raises(WeightsError, match="activation 'silu'"):
        build_encoder(tmp_path, Head.MEAN)
    edit(tmp_path, {"position_embedding_type": "relative_key"})
    with pytest.raises(WeightsError, match="relative_key"):
        read_encoder(tmp_path)
    edit(tmp_path, {"model_type": "deberta-v2"})
    with pytest.raises(WeightsError, match="deberta-v2"):
        read_encoder(tmp_path)


def test_a_folder_without_weights_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        read_encoder(tmp_path)


def edit(folder: Path, changes: Mapping[str, str]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("headed", [True, False])
def test_dequantise_rebuilds_a_folder_that_transformers_loads(headed: bool, per_channel: bool, tmp_path: Path) -> None:
    model = make("bert", tmp_path / "original")
    source = model if headed else model.base_model
    expected = write_int8(source, tmp_path / "int8.onnx", per_channel)
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    dequantise(tmp_path / "int8.onnx", tmp_path, tmp_path / "out")
    loaded, report = type(source).from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not report["unexpected_keys"]
    assert all("pooler" in name for name in report["missing_keys"])
    assert (tmp_path / "out" / "vocab.txt").read_text() == "[PAD]\n"
    assert loaded.config.num_attention_heads == 4
    found = loaded.state_dict()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].numpy(), value, atol=1e-6, err_msg=name)


def write_int8(model: Any, path: Path, per_channel: bool) -> dict[str, np.ndarray]:
    """What onnxruntime's dynamic quantisation leaves of a BERT, as far as its weights go; and those weights."""
    nodes = [
        helper.make_node("Constant", [], [f"size{value}"], value=numpy_helper.from_array(np.array([value])))
        for value in (4, 8)
    ]
    nodes.append(helper.make_node("Concat", ["batch", "tokens", "size4", "size8"], ["shape"], axis=0))
    held: dict[str, np.ndarray] = {}
    expected: dict[str, np.ndarray] = {}
    headless = not hasattr(model, "classifier")
    for name, value in ((name, value.numpy()) for name, value in model.state_dict().items()):
        if name.endswith("position_ids") or (headless and "pooler" in name):
            continue
        if value.ndim == 1:
            held[name] = expected[name] = value
            continue
        linear = "_embeddings." not in name
        stored = f"onnx::MatMul_{len(held)}" if linear else name
        levels, scale = to_int8(value.T if linear else value, per_channel and linear)
        held |= {f"{stored}_quantized": levels, f"{stored}_scale": scale}
        held[f"{stored}_zero_point"] = np.full_like(scale, 3, dtype=np.int8)
        restored = (levels.astype(np.float32) - 3) * scale
        expected[name] = restored.T if linear else restored
        if linear:
            operands = ["states", f"{stored}_quantized", "zero", f"{stored}_zero_point"]
            place = "/" + name.removesuffix(".weight").replace(".", "/").replace("layer/", "layer.")
            nodes.append(helper.make_node("MatMulInteger", operands, [f"product{len(held)}"], f"{place}/MatMul_quant"))
    constants = [numpy_helper.from_array(value, name) for name, value in held.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "int8", [], [], constants)), path)
    return expected


def to_int8(value: np.ndarray, per_channel: bool) -> tuple[np.ndarray, np.ndarray]:
    peak = np.abs(value).max(axis=0) if per_channel else np.abs(value).max()
    scale = np.asarray(peak / 120, dtype=np.float32)
    return np.rint(value / scale + 3).astype(np.int8), scale


def test_dequantise_refuses_another_graph(tmp_path: Path) -> None:
    onnx.save(helper.make_model(helper.make_graph([], "empty", [], [])), tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match="no attention"):
        dequantise(tmp_path / "other.onnx", tmp_path, tmp_path / "out")
