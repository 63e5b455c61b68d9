"""Runs over a collection, and how one that was broken off is taken up again."""

import json
from dataclasses import dataclass, replace

import pytest

from shortlist import Blend, CrossEncoder, InputError, KeepOrder, Lexical, Passage, Ranking, Reranker
from shortlist.errors import ModelError, WeightsError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.outcome import Outcome
from shortlist.evaluation.running import first_stage, run
from shortlist.evaluation.store import digest
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.runtime.cache import MemoryCache
from shortlist.runtime.settings import Limits, Runtime

from .tiny import collection, question

ASKED = []


@dataclass(frozen=True)
class Watched(Reranker):
    """Turns the order around, notes what it was asked, and fails where it is told to."""

    name = "watched"
    fails: str = ""
    error: type = ModelError

    def plan(self, query, passages):
        yield from ()
        ASKED.append(passages[0].id)
        if passages[0].id.startswith(self.fails or "?"):
            raise self.error("broken")
        return Ranking.by_order(passages, range(len(passages) - 1, -1, -1))

    def to_dict(self):
        return {"reranker": self.name}


@pytest.fixture
def tiny():
    ASKED.clear()
    return collection()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "deep" / "run.jsonl"


def test_a_run_is_what_ranking_each_question_gives(tiny):
    made = run(Lexical(), tiny)
    assert made.name == "lexical"
    assert made.pipeline == Lexical().to_dict()
    assert [*made.outcomes] == [question.id for question in tiny]
    for each in tiny:
        ranking = Lexical().rank(each.query, each.passages)
        assert made.outcomes[each.id].ids == tuple(item.passage.id for item in ranking.kept)
        assert made.outcomes[each.id].scores == tuple(ranking.scores)
    assert made.seconds > 0.0


def test_the_best_k_are_kept_and_the_others_named(tiny):
    made = run(Lexical(), tiny, name="two", top_k=2)
    assert made.name == "two"
    assert {len(each.ids) for each in made.outcomes.values()} == {2}
    assert {len(each.dropped) for each in made.outcomes.values()} == {4}


def test_usage_is_that_of_each_question(tiny):
    made = run(CrossEncoder(OverlapScorer()), tiny, runtime=Runtime(window=5))
    assert {each.usage.calls for each in made.outcomes.values()} == {6}
    assert made.pipeline is None  # it holds code


def test_a_cache_answers_the_second_time(tiny):
    runtime = Runtime(cache=MemoryCache())
    calls = []
    for _ in range(2):
        usages = [each.usage for each in run(CrossEncoder(OverlapScorer()), tiny, runtime=runtime).outcomes.values()]
        calls.append(sum(usage.calls for usage in usages))
        assert sum(usage.calls + usage.hits for usage in usages) == 12 * 6
    assert calls[0] > calls[1] == 0


def test_limits_hold_for_each_question(tiny):
    made = run(CrossEncoder(OverlapScorer()), tiny, runtime=Runtime(limits=Limits(calls=5)))
    assert all(each.error.startswith("LimitReached: ") and not each.ids for each in made.outcomes.values())


def test_a_question_that_fails_says_why_and_the_others_go_on(tiny):
    made = run(Watched(fails="q3"), tiny)
    assert made.outcomes["q3"] == Outcome((), (), error="ModelError: broken")
    assert sum(each.error is None for each in made.outcomes.values()) == 11


def test_a_fallback_is_told(tiny):
    made = run(CrossEncoder(FailingScorer()) | KeepOrder(), tiny)
    assert all(each.degraded and len(each.ids) == 6 for each in made.outcomes.values())


def test_what_no_question_can_mend_ends_the_run(tiny):
    with pytest.raises(WeightsError, match="broken"):
        run(Watched(fails="q", error=WeightsError), tiny)


def test_progress_is_told_after_each_window(tiny, store):
    told = []
    run(Watched(), tiny, runtime=Runtime(window=5), store=store, progress=lambda *counts: told.append(counts))
    assert told == [(0, 12), (5, 12), (10, 12), (12, 12)]
    told.clear()
    run(Watched(), tiny, store=store, progress=lambda *counts: told.append(counts))
    assert told == [(12, 12)]


def test_the_first_stage_is_as_it_was_found_and_costs_nothing(tiny):
    made = first_stage(tiny)
    assert made.name == "first stage"
    assert all(made.outcomes[each.id].ids == each.candidates for each in tiny)
    assert made.outcomes["q0"].scores == tuple(passage.score for passage in tiny.questions[0].passages)
    assert made.pipeline == KeepOrder().to_dict()
    assert made.seconds == 0.0


def broken_off(store, lines, tail=b""):
    """The store as it would be had the run ended after so many lines."""
    store.write_bytes(b"".join(store.read_bytes().splitlines(keepends=True)[:lines]) + tail)


@pytest.mark.parametrize("tail", [b"", b'{"question": "q4", "seco', b"\xf0\x9f"])
def test_a_run_that_was_broken_off_goes_on_where_it_was(tiny, store, tail):
    whole = run(Watched(), tiny, store=store)
    broken_off(store, 1 + 4, tail)
    ASKED.clear()
    again = run(Watched(), tiny, store=store)
    assert [f"q{i}p0" for i in range(4, 12)] == ASKED
    assert {key: each.ids for key, each in again.outcomes.items()} == {
        key: each.ids for key, each in whole.outcomes.items()
    }
    assert [*again.outcomes] == [*whole.outcomes]
    assert len(store.read_bytes().splitlines()) == 13
    assert all(json.loads(line) for line in store.read_bytes().splitlines())


def test_seconds_of_all_parts_add_up(tiny, store):
    whole = run(Watched(), tiny, store=store)
    assert run(Watched(), tiny, store=store).seconds == pytest.approx(whole.seconds)


def test_what_is_read_again_is_what_was_written(tiny, store):
    whole = run(Lexical(), tiny, store=store, top_k=3)
    assert run(Lexical(), tiny, store=store, top_k=3).outcomes == whole.outcomes


def test_questions_that_failed_are_asked_again(tiny, store):
    run(Watched(fails="q3"), tiny, store=store)
    ASKED.clear()
    again = run(Watched(), tiny, store=store)
    assert ASKED == ["q3p0"]
    assert all(each.error is None for each in again.outcomes.values())
    assert run(Watched(), tiny, store=store).outcomes == again.outcomes


OTHERS = {
    "pipeline": {"reranker": Lexical(k1=0.5)},
    "collection": {"data": collection(11)},
    "top_k": {"top_k": 5},
    "limits": {"runtime": Runtime(limits=Limits(calls=3))},
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_store_of_something_else_is_refused_and_left_alone(tiny, store, other):
    run(Lexical(), tiny, store=store)
    before = store.read_bytes()
    changed = {"reranker": Lexical(), "data": tiny, **OTHERS[other]}
    with pytest.raises(InputError, match=f"is the store of another {other}: remove it"):
        run(changed.pop("reranker"), changed.pop("data"), store=store, **changed)
    assert store.read_bytes() == before


@pytest.mark.parametrize("content", [b"text\n", b"[]\n", b'{"a": 1}\n', b'{"shortlist_run": 2}\n', b"\xff\n", b"5\n"])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tiny, tmp_path, content):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no store of a run"):
        run(Lexical(), tiny, store=path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"half a line", b'{"shortlist_run": 1, "pipeline"'])
def test_a_file_without_one_whole_line_is_a_store_only_if_it_began_as_one(tiny, tmp_path, content):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content)
    if content.startswith(b"half"):
        with pytest.raises(InputError, match="is no store of a run"):
            run(Lexical(), tiny, store=path)
        assert path.read_bytes() == content
    else:
        assert len(run(Lexical(), tiny, store=path).outcomes) == 12


@pytest.mark.parametrize("line", ["{}", "5", '{"question": "q0", "seconds": 1, "outcome": {}}', "no json"])
def test_a_damaged_line_is_named(tiny, store, line):
    run(Lexical(), tiny, store=store)
    with store.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"run.jsonl:14: "):
        run(Lexical(), tiny, store=store)


def test_a_store_that_cannot_be_written(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot use"):
        run(Lexical(), tiny, store=tmp_path / "file" / "run.jsonl")
    with pytest.raises(InputError, match="cannot use"):
        run(Lexical(), tiny, store=tmp_path)


def test_code_cannot_be_kept_in_a_store(tiny, store):
    with pytest.raises(InputError, match="code"):
        run(CrossEncoder(OverlapScorer()), tiny, store=store)
    assert not store.exists()


def test_the_digest_is_that_of_what_rerankers_read():
    same = digest(collection())
    first, *rest = collection().questions
    assert digest(collection(name="other")) == same
    assert digest(Collection("regraded", (replace(first, grades={}), *rest))) == same
    for changed in (
        replace(first, query="other"),
        replace(first, id="other"),
        replace(first, passages=first.passages[::-1]),
        replace(first, passages=(replace(first.passages[0], score=9.0), *first.passages[1:])),
        replace(first, passages=(Passage("x", "q0p0", metadata={"a": object}), *first.passages[1:])),
    ):
        assert digest(Collection("changed", (changed, *rest))) != same


def test_the_pipeline_decides_and_not_its_name(tiny, store):
    run(Blend(Lexical(), prior=0.5), tiny, name="a", store=store)
    with pytest.raises(InputError, match="another pipeline"):
        run(Blend(Lexical(), prior=0.4), tiny, name="a", store=store)
    assert question(0).id == "q0"
