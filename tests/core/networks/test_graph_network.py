"""G-RAG's network: torch module, array function, and a slow one with plain loops give the same scores."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from shortlist.algorithms import graph_network as module
from shortlist.algorithms.graph_network import GraphInputs, GraphSizes, graph_network, mean_matrix

rng = np.random.default_rng(5)
KINDS = [
    GraphSizes(width, hidden, layers, sage, residual)
    for (width, hidden), layers, sage, residual in product(
        [(12, 5), (6, 9)], (1, 2, 3), (False, True), (False, True)
    )
]  # fmt: skip


def tensors_for(sizes):
    """Random weights of about the size that keeps scores near 1."""
    found = {}
    for i, (low, high) in enumerate(zip(sizes.widths, sizes.widths[1:], strict=False)):
        found[f"own.{i}.weight"] = rng.normal(size=(high, low)) / np.sqrt(low)
        if i < sizes.layers - 1:
            found[f"own.{i}.bias"] = rng.normal(size=high) / 3
        if sizes.sage:
            found[f"others.{i}.weight"] = rng.normal(size=(high, low)) / np.sqrt(low)
    if sizes.residual:
        found["scale"] = np.array([0.7])
    return {name: array.astype(np.float32) for name, array in found.items()}


def inputs_of(n, width, share=0.3):
    """Random vectors and edges, one of them without weight; the last passages have no edge."""
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n - n // 4) if rng.random() < share]
    weights = rng.random((len(pairs), 2))
    weights[:1] = 0.0
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    query, vectors = rng.normal(size=width), rng.normal(size=(n, width)) / np.sqrt(width)
    return GraphInputs(query.astype(np.float32), vectors.astype(np.float32), ends[:, 0], ends[:, 1], weights)


def slow(tensors, sizes, inputs):
    """The equation, one passage and one neighbour at a time."""
    states = [row.astype(float) for row in inputs.vectors]
    edges = list(zip(inputs.sources.tolist(), inputs.targets.tolist(), inputs.weights.tolist(), strict=True))
    for layer in range(sizes.layers):
        after = []
        for v, state in enumerate(states):
            gathered, neighbours = np.zeros(len(state)), 0
            for a, b, channels in edges:
                if v in (a, b) and sum(channels) > 0:
                    neighbours += 1
                    for channel in channels:
                        gathered = gathered + channel * states[b if v == a else a]
            mean = gathered / max(1, neighbours)
            own, bias = tensors[f"own.{layer}.weight"].astype(float), tensors.get(f"own.{layer}.bias", 0.0)
            if sizes.sage:
                value = own @ state + tensors[f"others.{layer}.weight"] @ mean + bias
            else:
                value = own @ (state + mean) + bias
            after.append(value if layer == sizes.layers - 1 else np.array([max(0.0, each) for each in value]))
        states = after
    kept = tensors.get("scale", np.zeros(1))
    return np.array([inputs.query @ (state + kept * x) for state, x in zip(states, inputs.vectors, strict=True)])


def loaded(tensors, sizes):
    torch = pytest.importorskip("torch")
    from shortlist.nets.graph_network import GraphNetwork

    network = GraphNetwork(sizes).eval()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()}, strict=True)
    return network


def by_torch(tensors, sizes, lists):
    network = loaded(tensors, sizes)
    import torch

    from shortlist.nets.graph_network import collate

    with torch.no_grad():
        return network(collate(lists)).numpy()


@pytest.mark.parametrize("sizes", KINDS, ids=str)
def test_three_forms_are_one(sizes):
    tensors = tensors_for(sizes)
    lists = [inputs_of(n, sizes.width) for n in (9, 1, 14)]
    batched = by_torch(tensors, sizes, lists)
    for inputs, row in zip(lists, batched, strict=True):
        ours = graph_network(tensors, sizes, inputs)
        assert ours.shape == (len(inputs),) and ours.dtype == np.float64
        np.testing.assert_allclose(ours, slow(tensors, sizes, inputs), atol=1e-5)
        np.testing.assert_allclose(ours, row[: len(inputs)], atol=1e-5)
        np.testing.assert_allclose(by_torch(tensors, sizes, [inputs])[0], row[: len(inputs)], atol=1e-6)
        assert (row[len(inputs) :] == -np.inf).all()


@pytest.mark.parametrize("sizes", KINDS[:8], ids=str)
def test_many_passages_go_along_the_edges_and_score_the_same(sizes, monkeypatch):
    tensors, inputs = tensors_for(sizes), inputs_of(30, sizes.width)
    usual = graph_network(tensors, sizes, inputs)
    monkeypatch.setattr(module, "_DENSE", 0)
    monkeypatch.setattr(module, "mean_matrix", None)
    np.testing.assert_allclose(graph_network(tensors, sizes, inputs), usual, atol=1e-5)


@pytest.mark.parametrize("sage", [False, True])
def test_another_order_of_passages_is_another_order_of_scores(sage):
    sizes = GraphSizes(8, 4, 2, sage)
    tensors, inputs = tensors_for(sizes), inputs_of(12, 8)
    order = rng.permutation(12)
    place = np.argsort(order)
    ends = np.sort(np.stack([place[inputs.sources], place[inputs.targets]]), axis=0)
    moved = replace(inputs, vectors=inputs.vectors[order], sources=ends[0], targets=ends[1])
    usual = graph_network(tensors, sizes, inputs)
    np.testing.assert_allclose(graph_network(tensors, sizes, moved), usual[order], atol=1e-5)


def test_passages_without_edges_are_scored_from_themselves():
    sizes = GraphSizes(8, 4, sage=True)
    tensors, inputs = tensors_for(sizes), inputs_of(8, 8, share=1.0)
    full = graph_network(tensors, sizes, inputs)
    alone = [graph_network(tensors, sizes, lone(inputs, i))[0] for i in range(8)]
    np.testing.assert_allclose(full[6:], alone[6:], atol=1e-6)
    assert (np.abs(full[:6] - alone[:6]) > 1e-4).all(), "those with edges are not"


def lone(inputs, i):
    none = np.zeros(0, np.int64)
    return GraphInputs(inputs.query, inputs.vectors[i : i + 1], none, none, np.zeros((0, 2)))


def test_rows_of_the_mean_hold_each_neighbour_over_their_number():
    inputs = GraphInputs(
        np.zeros(2, np.float32), np.zeros((4, 2), np.float32),
        np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([[0.2, 0.4], [0.1, 0.0], [0.0, 0.0]]),
    )  # fmt: skip
    expected = [[0, 0.3, 0.05, 0], [0.6, 0, 0, 0], [0.1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(mean_matrix(inputs), expected, atol=1e-7)


@pytest.mark.parametrize("sizes", KINDS[::5], ids=str)
def test_zero_vectors_give_finite_scores(sizes):
    inputs = inputs_of(6, sizes.width)
    blank = replace(inputs, query=np.zeros_like(inputs.query), vectors=np.zeros_like(inputs.vectors))
    assert np.isfinite(graph_network(tensors_for(sizes), sizes, blank)).all()
    assert len(graph_network(tensors_for(sizes), sizes, inputs_of(0, sizes.width))) == 0


def test_before_training_a_residual_is_the_cosine_order():
    pytest.importorskip("torch")
    from shortlist.nets.graph_network import GraphNetwork

    for sage in (False, True):
        sizes, inputs = GraphSizes(8, 4, sage=sage), inputs_of(10, 8)
        fresh = {name: each.numpy() for name, each in GraphNetwork(sizes).state_dict().items()}
        usual = module.INITIAL_SCALE * inputs.vectors @ inputs.query
        np.testing.assert_allclose(graph_network(fresh, sizes, inputs), usual, atol=1e-4)


def test_training_moves_every_weight():
    torch = pytest.importorskip("torch")
    from shortlist.nets.graph_network import GraphNetwork, collate

    torch.manual_seed(0)
    network = GraphNetwork(GraphSizes(8, 4, sage=True, dropout=0.0))
    before = {name: each.clone() for name, each in network.state_dict().items()}
    steps = torch.optim.Adam(network.parameters(), lr=0.01)
    batch = collate([inputs_of(9, 8), inputs_of(12, 8)])
    for _ in range(3):  # the first moves the last layer alone, which was zero
        steps.zero_grad()
        torch.nn.functional.cross_entropy(network(batch), torch.tensor([0, 2])).backward()
        steps.step()
    assert [name for name, each in network.state_dict().items() if torch.equal(each, before[name])] == []


def test_sizes_and_widths_that_do_not_fit_are_refused():
    for wrong in ({"width": 0}, {"layers": 0}, {"hidden": 0}, {"dropout": 1.0}):
        with pytest.raises(ValueError, match="or more"):
            GraphSizes(**{"width": 8, **wrong})
    with pytest.raises(ValueError, match="vectors of 8 values, not of 6"):
        graph_network(tensors_for(GraphSizes(8)), GraphSizes(8), inputs_of(3, 6))
