"""The same jobs over the actors of Ray, killed and taken up again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from shortlist.batch import BatchSettings, run
from shortlist.batch.cores import hold_cores
from shortlist.batch.models import fingerprints, models_of, use_cores, use_gpus
from shortlist.cli.exits import ExitCode
from shortlist.errors import ShortlistError, WeightsError
from shortlist.reranker.expression import load

pytest.importorskip("ray")

COMMAND = [sys.executable, "-c", "from shortlist.cli import main; main()", "batch"]


@pytest.fixture(scope="module")
def ray_here():
    """One cluster for all tests of the module: it takes seconds to start."""
    from shortlist.batch.on_ray import cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own modules, about one another
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with cluster(None):
        yield
    ray.shutdown()


def batch(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], check=False, capture_output=True, text=True, **options)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("out_of", "into"), [("parquet", "parquet"), ("jsonl", "jsonl")])
@pytest.mark.usefixtures("ray_here")
def test_actors_write_what_one_process_writes(tmp_path, rows, write, out_of, into):
    source = write(tmp_path / f"in.{out_of}", [*rows(40), {"id": "bad", "query": None, "passages": []}])
    outputs = [tmp_path / f"{name}.{into}" for name in ("one", "many")]
    told = []
    run("lexical", source, outputs[0], BatchSettings(concurrency=0, shard_size=7, top_k=3))
    run("lexical", source, outputs[1], BatchSettings(concurrency=2, shard_size=7, top_k=3),
        progress=lambda done, _rows: told.append(done.rows))  # fmt: skip
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == 41
    first, second = (json.loads((tmp_path / f"{o.name}.errors.jsonl").read_text()) for o in outputs)
    assert first == second
    assert first["id"] == "bad"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("ray_here")
def test_errors_of_actors_come_back_as_what_they_are(tmp_path, rows, write, monkeypatch):
    from shortlist.batch.on_ray import Actors, work_through
    from shortlist.batch.shards import Source
    from shortlist.batch.worker import Orders
    from shortlist.batch.writing import Layout
    from shortlist.runtime.settings import Limits

    source = Source.of(write(tmp_path / "in.jsonl", rows(3)), 10)
    there = {"layout": Layout(), "kind": "jsonl", "top_k": None, "limits": Limits(), "cache": None}
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    missing = {
        "reranker": "cross-encoder",
        "scorer": {"model": "onnx-cross-encoder", "weights": str(tmp_path / "empty")},
    }
    orders = Orders(pipeline=missing, input_kind="jsonl", work=str(tmp_path), **there)
    with pytest.raises(WeightsError):
        list(work_through(source.shards, orders, Actors(1, 1, False, False)))
    broken = Orders(pipeline={"reranker": "lexical"}, input_kind="jsonl", work=str(tmp_path / "nowhere"), **there)
    with pytest.raises(ShortlistError, match="shard 0: FileNotFoundError"):
        list(work_through(source.shards, broken, Actors(1, 1, False, False)))


def _kill_when(process, done):
    """As an operator's kill -9, once so many shards are done."""
    while process.poll() is None and not done():
        time.sleep(0.05)
    process.kill()
    process.wait()


def _are_done(work, shards):
    return len(list(work.glob("*.tally.json"))) >= shards


def _is_past(moment):
    return time.monotonic() > moment


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_three_times_it_goes_on_to_the_same_bytes(tmp_path, rows, write):
    source = write(tmp_path / "in.parquet", [*rows(300), {"id": "bad", "query": None, "passages": []}])
    wanted, output = tmp_path / "wanted.parquet", tmp_path / "out.parquet"
    run("lexical", source, wanted, BatchSettings(concurrency=0, shard_size=5))
    arguments = ["lexical", source, output, "--shard-size", 5, "--concurrency", 2]
    chance, least = random.Random(11), 0
    for _ in range(3):
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        least += chance.randint(3, 12)
        _kill_when(process, partial(_are_done, tmp_path / "out.parquet.work", least))
        process.communicate()
        assert not output.exists()
    done = batch(*arguments, timeout=240)
    assert done.returncode == ExitCode.SOME_FAILED, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("301 rows: 300 ranked, 1 failed (InputError 1), see ")
    assert "WARNING" not in done.stderr
    assert output.read_bytes() == wanted.read_bytes()
    assert (tmp_path / "out.parquet.errors.jsonl").read_bytes() == (
        tmp_path / "wanted.parquet.errors.jsonl"
    ).read_bytes()
    assert not (tmp_path / "out.parquet.work").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_random_moments_without_ray_too(tmp_path, rows, write):
    source = write(tmp_path / "in.jsonl", rows(400))
    wanted, output = tmp_path / "wanted.jsonl", tmp_path / "out.jsonl"
    run("lexical", source, wanted, BatchSettings(concurrency=0, shard_size=2))
    arguments = ["lexical", source, output, "--shard-size", 2, "--concurrency", 0]
    chance = random.Random(5)
    for _ in range(3):
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _kill_when(process, (tmp_path / "out.jsonl.work").exists)
        process.communicate()
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + chance.uniform(0.5, 3.0)
        _kill_when(process, partial(_is_past, until))
        process.communicate()
    assert batch(*arguments).returncode == ExitCode.OK
    assert output.read_bytes() == wanted.read_bytes()


@pytest.mark.slow
def test_interrupted_from_the_keyboard_it_says_how_to_go_on(tmp_path, rows, write):
    source, output = write(tmp_path / "in.jsonl", rows(3000)), tmp_path / "out.jsonl"
    arguments = ["lexical", source, output, "--shard-size", 1, "--concurrency", 0]
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not list(tmp_path.glob("out.jsonl.work/*.tally.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED
    assert told == "interrupted: the same command goes on from here\n"
    assert batch(*arguments).returncode == ExitCode.OK
    assert len(output.read_text().splitlines()) == 3000


@pytest.mark.slow
def test_the_command_line_says_what_python_says(tmp_path, rows, write):
    source = write(tmp_path / "in.jsonl", rows(12))
    (tmp_path / "pipeline.json").write_text(json.dumps(load("lexical[:4] >> mmr(diversity=0.3)").to_dict()))
    wanted = BatchSettings(concurrency=0, shard_size=5, top_k=2, with_text=True, with_query=True, dropped=True)
    run(tmp_path / "pipeline.json", source, tmp_path / "wanted.parquet", wanted)
    options = ["--concurrency", 0, "--shard-size", 5, "-k", 2, "--with-text", "--with-query", "--dropped"]
    done = batch(tmp_path / "pipeline.json", source, tmp_path / "out.parquet", *options)
    assert done.returncode == ExitCode.OK
    assert done.stderr.startswith("12 rows: 12 ranked, none failed; ")
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "wanted.parquet").read_bytes()
    again = batch(tmp_path / "pipeline.json", source, tmp_path / "out.parquet", *options, "--json")
    assert json.loads(again.stdout)["counts"]["ranked"] == 12


@pytest.mark.slow
def test_the_command_line_tells_what_is_wrong_before_anything_begins(tmp_path, rows, write):
    source = write(tmp_path / "in.jsonl", [*rows(2), {"query": 1}])
    looked = batch("lexical", source, tmp_path / "out.jsonl", "--check")
    assert looked.returncode == ExitCode.SOME_FAILED
    assert "1 files, 0 models, the first 3 rows read\nrow 2: 'query' must be a text" in looked.stderr
    for arguments, message in (
        (("nosuch", source, tmp_path / "out.jsonl"), "nosuch"),
        (("lexical", source, tmp_path / "out.csv"), "must end in"),
        (("lexical", tmp_path / "none.jsonl", tmp_path / "out.jsonl"), "there is no"),
    ):
        done = batch(*arguments)
        assert done.returncode == ExitCode.USAGE
        assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_models_of_a_pipeline_and_what_they_run_on():
    pipeline = load("fuse(lexical, similarity) >> mmr(diversity=0.2)")
    assert [model.label for model in models_of(pipeline)] == ["StaticEmbedder", "StaticEmbedder"]
    assert len(fingerprints(pipeline)) == 1
    assert not use_gpus(pipeline)
    assert not use_cores(pipeline)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to cores")
def test_actors_of_one_machine_hold_different_cores():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("one core cannot be shared out")
    program = (
        "import os, sys; from shortlist.batch.cores import hold_cores; held = hold_cores(1)\n"
        "print(held is not None, *os.sched_getaffinity(0), flush=True); sys.stdin.read()"
    )
    with (
        subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as one,
        subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as two,
    ):
        told = {one.stdout.readline().strip(), two.stdout.readline().strip()}
        one.communicate()
        two.communicate()
    assert told == {f"True {cores[0]}", f"True {cores[1]}"}
    assert hold_cores(None) is None
    assert sorted(os.sched_getaffinity(0)) == cores
