"""Training of the depth policy: parity of both forward passes, losses, reproducibility, and that it learns."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from shortlist import InputError, KeepOrder, Passage  # noqa: E402
from shortlist.algorithms.dynamic_k import DepthSizes, chances_of  # noqa: E402
from shortlist.models.trained import TrainedNetwork  # noqa: E402
from shortlist.nets.dynamic_k import DepthNetwork, collate  # noqa: E402
from shortlist.rerankers.dynamic_k import DynamicK  # noqa: E402
from shortlist.training.depth_curve import found_share, kept_at, saved_by  # noqa: E402
from shortlist.training.dynamic_k import DepthTask, train_dynamic_k  # noqa: E402
from shortlist.training.judged import JudgedList  # noqa: E402
from shortlist.training.losses import needed, reward  # noqa: E402
from shortlist.training.saving import tensors_of  # noqa: E402

QUICK = DepthTask().recipe.changed({"epochs": 3})


def lists(count=60, n=8):
    """The word of the query is in what is needed, and how many that are differs."""
    made, rng = [], np.random.default_rng(0)
    for i in range(count):
        k = int(rng.integers(1, 6))
        texts = [f"{'amber' if place < k else 'cobalt'} {i} {place}" for place in range(n)]
        made.append(JudgedList(f"amber {i}", tuple(map(Passage, texts)), tuple(int(p < k) for p in range(n))))
    return made


def test_torch_and_numpy_agree_on_padded_batches():
    sizes, rng = DepthSizes(hidden=5, vectors=False), np.random.default_rng(0)
    rows = [rng.normal(size=(n, sizes.features)).astype(np.float32) for n in (1, 4, 7)]
    network = DepthNetwork(sizes, np.concatenate(rows)).eval()
    with torch.no_grad():
        logits = network(collate(rows))
    tensors = tensors_of(network, half=False)
    assert {name: each.shape for name, each in tensors.items()} == dict(sizes.shapes())
    for row, told in zip(rows, logits, strict=True):
        np.testing.assert_allclose(chances_of(tensors, row), told[: len(row)].sigmoid().numpy(), atol=1e-5)
        assert torch.isneginf(told[len(row) :]).all()


def test_losses_are_those_of_loops():
    logits = torch.tensor([[1.0, -0.5, 0.3], [0.2, -1.0, -torch.inf]], requires_grad=True)
    grades = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    present = torch.tensor([[True, True, True], [True, True, False]])
    entropies, rewards = [], []
    for s, g, n in zip(logits.detach().tolist(), grades.tolist(), (3, 2), strict=True):
        p = [1 / (1 + np.exp(-x)) for x in s[:n]]
        entropies.append(-np.mean([np.log(a if b > 0 else 1 - a) for a, b in zip(p, g[:n], strict=True)]))
        worth = [sum(p[:k]) / sum(p) - 0.03 * k for k in range(1, n + 1)]
        policy = np.exp(np.array(worth) / 0.02)
        policy /= policy.sum()
        wanted = [x > 0 for x in g[:n]]
        rewards.append(sum(policy[k - 1] * (sum(wanted[:k]) / sum(wanted) - 0.03 * k) for k in range(1, n + 1)))
    assert needed(logits, grades, present).item() == pytest.approx(np.mean(entropies), abs=1e-5)
    loss = reward(logits, grades, present)
    assert loss.item() == pytest.approx(-np.mean(rewards), abs=1e-5)
    loss.backward()
    assert torch.isfinite(logits.grad[present]).all()


def test_curve_is_read_off_what_nothing_dominates():
    grades = [np.array([1, 0, 0, 1]), np.array([0, 1, 0, 0])]
    curve = [found_share([k, k], grades) for k in (1, 2, 3, 4)]  # shares .25, .75, .75, 1
    assert kept_at(curve, 0.75) == 2.0
    assert kept_at(curve, 0.5) == 1.5
    assert kept_at(curve, 0.875) == 3.0
    assert np.isnan(kept_at(curve[:2], 0.9))
    own = [found_share([4, 2], grades)]
    assert saved_by(own, curve, levels=(1.0,))["1"]["saved"] == 0.25


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["needed", "reward"])
def test_trains_reproducibly_and_saves(tmp_path, loss):
    recipe, given = QUICK.changed({"loss": loss}), {"vectors": False}
    for name in ("a", "b"):
        outcome = train_dynamic_k(
            lists(), KeepOrder(), None, tmp_path / name / "net", recipe, sizes=given, command="as before"
        )
    one, other = (tmp_path / name / "net" for name in ("a", "b"))
    for file in ("model.safetensors", "config.json", "README.md"):
        assert (one / file).read_bytes() == (other / file).read_bytes()
    assert "as before" in (one / "README.md").read_text()
    assert outcome.to_dict()["data"]["training"] > 0
    ranking = (KeepOrder() >> DynamicK(network=TrainedNetwork(str(one)), cost=0.2)).rank("amber", ["amber", "blue"])
    assert len(ranking) + len(ranking.dropped) == 2
    with pytest.raises(InputError, match="already"):
        train_dynamic_k(lists(), KeepOrder(), None, one, recipe, sizes=given)


@pytest.mark.slow
def test_learns_how_many_are_needed(tmp_path):
    recipe = DepthTask().recipe.changed({"epochs": 30, "rate": 0.01})
    train_dynamic_k(lists(120), KeepOrder(), None, tmp_path / "net", recipe, sizes={"vectors": False})
    cut = KeepOrder() >> DynamicK(network=TrainedNetwork(str(tmp_path / "net")), cost=0.05)
    right = [len(cut.rank(each.query, each.passages)) == sum(each.grades) for each in lists(30)]
    assert np.mean(right) > 0.8


def test_sizes_that_make_no_sense(tmp_path):
    with pytest.raises(InputError, match="embedder"):
        train_dynamic_k(lists(), KeepOrder(), None, tmp_path / "net", sizes={"vectors": True})
    with pytest.raises(InputError, match="sizes"):
        train_dynamic_k(lists(), KeepOrder(), None, tmp_path / "net", sizes={"depth": 3})
