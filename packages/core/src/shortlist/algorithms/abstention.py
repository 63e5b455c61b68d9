"""When to say that nothing found will do: Gisserot-Boukhlef et al., TMLR 2024 (arXiv 2402.12997).

A confidence is a number that says from the scores of one list alone how well the list will serve; higher is better,
always. To abstain is to give no list where the confidence is below a threshold. Scores are sorted, best first.

The published code parts from this in ways that cost a user: its decisions are True where the list is to be *kept*; its
other target reads the test batch, which nobody has online; regression and threshold share their data; lists must be of
one length; ties fall to the order of the input. Here none of this is so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from shortlist.arrays import Floats, Ints

ReferenceFree: TypeAlias = Literal["max", "std", "gap", "top-mean"]
Confidence: TypeAlias = Literal["ridge", "logistic", "max", "std", "gap", "top-mean"]
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)

RATES: tuple[float, ...] = tuple(np.round(np.arange(0.0, 0.85, 0.1), 1).tolist())
"""The abstention rates over which the paper's area is taken."""

_TOP = 3
_STEPS = 100
_LARGE = 1e100  # squares of more than its square would overflow


class Linear(NamedTuple):
    """Ridge regression of a list's utility on its scores.

    Attributes:
        weights: one for each of the L features of `features`, shape (L,).
        intercept: the utility where all of them are 0.
    """

    weights: Floats
    intercept: float


class Logistic(NamedTuple):
    """A list's chance to be among the bad, the middling and the good ones.

    Attributes:
        weights: shape (3, L), of bad, middling and good.
        intercepts: shape (3,); minus infinity for a class that the reference had none of.
    """

    weights: Floats
    intercepts: Floats


def features(scores: Floats, length: int) -> Floats:
    """A list's scores, best first, at `length` evenly spaced places from its first to its last, shape (length,).

    Between two scores, on the straight line. A list of that very length is its own features, to the last bit.
    """
    ordered = _sorted(scores)
    return np.interp(np.linspace(0.0, 1.0, length), np.linspace(0.0, 1.0, len(ordered)), ordered)


def reference_free(scores: Floats, confidence: ReferenceFree) -> float:
    """The paper's functions that no reference is needed for, and the mean of the first 3; of any order of scores.

    `gap` is how far the first is above the second. It and `std` are 0 for a list of one, which has nothing to differ.
    """
    return _FREE[confidence](_sorted(scores))


def _gap(ordered: Floats) -> float:
    return float(ordered[0] - ordered[1]) if len(ordered) > 1 else 0.0


def _std(ordered: Floats) -> float:
    # Where all are equal, the rounding of their mean is no difference.
    return float(ordered.std()) if ordered[0] > ordered[-1] else 0.0


_FREE: Mapping[ReferenceFree, Callable[[Floats], float]] = MappingProxyType(
    {
        "max": lambda ordered: float(ordered[0]),
        "std": _std,
        "gap": _gap,
        "top-mean": lambda ordered: float(ordered[:_TOP].mean()),
    }
)


def ridge_confidence(scores: Floats, model: Linear) -> float:
    """The utility that the regression expects of the list."""
    return float(features(scores, len(model.weights)) @ model.weights + model.intercept)


def logistic_confidence(scores: Floats, model: Logistic) -> float:
    """P(good) - P(bad)."""
    bad, _, good = _chances(features(scores, model.weights.shape[1])[None, :], model)[0]
    return float(good - bad)


def fit_ridge(rows: Floats, utilities: Floats, alpha: float = 0.1) -> Linear:
    """Least squares with alpha times the squared weights; the intercept is free. `rows` are features, shape (m, L)."""
    middle, mean = rows.mean(axis=0), float(utilities.mean())
    centred = rows - middle
    gram = centred.T @ centred + alpha * np.eye(rows.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (utilities - mean))
    return Linear(weights, mean - float(middle @ weights))


def fit_logistic(
    rows: Floats, utilities: Floats, alpha: float = 0.1, quantiles: tuple[float, float] = (0.25, 0.75)
) -> Logistic:
    """Multinomial logistic regression of three classes of utility, with alpha / 2 times the squared weights.

    Solved by Newton's method, halving steps that do not help.
    """
    classes = utility_classes(utilities, quantiles)
    present = np.unique(classes)
    centre, scale = rows.mean(axis=0), max(float(rows.std()), 1e-12)
    inputs = np.column_stack([(rows - centre) / scale, np.ones(len(rows))])
    penalty = np.append(np.full(rows.shape[1], alpha / scale**2), 0.0)
    found = _newton(inputs, (classes[:, None] == present).astype(np.float64), penalty)
    weights, intercepts = np.zeros((3, rows.shape[1])), np.full(3, -np.inf)
    weights[present] = found[:, :-1] / scale
    intercepts[present] = found[:, -1] - weights[present] @ centre
    return Logistic(weights, intercepts)


def utility_classes(utilities: Floats, quantiles: tuple[float, float] = (0.25, 0.75)) -> Ints:
    """0 for bad, 2 for good, 1 for what is between, shape (m,): equal utilities are always of one class.

    Bad is what is at or below the lower quantile, good at or above the upper. Where both are one value, which is then
    that of most lists, bad is below and good above it.
    """
    low, high = np.quantile(utilities, quantiles)
    bad, good = (utilities <= low, utilities >= high) if low < high else (utilities < low, utilities > high)
    return np.where(bad, 0, np.where(good, 2, 1))


def threshold_table(confidences: Floats) -> Floats:
    """The confidences of reference lists, at each hundredth of them from the lowest to the highest, shape (101,)."""
    return np.asarray(np.quantile(confidences, np.linspace(0.0, 1.0, _STEPS + 1)))


def threshold_for(rate: float, table: Floats) -> float:
    """Below which confidence to abstain so as to do so for this share of lists like the reference's.

    Where many confidences are equal no threshold parts them: the share is then less than asked, never more.
    """
    return float(np.interp(rate, np.linspace(0.0, 1.0, len(table)), table))


def abstains(confidence: float, threshold: float) -> bool:
    """True where no list is to be given: the confidence is below the threshold."""
    return confidence < threshold


def kept_utility(confidences: Floats, utilities: Floats, rates: Sequence[float] = RATES) -> Floats:
    """The mean utility of the lists that remain at each abstention rate, the least confident left out first.

    Exact: of lists with equal confidence each is as likely to remain, and of a list that a rate cuts through, a part
    counts. Shape (rates,).
    """
    _, group = np.unique(-confidences, return_inverse=True)
    sizes = np.bincount(group)
    expected = (np.bincount(group, weights=utilities) / sizes)[np.sort(group)]
    totals = np.concatenate([[0.0], np.cumsum(expected)])
    kept = (1.0 - np.asarray(rates)) * len(confidences)
    return np.asarray(np.interp(kept, np.arange(len(totals)), totals) / kept)


def nauc(confidences: Floats, utilities: Floats, rates: Sequence[float] = RATES) -> float:
    """How much of what an oracle gains over chance: (strategy - random) / (oracle - random), areas over the rates.

    The oracle leaves out the lists of least utility; random keeps the mean whatever the rate. 0 where all utilities are
    equal, and there is nothing to gain.
    """
    chance = float(utilities.mean())
    oracle = _area(kept_utility(utilities, utilities, rates) - chance, rates)
    return _area(kept_utility(confidences, utilities, rates) - chance, rates) / oracle if oracle > 1e-12 else 0.0


def _area(values: Floats, rates: Sequence[float]) -> float:
    return float((np.diff(rates) * (values[1:] + values[:-1]) / 2.0).sum())


def _sorted(scores: Floats) -> Floats:
    if scores.ndim != 1 or not len(scores) or np.isnan(scores).any():
        raise ValueError(f"needs one score or more and no NaN, not an array of shape {scores.shape}")
    return np.sort(np.clip(scores, -_LARGE, _LARGE))[::-1]


def _chances(rows: Floats, model: Logistic) -> Floats:
    return _softmax(rows @ model.weights.T + model.intercepts)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _newton(inputs: Floats, wanted: Floats, penalty: Floats) -> Floats:
    """The weights that maximise the penalised likelihood, shape (classes, L + 1)."""
    classes, width = wanted.shape[1], inputs.shape[1]
    weights = np.zeros((classes, width))
    loss = _loss(weights, inputs, wanted, penalty)
    for _ in range(100):
        chances = _softmax(inputs @ weights.T)
        gradient = (chances - wanted).T @ inputs + penalty * weights
        step = np.linalg.solve(_hessian(chances, inputs, penalty), gradient.ravel()).reshape(weights.shape)
        for share in (0.5**times for times in range(30)):
            tried = np.asarray(weights - share * step)
            better = _loss(tried, inputs, wanted, penalty)
            if better < loss:
                break
        else:
            return weights
        weights, before, loss = tried, loss, better
        if before - loss <= 1e-12 * max(1.0, abs(loss)):
            return weights
    return weights


def _loss(weights: Floats, inputs: Floats, wanted: Floats, penalty: Floats) -> float:
    logits = inputs @ weights.T
    top = logits.max(axis=1)
    log_sums = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float((log_sums - (logits * wanted).sum(axis=1)).sum() + 0.5 * (penalty * weights**2).sum())


def _hessian(chances: Floats, inputs: Floats, penalty: Floats) -> Floats:
    """Shape (classes (L + 1), classes (L + 1)); a little is added, as the intercepts may all move together."""
    classes, width = chances.shape[1], inputs.shape[1]
    blocks = -np.einsum("ma,mb,mi,mj->aibj", chances, chances, inputs, inputs, optimize=True)
    for each in range(classes):
        blocks[each, :, each, :] += (inputs * chances[:, [each]]).T @ inputs + np.diag(penalty)
    return np.asarray(blocks.reshape(classes * width, -1) + 1e-9 * np.eye(classes * width))
