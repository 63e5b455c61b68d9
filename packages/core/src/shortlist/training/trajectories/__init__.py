"""Trajectories of DynamicRAG (arXiv 2505.07233): lists of passages sampled, answered with, rewarded and paired."""

from shortlist.training.trajectories.expert import Trace, expert_plan, expert_traces
from shortlist.training.trajectories.explorer import Explored, Explorer, Pair
from shortlist.training.trajectories.question import Question, read_questions
from shortlist.training.trajectories.trial import Trajectory, Trial, best_of
from shortlist.training.trajectories.writing import Failed, explore, explored

__all__ = [
    "Explored",
    "Explorer",
    "Failed",
    "Pair",
    "Question",
    "Trace",
    "Trajectory",
    "Trial",
    "best_of",
    "expert_plan",
    "expert_traces",
    "explore",
    "explored",
    "read_questions",
]
