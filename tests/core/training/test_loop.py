"""The loop on lists so small that it can learn them by heart, stop, be killed, and begin again."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from shortlist import InputError, ModelError, WeightsError  # noqa: E402
from shortlist.training.checkpoint import Checkpoint  # noqa: E402
from shortlist.training.loop import fit  # noqa: E402
from shortlist.training.recipe import Recipe  # noqa: E402
from shortlist.training.task import Example  # noqa: E402
from shortlist.training.tasks import TASKS  # noqa: E402
from shortlist.training.vectors import prior_of  # noqa: E402

KINDS = [*TASKS]


@pytest.fixture
def examples(learning):
    def made(kind, count, seed=0):
        lists = learning.judged_lists(count, seed)
        vectors = learning.arbitrary_vectors(lists, seed=seed)
        return [
            Example(TASKS[kind]().inputs(each, vectors), np.array(each.grades), prior_of(each, vectors))
            for each in lists
        ]

    return made


@pytest.fixture
def sizes(learning):
    def made(kind, **given):
        return dataclasses.replace(TASKS[kind]().sizes(12), **learning.SMALL[kind] | given)

    return made


def weights(fitted):
    return {name: tensor.clone() for name, tensor in fitted.network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["cross-entropy", "hinge"])
def test_every_network_learns_a_few_lists_by_heart(kind, loss, examples, sizes):
    few, more = examples(kind, 6), {"g-rag": {"sage": True, "hidden": 32}}.get(kind, {})
    recipe = Recipe(loss, epochs=80, batch=3, rate=0.01, patience=80, watch="ndcg")
    fitted = fit(TASKS[kind](), sizes(kind, dropout=0.0, **more), few, few, recipe)
    assert fitted.best.held_ndcg > max(0.95, fitted.history[0].held_ndcg)
    assert fitted.history[-1].held_loss < fitted.history[0].held_loss / 2


class Killed(Exception):
    pass


def killed_in(epoch):
    def progress(at):
        if (at.epoch, at.done) >= (epoch, 0.5):
            raise Killed

    return progress


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_that_goes_on_ends_with_the_same_weights(kind, examples, sizes, tmp_path):
    task, lists, held = TASKS[kind](), examples(kind, 9), examples(kind, 4, seed=1)
    recipe = Recipe(epochs=5, batch=4, rate=0.01, warm_up=1.0, cosine=True, clip=1.0, weight_decay=1e-3, seed=3)
    whole = fit(task, sizes(kind), lists, held, recipe)
    checkpoint = Checkpoint(tmp_path / "new" / "checkpoint.safetensors", "this run")
    for epoch in (1, 3, 4):
        with pytest.raises(Killed):
            fit(task, sizes(kind), lists, held, recipe, checkpoint=checkpoint, progress=killed_in(epoch))
    seen = []
    resumed = fit(task, sizes(kind), lists, held, recipe, checkpoint=checkpoint, progress=seen.append)
    assert {at.epoch for at in seen} == {4, 5}
    assert same(weights(whole), weights(resumed))
    assert resumed.history == whole.history
    again = fit(task, sizes(kind), lists, held, recipe, checkpoint=checkpoint, progress=killed_in(0))
    assert same(weights(whole), weights(again))


def test_a_checkpoint_of_another_run_or_a_broken_one_is_refused(examples, sizes, tmp_path):
    lists, path = examples("g-rag", 4), tmp_path / "checkpoint.safetensors"
    recipe = Recipe(epochs=1)
    fit(TASKS["g-rag"](), sizes("g-rag"), lists, lists, recipe, checkpoint=Checkpoint(path, "one"))
    with pytest.raises(InputError, match="other data or settings"):
        Checkpoint(path, "another").load()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WeightsError, match=r"cannot read checkpoint\.safetensors"):
        Checkpoint(path, "one").load()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_the_callers_random_numbers_are_left_alone(kind, examples, sizes):
    task, lists, held = TASKS[kind](), examples(kind, 6), examples(kind, 3, seed=1)
    torch.manual_seed(11)
    state = torch.random.get_rng_state()
    first = fit(task, sizes(kind), lists, held, Recipe(epochs=2, batch=4, seed=5))
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(12)
    assert same(weights(first), weights(fit(task, sizes(kind), lists, held, Recipe(epochs=2, batch=4, seed=5))))
    assert not same(weights(first), weights(fit(task, sizes(kind), lists, held, Recipe(epochs=2, batch=4, seed=6))))


@pytest.mark.parametrize("watch", ["loss", "ndcg"])
def test_training_stops_when_the_held_out_lists_get_no_better_and_keeps_the_best(watch, examples, sizes):
    task, lists, held = TASKS["ebcar"](), examples("ebcar", 8), examples("ebcar", 8, seed=1)
    recipe = Recipe(epochs=60, batch=4, rate=0.02, patience=4, watch=watch)
    fitted = fit(task, sizes("ebcar"), lists, held, recipe)
    assert len(fitted.history) == fitted.best.number + 4 < 60
    if watch == "loss":
        assert fitted.best.held_loss == min(each.held_loss for each in fitted.history)
    else:
        assert fitted.best.held_ndcg == max(each.held_ndcg for each in fitted.history)
    cut = fit(task, sizes("ebcar"), lists, held, dataclasses.replace(recipe, epochs=fitted.best.number))
    assert same(weights(fitted), weights(cut))


def test_lists_without_a_relevant_passage_are_counted_and_change_nothing(examples, sizes):
    task, lists, held = TASKS["g-rag"](), examples("g-rag", 5), examples("g-rag", 3, seed=1)
    empty = [each._replace(grades=np.zeros_like(each.grades)) for each in examples("g-rag", 2, seed=2)]
    recipe = Recipe(epochs=2, batch=2)
    plain = fit(task, sizes("g-rag"), lists, held, recipe)
    mixed = fit(task, sizes("g-rag"), [empty[0], *lists], [*held, empty[1]], recipe)
    assert (plain.skipped, mixed.skipped) == (0, 2)
    assert same(weights(plain), weights(mixed))
    assert plain.history == mixed.history
    for arguments in ((empty, held), (lists, empty)):
        with pytest.raises(InputError, match="with a relevant passage"):
            fit(task, sizes("g-rag"), *arguments, recipe)


def test_a_loss_that_is_not_finite_ends_the_run(examples, sizes):
    lists = examples("g-rag", 4)
    with pytest.raises(ModelError, match="came apart in epoch"):
        fit(TASKS["g-rag"](), sizes("g-rag"), lists, lists, Recipe(epochs=50, rate=1e30))


def test_held_out_figures_do_not_depend_on_the_batch(examples, sizes):
    lists = examples("ebcar", 7)
    recipe = Recipe(epochs=1, batch=100, rate=1e-9)
    one = fit(TASKS["ebcar"](), sizes("ebcar"), lists[:1], lists, recipe).best
    other = fit(TASKS["ebcar"](), sizes("ebcar"), lists[:1], lists, dataclasses.replace(recipe, batch=1)).best
    assert one.held_loss == pytest.approx(other.held_loss, abs=1e-6)
    assert one.held_ndcg == pytest.approx(other.held_ndcg, abs=1e-9)


def test_ebcar_sees_its_passages_in_another_order_with_their_grades(examples):
    example = examples("ebcar", 1)[0]
    rng = np.random.default_rng(0)
    rows = {tuple(v): told for v, *told in _rows(example)}
    orders = set()
    for _ in range(20):
        varied = TASKS["ebcar"]().varied(example, rng)
        assert {tuple(v): told for v, *told in _rows(varied)} == rows
        orders.add(tuple(varied.inputs.vectors[:, 0].tolist()))
    assert len(orders) > 1


def _rows(example):
    arrays = (example.inputs.vectors, example.inputs.documents, example.inputs.positions, example.grades, example.prior)
    return zip(*(array.tolist() for array in arrays), strict=True)


def test_ebcar_draws_the_documents_ids_anew_in_training_only(examples, sizes):
    inputs = [each.inputs for each in examples("ebcar", 3)]
    task, shape, rng = TASKS["ebcar"](), sizes("ebcar"), np.random.default_rng(0)
    plain = task.batch(inputs, shape, None).documents
    assert torch.equal(plain, task.batch(inputs, shape, None).documents)
    drawn = [task.batch(inputs, shape, rng).documents for _ in range(20)]
    assert len({tuple(each.flatten().tolist()) for each in drawn}) > 10
    assert max(each.max().item() for each in drawn) == shape.documents - 1


@pytest.mark.parametrize(
    "given",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"batch": "x"},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"temperature": -1.0},
        {"patience": 0},
        {"seed": -1},
        {"clip": 0.0},
        {"loss": "mse"},
        {"watch": "mrr"},
        {"weight_decay": -0.1},
        {"cosine": 1},
    ],
)
def test_a_recipe_says_what_it_cannot_have(given):
    with pytest.raises(InputError, match=f"cannot have {next(iter(given))}"):
        Recipe(**given)
    with pytest.raises(InputError):
        Recipe().changed(given)


def test_a_recipe_knows_its_names():
    assert Recipe().changed({"epochs": 3}) == Recipe(epochs=3)
    with pytest.raises(InputError, match="has no 'speed'; it has loss, epochs"):
        Recipe().changed({"speed": 3})


def test_the_rate_rises_then_falls_along_a_cosine():
    plain, curved = Recipe(rate=2.0), Recipe(rate=2.0, epochs=12, warm_up=2.0, cosine=True)
    assert {plain.rate_at(x) for x in (0.0, 0.5, 7.0, 100.0)} == {2.0}
    assert [curved.rate_at(x) for x in (0.0, 1.0, 2.0, 7.0, 12.0)] == pytest.approx([0.0, 1.0, 2.0, 1.0, 0.0])
    assert curved.rate_at(4.5) == pytest.approx(1 + np.cos(np.pi / 4))
