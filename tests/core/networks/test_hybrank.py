"""HybRank's network: NumPy, torch, and a forward pass written here in plain loops, on random weights."""

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from shortlist.algorithms import hybrank as module  # noqa: E402
from shortlist.algorithms.hybrank import HybridInputs, HybridSizes, hybrank  # noqa: E402
from shortlist.nets.hybrank import HybridNetwork, collate  # noqa: E402

SMALL = HybridSizes(hidden=16, heads=4, feedforward=24, positions=12)
FREE = replace(SMALL, positions=0)
DEEP = replace(SMALL, row_layers=2, column_layers=1, positions=0)


def made(n, a, seed=0):
    rng = np.random.default_rng(seed)
    return HybridInputs(
        rng.gamma(2.0, 40.0, a), rng.gamma(2.0, 40.0, (n, a)), rng.uniform(-0.1, 0.8, a), rng.uniform(-0.1, 0.8, (n, a))
    )


def network(sizes, seed=0, scale=0.6):
    """A network whose weights are all random, biases and norms too, and so large that scores are apart."""
    torch.manual_seed(seed)
    built = HybridNetwork(sizes).eval()
    with torch.no_grad():
        for name, weight in built.named_parameters():
            noise = torch.randn_like(weight)
            weight.copy_(scale * noise if weight.ndim == 2 and "channels" not in name else weight + 0.1 * noise)
    return built


def tensors(built):
    return {name: weight.numpy().copy() for name, weight in built.state_dict().items()}


def same(scores, others, atol=1e-5):
    """To 1e-5, and one digit more for scores of 14, which is a cosine of 1."""
    np.testing.assert_allclose(scores, others, atol=atol, rtol=1e-6)


def by_torch(built, inputs):
    with torch.no_grad():
        return built(collate([inputs]))[0].numpy()


# ---- the slow one, in float64, a token and a head at a time -------------------------------------------------------


def slow(weights, sizes, inputs):
    t = {name: weight.astype(np.float64) for name, weight in weights.items()}
    lexical = [slow_scaled(row, sizes.lexical_temperature) for row in [inputs.lexical_query, *inputs.lexical]]
    dense = [slow_scaled(row, sizes.dense_temperature) for row in [inputs.dense_query, *inputs.dense]]
    rows, anchors = len(dense), len(dense[0])
    tokens = [[None] * anchors for _ in range(rows)]
    for a in range(anchors):
        column = []
        for r in range(rows):
            x = t["channels.weight"] @ np.array([lexical[r][a], dense[r][a]]) + t["channels.bias"]
            place = r if sizes.positions else (0 if r == 0 else 1)
            column.append(slow_norm(x + t["columns.places"][place], t, "columns.norm"))
        for index in range(sizes.column_layers):
            column = slow_layer(column, t, f"columns.layers.{index}", sizes.heads)
        for r in range(rows):
            tokens[r][a] = column[r]
    vectors = []
    for r in range(rows):
        row = [t["cls"], *tokens[r]]
        if sizes.positions:
            row = [x + t["rows.places"][place] for place, x in enumerate(row)]
        row = [slow_norm(x, t, "rows.norm") for x in row]
        for index in range(sizes.row_layers):
            row = slow_layer(row, t, f"rows.layers.{index}", sizes.heads)
        vectors.append(row[0] / math.sqrt(row[0] @ row[0]))
    return np.array([vectors[0] @ vector / 0.07 for vector in vectors[1:]])


def slow_scaled(row, temperature):
    powers = [math.exp((value - max(row)) / temperature) for value in row]
    shares = [power / sum(powers) for power in powers]
    low, high = min(shares), max(shares)
    return [2 * (share - low) / (high - low) - 1 if high - low > 1e-5 * high else 0.0 for share in shares]


def slow_norm(x, t, name):
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return (x - mean) / math.sqrt(variance + 1e-12) * t[f"{name}.weight"] + t[f"{name}.bias"]


def slow_layer(xs, t, name, heads):
    hidden = len(xs[0])
    size = hidden // heads
    mapped = [t[f"{name}.attend.weight"] @ x + t[f"{name}.attend.bias"] for x in xs]
    out = []
    for x, own in zip(xs, mapped, strict=True):
        mixed = np.zeros(hidden)
        for head in range(heads):
            at = slice(head * size, (head + 1) * size)
            scores = [own[:hidden][at] @ other[hidden : 2 * hidden][at] / math.sqrt(size) for other in mapped]
            powers = [math.exp(score - max(scores)) for score in scores]
            for power, other in zip(powers, mapped, strict=True):
                mixed[at] += power / sum(powers) * other[2 * hidden :][at]
        after = slow_norm(x + t[f"{name}.mix.weight"] @ mixed + t[f"{name}.mix.bias"], t, f"{name}.mix_norm")
        wide = t[f"{name}.expand.weight"] @ after + t[f"{name}.expand.bias"]
        wide = [v / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in wide]
        narrow = t[f"{name}.contract.weight"] @ np.array(wide) + t[f"{name}.contract.bias"]
        out.append(slow_norm(after + narrow, t, f"{name}.contract_norm"))
    return out


# ---- parity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [SMALL, FREE, DEEP], ids=["positions", "free", "deep"])
@pytest.mark.parametrize(("n", "a"), [(7, 5), (4, 4), (2, 7), (1, 1)])
def test_the_three_agree(sizes, n, a):
    built, inputs = network(sizes), made(n, a)
    expected = slow(tensors(built), sizes, inputs)
    same(hybrank(tensors(built), sizes, inputs), expected)
    same(by_torch(built, inputs), expected)


def test_random_weights_tell_passages_apart():
    """Without this, the tests above would pass on scores that are all the same."""
    for sizes in (SMALL, FREE, DEEP):
        assert np.ptp(hybrank(tensors(network(sizes)), sizes, made(7, 5))) > 0.1


@pytest.mark.parametrize("sizes", [SMALL, FREE], ids=["positions", "free"])
def test_blocks_change_nothing(sizes, monkeypatch):
    weights, inputs = tensors(network(sizes)), made(9, 10)
    whole = hybrank(weights, sizes, inputs)
    for cells in (1, 150, 3000):
        monkeypatch.setattr(module, "_CELLS", cells)
        same(hybrank(weights, sizes, inputs), whole)


def test_padding_changes_nothing():
    built = network(FREE)
    lists = [made(5, 3, seed=1), made(9, 8, seed=2), made(1, 1, seed=3)]
    with torch.no_grad():
        scores = built(collate(lists)).numpy()
    assert scores.shape == (3, 9)
    for row, inputs in zip(scores, lists, strict=True):
        same(row[: len(inputs)], by_torch(built, inputs))
        assert (row[len(inputs) :] == -np.inf).all()


def test_gradients_are_finite_with_padding():
    built = network(FREE).train()
    batch = collate([made(5, 3, seed=1), made(9, 8, seed=2), made(1, 1)])
    built(batch)[batch.present].square().sum().backward()
    assert all(weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in built.parameters())


def test_dropout_is_for_training_only():
    built, inputs = network(FREE), made(6, 6)
    assert (by_torch(built, inputs) == by_torch(built, inputs)).all()
    built.train()
    assert (by_torch(built, inputs) != by_torch(built, inputs)).any()


# ---- order --------------------------------------------------------------------------------------------------------


def reordered(inputs, passages, anchors):
    return HybridInputs(
        inputs.lexical_query[anchors],
        inputs.lexical[np.ix_(passages, anchors)],
        inputs.dense_query[anchors],
        inputs.dense[np.ix_(passages, anchors)],
    )


def test_without_places_order_is_nothing():
    weights, inputs = tensors(network(FREE)), made(9, 6)
    passages, anchors = np.random.default_rng(1).permutation(9), np.random.default_rng(2).permutation(6)
    scores = hybrank(weights, FREE, reordered(inputs, passages, anchors))
    same(scores, hybrank(weights, FREE, inputs)[passages])


def test_with_places_order_is_something():
    """The paper's network reads the order that the retriever gave, along both axes."""
    weights, inputs, same = tensors(network(SMALL)), made(9, 6), np.arange(9)
    scores, turned = hybrank(weights, SMALL, inputs), np.roll(same, 1)
    assert np.abs(hybrank(weights, SMALL, reordered(inputs, turned, np.arange(6))) - scores[turned]).max() > 0.01
    assert np.abs(hybrank(weights, SMALL, reordered(inputs, same, np.roll(np.arange(6), 1))) - scores).max() > 0.01


def test_the_query_is_told_from_the_passages():
    """Two passages like each other, one of them in the query's row: roles, not similarities, tell them apart."""
    built = network(FREE)
    weights = tensors(built)
    inputs = made(5, 4)
    told = hybrank(weights, FREE, inputs)
    weights["columns.places"][0] = weights["columns.places"][1]
    assert np.abs(hybrank(weights, FREE, inputs) - told).max() > 0.01


# ---- sizes and edges ----------------------------------------------------------------------------------------------


def test_number_of_parameters():
    """The facts page has about 0.22 million; a BERT layer of these sizes has 49,984, and 512 places are BERT's."""
    with torch.device("meta"):
        paper, free = HybridNetwork(HybridSizes()), HybridNetwork(HybridSizes(positions=0))
    count = sum(weight.numel() for weight in paper.parameters())
    assert count == 3 * 49_984 + 2 * 512 * 64 + (2 + 1) * 64 + 2 * 128 + 64 == 216_000
    assert sum(weight.numel() for weight in free.parameters()) == count - 2 * 512 * 64 + 2 * 64


def test_more_texts_or_anchors_than_places_are_refused():
    built = network(SMALL)
    assert len(hybrank(tensors(built), SMALL, made(11, 11))) == 11
    for inputs in (made(12, 11), made(11, 12)):
        with pytest.raises(ValueError, match="at most 11 passages and anchors"):
            hybrank(tensors(built), SMALL, inputs)
        with pytest.raises(ValueError, match="at most 11 passages and anchors"):
            built(collate([inputs]))
    assert len(hybrank(tensors(network(FREE)), FREE, made(30, 20))) == 30


@pytest.mark.parametrize("sizes", [SMALL, FREE], ids=["positions", "free"])
def test_zero_similarities_are_finite(sizes):
    built = network(sizes)
    nothing = HybridInputs(np.zeros(4), np.zeros((6, 4)), np.zeros(4), np.zeros((6, 4)))
    scores = hybrank(tensors(built), sizes, nothing)
    assert np.isfinite(scores).all()
    same(by_torch(built, nothing), scores)


def test_large_attention_scores_are_finite():
    built, inputs = network(FREE, scale=8.0), made(6, 5)
    scores = hybrank(tensors(built), FREE, inputs)
    assert np.isfinite(scores).all()
    # Near to the choice of one token float32 is coarse; the point is that nothing overflows.
    same(by_torch(built, inputs), scores, atol=1e-2)


def test_what_is_given_is_not_changed():
    weights, inputs = tensors(network(FREE)), made(6, 5)
    before = {name: weight.copy() for name, weight in weights.items()}, made(6, 5)
    hybrank(weights, FREE, inputs)
    assert all((weights[name] == before[0][name]).all() for name in weights)
    for name in ("lexical_query", "lexical", "dense_query", "dense"):
        assert (getattr(inputs, name) == getattr(before[1], name)).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 10},
        {"heads": 0},
        {"column_layers": 0},
        {"row_layers": 0},
        {"positions": -1},
        {"dense_temperature": 0.0},
        {"lexical_temperature": float("nan")},
        {"dropout": 1.0},
    ],
)
def test_sizes_that_no_network_has(wrong):
    with pytest.raises(ValueError):
        replace(SMALL, **wrong)


def test_a_passage_keeps_its_own_column():
    """What stands there counts: the diagonal is not filled in as `collaborative` does it."""
    weights, inputs = tensors(network(FREE)), made(5, 5)
    changed = inputs.dense.copy()
    changed[np.diag_indices(5)] = 1.0
    scores = hybrank(weights, FREE, replace(inputs, dense=changed))
    assert np.abs(scores - hybrank(weights, FREE, inputs)).max() > 0.01
