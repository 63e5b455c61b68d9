"""Passes through a language model: the logits after texts, of all the vocabulary or of a few tokens of it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from shortlist.errors import WeightsError
from shortlist.models.shapes import shape_of

# Relative positions only, so that a decoder's padding may stand on the left.
_ENCODER_DECODERS = ("t5", "mt5", "umt5")
_NEEDED = {"position_ids", "past_key_values", "attention_mask", "logits_to_keep"}


class Read(NamedTuple):
    """Token ids of one text: what an encoder reads (empty where there is none), and what the decoder reads."""

    source: tuple[int, ...]
    ids: tuple[int, ...]


class State(NamedTuple):
    """Where the writing of a batch stands: the logits of the next tokens, and what the next pass needs."""

    logits: torch.Tensor
    mask: torch.Tensor
    cache: Any
    encoded: dict[str, Any]


class Network:
    """A module on a device, its passes batched with padding on the left.

    Attributes:
        encoder_decoder: whether an encoder reads the prompt.
        shape: the sizes of its matrices; None for a family that is not known.
    """

    def __init__(self, module: Any, device: str) -> None:
        self.module = module.eval().to(device)
        self.device = device
        self.encoder_decoder = bool(module.config.is_encoder_decoder)
        self._config = module.config.get_text_config(decoder=True)
        _check(module)
        self.shape = shape_of((module.config if self.encoder_decoder else self._config).to_dict())

    def shares(self, longest: int) -> bool:
        """Whether prompts of this length can be read as a common prefix and the rest.

        Padding then stands between the two, which a window over the last tokens would count.
        """
        kinds = set(getattr(self._config, "layer_types", None) or ())
        window = getattr(self._config, "sliding_window", None)
        usual = not self.encoder_decoder and kinds <= {"full_attention", "sliding_attention"}
        return usual and (not window or longest < window)

    @torch.inference_mode()
    def prefix(self, ids: Sequence[int]) -> Any:
        """Keys and values of what many texts begin with."""
        with self._head([0]):
            read = torch.tensor([list(ids)], device=self.device)
            return self.module(input_ids=read, use_cache=True, logits_to_keep=1).past_key_values

    @torch.inference_mode()
    def last(self, batch: Sequence[Read], keep: int, rows: Sequence[int] | None, past: Any = None) -> torch.Tensor:
        """Logits at the last `keep` positions: shape (batch, keep, rows), float32; all the vocabulary without `rows`.

        With `past`, which `prefix` made, the texts are read from its end on.
        """
        with self._head(rows):
            if self.encoder_decoder:
                output = self.module(**self._encoded(batch), **self._decoder(batch), use_cache=False)
            else:
                output = self.module(**self._causal(batch, past), use_cache=past is not None, logits_to_keep=keep)
        logits: torch.Tensor = output.logits[:, -keep:]
        return logits.float()

    @torch.inference_mode()
    def start(self, batch: Sequence[Read]) -> State:
        """Read the prompts of texts that are to be written."""
        encoded = self._encoded(batch) if self.encoder_decoder else {}
        inputs = self._decoder(batch) if self.encoder_decoder else {**self._causal(batch, None), "logits_to_keep": 1}
        mask = inputs["decoder_attention_mask" if self.encoder_decoder else "attention_mask"]
        output = self.module(**encoded, **inputs, use_cache=True)
        return State(output.logits[:, -1].float(), mask, output.past_key_values, encoded)

    @torch.inference_mode()
    def step(self, state: State, tokens: Sequence[int]) -> State:
        """Read one more token of each."""
        column = torch.tensor(tokens, device=self.device)[:, None]
        mask = torch.cat([state.mask, torch.ones_like(column)], dim=1)
        if self.encoder_decoder:
            inputs = {"decoder_input_ids": column, "decoder_attention_mask": mask, **state.encoded}
        else:
            inputs = {"input_ids": column, "attention_mask": mask, "position_ids": _positions(mask)[:, -1:]}
        output = self.module(**inputs, past_key_values=state.cache, use_cache=True)
        return State(output.logits[:, -1].float(), mask, output.past_key_values, state.encoded)

    def _causal(self, batch: Sequence[Read], past: Any) -> dict[str, Any]:
        skip = 0 if past is None else past.get_seq_length()
        ids, mask = self._padded([read.ids[skip:] for read in batch])
        if past is None:
            return {"input_ids": ids, "attention_mask": mask, "position_ids": _positions(mask)}
        past = copy.deepcopy(past)
        past.batch_repeat_interleave(len(batch))
        mask = torch.cat([mask.new_ones(len(batch), skip), mask], dim=1)
        positions = _positions(mask)[:, skip:]
        return {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "past_key_values": past}

    def _encoded(self, batch: Sequence[Read]) -> dict[str, Any]:
        ids, mask = self._padded([read.source for read in batch])
        states = self.module.get_encoder()(input_ids=ids, attention_mask=mask)
        return {"encoder_outputs": states, "attention_mask": mask}

    def _decoder(self, batch: Sequence[Read]) -> dict[str, Any]:
        ids, mask = self._padded([read.ids for read in batch])
        return {"decoder_input_ids": ids, "decoder_attention_mask": mask}

    def _padded(self, sequences: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(map(len, sequences))
        ids = [[0] * (longest - len(each)) + list(each) for each in sequences]
        mask = [[0] * (longest - len(each)) + [1] * len(each) for each in sequences]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)

    @contextmanager
    def _head(self, rows: Sequence[int] | None) -> Iterator[None]:
        """The output head with these rows only. The module's own pass does what else is done to logits."""
        whole = self.module.get_output_embeddings()
        if rows is None:
            yield
            return
        few = torch.nn.Linear(whole.in_features, len(rows), bias=whole.bias is not None, device="meta")
        few.weight = torch.nn.Parameter(whole.weight[list(rows)], requires_grad=False)
        if whole.bias is not None:
            few.bias = torch.nn.Parameter(whole.bias[list(rows)], requires_grad=False)
        self.module.set_output_embeddings(few)
        try:
            yield
        finally:
            self.module.set_output_embeddings(whole)


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(-1) - 1).clamp(min=0)


def _check(module: Any) -> None:
    kind = str(module.config.model_type)
    if module.config.is_encoder_decoder:
        fine = kind in _ENCODER_DECODERS
    else:
        fine = inspect.signature(module.forward).parameters.keys() >= _NEEDED
    if not fine:
        raise WeightsError(f"model type {kind!r} is not supported here")
