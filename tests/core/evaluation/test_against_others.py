"""Our figures beside those of ir-measures, trec_eval and ndeval: random runs with ties and unjudged passages."""

import os
from pathlib import Path

import numpy as np
import pytest

from shortlist import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measures import measure
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.qrels import read_qrels
from shortlist.evaluation.readers import read_collection
from shortlist.evaluation.runs import first_stage_run, read_run, trec_order

from .cases import outcome, question, random_case, run_of

ir_measures = pytest.importorskip("ir_measures")
pytrec_eval = pytest.importorskip("pytrec_eval")

DATA = Path(os.environ.get("SHORTLIST_DATA") or Path(__file__).parents[4] / "shared" / "data")
needs_dl19 = pytest.mark.skipif(not (DATA / "dl19").exists(), reason="the collection dl19 is not there")
WEB = sorted((DATA / "trec_web_diversity").glob("qrels.*.ndeval.txt"))

TREC_EVAL = {
    "nDCG@10": "ndcg_cut_10",
    "nDCG": "ndcg",
    "AP": "map",
    "AP@20": "map_cut_20",
    "RR": "recip_rank",
    "P@5": "P_5",
    "R@10": "recall_10",
    "Rprec": "Rprec",
    "Bpref": "bpref",
    "Success@3": "success_3",
    "SetP": "set_P",
    "SetF": "set_F",
    "NumRet": "num_ret",
    "IPrec@0.5": "iprec_at_recall_0.50",
}
OTHERS = (
    "RR@10",
    "ERR@10",
    "Judged@10",
    "Compat",
    "nDCG(dcg='exp-log2')@10",
    "P(judged_only=True)@5",
    "Accuracy",
    "infAP",
)


def as_trec(path, scores):
    """Written in an order that says nothing, with ranks that are wrong: only scores and ids count."""
    lines = [
        f"{query} Q0 {name} 1 {score!r} tag\n"
        for query, found in scores.items()
        for name, score in sorted(found.items())
    ]
    path.write_text("".join(np.random.default_rng(0).permutation(lines)), encoding="utf-8")
    return read_run(path)


@pytest.mark.parametrize("relevant", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_equal_to_trec_eval_ties_and_all(tmp_path, seed, relevant):
    collection, scores = random_case(seed)
    collection = Collection("random", collection.questions, relevant)
    run = as_trec(tmp_path / "run.txt", scores)
    judged = {each.id: dict(each.grades) for each in collection if each.grades}
    theirs = pytrec_eval.RelevanceEvaluator(judged, {*TREC_EVAL.values()}, relevance_level=relevant).evaluate(scores)
    for ours, name in TREC_EVAL.items():
        values = measure(ours).of(collection, run)
        for each, value in zip(collection, values, strict=True):
            if not each.grades:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(theirs.get(each.id, {}).get(name, 0.0), abs=1e-6), (ours, each.id)
    assert (measure("nDCG@10").of(collection, run) == 0).sum() >= 3  # two without a run, one with nothing relevant


@pytest.mark.parametrize("text", [*TREC_EVAL, *OTHERS])
def test_equal_to_ir_measures_for_each_question_and_in_all(tmp_path, text):
    collection, scores = random_case(7)
    run = as_trec(tmp_path / "run.txt", scores)
    # gdeval takes only numbers as ids of questions.
    judged = [ir_measures.Qrel(each.id[1:], name, grade) for each in collection for name, grade in each.grades.items()]
    strict = [  # ties broken as trec_eval does, so that those of their providers that break them otherwise agree
        ir_measures.ScoredDoc(query[1:], name, float(len(found) - rank))
        for query, found in scores.items()
        for rank, name in enumerate(trec_order(found))
    ]
    theirs = ir_measures.parse_measure(text).calc(judged, strict)
    expected = {each.query_id: each.value for each in theirs.per_query}
    values = measure(text).of(collection, run)
    for each, value in zip(collection, values, strict=True):
        assert value == pytest.approx(expected.get(each.id[1:], np.nan), abs=1e-6, nan_ok=True)
    assert measure(text).figure(collection, run) == pytest.approx(theirs.aggregated, abs=1e-6)
    assert np.nanmax(values) > 0


def test_scores_tie_as_trec_eval_sees_them_in_single_precision():
    for scores in (
        {"a": 1.0 + 1e-9, "b": 1.0},
        {"b": 1.0 + 1e-9, "a": 1.0},
        {"a": 1e300, "b": 1e200},
        {"z": 1.0, "é": 1.0},
    ):
        for relevant in scores:
            judged = {"q": {name: int(name == relevant) for name in scores}}
            theirs = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate({"q": scores})["q"]["recip_rank"]
            assert 1.0 / (1 + trec_order(scores).index(relevant)) == theirs


def test_a_ranking_keeps_its_order_whatever_its_scores_tie():
    collection = Collection("c", (question("q", "ab", {"a": 1, "b": 0}),))
    for scores in ((1.0, 1.0), (0.0, 0.0), (1.0 + 1e-12, 1.0)):
        assert measure("RR").of(collection, run_of(q=outcome("a", "b", scores=scores))) == [1.0]
        assert measure("RR").of(collection, run_of(q=outcome("b", "a", scores=scores))) == [0.5]


def test_a_list_of_ten_thousand_keeps_its_order():
    names = [f"d{place}" for place in range(10_000)]
    collection = Collection("c", (question("q", names, {"d9998": 1}),))
    assert measure("RR").of(collection, first_stage_run(collection)) == pytest.approx([1 / 9999])


def test_what_no_installed_provider_computes_is_refused_with_the_providers():
    collection = Collection("c", (question("q", "ab", {"a": 1, "b": 0}),))
    missing = pytest.importorskip("ir_measures").cwl_eval
    if missing.is_available():
        pytest.skip("cwl_eval is installed")
    with pytest.raises(InputError, match="cwl_eval"):
        measure("RBP(rel=1)").of(collection, first_stage_run(collection))
    with pytest.raises(InputError, match="cannot compute NumRel"):
        measure("NumRel").of(Collection("c", collection.questions, 2), first_stage_run(collection))


@needs_dl19
def test_bm25_on_dl19_has_the_published_figure(tmp_path):
    collection = read_collection(DATA / "dl19" / "bm25.json", relevant=2)
    run = first_stage_run(collection)
    assert len(collection) == 43
    assert measure("nDCG@10").figure(collection, run) == pytest.approx(0.5058, abs=5e-5)
    assert measure("AP(rel=2)").figure(collection, run) == measure("AP").figure(collection, run)
    assert measure("AP(rel=1)").figure(collection, run) != measure("AP").figure(collection, run)
    judged = {name: dict(said.grades) for name, said in read_qrels(DATA / "dl19" / "qrels.txt").items()}
    scores = {each.id: {p.id: p.score for p in each.passages} for each in collection}
    theirs = pytrec_eval.RelevanceEvaluator(judged, {"map", "recall_100"}, relevance_level=2).evaluate(scores)
    # trec_eval breaks the ties of this file by id, and the file has them in another order.
    by_score = Run(
        "scores",
        {
            q: Outcome(tuple(trec_order(found)), tuple(sorted(found.values(), reverse=True)))
            for q, found in scores.items()
        },
    )
    for text, name in (("AP", "map"), ("R@100", "recall_100")):
        ours = measure(text).of(collection, by_score)
        assert ours == pytest.approx([theirs[each.id][name] for each in collection], abs=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not WEB, reason="the judgments of the TREC Web tracks are not there")
def test_measures_of_aspects_are_those_of_ndeval():
    pytest.importorskip("pyndeval")
    rng = np.random.default_rng(1)
    judged = read_qrels(WEB[0])
    questions, outcomes = [], {}
    for name, said in judged.items():
        found = [*rng.permutation(sorted(said.grades))[:30].tolist(), "nobody-judged-this"]
        found = rng.permutation(found).tolist()
        questions.append(question(name, found, said.grades, aspects=said.aspects))
        outcomes[name] = outcome(*found)
    collection, run = Collection("web", tuple(questions)), Run("random", outcomes)
    theirs = [
        ir_measures.Qrel(query, document, int(grade), aspect)
        for query, aspect, document, grade in map(str.split, WEB[0].read_text(encoding="utf-8").splitlines())
    ]
    scored = [
        ir_measures.ScoredDoc(query, document, float(-rank))
        for query, found in outcomes.items()
        for rank, document in enumerate(found.ids)
    ]
    texts = (
        "alpha_nDCG@10",
        "alpha_nDCG(alpha=0.3)@5",
        "ERR_IA@10",
        "NRBP",
        "StRecall@10",
        "alpha_DCG@10",
        "AP_IA",
        "P_IA@10",
        "nERR_IA@10",
        "nNRBP",
    )
    for text in texts:
        ours = measure(text).of(collection, run)
        expected = {m.query_id: m.value for m in ir_measures.parse_measure(text).iter_calc(theirs, scored)}
        assert ours == pytest.approx([expected[each.id] for each in collection], abs=1e-6), text
        assert ours.max() > 0
