"""Runs in files: round trips in every shape, the order of ties, and errors that say file and line."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measures import measure
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.runs import first_stage_run, read_run, trec_order, write_run
from shortlist.ranking import Usage

from .cases import outcome, question

UNKNOWN = Usage(flops=None, money=None)
RUN = Run(
    "cascade >> mmr",
    {
        "q1": outcome(
            "a", "b", scores=(0.75, -1e-3), usage=Usage(3, 1, 200, 5, flops=1e12, money=None), dropped=("c",)
        ),
        "q2": outcome("b", degraded="a limit was reached"),
        "q3": outcome(error="ModelUnavailable: down"),
    },
    {"kind": "mmr"},
    2.5,
)


def test_json_lines_hold_all_of_a_run(tmp_path):
    write_run(tmp_path / "run.jsonl", RUN)
    assert read_run(tmp_path / "run.jsonl") == RUN
    assert read_run(tmp_path / "run.jsonl", "other").name == "other"


def test_a_trec_file_holds_ids_and_scores(tmp_path):
    write_run(tmp_path / "run.txt", RUN)
    assert (tmp_path / "run.txt").read_text().splitlines() == [
        "q1 Q0 a 1 0.75 cascade_>>_mmr",
        "q1 Q0 b 2 -0.001 cascade_>>_mmr",
        "q2 Q0 b 1 1 cascade_>>_mmr",
    ]
    found = read_run(tmp_path / "run.txt")
    assert (found.name, found.pipeline, found.seconds) == ("run", None, 0.0)
    assert found.outcomes == {
        "q1": outcome("a", "b", scores=(0.75, -1e-3), usage=UNKNOWN),
        "q2": outcome("b", usage=UNKNOWN),
    }


@given(
    st.lists(
        st.tuples(st.text("abz1é", min_size=1, max_size=3), st.floats(allow_nan=False)),
        max_size=8,
        unique_by=lambda x: x[0],
    )
)
@settings(max_examples=60, deadline=None)
def test_a_trec_file_keeps_any_order_ties_included(tmp_path_factory, found):
    ids = [name for name, _ in found]
    scores = sorted((score for _, score in found), reverse=True)
    path = tmp_path_factory.mktemp("run") / "run.txt"
    write_run(path, Run("r", {"q": outcome(*ids, scores=scores), "other": outcome("x")}))
    again = read_run(path).outcomes.get("q", outcome())
    assert list(again.ids) == ids
    assert list(again.scores) == sorted(again.scores, reverse=True)
    if trec_order(dict(zip(ids, scores, strict=True))) == ids:
        assert list(again.scores) == scores
    else:
        assert list(again.scores) == list(range(len(ids), 0, -1))


def test_a_trec_file_is_read_in_trec_evals_order(tmp_path):
    path = tmp_path / "bm25.run"
    rows = ["q Q0 b 9 1.5 t", "q Q0 a 8 1.5 t", "q Q0 c 7 1.5 t", "q Q0 z 1 -2 t", "q Q0 y 2 3e0 t"]
    random.Random(1).shuffle(rows)
    path.write_text("\ufeff" + "\r\n\n".join(rows), encoding="utf-8")
    (found,) = read_run(path).outcomes.values()
    assert found.ids == ("y", "c", "b", "a", "z")
    assert found.scores == (3.0, 1.5, 1.5, 1.5, -2.0)
    assert found.usage == UNKNOWN


def test_rank_llms_shape_holds_texts(tmp_path):
    collection = Collection(
        "c", (question("q1", "ab", {"a": 1}), question("q2", "b", {"b": 1}), question("q3", "a", {}))
    )
    with pytest.raises(InputError, match="needs the collection"):
        write_run(tmp_path / "run.json", RUN)
    write_run(tmp_path / "run.json", RUN, collection=collection)
    written = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert written[0] == {
        "query": "what of q1?",
        "hits": [
            {"qid": "q1", "docid": "a", "rank": 1, "score": 0.75, "content": "text of a"},
            {"qid": "q1", "docid": "b", "rank": 2, "score": -0.001, "content": "text of b"},
        ],
    }
    found = read_run(tmp_path / "run.json")
    assert {name: each.ids for name, each in found.outcomes.items()} == {"q1": ("a", "b"), "q2": ("b",)}


def test_lines_of_others_need_only_ids(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"question": 1, "ids": ["b", 2]}\n{"question": "z", "ids": ["a"], "scores": [0.5]}\n', encoding="utf-8"
    )
    assert read_run(path) == Run(
        "mine",
        {"1": outcome("b", "2", scores=(2.0, 1.0), usage=UNKNOWN), "z": outcome("a", scores=(0.5,), usage=UNKNOWN)},
    )


def test_a_store_is_read_and_what_failed_gives_way_to_what_came_later(tmp_path):
    path = tmp_path / "store.jsonl"
    failed, done = outcome(error="down"), outcome("a")
    records = [{"shortlist_run": 1, "pipeline": {"kind": "x"}, "top_k": None}]
    records += [{"question": "q", "seconds": 0.5, "outcome": each.to_dict()} for each in (failed, done)]
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    assert read_run(path) == Run("store", {"q": done}, {"kind": "x"}, 1.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "run.x: no run in it"),
        ("q Q0 d 1 1\n", "run.x:1: 5 columns, not 6"),
        ("q Q0 d 1 1 t\nq Q0 d 2 x t\n", "run.x:2: passage 'd' stands a second time"),
        ("q Q0 d 1 x t\n", "run.x:1: could not convert"),
        (
            '{"question": "q", "ids": ["a"]}\n{"question": "q", "ids": ["a"]}',
            "run.x:2: question 'q' stands here a second",
        ),
        ('{"run": "r"}\n{"ids": ["a"]}\n', "run.x:2: there is no 'question'"),
        ('{"question": "q"}\n', "run.x:1: there is no 'ids'"),
        ('{"question": "q", "ids": ["a", "a"]}\n', "run.x:1: 1 different ids and 2 scores"),
        ('{"question": "q", "ids": ["a"], "scores": [1, 2]}\n', "run.x:1: 1 different ids and 2 scores"),
        ('{"question": "q", "ids": ["a"], "scores": ["x"]}\n', "run.x:1: could not convert"),
        ('{"question": "q", "outcome": {"usage": {}, "ids": []}}\n', "run.x:1: there is no"),
        ('{"question": "q", "ids": 3}\n', "run.x:1: "),
        ("[1]", "run.x, record 1: not a JSON object"),
        ("{", "run.x:1: not JSON"),
    ],
)
def test_errors_say_the_file_and_the_line(tmp_path, content, says):
    (tmp_path / "run.x").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_run(tmp_path / "run.x")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(InputError, match="'a b' cannot stand in a TREC file"):
        write_run(tmp_path / "x.txt", Run("r", {"q": outcome("a b")}))
    with pytest.raises(InputError, match="'' cannot stand"):
        write_run(tmp_path / "x.txt", Run("r", {"": outcome("a")}))
    with pytest.raises(InputError, match="JSON cannot"):
        write_run(tmp_path / "x.jsonl", Run("r", {"q": outcome("a", scores=(float("inf"),))}))
    with pytest.raises(InputError, match="cannot write"):
        write_run(tmp_path / "no" / "x.txt", RUN)
    with pytest.raises(InputError, match="cannot read"):
        read_run(tmp_path / "no")


def test_the_first_stage_as_a_run():
    scored = question("q", "ab", {"a": 1})
    collection = Collection("c", (scored,))
    assert first_stage_run(collection).outcomes == {"q": outcome("a", "b", scores=(2.0, 1.0))}
    with_scores = [(5.0, 5.0), (5.0, 7.0), (5.0, None), (float("nan"), 1.0)]
    for scores, expected in zip(with_scores, [(5.0, 5.0), (2.0, 1.0), (2.0, 1.0), (2.0, 1.0)], strict=True):
        passages = tuple(replace(each, score=score) for each, score in zip(scored.passages, scores, strict=True))
        found = first_stage_run(Collection("c", (replace(scored, passages=passages),)))
        assert found.outcomes["q"].scores == expected
        assert found.outcomes["q"].ids == ("a", "b")


def test_a_run_measured_after_its_file_is_the_same(tmp_path):
    collection = Collection("c", (question("q", "abc", {"a": 1, "c": 1}),))
    tied = Run("r", {"q": Outcome(("b", "a", "c"), (1.0, 1.0, 1.0))})
    before = measure("AllSupport@2").of(collection, tied), trec_order({"a": 1.0, "b": 1.0})
    write_run(tmp_path / "r.txt", tied)
    assert read_run(tmp_path / "r.txt").outcomes["q"].ids == ("b", "a", "c")
    assert before[0] == measure("AllSupport@2").of(collection, read_run(tmp_path / "r.txt"))


def test_scores_of_others_that_rise_give_way_to_ranks(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"question": "q", "ids": ["b", "a"], "scores": [1, 5]}\n')
    assert read_run(path).outcomes["q"] == outcome("b", "a", scores=(2.0, 1.0), usage=UNKNOWN)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"question": "q", "ids": ["a", "b"], "scores": [NaN, 1]}', r":1: a score is not a number"),
        ('{"question": "q", "ids": ["a"], "scores": [NaN], "dropped": [], "usage": {}}', r":1: a score is not a number"),
        ('{"run": "r", "seconds": "long"}\n{"question": "q", "ids": ["a"]}', "could not convert"),
        ('{"run": "r", "seconds": null}\n{"question": "q", "ids": ["a"]}', "not 'NoneType'"),
    ],
)  # fmt: skip
def test_numbers_that_are_none_are_told(tmp_path, content, says):
    path = tmp_path / "r.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_run(path)
