"""Judgments out of files: by grade, by aspect, in rounds."""

from shortlist.evaluation.qrels import read_qrels


def test_qrels_by_aspect_and_with_rounds(tmp_path):
    path = tmp_path / "qrels.txt"
    path.write_text("1 1 a 1\n1 2 a 3\n1 1 b 0\n1 1 b 0\n2 0 c -2\n", encoding="utf-8")
    found = read_qrels(path)
    assert found["1"].grades == {"a": 3, "b": 0}
    assert found["1"].aspects == {"a": frozenset({"1", "2"})}
    assert (found["2"].grades, found["2"].aspects) == ({"c": -2}, {})
    path.write_text("1 0.5 a 1\n1 2 b 2\n", encoding="utf-8")  # TREC-COVID's rounds
    assert (read_qrels(path)["1"].grades, read_qrels(path)["1"].aspects) == ({"a": 1, "b": 2}, {})
