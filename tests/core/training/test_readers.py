"""Readers of judged lists, on small files of the shapes that the real ones have."""

import json

import pytest

from shortlist import InputError, Passage
from shortlist.training.judged import JudgedList, folds, kept_apart
from shortlist.training.readers import read_judged
from shortlist.training.trec import read_trec

TITLES = {
    "Lilu": ["Lilu is a spirit.", " It is ", "", " It came by night."],
    "Bread": ["Bread is baked.", " Of flour."],
}
HOTPOTQA = {
    "_id": "5a",
    "question": "What is Lilu?",
    "context": [[title, sentences] for title, sentences in TITLES.items()],
    "supporting_facts": [["Lilu", 0], ["Lilu", 3], ["Lilu", 9]],
}
OTHER_EDITION = {
    "question": HOTPOTQA["question"],
    "context": {"title": list(TITLES), "sentences": list(TITLES.values())},
    "supporting_facts": {"title": ["Lilu", "Lilu"], "sent_id": [0, 3]},
}
MUSIQUE = {
    "id": "2hop__1",
    "question": "Who wrote it?",
    "paragraphs": [
        {"idx": 0, "title": "A", "paragraph_text": "text of a", "is_supporting": False},
        {"idx": 1, "title": "B", "paragraph_text": "text of b\u2028more", "is_supporting": True},
    ],
}
OWN = JudgedList("q", (Passage("a", "1", 0.5, document_id="d", position=3, metadata={"k": 1}), Passage("b")), (2, 0))


def as_list(path, *found):
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def as_lines(path, *found):
    lines = [json.dumps(each, ensure_ascii=False) for each in found]
    path.write_text("\ufeff" + "\r\n\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("written", [as_list, as_lines])
def test_all_shapes_as_a_list_or_as_lines(tmp_path, written):
    path = written(tmp_path / "data.json", OWN.to_dict(), HOTPOTQA, MUSIQUE, OTHER_EDITION)
    own, hotpotqa, musique, other = read_judged(path)
    assert own == OWN
    assert [p.id for p in hotpotqa.passages] == ["Lilu#0", "Lilu#1", "Lilu#3", "Bread#0", "Bread#1"]
    assert hotpotqa.passages[2] == Passage("It came by night.", "Lilu#3", document_id="Lilu", position=3)
    assert hotpotqa.grades == (1, 0, 1, 0, 0)
    assert (other.passages, other.grades) == (hotpotqa.passages, hotpotqa.grades)
    assert musique.passages[1] == Passage("B\ntext of b\u2028more", "1", document_id="B")
    assert (musique.query, musique.grades) == ("Who wrote it?", (0, 1))


def test_hotpotqa_by_paragraph(tmp_path):
    (judged,) = read_judged(as_list(tmp_path / "h.json", HOTPOTQA), "hotpotqa", level="paragraph")
    assert [(p.text, p.document_id) for p in judged.passages] == [
        ("Lilu\nLilu is a spirit. It is  It came by night.", "Lilu"),
        ("Bread\nBread is baked. Of flour.", "Bread"),
    ]
    assert judged.grades == (1, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"query": "q", "passages": ["a"], "grades": [0]}\n\n{"query', r"data:3: not JSON"),
        ('{"query": "q", "passages": ["a"], "grades": [0, 1]}', r"data:1: 1 passages with 2 grades"),
        ('{"query": "q", "passages": ["a"], "grades": [-1]}', r"data:1: a grade is a whole number"),
        ('{"query": "q", "passages": ["a"], "grades": [true]}', r"data:1: a grade is a whole number"),
        ('{"query": "q", "passages": [], "grades": []}', r"data:1: 0 passages"),
        ('{"query": 1, "passages": [], "grades": []}', r"data:1: 'query' must be a text"),
        ('{"query": "q", "passages": [7], "grades": [0]}', r"data:1: passage 0 has no text"),
        ('{"other": 1}', r"data:1: neither .* its keys are other"),
        ("[1]", r"data, record 1: not a JSON object"),
        ('[{"question": "q", "paragraphs": [{"idx": 1}]}]', r"data, record 1: there is no 'title'"),
        ('[{"question": 3, "context": [], "supporting_facts": []}]', r"record 1: the question is not a text"),
        ('[{"question": "q", "context": [["a"]], "supporting_facts": []}]', r"record 1: not enough values"),
        ('[{"question": "q", "context": 5, "supporting_facts": []}]', r"record 1: 'int' object"),
        ("[", r"data: not JSON"),
        ("\n", r"data: no list in it"),
    ],
)
def test_errors_say_where(tmp_path, text, message):
    path = tmp_path / "data"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_judged(path)


def test_a_named_format_takes_no_other(tmp_path):
    path = as_lines(tmp_path / "data", MUSIQUE)
    with pytest.raises(InputError, match="needs grades, passages, query"):
        read_judged(path, "judged")
    with pytest.raises(InputError, match="no format 'csv'"):
        read_judged(path, "csv")
    with pytest.raises(InputError, match="level 'word'"):
        read_judged(path, level="word")
    with pytest.raises(InputError, match="cannot read"):
        read_judged(tmp_path / "nothing")


@pytest.fixture
def trec(tmp_path):
    folder = tmp_path / "trec"
    folder.mkdir()
    run = ["q1 Q0 d2 1 1.5 bm25", "q1 Q0 d1 2 2.5 bm25", "q1\tQ0\td3\t3\t0.5\tbm25", "q9 Q0 d1 1 1 bm25"]
    (folder / "run.txt").write_text("\n".join(run))
    (folder / "qrels.txt").write_text("q1 0 d1 0\nq1 0 d2 3\nq1 0 d3 -2\nq1 0 d7 1\nq2 0 d1 1\n")
    (folder / "queries.tsv").write_text("q1\twhat\tis it?\nq2\tother\nq9\tnobody judged\n")
    corpus = [
        {"_id": "d1", "title": "One", "text": "text 1"},
        {"id": "d2", "contents": "text 2", "document_id": "d", "position": 4},
        {"docid": 3, "text": "another"},
        {"_id": "d3", "text": "text 3"},
    ]
    as_lines(folder / "corpus.jsonl", *corpus)
    return folder


def test_trec(trec):
    (judged,) = read_judged(trec)
    assert judged.query == "what\tis it?"
    assert judged.passages == (
        Passage("One\ntext 1", "d1", 2.5),
        Passage("text 2", "d2", 1.5, document_id="d", position=4),
        Passage("text 3", "d3", 0.5),
    )
    assert judged.grades == (0, 3, 0)
    (first,) = read_trec(*(trec / name for name in ("run.txt", "qrels.txt", "queries.tsv", "corpus.jsonl")), depth=1)
    assert [p.id for p in first.passages] == ["d1"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.txt", "q1 Q0 d1 1 high bm25", r"run\.txt:1: could not convert"),
        ("run.txt", "q1 Q0 d1 1 1.5 bm25\nq1 d1", r"run\.txt:2: 2 columns, not 6"),
        ("qrels.txt", "q1 0 d1 yes", r"qrels\.txt:1: invalid literal"),
        ("qrels.txt", "q5 0 d1 1", r"no query of .*run\.txt is judged"),
        ("queries.tsv", "q2\tother", r"queries\.tsv has no text for 1 of 1 ids, such as 'q1'"),
        ("queries.tsv", "q1 what", r"queries\.tsv:1: 1 columns, not 2"),
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}', r"corpus\.jsonl has no text for 2 of 3 ids, such as 'd2'"),
        ("corpus.jsonl", '{"_id": "d1"}', r"corpus\.jsonl:1: no id, or no text"),
    ],
)
def test_trec_errors_say_where(trec, name, text, message):
    (trec / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_judged(trec)


def test_a_trec_folder_needs_its_texts(trec):
    (trec / "corpus.jsonl").unlink()
    with pytest.raises(InputError, match=r"has no file corpus\.txt"):
        read_judged(trec)


def asking(*queries):
    return [JudgedList(query, (Passage(f"text of {query}"), Passage("common")), (1, 0)) for query in queries]


def test_folds_keep_equal_queries_together():
    lists = asking(*(f"q{i % 10}" for i in range(20)), " Q3 ", "q3")
    parts = folds(lists, 4, seed=3)
    assert sorted(map(id, (each for part in parts for each in part))) == sorted(map(id, lists))
    queries = [{each.query.strip().lower() for each in part} for part in parts]
    assert sum(map(len, queries)) == len(set.union(*queries)) == 10
    assert {len(part) for part in queries} == {2, 3}
    assert folds(lists, 4, seed=3) == parts
    assert folds(lists, 4, seed=4) != parts


def judging(query, *relevant):
    return JudgedList(query, (*map(Passage, relevant), Passage("common")), (*(1 for _ in relevant), 0))


@pytest.mark.parametrize("seed", range(5))
def test_folds_keep_linked_lists_together(seed):
    chain = [judging("a", "one"), judging("c", " TWO", "three"), judging("b", "One ", "two"), judging("B", "four")]
    others = [judging(f"q{i}", f"text {i}") for i in range(8)]
    parts = folds([*others[:4], *chain, *others[4:]], 3, seed)
    assert [len(part) for part in parts] == [4, 4, 4]
    assert tuple(chain) in parts


def test_folds_take_the_largest_group_last():
    lists = [judging(f"q{i}", "the same") for i in range(9)] + asking("a", "b")
    assert [len(part) for part in folds(lists, 3)] == [1, 1, 9]


def test_folds_need_as_many_groups():
    for n in (0, 3):
        with pytest.raises(InputError, match="2 groups of lists"):
            folds([*asking("a", "b", "A"), judging("c", "text of a")], n)


def test_kept_apart():
    lists = asking("a", "b", "c")
    other = JudgedList("A ", (Passage("Text of  B"), Passage("text of c")), (1, 0))
    assert kept_apart(lists, [other]) == (lists[1], lists[2])
    assert kept_apart(lists, [other], relevant=True) == (lists[2],)


def test_a_judged_list_is_a_value():
    assert JudgedList.from_dict(json.loads(json.dumps(OWN.to_dict()))) == OWN
    with pytest.raises(AttributeError):
        OWN.query = "other"
