"""Defects that a review of the language-model rerankers found; each test fails without its mending."""

import itertools

import pytest

from shortlist import (
    BadAnswer,
    ChatReply,
    FunctionChat,
    Grouped,
    InputError,
    Llm,
    ModelError,
    Pointwise,
    Prompted,
    Setwise,
    from_dict,
)
from shortlist.models.base import ChatModel
from shortlist.models.fakes import ConstantChat
from shortlist.models.oracle import OracleChat
from shortlist.plan import Reply

TEXTS = [f"passage number {i}" for i in range(40)]
GRADES = {text: float(i) for i, text in enumerate(TEXTS)}


class OneFails(ChatModel):
    """An oracle whose calls fail where `fails` says so, by their number."""

    remote = True

    def __init__(self, fails):
        self.fails = fails
        self.calls = itertools.count()

    def split(self, payloads):
        return [[*range(len(payloads))]]

    def answer(self, payloads, call):
        told = OracleChat(GRADES).answer(payloads, call)
        return [ModelError("down") if self.fails(next(self.calls)) else reply for reply in told]


def test_a_failure_beside_answers_of_the_same_round_is_a_missing_vote_in_a_heap():
    # Nine windows go out side by side, from plans of their own: the first to be looked at has failed.
    ranking = Setwise(Prompted(OneFails(lambda call: call == 0), "rankgpt"), window=4).rank("q", TEXTS)
    assert ranking.texts[0] == TEXTS[-1]
    assert ranking.degraded.startswith("missing judgements: 1 of")


def test_a_heap_gives_up_after_the_first_round_that_brings_nothing():
    model = OneFails(lambda _: True)
    with pytest.raises(ModelError, match="down"):
        Setwise(Prompted(model, "rankgpt"), window=4).rank("q", TEXTS)
    assert next(model.calls) == 9  # the lowest level of the heap, and no other


def test_whether_a_server_is_checked_is_written_down():
    grouped = Grouped(Prompted(ConstantChat(), "rankgpt", check=False))
    assert from_dict(grouped.to_dict()) == grouped
    old = {"reranker": "grouped", "scorer": {"prompt": "rankgpt", "model": {"model": "constant-chat"}}}
    assert from_dict(old).scorer.check


@pytest.mark.parametrize("settings", [{"system": 5}, {"system": None}, {"instruction": 5}])
def test_names_and_instructions_are_text(settings):
    with pytest.raises(InputError):
        Llm(ConstantChat(), **settings)


@pytest.mark.parametrize("labels", [None, [("Yes", -1.0)], {"Yes": "likely"}, {"Yes": None}])
def test_labels_of_the_wrong_shape_are_a_bad_answer(labels):
    model = FunctionChat(lambda _: ChatReply("Yes", labels))
    with pytest.raises(BadAnswer, match="log-probabilities"):
        Pointwise(Prompted(model, "yes-no")).rank("q", ["a", "b"])


def test_a_name_in_the_place_of_a_chat_model_is_answered_with_the_right_door():
    with pytest.raises(InputError, match="OpenAIChat"):
        Llm("some-model")


class AlwaysTheFirst(ChatModel):
    """Reveals the same log-probabilities whatever it reads, as behind a wrong template."""

    remote = True

    def answer(self, payloads, call):
        return [Reply(ChatReply("A", dict(zip(each.labels, (-0.1, -3.0), strict=False)))) for each in payloads]


@pytest.mark.parametrize("system", ["prp", "first"])
def test_a_server_that_takes_the_first_whatever_it_reads_is_found_out(system):
    with pytest.raises(ModelError, match="template"):
        Llm(AlwaysTheFirst(), system).warm_up()
