"""The noisy oracle reads prompts, answers in the form asked for, and errs as its settings say."""

import math

import numpy as np
import pytest

from shortlist.models.base import ChatRequest, Message
from shortlist.models.oracle import OracleChat
from shortlist.passage import Passage
from shortlist.plan import Call
from shortlist.prompts.spec import prompts
from shortlist.rerankers.pointwise import Pointwise
from shortlist.rerankers.setwise import Setwise
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.scorers.prompted import Prompted

TEXTS = [f"passage {name} on tides" for name in ("alpha", "beta", "gamma", "delta")]
GRADES = dict(zip(TEXTS, (0.3, 1.7, -0.4, 0.9), strict=True))
BEST = [1, 3, 0, 2]


def asked(oracle, content, **fields):
    (reply,) = oracle.answer([ChatRequest((Message("user", content),), **fields)], Call())
    return reply


def listed(names="1234", form="[{}] {}"):
    return "\n".join(form.format(name, text) for name, text in zip(names, TEXTS, strict=True))


@pytest.mark.parametrize(
    "form", ["[{}] {}", "[{}]: {}", "Passage {}: {}", 'Passage {}: "{}"', "PASSAGE {} = {}", '<passage id="{}">{}</passage>',
             '<passage id="{}">\n{}\n</passage>', "Document {}:\n{}\n"],
)  # fmt: skip
@pytest.mark.parametrize("names", ["1234", "ABCD"])
def test_it_finds_names_and_texts(form, names):
    reply = asked(OracleChat(GRADES), "Rank [2] > [1] these:\n" + listed(names, form) + "\nthe query: tides")
    assert reply.value.text == " > ".join(f"[{names[i]}]" for i in BEST)


@pytest.mark.parametrize(
    "name", sorted(name for name, spec in prompts().items() if spec.contract == "ranking" and name != "listt5")
)
def test_it_answers_every_listwise_prompt(name):
    ranking = SlidingWindow(Prompted(OracleChat(GRADES), name), stride=None, window=4).rank("tides", TEXTS)
    assert ranking.texts == [TEXTS[i] for i in BEST] and ranking.repairs == () and ranking.degraded is None


@pytest.mark.parametrize("name", ["setwise", "setwise-likelihood", "rank-r1"])
def test_it_answers_prompts_that_pick(name):
    ranking = Setwise(Prompted(OracleChat(GRADES), name)).rank("tides", TEXTS)
    assert ranking.texts == [TEXTS[i] for i in BEST] and ranking.repairs == ()


@pytest.mark.parametrize("name", ["yes-no", "graded", "qwen3-reranker"])
def test_it_answers_pointwise_labels(name):
    ranking = Pointwise(Prompted(OracleChat(GRADES), name)).rank("tides", TEXTS)
    assert ranking.texts == [TEXTS[i] for i in BEST] and ranking.repairs == ()


def test_scores_as_json():
    schema = '{"properties": {"[1]": {}, "[2]": {}, "3": {}, "x": {}}}'
    assert asked(OracleChat(GRADES), listed(), schema=schema).value.text == '{"[1]": 5.744, "[2]": 8.455, "3": 4.013}'
    assert asked(OracleChat(GRADES), listed(), schema='{"properties": {"ranking": {}}}').value.text == (
        '{"ranking": ["2", "4", "1", "3"]}'
    )


def test_labels_are_beliefs():
    assert asked(OracleChat(GRADES), listed("ABCD"), labels=("A", " B", "Z")).value.labels == {"A": 0.3, " B": 1.7}
    yes_no = asked(OracleChat(GRADES), f"Document: {TEXTS[1]}", labels=("yes", "no")).value.labels
    assert yes_no == {"yes": 0.85, "no": -0.85}


def test_a_prompt_without_known_texts():
    reply = asked(OracleChat(GRADES), "nothing here")
    assert reply.value.text == "" and reply.value.labels == {}
    assert asked(OracleChat({}), "", labels=("yes", "no")).value.labels == {}


def test_tokens_are_a_quarter_of_the_characters():
    content = listed()
    reply = asked(OracleChat(GRADES), content)
    assert (reply.tokens_in, reply.tokens_out) == (len(content) // 4, len(reply.value.text) // 4)


# ---- noise -----------------------------------------------------------------------------------------------------------


def beliefs(oracle, contents, texts):
    """What it believes of each text, read from label logits: shape (prompts, passages)."""
    names = tuple(chr(65 + i) for i in range(len(texts)))
    rows = []
    for content in contents:
        passages = "\n".join(f"[{name}] {text}" for name, text in zip(names, texts, strict=True))
        labels = asked(oracle, f"{content}\n{passages}", labels=names).value.labels
        rows.append([labels[name] for name in names])
    return np.array(rows)


MANY = [f"text {i}" for i in range(20)]
QUERIES = [f"query {i}" for i in range(400)]


def test_fresh_noise_is_drawn_for_each_prompt_and_is_the_same_for_the_same():
    oracle = OracleChat(dict.fromkeys(MANY, 0.0), noise=0.7)
    found = beliefs(oracle, QUERIES, MANY)
    assert found.std() == pytest.approx(0.7, rel=0.03) and abs(found.mean()) < 0.03
    assert abs(np.corrcoef(found[0], found[1])[0, 1]) < 0.6
    assert (beliefs(oracle, QUERIES[:2], MANY) == found[:2]).all()
    assert (beliefs(OracleChat(dict.fromkeys(MANY, 0.0), noise=0.7, seed=1), QUERIES[:1], MANY) != found[:1]).all()


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8, 1.0])
def test_rho_is_the_share_that_stays_with_the_passage(rho):
    texts = [f"text {i}" for i in range(20)]
    kept = []
    for start in range(0, 400, 20):  # many passages: the share is of their variance, too
        texts = [f"text {i}" for i in range(start, start + 20)]
        found = beliefs(OracleChat(dict.fromkeys(texts, 0.0), noise=1.0, rho=rho), QUERIES[:30], texts)
        kept += found.mean(axis=0).tolist()
    assert np.var(kept) == pytest.approx(rho + (1 - rho) / 30, abs=0.15)


def test_pull_favours_what_stands_first():
    found = beliefs(OracleChat(dict.fromkeys(MANY, 1.0), pull=0.5), QUERIES[:1], MANY)[0]
    np.testing.assert_allclose(found, 1.0 + 0.5 * (0.5 - np.arange(20) / 19))
    assert beliefs(OracleChat({"one": 1.0}, pull=0.5), ["q"], ["one"])[0, 0] == 1.25


def test_noise_grows_with_the_window():
    few = MANY[:5]
    found = beliefs(OracleChat(dict.fromkeys(few, 0.0), noise=0.7, growth=0.5), QUERIES * 2, few)
    assert found.std() == pytest.approx(0.7 * math.sqrt(5 / 20), rel=0.05)
    assert beliefs(OracleChat(dict.fromkeys(MANY, 0.0), noise=0.7, growth=0.5), QUERIES, MANY).std() == pytest.approx(
        0.7, rel=0.03
    )


def test_it_is_a_value_and_answers_all_at_once():
    oracle = OracleChat(GRADES, noise=0.5)
    assert oracle == OracleChat(GRADES, noise=0.5) != OracleChat(GRADES, noise=0.6)
    assert oracle.split([None] * 3) == [[0, 1, 2]] and oracle.remote and hash(oracle) == hash(oracle)
    windows = SlidingWindow(Prompted(oracle, "rankzephyr"))
    assert windows.rank("q", TEXTS).kept == windows.rank("q", [Passage(text) for text in TEXTS]).kept
