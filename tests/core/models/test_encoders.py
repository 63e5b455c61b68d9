"""ONNX and torch doors on tiny random models of the same architectures, and on each other. Real weights: test_real.py."""

import json
from pathlib import Path

import numpy as np
import pytest

from shortlist import (
    CrossEncoder,
    InputError,
    LimitReached,
    Limits,
    MissingExtra,
    ModelTimeout,
    Runtime,
    Similarity,
    WeightsError,
)
from shortlist.algorithms.flops import flops
from shortlist.models.base import Pair, Text
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from shortlist.models.shapes import shape_of
from shortlist.models.weights import check, read_settings
from shortlist.plan import Call, Reply

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from shortlist.models.torch import TorchCrossEncoder, TorchEmbedder  # noqa: E402

pytestmark = pytest.mark.slow
WORDS = ["the", "moon", "pulls", "sea", "tides", "bread", "needs", "yeast", "and", "sun", "##s", "of", "."]
TEXTS = [
    "the moon pulls the sea",
    "bread needs yeast",
    "tides",
    "",
    "sun and moon and sea and tides " * 3,
    "the the the",
]


def tokenizer(folder):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = transformers.BertTokenizerFast(tokenizer_object=made, model_max_length=32)
    fast.save_pretrained(folder)
    return len(vocabulary)


def config(vocabulary, **more):
    return transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=32, **more,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[1, 2])
def classifier(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"classifier{request.param}")
    torch.manual_seed(request.param)
    model = transformers.BertForSequenceClassification(config(tokenizer(folder), num_labels=request.param))
    torch.nn.init.normal_(model.classifier.weight)
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", params=["first", "mean"])
def encoder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(3)
    transformers.BertModel(config(tokenizer(folder))).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    pooling = {"pooling_mode_cls_token": request.param == "first", "pooling_mode_mean_tokens": request.param == "mean"}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "the "}}))
    return str(folder)


def scores(model, texts=TEXTS):
    replies = model.answer([Pair("the moon and tides", text) for text in texts], Call())
    return np.array([reply.value for reply in replies])


def vectors(model, role="passage"):
    return np.stack([reply.value for reply in model.answer([Text(text, role) for text in TEXTS], Call())])


def test_onnx_equals_torch(classifier):
    np.testing.assert_allclose(
        scores(OnnxCrossEncoder(classifier, "fp32")), scores(TorchCrossEncoder(classifier)), atol=1e-4
    )


def test_int8_is_near(classifier):
    exact, quick = scores(OnnxCrossEncoder(classifier, "fp32")), scores(OnnxCrossEncoder(classifier, "int8"))
    assert np.abs(exact - quick).max() < 0.1 * max(1.0, np.abs(exact).max())


@pytest.mark.parametrize("role", ["query", "passage"])
def test_onnx_embeds_like_torch(encoder, role):
    found = vectors(OnnxEmbedder(encoder, "fp32"), role)
    np.testing.assert_allclose(found, vectors(TorchEmbedder(encoder), role), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_the_query_prefix_of_the_folder_is_used_and_can_be_set(encoder):
    model = OnnxEmbedder(encoder, "fp32")
    assert not np.allclose(vectors(model, "query"), vectors(model, "passage"), atol=1e-4)
    plain = OnnxEmbedder(encoder, "fp32", query_prefix="")
    np.testing.assert_allclose(vectors(plain, "query"), vectors(model, "passage"), atol=1e-5)


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder])
def test_a_score_does_not_depend_on_the_batch(classifier, kind):
    together = scores(kind(classifier, **({"precision": "fp32"} if kind is OnnxCrossEncoder else {})))
    alone = [
        scores(kind(classifier, **({"precision": "fp32"} if kind is OnnxCrossEncoder else {})), [t])[0] for t in TEXTS
    ]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder])
def test_half_a_surrogate_pair_takes_nobody_with_it(classifier, kind):
    broken, whole = scores(kind(classifier), ["the moon \ud800", "the moon ?"])
    assert np.isfinite(broken) and broken == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder])
def test_truncation_is_reported(classifier, kind):
    ranking = CrossEncoder(kind(classifier)).rank("moon", ["sea " * 100, "sea", "sea " * 27, "x" * 10_000_000])
    assert ranking.usage.truncated == 2
    exactly = kind(classifier).answer([Pair("moon", "sea " * 28), Pair("moon", "sea " * 29)], Call())
    assert [reply.truncated for reply in exactly] == [False, True]
    assert [reply.tokens_in for reply in exactly] == [32, 32]


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder])
def test_no_more_batches_than_the_budget_dictates(classifier, kind):
    """40 queries of 6 passages, all in one call: the asks of all queries fill the batches."""
    from shortlist.algorithms.packing import pack

    model = kind(classifier, budget=128)
    requests = [(f"moon {'sea ' * (i % 5)}{'sun ' * (i // 5)}", TEXTS) for i in range(40)]
    seen = []

    class Counts(kind):
        def answer(self, payloads, call):
            replies = super().answer(payloads, call)
            seen.append((call.batches, [reply.tokens_in for reply in replies]))
            return replies

    CrossEncoder(Counts(classifier, budget=128)).rank_many(requests)
    ((batches, lengths),) = seen
    assert batches == len(pack(lengths, 128)) <= 1.4 * sum(lengths) / 128
    assert model.answer([], Call()) == []


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder])
def test_it_stops_between_batches_when_nobody_waits(classifier, kind):
    call = Call()
    call.cancelled.set()
    assert all(isinstance(reply, ModelTimeout) for reply in kind(classifier).answer([Pair("a", "b")], call))
    with pytest.raises(LimitReached):
        CrossEncoder(kind(classifier)).rank("a", ["b"], runtime=Runtime(limits=Limits(seconds=1e-9)))


def test_usage_counts_what_was_read(classifier):
    usage = CrossEncoder(OnnxCrossEncoder(classifier)).rank("moon", ["sea", "sea sea"]).usage
    shape = shape_of(read_settings(Path(classifier)).config)
    assert usage.tokens_in == 5 + 6 and usage.flops == flops(shape, 5) + flops(shape, 6)


def test_models_are_values(classifier, encoder):
    import copy
    import pickle

    for model in (
        OnnxCrossEncoder(classifier),
        TorchCrossEncoder(classifier),
        OnnxEmbedder(encoder),
        TorchEmbedder(encoder),
    ):
        again = pickle.loads(pickle.dumps(copy.deepcopy(model)))
        assert again == model
        assert hash(again) == hash(model)
        assert again.fingerprint == model.fingerprint
        assert isinstance(
            again.answer([Text("sea") if "mbedder" in type(model).__name__ else Pair("a", "b")], Call())[0], Reply
        )


def test_other_weights_and_settings_have_other_fingerprints(classifier, encoder):
    models = [OnnxCrossEncoder(classifier), OnnxCrossEncoder(classifier, "fp32"), OnnxEmbedder(encoder),
              OnnxEmbedder(encoder, query_prefix="q"), TorchCrossEncoder(classifier)]  # fmt: skip
    assert len({model.fingerprint for model in models}) == len(models)


@pytest.mark.parametrize("kind", [OnnxCrossEncoder, TorchCrossEncoder, OnnxEmbedder, TorchEmbedder])
def test_what_is_no_model_is_refused(kind, tmp_path, monkeypatch):
    for bad in ("nothing", "./nothing", "/no/such/folder", "a/b/c"):
        with pytest.raises(InputError, match="is no folder, no hub id"):
            kind(bad)
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="shortlist models get ms-marco-minilm"):
        kind("ms-marco-minilm").answer([Pair("a", "b") if "Cross" in kind.__name__ else Text("a")], Call())
    with pytest.raises(WeightsError, match=r"no config\.json"):
        kind(str(tmp_path)).answer([Pair("a", "b") if "Cross" in kind.__name__ else Text("a")], Call())


def test_settings_are_looked_over(classifier):
    for bad in ({"precision": "int4"}, {"budget": 0}, {"threads": -1}, {"max_length": 2}):
        with pytest.raises(InputError):
            OnnxCrossEncoder(classifier, **bad)
    with pytest.raises(InputError):
        TorchCrossEncoder(classifier, dtype="int8")


def test_a_missing_extra_is_named_at_construction(classifier, monkeypatch):
    import shortlist.errors

    monkeypatch.setattr(shortlist.errors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[onnx\]"):
        OnnxCrossEncoder(classifier)
    with pytest.raises(MissingExtra, match=r"shortlist\[torch\]"):
        TorchCrossEncoder(classifier)
    with pytest.raises(MissingExtra, match=r"shortlist\[hub\]"):
        check("owner/name")


def test_a_hub_id_is_fetched_without_code(classifier, monkeypatch):
    import huggingface_hub

    asked = {}

    def download(name, allow_patterns):
        asked.update(name=name, patterns=allow_patterns)
        return classifier

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    name = f"owner/{classifier.rsplit('/', 1)[-1]}"  # its own: where a hub put a model is remembered
    np.testing.assert_allclose(scores(OnnxCrossEncoder(name, "fp32")), scores(OnnxCrossEncoder(classifier, "fp32")))
    assert asked["name"] == name
    assert not any(pattern.endswith((".py", ".bin", ".pt", "*")) for pattern in asked["patterns"])


def test_64_threads_on_one_model(classifier):
    from concurrent.futures import ThreadPoolExecutor

    reranker = CrossEncoder(OnnxCrossEncoder(classifier, "fp32"))
    expected = reranker.rank("the moon and tides", TEXTS).texts
    with ThreadPoolExecutor(64) as pool:
        assert set(map(tuple, pool.map(lambda _: reranker.rank("the moon and tides", TEXTS).texts, range(128)))) == {
            tuple(expected)
        }


def test_an_exported_graph_runs_as_it_is(encoder, tmp_path):
    """A folder with ONNX and no safetensors, as many on hubs are; its token states are pooled here."""
    import shutil

    from shortlist.nets.encoder_graph import Head, build_encoder

    if "mean" not in encoder:
        pytest.skip("one of the two is enough")
    import onnx

    for path in __import__("pathlib").Path(encoder).iterdir():
        if path.suffix in {".json", ".txt"}:
            shutil.copy(path, tmp_path)
    (tmp_path / "onnx").mkdir()
    onnx.save(build_encoder(__import__("pathlib").Path(encoder), Head.MEAN), tmp_path / "onnx/model.onnx")
    np.testing.assert_allclose(vectors(OnnxEmbedder(str(tmp_path))), vectors(OnnxEmbedder(encoder, "fp32")), atol=1e-5)


def test_a_model_beyond_a_protobuf_message_keeps_its_weights_beside_the_graph(classifier, monkeypatch):
    from shortlist.models import onnx_engine

    expected = scores(OnnxCrossEncoder(classifier, "fp32"))
    monkeypatch.setattr(onnx_engine, "_LARGEST_MESSAGE", 0)
    np.testing.assert_allclose(scores(OnnxCrossEncoder(classifier, "fp32", budget=511)), expected, atol=1e-6)


def test_token_states_of_an_exported_graph_are_pooled_to_unit_vectors(encoder, tmp_path):
    """The usual export of an embedder: `last_hidden_state`, and nothing after it."""
    import shutil
    from pathlib import Path

    import onnx

    from shortlist.nets.encoder_graph import Head, build_encoder

    for path in Path(encoder).iterdir():
        if path.suffix in {".json", ".txt"}:
            shutil.copy(path, tmp_path)
    if (Path(encoder) / "1_Pooling").exists():
        shutil.copytree(Path(encoder) / "1_Pooling", tmp_path / "1_Pooling")
    model = build_encoder(Path(encoder), Head.MEAN)
    states = [node for node in model.graph.node if node.op_type == "LayerNormalization"][-1].output[0]
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(states, onnx.TensorProto.FLOAT, ["b", "s", "d"]))
    onnx.save(model, tmp_path / "model.onnx")
    np.testing.assert_allclose(vectors(OnnxEmbedder(str(tmp_path))), vectors(OnnxEmbedder(encoder)), atol=1e-5)


def test_similarity_ranks_with_either(encoder):
    assert (
        Similarity(OnnxEmbedder(encoder, "fp32")).rank("tides", TEXTS).texts
        == Similarity(TorchEmbedder(encoder)).rank("tides", TEXTS).texts
    )
