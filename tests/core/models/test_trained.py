"""Folders of trained networks: what is written is read, and what does not fit is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from shortlist import InputError, TrainedNetwork, WeightsError
from shortlist.algorithms.ebcar import EbcarInputs, EbcarSizes, ebcar
from shortlist.algorithms.graph_network import GraphInputs, GraphSizes, graph_network
from shortlist.algorithms.guard import Guard
from shortlist.algorithms.hybrank import HybridInputs, HybridSizes, hybrank
from shortlist.models import trained as module
from shortlist.models.base import VectorSpace
from shortlist.models.trained import ARCHITECTURES, CONFIG, WEIGHTS, Trained, save
from shortlist.plan import Call

RNG = np.random.default_rng(0)
QUERY, ROWS = RNG.normal(size=4).astype(np.float32), RNG.normal(size=(3, 4)).astype(np.float32)
EDGES = (np.array([0]), np.array([2]), np.array([[0.5, 0.25]]))
CASES = {
    "ebcar": (EbcarSizes(4, 2, 2, 6, 2, 3), EbcarInputs(QUERY, ROWS, np.array([0, 1, 0]), np.array([0, -1, 2])), ebcar),
    "g-rag": (GraphSizes(4, 5, sage=True), GraphInputs(QUERY, ROWS, *EDGES), graph_network),
    "hybrid": (
        HybridSizes(8, 2, 12, positions=9),
        HybridInputs(QUERY[:3], ROWS[:, :3], QUERY[1:], ROWS[:, 1:]),
        hybrank,
    ),
}
every_network = pytest.mark.parametrize("name", sorted(CASES))


def written(folder, name, **changes):
    sizes = CASES[name][0]
    rng = np.random.default_rng(1)
    tensors = {key: rng.normal(0.0, 0.5, shape).astype(np.float32) for key, shape in sizes.shapes().items()}
    save(folder, replace(Trained(name, sizes, Guard(0.25, 0.5, 0.01)), **changes), tensors, half=False)
    return tensors


@every_network
def test_what_is_written_is_read(tmp_path, name):
    tensors = written(tmp_path, name)
    sizes, inputs, forward = CASES[name]
    network = TrainedNetwork(str(tmp_path))
    (reply,) = network.answer([inputs], Call())
    np.testing.assert_array_equal(reply.value, forward(tensors, sizes, inputs))
    assert np.ptp(reply.value) > 0.0
    assert (network.network, network.guard, network.vectors) == (name, Guard(0.25, 0.5, 0.01), None)
    assert network.trained.sizes == sizes


@every_network
def test_the_network_is_prepared_once(tmp_path, name, monkeypatch):
    written(tmp_path, name)
    made = []
    counting = replace(ARCHITECTURES[name], ready=lambda *given: made.append(1) or ARCHITECTURES[name].ready(*given))
    monkeypatch.setattr(module, "ARCHITECTURES", {name: counting})
    network = TrainedNetwork(str(tmp_path))
    network.warm_up()
    for _ in range(2):
        network.answer([CASES[name][1]] * 2, Call())
    assert made == [1]


@every_network
def test_everybody_may_read_the_files(tmp_path, name):
    written(tmp_path / "made", name)
    assert [path.name for path in sorted((tmp_path / "made").iterdir())] == [CONFIG, WEIGHTS]
    reference = tmp_path / "plain"
    reference.write_text("")
    assert {path.stat().st_mode for path in (tmp_path / "made").iterdir()} == {reference.stat().st_mode}


@every_network
def test_tensors_that_do_not_fit_the_sizes_are_refused(tmp_path, name):
    written(tmp_path, name)
    whole = load_file(tmp_path / WEIGHTS)
    first = min(whole)
    for tensors, words in (
        ({key: array for key, array in whole.items() if key != first}, f"missing or of another shape: {first}"),
        ({**whole, first: np.zeros((7, 7), np.float32)}, f"missing or of another shape: {first}"),
        ({**whole, "more": np.zeros(1, np.float32)}, "no such network has: more"),
    ):
        module.read.cache_clear()
        save_file(tensors, tmp_path / WEIGHTS)
        with pytest.raises(WeightsError, match=words):
            TrainedNetwork(str(tmp_path)).warm_up()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2}, {"network": "none"}, {"sizes": {"width": 0}}, {"sizes": {"wide": 1}}, {"sizes": 3},
        {"guard": {"share": 1}}, {"embedder": {"names": ["static"], "fingerprint": "f"}},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(tmp_path, changes):
    written(tmp_path, "g-rag")
    config = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps({**config, **changes}))
    module.read.cache_clear()
    with pytest.raises(WeightsError, match="no readable trained network"):
        TrainedNetwork(str(tmp_path)).warm_up()


def test_whose_vectors_it_reads_is_kept(tmp_path):
    probe = np.array([0.6, 0.8, 0.0, 0.0], np.float32)
    written(tmp_path, "g-rag", vectors=VectorSpace(("static", "s"), "print", probe))
    space = TrainedNetwork(str(tmp_path)).vectors
    assert (space.names, space.fingerprint) == (("static", "s"), "print")
    np.testing.assert_array_equal(space.probe, probe)


def test_names_that_are_no_folder(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        TrainedNetwork("no such network")
    with pytest.raises(WeightsError, match="no readable trained network"):
        TrainedNetwork(str(tmp_path)).warm_up()
