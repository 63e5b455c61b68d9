"""AMRs as a graph of passages, and the concepts on paths from the question."""

import pytest

pytest.importorskip("penman")

from shortlist import GraphPropagation, InputError, MissingExtra, Passage
from shortlist.graphs import Amr, GraphBuilder, builder_from_dict
from shortlist.graphs.amr import Meaning, concepts_on_paths, joint_text, meaning
from shortlist.models.amr import AmrlibParser, AmrParser
from shortlist.plan import Call, Reply
from shortlist.reranker.registry import from_dict

# Where was Marie Curie born?
QUESTION = '(b / bear-02 :ARG1 (p / person :name (n / name :op1 "Marie" :op2 "Curie")) :location (a / amr-unknown))'
# Marie Curie was born in Warsaw.
BORN = """
# ::snt Marie Curie was born in Warsaw.
(b / bear-02
   :ARG1 (p / person :wiki "Marie_Curie" :name (n / name :op1 "Marie" :op2 "Curie"))
   :location (c / city :wiki - :name (m / name :op1 "Warsaw")))
"""
# Warsaw is a city that Poland has as its capital.
CAPITAL = '(c / city :name (n / name :op1 "Warsaw") :ARG1-of (h / have-03 :ARG0 (p / country :name (m / name :op1 "Poland"))))'
# Bread needs yeast.
BREAD = "(n / need-01 :ARG0 (b / bread) :ARG1 (y / yeast))"
# question:<who got the prize?> He received it.
JOINT = """
(m / multi-sentence
   :snt1 (q / question :ARG1 (g / get-01 :ARG0 (u / amr-unknown) :ARG1 (p / prize)))
   :snt2 (r / receive-01 :ARG0 (h / he) :ARG1 p))
"""


def passage(text, amr, name=None, score=None, **more):
    return Passage(text, name, score, metadata={"amr": amr, **more})


def joined(graph):
    return list(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))


def test_concepts_and_constants_are_nodes_without_senses_and_quotes():
    found = meaning(BORN)
    assert found.concepts == {"bear", "person", "name", "city", "Marie_Curie", "Marie", "Curie", "Warsaw"}
    assert ("bear", ":ARG1", "person") in found.relations and ("name", ":op1", "Warsaw") in found.relations
    assert meaning('(d / disease :name (n / name :op1 "COVID-19"))').concepts == {"disease", "name", "COVID-19"}
    assert meaning("(h / have-rel-role-91)").concepts == {"have-rel-role"}


def test_inverse_roles_are_turned_round():
    assert ("have", ":ARG1", "city") in meaning(CAPITAL).relations


def test_several_graphs_stand_side_by_side_though_their_variables_are_alike():
    both = meaning(f"{QUESTION}\n\n{BREAD}")
    assert both.concepts == meaning(QUESTION).concepts | meaning(BREAD).concepts
    assert both.relations == meaning(QUESTION).relations | meaning(BREAD).relations
    assert Amr().build([passage("a", [QUESTION, BREAD]), passage("b", f"{QUESTION}\n\n{BREAD}")]).n == 2


def test_edges_count_what_is_shared():
    graph = Amr().build(
        [passage("a", BORN), passage("b", CAPITAL), passage("c", BREAD), Passage("d"), passage("e", "")]
    )
    assert (graph.n, joined(graph)) == (5, [(0, 1)])
    # city, name, Warsaw; city :name name, name :op1 Warsaw: alone in its row and column an edge is 1.
    assert graph.weights.tolist() == [pytest.approx([1.0, 1.0])]
    three = Amr().build([passage("a", BORN), passage("b", CAPITAL), passage("q", QUESTION)])
    nodes = {(0, 1): 3, (0, 2): 5, (1, 2): 1}
    totals = [8, 4, 6]
    expected = [n / (totals[a] * totals[b]) ** 0.5 for (a, b), n in nodes.items()]
    assert (joined(three), three.weights[:, 0].tolist()) == (list(nodes), pytest.approx(expected))


def test_the_nearest_alone():
    passages = [passage(str(i), amr) for i, amr in enumerate((BORN, CAPITAL, QUESTION))]
    assert joined(Amr(k=1).build(passages)) == [(0, 2)]


def test_paths_lead_from_the_question_to_what_is_farthest():
    # question get amr-unknown; question get prize; question multi-sentence receive he
    told = "get amr-unknown prize multi-sentence receive he"
    assert concepts_on_paths(meaning(JOINT), ["question"]) == told.split()
    assert concepts_on_paths(meaning(BREAD), ["question"]) == []


def test_only_shortest_paths_that_are_part_of_no_other():
    #   question - a - b - far      and a shorter way to `far` over c; `b` ends a path of its own
    found = Meaning(
        ("question", "a", "b", "c", "far", "nowhere"),
        ((0, ":x", 1), (1, ":x", 2), (0, ":x", 3), (3, ":x", 4), (4, ":x", 2)),
    )
    assert concepts_on_paths(found, ["question"]) == ["a", "b", "c", "far"]


def test_node_texts_of_joint_graphs():
    (text, bare) = Amr().node_texts([passage("He received it.", JOINT), Passage("No AMR.")])
    assert text == "He received it. get amr-unknown prize multi-sentence receive he" and bare == "No AMR."


def test_node_texts_of_passages_that_were_parsed_alone_begin_at_the_questions_concepts():
    told = Amr().node_texts(
        [passage("Born.", BORN, question_amr=QUESTION), passage("Bread.", BREAD, question_amr=QUESTION)]
    )
    assert told == ["Born. city Marie_Curie Warsaw", "Bread."]


def test_what_is_no_amr_is_refused():
    for wrong in ("(a / b", "nonsense", 7, ["(a / b)", 7]):
        with pytest.raises(InputError, match="the amr of passage 1 is no AMR"):
            Amr().build([passage("a", BREAD), passage("b", wrong)])


def test_a_builder_is_a_value_and_checks_its_settings(monkeypatch):
    reranker = GraphPropagation(Amr("graph", k=4), alpha=0.5)
    assert isinstance(Amr(), GraphBuilder) and from_dict(reranker.to_dict()) == reranker
    assert builder_from_dict({"kind": "amr", "key": "x"}) == Amr("x")
    with pytest.raises(InputError, match="k must be"):
        Amr(k=0)
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[amr\]"):
        Amr()


def test_scores_flow_along_amrs():
    passages = [
        passage("born", BORN, "a", 0.9),
        passage("capital", CAPITAL, "b", 0.1),
        passage("bread", BREAD, "c", 0.2),
    ]
    ranking = GraphPropagation(Amr(), alpha=0.6).rank("q", passages)
    assert [item.passage.id for item in ranking] == ["a", "b", "c"]
    assert ranking.kept[1].reasons["lifted by"] == "a"


# ---- parsers -------------------------------------------------------------------------------------------------


class Table(AmrParser):
    def answer(self, payloads, call):
        return [Reply({"good": BREAD, "bad": "no graph"}[payload]) for payload in payloads]


def test_an_answer_without_a_graph_is_missing():
    parser = Table()
    assert parser.fault(BREAD) is None and parser.fault(BORN.strip()) is None
    assert "no PENMAN" in parser.fault("no graph") and "no PENMAN" in parser.fault(None)
    assert joint_text("who?", "He.") == "question:who? He."
    plan = parser.parse(["good", "bad"])
    (asks,) = next(plan)
    assert asks.optional and asks.payloads == ["good", "bad"]


def test_amrlib_is_asked_in_batches(monkeypatch, tmp_path):
    """A stand-in for the library: none of its models can be had without its own downloads."""
    import sys
    from types import ModuleType, SimpleNamespace

    loaded, asked = [], []

    def parse_sents(texts, add_metadata):
        asked.append(texts)
        return [None if "bad" in text else f"(t / {text})" for text in texts]

    def load_stog_model(folder, **settings):
        loaded.append((folder, settings))
        return SimpleNamespace(parse_sents=parse_sents)

    fake = ModuleType("amrlib")
    fake.load_stog_model = load_stog_model
    monkeypatch.setitem(sys.modules, "amrlib", fake)
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: fake)
    (tmp_path / "weights").write_bytes(b"1")
    parser, call = AmrlibParser(str(tmp_path), "cpu", batch=2), Call()
    parser.warm_up()
    replies = parser.answer(["one", "bad", "three"], call)
    assert [getattr(reply, "value", None) for reply in replies] == ["(t / one)", None, "(t / three)"]
    assert (asked, call.batches) == ([["one", "bad"], ["three"]], 2)
    assert loaded == [(str(tmp_path), {"batch_size": 2, "num_beams": 1, "device": "cpu"})]
    assert parser.fingerprint.startswith("amrlib:") and parser.fingerprint.endswith(":1")
    with pytest.raises(InputError, match="folder of an amrlib model"):
        AmrlibParser(str(tmp_path / "none"))


def test_without_amrlib_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"shortlist\[amr-parser\]"):
        AmrlibParser(str(tmp_path))
