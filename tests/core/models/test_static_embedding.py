"""The static embedder's arithmetic, the reading of its files, and what is shipped."""

import hashlib
import json
import math
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shortlist.models
from shortlist.algorithms.static_embedding import embed_bags
from shortlist.errors import WeightsError
from shortlist.models.static_weights import encode, load_static

SHIPPED = Path(shortlist.models.__file__).parent / "static"

VECTORS = np.array([[127, 0, 0], [0, 64, 0], [3, -4, 100]], dtype=np.int8)
SCALES = np.array([0.5, 0.25, 2.0], dtype=np.float32)


@pytest.fixture(scope="module")
def weights():
    return load_static(SHIPPED)


def slow(tokens):
    """Equation by equation: sum over distinct tokens of (1 + ln count) * scale * vector, made length 1."""
    total = [0.0, 0.0, 0.0]
    for token in set(tokens):
        times = 1 + math.log(tokens.count(token))
        for k in range(3):
            total[k] += times * float(SCALES[token]) * int(VECTORS[token][k])
    length = math.sqrt(sum(x * x for x in total))
    return [x / length for x in total] if length else total


@given(st.lists(st.lists(st.integers(0, 2), max_size=30), max_size=8))
def test_equals_the_slow_reference(texts):
    expected = np.array([slow(text) for text in texts]).reshape(len(texts), 3)
    np.testing.assert_allclose(embed_bags(texts, VECTORS, SCALES), expected, atol=1e-6)


def test_a_text_of_no_tokens_is_the_zero_vector_and_the_others_have_length_one():
    rows = embed_bags([[], [0, 1], []], VECTORS, SCALES)
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([0, 1, 0])
    assert rows.dtype == np.float32
    assert embed_bags([], VECTORS, SCALES).shape == (0, 3)


def test_tokens_that_cancel_give_zero_and_not_nan():
    opposite = np.array([[100], [-100]], dtype=np.int8)
    assert embed_bags([[0, 1]], opposite, np.ones(2, dtype=np.float32)).tolist() == [[0.0]]


def test_inputs_are_not_changed():
    texts, vectors, scales = [[0, 0, 2], []], VECTORS.copy(), SCALES.copy()
    embed_bags(texts, vectors, scales)
    assert texts == [[0, 0, 2], []]
    assert (vectors == VECTORS).all()
    assert (scales == SCALES).all()


def test_what_is_shipped_is_small_and_whole(weights):
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 8_000_000
    assert weights.vectors.dtype == np.int8
    assert weights.vectors.shape == (len(weights.vocabulary), 256)
    assert np.isfinite(weights.scales).all()
    assert (weights.scales > 0).all()
    assert len(set(weights.vocabulary)) == len(weights.vocabulary)


def test_config_names_the_teacher_and_what_was_not_trained_on():
    config = json.loads((SHIPPED / "config.json").read_text(encoding="utf-8"))
    assert config["teacher_sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert config["teacher_licence"] == "Apache-2.0"
    assert "MS MARCO" in config["not_trained_on"]
    assert not any("MARCO" in source for source in config["training_sources"])


@pytest.mark.parametrize(
    ("query", "right", "wrong"),
    [
        ("what causes ocean tides", "The moon's gravity pulls on the sea.", "The parliament passed a budget law."),
        ("how do I sort a list in Python", "Call sorted(items) to order a list.", "The python is a large snake."),
        ("car repair", "The mechanic fixed the automobile's engine.", "She baked bread with rye flour."),
    ],
)
def test_related_texts_are_nearer_than_unrelated_ones(weights, query, right, wrong):
    rows, _ = encode(weights, [query, right, wrong])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


@pytest.mark.parametrize("text", ["", " \n", "👩‍🚀", "日本語", "שלום", "é" * 5000, "a" * 100_000, "word " * 50_000])
def test_any_text_gives_a_finite_vector_that_does_not_depend_on_its_company(weights, text):
    alone, count = encode(weights, [text])
    company, counts = encode(weights, ["Something else.", text, "And more."])
    assert np.isfinite(alone).all()
    assert (alone[0] == company[1]).all()
    assert count[0] == counts[1] == len(weights.tokenizer.encode(text))


def test_no_texts(weights):
    rows, counts = encode(weights, [])
    assert (rows.shape, counts.shape) == ((0, 256), (0,))


def test_weights_pickle(weights):
    again = pickle.loads(pickle.dumps(weights))
    assert (encode(again, ["tides"])[0] == encode(weights, ["tides"])[0]).all()


def test_digest_follows_the_files(weights, tmp_path):
    copy = shutil.copytree(SHIPPED, tmp_path / "copy")
    assert load_static(copy).digest == weights.digest
    with np.load(copy / "static.npz") as arrays:
        np.savez(copy / "static.npz", vectors=arrays["vectors"], scales=arrays["scales"] * 2)
    assert load_static(copy).digest != weights.digest


def _folder(path, vocabulary="[UNK]\na\n", vectors=VECTORS[:2], scales=SCALES[:2]):
    path.mkdir()
    (path / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    np.savez(path / "static.npz", vectors=vectors, scales=scales)
    return path


def test_a_good_folder_is_read(tmp_path):
    assert load_static(_folder(tmp_path / "good")).vocabulary == ("[UNK]", "a")


@pytest.mark.parametrize(
    "damage",
    [
        {"vocabulary": "[UNK]\na\nb\n"},
        {"vocabulary": "a\nb\n"},
        {"scales": SCALES},
        {"vectors": np.array([["x"], ["y"]], dtype=object)},
        {"vectors": VECTORS[:2].astype(np.float64)},
        {"vectors": np.int8(3)},
    ],
    ids=["vocabulary too long", "no unknown token", "scales too long", "pickled objects", "wrong type", "no rows"],
)
def test_a_damaged_folder_is_a_weights_error(tmp_path, damage):
    with pytest.raises(WeightsError):
        load_static(_folder(tmp_path / "bad", **damage))


@pytest.mark.parametrize("name", ["static.npz", "vocab.txt"])
def test_a_missing_or_cut_file_is_a_weights_error(tmp_path, name):
    folder = _folder(tmp_path / "cut")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2] if name == "static.npz" else b"\xff\xfe\xff")
    with pytest.raises(WeightsError):
        load_static(folder)
    (folder / name).unlink()
    with pytest.raises(WeightsError):
        load_static(folder)


def test_reading_never_unpickles(tmp_path):
    folder = _folder(tmp_path / "pickle", vectors=np.array([{"a": 1}, {"b": 2}], dtype=object))
    with pytest.raises(WeightsError, match="allow_pickle"):
        load_static(folder)


def test_shipped_files_are_the_ones_that_the_script_wrote():
    config = json.loads((SHIPPED / "config.json").read_text(encoding="utf-8"))
    found = {name: hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() for name in ("static.npz", "vocab.txt")}
    assert config["sha256"] == found
