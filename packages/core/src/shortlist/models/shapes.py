"""The shape of a transformer, from the config.json that Hugging Face knows it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from shortlist.algorithms.flops import Shape
from shortlist.errors import InputError

Config = Mapping[str, Any]

# What config.json calls layers, width, feed-forward width and heads.
_USUAL = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
# Families whose head_dim, where config.json has none, is an even share of the width; others have a number of their own.
_EVEN_HEADS = {"llama", "mistral", "qwen2", "phi", "phi3", "granite", "olmo2", "smollm3"}
# And those in which every query head has keys of its own where nothing is said.
_OWN_KEYS = {"llama", "phi", "phi3", "granite", "olmo2"}
_FIELDS = {field.name for field in fields(Shape)}


def shape_of(config: Config) -> Shape | None:
    """The shape that a config.json describes; None for a family that is not known here, or when a size is missing.

    Mixtures of experts, state-space models, and models with code of their own are not known: nothing is guessed from
    the names of keys.
    """
    read = _READERS.get(str(config.get("model_type")))
    try:
        return None if read is None else read(config)
    except (KeyError, TypeError, InputError):
        return None


def as_shape(value: object) -> Shape | None:
    """A shape from itself, a mapping of its fields, or a config.json: what a settings file holds.

    Raises:
        InputError: it is none of these, or the config.json of a family that is not known here.
    """
    if value is None or isinstance(value, Shape):
        return value
    if not isinstance(value, Mapping):
        raise InputError(f"not a shape: {value!r}")
    if "model_type" in value:
        found = shape_of(value)
        if found is None:
            raise InputError(f"no shape can be read of a {value['model_type']!r}: give its sizes")
        return found
    if strange := sorted(set(map(str, value)) - _FIELDS):
        raise InputError(f"a shape has no {strange[0]!r}; it has {', '.join(field.name for field in fields(Shape))}")
    try:
        return Shape(**value)
    except TypeError as error:
        raise InputError(f"not a shape: {error}") from error


def _encoder(config: Config, *, gated: bool = False, relative: int = 0) -> Shape | None:
    if config.get("is_decoder") or config.get("add_cross_attention"):
        return None
    return Shape("encoder", gated=gated, relative=relative, **_sizes(config, _USUAL))


def _albert(config: Config) -> Shape | None:
    return _encoder(config) if config.get("inner_group_num", 1) == 1 else None


def _modernbert(config: Config) -> Shape | None:
    return _encoder(config, gated=True)


def _distilbert(config: Config) -> Shape:
    return Shape("encoder", **_sizes(config, ("n_layers", "dim", "hidden_dim", "n_heads")))


def _deberta(config: Config) -> Shape | None:
    """Versions 2 and 3: content meets 2 k relative positions, and positions meet content."""
    if not config.get("relative_attention"):
        return _encoder(config)
    terms = config["pos_att_type"]
    if set(terms.split("|") if isinstance(terms, str) else terms) != {"c2p", "p2c"} or config.get("conv_kernel_size"):
        return None
    buckets = config.get("position_buckets", -1)
    most = config.get("max_relative_positions", -1)
    span = buckets if buckets > 0 else most if most > 0 else config["max_position_embeddings"]
    return _encoder(config, relative=2 * span)


def _decoder(config: Config, *, gated: bool = False) -> Shape | None:
    family = config["model_type"]
    keys, size = config.get("num_key_value_heads"), config.get("head_dim")
    if (keys is None and family not in _OWN_KEYS) or (size is None and family not in _EVEN_HEADS):
        return None
    return Shape("decoder", kv_heads=keys or 0, head_dim=size or 0, gated=gated, **_sizes(config, _USUAL))


def _gated_decoder(config: Config) -> Shape | None:
    return _decoder(config, gated=True)


def _gpt2(config: Config) -> Shape | None:
    if config.get("add_cross_attention"):
        return None
    inner = config.get("n_inner") or 4 * config["n_embd"]
    return Shape("decoder", **_sizes({**config, "n_inner": inner}, ("n_layer", "n_embd", "n_inner", "n_head")))


def _t5(config: Config) -> Shape:
    plain = "relu" if config["model_type"] == "t5" else "gated-gelu"
    return Shape(
        "encoder-decoder",
        **_sizes(config, ("num_layers", "d_model", "d_ff", "num_heads")),
        head_dim=config["d_kv"],
        gated=str(config.get("feed_forward_proj", plain)).startswith("gated-"),
        decoder_layers=config.get("num_decoder_layers") or 0,
    )


def _bart(config: Config) -> Shape | None:
    if any(config[f"encoder_{name}"] != config[f"decoder_{name}"] for name in ("ffn_dim", "attention_heads")):
        return None
    names = ("encoder_layers", "d_model", "encoder_ffn_dim", "encoder_attention_heads")
    return Shape("encoder-decoder", decoder_layers=config["decoder_layers"], **_sizes(config, names))


def _sizes(config: Config, names: tuple[str, str, str, str]) -> dict[str, Any]:
    layers, width, ff, heads = (config[name] for name in names)
    return {"layers": layers, "width": width, "ff": ff, "heads": heads, "vocab": config["vocab_size"]}


_READERS: Mapping[str, Callable[[Config], Shape | None]] = MappingProxyType(
    {
        **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet"), _encoder),
        "albert": _albert,
        "modernbert": _modernbert,
        "distilbert": _distilbert,
        "deberta-v2": _deberta,
        **dict.fromkeys(("qwen2", "qwen3", "llama", "mistral", "phi3", "granite", "olmo2", "smollm3"), _gated_decoder),
        **dict.fromkeys(("gemma", "gemma2", "gemma3_text"), _gated_decoder),
        "phi": _decoder,
        "gpt2": _gpt2,
        **dict.fromkeys(("t5", "mt5", "umt5"), _t5),
        **dict.fromkeys(("bart", "mbart", "pegasus"), _bart),
    }
)
