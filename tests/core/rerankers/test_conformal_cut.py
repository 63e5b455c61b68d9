"""The conformal cut as a reranker: what it keeps, what it says, and what it refuses."""

import numpy as np
import pytest

from shortlist import CrossEncoder, InputError, Lexical, Mmr, Passage
from shortlist.algorithms.conformal import MEASURES
from shortlist.fitted.store import Fitted, fitted, save_fitted, shipped
from shortlist.models.fakes import HashEmbedder, OverlapScorer
from shortlist.models.trained import TrainedNetwork
from shortlist.reranker.chain import stages
from shortlist.reranker.expression import load
from shortlist.rerankers.conformal_cut import ConformalCut
from shortlist.rerankers.dynamic_k import DynamicK
from shortlist.rerankers.threshold_cut import ThresholdCut
from shortlist.training.conformal import fit_conformal
from shortlist.training.scored import ScoredList

AS_IT_IS = ThresholdCut(-99.0)


def scored(rng, n=10):
    scores = -np.sort(-rng.normal(size=n))
    grades = (rng.random(n) < np.linspace(0.8, 0.05, n)).astype(np.int64)
    grades[0] = 1
    return ScoredList("q", tuple(Passage(f"text {i}", score=float(s)) for i, s in enumerate(scores)), grades)


def saved(folder, lists, **about):
    path = folder / "own.json"
    save_fitted(path, Fitted("conformal", fit_conformal(lists, {}), about))
    return str(path)


@pytest.fixture
def calibration(tmp_path):
    rng = np.random.default_rng(0)
    return saved(tmp_path, [scored(rng) for _ in range(99)])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("needed", ["all", "any"])
def test_covers_lists_like_those_of_the_calibration(calibration, measure, needed):
    rng, cut, covered = np.random.default_rng(1), ConformalCut(0.8, calibration, needed, measure), []
    for _ in range(300):
        each = scored(rng)
        kept = {item.index for item in cut.rank("q", each.passages)}
        wanted = set(np.flatnonzero(each.grades).tolist())
        covered.append(wanted <= kept if needed == "all" else bool(wanted & kept))
    assert np.mean(covered) > 0.7  # 0.8 less four standard errors of both parts


def test_more_coverage_keeps_more(calibration):
    passages = scored(np.random.default_rng(5)).passages
    depths = [len(ConformalCut(c, calibration).rank("q", passages)) for c in (0.3, 0.6, 0.9)]
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]


def test_too_few_queries_keep_all_and_say_so(tmp_path):
    rng = np.random.default_rng(2)
    few = saved(tmp_path, [scored(rng) for _ in range(8)])
    ranking = ConformalCut(0.9, few).rank("q", scored(rng).passages)
    assert len(ranking) == 10
    assert any("8 calibration queries cannot promise 0.9" in repair for repair in ranking.repairs)
    assert len(ConformalCut(0.5, few).rank("q", scored(rng).passages)) < 10


def test_says_when_scores_are_unlike_those_calibrated_on(calibration):
    usual = scored(np.random.default_rng(5)).passages
    assert not ConformalCut(0.9, calibration).rank("q", usual).repairs
    far = [Passage(p.text, score=p.score + 50.0) for p in usual]
    assert any("first score" in repair for repair in ConformalCut(0.9, calibration).rank("q", far).repairs)
    short = ConformalCut(0.9, calibration).rank("q", usual[:3]).repairs
    assert any("length" in repair for repair in short)


def test_scores_of_another_scale_are_cut_alike(calibration):
    usual = scored(np.random.default_rng(5)).passages
    scaled = [Passage(p.text, score=p.score * 9.0 - 4.0) for p in usual]
    ours, theirs = (ConformalCut(0.6, calibration).rank("q", each) for each in (usual, scaled))
    assert [item.index for item in ours] == [item.index for item in theirs]


def test_stands_behind_mmr():
    cut = Mmr(diversity=0.3, embedder=HashEmbedder()) >> ConformalCut(0.9, "ms-marco-minilm-mmr")
    passages = [Passage(f"tide {i} of {i % 3}", score=float(-i)) for i in range(20)]
    ranking = cut.rank("tide", passages)
    assert len(ranking) + len(ranking.dropped) == 20
    assert len(ranking) >= 1


def test_stands_behind_a_policy_and_cuts_by_its_chances():
    policy = DynamicK(reorder=True, cost=0.0)
    passages = [Passage(f"tide {i} of {i % 3}", score=float(-i)) for i in range(20)]
    before = policy.rank("tide", passages)
    assert len(before) == 20
    depths = []
    for coverage in (0.5, 0.9):
        ranking = (policy >> ConformalCut(coverage, "ms-marco-minilm-dynamic-k", measure="score")).rank(
            "tide", passages
        )
        assert [item.index for item in ranking] == [item.index for item in before][: len(ranking)]
        depths.append(len(ranking))
    assert 1 <= depths[0] <= depths[1] <= 20


@pytest.mark.parametrize("name", [name for name in shipped("conformal") if name.endswith("-dynamic-k")])
def test_calibrations_of_policies_are_of_questions_that_those_held_out(name):
    given = fitted("conformal", name)
    policy = f"dynamic-k-{name.removesuffix('-dynamic-k')}"
    assert f"network='{policy}'" in given.about["pipeline"]
    assert given.values["lists"] == TrainedNetwork(policy).trained.training["data"]["held_out"]


@pytest.mark.parametrize("name", shipped("conformal"))
def test_the_calibration_of_the_stages_before_is_found(name):
    before = load(fitted("conformal", name).about["pipeline"])
    for stage in (before, Lexical()[:50] >> before):
        found, notes = ConformalCut(0.7).behind(stage)
        assert (found, notes) == (ConformalCut(0.7, name), ())
        assert ConformalCut(0.7, name).behind(stage) == (ConformalCut(0.7, name), ())


def test_the_stages_of_the_issue_need_no_name():
    for before, name in ((CrossEncoder() >> Mmr(diversity=0.3), "mmr"), (DynamicK(reorder=True, cost=0), "dynamic-k")):
        full = CrossEncoder() >> before if len(stages(before)) == 1 else before
        assert ConformalCut(0.9).behind(full)[0].calibration == f"ms-marco-minilm-{name}"
        assert ConformalCut(0.9)[:5].behind(full)[0].inner.calibration == f"ms-marco-minilm-{name}"


def unpromised(reranker, passages=()):
    passages = passages or [Passage(f"tide {i}", score=float(-i)) for i in range(20)]
    return [repair for repair in reranker.rank("tide", passages).repairs if "no chance is promised" in repair]


@pytest.mark.parametrize("before", [None, Mmr(diversity=0.4), CrossEncoder(OverlapScorer()) >> Mmr(diversity=0.3)])
def test_without_a_calibration_for_the_stages_before_nothing_is_promised(before):
    cut = ConformalCut(0.9)
    told = unpromised(cut if before is None else before >> cut)
    assert told[0].startswith("no calibration is known for the stages before: that of ms-marco-minilm was read")


def test_says_when_other_stages_stand_before_than_at_the_calibration(tmp_path):
    rng = np.random.default_rng(5)
    lists = [scored(rng) for _ in range(99)]
    usual = lists[0].passages
    own = ConformalCut(0.8, saved(tmp_path, lists, pipeline=AS_IT_IS.to_dict()))
    assert unpromised(AS_IT_IS >> own, usual) == []
    (told,) = unpromised(Mmr(embedder=HashEmbedder()) >> AS_IT_IS >> AS_IT_IS[:8] >> own, usual)[:1]
    assert "was calibrated behind threshold-cut, not behind mmr >> threshold-cut >> top" in told
    told = unpromised(Mmr(diversity=0.2) >> ConformalCut(0.9, "ms-marco-minilm-mmr"))
    assert told[0].endswith("behind cross-encoder >> mmr, not behind mmr: no chance is promised")
    told = unpromised(CrossEncoder(OverlapScorer()) >> Mmr(diversity=0.2) >> ConformalCut(0.9, "ms-marco-minilm-mmr"))
    assert "not behind the same, set otherwise" in told[0]


@pytest.mark.parametrize("pipeline", ["some-code-of-mine", None, 3])
def test_a_calibration_that_does_not_say_where_it_stood_is_taken_at_its_word(tmp_path, pipeline):
    rng = np.random.default_rng(5)
    lists = [scored(rng) for _ in range(99)]
    own = ConformalCut(0.8, saved(tmp_path, lists, pipeline=pipeline))
    assert unpromised(AS_IT_IS >> own, lists[0].passages) == []


def test_it_makes_no_difference_how_a_chain_is_put_together():
    parts = CrossEncoder(), Mmr(diversity=0.3), ConformalCut(0.9)
    chain = parts[0] >> parts[1] >> parts[2]
    assert parts[0] >> (parts[1] >> parts[2]) == chain
    inner = {"reranker": "chain", "first": parts[1].to_dict(), "second": parts[2].to_dict()}
    assert load({"reranker": "chain", "first": parts[0].to_dict(), "second": inner}) == chain
    assert stages(parts[0] >> (parts[1] >> (parts[2] >> parts[0]))) == (*parts, parts[0])


def test_a_limit_below_what_the_chance_asks_for_is_noted(calibration, tmp_path):
    passages = scored(np.random.default_rng(5)).passages
    deep = len(ConformalCut(0.9, calibration).rank("q", passages))
    assert unpromised(ConformalCut(0.9, calibration, max_k=deep), passages) == []
    told = unpromised(ConformalCut(0.9, calibration, max_k=deep - 1), passages)
    assert told == [f"max_k keeps {deep - 1} where {deep} were to be kept: no chance is promised"]
    few = saved(tmp_path, [scored(np.random.default_rng(2)) for _ in range(8)])
    assert unpromised(ConformalCut(0.9, few, max_k=4), passages)[-1].startswith("max_k keeps 4 where 10")


@pytest.mark.parametrize(
    "wrong",
    [{"coverage": 0.0}, {"coverage": 1.0}, {"measure": "luck"}, {"needed": "some"}, {"calibration": "nobody's"}],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError):
        ConformalCut(**wrong)


def test_calibration_without_its_numbers(tmp_path):
    path = tmp_path / "bare.json"
    save_fitted(path, Fitted("conformal", {"lists": 3}))
    with pytest.raises(InputError, match="lacks"):
        ConformalCut(calibration=str(path))
