"""What a job is, written down before it begins and when it has ended."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from shortlist.batch.models import fingerprints
from shortlist.batch.places import Place
from shortlist.batch.settings import BatchSettings
from shortlist.batch.shards import Source
from shortlist.errors import InputError
from shortlist.reranker.base import Reranker

# Those that the bytes of an output can depend on; a package that is not installed has no line.
_PACKAGES = ("shortlist", "numpy", "pyarrow", "ray", "onnxruntime", "tokenizers", "torch", "transformers")
_WORDS = {
    "pipeline": "pipeline",
    "models": "weights or models",
    "versions": "versions",
    "input": "input",
    "settings": "settings",
}


@dataclass(frozen=True, slots=True)
class Head:
    """All that a job's output depends on, JSON-ready.

    Attributes:
        pipeline: what `to_dict` wrote.
        models: labels and fingerprints.
        versions: by package.
        input: the files, with sizes and what stands for their content.
        settings: those that change the output, its format among them.
    """

    pipeline: Mapping[str, Any]
    models: list[dict[str, str | None]]
    versions: Mapping[str, str]
    input: list[dict[str, Any]]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, reranker: Reranker, source: Source, settings: BatchSettings, kind: str) -> Head:
        """Of a job that writes this kind of file.

        Raises:
            InputError: a setting of the pipeline is code, which cannot be written down.
            WeightsError: weights are not there.
        """
        files = [file.to_dict() for file in source.files]
        deciding = {**settings.deciding(), "format": kind, "input_format": source.kind}
        return cls(reranker.to_dict(), fingerprints(reranker), _versions(), files, deciding)

    def to_dict(self) -> dict[str, Any]:
        """What stands in the work folder."""
        told = {name: getattr(self, name) for name in _WORDS}
        return dict(json.loads(json.dumps({"shortlist_batch": 1, **told})))  # tuples are lists in what is read back

    def check(self, place: Place, what: str) -> None:
        """See that a file was written by the same job.

        Raises:
            InputError: it was not; the message says in what the two differ.
        """
        found = read_json(place)
        if not isinstance(found, dict) or found.get("shortlist_batch") != 1:
            raise InputError(f"{place.url} was not written by `shortlist batch`: nothing was changed")
        told = self.to_dict()
        if other := [word for name, word in _WORDS.items() if found.get(name) != told[name]]:
            raise InputError(
                f"{what} is that of other {' and '.join(other)}{_versions_differ(found, told)}: "
                "remove it, or choose another output"
            )


def _versions_differ(found: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    before, now = found.get("versions") or {}, told["versions"]
    other = [
        f"{name} {before.get(name)}, now {now.get(name)}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    return f" ({'; '.join(other)})" if other else ""


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: found for name in _PACKAGES if (found := _version(name))}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def read_json(place: Place) -> Any:
    """What the file says; None where it is not there, or not whole."""
    try:
        return json.loads(place.read())
    except (FileNotFoundError, ValueError):
        return None


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """A file of JSON that people can read."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
