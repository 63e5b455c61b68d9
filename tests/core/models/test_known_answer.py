"""Servers are asked at the start what is known."""

import json

import pytest

from shortlist import CrossEncoder, ModelError, ModelUnavailable, Pair
from shortlist.models.dialects import DIALECTS
from shortlist.models.fakes import ConstantScorer, OverlapScorer
from shortlist.models.http import HttpRerank
from shortlist.models.known_answer import known_call, known_pairs, told_apart
from shortlist.models.named import model_from_dict, model_to_dict
from shortlist.plan import Call

from .misbehaving import MODES, MisbehavingServer, sending

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def scoring(monkeypatch):
    """A server that does this to each score."""

    def serve(change):
        def spoil(request, answer):
            rows = [{**row, "relevance_score": change(row["relevance_score"])} for row in answer["results"]]
            return {**answer, "results": rows}

        monkeypatch.setitem(MODES, "spoilt", sending(spoil))
        return MisbehavingServer("spoilt")

    return serve


def test_topics_have_nothing_to_do_with_each_other():
    known = known_pairs()
    assert len({each.query for each in known}) == len({each.relevant for each in known}) == 3
    assert {each.other for each in known} == {each.relevant for each in known}
    assert not any(each.relevant == each.other for each in known)


@pytest.mark.parametrize(("scorer", "good"), [(OverlapScorer(), True), (ConstantScorer(0.5), False)])
def test_any_scorer_can_be_asked(scorer, good):
    for each in known_pairs():
        relevant, other = (
            reply.value
            for reply in scorer.answer([Pair(each.query, each.relevant), Pair(each.query, each.other)], Call())
        )
        if good:
            told_apart(each, relevant, other, scorer.label)
        else:
            with pytest.raises(ModelError):
                told_apart(each, relevant, other, scorer.label)


def test_the_message_says_what_was_asked_and_what_to_look_at():
    known = known_pairs()[0]
    with pytest.raises(ModelError, match="template") as caught:
        told_apart(known, 0.25, 0.75, "a-model")
    for part in ("a-model", known.query, known.relevant, known.other, "0.25", "0.75"):
        assert part in str(caught.value)
    with pytest.raises(ModelError):
        told_apart(known, float("nan"), 0.0, "a-model")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_ranks_right_is_asked_once_at_the_start(dialect):
    with MisbehavingServer() as server:
        reranker = CrossEncoder(HttpRerank(server.url, dialect))
        reranker.warm_up()
        assert [request.body["query"] for request in server.requests] == [each.query for each in known_pairs()]
        reranker.rank("moon", ["the moon", "bread"])
        assert len(server.requests) == 4


@pytest.mark.parametrize("change", [lambda score: 1.0 - score, lambda score: 0.5, lambda score: -score])
def test_a_server_that_ranks_wrong_is_an_error(scoring, change):
    with scoring(change) as server, pytest.raises(ModelError, match="template"):
        HttpRerank(server.url).warm_up()


def test_a_server_that_cannot_be_asked_says_so_itself():
    with MisbehavingServer() as server:
        gone = HttpRerank(server.url)
    with pytest.raises(ModelUnavailable, match="Connect"):
        gone.warm_up()
    with MisbehavingServer("401") as server, pytest.raises(ModelError, match="HTTP 401"):
        HttpRerank(server.url).warm_up()


def test_the_check_can_be_left_out(scoring):
    with scoring(lambda score: 0.5) as server:
        door = HttpRerank(server.url, check=False)
        door.warm_up()
        assert not server.requests
    assert model_from_dict(json.loads(json.dumps(model_to_dict(door)))) == door


def test_the_call_has_an_end():
    assert 0.0 < known_call().remaining() <= 60.0
