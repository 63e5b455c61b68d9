"""Labels where nobody made any: queries for passages, queries that passages do not answer, and utilities of passages.

from shortlist.training.labels import Corpus, QueryGenerator, RoundTrip

corpus = Corpus(tuple(read_folder("guides", Chunking(words=100, overlap=0))))
generator = QueryGenerator(OpenAIChat("my-model"), RoundTrip(corpus))
"""

from shortlist.training.labels.answered import Answered, read_answered
from shortlist.training.labels.corpus import Corpus, RoundTrip
from shortlist.training.labels.examples import examples_of, read_examples
from shortlist.training.labels.filters import Filters
from shortlist.training.labels.labelling import Labelled, label_queries, label_utilities
from shortlist.training.labels.made import Draft, Kept, Made, Refused
from shortlist.training.labels.near_misses import ATTRIBUTES, NearMiss, NearMisses
from shortlist.training.labels.prompts import Example, LabelPrompt, label_prompt, label_prompts
from shortlist.training.labels.queries import PROMPTS, QueryGenerator
from shortlist.training.labels.utility import UtilityLabels
from shortlist.training.work import Failed

__all__ = [
    "ATTRIBUTES",
    "PROMPTS",
    "Answered",
    "Corpus",
    "Draft",
    "Example",
    "Failed",
    "Filters",
    "Kept",
    "LabelPrompt",
    "Labelled",
    "Made",
    "NearMiss",
    "NearMisses",
    "QueryGenerator",
    "Refused",
    "RoundTrip",
    "UtilityLabels",
    "examples_of",
    "label_prompt",
    "label_prompts",
    "label_queries",
    "label_utilities",
    "read_answered",
    "read_examples",
]
