"""Queries for passages: which are kept, why the rest is not, and how a killed run goes on."""

import json
from dataclasses import replace

import pytest

from shortlist import Passage
from shortlist.errors import InputError, ModelError
from shortlist.evaluation.readers import read_collection
from shortlist.models.fakes import AdversarialChat, FailingChat, FailingScorer, OracleScorer
from shortlist.models.function import FunctionChat
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.labels import (
    Corpus,
    Draft,
    Example,
    Kept,
    Made,
    NearMiss,
    NearMisses,
    QueryGenerator,
    Refused,
    RoundTrip,
    examples_of,
    label_queries,
    read_examples,
)
from shortlist.training.readers import read_judged

pytest.importorskip("bm25s")

TIDES = "The gravity of the moon pulls at the water of the sea, so that the tide rises and falls twice in a day."
YEAST = "Yeast turns sugar into gas, and the bubbles of the gas let the dough of bread rise in about two hours."
CANAL = "The Suez Canal was opened in 1869 and joins two seas, so that ships need not sail around all of Africa."
PASSAGES = tuple(Passage(text, name) for name, text in (("tides", TIDES), ("yeast", YEAST), ("canal", CANAL)))
CORPUS = Corpus(PASSAGES)
WAY = RoundTrip(CORPUS, k=1)
QUERIES = {
    "tides": "why does the tide rise twice a day?",
    "yeast": "how long does yeast need for dough to rise",
    "canal": "in which year was the Suez Canal opened?",
}


def last(request):
    return request.messages[-1].content


def about(request):
    """The passage that a prompt is about: the last one in it."""
    return next(each for each in PASSAGES if each.text in last(request).rsplit("<passage>", 1)[1])


def writer(request):
    """Knows one query for each passage, and how to change it."""
    text = last(request)
    if "Imagine" in text:
        return (
            f"My child wonders: {text.split('<query>')[1].split('</query>')[0].strip()}" if "everyday" in text else "oh"
        )
    if "Does the passage hold" in text:
        return "yes" if QUERIES[about(request).id] in text else "no"
    if "Change one thing" in text:
        return "New query: in which year was the Panama Canal opened?" if "the name of" in text else "New query: none"
    if "Good query:" in text:
        return f"Bad query: what is it?\nGood query: {QUERIES[about(request).id]}"
    return f'Query: "{QUERIES[about(request).id]}"'


def generator(function=writer, **settings):
    return QueryGenerator(FunctionChat(function, "writer"), settings.pop("way", WAY), **settings)


def run(plan):
    (finished,) = drive([plan], Runtime())
    if isinstance(finished.result, Exception):
        raise finished.result
    return finished


def made(passage=PASSAGES[0], function=writer, **settings):
    return run(generator(function, **settings).plan(passage)).result


# The way back


def test_a_passage_that_is_ranked_first_is_kept_and_one_that_is_not_found_is_not():
    assert run(WAY.plan(QUERIES["tides"], PASSAGES[0])).result == 1
    assert run(WAY.plan("quantum flux", PASSAGES[0])).result is None


def test_a_reranker_decides_where_there_is_one_and_is_asked_of_nothing_else():
    against = CrossEncoder(OracleScorer({YEAST: 1.0}))
    way = RoundTrip(CORPUS, against, k=1)
    finished = run(way.plan("tide rise dough", PASSAGES[0]))
    assert finished.result == 2
    assert run(replace(way, reranker=against[:1] >> against).plan("tide rise dough", PASSAGES[1])).result == 1
    assert run(replace(way, reranker=against.top(1)).plan("tide rise dough", PASSAGES[0])).result is None  # dropped
    assert run(way.plan("quantum flux", PASSAGES[0])).usage.calls == 0
    assert made(way=way, prompts=("question",)).refused[0].why == "does not lead back"


def test_a_passage_is_none_of_its_own_negatives_under_any_id():
    corpus = Corpus((*PASSAGES, Passage(f"  {TIDES.upper()}", "copy")))
    found = RoundTrip(corpus).candidates(QUERIES["tides"], corpus.passages[0])
    assert found[0].id == "tides" and "copy" not in {each.id for each in found}


def test_ids_of_their_own():
    assert [each.id for each in Corpus((Passage("a", "x"), Passage("b", "x"))).passages] == ["0", "1"]
    assert [each.id for each in Corpus((Passage("a", "x"), Passage("b"))).passages] == ["0", "1"]
    assert CORPUS.passages == PASSAGES
    with pytest.raises(InputError):
        Corpus(())


def test_a_sample_is_the_same_for_a_seed_and_has_no_short_passages():
    corpus = Corpus((Passage("short", "s"), *PASSAGES))
    assert [each.id for each in corpus.sample(None)] == ["tides", "yeast", "canal"]
    assert corpus.sample(2, 5) == corpus.sample(2, 5) and len(corpus.sample(2)) == 2


@pytest.mark.parametrize("change", [{"depth": 1}, {"k": 0}])
def test_ways_that_cannot_be(change):
    with pytest.raises(InputError):
        replace(WAY, **change)


# What is made


def test_a_prompt_of_ones_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nsummary = ""\ntask = "query"\n[[turns]]\nrole = "user"\ncontent = "ask {passage}"')
    (kept,) = made(prompts=(str(file),), function=lambda request: last(request) and QUERIES["tides"]).kept
    assert kept.draft.prompt == "mine"
    file.write_text("name = ")
    with pytest.raises(InputError, match=r"mine\.toml"):
        generator(prompts=(str(file),))


def test_each_prompt_is_asked_and_a_query_is_kept_once():
    told = made()
    assert [each.draft.query for each in told.kept] == [QUERIES["tides"]]
    assert (told.kept[0].draft.prompt, told.kept[0].rank) == ("question", 1)
    assert [each.why for each in told.refused] == ["asked already"] * 4
    assert told.lost == 0
    assert Made.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_the_last_prompt_counts_as_much_as_the_first():
    (kept,) = made(function=lambda r: "" if "Good query" not in last(r) else writer(r)).kept
    assert (kept.draft.prompt, kept.draft.bad) == ("good-and-bad", "what is it?")


def test_samples_are_drawn_each_by_itself():
    asked = []
    made(function=lambda request: asked.append(request) or writer(request), samples=3, prompts=("keywords",))
    assert [(each.temperature, each.draw) for each in asked] == [(0.7, 0), (0.7, 1), (0.7, 2)]


def test_a_persona_asks_in_two_ways_what_was_kept():
    told = made(personas=("a sailor",), prompts=("question",))
    assert [each.draft.query for each in told.kept] == [QUERIES["tides"], f"My child wonders: {QUERIES['tides']}"]
    assert told.kept[1].draft[1:] == ("everyday", "", QUERIES["tides"], "a sailor")
    assert [each.draft.prompt for each in told.refused] == ["expert"]


def test_replies_that_are_not_had_are_counted_and_none_at_all_is_an_error():
    def sometimes(request):
        if "Good query" in last(request):
            raise ValueError("no")
        return writer(request)

    assert made(function=sometimes).lost == 1
    with pytest.raises(ModelError):
        run(replace(generator(), model=FailingChat()).plan(PASSAGES[0]))
    broken = replace(WAY, reranker=CrossEncoder(FailingScorer()))
    with pytest.raises(ModelError):
        made(way=broken)


def test_nonsense_is_never_kept():
    for seed in range(10):
        told = run(replace(generator(), model=AdversarialChat(seed)).plan(PASSAGES[0])).result
        assert told.kept == ()


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 0},
        {"temperature": -1},
        {"temperature": 0.0, "samples": 2},
        {"prompts": ()},
        {"prompts": ("check",)},
        {"personas": (" ",)},
        {"model": "gpt"},
    ],
)
def test_generators_that_cannot_be(change):
    with pytest.raises(InputError):
        replace(generator(), **change)


# Near misses


def misses(function=writer, check=writer):
    return NearMisses(FunctionChat(function, "w"), FunctionChat(check, "v"))


def missed(near):
    return run(near.plan(QUERIES["canal"], PASSAGES[2])).result


def test_a_near_miss_changes_one_thing_and_is_not_answered():
    assert missed(misses()) == (
        (
            NearMiss(
                "in which year was the Panama Canal opened?", "the name of a person, place, product or organisation"
            ),
        ),
        0,
    )


def test_what_the_passage_answers_and_what_changes_nothing_is_no_near_miss():
    assert missed(misses(check=lambda request: "yes")).kept == ()
    assert missed(misses(lambda request: f"New query: {QUERIES['canal'].upper()}")) == ((), 0)
    same = missed(misses(lambda request: "New query: in which year was the Panama Canal dug?"))
    assert len(same.kept) == 1  # four replies


def test_a_verifier_that_finds_no_answer_to_the_query_itself_cannot_tell():
    assert missed(misses(check=lambda request: "no")) == ((), 0)
    assert missed(misses(check=lambda request: "perhaps")) == ((), 2)


def test_a_reply_that_is_not_had_is_no_verdict():
    assert missed(replace(misses(), verifier=FailingChat())) == ((), 2)
    assert missed(replace(misses(), model=FailingChat())) == ((), 4)
    with pytest.raises(InputError):
        replace(misses(), attributes=())


# Files


def labelled(tmp_path, asked=None, passages=PASSAGES, **settings):
    return label_queries(passages, asked or generator(**settings), tmp_path / "deep" / "judged.jsonl")


def test_files_that_training_and_evaluation_read(tmp_path):
    told = labelled(tmp_path, near_misses=misses())
    assert told.failed == () and {*told.files} == {"lists", "near misses"}
    lists = read_judged(told.files["lists"])
    assert [each.query for each in lists] == [*QUERIES.values()]
    for judged, source in zip(lists, PASSAGES, strict=True):
        relevant = [each.id for each, grade in zip(judged.passages, judged.grades, strict=True) if grade]
        assert relevant == [source.id] and 0 in judged.grades
    collection = read_collection(told.files["lists"])
    assert {each.group for each in collection} == {"question"}
    rows = [json.loads(line) for line in told.files["lists"].read_text().splitlines()]
    assert rows[0]["metadata"] == {"model": "FunctionChat", "sources": ["tides"], "rank": 1}
    near = read_judged(told.files["near misses"])
    assert {(each.query, each.grades) for each in near} == {("in which year was the Panama Canal opened?", (0,))}
    assert [each.passages for each in near] == [(each,) for each in PASSAGES]
    assert len(read_collection(told.files["near misses"])) == 3
    assert told.figures["queries"] == 3 and told.figures["refused"] == {"asked already": 12}
    assert told.figures["near misses"] == 3


def test_a_query_that_two_passages_gave_has_both_as_sources(tmp_path):
    corpus = Corpus((*PASSAGES, Passage(f"{TIDES} It does so everywhere.", "again")))
    told = labelled(tmp_path, generator(lambda request: QUERIES["tides"], way=RoundTrip(corpus, k=2)), corpus.passages)
    (judged,) = read_judged(told.files["lists"])
    assert {each.id for each, grade in zip(judged.passages, judged.grades, strict=True) if grade} == {"tides", "again"}


def test_a_killed_run_goes_on_and_what_failed_is_asked_again(tmp_path):
    asked = []
    fails = {"yeast"}

    def counted(request):
        asked.append(about(request).id)
        if asked[-1] in fails:
            raise ValueError("no")
        return writer(request)

    told = labelled(tmp_path, generator(counted))
    assert [each.name for each in told.failed] == ["yeast"] and told.figures["passages"] == 2
    fails.clear()
    asked.clear()
    work = tmp_path / "deep" / "judged.made.jsonl"
    work.write_bytes(work.read_bytes()[:-30])  # killed in the middle of a line
    told = labelled(tmp_path, generator(counted))
    assert {*asked} == {"yeast", "canal"} and told.failed == ()
    assert [each.query for each in read_judged(told.files["lists"])] == [*QUERIES.values()]
    asked.clear()
    labelled(tmp_path, generator(counted))
    assert asked == []


def test_work_of_other_settings_or_passages_is_left_as_it_is(tmp_path):
    labelled(tmp_path)
    work = tmp_path / "deep" / "judged.made.jsonl"
    before = work.read_bytes()
    others = [
        generator(samples=2),
        generator(seed=3),
        generator(near_misses=misses()),
        generator(way=replace(WAY, k=2)),
        generator(way=RoundTrip(Corpus(PASSAGES[:2]), k=1)),
    ]
    for other in others:
        with pytest.raises(InputError, match="other settings"):
            labelled(tmp_path, other)
        assert work.read_bytes() == before
    work.write_text('{"mine": 1}')
    with pytest.raises(InputError, match="nothing was changed"):
        labelled(tmp_path)
    assert work.read_text() == '{"mine": 1}'


# Examples


def test_examples_out_of_what_was_made_teach_another_model(tmp_path):
    told = [made(passage) for passage in PASSAGES]
    found = examples_of(told, {str(each.id): each.text for each in PASSAGES}, n=2)
    assert len(found) == 2 and all(
        QUERIES[next(p.id for p in PASSAGES if p.text == e.passage)] == e.query for e in found
    )
    refused = Made("tides", (Kept(Draft("good", "question"), 1),), (Refused(Draft("vague", "need"), "why"),), 0)
    assert examples_of([refused], {"tides": TIDES}) == (Example(TIDES, "good", "vague"),)
    labelled(tmp_path)
    read = read_examples(tmp_path / "deep" / "judged.jsonl")
    assert {each.query for each in read} == {*QUERIES.values()}
    copying = made(function=lambda request: QUERIES["tides"], examples=read, prompts=("examples",))
    assert copying.refused[0].why == "copied from an example"


def test_examples_out_of_a_file(tmp_path):
    file = tmp_path / "e.jsonl"
    file.write_text('{"passage": "p", "query": "q", "bad": "b"}\n{"passage": "p", "query": "q"}')
    assert read_examples(file) == (Example("p", "q", "b"), Example("p", "q"))
    for text in ("", '{"passage": "p"}'):
        file.write_text(text)
        with pytest.raises(InputError):
            read_examples(file)
