"""What rerankers with a trained network share: which network, whose vectors, and the guard around its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.guard import guarded, standardised
from shortlist.algorithms.similarity import cosines, unit_rows
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.errors import BadAnswer, InputError
from shortlist.models.base import PROBE, Embedder, ListScorer
from shortlist.models.named import check_model
from shortlist.models.trained import shipped_for
from shortlist.passage import Passage, stored_embeddings, texts
from shortlist.plan import Plan, together
from shortlist.ranking import Ranking, Reasons
from shortlist.reranker.base import Reranker
from shortlist.rerankers.inputs import known_scores, prior_from

# A quantised form of an embedder is this near to the embedder itself; another embedder is nowhere near.
_SAME = 0.95


class Company(NamedTuple):
    """A query among its passages.

    Attributes:
        query: unit vector, shape (d,).
        vectors: unit rows, shape (n, d).
        prior: scores of the stage before, or cosines, shape (n,).
        repairs: what had to stand for what was missing.
    """

    query: Vector
    vectors: Matrix
    prior: Floats
    repairs: tuple[str, ...]


class Learned(Reranker):
    """A reranker with a trained network.

    Attributes:
        embedder: the model of query and passages.
        network: the trained network; None is the one that comes with the package for this embedder.
        prior: how much of the scores of the stage before to keep, in [0, 1]; None is what was fitted in training.
    """

    # No fields yet: each reranker has its own between them, and their order is that of its arguments.
    embedder: Embedder
    network: ListScorer | None
    prior: float | None

    def __post_init__(self) -> None:
        network_for(self.name, self.embedder, self.network)
        if self.prior is not None and not 0.0 <= self.prior <= 1.0:
            raise InputError(f"prior must be in [0, 1], or None for the network's own, not {self.prior}")

    @property
    def reader(self) -> ListScorer:
        """The network given, or the one that comes with the package."""
        return network_for(self.name, self.embedder, self.network)

    def warm_up(self) -> None:
        """Load the weights, those of the network that comes with the package among them."""
        super().warm_up()
        self.reader.warm_up()


def network_for(name: str, embedder: Embedder, network: ListScorer | None) -> ListScorer:
    """The network given, or the one that comes with the package for this embedder.

    Raises:
        InputError: it is no network, or one of another reranker; or none is given and none comes with the package.
    """
    check_model(Embedder, embedder)
    if network is None:
        return shipped_for(name, embedder.label)
    check_model(ListScorer, network)
    if network.network not in (name, ""):
        raise InputError(f"{name} was given a network of {network.network}")
    return network


def company(query: str, passages: Sequence[Passage], embedder: Embedder, network: ListScorer) -> Plan[Company]:
    """One round: the query's vector, and the passages' where they carry none that the network can read.

    A second one embeds passages whose own vectors turn out not to be of the query's size.

    Where the embedder is not the very one that the network was trained with, it is asked for one more vector, which
    tells whether it is the same model in another form.

    Raises:
        BadAnswer: the vectors are not of the network's embedder, or not of one size.
    """
    own, repairs = _stored(passages, network)
    probes = _probes(embedder, network)
    wanted = texts(passages) if own is None else []
    queries, found = yield from together([embedder.embed([query], "query"), embedder.embed([*wanted, *probes])])
    if probes:
        _check_space(embedder, network, found[-1])
    if own is not None and own.shape[1] != queries.shape[1]:
        repairs = _again(own, queries.shape[1])
        own = yield from embedder.embed(texts(passages))
    vectors = unit_rows(found[: len(passages)] if own is None else own)
    if queries.shape[1] != vectors.shape[1]:
        raise BadAnswer(f"the query's vector has {queries.shape[1]} values, the passages' have {vectors.shape[1]}")
    asked = unit_rows(queries)[0]
    prior = known_scores(passages) or prior_from(passages, cosines(asked, vectors).astype(np.float64))
    return Company(asked, vectors, prior.scores, (*repairs, *prior.repairs))


def guarded_ranking(
    passages: Sequence[Passage],
    scores: Floats,
    among: Company,
    network: ListScorer,
    prior: float | None,
    reasons: Sequence[Reasons] | None = None,
) -> Ranking:
    """The network's order held near the one before; `prior` stands for the guard's own share where it is given."""
    guard = network.guard if prior is None else network.guard._replace(prior=prior)
    mixed, held = guarded(scores, among.prior, guard)
    told = zip(standardised(scores).tolist(), standardised(among.prior).tolist(), strict=True)
    both: list[Reasons] = [{"network": new, "prior": old} for new, old in told]
    if reasons is not None:
        both = [{**one, **other} for one, other in zip(both, reasons, strict=True)]
    notes = ("the network's order had too little in common with the one before, which stands",) if held else ()
    return Ranking.by_score(passages, mixed, "utility", both).noting(*among.repairs, *notes)


def _stored(passages: Sequence[Passage], network: ListScorer) -> tuple[Matrix | None, tuple[str, ...]]:
    own, space = stored_embeddings(passages), network.vectors
    if own is None or space is None or own.shape[1] == len(space.probe):
        return own, ()
    return None, _again(own, len(space.probe))


def _again(own: Matrix, width: int) -> tuple[str, ...]:
    return (f"stored vectors have {own.shape[1]} values and not {width}: embedded again",)


def _probes(embedder: Embedder, network: ListScorer) -> list[str]:
    space = network.vectors
    known = space is None or (space.fingerprint is not None and space.fingerprint == embedder.fingerprint)
    return [] if known else [PROBE]


def _check_space(embedder: Embedder, network: ListScorer, vector: Vector) -> None:
    space = network.vectors
    if space is None:
        return
    near = len(vector) == len(space.probe) and float(unit_rows(vector[None])[0] @ space.probe) >= _SAME
    if not near:
        raise BadAnswer(f"{network.label} reads vectors of {space.names[0]}; those of {embedder.label} are others")
