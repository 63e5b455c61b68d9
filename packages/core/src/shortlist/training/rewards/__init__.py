"""What an answer, and the list of passages behind it, is worth: the reward of DynamicRAG, term by term."""

from shortlist.training.rewards.judge import judge_request, read_judge
from shortlist.training.rewards.length import inverse_length, linear_length
from shortlist.training.rewards.matching import exact_match, normalised, token_f1
from shortlist.training.rewards.reward import Answered, Reward, Rewarded, Terms, Weights, weighted
from shortlist.training.rewards.rouge import rouge_l, rouge_n

__all__ = [
    "Answered",
    "Reward",
    "Rewarded",
    "Terms",
    "Weights",
    "exact_match",
    "inverse_length",
    "judge_request",
    "linear_length",
    "normalised",
    "read_judge",
    "rouge_l",
    "rouge_n",
    "token_f1",
    "weighted",
]
