"""Lists made out of documents that nobody judged."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shortlist import InputError, Passage
from shortlist.algorithms.bm25 import tokenize
from shortlist.documents import Chunking, read_folder
from shortlist.training.judged import JudgedList
from shortlist.training.make import Making, make_from_folder, make_judged
from shortlist.training.making.asking import Asker
from shortlist.training.making.library import Library
from shortlist.training.making.names import Namer, sentences
from shortlist.training.readers import read_judged

EXAMPLES = Path(__file__).parents[3] / "examples" / "documents"
TOWNS = (
    "Alvarra Brunswold Cendrique Dolmavik Estoria Fenwater Galpine Hoxhaven Irridale Juntoro Kestrow Lombriz".split()
)
FACTS = (
    "The harbour lies in the north and opens towards a quiet bay with fishing boats.",
    "The winters are long and cold, and heavy snow falls upon the mountains nearby.",
    "The market sells woollen cloth, dried fishing nets and cheese from mountain farms.",
    "The council meets in an old tower that burned down twice and was built again.",
    "Its railway crosses the mountains and carries cheese and timber towards the harbour.",
    "The museum keeps wooden boats, old maps and woollen clothes of former councils.",
)
SMALL = Making(queries=40, candidates=20, group=4, common=1.0)


def town(number, name):
    """A document whose first chunk names what all the others are about."""
    facts = [FACTS[(number + k) % len(FACTS)] for k in range(5)]
    facts = [f"{fact[:-1]} since {1500 + number}." for fact in facts]
    texts = [
        f"{name} is a town, {number + 20} miles away. It is known for {('salt', 'wine', 'glass')[number % 3]}.",
        *facts,
    ]
    return [Passage(text, f"{name}#{i}", document_id=f"{name}.txt", position=i) for i, text in enumerate(texts)]


TEXTS = [passage for number, name in enumerate(TOWNS) for passage in town(number, name)]


@pytest.fixture(scope="module")
def made():
    return make_judged(TEXTS, SMALL)


def answer(judged):
    (found,) = [p for p, grade in zip(judged.passages, judged.grades, strict=True) if grade]
    return found


def test_the_answer_lacks_the_name_that_a_neighbour_has(made):
    assert len(made.lists) == 40
    for judged in made.lists:
        (name,) = [town for town in TOWNS if town.lower() in judged.query.lower()]
        right = answer(judged)
        assert right.document_id == f"{name}.txt"
        assert name not in right.text
        beside = [p for p in judged.passages if p.document_id == right.document_id and p != right]
        assert any(name in p.text for p in beside)


def test_the_words_alone_do_not_find_it(made):
    library = Library(TEXTS)
    for judged in made.lists:
        right = answer(judged)
        words = [token for token in tokenize(judged.query) if token in set(tokenize(right.text))]
        scores = library.scores(words)
        best = max(scores[i] for i, p in enumerate(TEXTS) if p.document_id != right.document_id)
        assert len(words) >= 2
        assert best >= scores[TEXTS.index(right)] > 0


def test_no_sentence_is_copied_whole(made):
    for judged in made.lists:
        asked = set(tokenize(judged.query))
        for sentence in sentences(answer(judged).text):
            words = tokenize(sentence)
            assert sum(word in asked for word in words) < len(words)
            assert " ".join(words) not in " ".join(tokenize(judged.query))


def test_candidates(made):
    for judged in made.lists:
        assert isinstance(judged, JudgedList)
        assert sum(judged.grades) == 1
        assert 10 < len(judged.passages) <= 20
        assert len(set(judged.passages)) == len(judged.passages)
        assert all(p in TEXTS for p in judged.passages)
        assert sum(p.text == answer(judged).text for p in judged.passages) == 1
        groups = [p.document_id for p in judged.passages]
        assert len(set(groups)) > 2
        assert 2 <= max(groups.count(each) for each in groups) <= 4


def test_neither_place_nor_group_tells_the_answer():
    """Measured over many lists against what chance would give, within four standard errors."""
    lists = [
        judged for seed in range(6) for judged in make_judged(TEXTS, Making(40, 20, 4, common=1.0, seed=seed)).lists
    ]
    places = np.array([judged.grades.index(1) / (len(judged.grades) - 1) for judged in lists])
    assert abs(places.mean() - 0.5) < 4 * 0.3 / len(lists) ** 0.5
    groups = [[p.document_id for p in judged.passages] for judged in lists]
    own = [each.count(answer(judged).document_id) for each, judged in zip(groups, lists, strict=True)]
    # The last group of a list is cut short, so the others decide.
    rest = [np.mean([each.count(d) for d in dict.fromkeys(each)]) for each in groups]
    assert abs(np.mean(own) - np.mean(rest)) < 0.4
    assert {each[judged.grades.index(1)] for each, judged in zip(groups, lists, strict=True)} == {
        f"{t}.txt" for t in TOWNS
    }


def test_what_was_made_is_accounted_for(made):
    assert (made.documents, made.chunks) == (12, 72)
    assert sum(made.left_out.values()) + len(made.lists) <= made.chunks
    everything = make_judged(TEXTS, Making(1000, 20, 4, common=1.0))
    assert sum(everything.left_out.values()) + len(everything.lists) == everything.chunks
    assert all(reason and count for reason, count in everything.left_out.items())
    few = make_judged(TEXTS, Making(1000, 20, 4, each=2, common=1.0))
    assert len(few.lists) <= 24
    assert few.left_out["its document has given enough"] > 0


def test_the_seed_decides(made):
    assert make_judged(TEXTS, SMALL).lists == made.lists
    other = make_judged(TEXTS, Making(40, 20, 4, common=1.0, seed=1)).lists
    assert [each.query for each in other] != [each.query for each in made.lists]


@pytest.mark.slow
def test_the_same_lists_in_another_process():
    """Hashes of strings differ from process to process: no order may hang on them."""
    code = (
        "import sys; from shortlist.training.make import *; from shortlist.documents import Chunking;"
        f"made = make_from_folder({str(EXAMPLES)!r}, Making(20), Chunking(60, 0));"
        "print([each.to_dict() for each in made.lists])"
    )
    environments = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    outputs = [
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout
        for env in environments
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000


def test_two_answers():
    two = make_judged(TEXTS, Making(10, 20, 4, answers=2, common=1.0)).lists
    assert len(two) == 10
    for judged in two:
        right = [p for p, grade in zip(judged.passages, judged.grades, strict=True) if grade]
        assert len({p.document_id for p in right}) == len(right) == 2
        assert " and " in judged.query


def test_what_names_it_may_be_graded_too():
    for judged in make_judged(TEXTS, Making(20, 20, 4, naming=True, common=1.0)).lists:
        right = [p for p, grade in zip(judged.passages, judged.grades, strict=True) if grade]
        (name,) = [town for town in TOWNS if town.lower() in judged.query.lower()]
        assert sorted(name in p.text for p in right) == [False, True]


def test_plain_questions_have_the_name_in_the_answer():
    texts = [Passage(f"{p.document_id[:-4]} says: {p.text}", p.id, document_id=p.document_id) for p in TEXTS]
    assert not make_judged(texts, SMALL).lists
    lists = make_judged(texts, Making(20, 20, 4, plain=1.0, common=1.0)).lists
    assert lists
    assert all(any(t.lower() in judged.query.lower() and t in answer(judged).text for t in TOWNS) for judged in lists)


@pytest.mark.slow
def test_real_documents():
    chunks = read_folder(EXAMPLES, Chunking(60, 0))
    made = make_judged(chunks, Making(40))
    assert len(made.lists) > 20
    known = {p.id: p for p in chunks}
    for judged in made.lists:
        assert all(known[p.id] == p for p in judged.passages)
        assert 15 < len(judged.passages) <= 30


def test_names():
    texts = [
        "Marie Curie was born in Warsaw. The physicist won it twice.",
        "She found the metal with Pierre and used sqlite3_open to write down the weight.",
        "The metal shines. Warsaws are many.",
        "Nothing is said of the physicist here, the metal aside.",
    ]
    chunks = [Passage(text, document_id="life.md", metadata={"title": "1.2. The Polonium"}) for text in texts]
    namer = Namer(Library([*chunks, Passage("she said nothing", document_id="other")]), reach=1, opening=1)
    assert list(namer.absent(3).values()) == ["Marie Curie", "Warsaw", "Warsaws"]
    assert set(namer.absent(2).values()) == {"Marie Curie", "Pierre", "sqlite3_open"}
    assert set(namer.present(1).values()) == {"Pierre", "sqlite3_open"}
    assert namer.absent(4) == {}
    assert namer.near(3) == [0, 2]


def test_a_title_stands_first_even_where_many_documents_have_it():
    texts = [
        Passage(text, document_id=f"{i}.md", metadata={"title": "2. Salt"})
        for i in range(10)
        for text in ("Salt and Pepper are sold.", "It is white.")
    ]
    namer = Namer(Library(texts))
    assert list(namer.absent(1).values()) == ["Salt"]


def test_library_scores_are_bm25():
    from shortlist.algorithms.bm25 import bm25_scores

    library = Library(TEXTS)
    words = ["harbour", "mountains", "absent"]
    assert library.scores(words) == pytest.approx(bm25_scores(words, library.tokens))
    assert library.count("harbour") == sum("harbour" in tokens for tokens in library.tokens)
    assert library.naming(("alvarra", "is")) == [0]
    assert library.spread["alvarra"] == 1


def test_a_question_says_where_its_name_stands():
    import random

    asker = Asker(Namer(Library(TEXTS)), common=1.0)
    question = asker.question(2, random.Random(0))
    assert (question.answer, question.naming, question.term) == (2, 0, ("alvarra",))


@pytest.mark.parametrize(
    "bad",
    [
        {"queries": 0},
        {"group": 1},
        {"answers": 0},
        {"candidates": 11},
        {"candidates": 20, "answers": 2},
        {"common": 0.0},
        {"plain": 1.5},
    ],
)
def test_settings_out_of_range(bad):
    with pytest.raises(InputError):
        Making(**bad)


def test_what_cannot_be_made(tmp_path):
    with pytest.raises(InputError, match="no passage"):
        make_judged([])
    with pytest.raises(InputError, match="document_id"):
        make_judged([Passage("a")])
    with pytest.raises(InputError, match="overlap"):
        make_from_folder(EXAMPLES, None, Chunking(60, 10))
    assert make_judged([Passage("One text alone.", document_id="a")]).lists == ()
    (tmp_path / "a.txt").write_text("One text alone.")
    with pytest.raises(InputError, match=r"no list comes of its 1 chunks: no name that only its neighbours have \(1\)"):
        read_judged(tmp_path)


@pytest.mark.slow
def test_a_folder_of_documents_is_a_format():
    assert read_judged(EXAMPLES) == list(make_from_folder(EXAMPLES).lists)
