"""Which k of n candidates: relevant, and unlike each other. Arrays in, picks out; no passages, no models."""

from shortlist.algorithms.diversity.coverage import facility_location
from shortlist.algorithms.diversity.dpp import dpp
from shortlist.algorithms.diversity.duplicates import near_duplicates
from shortlist.algorithms.diversity.farthest import farthest_first
from shortlist.algorithms.diversity.mmr import mmr
from shortlist.algorithms.diversity.msd import msd
from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.diversity.ssd import ssd

__all__ = ["Picks", "dpp", "facility_location", "farthest_first", "mmr", "msd", "near_duplicates", "ssd"]
