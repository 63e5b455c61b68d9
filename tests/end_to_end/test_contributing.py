"""CONTRIBUTING's one-file reranker, taken out of the page: it works everywhere without another file being touched.

That the page itself runs, from top to bottom, is in test_docs.py.
"""

import asyncio
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

import shortlist.rerankers
from shortlist import StaticEmbedder, load, make, registered

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
TEXTS = ["The tides come twice a day, and much more could be said of them: " + "they rise and they fall. " * 30,
         "The tides come twice a day.", "Bread."]  # fmt: skip


@pytest.fixture(scope="module")
def blocks():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def written(blocks, tmp_path, monkeypatch):
    """The module in the package's folder, as far as Python can tell."""
    (tmp_path / "concise.py").write_text(blocks[0], encoding="utf-8")
    monkeypatch.setattr(shortlist.rerankers, "__path__", [*shortlist.rerankers.__path__, str(tmp_path)])
    registered.cache_clear()
    yield registered()["concise"]
    sys.modules.pop("shortlist.rerankers.concise", None)
    monkeypatch.undo()
    registered.cache_clear()


def test_it_is_found_and_ranks_in_every_form(written):
    reranker = make("concise")
    assert isinstance(reranker, written)
    ranking = reranker.rank("when do the tides come?", TEXTS, top_k=2)
    assert ranking.texts[0] == TEXTS[1]
    assert asyncio.run(reranker.arank("when do the tides come?", TEXTS)).texts[0] == TEXTS[1]
    assert reranker.rank_many([("tides", TEXTS)])[0].texts[0] == TEXTS[1]
    assert load("lexical >> concise(penalty=0.2)[:5]").to_dict()["second"]["inner"]["penalty"] == 0.2
    assert make("concise", models=[StaticEmbedder()]) == reranker


@pytest.mark.slow
def test_it_survives_what_every_reranker_must(written):
    """The property tests of the registry, which would have picked it up at their next start."""
    path = Path(__file__).parents[1] / "core/test_properties.py"
    spec = importlib.util.spec_from_file_location("properties", path)
    properties = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(properties)
    assert "concise" in properties.NAMES
    properties.test_any_candidates("concise")
    properties.test_sync_async_and_many_agree("concise")
    properties.test_failing_models_end_in_a_ranking_or_a_model_error("concise")
    properties.test_ten_thousand_candidates("concise")
    properties.test_writes_itself_down("concise")
    properties.test_is_a_value("concise")


def test_it_is_in_the_command_line(written):
    from typer.testing import CliRunner

    from shortlist.cli.app import app

    runner = CliRunner()
    assert "concise" in runner.invoke(app, ["list"]).output
    assert "penalty" in runner.invoke(app, ["describe", "concise"]).output
    line = json.dumps({"query": "tides", "passages": TEXTS})
    done = runner.invoke(app, ["rerank", "--reranker", "concise(penalty=0.2)"], input=line + "\n")
    assert done.exit_code == 0
    assert json.loads(done.output.splitlines()[0])["kept"][0]["index"] == 1


def test_it_is_in_the_three_frameworks(written):
    from haystack import Document as HaystackDocument
    from langchain_core.documents import Document
    from llama_index.core.schema import NodeWithScore, TextNode

    from haystack_integrations.components.rankers.shortlist import ShortlistRanker
    from langchain_shortlist import ShortlistCompressor
    from llama_index.postprocessor.shortlist import ShortlistRerank

    query = "when do the tides come?"
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    ranked = ShortlistRerank(reranker="concise", top_n=1).postprocess_nodes(nodes, query_str=query)
    assert ranked[0].node.get_content() == TEXTS[1]
    documents = [Document(page_content=text) for text in TEXTS]
    assert (
        ShortlistCompressor(reranker="concise", top_n=1).compress_documents(documents, query)[0].page_content
        == TEXTS[1]
    )
    found = ShortlistRanker(reranker="concise", top_k=1).run(
        query=query, documents=[HaystackDocument(content=t) for t in TEXTS]
    )
    assert found["documents"][0].content == TEXTS[1]
