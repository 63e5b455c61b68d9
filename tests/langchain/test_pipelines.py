"""The compressor in LangChain's own pipelines, with the framework's in-memory stores."""

from __future__ import annotations

import asyncio

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from langchain_text_splitters import CharacterTextSplitter

from langchain_shortlist import ShortlistCompressor, ShortlistRetriever
from shortlist import InputError


def joined(found):
    return "\n".join(document.page_content for document in found)


@pytest.fixture
def judge(chat):
    return ShortlistCompressor(reranker="judge", llm=chat, top_n=2)


# ContextualCompressionRetriever


async def test_contextual_compression_retriever(judge, vector_retriever, question):
    retriever = ContextualCompressionRetriever(base_compressor=judge, base_retriever=vector_retriever)
    found = retriever.invoke(question)
    assert [d.id for d in found] == ["d1", "d2"]
    assert await retriever.ainvoke(question) == found


async def test_contextual_compression_retriever_that_finds_nothing(judge, base, question):
    retriever = ContextualCompressionRetriever(base_compressor=judge, base_retriever=base.model_copy())
    retriever.base_retriever.documents = []
    assert retriever.invoke(question) == []
    assert await retriever.ainvoke(question) == []


async def test_contextual_compression_retriever_parents_the_model(judge, base, question, handler):
    retriever = ContextualCompressionRetriever(base_compressor=judge, base_retriever=base)
    await retriever.ainvoke(question, {"callbacks": [handler]})
    outer = handler.of("retriever")[0][0]
    assert {parent for _, parent in handler.of("llm")} == {outer}
    assert len(handler.of("llm")) == 5


# DocumentCompressorPipeline


async def test_document_compressor_pipeline(judge, documents, question, sync_handler):
    splitter = CharacterTextSplitter(separator=".", chunk_size=1000, chunk_overlap=0)
    first = ShortlistCompressor(reranker="lexical", top_n=3)
    pipeline = DocumentCompressorPipeline(transformers=[splitter, first, judge])
    found = pipeline.compress_documents(documents, question, callbacks=[sync_handler])
    assert len(sync_handler.of("llm")) == 3
    assert [d.page_content for d in found] == [d.page_content.rstrip(".") for d in documents[1:3]]
    assert list(await pipeline.acompress_documents(documents, question)) == list(found)


# ShortlistRetriever


async def test_as_retriever(judge, vector_retriever, question, chat):
    retriever = judge.as_retriever(vector_retriever, k=1)
    assert isinstance(retriever, ShortlistRetriever)
    found = retriever.invoke(question)
    assert [d.id for d in found] == ["d1"]
    chat.asynchronous.clear()
    assert await retriever.ainvoke(question) == found
    assert chat.asynchronous == [True] * 5
    assert retriever.batch([question, "bread"])[1][0].id == "d0"
    assert (await retriever.abatch([question, "bread"]))[1][0].id == "d0"


async def test_k_of_a_call_goes_before_the_field_and_the_field_before_top_n(judge, base, question):
    assert len(judge.as_retriever(base).invoke(question)) == 2
    retriever = judge.as_retriever(base, k=3)
    assert len(retriever.invoke(question)) == 3
    assert len(retriever.invoke(question, k=1)) == 1
    assert len(await retriever.ainvoke(question, k=4)) == 4


@pytest.mark.parametrize("k", [0, -3])
async def test_k_must_be_above_0(k, judge, base, question):
    with pytest.raises(ValueError):
        judge.as_retriever(base, k=k)
    retriever = judge.as_retriever(base)
    with pytest.raises(ValueError):
        retriever.invoke(question, k=k)
    with pytest.raises(ValueError):
        await retriever.ainvoke(question, k=k)


def test_a_misspelt_setting_of_a_call_is_not_ignored(judge, base, question):
    with pytest.raises(TypeError, match="top_n"):
        judge.as_retriever(base).invoke(question, top_n=1)


def test_any_runnable_can_be_the_base(judge, documents, question):
    retriever = judge.as_retriever(RunnableLambda(lambda _: documents), k=1)
    assert retriever.invoke(question)[0].id == "d1"


async def test_the_retriever_parents_the_base_and_the_model(judge, base, question, sync_handler):
    judge.as_retriever(base).invoke(question, {"callbacks": [sync_handler]})
    (outer, none), (_, inner_parent) = sync_handler.of("retriever")
    assert none is None
    assert inner_parent == outer
    assert {parent for _, parent in sync_handler.of("llm")} == {outer}


def test_a_retriever_that_finds_nothing(judge, base, question):
    assert judge.as_retriever(base.model_copy(update={"documents": []})).invoke(question) == []


# Chains and tools


async def test_lcel_chain_with_the_retriever(judge, vector_retriever, question):
    prompt = ChatPromptTemplate.from_template("{context}\n\n{question}")
    seen = []
    answer = RunnableLambda(lambda value: seen.append(value.to_string()) or value)
    llm = FakeListChatModel(responses=["the moon"])
    retriever = judge.as_retriever(vector_retriever, k=1)
    chain = (
        {"context": retriever | joined, "question": RunnablePassthrough()} | prompt | answer | llm | StrOutputParser()
    )
    assert chain.invoke(question) == "the moon"
    assert await chain.ainvoke(question) == "the moon"
    assert seen[0] == seen[1] == f"Human: The moon pulls the sea and so causes tides.\n\n{question}"


async def test_lcel_chain_with_the_runnable(judge, base, question, sync_handler):
    chain = RunnableParallel(documents=base, query=RunnablePassthrough()) | judge.as_runnable() | joined
    text = chain.invoke(question, {"callbacks": [sync_handler]})
    assert text.startswith("The moon pulls")
    chains = {run for run, _ in sync_handler.of("chain")}
    assert len(sync_handler.of("llm")) == 5
    assert len({parent for _, parent in sync_handler.of("llm")} & chains) == 1
    assert await chain.ainvoke(question) == text
    assert chain.batch([question, question]) == [text, text]


async def test_the_runnable_parents_the_model(judge, documents, question, handler):
    step = judge.as_runnable()
    given = {"query": question, "documents": documents}
    await step.ainvoke(given, {"callbacks": [handler]})
    step.invoke(given, {"callbacks": [handler]})
    assert len(handler.of("llm")) == 2 * len(documents)
    assert None not in {parent for _, parent in handler.of("llm")}


def test_the_runnable_has_a_name_in_traces(judge):
    assert judge.as_runnable().get_name() == "ShortlistCompressor"


@pytest.mark.parametrize(
    "wrong", [{"docs": [], "query": "q"}, {"query": "q"}, "q", {"query": "q", "documents": [], "k": 1}]
)
async def test_the_runnable_says_what_it_takes(wrong, judge):
    with pytest.raises(InputError, match="documents"):
        judge.as_runnable().invoke(wrong)
    with pytest.raises(InputError, match="documents"):
        await judge.as_runnable().ainvoke(wrong)


async def test_retriever_tool(judge, vector_retriever, question):
    tool = create_retriever_tool(judge.as_retriever(vector_retriever, k=1), "search", "Searches the book.")
    assert tool.invoke({"query": question}) == "The moon pulls the sea and so causes tides."
    assert await tool.ainvoke({"query": question}) == "The moon pulls the sea and so causes tides."


# Callbacks


@pytest.mark.parametrize("how", ["list", "manager"])
@pytest.mark.parametrize("awaited", [False, True])
async def test_callbacks_reach_the_model(how, awaited, handler, judge, documents, question):
    manager = AsyncCallbackManager if awaited else CallbackManager
    callbacks = [handler] if how == "list" else manager(handlers=[handler], parent_run_id=None)
    if awaited:
        await judge.acompress_documents(documents, question, callbacks=callbacks)
    else:
        await asyncio.to_thread(judge.compress_documents, documents, question, callbacks=callbacks)
    assert len(handler.of("llm")) == len(documents)


async def test_an_async_manager_in_the_sync_method(handler, judge, documents, question):
    manager = AsyncCallbackManager(handlers=[handler])
    await asyncio.to_thread(judge.compress_documents, documents, question, callbacks=manager)
    assert len(handler.of("llm")) == len(documents)


def test_sync_method_without_any_loop(handler, judge, documents, question):
    judge.compress_documents(documents, question, callbacks=[handler])
    assert len(handler.of("llm")) == len(documents)


async def test_callbacks_of_one_call_are_not_those_of_the_next(judge, documents, question, sync_handler):
    judge.compress_documents(documents, question, callbacks=[sync_handler])
    judge.compress_documents(documents, question)
    await judge.acompress_documents(documents, question)
    assert len(sync_handler.of("llm")) == len(documents)


async def test_callbacks_of_calls_at_the_same_time_do_not_mix(judge, documents, question, sync_handler):
    handlers = [type(sync_handler)() for _ in range(8)]
    calls = [judge.acompress_documents(documents[: i + 1], question, callbacks=[h]) for i, h in enumerate(handlers)]
    threads = [asyncio.to_thread(judge.compress_documents, documents[:1], question, callbacks=[h]) for h in handlers]
    await asyncio.gather(*calls, *threads)
    assert [len(h.of("llm")) for h in handlers] == [min(i + 1, 5) + 1 for i in range(8)]


def test_without_callbacks_the_surrounding_run_is_the_parent(judge, documents, question, sync_handler):
    step = RunnableLambda(lambda q: judge.compress_documents(documents, q))
    step.invoke(question, {"callbacks": [sync_handler]})
    ((chain, _),) = sync_handler.of("chain")
    assert {parent for _, parent in sync_handler.of("llm")} == {chain}
