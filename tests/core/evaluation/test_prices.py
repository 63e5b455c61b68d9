import json

import pytest

from shortlist import InputError, Limits, Runtime
from shortlist.algorithms.flops import Shape
from shortlist.evaluation.prices import Charge, priced, read_prices
from shortlist.models.http import HttpRerank
from shortlist.models.openai import OpenAIChat
from shortlist.models.remote import Price
from shortlist.reranker.expression import load

SIZES = {"kind": "decoder", "layers": 2, "width": 64, "ff": 160, "heads": 4, "vocab": 200}
TABLE = {"small": Charge(Price(0.15, 0.6)), "open": Charge(None, Shape(**SIZES)), "server": Charge(Price(search=0.002))}


@pytest.fixture
def written(tmp_path):
    def write(table):
        path = tmp_path / "prices.json"
        path.write_text(json.dumps(table))
        return path

    return write


def test_a_table_is_read(written):
    told = {"small": {"million_in": 0.15, "million_out": 0.6}, "open": {"shape": SIZES}, "server": {"search": 0.002}}
    assert read_prices(written(told)) == TABLE


@pytest.mark.parametrize(
    "bad", [[], {"m": 3}, {"m": [1, 2]}, {"m": {"million": 1}}, {"m": {"million_in": -1}}, {"m": {"shape": "qwen"}}]
)
def test_what_is_no_table_is_refused(written, bad):
    with pytest.raises(InputError, match=r"prices\.json"):
        read_prices(written(bad))


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_prices(tmp_path / "none.json")


@pytest.mark.parametrize(
    "pipeline",
    [
        "lexical[:50] >> sliding-window(scorer={'prompt': 'rankgpt', 'model': 'small'})",
        "fuse(lexical, setwise(scorer={'prompt': 'setwise', 'model': 'small'})) | keep-order",
        "rebel(model='small')[:5]",
        "blend(top-down(scorer={'prompt': 'rankgpt', 'model': 'small'}), prior=0.2)",
    ],
)
def test_doors_anywhere_in_a_pipeline_have_their_price(pipeline):
    before = load(pipeline)
    after = priced(before, TABLE)
    assert load(json.loads(json.dumps(after.to_dict()))) == after != before == load(pipeline)
    assert "0.6" in json.dumps(after.to_dict()) and priced(after, TABLE) == after


def test_the_table_goes_before_the_door_and_says_nothing_of_others():
    door = OpenAIChat("small", price=(1.0, 1.0))
    assert priced(door, TABLE).price == Price(0.15, 0.6)
    assert priced(OpenAIChat("open", price=(1.0, 1.0)), TABLE) == OpenAIChat("open", price=(1.0, 1.0), shape=SIZES)
    unknown = load("lexical >> rebel(model='unknown')")
    assert priced(unknown, TABLE) is unknown
    assert priced(HttpRerank("http://host", name="server"), TABLE).price == Price(search=0.002)


def test_what_runs_here_has_no_price():
    local = load("similarity")
    assert priced(local, {local.embedder.label: Charge(Price(1.0))}) == local


def test_a_limit_on_money_holds_with_a_table():
    unpriced = load("rebel(model='small')")
    with pytest.raises(InputError, match="price"):
        unpriced.rank("q", ["a", "b"], runtime=Runtime(Limits(money=1e-9)))
    assert priced(unpriced, TABLE).model.priced
