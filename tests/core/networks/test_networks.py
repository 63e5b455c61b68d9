"""The pieces of Transformers against torch's."""

from __future__ import annotations

import numpy as np
import pytest

from shortlist.algorithms.networks import attention, gelu, layer_norm, linear, relu, softmax

torch = pytest.importorskip("torch")
F = torch.nn.functional
RNG = np.random.default_rng(5)


def normal(*shape, size=1.0):
    return (RNG.standard_normal(shape) * size).astype(np.float32)


def same(ours, theirs, tolerance=2e-6):
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.numpy(), atol=tolerance, rtol=tolerance)


def tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_maps_and_norms(lead):
    x, weight, bias, scale, shift = normal(*lead, 5, 8), normal(6, 8), normal(6), normal(8), normal(8)
    same(linear(x, weight, bias), F.linear(*tensors(x, weight, bias)))
    same(layer_norm(x, scale, shift), F.layer_norm(torch.from_numpy(x), (8,), *tensors(scale, shift)))
    same(relu(x), F.relu(torch.from_numpy(x)))
    same(gelu(x), F.gelu(torch.from_numpy(x), approximate="tanh"))
    same(softmax(x), F.softmax(torch.from_numpy(x), dim=-1))


def test_a_norm_far_from_zero_keeps_its_digits():
    x = normal(4, 64) + np.float32(1000.0)
    ones, zeros = np.ones(64, dtype=np.float32), np.zeros(64, dtype=np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(-1, keepdims=True)) / np.sqrt(exact.var(-1, keepdims=True) + 1e-5)
    assert np.abs(layer_norm(x, ones, zeros) - exact).max() < 1e-3


def test_a_constant_row_has_a_norm_of_zeros():
    assert not layer_norm(np.zeros((2, 4), np.float32), np.ones(4, np.float32), np.zeros(4, np.float32)).any()


# At 60 standard deviations exp would overflow, and rows vanish, without the largest of each row taken away.
@pytest.mark.parametrize("size", [1.0, 6.0, 60.0])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_attention(lead, masked, size):
    heads, head, n, m = 4, 8, 5, 7
    queries, keys, values = normal(*lead, n, 32, size=size), normal(*lead, m, 32, size=size), normal(*lead, m, 32)
    mask = RNG.random((n, m)) < 0.5
    mask[:, 2] = True
    split = [x.unflatten(-1, (heads, head)).transpose(-2, -3) for x in tensors(queries, keys, values)]
    expected = F.scaled_dot_product_attention(*split, attn_mask=torch.from_numpy(mask) if masked else None)
    found = attention(queries, keys, values, heads, mask if masked else None)
    same(found, expected.transpose(-2, -3).flatten(-2), 1e-5 * size)


def test_attention_reads_what_it_may_though_all_else_is_far_above():
    queries = np.full((1, 2), 30.0, dtype=np.float32)
    keys = np.array([[30.0, 30.0], [-30.0, -30.0]], dtype=np.float32)
    values = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    found = attention(queries, keys, values, 1, np.array([[False, True]]))
    np.testing.assert_array_equal(found, [[3.0, 4.0]])


def test_nothing_given_is_changed():
    arrays = [normal(5, 32) for _ in range(3)]
    before = [array.copy() for array in arrays]
    attention(*arrays, 4, np.tri(5, dtype=bool))
    for function in (relu, gelu, softmax):
        function(arrays[0])
    linear(arrays[0], normal(6, 32), normal(6))
    layer_norm(arrays[0], normal(32), normal(32))
    for array, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, was)
