"""Code to paste: every piece is run, and ranks as the pipeline does."""

import json
import os
import shutil
import subprocess
from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import InputError, Passage, load, registered
from shortlist.models.fakes import OverlapScorer
from shortlist.reranker.registry import make
from shortlist.serving.knobs import turned
from shortlist.serving.snippets import Shown, curl, python, snippets
from shortlist.testing import example

QUERY = "what \"causes\" 'the' tides? $HOME `id` \\ %s {x} #"
NASTY = [
    'The moon pulls: """); import os; os._exit(3) #',
    "JSON\nJSON\n$(touch broken) `touch broken` ' \" \\ tides",
    "\x00\x1b[2J \u202e reversed \ud800 tides the \u2028 moon 🌙 \r\n'''",
    "The sun causes weaker tides than the moon; !! !$ \\'",
]
WHERE = [
    Passage(text, f"p{i}", 1.0 - i / 9, None, f"d{i % 2}", i, {"date": "2024-01-01", "source": 'a"b'})
    for i, text in enumerate(NASTY)
]
PIPELINES = ["lexical[:3]", "lexical >> mmr(diversity=0.5) | keep-order", "by-document(lexical)", "keep-order"]


FRAMEWORKS = {
    "llamaindex": "llama_index.postprocessor.shortlist",
    "langchain": "langchain_shortlist",
    "haystack": "haystack_integrations.components.rankers.shortlist",
}

LANGUAGES = ["python", *(pytest.param(name, marks=pytest.mark.slow) for name in FRAMEWORKS)]
"""A framework takes seconds to import."""


def _need(language: str) -> None:
    if language in FRAMEWORKS:
        pytest.importorskip(FRAMEWORKS[language])


def _printed(code: str) -> list[str]:
    told = StringIO()
    with redirect_stdout(told):
        exec(compile(code, "snippet", "exec"), {})
    return told.getvalue()


@pytest.mark.parametrize("passages", [[Passage(text) for text in NASTY], WHERE], ids=["texts", "objects"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("expression", PIPELINES)
def test_code_ranks_as_the_pipeline(expression, language, passages, tmp_path, monkeypatch):
    _need(language)
    monkeypatch.chdir(tmp_path)
    reranker = load(expression)
    code = snippets(Shown(reranker, QUERY, passages, 3))[language]
    ranking = reranker.rank(QUERY, passages, top_k=3)
    assert _printed(code) == "".join(f"{item.score} {item.passage.text}\n" for item in ranking)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_passages_there_are_examples(language):
    _need(language)
    assert "The first passage" in _printed(snippets(Shown(load("lexical"), "first"))[language])
    assert "The first passage" in curl(Shown(load("lexical"), "first"))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.text(), texts=st.lists(st.text(), min_size=1, max_size=4))
def test_no_text_breaks_out(query, texts):
    shown = Shown(load("keep-order"), query, [Passage(text) for text in texts], name="a'b")
    assert _printed(python(shown)) == "".join(f"{(len(texts) - i) / len(texts)} {t}\n" for i, t in enumerate(texts))
    head, _, rest = curl(shown).partition("<<'JSON'\n")
    body, end, after = rest.rpartition("\nJSON\n")
    assert end and not after and "JSON" not in body.splitlines() and "\n" not in head.replace("\\\n", "").strip("\n")
    assert all(c.isprintable() or c == "\n" for c in body)
    told = json.loads(body)
    assert told["documents"] == texts and told["query"] == query and told["model"] == "a'b"


@pytest.mark.parametrize("name", sorted(registered()))
def test_every_reranker_has_code(name):
    reranker = example(registered()[name], {})
    code = python(Shown(reranker, "q"))
    head = code.partition("query =")[0]
    names: dict[str, object] = {}
    exec(head, names)
    assert names["reranker"] == reranker


def test_settings_are_in_it():
    wanted = {"diversity": 0.9}
    reranker = turned(make("mmr"), wanted)
    code = snippets(Shown(reranker, "q", [], None, "best", wanted, "https://x.example/base/", keyed=True))
    assert "load('mmr(diversity=0.9)')" in code["python"]
    assert '"settings": {\n    "diversity": 0.9' in code["curl"]
    assert code["curl"].startswith("curl https://x.example/base/v1/rerank \\\n")
    assert '-H "Authorization: Bearer $SHORTLIST_KEY"' in code["curl"]


def test_an_address_cannot_break_out_either():
    code = curl(Shown(make("lexical"), "q", url="http://h'; touch broken; '/"))
    assert code.startswith("curl 'http://h'\"'\"'; touch broken; '\"'\"'/v1/rerank'")


def test_code_that_cannot_be_written_is_said():
    with pytest.raises(InputError, match="holds code"):
        snippets(Shown(make("cross-encoder", {"scorer": _Mine()}), "q"))


class _Mine(OverlapScorer):
    """A model of one's own."""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="no curl or no bash")
@pytest.mark.parametrize("passages", [[Passage(text) for text in NASTY], WHERE], ids=["texts", "objects"])
def test_curl_ranks_as_the_pipeline(passages, tmp_path, serve):
    wanted = {"second.diversity": 0.8}
    reranker = turned(load("lexical >> mmr"), wanted)
    url = serve({"a'b": "lexical >> mmr"})
    told = _ran(curl(Shown(reranker, QUERY, passages, 3, "a'b", wanted, url)), tmp_path)
    ranking = reranker.rank(QUERY, passages, top_k=3)
    assert [each["index"] for each in told["results"]] == [item.index for item in ranking]
    assert not list(tmp_path.iterdir())


def _ran(code: str, folder) -> dict:
    environ = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(
        ["bash", "-s"], input=code.encode(), cwd=folder, env=environ, capture_output=True, timeout=60, check=True
    )
    return json.loads(done.stdout)
