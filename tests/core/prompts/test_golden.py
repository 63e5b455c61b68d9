"""Each system's prompt is its authors' to the byte, and a well-formed answer of its kind is read right.

The fixtures were put together from the references that their first lines name, by the references' own formatting, and
not by rendering our files. Between the lines of dashes stands what the model sees of a turn; where a first line says
that something is not confirmed, the fixture guards our reading of the paper and no more.
"""

import re
from pathlib import Path

import pytest

from shortlist import Passage
from shortlist.models.base import ChatReply, Likelihood
from shortlist.plan import Missing
from shortlist.prompts.render import render, target
from shortlist.prompts.spec import prompts
from shortlist.scorers.reading import read, read_likelihood

GOLDEN = Path(__file__).parent / "golden"
QUERY = "why is the sea salty"
PASSAGES = [
    Passage("Rivers carry salt to the sea.", score=12.3456, metadata={"title": "Salt of the Sea"}),
    Passage("Bread needs salt, flour and water.", score=7.0, metadata={"title": "Bread"}),
    Passage("The Dead Sea is saltier still.", score=0.25, metadata={"title": "Dead Sea"}),
]
OUR_OWN = {"shortlist", "shortlist-scores", "shortlist-selection", "yes-no", "graded", "query-likelihood"}
SPECS = prompts()


def turns_of(path):
    source, _, rest = path.read_text(encoding="utf-8").partition("\n")
    assert source.startswith("source: ")
    parts = re.split(r"^--- (\w+)\n", rest, flags=re.MULTILINE)
    assert parts[-2:] == ["end", ""]
    return tuple((role, content[:-1]) for role, content in zip(parts[1:-2:2], parts[2:-2:2], strict=True))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_rendered_as_the_reference(path):
    name, _, instructed = path.stem.partition(".")
    spec = SPECS[name]
    instruction = "oceanography only" if instructed else None
    assert render(spec, QUERY, PASSAGES[: spec.window], instruction) == turns_of(path)


def test_every_published_system_has_a_fixture():
    assert {path.stem for path in GOLDEN.glob("*.txt") if "." not in path.stem} == set(SPECS) - OUR_OWN
    assert {name for name, spec in SPECS.items() if spec.reference.startswith("our own")} == OUR_OWN


ORDERS = {
    "lrl": ("[PASSAGE3, PASSAGE1, PASSAGE2]", (2, 0, 1)),
    "rankgpt": ("[3] > [1] > [2]", (2, 0, 1)),
    "rankvicuna": ("[3] > [1] > [2]", (2, 0, 1)),
    "rankzephyr": ("[3] > [1] > [2]", (2, 0, 1)),
    "rank-without-gpt": ("[3] > [1] > [2]", (2, 0, 1)),
    "insertrank": ("[3] > [1] > [2]", (2, 0, 1)),
    "dear-listwise": ("<think>first [1] > [2]</think>\n[3] > [1] > [2]", (2, 0, 1)),
    "rank-k": ("<think>\n[1] > [2] > [3]?\n</think>\n\n[3] > [2] = [1]", (2, 0, 1)),
    "listt5": ("2 1 3", (2, 0, 1)),
    "shortlist": ('{"ranking": ["3", "1", "2"]}', (2, 0, 1)),
    "rank-r1": ("<think> the first [1] looks good, but </think> <answer>[3]</answer>", (2, 0, 1)),
    "setwise": ("Passage C", (2, 0, 1)),
    "grouprank": (
        '<reason>\n[1] is the best\n</reason>\n<answer>\n```json\n{"[1]": 5, "[2]": 3, "[3]": 8}\n```\n</answer>',
        (2, 0, 1),
    ),
    "shortlist-scores": ('{"1": 5, "2": 3.5, "3": 8}', (2, 0, 1)),
}
SELECTIONS = {
    "dynamicrag": ("[3], [1]", "None"),
    "dynamicrag-7b": ("[3], [1]", "None"),
    "dynamicrag-inference": ("[3], [1]", "None"),
    "shortlist-selection": ('{"selected": ["3", "1"]}', '{"selected": []}'),
}


@pytest.mark.parametrize(("name", "text", "order"), [(name, *each) for name, each in ORDERS.items()])
def test_a_well_formed_order_is_read(name, text, order):
    judged = read(SPECS[name], ChatReply(text), 3)
    assert judged.order == order
    assert judged.named == (1 if SPECS[name].contract == "pick" else 3)


@pytest.mark.parametrize(("name", "some", "none"), [(name, *each) for name, each in SELECTIONS.items()])
def test_a_selection_has_its_order_and_its_number(name, some, none):
    judged = read(SPECS[name], ChatReply(some), 3)
    assert (judged.order, judged.named, judged.repairs) == ((2, 0, 1), 2, ())
    judged = read(SPECS[name], ChatReply(none), 3)
    assert (judged.order, judged.named, judged.repairs) == ((0, 1, 2), 0, ())


def test_scores_of_a_group_are_read_by_place():
    assert read(SPECS["grouprank"], ChatReply(ORDERS["grouprank"][0]), 3).scores == (5.0, 3.0, 8.0)


@pytest.mark.parametrize("name", ["first", "early-first", "setwise-likelihood"])
def test_letters_are_ordered_by_their_log_probabilities(name):
    spec = SPECS[name]
    logprobs = dict(zip(spec.choices(3), (-2.0, -3.0, -0.3), strict=True))
    judged = read(spec, ChatReply("C", logprobs), 3)
    assert judged.order == (2, 0, 1)
    assert judged.named == 3


@pytest.mark.parametrize("name", ["prp", "duot5", "instupr-pairwise"])
def test_of_two_the_likelier_one_wins(name):
    first, second = SPECS[name].choices(2)
    for logprobs, order in (({first: -0.1, second: -2.3}, (0, 1)), ({first: -2.3, second: -0.1}, (1, 0))):
        judged = read(SPECS[name], ChatReply("", logprobs), 2)
        assert judged.order == order
        assert sum(judged.scores) == pytest.approx(1.0)


def test_duot5_says_true_of_the_first_document():
    assert SPECS["duot5"].choices(2) == ("true", "false")


SCORES = {
    "qwen3-reranker": ({"yes": 1.0, "no": -1.0}, 0.880797),
    "rank1": ({" true": 1.0, " false": -1.0}, 0.880797),
    "limrank": ({" true": 1.0, " false": -1.0}, 0.880797),
    "reason-rr": ({" true": 1.0, " false": -1.0}, 0.880797),
    "no-reason": ({" true": 1.0, " false": -1.0}, 0.880797),
    "standard-rr": ({"true": 1.0, "false": -1.0}, 0.880797),
    "monot5": ({"true": 1.0, "false": -1.0}, 0.880797),
    "yes-no": ({"Yes": 1.0, "No": -1.0}, 0.880797),
    "mxbai-v2": ({"1": 3.5, "0": -1.0}, 4.5),
    "zerank": ({"Yes": 5.25}, 5.25),
    "zerank-2": ({"Yes": 5.25}, 5.25),
    "bge-gemma": ({"Yes": 5.25}, 5.25),
    "instupr-pointwise": (dict.fromkeys("12345", 0.0), 3.0),
    "graded": (dict.fromkeys("0123", 0.0), 1.5),
}


@pytest.mark.parametrize(("name", "logits", "score"), [(name, *each) for name, each in SCORES.items()])
def test_labels_become_the_systems_score(name, logits, score):
    judged = read(SPECS[name], ChatReply("", logits), 1)
    assert judged.scores == (pytest.approx(score, abs=1e-6),)
    assert judged.repairs == ()


def test_eranks_score_counts_as_much_as_it_is_likely():
    text = "<think>somewhat related</think><answer>7</answer>"
    spec = SPECS["erank"]
    assert read(spec, ChatReply(text, {"7": 0.0, "6": 0.0}), 1).scores == (pytest.approx(3.5),)
    assert read(spec, ChatReply(text), 1).scores == (7.0,)
    ten = "<think>it answers</think><answer>10</answer>"
    assert read(spec, ChatReply(ten, {"1": 0.0, "9": 0.0}), 1).scores == (pytest.approx(5.0),)


@pytest.mark.parametrize("name", ["upr", "q-peft", "query-likelihood"])
def test_likelihoods_are_of_the_query(name):
    assert target(SPECS[name], QUERY).strip() == QUERY
    assert read_likelihood(Likelihood(-12.0, 6)).scores == (-2.0,)


def test_every_system_is_among_these():
    pairwise = {"prp", "duot5", "instupr-pairwise"}
    read_here = {*ORDERS, *SELECTIONS, *SCORES, *pairwise, "first", "early-first", "setwise-likelihood", "erank"}
    without_an_answer_to_read = {"upr", "q-peft", "query-likelihood", "dear-pointwise"}
    assert read_here | without_an_answer_to_read == set(SPECS)


@pytest.mark.parametrize("name", sorted(set(SPECS) - {"upr", "q-peft", "query-likelihood", "dear-pointwise"}))
def test_an_empty_answer_is_a_missing_vote(name):
    spec = SPECS[name]
    assert isinstance(read(spec, ChatReply(""), min(3, spec.window)), Missing)
