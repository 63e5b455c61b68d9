"""Templates, the holes in them, and what a search tries of a space."""

import sys

import pytest

from shortlist import InputError, MissingExtra, Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.tuning.search import search
from shortlist.evaluation.tuning.space import Space, Template, read_space
from shortlist.evaluation.tuning.usual_space import usual_space
from shortlist.reranker.expression import parse

from .tiny import collection


def values(text):
    (hole,) = Template.read(text).holes
    return hole.values


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("lexical[:{k:10..100}]", "10", "100", 91),
        ("lexical[:{k:10..100/10}]", "10", "100", 10),
        ("lexical[:{k:10..105/10}]", "10", "100", 10),
        ("lexical[:{k:1..100 log}]", "1", "100", 21),
        ("gap-cut(min_k={k:1..4})", "1", "4", 4),
        ("blend(similarity, prior={p:0..1})", "0", "1", 101),
        ("blend(similarity, prior={p:0..1/0.25})", "0", "1", 5),
        ("blend(similarity, prior={p:0.1..0.7})", "0.1", "0.7", 101),
        ("fuse(lexical, similarity, k={k:1..100 log})", "1", "100", 25),
        ("mmr(diversity={ d : 0 .. 1e-1 / 5e-2 })", "0", "0.1", 3),
        ("{a:lexical|similarity|lexical}", "lexical", "similarity", 2),
        ("similarity(embedder={e:'static'|'bge-small'})", "'static'", "'bge-small'", 2),
    ],
)
def test_what_a_hole_stands_for(text, first, last, count):
    found = values(text)
    assert (found[0], found[-1], len(found)) == (first, last, count)


def test_steps_are_written_as_people_would():
    assert values("blend(similarity, prior={p:0..1/0.1})") == (
        "0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1",
    )  # fmt: skip


def test_every_expression_of_a_template_is_one_of_a_reranker():
    template = Template.read("{a:lexical|similarity}[:{k:1..3}] >> blend(lexical[:{k}], prior={p:0..1/0.5})")
    made = [*template.all()]
    assert len(made) == len({*made}) == template.size == 18
    assert made[0] == "lexical[:1] >> blend(lexical[:1], prior=0)"
    assert made[-1] == "similarity[:3] >> blend(lexical[:3], prior=1)"
    for text in made:
        parse(text)


def test_numbers_may_depend_on_each_other():
    assert Template.read("gap-cut(min_k={a:1..4}, max_k={b:2..8})").size == 28


def test_settings_in_braces_are_no_holes():
    template = Template.read("similarity(embedder={'model': 'static'})")
    assert template.holes == () and [*template.all()] == [template.text]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lexical[:{k}]", "declared nowhere"),
        ("lexical[:{k:1..2}] >> similarity[:{k:1..2}]", "declared twice"),
        ("lexical[:{k:5..5}]", "from less to more"),
        ("lexical[:{k:9..5}]", "from less to more"),
        ("lexical[:{k:0..5}]", "above 0"),
        ("lexical[:{k:1..}]", "write"),
        ("lexical[:{k:1...5}]", "write"),
        ("{a:lexical|}", "write"),
        ("lexical[:{k:1..5/0}]", "step"),
        ("lexical[:{k:1..5/9}]", "step"),
        ("lexical[:{k:1..1000000}]", "10,000"),
        ("blend(lexical, prior={p:0..1 log})", "above 0"),
        ("blend(lexical, prior={p:0..2})", "prior"),
        ("mmr(diversity={d:-1..1})", "diversity"),
        ("{a:lexical|magic}", "magic"),
        ("lexical(nothing={n:0..1})", "nothing"),
        ("lexical[:{k:1..5]", "cannot read"),
    ],
)
def test_what_is_no_template(text, why):
    with pytest.raises(InputError, match=why):
        Template.read(text)


def test_a_space_counts_and_names_each_template_once():
    space = Space.of(["lexical", "lexical", "similarity[:{k:1..4}]"])
    assert space.size == 5 and next(space.all()) == "lexical"
    with pytest.raises(InputError, match="pipeline or more"):
        Space.of([])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "pipelines = [\n  'lexical[:{k:1..3}]',\n  'blend(similarity, prior={p:0..1})',\n]\n"),
        ("a.json", '{"pipelines": ["lexical[:{k:1..3}]", "blend(similarity, prior={p:0..1})"]}'),
    ],
)
def test_a_space_out_of_a_file(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_space(path) == Space.of(["lexical[:{k:1..3}]", "blend(similarity, prior={p:0..1})"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "["),
        ("a.toml", "pipelines = "),
        ("a.json", '["lexical"]'),
        ("a.json", '{"pipelines": "lexical"}'),
        ("a.json", '{"pipelines": [1]}'),
        ("a.json", '{"pipelines": ["lexical"], "trials": 3}'),
        ("a.json", '{"pipelines": []}'),
        ("a.json", None),
    ],
)
def test_what_is_no_file_of_a_space(tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError):
        read_space(tmp_path / name)


def test_the_usual_space_is_what_can_run_here(monkeypatch, tmp_path):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path))
    bare = {template.text for template in usual_space(collection()).templates}
    assert "keep-order" in bare and not any("cross-encoder" in text or "bge-small" in text for text in bare)
    (tmp_path / "models" / "ms-marco-minilm").mkdir(parents=True)
    (tmp_path / "models" / "ms-marco-minilm" / "config.json").write_text("{}")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tokenizers")
    with_weights = {template.text for template in usual_space(collection()).templates}
    assert bare < with_weights
    assert all("ms-marco-minilm" in text for text in with_weights - bare)
    # Nothing is cut before a cross-encoder where there are few candidates anyway.
    assert not any("[:" in text for text in with_weights)
    assert any("[:{k:10..30}]" in t.text for t in usual_space(collection(candidates=30)).templates)


def test_the_usual_space_has_different_passages_where_somebody_judged_aspects():
    question = Question("q", "a", (Passage("a", "1"), Passage("b", "2")), {"1": 1}, {"1": frozenset({"x"})})
    assert any("mmr" in template.text for template in usual_space(Collection("c", (question,))).templates)
    assert not any("mmr" in template.text for template in usual_space(collection()).templates)


# Searches


def worth(text):
    """Best is a prior of 0.4 or so."""
    return -abs(float(text.split("prior=")[1][:-1]) - 0.41) if "prior" in text else -1.0


WIDE = Space.of(["lexical", "blend(lexical, prior={p:0..1})", "blend(similarity, prior={p:0..1})"])


def test_a_small_space_is_tried_in_full_and_needs_no_optuna(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    space = Space.of(["lexical", "similarity[:{k:1..4}]"])
    assert search(space, lambda _: 0.0, trials=5, seed=0) == [*space.all()]


def test_a_large_space_is_searched(capfd):
    pytest.importorskip("optuna")
    tried = search(WIDE, worth, trials=30, seed=1)
    assert len(tried) == len({*tried}) == 30
    assert {text.split(",")[0] for text in tried} == {"lexical", "blend(lexical", "blend(similarity"}
    assert max(map(worth, tried)) > -0.03
    blends = [worth(text) for text in tried if "prior" in text]
    assert sum(blends[-14:]) > sum(blends[:14])  # it learns
    assert capfd.readouterr() == ("", "")


def test_the_same_seed_tries_the_same():
    pytest.importorskip("optuna")
    first, again, other = (search(WIDE, worth, trials=14, seed=seed) for seed in (3, 3, 4))
    assert first == again != other


def test_a_search_that_is_told_to_end_has_tried_one():
    pytest.importorskip("optuna")
    for space in (WIDE, Space.of(["lexical", "similarity"])):
        assert len(search(space, lambda _: 0.0, trials=9, seed=0, go_on=lambda: False)) == 1


def test_what_was_tried_is_no_trial_and_ends_a_search_at_last():
    pytest.importorskip("optuna")
    space = Space.of(["blend(lexical, prior={p:0..1/0.1})"])
    tried = search(space, worth, trials=10, seed=0)
    assert len({*tried}) == len(tried) <= 10


def test_optuna_is_asked_for_where_it_is_needed(monkeypatch):
    monkeypatch.setattr("shortlist.errors.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="tune"):
        search(WIDE, worth, trials=3, seed=0)
