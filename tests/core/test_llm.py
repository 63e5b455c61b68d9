"""The front door: a language model, asked as a system asks; and what scorers promise to strategies."""

from dataclasses import dataclass

import pytest

from shortlist import (
    ChatReply,
    CrossEncoder,
    Elimination,
    FunctionChat,
    FunctionScorer,
    Grouped,
    InputError,
    KeepOrder,
    Likelihood,
    LikelihoodModel,
    Limits,
    Llm,
    ModelError,
    ModelUnavailable,
    PairHead,
    Passage,
    Pointwise,
    Prompted,
    Rebel,
    Reply,
    Runtime,
    SlidingWindow,
    from_dict,
    make,
)
from shortlist.models.fakes import ConstantChat, FailingChat, FailingScorer, OverlapScorer, ScriptedChat
from shortlist.models.oracle import OracleChat
from shortlist.prompts.spec import prompts
from shortlist.scorers.named import as_scorer
from shortlist.testing import check_ranking

TEXTS = ["bread", "moon", "tides", "sea"]


def written(text, **labels):
    return FunctionChat(lambda request: ChatReply(text, labels))


def test_whatever_the_model_writes_every_passage_is_ranked_and_it_is_told():
    ranking = Llm(written("As of 2024 none of the 4 passages helps."), system="rankzephyr").rank("q", TEXTS)
    check_ranking(ranking, TEXTS)
    assert ranking.texts == TEXTS and "missing" in ranking.degraded and "names no passage" in ranking.repairs[-1]


@pytest.mark.parametrize(
    "system", [name for name, spec in prompts().items() if spec.contract not in ("pair", "likelihood")]
)
def test_a_system_that_cannot_read_one_answer_leaves_the_order_as_it_came(system):
    ranking = Llm(written("no idea"), system).rank("q", TEXTS)
    assert ranking.texts == TEXTS and ranking.degraded


def test_a_degraded_ranking_is_logged_since_frameworks_hand_on_passages_alone(caplog):
    Llm(written("no idea")).rank("q", TEXTS)
    assert [(each.name, each.levelname) for each in caplog.records] == [("shortlist", "WARNING")]
    assert "missing judgements: 1 of 1" in caplog.text
    caplog.clear()
    Llm(written("[2] > [1] > [3] > [4]"), "rankzephyr").rank("q", TEXTS)
    assert not caplog.records


def test_a_model_that_fails_is_an_error_and_another_can_answer():
    with pytest.raises(ModelError, match="made to fail"):
        Llm(FailingChat()).rank("q", TEXTS)
    assert (Llm(FailingChat()) | KeepOrder()).rank("q", TEXTS).texts == TEXTS


def test_another_reranker_answers_where_nothing_could_be_read():
    for first in (Llm(written("no idea")), Rebel(written("no idea")), Llm(written("no idea"))[:3]):
        ranking = (first | CrossEncoder(OverlapScorer())).rank("sea", TEXTS)
        assert ranking.texts[0] == "sea" and "wrote nothing that could be read" in ranking.degraded
        assert (first | Llm(FailingChat())).rank("q", TEXTS).unanswered
    assert not (Llm(written("[2] > [1]"), "rankzephyr") | KeepOrder()).rank("q", TEXTS).unanswered


def test_a_mistake_in_the_setup_is_an_error_and_no_bad_ranking():
    for reranker in (Llm(written("[1]")), Rebel(written("[1]"))):
        with pytest.raises(InputError, match="needs a price"):
            reranker.rank("q", TEXTS, runtime=Runtime(limits=Limits(money=1.0)))


def test_a_system_takes_the_kind_of_model_it_needs():
    @dataclass(frozen=True)
    class Shortest(LikelihoodModel):
        def answer(self, payloads, call):
            return [Reply(Likelihood(-float(len(each.messages[0].content)), 1)) for each in payloads]

    assert Llm(Shortest(), "upr").rank("q", ["a long text", "short"]).texts[0] == "short"
    assert make("llm", {"system": "upr"}, models=[Shortest()]) == Llm(Shortest(), "upr")
    with pytest.raises(InputError, match="needs a LikelihoodModel, not a ConstantChat"):
        Llm(ConstantChat(), "upr")


def test_a_list_that_fits_one_window_is_one_call():
    model = ScriptedChat(('{"ranking": ["3", "2", "4", "1"]}',))
    ranking = Llm(model).rank("q", TEXTS)
    assert ranking.texts == ["tides", "moon", "sea", "bread"] and ranking.usage.calls == len(model.requests) == 1


def test_every_prompt_holds_the_passages_of_its_window():
    """rerankers' RankGPT sent none by default."""
    model = ScriptedChat(("[1] > [2]",))
    Llm(model, "rankgpt").rank("the query", TEXTS)
    whole = "".join(message.content for message in model.requests[0].messages)
    assert all(text in whole for text in (*TEXTS, "the query"))


@pytest.mark.parametrize("window", [2, 3, 4, 5])
@pytest.mark.parametrize("make_it", [Grouped, Elimination])
def test_the_best_of_each_group_goes_on_in_small_windows_too(make_it, window):
    texts = [f"text {i}" for i in range(37)]
    model = OracleChat({text: float(i * 17 % 37) for i, text in enumerate(texts)})
    ranking = make_it(Prompted(model, "rankzephyr"), window=window).rank("q", texts)
    assert model.grades[ranking.texts[0]] == 36.0


def test_a_limit_gives_the_best_order_so_far():
    texts = [f"text {i}" for i in range(40)]
    model = OracleChat({text: float(i) for i, text in enumerate(texts)})
    sliding = SlidingWindow(Prompted(model, "rankzephyr"))
    ranking = sliding.rank("q", texts, runtime=Runtime(limits=Limits(calls=2)))
    assert ranking.usage.calls == 2 and ranking.degraded.startswith("stopped early")
    assert ranking.texts[10] == "text 39"  # the last window has brought it so far
    check_ranking(ranking, texts)


def test_a_system_keeps_its_strategy_and_can_be_given_another_depth():
    strategy = Llm(ConstantChat(), "rankzephyr", depth=30).strategy()
    assert isinstance(strategy, SlidingWindow) and (strategy.window, strategy.stride, strategy.depth) == (20, 10, 30)
    assert Llm(ConstantChat(), "prp").strategy().depth == 30  # what pairwise judges, not a hundred


def test_scorers_are_written_down_and_read_by_name():
    made = make("sliding-window", {"scorer": "rankzephyr", "stride": 5}, models=[OverlapScorer(), ConstantChat("x")])
    assert made == SlidingWindow(Prompted(ConstantChat("x"), "rankzephyr"), stride=5)
    assert from_dict(made.to_dict()) == made
    assert make("pointwise", {"scorer": OverlapScorer()}) == Pointwise(PairHead(OverlapScorer()))


@pytest.mark.parametrize(
    ("make_it", "words"),
    [
        (lambda: Llm(ConstantChat(), "nothing"), "no prompt is named 'nothing'; there are bge-gemma"),
        (lambda: Llm("gpt"), "needs a ChatModel"),
        (lambda: Prompted(ConstantChat(), "upr"), "needs a LikelihoodModel"),
        (lambda: SlidingWindow(Prompted(ConstantChat(), "yes-no")), "judges 2 passages together"),
        (lambda: Pointwise(Prompted(ConstantChat(), "rankgpt")), "one by one"),
        (lambda: SlidingWindow("rankgpt"), r"Prompted\(model, prompt\)"),
        (lambda: SlidingWindow(Prompted(ConstantChat(), "rankgpt"), window=200), "window of 2 to 20"),
        (
            lambda: SlidingWindow(Prompted(ConstantChat(), "rankgpt"), stride=1.5),
            "stride must be a whole number, not 1.5",
        ),
        (lambda: Grouped(Prompted(ConstantChat(), "rankgpt"), seed=-1), "seed must be a whole number"),
        (lambda: Rebel(ConstantChat(), words=1.5), "words must be a whole number"),
        (lambda: Rebel(ConstantChat(), metadata_keys="title"), "list of names"),
        (lambda: as_scorer("rankgpt"), "needs a ChatModel to answer it"),
        (lambda: as_scorer({"prompt": "rankgpt", "mode": 1}), "no setting 'mode'"),
        (lambda: as_scorer({"scorer": 1}), "a cross-encoder, a model alone"),
        (lambda: as_scorer(3), "not a int"),
    ],
)
def test_what_cannot_work_is_refused_at_once(make_it, words):
    with pytest.raises(InputError, match=words):
        make_it()


def test_a_cross_encoder_under_any_strategy_is_a_cross_encoder():
    length = FunctionScorer(lambda pairs: [float(len(text)) for _, text in pairs])
    assert Pointwise(PairHead(length)).rank("q", TEXTS).kept == CrossEncoder(length).rank("q", TEXTS).kept


def test_one_failed_pair_is_a_missing_vote():
    ranking = Pointwise(PairHead(FailingScorer(OverlapScorer(), after=3))).rank("sea moon", TEXTS)
    assert ranking.texts[-1] == "sea" and "not judged" in ranking.kept[-1].reasons
    assert "missing judgements: 1 of 4" in ranking.degraded


def test_what_is_below_the_depth_follows_unjudged():
    ranking = Pointwise(PairHead(OverlapScorer()), depth=2).rank("sea", TEXTS)
    assert ranking.texts == TEXTS and ranking.kept[3].reasons == {"not judged": "below the first 2 candidates"}


class TestServersAreAskedWhatIsKnown:
    def test_one_that_knows(self):
        known = FunctionChat(lambda r: ChatReply("", {"Yes": 1.0 if _overlaps(r) else -1.0, "No": 0.0}))
        Llm(known, "yes-no").warm_up()

    def test_one_behind_a_wrong_template(self):
        blind = FunctionChat(lambda r: ChatReply("", {"Yes": 0.0, "No": 0.0}))
        with pytest.raises(ModelError, match="wrong prompt template"):
            Llm(blind, "yes-no").warm_up()
        Pointwise(Prompted(blind, "yes-no", check=False)).warm_up()

    def test_one_that_is_down(self):
        with pytest.raises(ModelUnavailable):
            Llm(FailingChat(retriable=True), "yes-no").warm_up()
        (Llm(FailingChat(retriable=True), "yes-no") | KeepOrder()).warm_up()

    def test_none_that_only_writes(self):
        Llm(ConstantChat("nonsense"), "rankzephyr").warm_up()


def _overlaps(request):
    text = request.messages[-1].content.lower()
    return any(
        all(word in text for word in pair)
        for pair in (("what causes the tides", "moon"), ("why does yeast", "gas"), ("who wrote", "1600"))
    )


def test_labels_that_are_not_numbers_tell_nothing():
    odd = FunctionChat(lambda r: ChatReply("Yes", {"Yes": float("nan"), "No": float("-inf")}))
    ranking = Llm(odd, "yes-no").rank("q", [Passage("a"), Passage("b")])
    assert ranking.scores[0] > 0.5 and "no log-probabilities" in ranking.repairs[0]
