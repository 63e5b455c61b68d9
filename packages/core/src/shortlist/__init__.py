"""Shortlist turns what a retriever found into what a language model should read.

    from shortlist import Similarity

    ranking = Similarity().rank("what causes tides?", ["The moon pulls the sea.", "Bread needs yeast."], top_k=1)
    ranking.texts

Names are imported when they are first used (SPEC 1), so that `import shortlist` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shortlist.criteria.computed import Authority as Authority
    from shortlist.criteria.computed import Computed as Computed
    from shortlist.criteria.computed import Length as Length
    from shortlist.criteria.computed import Recency as Recency
    from shortlist.criteria.judged import Criterion as Criterion
    from shortlist.errors import BadAnswer as BadAnswer
    from shortlist.errors import InputError as InputError
    from shortlist.errors import LimitReached as LimitReached
    from shortlist.errors import MissingExtra as MissingExtra
    from shortlist.errors import ModelError as ModelError
    from shortlist.errors import ModelTimeout as ModelTimeout
    from shortlist.errors import ModelUnavailable as ModelUnavailable
    from shortlist.errors import ParseError as ParseError
    from shortlist.errors import ShortlistError as ShortlistError
    from shortlist.errors import WeightsError as WeightsError
    from shortlist.graphs import Amr as Amr
    from shortlist.graphs import DocumentGraph as DocumentGraph
    from shortlist.graphs import Entities as Entities
    from shortlist.graphs import GraphBuilder as GraphBuilder
    from shortlist.graphs import Keywords as Keywords
    from shortlist.graphs import Metadata as Metadata
    from shortlist.graphs import Neighbours as Neighbours
    from shortlist.models.amr import AmrParser as AmrParser
    from shortlist.models.base import ChatModel as ChatModel
    from shortlist.models.base import ChatReply as ChatReply
    from shortlist.models.base import ChatRequest as ChatRequest
    from shortlist.models.base import Continuation as Continuation
    from shortlist.models.base import Embedder as Embedder
    from shortlist.models.base import Likelihood as Likelihood
    from shortlist.models.base import LikelihoodModel as LikelihoodModel
    from shortlist.models.base import ListScorer as ListScorer
    from shortlist.models.base import Message as Message
    from shortlist.models.base import Pair as Pair
    from shortlist.models.base import PairScorer as PairScorer
    from shortlist.models.base import Text as Text
    from shortlist.models.function import FunctionChat as FunctionChat
    from shortlist.models.function import FunctionEmbedder as FunctionEmbedder
    from shortlist.models.function import FunctionScorer as FunctionScorer
    from shortlist.models.static_embedder import StaticEmbedder as StaticEmbedder
    from shortlist.models.trained import TrainedNetwork as TrainedNetwork
    from shortlist.passage import Passage as Passage
    from shortlist.plan import Call as Call
    from shortlist.plan import Model as Model
    from shortlist.plan import Plan as Plan
    from shortlist.plan import Reply as Reply
    from shortlist.plan import ask as ask
    from shortlist.plan import together as together
    from shortlist.plan import votes as votes
    from shortlist.prompts.spec import PromptSpec as PromptSpec
    from shortlist.ranking import Ranked as Ranked
    from shortlist.ranking import Ranking as Ranking
    from shortlist.ranking import RoundTrace as RoundTrace
    from shortlist.ranking import ScoreKind as ScoreKind
    from shortlist.ranking import Usage as Usage
    from shortlist.reranker.base import Reranker as Reranker
    from shortlist.reranker.base import Source as Source
    from shortlist.reranker.bench import Bench as Bench
    from shortlist.reranker.cascade import Cascade as Cascade
    from shortlist.reranker.cascade import Route as Route
    from shortlist.reranker.chain import Chain as Chain
    from shortlist.reranker.chain import Fallback as Fallback
    from shortlist.reranker.chain import Top as Top
    from shortlist.reranker.desk import Desk as Desk
    from shortlist.reranker.expression import load as load
    from shortlist.reranker.expression import parse as parse
    from shortlist.reranker.fusion import Blend as Blend
    from shortlist.reranker.fusion import Fuse as Fuse
    from shortlist.reranker.registry import from_dict as from_dict
    from shortlist.reranker.registry import make as make
    from shortlist.reranker.registry import registered as registered
    from shortlist.reranker.strategy import Strategy as Strategy
    from shortlist.reranker.task import subplan as subplan
    from shortlist.reranker.writing import expression_of as expression_of
    from shortlist.rerankers.abstain import Abstain as Abstain
    from shortlist.rerankers.adaptive import Adaptive as Adaptive
    from shortlist.rerankers.blocks import Blocks as Blocks
    from shortlist.rerankers.by_document import ByDocument as ByDocument
    from shortlist.rerankers.calibrate import Calibrate as Calibrate
    from shortlist.rerankers.collaborative import Collaborative as Collaborative
    from shortlist.rerankers.conformal_cut import ConformalCut as ConformalCut
    from shortlist.rerankers.cross_encoder import CrossEncoder as CrossEncoder
    from shortlist.rerankers.dpp import Dpp as Dpp
    from shortlist.rerankers.dynamic_k import DynamicK as DynamicK
    from shortlist.rerankers.dynamic_rag import DynamicRag as DynamicRag
    from shortlist.rerankers.ebcar import Ebcar as Ebcar
    from shortlist.rerankers.elbow_cut import ElbowCut as ElbowCut
    from shortlist.rerankers.elimination import Elimination as Elimination
    from shortlist.rerankers.facility_location import FacilityLocation as FacilityLocation
    from shortlist.rerankers.farthest_first import FarthestFirst as FarthestFirst
    from shortlist.rerankers.feature_refinement import FeatureRefinement as FeatureRefinement
    from shortlist.rerankers.feedback_query import FeedbackQuery as FeedbackQuery
    from shortlist.rerankers.g_rag import GRag as GRag
    from shortlist.rerankers.gap_cut import GapCut as GapCut
    from shortlist.rerankers.graph import GraphPropagation as GraphPropagation
    from shortlist.rerankers.grouped import Grouped as Grouped
    from shortlist.rerankers.hybrank import HybRank as HybRank
    from shortlist.rerankers.information_cut import InformationCut as InformationCut
    from shortlist.rerankers.keep_order import KeepOrder as KeepOrder
    from shortlist.rerankers.knowledge_aware import KnowledgeAware as KnowledgeAware
    from shortlist.rerankers.lexical import CorpusStatistics as CorpusStatistics
    from shortlist.rerankers.lexical import Lexical as Lexical
    from shortlist.rerankers.llm import Llm as Llm
    from shortlist.rerankers.mmr import Mmr as Mmr
    from shortlist.rerankers.msd import Msd as Msd
    from shortlist.rerankers.near_duplicates import NearDuplicates as NearDuplicates
    from shortlist.rerankers.nucleus_cut import NucleusCut as NucleusCut
    from shortlist.rerankers.pairwise import Pairwise as Pairwise
    from shortlist.rerankers.placement import LostInTheMiddle as LostInTheMiddle
    from shortlist.rerankers.placement import Reverse as Reverse
    from shortlist.rerankers.pm2 import Pm2 as Pm2
    from shortlist.rerankers.pointwise import Pointwise as Pointwise
    from shortlist.rerankers.rebel import Rebel as Rebel
    from shortlist.rerankers.setwise import Setwise as Setwise
    from shortlist.rerankers.similarity import Similarity as Similarity
    from shortlist.rerankers.single_window import SingleWindow as SingleWindow
    from shortlist.rerankers.sliding_window import SlidingWindow as SlidingWindow
    from shortlist.rerankers.ssd import Ssd as Ssd
    from shortlist.rerankers.threshold_cut import ThresholdCut as ThresholdCut
    from shortlist.rerankers.token_budget import TokenBudget as TokenBudget
    from shortlist.rerankers.top_down import TopDown as TopDown
    from shortlist.rerankers.tournament import Tournament as Tournament
    from shortlist.rerankers.xquad import Xquad as Xquad
    from shortlist.runtime.cache import Cache as Cache
    from shortlist.runtime.cache import MemoryCache as MemoryCache
    from shortlist.runtime.cache import SqliteCache as SqliteCache
    from shortlist.runtime.settings import Limits as Limits
    from shortlist.runtime.settings import Retry as Retry
    from shortlist.runtime.settings import Runtime as Runtime
    from shortlist.scorers.base import Judgement as Judgement
    from shortlist.scorers.base import Scorer as Scorer
    from shortlist.scorers.pair_head import PairHead as PairHead
    from shortlist.scorers.prompted import Prompted as Prompted

__version__ = "0.1.0"

_HOMES = {
    "criteria.computed": "Authority Computed Length Recency",
    "criteria.judged": "Criterion",
    "errors": "BadAnswer InputError LimitReached MissingExtra ModelError ModelTimeout "
    "ModelUnavailable ParseError ShortlistError WeightsError",
    "graphs": "Amr DocumentGraph Entities GraphBuilder Keywords Metadata Neighbours",
    "models.amr": "AmrParser",
    "models.base": "ChatModel ChatReply ChatRequest Continuation Embedder Likelihood LikelihoodModel "
    "ListScorer Message Pair PairScorer Text",
    "models.function": "FunctionChat FunctionEmbedder FunctionScorer",
    "models.static_embedder": "StaticEmbedder",
    "models.trained": "TrainedNetwork",
    "passage": "Passage",
    "plan": "Call Model Plan Reply ask together votes",
    "prompts.spec": "PromptSpec",
    "ranking": "Ranked Ranking RoundTrace ScoreKind Usage",
    "reranker.base": "Reranker Source",
    "reranker.bench": "Bench",
    "reranker.cascade": "Cascade Route",
    "reranker.chain": "Chain Fallback Top",
    "reranker.desk": "Desk",
    "reranker.expression": "load parse",
    "reranker.fusion": "Blend Fuse",
    "reranker.registry": "from_dict make registered",
    "reranker.strategy": "Strategy",
    "reranker.task": "subplan",
    "reranker.writing": "expression_of",
    "rerankers.abstain": "Abstain",
    "rerankers.adaptive": "Adaptive",
    "rerankers.blocks": "Blocks",
    "rerankers.by_document": "ByDocument",
    "rerankers.calibrate": "Calibrate",
    "rerankers.collaborative": "Collaborative",
    "rerankers.conformal_cut": "ConformalCut",
    "rerankers.cross_encoder": "CrossEncoder",
    "rerankers.dpp": "Dpp",
    "rerankers.dynamic_k": "DynamicK",
    "rerankers.dynamic_rag": "DynamicRag",
    "rerankers.ebcar": "Ebcar",
    "rerankers.elbow_cut": "ElbowCut",
    "rerankers.elimination": "Elimination",
    "rerankers.facility_location": "FacilityLocation",
    "rerankers.farthest_first": "FarthestFirst",
    "rerankers.feature_refinement": "FeatureRefinement",
    "rerankers.feedback_query": "FeedbackQuery",
    "rerankers.g_rag": "GRag",
    "rerankers.gap_cut": "GapCut",
    "rerankers.graph": "GraphPropagation",
    "rerankers.grouped": "Grouped",
    "rerankers.hybrank": "HybRank",
    "rerankers.information_cut": "InformationCut",
    "rerankers.keep_order": "KeepOrder",
    "rerankers.knowledge_aware": "KnowledgeAware",
    "rerankers.lexical": "CorpusStatistics Lexical",
    "rerankers.llm": "Llm",
    "rerankers.mmr": "Mmr",
    "rerankers.msd": "Msd",
    "rerankers.near_duplicates": "NearDuplicates",
    "rerankers.nucleus_cut": "NucleusCut",
    "rerankers.pairwise": "Pairwise",
    "rerankers.placement": "LostInTheMiddle Reverse",
    "rerankers.pm2": "Pm2",
    "rerankers.pointwise": "Pointwise",
    "rerankers.rebel": "Rebel",
    "rerankers.setwise": "Setwise",
    "rerankers.similarity": "Similarity",
    "rerankers.single_window": "SingleWindow",
    "rerankers.sliding_window": "SlidingWindow",
    "rerankers.ssd": "Ssd",
    "rerankers.threshold_cut": "ThresholdCut",
    "rerankers.token_budget": "TokenBudget",
    "rerankers.top_down": "TopDown",
    "rerankers.tournament": "Tournament",
    "rerankers.xquad": "Xquad",
    "runtime.cache": "Cache MemoryCache SqliteCache",
    "runtime.settings": "Limits Retry Runtime",
    "scorers.base": "Judgement Scorer",
    "scorers.pair_head": "PairHead",
    "scorers.prompted": "Prompted",
}
_HOME_OF = {name: f"shortlist.{home}" for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - from the table above; a test pins the names


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'shortlist' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
