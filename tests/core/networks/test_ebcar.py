"""EBCAR's network: the torch module, the NumPy forward, and plain loops say the same."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from shortlist.algorithms import ebcar as arrays
from shortlist.algorithms.ebcar import EbcarInputs, EbcarSizes, dedicated_mask, ebcar, relative_documents, sinusoids

torch = pytest.importorskip("torch")
from shortlist.nets.ebcar import EbcarNetwork, collate, dedicated, relabelled  # noqa: E402

SIZES = EbcarSizes(width=12, heads=2, head_size=4, feedforward=10, layers=2, documents=3, positions=9)
OFF = [{}, {"use_documents": False}, {"use_positions": False}, {"use_dedicated": False}]


def inputs(n, seed=0, documents=5, width=12):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n + 1, width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = relative_documents(rng.integers(0, documents, n).tolist())
    return EbcarInputs(rows[0], rows[1:], ids, rng.integers(-1, 12, n))


def network(sizes=SIZES, seed=0):
    """Weights so large that the layers, not the vectors alone, decide the scores."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        module = EbcarNetwork(sizes).eval()
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.3)
    return module


def tensors(module):
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


@torch.no_grad()
def by_torch(module, *lists):
    return module(collate(lists)).numpy()


def by_loops(tensors, sizes, given):
    """The paper's equations, one number at a time, in double precision."""
    t = {name: tensor.astype(np.float64).tolist() for name, tensor in tensors.items()}
    query, n = given.query.astype(np.float64).tolist(), len(given.vectors)
    states = [query]
    for vector, document, position in zip(given.vectors.tolist(), given.documents, given.positions, strict=True):
        row = list(vector)
        if sizes.use_documents and 0 <= document < sizes.documents:
            row = [x + y for x, y in zip(row, t["documents.weight"][document], strict=True)]
        if sizes.use_positions and 0 <= position < sizes.positions:
            row = [x + y for x, y in zip(row, wave(int(position), sizes.width), strict=True)]
        states.append(row)

    def affine(name, x):
        weight, bias = t[f"{name}.weight"], t[f"{name}.bias"]
        return [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(weight, bias, strict=True)]

    def norm(name, x):
        mean = sum(x) / len(x)
        spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-5)
        weight, bias = t[f"{name}.weight"], t[f"{name}.bias"]
        return [(v - mean) / spread * w + b for v, w, b in zip(x, weight, bias, strict=True)]

    def sees(i, j):  # the query is 0, passage i is i + 1
        return i == 0 or j == 0 or given.documents[i - 1] == given.documents[j - 1]

    def attended(name, read, allowed):
        inner, out = sizes.heads * sizes.head_size, []
        maps = [affine(f"{name}.qkv", x) for x in read]
        for i in range(n + 1):
            row = []
            for start in range(0, inner, sizes.head_size):
                part = range(start, start + sizes.head_size)
                seen = [j for j in range(n + 1) if allowed(i, j)]
                dots = [sum(maps[i][c] * maps[j][inner + c] for c in part) / math.sqrt(sizes.head_size) for j in seen]
                powers = [math.exp(dot - max(dots)) for dot in dots]
                for c in part:
                    weighted = sum(p * maps[j][2 * inner + c] for p, j in zip(powers, seen, strict=True))
                    row.append(weighted / sum(powers))
            out.append(affine(f"{name}.out", row))
        return out

    for layer in (f"layers.{i}" for i in range(sizes.layers)):
        read = [norm(f"{layer}.attention_norm", x) for x in states]
        added = [attended(f"{layer}.shared", read, lambda i, j: True)]
        if sizes.use_dedicated:
            added.append(attended(f"{layer}.dedicated", read, sees))
        for rows in added:
            states = [[x + y for x, y in zip(*pair, strict=True)] for pair in zip(states, rows, strict=True)]
        for i, state in enumerate(states):
            hidden = [max(0.0, x) for x in affine(f"{layer}.expand", norm(f"{layer}.feedforward_norm", state))]
            states[i] = [x + y for x, y in zip(state, affine(f"{layer}.contract", hidden), strict=True)]
    return np.array([sum(x * y for x, y in zip(query, state, strict=True)) for state in states[1:]])


def wave(position, width):
    row = []
    for i in range(width):
        angle = position / 10_000 ** ((i - i % 2) / width)
        row.append(math.cos(angle) if i % 2 else math.sin(angle))
    length = math.sqrt(sum(x * x for x in row))
    return [x / length for x in row]


@pytest.mark.parametrize("off", OFF)
@pytest.mark.parametrize("n", [1, 2, 9])
def test_three_ways(off, n):
    sizes = replace(SIZES, **off)
    module, given = network(sizes), inputs(n)
    expected = by_loops(tensors(module), sizes, given)
    found = ebcar(tensors(module), sizes, given)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(by_torch(module, given)[0], expected, atol=1e-5)


def test_one_layer_and_an_odd_width():
    sizes = replace(SIZES, layers=1, width=11)
    module, given = network(sizes), inputs(6, width=11)
    expected = by_loops(tensors(module), sizes, given)
    np.testing.assert_allclose(ebcar(tensors(module), sizes, given), expected, atol=1e-5)
    np.testing.assert_allclose(by_torch(module, given)[0], expected, atol=1e-5)


@pytest.mark.parametrize("off", OFF[1:])
def test_each_switch_changes_scores(off):
    weights, given = tensors(network()), inputs(9)
    whole, without = ebcar(weights, SIZES, given), ebcar(weights, replace(SIZES, **off), given)
    assert np.abs(whole - without).max() > 1e-3


def test_the_paper_has_126_036_992_parameters():
    sizes = EbcarSizes(width=768, heads=8, head_size=96, feedforward=2048, layers=16, documents=20)
    with torch.device("meta"):
        module = EbcarNetwork(sizes)
    assert sum(parameter.numel() for parameter in module.parameters()) == 126_036_992
    assert sum(math.prod(shape) for shape in sizes.shapes().values()) == 126_036_992


@pytest.mark.parametrize("off", OFF)
def test_shapes_are_those_of_the_module(off):
    sizes = replace(SIZES, **off)
    assert {name: tensor.shape for name, tensor in tensors(EbcarNetwork(sizes)).items()} == sizes.shapes()


def test_rows_of_documents_begin_small():
    table = EbcarNetwork(replace(SIZES, width=100, documents=100)).documents.weight.detach()
    assert 0.018 < float(table.std()) < 0.022


def test_the_query_is_row_0_of_the_mask():
    # A mask that forgot it would give the query the first passage's row, and each passage the next one's.
    expected = [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 0, 1, 0],
        [1, 0, 0, 0, 1],
    ]
    np.testing.assert_array_equal(dedicated_mask(np.array([0, 0, 1, 2])), np.array(expected, dtype=bool))


@pytest.mark.parametrize("n", [0, 1, 20])
def test_the_mask_against_a_double_loop(n):
    documents = inputs(n).documents
    expected = np.zeros((n + 1, n + 1), dtype=bool)
    for i in range(n + 1):
        for j in range(n + 1):
            expected[i, j] = i == 0 or j == 0 or documents[i - 1] == documents[j - 1]
    np.testing.assert_array_equal(dedicated_mask(documents), expected)
    np.testing.assert_array_equal(dedicated_mask(documents, slice(1, 5)), expected[1:5])
    np.testing.assert_array_equal(dedicated(torch.from_numpy(documents)[None])[0].numpy(), expected)


def test_a_passage_of_another_document_is_heard_through_the_shared_attention_alone():
    module = network(replace(SIZES, layers=1))
    with torch.no_grad():
        for parameter in module.layers[0].shared.parameters():
            parameter.zero_()
    given = inputs(4)
    given = replace(given, documents=np.array([0, 0, 1, 2]))
    changed = replace(given, vectors=given.vectors * np.array([[1.0], [1.0], [1.0], [-1.0]], dtype=np.float32))
    before, after = (ebcar(tensors(module), module.sizes, each) for each in (given, changed))
    np.testing.assert_array_equal(before[:3], after[:3])
    assert before[3] != after[3]


def test_moved_passages_keep_their_scores():
    weights, given = tensors(network()), inputs(9)
    order = np.random.default_rng(1).permutation(9)
    moved = EbcarInputs(given.query, given.vectors[order], given.documents[order], given.positions[order])
    np.testing.assert_allclose(ebcar(weights, SIZES, moved), ebcar(weights, SIZES, given)[order], atol=1e-5)


def test_padding_changes_nothing():
    module, lists = network(), [inputs(n, seed=n) for n in (3, 9, 1)]
    together = by_torch(module, *lists)
    for row, given in zip(together, lists, strict=True):
        np.testing.assert_allclose(row[: len(given)], by_torch(module, given)[0], atol=1e-5)
        assert (row[len(given) :] == -np.inf).all()


def test_gradients_are_finite_where_lists_are_padded():
    module = network().train()
    scores = module(collate([inputs(9), inputs(2), inputs(1)]))
    torch.nn.functional.cross_entropy(scores, torch.tensor([4, 1, 0])).backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(each is not None and each.isfinite().all() for each in gradients)
    assert all(each.any() for each in gradients)


def test_dropout_is_for_training():
    module, batch = network(replace(SIZES, dropout=0.5)), collate([inputs(5)])
    assert torch.equal(module(batch), module(batch))
    module.train()
    assert not torch.equal(module(batch), module(batch))


def test_zero_vectors_are_finite():
    given = EbcarInputs(np.zeros(12, np.float32), np.zeros((4, 12), np.float32), np.arange(4), np.full(4, -1))
    module = network()
    assert np.isfinite(ebcar(tensors(module), SIZES, given)).all()
    assert np.isfinite(by_torch(module, given)).all()


def test_no_passages_no_scores():
    assert ebcar(tensors(network()), SIZES, inputs(0)).shape == (0,)


def test_a_document_beyond_the_table_has_no_row_yet_keeps_its_company():
    module, given = network(), inputs(4)
    none = tensors(network(replace(SIZES, use_documents=False)))
    none = {name: tensors(module)[name] for name in none}
    beyond = replace(given, documents=np.array([3, 3, 10**9, -7]))
    expected = ebcar(none, replace(SIZES, use_documents=False), replace(given, documents=np.array([0, 0, 1, 2])))
    np.testing.assert_array_equal(ebcar(tensors(module), SIZES, beyond), expected)
    np.testing.assert_allclose(by_torch(module, beyond)[0], expected, atol=1e-5)


@pytest.mark.parametrize("place", [9, 10**9, -2, -(10**9)])
def test_a_place_beyond_the_table_is_no_place(place):
    module, given = network(), inputs(4)
    unknown = replace(given, positions=np.full(4, -1))
    beyond = replace(given, positions=np.full(4, place))
    expected = ebcar(tensors(module), SIZES, unknown)
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(ebcar(tensors(module), SIZES, beyond), expected)
    np.testing.assert_allclose(by_torch(module, beyond)[0], expected, atol=1e-5)
    last = ebcar(tensors(module), SIZES, replace(given, positions=np.full(4, 8)))
    assert np.abs(last - expected).max() > 1e-3


def test_places_have_rows_of_length_1():
    table = sinusoids(50, 12)
    np.testing.assert_allclose(np.linalg.norm(table[:50], axis=1), 1.0, atol=1e-6)
    assert not table[50].any()
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1.0


def test_many_passages_go_in_blocks(monkeypatch):
    weights, given = tensors(network()), inputs(9)
    whole = ebcar(weights, SIZES, given)
    monkeypatch.setattr(arrays, "_SCORES", 2 * 10 * 3)  # three rows at a time
    np.testing.assert_allclose(ebcar(weights, SIZES, given), whole, atol=1e-5)


def test_nothing_given_is_changed():
    weights, given = tensors(network()), inputs(9)
    before = {name: tensor.copy() for name, tensor in (weights | vars(given)).items()}
    ebcar(weights, SIZES, given)
    for name, tensor in (weights | vars(given)).items():
        np.testing.assert_array_equal(tensor, before[name])


def test_documents_are_numbered_as_they_appear():
    assert relative_documents(["b", "a", None, "b", None, 0]).tolist() == [0, 1, 2, 0, 3, 4]
    assert relative_documents([]).dtype == np.int64


def batch_of(*documents):
    lists = [replace(inputs(len(ids)), documents=np.array(ids)) for ids in documents]
    return collate(lists)


def drawn(*documents, rows, seed=0):
    return relabelled(batch_of(*documents), torch.Generator().manual_seed(seed), rows).documents.numpy()


def test_relabelling_keeps_equal_documents_equal_and_others_apart():
    ids = [0, 1, 0, 2, 1, 3]
    for seed in range(20):
        row = drawn(ids, rows=8, seed=seed)[0]
        assert len(set(zip(ids, row.tolist(), strict=True))) == len(set(row.tolist())) == 4
        assert row.min() >= 0
        assert row.max() < 8


def test_relabelling_reaches_every_row_with_each_document():
    seen = {(i, label) for seed in range(200) for i, label in enumerate(drawn([0, 1], rows=4, seed=seed)[0].tolist())}
    assert seen == {(i, label) for i in range(2) for label in range(4)}


def test_documents_beyond_the_rows_get_none_and_no_other_list_suffers():
    surplus = set()
    for seed in range(50):
        many, few = drawn(list(range(7)), [0, 1, 2], rows=3, seed=seed)
        assert sorted(many.tolist()) == list(range(7))
        surplus |= set(np.flatnonzero(many >= 3).tolist())
        assert sorted(few[:3].tolist()) == [0, 1, 2]
        assert few[3:].tolist() == [-1] * 4
    assert surplus == set(range(7))


def test_relabelling_is_the_generators_alone_and_changes_nothing_given():
    batch = batch_of([0, 1, 2], [0])
    before = batch.documents.clone()
    first, again, other = (relabelled(batch, torch.Generator().manual_seed(s), 50) for s in (1, 1, 2))
    assert torch.equal(batch.documents, before)
    assert torch.equal(first.documents, again.documents)
    assert not torch.equal(first.documents, other.documents)
    assert all(one is two for one, two in zip(first[:2] + first[3:], batch[:2] + batch[3:], strict=True))


def test_relabelled_documents_read_the_rows_they_were_given():
    module, given = network(), replace(inputs(4), documents=np.array([0, 1, 1, 2]))
    labels = relabelled(collate([given]), torch.Generator().manual_seed(1), SIZES.documents).documents[0].numpy()
    assert labels.tolist() != given.documents.tolist()
    weights = tensors(module)
    permuted = weights["documents.weight"].copy()
    permuted[labels] = weights["documents.weight"][given.documents]
    found = ebcar(weights | {"documents.weight": permuted}, SIZES, replace(given, documents=labels))
    np.testing.assert_allclose(found, ebcar(weights, SIZES, given), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"layers": -1}, {"heads": 2.0}, {"dropout": 1.0}, {"documents": True}])
def test_sizes_that_no_network_has(wrong):
    with pytest.raises(ValueError, match="sizes"):
        EbcarSizes(**{**asdict(SIZES), **wrong})


def test_tensors_of_another_network():
    weights = tensors(network())
    with pytest.raises(ValueError, match=r"documents\.weight"):
        ebcar(weights, replace(SIZES, documents=4), inputs(2))
    with pytest.raises(ValueError, match=r"layers\.2"):
        ebcar(weights, replace(SIZES, layers=3), inputs(2))


def test_vectors_of_another_width():
    with pytest.raises(ValueError, match="12 values, not 8"):
        ebcar(tensors(network()), SIZES, inputs(2, width=8))


def test_inputs_are_told_apart_by_identity():
    one, other = inputs(2), inputs(2)
    assert one != other
    assert len({one, other}) == 2
    assert len(one) == 2
