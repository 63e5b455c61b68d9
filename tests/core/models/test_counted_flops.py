"""What doors say they computed, against what torch counts while they answer."""

import importlib.util
import sys
from pathlib import Path

import pytest

from shortlist.models.base import ChatRequest, Continuation, Message, Pair
from shortlist.plan import Call

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from shortlist.models.torch import TorchCrossEncoder, _engine  # noqa: E402
from shortlist.models.torch_language import TorchChat, TorchLikelihood  # noqa: E402
from shortlist.models.torch_language_engine import engine  # noqa: E402

pytestmark = pytest.mark.slow

spec = importlib.util.spec_from_file_location("tiny_language", Path(__file__).with_name("tiny_language.py"))
tiny = importlib.util.module_from_spec(spec)
sys.modules["tiny_language"] = tiny
spec.loader.exec_module(tiny)

LABELS = ("yes", "no")
LONG = "the moon pulls the sea and raises the tides, and bread needs yeast. " * 2


@pytest.fixture(scope="module", params=["qwen3", "llama", "gemma2", "t5"])
def folder(request, tmp_path_factory):
    return str(tiny.save(request.param, tmp_path_factory.mktemp(request.param)))


def told_and_counted(model, payloads):
    """Attention is computed as matrix products, so that the counter sees it; none waits for another's padding."""
    module = engine(model.settings).network.module
    module.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter:
        replies = model.answer(payloads, Call())
    return sum(reply.flops for reply in replies), counter.get_total_flops()


def asked(text):
    return (Message("user", f"Is this passage about the query? Query: what causes tides? Passage: {text}"),)


def test_labels_of_one_prompt(folder):
    told, counted = told_and_counted(TorchChat(folder), [ChatRequest(asked(LONG), labels=LABELS)])
    assert told == pytest.approx(counted, rel=0.02)


def test_prompts_that_begin_alike(folder):
    """Four of one length after a long prefix: decoders read it once, but not an encoder, or past a sliding window."""
    requests = [ChatRequest(asked(f"{LONG} {name}"), labels=LABELS) for name in "0123"]
    together, counted = told_and_counted(TorchChat(folder, budget=100_000), requests)
    assert together == pytest.approx(counted, rel=0.02)
    apart = sum(told_and_counted(TorchChat(folder), [request])[0] for request in requests)
    shares = engine(TorchChat(folder).settings).network.shares(100)
    assert shares == (Path(folder).name.rstrip("0123456789") in ("qwen", "llama"))
    assert together < 0.6 * apart if shares else together == apart


@pytest.mark.parametrize("tokens", [1, 9])
def test_a_written_text(folder, tokens):
    told, counted = told_and_counted(TorchChat(folder), [ChatRequest(asked(LONG), max_tokens=tokens)])
    assert told == pytest.approx(counted, rel=0.02)


def test_the_likelihood_of_a_text(folder):
    told, counted = told_and_counted(TorchLikelihood(folder), [Continuation(asked(LONG), "what causes tides?")])
    assert told == pytest.approx(counted, rel=0.02)


def test_a_cross_encoder(tmp_path):
    import transformers

    fast = tiny.byte_pairs(begins=True)
    fast.pad_token = "<s>"
    fast.save_pretrained(tmp_path)
    sizes = {name: size for name, size in tiny.SIZES.items() if name not in ("num_key_value_heads", "head_dim")}
    config = transformers.BertConfig(**sizes, num_labels=1)
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    model = TorchCrossEncoder(str(tmp_path))
    _engine(model).module.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter:
        (reply,) = model.answer([Pair("what causes tides?", LONG)], Call())
    assert reply.tokens_in >= 40 and reply.flops == pytest.approx(counter.get_total_flops(), rel=0.02)
