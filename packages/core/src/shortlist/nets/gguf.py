"""Language models out of GGUF files, as Hugging Face folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shortlist.errors import WeightsError, require


def unpack_gguf(path: Path, out_folder: Path) -> None:
    """Write the fp32 Hugging Face folder behind a GGUF file: configuration, tokenizer, chat template, safetensors.

    Blocks of few bits become the numbers they stand for, so that nothing is lost but what the file had lost already.
    transformers reads the file; its own `save_pretrained` takes the module for one that is still quantised.

    Raises:
        MissingExtra: the extra `gguf` is not installed.
        WeightsError: transformers does not know the architecture, or the file is damaged.
    """
    require("gguf", "torch", "transformers", "gguf", "accelerate", "safetensors")
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"gguf_file": path.name, "trust_remote_code": False}
    try:
        module: Any = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **options)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **options)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise WeightsError(f"{path.name} could not be read: {error}") from error
    out_folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(out_folder)
    module.generation_config.save_pretrained(out_folder)
    vars(module.config).pop("quantization_config", None)
    module.config.architectures = [type(module).__name__]
    module.config.save_pretrained(out_folder)
    save_file(_tensors(module), out_folder / "model.safetensors", metadata={"format": "pt"})


def _tensors(module: Any) -> dict[str, Any]:
    """The weights, without an output head that is the embedding once more."""
    head = module.get_output_embeddings()
    tied = head is not None and head.weight is module.get_input_embeddings().weight
    return {
        name: tensor.contiguous()
        for name, tensor in module.state_dict().items()
        if not (tied and name.startswith("lm_head."))
    }
