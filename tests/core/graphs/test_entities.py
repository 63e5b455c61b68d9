"""spaCy's phrases and triples as a graph: on made-up parses, a pipeline without a parser, and the real one."""

import pytest

spacy = pytest.importorskip("spacy")

from spacy.tokens import Doc  # noqa: E402

from shortlist import GraphPropagation, InputError, MissingExtra, Passage, WeightsError  # noqa: E402
from shortlist.graphs import Entities, GraphBuilder, builder_from_dict  # noqa: E402
from shortlist.graphs.entities import meanings  # noqa: E402
from shortlist.models import catalogue  # noqa: E402
from shortlist.reranker.registry import from_dict  # noqa: E402

TEXTS = ["Marie Curie was born in Warsaw.", "Warsaw is the capital of Poland.", "Bread needs yeast."]


def joined(graph):
    return list(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))


FIRST = {
    "words": ["She", "visited", "the", "old", "towns", "of", "Poland", "."],
    "lemmas": ["she", "visit", "the", "old", "town", "of", "Poland", "."],
    "pos": ["PRON", "VERB", "DET", "ADJ", "NOUN", "ADP", "PROPN", "PUNCT"],
    "heads": [1, 1, 4, 4, 1, 4, 5, 1],
    "deps": ["nsubj", "ROOT", "det", "amod", "dobj", "prep", "pobj", "punct"],
    "ents": ["O", "O", "O", "O", "O", "O", "B-GPE", "O"],
}
SECOND = {
    "words": ["Towns", "of", "Poland"],
    "lemmas": ["town", "of", "Poland"],
    "pos": ["NOUN", "ADP", "PROPN"],
    "heads": [0, 0, 1],
    "deps": ["ROOT", "prep", "pobj"],
}


class Parsed:
    """A pipeline that knows the parse of two texts."""

    def pipe(self, documents, batch_size):
        vocabulary = spacy.blank("en").vocab
        return (Doc(vocabulary, **{"a": FIRST, "b": SECOND}[text]) for text in documents)


def test_phrases_are_lemmas_without_stop_words():
    first, second = meanings(Parsed(), ["a", "b"])
    assert first.concepts == {"old town", "poland"}
    assert second.concepts == {"town", "poland"}


def test_relations_are_triples_of_words_that_speak():
    first, second = meanings(Parsed(), ["a", "b"])
    assert first.relations == {("visit", "dobj", "town"), ("town", "amod", "old"), ("town", "of", "poland")}
    assert second.relations == {("town", "of", "poland")}


@pytest.fixture
def ruled(tmp_path):
    """A folder with a pipeline that knows two names and no grammar."""
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "GPE", "pattern": "Warsaw"}, {"label": "PERSON", "pattern": "Marie Curie"}])
    pipeline.to_disk(tmp_path / "ruled")
    return str(tmp_path / "ruled")


def test_a_folder_with_entities_alone(ruled):
    graph = Entities(ruled).build([Passage(text) for text in TEXTS])
    assert (graph.n, joined(graph), graph.weights.tolist()) == (3, [(0, 1)], [[1.0, 0.0]])
    assert joined(Entities(ruled, k=None).build([Passage(text) for text in TEXTS])) == [(0, 1)]


def test_scores_flow_along_names(ruled):
    reranker = GraphPropagation(Entities(ruled, k=2), alpha=0.6)
    passages = [Passage(text, name, score) for text, name, score in zip(TEXTS, "abc", (0.9, 0.1, 0.2), strict=True)]
    ranking = reranker.rank("q", passages)
    assert [item.passage.id for item in ranking] == ["a", "b", "c"]
    assert from_dict(reranker.to_dict()) == reranker


def test_a_builder_is_a_value_and_checks_its_settings(monkeypatch):
    assert isinstance(Entities(), GraphBuilder)
    assert builder_from_dict({"kind": "entities", "model": "x", "k": None}) == Entities("x", None)
    with pytest.raises(InputError, match="k must be"):
        Entities(k=0)
    with pytest.raises(WeightsError, match="shortlist models get en-core-web-sm"):
        Entities("no_such_pipeline").build([Passage("text")])
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[entities\]"):
        Entities()


@pytest.mark.models
@pytest.mark.slow
def test_the_real_pipeline_joins_who_names_the_same():
    if catalogue.find("en-core-web-sm") is None:
        pytest.skip("spaCy's English pipeline is absent: run `shortlist models get en-core-web-sm`")
    texts = [
        *TEXTS,
        "She was the first woman to win a Nobel Prize, in Paris.",
        "The Nobel Prize is given in Stockholm; Poland has won some of the prizes.",
        "",
    ]
    graph = Entities().build([Passage(text) for text in texts])
    assert joined(graph) == [(0, 1), (1, 4), (3, 4)]
    assert graph.weights[:, 0].min() > 0
    again = Entities().build([Passage("The bank lends money to farmers."), Passage("A bank lent much money.")])
    assert again.weights.tolist() == [pytest.approx([1.0, 1.0])], (
        "they share a bank, money, and that one lends the other"
    )
