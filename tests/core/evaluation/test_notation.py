"""Measures as they are written: what parses, what prints, what is refused."""

import pickle
import subprocess
import sys

import pytest

from shortlist import InputError, MissingExtra
from shortlist.evaluation.measures import Measure, measure

ir_measures = pytest.importorskip("ir_measures")

NEEDED = {"P": "@5", "Precision": "@5", "R": "@5", "Recall": "@5", "Success": "@5", "IPrec": "@0.1"}
NEEDED |= dict.fromkeys(("INST", "INSQ", "NERR10", "NERR11"), "(max_rel=3)")
NEEDED |= dict.fromkeys(("BPM", "NERR8", "NERR9", "SDCG"), "(max_rel=3)@10")
NEEDED |= dict.fromkeys(("alpha_nDCG", "α_nDCG", "ERR_IA", "StRecall"), "@5")


@pytest.mark.parametrize("name", sorted(ir_measures.measures.registry))
def test_all_that_ir_measures_has_parses_and_prints(name):
    text = name + NEEDED.get(name, "")
    theirs = ir_measures.parse_measure(text)
    theirs.validate_params()
    found = measure(text)
    assert measure(str(found)) == found == measure(repr(theirs))
    assert hash(measure(str(found))) == hash(found)


@pytest.mark.parametrize(
    ("text", "prints"),
    [
        ("nDCG@10", "nDCG@10"),
        (" nDCG @ 10 ", "nDCG@10"),
        ("MAP", "AP"),
        ("MRR@10", "RR@10"),
        ("IPrec@0.0", "IPrec@0.0"),
        ("P(rel=2)@5", "P(rel=2)@5"),
        ("AP(rel=1)", "AP(rel=1)"),  # not AP: the collection's own grade may be another
        ("nDCG(dcg='log2')@5", "nDCG@5"),
        ('nDCG(dcg="exp-log2", judged_only=True)@5', "nDCG(dcg='exp-log2',judged_only=True)@5"),
        ("nDCG(gains={1: 3})@5", "nDCG(gains={1: 3})@5"),
        ("AllSupport@5", "AllSupport@5"),
        ("AllSupport", "AllSupport"),
        ("AllSupport(rel=2)@5", "AllSupport(rel=2)@5"),
        ("SRecall@3", "StRecall@3"),
        ("α_nDCG(alpha=0.5)@10", "alpha_nDCG@10"),
        ("NRBP(beta=0.8,alpha=0.2)", "NRBP(alpha=0.2,beta=0.8)"),
        ("RPP( MAP )", "RPP(AP)"),
        ("nAUC(RR@5)", "nAUC(RR@5)"),
        ("RPP(AllSupport(rel=2)@5)", "RPP(AllSupport(rel=2)@5)"),
        ("QPP", "QPP"),
    ],
)
def test_one_measure_prints_one_way(text, prints):
    found = measure(text)
    assert str(found) == prints
    assert measure(prints) == found == measure(found)
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a measure"),
        ("nDCG@", "not a measure"),
        ("nDCG@10; P@5", "not a measure"),
        ("a.b@10", "not a measure"),
        ("__import__('os')", "no measure '__import__'"),
        ("nDCG(cutoff=f())", "not a measure"),
        ("nDCG(cutoff=3)@5", "cutoff is said twice"),
        *((f"{name}@0", "cutoff takes a whole number above 0") for name in ("nDCG", "AP", "R", "Judged", "ERR")),
        ("nDCG@True", "cutoff takes a whole number above 0"),
        ("P(rel=0)@5", "rel takes a whole number above 0"),
        ("P(rel=-1)@5", "rel takes a whole number above 0"),
        ("P", "P needs a cutoff"),
        ("INST", "INST needs a max_rel"),
        ("nDCG(*x)@10", "not a measure"),
        ("nDCG(**x)@10", "not a measure"),
        ("P(AP, RR)", "not a measure"),
        ("nDGC@10", "is it nDCG"),
        ("AllSuport@10", "is it AllSupport"),
        ("P", "cutoff"),
        ("nDCG(rel=2)@10", "rel"),
        ("nDCG@'ten'", "cutoff"),
        ("P(AP)@5", "not made of another"),
        ("TMHits", "with a cutoff"),
        ("MTRR@5", "without a cutoff"),
        ("AllSupport@0", "whole number"),
        ("AllSupport@2.5", "whole number"),
        ("AllSupport@True", "whole number"),
        ("AllSupport(rel=0)@5", "whole number"),
        ("AllSupport(alpha=0.5)@5", "settings rel"),
        ("UnDCG(rel=1)@5", "settings none"),
        ("alpha_nDCG(alpha=2)@5", "from 0 to 1"),
        ("alpha_nDCG(alpha='x')@5", "from 0 to 1"),
        ("MTRR(AP)", "not AP"),
        ("QPP@3", "no cutoff"),
        ("QPP(AP)", "no settings"),
        ("RPP", "made of one measure"),
        ("RPP(AP)@5", "made of one measure"),
        ("RPP(AP, x=1)", "made of one measure"),
        ("RPP(QPP)", "single questions"),
        ("nAUC(RPP(AP))", "single questions"),
        ("nAUC(nAUC(AP))", "single questions"),
        ("(" * 5000, "not a measure"),
    ],
)
def test_what_is_no_measure_is_refused_in_words(text, says):
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        measure(text)


def test_our_measures_need_no_extra_and_theirs_name_it(monkeypatch):
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None)
    assert Measure("AllSupport(rel=3)@7").text == "AllSupport(rel=3)@7"
    with pytest.raises(MissingExtra, match=r"shortlist\[evaluate\]"):
        measure("P(rel=3)@77")


def test_ir_measures_is_not_imported_before_it_is_needed():
    code = "import sys, shortlist.evaluation.measures as m; m.measure('MTRR'); print('ir_measures' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
