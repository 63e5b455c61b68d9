"""Golden values of both forms, and every term against sums written out by hand."""

import pytest

from shortlist import InputError
from shortlist.algorithms.flops import (
    Shape,
    decoder_flops,
    encoder_decoder_flops,
    encoder_flops,
    flops,
    flops_of_calls,
)

QWEN_7B = Shape("decoder", 28, 3584, 18944, heads=28, kv_heads=4, gated=True, vocab=152_064)
QWEN_3B = Shape("decoder", 36, 2048, 11008, heads=16, kv_heads=2, gated=True, vocab=151_936)
FLAN_XL = Shape("encoder-decoder", 24, 2048, 5120, heads=32, head_dim=64, gated=True, vocab=32_128)
MINILM = Shape("encoder", 12, 384, 1536, heads=12, vocab=30_522)


def test_golden_values():
    assert flops(QWEN_7B, 200, 1, mode="paper") == pytest.approx(1.86124e12, rel=1e-6)
    assert flops(QWEN_7B, 200, 1) == pytest.approx(2.63930e12, rel=1e-6)


def test_paper_is_too_low_by_what_the_authors_own_measurements_say():
    """Mean lengths of setwise prompts; measured over paper is 1.41 for Qwen2.5-3B, 1.40 for 7B, 1.22 for Flan-T5."""
    for shape, ratio in ((QWEN_3B, 1.41), (QWEN_7B, 1.40), (FLAN_XL, 1.22)):
        assert flops(shape, 500, 1) / flops(shape, 500, 1, mode="paper") == pytest.approx(ratio, rel=0.03)


def test_both_forms_are_one_for_a_plain_model_without_sharing():
    plain = Shape("decoder", 5, 8, 12, heads=2, vocab=50)
    for args in ((17, 0), (17, 4), (1, 1)):
        assert flops(plain, *args) == pytest.approx(flops(plain, *args, mode="paper"))
    both = Shape("encoder-decoder", 5, 8, 12, heads=2, vocab=50)
    assert flops(both, 17, 4) == pytest.approx(flops(both, 17, 4, mode="paper"))
    assert flops(MINILM, 160) == flops(MINILM, 160, mode="paper")


def test_an_encoder_by_hand():
    shape = Shape("encoder", 5, 2, 3, heads=1, vocab=9)
    # a layer: 4 projections of 2x2 and 2 matrices of 2x3 at 2 operations a weight and token, 2 products of 7x7x2
    assert encoder_flops(shape, 7) == 5 * (7 * 2 * (4 * 4 + 2 * 6) + 2 * 2 * 7 * 7 * 2)


def test_a_decoder_by_hand():
    shape = Shape("decoder", 3, 8, 10, heads=4, kv_heads=2, head_dim=3, gated=True, vocab=9)
    weights = 8 * 12 + 2 * 8 * 6 + 12 * 8 + 3 * 8 * 10
    written = sum(2 * weights + 4 * 12 * (7 + i) for i in range(4))
    assert decoder_flops(shape, 7, 4) == 3 * (7 * 2 * weights + 4 * 12 * 49 + written)


def test_an_encoder_decoder_by_hand():
    shape = Shape("encoder-decoder", 2, 8, 10, heads=2, head_dim=3, decoder_layers=3, vocab=9)
    weights, projected = 4 * 8 * 6 + 2 * 8 * 10, 8 * 6
    read = 2 * (7 * 2 * weights + 4 * 6 * 49)
    crossed = 2 * 2 * 7 * projected
    written = sum(2 * (weights + 2 * projected) + 4 * 6 * (7 + i) for i in range(4))
    assert encoder_decoder_flops(shape, 7, 4) == read + 3 * (crossed + written)


def test_the_output_head_is_what_is_asked_of_it():
    for shape in (QWEN_7B, FLAN_XL, MINILM):
        assert flops(shape, 9, logits=5) - flops(shape, 9) == 2 * 5 * shape.width


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_a_prefix_is_read_once_and_still_attended_to(mode):
    apart = flops(QWEN_7B, 200, mode=mode)
    rest = flops(QWEN_7B, 200, prefix=120, mode=mode)
    assert flops(QWEN_7B, 200, prefix=0, mode=mode) == apart
    assert flops(QWEN_7B, 80, mode=mode) < rest < apart
    # Read in two parts, what is masked out of the square of all pairs is not computed: 120 x 80 of 200 x 200.
    shared = 4 if mode == "exact" else 4 / 7
    assert rest + flops(QWEN_7B, 120, mode=mode) == pytest.approx(apart - 28 * shared * 3584 * 120 * 80)
    calls = flops_of_calls(QWEN_7B, 116, 200, 1, prefix=120, mode=mode)
    each = flops(QWEN_7B, 200, 1, prefix=120, mode=mode)
    assert calls == pytest.approx(116 * each + flops(QWEN_7B, 120, mode=mode))
    assert calls < 0.5 * flops_of_calls(QWEN_7B, 116, 200, 1, mode=mode)


def test_what_reads_both_ways_reuses_nothing():
    for shape in (FLAN_XL, MINILM):
        assert flops_of_calls(shape, 7, 200, 1, prefix=120) == 7 * flops(shape, 200, 1)
    assert flops(MINILM, 200, 9) == flops(MINILM, 200)


def test_nothing_costs_nothing():
    for shape in (QWEN_7B, FLAN_XL, MINILM):
        assert flops(shape, 0) == flops_of_calls(shape, 0, 200, 1, prefix=120) == 0.0


def test_what_is_left_out_of_a_shape():
    shape = Shape("decoder", 2, 12, 5, heads=3, vocab=9)
    assert (shape.kv_heads, shape.head_dim, shape.inner, shape.decoder_layers) == (3, 4, 12, 0)
    assert Shape("encoder-decoder", 2, 12, 5, heads=3, vocab=9).decoder_layers == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "mixture"},
        {"layers": 0},
        {"width": -1},
        {"ff": 2.5},
        {"heads": True},
        {"vocab": None},
        {"kv_heads": 2},
        {"kv_heads": -1},
        {"heads": 5},
        {"relative": -2},
    ],
)
def test_a_size_that_is_none_is_refused(bad):
    sizes = {"kind": "decoder", "layers": 2, "width": 12, "ff": 5, "heads": 3, "vocab": 9}
    with pytest.raises(InputError):
        Shape(**{**sizes, **bad})


@pytest.mark.parametrize("bad", [(-1, 0, 0), (5, -1, 0), (5, 0, -1), (5, 0, 6)])
def test_a_length_that_is_none_is_refused(bad):
    prompt, output, prefix = bad
    with pytest.raises(InputError):
        flops(QWEN_7B, prompt, output, prefix=prefix)
    with pytest.raises(InputError):
        flops_of_calls(QWEN_7B, -1, 5)
