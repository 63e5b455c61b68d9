import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from shortlist import InputError, MissingExtra, Passage
from shortlist.documents import first_stage, read_folder

EXAMPLES = Path(__file__).parents[3] / "examples" / "documents"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b.md").write_text("# B\n\ntext of b")
    (tmp_path / "a.txt").write_text("text of a")
    (tmp_path / "sub" / "c.html").write_text("<p>text of c")
    (tmp_path / ".hidden" / "d.md").write_text("hidden")
    (tmp_path / ".e.md").write_text("hidden")
    return tmp_path


def skipped_in(folder):
    skipped = {}
    found = read_folder(folder, skipped=skipped.__setitem__)
    return [p.id for p in found], skipped


def test_order_ids_and_hidden_files(folder):
    assert skipped_in(folder) == (["a.txt#0", "b.md#0", "sub/c.html#0"], {})
    assert read_folder(folder) == read_folder(str(folder))


def test_one_file(folder):
    assert [p.id for p in read_folder(folder / "b.md")] == ["b.md#0"]


def test_what_cannot_be_read_is_told_and_passed_over(folder):
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "binary.txt").write_bytes(b"a\0b")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    (folder / "empty.md").write_text("\n\n")
    (folder / "gone.md").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.txt")
    ids, skipped = skipped_in(folder)
    assert ids == ["a.txt#0", "b.md#0", "sub/c.html#0"]
    assert set(skipped) == {"picture.png", "binary.txt", "broken.pdf", "empty.md", "gone.md", "pipe.txt"}
    assert skipped["binary.txt"] == "binary data"
    assert all(skipped.values())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_passed_over(folder):
    (folder / "a.txt").chmod(0)
    assert "a.txt" in skipped_in(folder)[1]


def test_links_that_go_in_circles(folder):
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "self.md").symlink_to(folder / "self.md")
    ids, skipped = skipped_in(folder)
    assert ids == ["a.txt#0", "b.md#0", "sub/c.html#0"]
    assert set(skipped) == {"self.md"}


def test_a_name_that_is_no_utf8_can_still_be_printed(folder):
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("text")
    for passage in read_folder(folder):
        assert passage.id is not None
        passage.id.encode()


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        read_folder(tmp_path / "nowhere")


def test_an_extra_is_needed_only_when_such_a_file_is_met(folder, monkeypatch):
    hidden = {"bs4", "pypdf"}
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None if name in hidden else find_spec(name))
    with pytest.raises(MissingExtra, match=r"sub/c\.html needs bs4.*shortlist\[search\]"):
        read_folder(folder)
    (folder / "sub" / "c.html").unlink()
    assert len(read_folder(folder)) == 2


def test_first_stage_gives_scored_candidates_best_first():
    passages = [Passage(t, id=str(i)) for i, t in enumerate(["the cat sat", "", "cat cat dog", "the cat sat", "fish"])]
    found = first_stage("Cat!", passages, k=3)
    assert [p.id for p in found] == ["2", "0", "3"]
    scores = [p.score for p in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    assert all(p.score is None for p in passages)


@pytest.mark.parametrize("query", ["", "unknown", "?!"])
def test_first_stage_without_a_known_word_finds_nothing(query):
    assert first_stage(query, [Passage("text"), Passage("")]) == []


def test_first_stage_over_nothing():
    assert first_stage("a", []) == []
    with pytest.raises(InputError):
        first_stage("a", [Passage("a")], k=0)


def test_first_stage_is_our_own_bm25_over_a_corpus():
    from shortlist import Lexical

    passages = read_folder(EXAMPLES)
    question = "why does deleting rows not make the file smaller"
    found = first_stage(question, passages, k=40)
    ours = Lexical(k1=1.5).rank(question, passages, top_k=40)
    assert [p.id for p in found[:20]] == [item.passage.id for item in ours.kept[:20]]


def test_the_examples_are_all_read():
    skipped = []
    passages = read_folder(EXAMPLES, skipped=lambda name, why: skipped.append(name))
    assert skipped == []
    assert {p.document_id for p in passages} == {path.name for path in EXAMPLES.iterdir()}
    assert {Path(p.document_id).suffix for p in passages} == {".md", ".txt", ".html", ".pdf"}
    assert len({p.id for p in passages}) == len(passages)
