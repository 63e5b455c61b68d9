"""Shapes from config.json: their operations against those that torch counts in a forward pass of a random model.

`FlopCounterMode` counts matrix products, attention among them where it is computed as such (eager), as `exact` does; it
also counts poolers and embedding projections, which `exact` leaves out.
"""

import json

import pytest

from shortlist import InputError
from shortlist.algorithms.flops import Shape, flops
from shortlist.models.shapes import as_shape, shape_of

BASE = {
    "vocab_size": 200, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 1,
}  # fmt: skip
SHARED = {**BASE, "num_key_value_heads": 2}
WIDE = {**SHARED, "head_dim": 32}
ENDS = {name: BASE[name] for name in ("vocab_size", "pad_token_id", "bos_token_id", "eos_token_id")}
T5 = {**ENDS, "d_model": 64, "d_kv": 8, "d_ff": 160, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 4}
BART = {
    **ENDS, "d_model": 64, "encoder_layers": 2, "decoder_layers": 3, "encoder_ffn_dim": 160, "decoder_ffn_dim": 160,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "max_position_embeddings": 256,
}  # fmt: skip
DEBERTA = {
    **BASE, "relative_attention": True, "position_buckets": 32, "max_relative_positions": -1,
    "pos_att_type": ["p2c", "c2p"], "share_att_key": True, "norm_rel_ebd": "layer_norm",
}  # fmt: skip
READERS = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "mpnet"), BASE),
    "electra": {**BASE, "embedding_size": 64},
    "albert": {**BASE, "embedding_size": 16},
    "modernbert": {**BASE, "cls_token_id": 0, "sep_token_id": 1},
    "distilbert": {**ENDS, "n_layers": 2, "dim": 64, "hidden_dim": 160, "n_heads": 4},
    "deberta-v2": DEBERTA,
    **dict.fromkeys(("qwen2", "llama", "mistral", "phi", "phi3", "granite", "olmo2", "smollm3"), SHARED),
    **dict.fromkeys(("qwen3", "gemma", "gemma2", "gemma3_text"), WIDE),
    "gpt2": {**ENDS, "n_layer": 2, "n_embd": 64, "n_head": 4},
}
WRITERS = {**dict.fromkeys(("t5", "mt5", "umt5"), T5), **dict.fromkeys(("bart", "mbart", "pegasus"), BART)}


def counted(module, **inputs):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval()(**inputs)
    return counter.get_total_flops()


def made(family, config, kind):
    transformers = pytest.importorskip("transformers")
    settings = transformers.AutoConfig.for_model(family, **config)
    module = getattr(transformers, kind).from_config(settings, attn_implementation="eager")
    written = json.loads(settings.to_json_string())
    return module, shape_of(written)


@pytest.mark.slow
@pytest.mark.parametrize("family", READERS)
def test_a_counted_pass_over_a_text(family):
    torch = pytest.importorskip("torch")
    module, shape = made(family, READERS[family], "AutoModel")
    ids = torch.randint(2, 200, (1, 120))
    assert counted(module, input_ids=ids) == pytest.approx(flops(shape, 120), rel=0.02)
    assert counted(module, input_ids=ids[:, :30]) == pytest.approx(flops(shape, 30), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "gemma2", "gpt2", "phi"])
def test_a_counted_pass_with_a_prefix_and_the_output_head(family):
    torch = pytest.importorskip("torch")
    module, shape = made(family, READERS[family], "AutoModelForCausalLM")
    ids = torch.randint(2, 200, (1, 120))
    with torch.no_grad():
        past = module.eval()(input_ids=ids[:, :80]).past_key_values
    rest = counted(module, input_ids=ids[:, 80:], past_key_values=past)
    assert rest == pytest.approx(flops(shape, 120, prefix=80, logits=40 * 200), rel=0.02)
    whole = counted(module, input_ids=ids)
    assert whole == pytest.approx(flops(shape, 120, logits=120 * 200), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("family", WRITERS)
def test_a_counted_pass_of_encoder_and_decoder(family):
    torch = pytest.importorskip("torch")
    module, shape = made(family, WRITERS[family], "AutoModelForSeq2SeqLM")
    ids = {"input_ids": torch.randint(2, 200, (1, 120)), "decoder_input_ids": torch.randint(2, 200, (1, 4))}
    assert counted(module, **ids) == pytest.approx(flops(shape, 120, 4, logits=4 * 200), rel=0.02)


def test_the_shape_of_qwen():
    config = {**SHARED, "model_type": "qwen2"}
    expected = Shape("decoder", 2, 64, 160, heads=4, vocab=200, kv_heads=2, head_dim=16, gated=True)
    assert shape_of(config) == as_shape(config) == expected
    assert shape_of({**config, "head_dim": None}) == expected


def test_flan_t5_is_gated_and_the_first_t5_is_not():
    first = shape_of({**T5, "model_type": "t5"})
    flan = shape_of({**T5, "model_type": "t5", "feed_forward_proj": "gated-gelu"})
    assert (first.gated, flan.gated, flan.head_dim, flan.decoder_layers) == (False, True, 8, 3)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_type": "mixtral", **SHARED},
        {"model_type": "qwen3_moe", **WIDE},
        {"model_type": "mamba", "hidden_size": 64},
        {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 160},
        {"model_type": "bert", **BASE, "hidden_size": None},
        {"model_type": "bert", **{name: size for name, size in BASE.items() if name != "num_attention_heads"}},
        {"model_type": "bert", **BASE, "is_decoder": True},
        {"model_type": "albert", **BASE, "inner_group_num": 2},
        {"model_type": "mistral", **BASE},
        {"model_type": "gemma", **SHARED},
        {"model_type": "gpt2", **READERS["gpt2"], "add_cross_attention": True},
        {"model_type": "deberta-v2", **DEBERTA, "pos_att_type": ["c2p"]},
        {"model_type": "deberta-v2", **DEBERTA, "conv_kernel_size": 3},
        {"model_type": "bart", **BART, "decoder_ffn_dim": 80},
        {"model_type": "bert", **BASE, "num_hidden_layers": -2},
        {"model_type": ["bert"], **BASE},
    ],
)
def test_what_is_not_known_has_no_shape(config):
    assert shape_of(config) is None
    if "model_type" in config:
        with pytest.raises(InputError, match="no shape can be read"):
            as_shape(config)


def test_a_shape_from_its_fields():
    shape = Shape("decoder", 2, 64, 160, heads=4, vocab=200)
    assert as_shape({"kind": "decoder", "layers": 2, "width": 64, "ff": 160, "heads": 4, "vocab": 200}) == shape
    assert as_shape(shape) is shape and as_shape(None) is None
    for bad in (7, "qwen", {"kind": "decoder"}, {"kind": "decoder", "depth": 2}, {"layers": "2"}):
        with pytest.raises(InputError):
            as_shape(bad)
