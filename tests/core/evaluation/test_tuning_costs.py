"""What pipelines cost while they are tuned, and limits on it."""

from dataclasses import dataclass, replace

import pytest

import shortlist
from shortlist import InputError, Similarity
from shortlist.evaluation.measures import measure
from shortlist.evaluation.prices import Charge
from shortlist.evaluation.tuning.budget import Budget, Purse
from shortlist.evaluation.tuning.space import Space
from shortlist.evaluation.tuning.trials import Setting, Trials, excess
from shortlist.evaluation.tuning.tune import Method, tune, tuned_by
from shortlist.models import named
from shortlist.models.base import PairScorer
from shortlist.models.fakes import OverlapScorer
from shortlist.models.remote import Price
from shortlist.plan import Reply
from shortlist.runtime.cache import MemoryCache, SqliteCache
from shortlist.runtime.settings import Limits, Runtime

from .tuning_cases import SMALL, SPACE, collection

pytest.importorskip("optuna")


@dataclass(frozen=True)
class Asked(PairScorer):
    """Overlap with tokens, money and operations, and a clock of its own."""

    @property
    def fingerprint(self):
        return "asked"

    def answer(self, payloads, call):
        ASKS.append(len(payloads))
        NOW[0] += 2.0 * len(payloads)
        inner = OverlapScorer().answer(payloads, call)
        return [Reply(each.value, tokens_in=10, tokens_out=1, flops=5.0, money=0.5) for each in inner]


ASKS, NOW = [], [0.0]


@pytest.fixture
def trials(monkeypatch):
    """Of `lexical` with the scorer above wherever `cross-encoder` stands, on a clock that only it moves."""
    ASKS.clear()
    NOW[0] = 0.0
    monkeypatch.setattr("shortlist.evaluation.running.time.perf_counter", lambda: NOW[0])
    monkeypatch.setitem(named._CLASSES, "asked", f"{Asked.__module__}:Asked")
    monkeypatch.setattr("shortlist.evaluation.tuning.trials.load", lambda text: shortlist.parse(text, models=[Asked()]))

    def make(cache=None, *, timed=False, whole=None):
        setting = Setting(whole or collection(10), measure("nDCG@10"), Runtime(window=4, cache=cache), {})
        made = Trials(setting, timed=timed)
        made.ledger._clock = lambda: NOW[0]
        made.ledger.opened()
        return made

    return make


def test_a_cost_is_that_of_a_run_without_a_cache(trials):
    made = trials()
    first = made("cross-encoder").cost
    assert (first.calls, first.tokens_in, first.tokens_out, first.flops, first.money) == (6, 60, 6, 30.0, 3.0)
    assert first.seconds == pytest.approx(12.0 * sum(ASKS) / 60)
    asked = len(ASKS)
    half = made("lexical[:3] >> cross-encoder").cost
    assert len(ASKS) == asked  # all of it is in the cache
    assert (half.calls, half.tokens_in, half.money) == (3, 30, 1.5)
    assert half.seconds == pytest.approx(6.0)
    assert made("lexical").cost.seconds == made("lexical").cost.calls == 0.0
    assert made.ledger.money == 0.5 * sum(ASKS) and made.ledger.answers == sum(ASKS)


def test_each_pipeline_is_run_once(trials):
    made = trials()
    assert made("cross-encoder") is made("cross-encoder")
    assert [*made.found] == ["cross-encoder"]


def test_what_only_the_cache_answered_is_timed_where_seconds_count(trials):
    cache = MemoryCache()
    trials(cache)("cross-encoder")
    ASKS.clear()
    assert trials(cache)("cross-encoder").cost.seconds is None and ASKS == []
    assert trials(cache, timed=True)("cross-encoder").cost.seconds == pytest.approx(12.0)
    assert sum(ASKS) > 0


def test_the_time_without_a_cache_is_of_some_questions(trials):
    made = trials(whole=collection(40))
    made("cross-encoder")
    ASKS.clear()
    cost = made.measured("cross-encoder")
    assert sum(ASKS) == 16 * 6
    assert (cost.calls, cost.seconds) == (6.0, pytest.approx(12.0))


@pytest.mark.parametrize(
    ("limits", "over"),
    [
        (Limits(), -1.0),
        (Limits(calls=12), -0.5),
        (Limits(calls=3), 1.0),
        (Limits(calls=6, tokens=33), 1.0),
        (Limits(money=6.0, seconds=24.0), -0.5),
        (Limits(calls=0), 6.0),
    ],
)
def test_how_far_above_the_limits_a_cost_is(trials, limits, over):
    assert excess(trials()("cross-encoder").cost, limits) == pytest.approx(over, rel=0.5 if limits.seconds else 1e-9)


def test_an_unknown_cost_is_within_no_limit(trials):
    cost = replace(trials()("cross-encoder").cost, money=None, seconds=None)
    for limits in (Limits(money=1.0), Limits(seconds=1.0)):
        with pytest.raises(InputError, match="needs to know"):
            excess(cost, limits)


def test_pipelines_above_a_limit_are_not_chosen(trials):
    space = Space.of(["keep-order[:{k:1..6}] >> cross-encoder"])
    free, bound = (
        tuned_by(trials(), space, Method(limits, Budget(20), folds=3)) for limits in (Limits(), Limits(calls=3))
    )
    assert free.expression == "keep-order[:6] >> cross-encoder"
    assert bound.expression == "keep-order[:3] >> cross-encoder"
    assert {fold.chosen for fold in bound.folds} <= {f"keep-order[:{k}] >> cross-encoder" for k in (1, 2, 3)}
    assert [trial.cost.calls <= 3 for trial in bound.trials] == [True] * 3 + [False] * 3
    with pytest.raises(InputError, match=r"none of 1 .* 500% above"):
        tuned_by(trials(), Space.of(["cross-encoder"]), Method(Limits(calls=1), folds=3))


def test_the_pipeline_is_within_the_limit_on_seconds_when_it_is_timed(trials, monkeypatch):
    space = Space.of(["keep-order", "cross-encoder"])
    made = trials()
    timed = made.measured
    monkeypatch.setattr(
        made, "measured", lambda text: replace(timed(text), seconds=99.0 if text == "cross-encoder" else 0.0)
    )
    found = tuned_by(made, space, Method(Limits(seconds=50.0), folds=3))
    assert found.trials[0].expression == "cross-encoder"
    assert found.expression == "keep-order" and found.cost.seconds == 0.0


def test_searches_share_a_budget():
    now, paid = [0.0], [0.0]
    purse = Purse(Budget(seconds=12.0, money=6.0), lambda: paid[0], lambda: now[0])
    first = purse.share(3)
    now[0] = 3.9
    assert first()
    now[0] = 4.0
    assert not first()
    second = purse.share(2)
    paid[0] = 3.0
    assert not second()
    now[0], last = 11.9, purse.share(1)
    assert last()
    now[0] = 12.0
    assert not last()
    assert not purse.share(1)()
    forever = Purse(Budget(), lambda: 1e9, lambda: now[0]).share(1)
    assert forever()


def test_a_search_whose_time_is_up_has_tried_one_pipeline_each(monkeypatch):
    found = tune(collection(20), SPACE, method=Method(budget=Budget(20, seconds=1e-9), folds=3))
    assert [fold.tried for fold in found.folds] == [1, 1, 1] and len(found.trials) == 1


def test_answers_are_kept_for_the_next_time(tmp_path):
    space = ["similarity", "blend(similarity, prior={p:0..1/0.5})"]
    first, again = (
        tune(collection(10), space, method=SMALL, runtime=Runtime(cache=SqliteCache(tmp_path / "answers.db")))
        for _ in range(2)
    )
    assert first.spent.answers > again.spent.answers  # of the timing alone
    assert first.expression == again.expression and first.cost.calls == again.cost.calls


def test_prices_are_those_of_models_behind_servers():
    setting = Setting(collection(10), measure("nDCG@10"), Runtime(), {"static": Charge(Price(1.0))})
    assert Trials(setting).made("similarity") == Similarity()  # what runs here has no price to be told
