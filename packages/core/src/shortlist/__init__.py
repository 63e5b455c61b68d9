"""Shortlist turns what a retriever found into what a language model should read.

from shortlist import Similarity

ranking = Similarity().rank("what causes tides?", ["The moon pulls the sea.", "Bread needs yeast."], top_k=1)
ranking.texts
"""

from __future__ import annotations

from shortlist.errors import (
    BadAnswer,
    InputError,
    LimitReached,
    MissingExtra,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    ParseError,
    ShortlistError,
    WeightsError,
)
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Embedder, Message, Pair, PairScorer, Text
from shortlist.models.function import FunctionChat, FunctionEmbedder, FunctionScorer
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Call, Model, Plan, Reply, ask, together, votes
from shortlist.ranking import Ranked, Ranking, RoundTrace, ScoreKind, Usage
from shortlist.reranker.base import Reranker, Source, subplan
from shortlist.reranker.cascade import Cascade, Route
from shortlist.reranker.chain import Chain, Fallback, Top
from shortlist.reranker.expression import load, parse
from shortlist.reranker.fusion import Blend, Fuse
from shortlist.reranker.registry import from_dict, make, registered
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.keep_order import KeepOrder
from shortlist.rerankers.lexical import CorpusStatistics, Lexical
from shortlist.rerankers.mmr import Mmr
from shortlist.rerankers.similarity import Similarity
from shortlist.runtime.cache import Cache, MemoryCache, SqliteCache
from shortlist.runtime.settings import Limits, Retry, Runtime

__version__ = "0.1.0"

__all__ = [
    "BadAnswer",
    "Blend",
    "Cache",
    "Call",
    "Cascade",
    "Chain",
    "ChatModel",
    "ChatReply",
    "ChatRequest",
    "CorpusStatistics",
    "CrossEncoder",
    "Embedder",
    "Fallback",
    "FunctionChat",
    "FunctionEmbedder",
    "FunctionScorer",
    "Fuse",
    "InputError",
    "KeepOrder",
    "Lexical",
    "LimitReached",
    "Limits",
    "MemoryCache",
    "Message",
    "MissingExtra",
    "Mmr",
    "Model",
    "ModelError",
    "ModelTimeout",
    "ModelUnavailable",
    "Pair",
    "PairScorer",
    "ParseError",
    "Passage",
    "Plan",
    "Ranked",
    "Ranking",
    "Reply",
    "Reranker",
    "Retry",
    "RoundTrace",
    "Route",
    "Runtime",
    "ScoreKind",
    "ShortlistError",
    "Similarity",
    "Source",
    "SqliteCache",
    "StaticEmbedder",
    "Text",
    "Top",
    "Usage",
    "WeightsError",
    "ask",
    "from_dict",
    "load",
    "make",
    "parse",
    "registered",
    "subplan",
    "together",
    "votes",
]
