"""One loaded language model, shared by all doors with the same settings: label logits, likelihoods, written texts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from shortlist.algorithms.flops import flops
from shortlist.algorithms.packing import pack
from shortlist.algorithms.prefixes import shared_prefixes
from shortlist.models.language_prompts import Prompt, Prompter
from shortlist.models.weights import read_settings
from shortlist.plan import Call

if TYPE_CHECKING:
    import torch

    from shortlist.models.torch_network import Read
    from shortlist.models.torch_writing import Wanted, Written

Ids: TypeAlias = tuple[int, ...]


class EngineSettings(NamedTuple):
    """What makes one engine unlike another."""

    folder: Path
    device: str | None
    dtype: str
    max_length: int | None
    budget: int | None


class Found(NamedTuple):
    """Numbers that were wanted of one text, and the operations they took; None where that is not known."""

    values: list[float]
    flops: float | None


class Engine:
    """A tokenizer and a network.

    Attributes:
        prompter: makes prompts of messages.
        max_length: tokens that the network reads and writes.
        lock: to be held by whoever asks; a pass puts another output head into the module for a moment.
    """

    def __init__(self, settings: EngineSettings) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

        from shortlist.models.torch_network import Network

        config = read_settings(settings.folder).config
        device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
        kind = AutoModelForSeq2SeqLM if config.get("is_encoder_decoder") else AutoModelForCausalLM
        options: dict[str, Any] = {"dtype": getattr(torch, settings.dtype), "use_safetensors": True}
        module: Any = kind.from_pretrained(settings.folder, trust_remote_code=False, **options)
        tokenizer = AutoTokenizer.from_pretrained(settings.folder, trust_remote_code=False)
        self.network = Network(module, device)
        self.prompter = Prompter(tokenizer, _start(module))
        self.max_length = _max_length(module, tokenizer, settings.max_length)
        self._budget = settings.budget or (1_024 if device == "cpu" else 16_384)
        self._ends = _ends(module, tokenizer)
        self.lock = threading.Lock()

    def label_values(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Ids]], call: Call
    ) -> list[Found | None]:
        """The value of each label, in tokens, after each prompt; None for prompts not reached when the call was over.

        It is the logit of a label's first token; tokens after it add their log-probabilities, which takes a pass more.
        """
        rows = sorted({label[0] for each in labels for label in each})
        column = {row: place for place, row in enumerate(rows)}

        def values(index: int, logits: torch.Tensor) -> list[float]:
            return [float(logits[-1, column[label[0]]]) for label in labels[index]]

        found = self._scan([(each.source, each.ids) for each in prompts], [1] * len(prompts), rows, values, call)
        long = [(i, j) for i, each in enumerate(labels) for j, label in enumerate(each) if len(label) > 1]
        begun = [(prompts[i].source, (*prompts[i].ids, labels[i][j][0])) for i, j in long]
        rests = self.logprobs(begun, [labels[i][j][1:] for i, j in long], call)
        for (i, j), rest in zip(long, rests, strict=True):
            found[i] = _added(found[i], j, rest)
        return found

    def logprobs(self, reads: Sequence[tuple[Ids, Ids]], targets: Sequence[Ids], call: Call) -> list[Found | None]:
        """The natural log-probability of the target after each text, the sum over its tokens."""

        def values(index: int, logits: torch.Tensor) -> list[float]:
            target = logits.new_tensor(targets[index]).long()
            chosen = logits[-len(target) :].log_softmax(-1).gather(1, target[:, None])
            return [float(chosen.double().sum())]

        fed = [(source, (*ids, *target[:-1])) for (source, ids), target in zip(reads, targets, strict=True)]
        return self._scan(fed, [len(target) for target in targets], None, values, call)

    def write(self, wanted: Sequence[Wanted], call: Call) -> list[Written | None]:
        """The texts; None for those not finished when the call was over."""
        from shortlist.models.torch_writing import write

        found: list[Written | None] = [None] * len(wanted)
        for batch in pack([len(each.read.source) + len(each.read.ids) for each in wanted], self._budget):
            if call.over:
                break
            call.batches += 1
            texts = write(self.network, [wanted[i] for i in batch], self._ends, self.prompter.decode, call)
            for index, text in zip(batch, texts, strict=True):
                found[index] = text if text.done else None
        return found

    def _scan(
        self,
        texts: Sequence[tuple[Ids, Ids]],
        keeps: Sequence[int],
        rows: Sequence[int] | None,
        values: Callable[[int, torch.Tensor], list[float]],
        call: Call,
    ) -> list[Found | None]:
        """What `values` makes of a text's index and its logits, of shape (its `keep` or more, rows)."""
        from shortlist.models.torch_network import Read

        reads = [Read(*text) for text in texts]
        found: list[Found | None] = [None] * len(reads)
        for shared, members in self._groups(reads, keeps):
            past = None
            for batch in pack([len(reads[i].source) + len(reads[i].ids) for i in members], self._budget):
                if call.over:
                    return found
                if shared and past is None:
                    past = self.network.prefix(reads[members[0]].ids[:shared])
                call.batches += 1
                indices = [members[place] for place in batch]
                logits = self.network.last([reads[i] for i in indices], max(keeps[i] for i in indices), rows, past)
                for index, each in zip(indices, logits, strict=True):
                    flops = self._flops(reads[index], keeps[index], rows, shared, len(members))
                    found[index] = Found(values(index, each), flops)
        return found

    def _groups(self, reads: Sequence[Read], keeps: Sequence[int]) -> list[tuple[int, list[int]]]:
        if not self.network.shares(max((len(read.ids) for read in reads), default=0)):
            return [(0, list(range(len(reads))))]
        # Positions whose logits are wanted are read after the prefix.
        return shared_prefixes([read.ids[: len(read.ids) - keep] for read, keep in zip(reads, keeps, strict=True)])

    def _flops(self, read: Read, keep: int, rows: Sequence[int] | None, shared: int, members: int) -> float | None:
        """Of one text, with its part of the prefix that it shares with others."""
        shape = self.network.shape
        if shape is None:
            return None
        logits = keep * (shape.vocab if rows is None else len(rows))
        if self.network.encoder_decoder:
            return flops(shape, len(read.source), len(read.ids), logits=logits)
        return flops(shape, shared) / members + flops(shape, len(read.ids), prefix=shared, logits=logits)

    def flops(self, text: Written) -> float | None:
        """Of reading a prompt and writing this text: the token at which the writing stopped is not read."""
        shape, read = self.network.shape, text.wanted.read
        if shape is None:
            return None
        steps = max(0, len(text.tokens) - (text.cut or text.reached))
        logits = (steps + 1) * shape.vocab
        if self.network.encoder_decoder:
            return flops(shape, len(read.source), len(read.ids) + steps, logits=logits)
        return flops(shape, len(read.ids), steps, logits=logits)


def _added(found: Found | None, place: int, rest: Found | None) -> Found | None:
    """With a number added to one of the values."""
    if found is None or rest is None:
        return None
    values = [value + rest.values[0] * (index == place) for index, value in enumerate(found.values)]
    return Found(values, None if found.flops is None or rest.flops is None else found.flops + rest.flops)


def _max_length(module: Any, tokenizer: Any, wanted: int | None) -> int:
    """What is wanted, but no more than there are positions for; T5, whose are relative, reads whatever one wants."""
    positions = getattr(module.config.get_text_config(decoder=True), "max_position_embeddings", None)
    if positions is None:
        return wanted or int(min(tokenizer.model_max_length, 512))
    return int(min(wanted or tokenizer.model_max_length, positions))


def _start(module: Any) -> int | None:
    """What the decoder of an encoder-decoder model reads first."""
    if not module.config.is_encoder_decoder:
        return None
    stated = (module.generation_config.decoder_start_token_id, module.config.decoder_start_token_id)
    return next((int(each) for each in (*stated, module.config.pad_token_id) if each is not None), 0)


def _ends(module: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a text."""
    stated = module.generation_config.eos_token_id
    several = stated if isinstance(stated, list) else [stated]
    return frozenset(each for each in (*several, tokenizer.eos_token_id) if each is not None)


_lock = threading.Lock()


def engine(settings: EngineSettings) -> Engine:
    """The engine with these settings; one for the whole process, however many models ask."""
    with _lock:
        return _loaded(settings)


@lru_cache(maxsize=4)
def _loaded(settings: EngineSettings) -> Engine:
    return Engine(settings)
