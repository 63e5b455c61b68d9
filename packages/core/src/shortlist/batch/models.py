"""The models that a pipeline holds: what stands for their weights, and what they can run on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from shortlist.plan import Model
from shortlist.reranker.base import Reranker


def models_of(value: object) -> Iterator[Model[Any, Any]]:
    """Every model in a reranker, at any depth, in the order of its settings; the same one as often as it is held."""
    if isinstance(value, Model):
        yield value
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from models_of(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from models_of(getattr(value, field.name))


def fingerprints(reranker: Reranker) -> list[dict[str, str | None]]:
    """Each model's label, and what stands for its weights and settings: their SHA-256, or a server's name for it.

    Raises:
        WeightsError: weights are not there.
    """
    told = [{"model": each.label, "fingerprint": each.fingerprint} for each in models_of(reranker)]
    return [each for i, each in enumerate(told) if each not in told[:i]]


def use_gpus(reranker: Reranker) -> bool:
    """Whether any of its models runs on a GPU where there is one."""
    devices = (getattr(each, "device", "cpu") for each in models_of(reranker))
    return any(device is None or str(device).startswith("cuda") for device in devices)


def use_cores(reranker: Reranker) -> bool:
    """Whether any of its models runs on more than one core by itself."""
    return any(hasattr(each, "threads") or hasattr(each, "device") for each in models_of(reranker))
