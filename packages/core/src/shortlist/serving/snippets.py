"""A pipeline with its settings as code to paste: Python, LlamaIndex, LangChain, Haystack and curl.

Texts of passages stand in it as literals, so that none can end its quotes: in Python as `repr` writes them, in the
shell as JSON within a quoted here-document, of which no line can be its end.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shortlist.passage import Passage
from shortlist.reranker.base import Reranker
from shortlist.reranker.writing import expression_of, literal
from shortlist.serving.wire.answer import encoded

_EXAMPLES = (Passage("The first passage that was found."), Passage("The second one."))
_PARENT, _PLACE, _SCORE = "document_id", "position", "retriever_score"
"""Keys of metadata that LangChain and Haystack keep what a passage has fields for under."""


@dataclass(frozen=True)
class Shown:
    """What is on the screen.

    Attributes:
        reranker: with its settings turned.
        query: what the user asked.
        passages: none stands for two examples. Embeddings and images are left out of the code.
        top_k: how many to keep; None for all.
        name: of the pipeline on the server.
        settings: that were turned, by path.
        url: of the server.
        keyed: whether the server wants a key.
    """

    reranker: Reranker
    query: str
    passages: Sequence[Passage] = ()
    top_k: int | None = None
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    url: str = "http://127.0.0.1:8000"
    keyed: bool = False

    @cached_property
    def pipeline(self) -> str:
        """An argument that `load` takes: an expression where there is one, else a dict.

        Raises:
            InputError: the pipeline holds code and cannot be written down.
        """
        expression = expression_of(self.reranker)
        return literal(self.reranker.to_dict() if expression is None else expression)

    @property
    def candidates(self) -> Sequence[Passage]:
        """The passages of the code."""
        return self.passages or _EXAMPLES


def snippets(shown: Shown) -> dict[str, str]:
    """The code, by `python`, `llamaindex`, `langchain`, `haystack` and `curl`.

    Raises:
        InputError: the pipeline holds code and cannot be written down.
    """
    writers = {
        "python": python,
        "llamaindex": llamaindex,
        "langchain": langchain,
        "haystack": haystack,
        "curl": curl,
    }
    return {name: write(shown) for name, write in writers.items()}


def python(shown: Shown) -> str:
    """For the library alone."""
    return f"""\
from shortlist import load

reranker = load({shown.pipeline})
query = {shown.query!r}
passages = {_listed(literal(_told(each)) for each in shown.candidates)}
ranking = reranker.rank({_arguments("query, passages", top_k=shown.top_k)})
for item in ranking:
    print(item.score, item.passage.text)
"""


def llamaindex(shown: Shown) -> str:
    """For nodes that a retriever of LlamaIndex returned."""
    related = any(each.document_id is not None for each in shown.candidates)
    schema = ["NodeWithScore", "TextNode", *(["NodeRelationship", "RelatedNodeInfo"] if related else [])]
    return f"""\
from llama_index.core.schema import {", ".join(sorted(schema))}
from llama_index.postprocessor.shortlist import ShortlistRerank

reranker = ShortlistRerank({_arguments(f"reranker={shown.pipeline}", top_n=shown.top_k)})
query = {shown.query!r}
nodes = {_listed(map(_node, shown.candidates))}
for found in reranker.postprocess_nodes(nodes, query_str=query):
    print(found.score, found.node.get_content())
"""


def langchain(shown: Shown) -> str:
    """For documents that a retriever of LangChain returned."""
    keys: dict[str, Any] = {}
    if any(_meta(each) for each in shown.candidates):
        keys = {"document_id_key": _PARENT, "position_key": _PLACE}
    if any(each.score is not None for each in shown.candidates):
        keys["score_key"] = _SCORE
    compressor = _arguments(f"reranker={shown.pipeline}", top_n=shown.top_k, **keys)
    return f"""\
from langchain_core.documents import Document
from langchain_shortlist import ShortlistCompressor

reranker = ShortlistCompressor({compressor})
query = {shown.query!r}
documents = {_listed(map(_langchain_document, shown.candidates))}
for document in reranker.compress_documents(documents, query):
    print(document.metadata["relevance_score"], document.page_content)
"""


def haystack(shown: Shown) -> str:
    """For documents that a retriever of Haystack returned."""
    keys = {"document_id_key": _PARENT, "position_key": _PLACE} if any(map(_meta, shown.candidates)) else {}
    # Haystack takes two documents of one id for the same, and names one that has none by what it says.
    ids = [each.id for each in shown.candidates]
    if None in ids or len(set(ids)) < len(ids):
        ids = [f"#{i}" for i in range(1, len(ids) + 1)]
    documents = map(_haystack_document, shown.candidates, ids)
    return f"""\
from haystack import Document
from haystack_integrations.components.rankers.shortlist import ShortlistRanker

reranker = ShortlistRanker({_arguments(shown.pipeline, top_k=shown.top_k, **keys)})
query = {shown.query!r}
documents = {_listed(documents)}
for document in reranker.run(query=query, documents=documents)["documents"]:
    print(document.score, document.content)
"""


def curl(shown: Shown) -> str:
    """For this server, from a shell."""
    body = {
        "model": shown.name,
        "query": shown.query,
        "documents": [_told(each) for each in shown.candidates],
        **({} if shown.top_k is None else {"top_n": shown.top_k}),
        **({"settings": dict(shown.settings)} if shown.settings else {}),
        "include": ["reasons", "dropped"],
    }
    key = '     -H "Authorization: Bearer $SHORTLIST_KEY" \\\n' if shown.keyed else ""
    return f"""\
curl {shlex.quote(shown.url.rstrip("/") + "/v1/rerank")} \\
     -H 'Content-Type: application/json' \\
{key}     --data-binary @- <<'JSON'
{_json(body)}
JSON
"""


def _arguments(first: str, **named: Any) -> str:
    return ", ".join([first, *(f"{name}={literal(value)}" for name, value in named.items() if value is not None)])


def _listed(items: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"


def _told(passage: Passage) -> str | dict[str, Any]:
    """A text where there is nothing else, or a dict of what there is."""
    told = {name: value for name, value in passage.to_dict().items() if name not in ("embedding", "image")}
    return passage.text if told.keys() == {"text"} else told


def _meta(passage: Passage) -> dict[str, Any]:
    """Metadata, and beside it where the passage is from."""
    where = {_PARENT: passage.document_id, _PLACE: passage.position}
    return {**passage.metadata, **{name: value for name, value in where.items() if value is not None}}


def _node(passage: Passage) -> str:
    named: dict[str, Any] = {"id_": passage.id, "start_char_idx": passage.position}
    if passage.metadata:  # which would else be read as a part of the text
        named |= {"metadata": dict(passage.metadata), "excluded_embed_metadata_keys": list(passage.metadata)}
    source = passage.document_id
    related = f"{{NodeRelationship.SOURCE: RelatedNodeInfo(node_id={source!r})}}"
    text = _arguments(f"text={passage.text!r}", **named) + ("" if source is None else f", relationships={related}")
    return f"NodeWithScore({_arguments(f'node=TextNode({text})', score=passage.score)})"


def _langchain_document(passage: Passage) -> str:
    meta = {**_meta(passage), **({} if passage.score is None else {_SCORE: passage.score})}
    return f"Document({_arguments(f'page_content={passage.text!r}', id=passage.id, metadata=meta or None)})"


def _haystack_document(passage: Passage, name: str | None) -> str:
    named = {"id": name, "score": passage.score, "meta": _meta(passage) or None}
    return f"Document({_arguments(f'content={passage.text!r}', **named)})"


def _json(value: Any) -> str:
    """On one line a value; what cannot be printed is escaped, so that nobody is shown another order of letters."""
    text = json.dumps(json.loads(encoded(value)), ensure_ascii=False, indent=2)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
