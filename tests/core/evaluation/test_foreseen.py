"""What is foreseen of a pipeline, against what it takes when models answer."""

import pytest

from shortlist import CrossEncoder, InputError, Rebel
from shortlist.algorithms.flops import Shape, flops, flops_of_calls
from shortlist.evaluation.foreseen import Foreseen, foresee, foresee_calls, together
from shortlist.models.fakes import OverlapScorer
from shortlist.models.openai import OpenAIChat
from shortlist.models.remote import Price
from shortlist.reranker.expression import load

SHAPE = Shape("decoder", 2, 64, 160, heads=4, vocab=200)


def chat(prompt, strategy):
    return load({"reranker": strategy, "scorer": {"prompt": prompt, "model": {"model": "openai-chat", "name": "m"}}})


def test_calls_of_one_length():
    found = foresee_calls("m", SHAPE, Price(0.5, 2.0), calls=116, prompt=200, output=1, prefix=120)
    assert (found.calls, found.tokens_in, found.tokens_out) == (116, 23_200, 116)
    assert found.exact == flops_of_calls(SHAPE, 116, 200, 1, prefix=120)
    assert found.paper == flops_of_calls(SHAPE, 116, 200, 1, prefix=120, mode="paper")
    assert found.money == pytest.approx((23_200 * 0.5 + 116 * 2.0) / 1e6)


def test_what_is_not_known_is_none():
    found = foresee_calls("m", None, prompt=200)
    assert (found.paper, found.exact, found.money) == (None, None, None)
    assert together("all", [found, foresee_calls("m", SHAPE, Price(), prompt=200)]).exact is None


def test_an_encoder_writes_nothing():
    assert foresee_calls("m", Shape("encoder", 2, 64, 160, heads=4, vocab=200), prompt=20, output=1).tokens_out == 0


@pytest.mark.parametrize(
    ("strategy", "prompt", "calls"),
    [
        ("sliding-window", "rankgpt", 9),  # 1 + (100 - 20) / 10
        ("pointwise", "yes-no", 100),
        ("single-window", "rankgpt", 1),
    ],
)
def test_call_plans_of_strategies(strategy, prompt, calls):
    (found,) = foresee(chat(prompt, strategy), 100, 100)
    assert (found.model, found.calls, found.exact, found.money) == ("m", calls, None, None)
    assert found.tokens_in > calls * 100


def test_prices_and_shapes_of_doors_count():
    door = OpenAIChat("m", price=(0.5, 2.0), shape=SHAPE)
    (found,) = foresee(Rebel(door), 24, 100)
    assert found.money == pytest.approx((found.tokens_in * 0.5 + found.tokens_out * 2.0) / 1e6)
    assert found.exact > flops(SHAPE, found.tokens_in // found.calls) and found.exact == found.paper


def test_only_what_a_stage_keeps_goes_on():
    (first,) = foresee(CrossEncoder(OverlapScorer()), 100, 50)
    (second,) = foresee(load("lexical[:30]") >> CrossEncoder(OverlapScorer()), 100, 50)
    assert (first.calls, second.calls, first.money) == (100, 30, 0.0)
    assert abs(first.tokens_in - 100 * 60) < 600


def test_sorting_is_not_shown_the_order_it_wants():
    """Passages that came in sorted would make a sort cheaper than it is."""
    (found,) = foresee(chat("setwise", "setwise"), 100, 100)
    assert found.calls > 2 * 100 / 9


def test_no_model_means_nothing_to_pay():
    assert foresee(load("lexical"), 100, 50) == []
    assert together("all", []) == Foreseen("all", 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("bad", [(0, 10), (10, 0)])
def test_nothing_to_rank(bad):
    with pytest.raises(InputError):
        foresee(load("lexical"), *bad)
    with pytest.raises(InputError):
        foresee_calls("m", SHAPE, prompt=10, prefix=11)
