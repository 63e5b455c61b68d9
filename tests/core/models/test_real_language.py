"""SmolLM2-135M, out of its GGUF file. Skipped, visibly, where it has not been fetched."""

import json
from importlib.resources import files

import pytest

from shortlist import Llm
from shortlist.models import catalogue
from shortlist.models.base import ChatRequest, Continuation, Message
from shortlist.plan import Call
from shortlist.rerankers.dynamic_rag import DynamicRag
from shortlist.scorers.prompted import Prompted
from shortlist.testing import check_ranking

pytest.importorskip("torch")
pytest.importorskip("transformers")

from shortlist.models.torch_language import TorchChat, TorchLikelihood

pytestmark = [pytest.mark.models, pytest.mark.slow]
NAME = "smollm2-135m"
TEXTS = [
    "Bread needs yeast, flour, water and time.",
    "Tides are the rise and fall of sea levels caused by the gravity of the moon and the sun.",
    "The ocean covers 71 percent of the Earth and is salty.",
]


@pytest.fixture(scope="module", autouse=True)
def weights():
    if catalogue.find(NAME) is None:
        pytest.skip(f"weights are absent: run `shortlist models get {NAME}` (make test does)")


def test_it_answers():
    ask = ChatRequest((Message("user", "What is the capital of France?"),), max_tokens=20)
    reply = TorchChat(NAME).answer([ask], Call())[0]
    assert "Paris" in reply.value.text and not reply.value.cut


def test_the_query_is_likeliest_after_the_passage_that_answers_it():
    prompts = [(Message("user", f"Passage: {t}\nPlease write a question based on this passage."),) for t in TEXTS]
    replies = TorchLikelihood(NAME).answer([Continuation(p, "what causes ocean tides?") for p in prompts], Call())
    values = [reply.value.logprob for reply in replies]
    assert max(values) == values[1] > values[0] + 3


def test_yes_and_no_are_tokens_of_it():
    asks = [ChatRequest((Message("user", f"{t}\nYes or No?"),), labels=("Yes", "No")) for t in TEXTS]
    for reply in TorchChat(NAME).answer(asks, Call()):
        assert set(reply.value.labels) == {"Yes", "No"} and reply.value.text in {"Yes", "No"}


def test_its_folder_is_plain():
    folder = catalogue.find(NAME)
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config and config["tie_word_embeddings"]
    assert {"model.safetensors", "chat_template.jinja", "tokenizer.json"} <= {path.name for path in folder.iterdir()}
    assert "Apache-2.0" in (folder / "SOURCE.txt").read_text()


def shortened(system, folder):
    """The path of a system's prompt that has fewer tokens to write: it writes on and on."""
    own = folder / "short.toml"
    text = files("shortlist.prompts").joinpath("systems", f"{system}.toml").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("max_tokens")]
    own.write_text("max_tokens = 24\n" + "\n".join(lines), "utf-8")
    return str(own)


@pytest.mark.parametrize("system", ["rankzephyr", "lrl", "setwise", "shortlist", "shortlist-scores"])
def test_whatever_it_writes_for_a_list_every_passage_is_ranked(system, tmp_path):
    ranking = Llm(TorchChat(NAME), shortened(system, tmp_path)).rank("what causes ocean tides?", TEXTS)
    check_ranking(ranking, TEXTS)
    assert sorted(ranking.texts) == sorted(TEXTS) and ranking.usage.tokens_out > 0


@pytest.mark.parametrize("system", ["dynamicrag", "shortlist-selection"])
def test_whatever_it_selects_every_passage_is_accounted_for(system, tmp_path):
    scorer = Prompted(TorchChat(NAME), shortened(system, tmp_path), confidence=True)
    ranking = DynamicRag(scorer, window=2, min_k=1).rank("what causes ocean tides?", TEXTS)
    check_ranking(ranking, TEXTS)
    assert len(ranking) >= 1 and ranking.usage.calls >= 2 and ranking.usage.tokens_out > 0


def test_as_a_reranker_by_likelihood_it_finds_the_passage():
    ranking = Llm(TorchLikelihood(NAME), "query-likelihood").rank("what causes ocean tides?", TEXTS)
    assert ranking.texts[0] == TEXTS[1]
