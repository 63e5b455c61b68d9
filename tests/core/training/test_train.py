"""From lists to a folder: what is written there is what was trained, what was measured, and what can be read again."""

import dataclasses
import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file  # noqa: E402

from shortlist import InputError, ModelError, Passage, WeightsError  # noqa: E402
from shortlist.algorithms.guard import guarded  # noqa: E402
from shortlist.graphs import Amr, Metadata  # noqa: E402
from shortlist.models.base import Embedder  # noqa: E402
from shortlist.models.fakes import FailingEmbedder  # noqa: E402
from shortlist.models.static_embedder import StaticEmbedder  # noqa: E402
from shortlist.models.trained import TrainedNetwork  # noqa: E402
from shortlist.plan import Call, Reply  # noqa: E402
from shortlist.training.figures import figures  # noqa: E402
from shortlist.training.judged import JudgedList  # noqa: E402
from shortlist.training.parts import split  # noqa: E402
from shortlist.training.recipe import Recipe  # noqa: E402
from shortlist.training.tasks import TASKS, GRagTask  # noqa: E402
from shortlist.training.train import CHECKPOINT, train  # noqa: E402
from shortlist.training.vectors import embedded, prior_of  # noqa: E402

KINDS = [*TASKS]
RECIPE = Recipe(epochs=3, batch=8, rate=0.01, seed=2)


@pytest.fixture
def lists(learning):
    return learning.judged_lists(30)


@pytest.fixture
def run(learning, lists, tmp_path):
    def made(kind="ebcar", folder="net", **given):
        settings = {"embedder": StaticEmbedder(), "recipe": RECIPE, "sizes": learning.SMALL[kind], "lists": lists}
        settings = {"task": kind, **settings, "folder": tmp_path / folder, **given}
        return train(**settings)

    return made


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def payload(kind, judged):
    return TASKS[kind]().inputs(judged, embedded([judged], StaticEmbedder()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_scores_as_the_torch_module_does(kind, run, lists):
    outcome = run(kind, half=False)
    network = TrainedNetwork(str(outcome.folder))
    assert network.network == kind
    module = TASKS[kind]().network(network.trained.sizes)
    tensors = {
        k: torch.from_numpy(v) for k, v in load_file(outcome.folder / "model.safetensors").items() if k != "probe"
    }
    module.load_state_dict(tensors, strict=True)
    for judged in lists[:5]:
        inputs = payload(kind, judged)
        (reply,) = network.answer([inputs], Call())
        with torch.inference_mode():
            scores = module.eval()(TASKS[kind]().batch([inputs], network.trained.sizes, None))[0]
        np.testing.assert_allclose(reply.value, scores.numpy(), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_kept_weights_are_those_of_the_best_epoch_in_16_bits(kind, run):
    half, full = run(kind), run(kind, "full", half=False)
    stopped = run(kind, "stopped", half=False, recipe=dataclasses.replace(RECIPE, epochs=full.best.number))
    one, other, best = (load_file(each.folder / "model.safetensors") for each in (half, full, stopped))
    for name in set(other) - {"probe"}:
        assert one[name].dtype == np.float16
        np.testing.assert_array_equal(one[name], other[name].astype(np.float16))
        np.testing.assert_array_equal(other[name], best[name])


def naive_ndcg(scores, grades):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    gained = sum(grades[i] / math.log2(rank + 2) for rank, i in enumerate(order[:10]))
    return gained / sum(g / math.log2(rank + 2) for rank, g in enumerate(sorted(grades, reverse=True)[:10]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_are_those_of_the_folder_on_lists_that_were_held_out(kind, run, lists):
    outcome = run(kind)
    network, (parts, _) = TrainedNetwork(str(outcome.folder)), split(lists, 0.2, RECIPE.seed)
    vectors = embedded(lists, StaticEmbedder())
    scores = [network.answer([TASKS[kind]().inputs(each, vectors)], Call())[0].value for each in parts.held_out]
    priors = [prior_of(each, vectors) for each in parts.held_out]
    mixed = [guarded(s, p, network.guard)[0] for s, p in zip(scores, priors, strict=True)]
    for name, orders in {"before": priors, "network": scores, "network, guarded": mixed}.items():
        found = outcome.figures[name]
        pairs = list(zip(orders, [each.grades for each in parts.held_out], strict=True))
        assert found["nDCG@10"].mean == pytest.approx(np.mean([naive_ndcg(*pair) for pair in pairs]))
        firsts = [[g[i] > 0 for i in np.argsort(-s, kind="stable")[:5]] for s, g in pairs]
        shares = [sum(first) / sum(g > 0 for g in grades) for first, (_, grades) in zip(firsts, pairs, strict=True)]
        assert found["recall@5"].mean == pytest.approx(np.mean(shares))
        assert found["all@5"].mean == pytest.approx(np.mean([share == 1.0 for share in shares]))
    assert network.guard == outcome.guard


@pytest.mark.slow
def test_the_card_says_data_licence_embedder_seed_figures_and_guard(run):
    outcome = run(data=["questions.jsonl"], licence="CC BY-SA 4.0", names=["static-small"])
    card = (outcome.folder / "README.md").read_text()
    for row in outcome.figures.values():
        assert all(f"{figure.mean:.4f}" in card for figure in row.values())
    changed = outcome.figures["network"]["nDCG@10"]
    assert f"({changed.gain:+.4f}, {changed.low:+.4f} to {changed.high:+.4f})" in card
    said = (
        "arXiv 2510.13329",
        "questions.jsonl",
        "CC BY-SA 4.0",
        "24 lists to train on, 3 to choose",
        "3 for the figures",
    )
    said += ("`static`", StaticEmbedder().fingerprint, "| seed | 2 |", "| sizes: heads | 2 |", "3 epochs were run")
    for words in said:
        assert words in card
    assert "order" in card.split("## Guard")[1]
    trained = TrainedNetwork(str(outcome.folder)).trained
    assert trained.vectors.names == ("static", StaticEmbedder().label, "static-small")
    assert trained.training["data"]["licence"] == "CC BY-SA 4.0"
    assert trained.training["figures"]["network"]["nDCG@10"]["mean"] == round(changed.mean, 4)
    assert json.loads(json.dumps(outcome.to_dict()))["best_epoch"] == outcome.best.number


@pytest.mark.slow
def test_a_card_says_when_nothing_of_the_network_is_let_through(run):
    outcome = run(guard_loss=-1.0)
    assert outcome.guard.prior == 1.0
    assert "the order stands" in (outcome.folder / "README.md").read_text()
    assert outcome.figures["network, guarded"]["nDCG@10"].gain == 0.0


@pytest.mark.slow
def test_equal_runs_write_equal_files(run):
    one, other = files(run(folder="a/net").folder), files(run(folder="b/net").folder)
    assert one == other
    assert set(one) == {"README.md", "config.json", "model.safetensors"}
    assert files(run(folder="c/net", recipe=dataclasses.replace(RECIPE, seed=9)).folder) != one


class Killed(Exception):
    pass


@pytest.mark.slow
def test_a_killed_run_that_goes_on_writes_what_it_would_have_written(run, tmp_path):
    def progress(stage):
        if stage.what.startswith("epoch 3") and stage.done > 0.5:
            raise Killed

    with pytest.raises(Killed):
        run(folder="a/net", progress=progress)
    assert set(files(tmp_path / "a/net")) == {CHECKPOINT}
    with pytest.raises(InputError, match="unfinished run"):
        run(folder="a/net")
    with pytest.raises(InputError, match="other data or settings"):
        run(folder="a/net", resume=True, recipe=dataclasses.replace(RECIPE, rate=0.02))
    stages = []
    resumed = run(folder="a/net", resume=True, progress=stages.append)
    assert not [stage for stage in stages if stage.what.startswith(("epoch 1", "epoch 2"))]
    assert files(resumed.folder) == files(run(folder="b/net", resume=True).folder)
    with pytest.raises(InputError, match="a network is in"):
        run(folder="a/net", resume=True)


@pytest.mark.slow
def test_progress_tells_each_stage_to_its_end(run):
    stages = []
    run(progress=stages.append)
    last = {stage.what: stage for stage in stages}
    assert [*last] == ["embedding", "preparing", *(f"epoch {i} of at most 3" for i in (1, 2, 3))]
    assert all(stage.done == 1.0 for stage in last.values())
    assert "best so far: epoch" in last["epoch 3 of at most 3"].note


def test_what_cannot_be_trained_is_said_before_anything_is_embedded(run, lists):
    failing = FailingEmbedder(StaticEmbedder())
    with pytest.raises(InputError, match="no network is trained for 'x', only for ebcar, g-rag, hybrid"):
        run(task="x", embedder=failing)
    with pytest.raises(InputError, match="share"):
        run(held_out=0.9, embedder=failing)
    with pytest.raises(InputError, match="groups of lists"):
        run(lists=lists[:5], embedder=failing)
    with pytest.raises(InputError, match="needs a Embedder"):
        run(embedder="static")
    with pytest.raises(ModelError):
        run(embedder=failing)
    for sizes in ({"layers": 0}, {"depth": 3}):
        with pytest.raises(InputError, match="a network for ebcar cannot have these sizes"):
            run(sizes=sizes)


@pytest.mark.slow
def test_a_folder_that_is_damaged_is_no_network(run):
    folder = run().folder
    (folder / "config.json").write_text("{}")
    with pytest.raises(WeightsError):
        TrainedNetwork(str(folder)).warm_up()


@pytest.mark.slow
def test_the_graph_builder_is_written_down(run):
    outcome = run("g-rag", task=GRagTask(Metadata(reach=2)))
    settings = TrainedNetwork(str(outcome.folder)).trained.settings
    assert settings == {"builder": {"kind": "metadata", "reach": 2, "links": None}}


def test_concepts_of_amrs_are_embedded_with_the_texts_that_carry_them():
    pytest.importorskip("penman")
    amr = "(q / question :topic (m / moon :ARG0-of (p / pull-01 :ARG1 (s / sea))))"
    judged = JudgedList("why?", (Passage("tides", metadata={"amr": amr}), Passage("bread")), (1, 0))
    (read,) = GRagTask(Amr()).read([judged])
    assert [p.text for p in read.passages] == Amr().node_texts(judged.passages)
    assert "moon" in read.passages[0].text
    assert read.passages[1].text == "bread"
    assert GRagTask().read([judged]) == [judged]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "place"), [("ebcar", "ebcar:Ebcar"), ("g-rag", "g_rag:GRag"), ("hybrid", "hybrank:HybRank")]
)
def test_the_reranker_reads_what_the_network_was_trained_on(kind, place, run, lists):
    module, name = place.split(":")
    reranker = getattr(pytest.importorskip(f"shortlist.rerankers.{module}"), name)
    task = GRagTask(Metadata()) if kind == "g-rag" else TASKS[kind]()
    network = TrainedNetwork(str(run(kind, task=task).folder))
    vectors = embedded(lists, StaticEmbedder())
    for judged in lists[:5]:
        (reply,) = network.answer([task.inputs(judged, vectors)], Call())
        expected = guarded(reply.value, prior_of(judged, vectors), network.guard)[0]
        ranking = reranker(network=network).rank(judged.query, judged.passages)
        found = {item.index: item.score for item in ranking.kept}
        np.testing.assert_allclose([found[i] for i in range(len(expected))], expected, atol=1e-5)
        plain = reranker(network=network, prior=0.0).rank(judged.query, judged.passages)
        assert plain.repairs or [item.index for item in plain.kept] == np.argsort(-reply.value, kind="stable").tolist()


def test_parts_have_different_queries_and_something_relevant(lists):
    empty = [JudgedList(f"empty {i}", (Passage("a"),), (0,)) for i in range(3)]
    doubled = [*lists, *empty, *(JudgedList(each.query.upper(), each.passages, each.grades) for each in lists[:7])]
    parts, skipped = split(doubled, 0.2, 0)
    queries = [{each.query.casefold() for each in part} for part in parts]
    assert skipped == 3
    assert sum(map(len, parts)) == 37
    assert sum(map(len, queries)) == len(set().union(*queries)) == 30
    assert split(doubled, 0.2, 0) == (parts, skipped) != split(doubled, 0.2, 1)


def test_held_out_lists_may_be_given_and_are_not_trained_on(lists, learning):
    others = [*learning.judged_lists(4, seed=1, name="other"), *lists[:2]]
    parts, skipped = split(lists, others, 0)
    assert parts.held_out == tuple(others)
    assert skipped == 2
    assert not {each.query for each in others} & {each.query for each in (*parts.training, *parts.development)}
    assert len(parts.development) == 2  # a tenth of 28, the smaller parts first


@dataclasses.dataclass(frozen=True)
class Recording(Embedder):
    seen: list = dataclasses.field(default_factory=list, compare=False)

    def answer(self, payloads, call):
        self.seen.extend(payloads)
        return [Reply(np.array([len(p.text), 1.0 + (p.role == "query")], dtype=np.float32)) for p in payloads]


def test_each_text_is_embedded_once_in_each_role(lists):
    embedder, told = Recording(), []
    same = JudgedList(lists[0].passages[0].text, lists[1].passages, lists[1].grades)
    vectors = embedded([*lists, *lists, same], embedder, progress=lambda *at: told.append(at))
    assert len(embedder.seen) == len(set(embedder.seen)) == told[-1][0] == told[-1][1]
    text = same.query
    expected = np.array([[len(text), 2.0], [len(text), 1.0]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose([vectors.query(text), vectors.of(lists[0].passages[:1])[0]], expected, rtol=1e-6)
    assert vectors.width == 2


def test_the_order_before_is_that_of_the_scores_or_of_cosines():
    passages = tuple(Passage(text, score=score) for text, score in (("sea", 1.0), ("the moon", 3.0), ("bread", 2.0)))
    judged = JudgedList("the moon", passages, (0, 1, 0))
    bare = JudgedList("the moon", tuple(dataclasses.replace(p, score=None) for p in passages), (0, 1, 0))
    vectors = embedded([judged], StaticEmbedder())
    assert prior_of(judged, vectors).tolist() == [1.0, 3.0, 2.0]
    np.testing.assert_allclose(prior_of(bare, vectors), vectors.of(passages) @ vectors.query("the moon"), rtol=1e-5)
    assert prior_of(bare, vectors)[1] == pytest.approx(1.0)


def test_intervals_are_of_paired_differences():
    rng = np.random.default_rng(0)
    grades = [np.array([0, 1, 0, 0, 0, 0, 1]) for _ in range(200)]
    before = [rng.normal(size=7) for _ in grades]
    better = [scores + 0.8 * g for scores, g in zip(before, grades, strict=True)]
    found = figures({"before": before, "better": better, "same": before}, grades)
    gains = [naive_ndcg(b, g) - naive_ndcg(a, g) for a, b, g in zip(before, better, grades, strict=True)]
    figure, error = found["better"]["nDCG@10"], np.std(gains) / math.sqrt(len(gains))
    assert figure.gain == pytest.approx(np.mean(gains)) == figure.mean - found["before"]["nDCG@10"].mean
    assert figure.low == pytest.approx(figure.gain - 1.96 * error, abs=0.2 * error)
    assert figure.high == pytest.approx(figure.gain + 1.96 * error, abs=0.2 * error)
    assert {(f.gain, f.low, f.high) for f in found["same"].values()} == {(0.0, 0.0, 0.0)}
