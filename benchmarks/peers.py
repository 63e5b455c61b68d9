"""Cross-encoders of other libraries, each as it comes, over the weights that ours read.

Each is a function from a query and texts to logits in the order of the texts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float64]
Score = Callable[[str, Sequence[str]], Logits]
Counts = list[int]
"""Tokens, padding included, of each batch that a model was given."""


def sentence_transformers(folder: Path) -> tuple[Score, Counts]:
    """`CrossEncoder.predict` with its defaults; the activation only is left out, so that it gives logits."""
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), device="cpu")
    identity = torch.nn.Identity()

    def score(query: str, texts: Sequence[str]) -> Logits:
        pairs = [(query, text) for text in texts]
        return np.asarray(model.predict(pairs, activation_fn=identity, show_progress_bar=False), dtype=np.float64)

    return score, _watched(model.model)


def rerankers(folder: Path) -> tuple[Score, Counts]:
    """`TransformerRanker.rank` with its defaults."""
    from rerankers.models.transformer_ranker import TransformerRanker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranker = TransformerRanker(str(folder), verbose=0)

    def score(query: str, texts: Sequence[str]) -> Logits:
        logits = np.empty(len(texts))
        for result in ranker.rank(query, list(texts), doc_ids=list(range(len(texts)))).results:
            logits[result.document.doc_id] = result.score
        return logits

    return score, _watched(ranker.model)


def flashrank(folder: Path, scratch: Path) -> Score:
    """`Ranker.rerank`, which makes one batch of all passages, on a plain ONNX export of the weights.

    Its session is made anew with one thread, as all others have; FlashRank has no setting for that.
    """
    import onnxruntime
    from flashrank import Ranker, RerankRequest
    from flashrank.Config import model_file_map

    name = "ms-marco-MiniLM-L-12-v2"
    file = flashrank_folder(folder, scratch / name) / model_file_map[name]
    ranker = Ranker(model_name=name, cache_dir=str(scratch), log_level="ERROR")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    ranker.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def score(query: str, texts: Sequence[str]) -> Logits:
        logits = np.empty(len(texts))
        given = [{"id": i, "text": text} for i, text in enumerate(texts)]
        for each in ranker.rerank(RerankRequest(query=query, passages=given)):
            probability = np.float64(each["score"])
            with np.errstate(divide="ignore"):
                logits[each["id"]] = np.log(probability) - np.log1p(-probability)
        return logits

    return score


def flashrank_folder(folder: Path, target: Path) -> Path:
    """The weights as FlashRank has them: its file names, and the network as torch exports it."""
    import json
    import shutil

    from flashrank.Config import model_file_map

    file = target / model_file_map[target.name]
    if file.exists():
        return target
    target.mkdir(parents=True)
    for each in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / each, target / each)
    marks = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    (target / "special_tokens_map.json").write_text(json.dumps(marks), encoding="utf-8")
    _export(folder, file)
    return target


def _export(folder: Path, file: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    module = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    pairs = [("a query", "a text"), ("a query", "another text")]
    example = AutoTokenizer.from_pretrained(folder)(pairs, padding=True, return_tensors="pt")
    names = ["input_ids", "attention_mask", "token_type_ids"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(example[name] for name in names),
            str(file),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
            opset_version=17,
            dynamo=False,
        )


def _watched(module: Any) -> Counts:
    """Fills as the module is called."""
    counts: Counts = []
    module.get_input_embeddings().register_forward_pre_hook(lambda _, given: counts.append(given[0].numel()))
    return counts
