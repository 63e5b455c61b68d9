"""Collections and qrels out of files of every shape, round trips, and errors that say file and line."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import InputError, Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.measures import measure
from shortlist.evaluation.readers import read_collection, write_collection
from shortlist.evaluation.runs import first_stage_run
from shortlist.training.readers import read_judged

from .cases import question

CORPUS = [
    {"_id": "d1", "title": "Cats", "text": "cats sleep all day"},
    {"_id": "d2", "title": "", "text": "dogs sleep at night, cats do not"},
    {"_id": "d3", "text": "bread is baked"},
]
QUERIES = [{"_id": "q1", "text": "when do cats sleep"}, {"_id": "q2", "text": "zzz"}, {"_id": "q3", "text": "bread"}]
TEST = "query-id\tcorpus-id\tscore\nq1\td2\t2\nq1\td1\t1\nq2\td3\t1\n"


def lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


@pytest.fixture
def beir(tmp_path):
    folder = tmp_path / "pets"
    lines(folder / "corpus.jsonl", CORPUS)
    lines(folder / "queries.jsonl", QUERIES)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(TEST, encoding="utf-8")
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq3\td3\t1\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", ["auto", "beir", "trec"])
def test_a_folder_with_a_run(beir, tmp_path, kind):
    run = tmp_path / "run.txt"
    run.write_text("q1 Q0 d3 1 0.5 t\nq1 Q0 d1 2 0.9 t\nq1 Q0 d2 3 0.5 t\nq3 Q0 d3 1 1 t\n", encoding="utf-8")
    found = read_collection(beir, kind, run=run, relevant=2)
    assert (found.name, found.relevant, [each.id for each in found]) == ("pets", 2, ["q1", "q2"])
    first, second = found
    assert first.query == "when do cats sleep"
    assert first.passages[0] == Passage("Cats\ncats sleep all day", "d1", 0.9)
    assert first.candidates == ("d1", "d3", "d2")  # the tie as trec_eval breaks it
    assert first.grades == {"d2": 2, "d1": 1}
    assert second.passages == ()  # judged, and nothing was found
    assert [each.candidates for each in read_collection(beir, run=run, depth=1)] == [("d1",), ()]
    (beir / "run.trec").write_bytes(run.read_bytes())
    assert [each.candidates for each in read_collection(beir)] == [each.candidates for each in found]


def test_a_folder_without_a_run_is_searched_by_bm25(beir):
    pytest.importorskip("bm25s")
    found = read_collection(beir, name="mine")
    assert found.name == "mine"
    assert [each.candidates for each in found] == [("d1", "d2"), ()] or found.questions[0].candidates == ("d2", "d1")
    scores = [passage.score for passage in found.questions[0].passages]
    assert scores == sorted(scores, reverse=True)
    assert all(len(each.passages) <= 1 for each in read_collection(beir, depth=1))


def test_another_split_or_file_of_judgments(beir, tmp_path):
    pytest.importorskip("bm25s")
    assert [each.id for each in read_collection(beir, qrels="dev")] == ["q3"]
    other = tmp_path / "mine.txt"
    other.write_text("q2 0 d1 -2\n", encoding="utf-8")
    (only,) = read_collection(beir, qrels=other)
    assert (only.id, only.grades) == ("q2", {"d1": -2})


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tyes\n", r"test.tsv:2: .*'yes'"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td1\n", r"test.tsv:2: 2 columns"),
        ("qrels/test.tsv", "q1 0 d1 1\nq1 0 d2\n", r"test.tsv:2: 3 columns"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td1\t0\n", r"test.tsv:2: passage 'd1' is judged 0 here, and 1 before"),
        ("qrels/test.tsv", "", r"test.tsv: no judgment"),
        ("qrels/test.tsv", "other\td1\t1\n", r"no question in it is judged"),
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\n{"_id": "q2"}\n', r"queries.jsonl:2: "),
        ("queries.jsonl", '{"_id": "q1"\n', r"queries.jsonl:1: not JSON"),
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}\n[1]\n', r"corpus.jsonl:2: not a JSON object"),
        ("run.txt", "q1 Q0 d1 1 0.5 t\nq1 Q0 d1 2 0.4 t\n", r"run.txt:2: passage 'd1' stands a second time"),
        ("run.txt", "q1 Q0 d1 1 high t\n", r"run.txt:1: .*'high'"),
        ("run.txt", "q1 Q0 d1 1 nan t\n", r"run.txt:1: a score is not a number"),
        ("run.txt", "q1 Q0 nowhere 1 1 t\n", r"corpus.jsonl has no text for 1 of 1 ids, such as 'nowhere'"),
    ],
)
def test_errors_say_the_file_and_the_line(beir, file, content, says):
    (beir / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_collection(beir)


def test_a_query_of_the_run_without_a_text_is_refused(beir):
    (beir / "run.txt").write_text("q9 Q0 d1 1 1 t\n", encoding="utf-8")
    (beir / "qrels" / "test.tsv").write_text("q9\td1\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"queries.jsonl has no text for 1 of 1 ids, such as 'q9'"):
        read_collection(beir)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_file_that_is_not_there_is_named(beir, name):
    (beir / name).unlink()
    with pytest.raises(InputError, match=f"has no file {name}"):
        read_collection(beir)


def test_a_folder_without_judgments_is_refused(tmp_path):
    lines(tmp_path / "corpus.jsonl", CORPUS)
    with pytest.raises(InputError, match="has no qrels"):
        read_collection(tmp_path)


OLDER = [
    {
        "query": "what of q",
        "hits": [
            {"qid": 7, "docid": "b", "rank": 2, "score": 1.5, "content": "text of b"},
            {"qid": 7, "docid": 1, "rank": 1, "score": 2.5, "content": "text of 1"},
        ],
    },
    {"query": "nobody judged", "hits": [{"qid": 8, "docid": "b", "rank": 1, "score": 1.0, "content": "text"}]},
]
NEWER = [
    {
        "query": {"text": "what of q", "qid": 7},
        "candidates": [
            {"docid": "1", "score": 2.5, "doc": {"contents": "text of 1"}},
            {"docid": "b", "score": 1.5, "doc": {"title": "", "text": "text of b"}},
        ],
    }
]


@pytest.mark.parametrize("records", [OLDER, NEWER])
@pytest.mark.parametrize("as_lines", [True, False])
def test_both_shapes_of_rank_llm(tmp_path, records, as_lines):
    path = tmp_path / "bm25.json"
    if as_lines:
        lines(path, records)
    else:
        path.write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "qrels.txt").write_text("7 Q0 b 3\n7 Q0 elsewhere 1\n", encoding="utf-8")
    expected = Question(
        "7", "what of q", (Passage("text of 1", "1", 2.5), Passage("text of b", "b", 1.5)), {"b": 3, "elsewhere": 1}
    )
    assert read_collection(path) == Collection("bm25", (expected,))
    assert read_collection(path, "rank_llm", qrels=tmp_path / "qrels.txt", relevant=2).relevant == 2


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"query": "a", "hits": []}, "x.json, record 1: no hit"),
        ({"query": "a", "hits": [{"qid": 1, "docid": 1}]}, "record 1: passage 1 has no text"),
        ({"query": "a", "hits": [{"qid": 1, "content": "x"}]}, "record 1: there is no 'docid'"),
        ({"query": 3, "hits": [{"qid": 1, "docid": 1, "content": "x"}]}, "record 1: the query is not a text"),
        ({"query": "a", "hits": [{"qid": q, "docid": q, "content": "x"} for q in (1, 2)]}, "of the queries 1 and 2"),
        ({"query": "a", "hits": [{"qid": 1, "docid": 1, "content": "x"}] * 2}, "passage '1' stands in the list twice"),
        ({"query": {"qid": 1}, "candidates": []}, "record 1: there is no 'text'"),
    ],
)
def test_errors_of_rank_llm_say_the_record(tmp_path, record, says):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    (tmp_path / "qrels.txt").write_text("1 0 1 1\n", encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_collection(path)


def test_a_query_twice_and_no_judgments_are_refused(tmp_path):
    path = lines(tmp_path / "x.jsonl", NEWER * 2)
    with pytest.raises(InputError, match=r"x.jsonl has no judgments"):
        read_collection(path)
    (tmp_path / "qrels.txt").write_text("7 0 1 1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"x.jsonl:2: query '7' stands here a second time"):
        read_collection(path)


def test_questions_of_several_steps_keep_their_ids(tmp_path):
    paragraph = {"idx": 0, "title": "A", "paragraph_text": "text", "is_supporting": True}
    musique = lines(tmp_path / "m.jsonl", [{"id": "2hop__1", "question": "who?", "paragraphs": [paragraph]}])
    (only,) = read_collection(musique)
    assert (only.id, only.candidates, only.grades) == ("2hop__1", ("0",), {"0": 1})
    hotpotqa = {"_id": "5a", "question": "who?", "context": [["T", ["a", "b"]]], "supporting_facts": [["T", 1]]}
    (only,) = read_collection(lines(tmp_path / "h.jsonl", [hotpotqa]), "hotpotqa")
    assert (only.id, only.candidates, only.grades) == ("5a", ("T#0", "T#1"), {"T#0": 0, "T#1": 1})


FULL = Collection(
    "full",
    (
        replace(
            question("one", "ab", {"a": 2, "not found": 3}),  # nobody judged b
            passages=(
                Passage("a", "a", 0.5, document_id="d", position=2, metadata={"k": [1]}),
                Passage("b\u2028é", "b"),
            ),
            aspects={"a": frozenset({"x", "y"}), "not found": frozenset({"x"})},
            utilities={"b": -0.25, "a": 1.0},
            group="2024",
        ),
        question("two", "cd", {"c": 1, "d": 0}),
        question("three", "ef", {"e": 1, "f": -2}),
        question("four", "g", {}),
    ),
    2,
)


def test_a_collection_survives_its_file_and_is_one_of_judged_lists(tmp_path):
    write_collection(tmp_path / "full.jsonl", FULL)
    assert read_collection(tmp_path / "full.jsonl", relevant=2) == FULL
    first, second, third, _ = read_judged(tmp_path / "full.jsonl")
    nothing_found = replace(FULL, questions=(*FULL.questions, question("five", "", {"x": 1})))
    write_collection(tmp_path / "more.jsonl", nothing_found)
    assert read_collection(tmp_path / "more.jsonl", name="full", relevant=2) == nothing_found
    assert (first.query, first.passages, first.grades) == ("what of one?", FULL.questions[0].passages, (2, 0))
    assert (second.grades, third.grades) == ((1, 0), (1, 0))
    assert {len(each.passages) for each in read_collection(tmp_path / "full.jsonl", depth=1)} == {1}


def test_judgments_beside_a_file_of_lists_take_the_place_of_its_own(tmp_path):
    write_collection(tmp_path / "full.jsonl", FULL)
    (tmp_path / "q.txt").write_text("two 1 d 1\ntwo 2 d 0\ntwo 2 c 2\n", encoding="utf-8")
    (only,) = read_collection(tmp_path / "full.jsonl", qrels=tmp_path / "q.txt")
    assert (only.id, only.grades) == ("two", {"d": 1, "c": 2})
    assert only.aspects == {"d": frozenset({"1"}), "c": frozenset({"2"})}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"query": "a", "passages": ["x"], "grades": [1], "aspects": {"0": 3}}, "x.jsonl:1"),
        ({"query": "a", "passages": ["x"], "grades": [1], "utilities": {"0": "much"}}, "x.jsonl:1"),
        ({"query": "a", "passages": ["x"], "grades": [1], "judged": [1]}, "x.jsonl:1"),
        ({"query": "a", "passages": ["x"], "grades": [1, 2]}, "x.jsonl:1"),
        ({"neither": 1}, "x.jsonl:1: neither"),
    ],
)
def test_errors_of_judged_lists_say_the_line(tmp_path, record, says):
    with pytest.raises(InputError, match=says):
        read_collection(lines(tmp_path / "x.jsonl", [record]))


def test_what_makes_no_sense_together_is_refused(tmp_path, beir):
    path = lines(tmp_path / "x.jsonl", [{"query": "a", "passages": ["x"], "grades": [1]}])
    with pytest.raises(InputError, match="a run is the first stage of a folder"):
        read_collection(path, run=path)
    with pytest.raises(InputError, match="no format 'csv'"):
        read_collection(path, "csv")
    with pytest.raises(InputError, match="with 0 candidates"):
        read_collection(beir, depth=0)
    with pytest.raises(InputError, match="cannot read"):
        read_collection(tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="cannot read"):
        read_collection(beir, qrels="train")
    with pytest.raises(InputError, match="no question in it"):
        read_collection(lines(tmp_path / "empty.jsonl", []))
    with pytest.raises(InputError, match="cannot write"):
        write_collection(tmp_path / "no" / "folder.jsonl", FULL)


def test_documents_that_nobody_judged(tmp_path):
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="no list comes"):
        read_collection(tmp_path, "documents")


@given(st.lists(st.tuples(st.text(min_size=1), st.integers(0, 3)), min_size=1, max_size=5, unique_by=lambda x: x[0]))
@settings(max_examples=30, deadline=None)
def test_any_text_and_id_survives(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("any") / "c.jsonl"
    passages = tuple(Passage(name[::-1], name) for name, _ in found)
    collection = Collection("c", (Question(found[0][0], "q", passages, dict(found)),))
    write_collection(path, collection)
    assert read_collection(path) == collection
    assert measure("MTRR").of(collection, first_stage_run(collection)) == measure("MTRR").of(
        read_collection(path), first_stage_run(collection)
    )
