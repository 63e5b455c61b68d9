"""What a job does with its files, without Ray: the actors of a cluster do the same."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from shortlist import (
    InputError,
    Lexical,
    ModelUnavailable,
    Ranking,
    Reranker,
    ShortlistError,
    WeightsError,
)
from shortlist.batch import BatchSettings, check, run
from shortlist.batch.places import Place
from shortlist.batch.shards import Shard
from shortlist.batch.worker import Worker
from shortlist.models.catalogue import find
from shortlist.runtime.settings import Limits

HERE = BatchSettings(concurrency=0, shard_size=4)


def settings(**changes):
    return BatchSettings(**{"concurrency": 0, "shard_size": 4, **changes})


def ranked(rows, pipeline, top_k=None):
    """What Python says of them."""
    found = pipeline.rank_many([(row["query"], row["passages"]) for row in rows], top_k=top_k)
    return [[(item.index, item.passage.id, item.score) for item in ranking.kept] for ranking in found]


def kept(records):
    return [[(item["index"], item["id"], item["score"]) for item in record["kept"]] for record in records]


@pytest.mark.parametrize("into", ["parquet", "jsonl"])
@pytest.mark.parametrize("out_of", ["parquet", "jsonl"])
def test_the_same_ranking_in_every_format_as_in_python(tmp_path, rows, write, read, out_of, into):
    given = rows(30)
    output = tmp_path / f"out.{into}"
    told = run("lexical", write(tmp_path / f"in.{out_of}", given), output, settings(top_k=3))
    found = read(output)
    assert kept(found) == ranked(given, Lexical(), top_k=3)
    assert [(each["row"], each["id"]) for each in found] == [(i, f"q{i}") for i in range(30)]
    assert (told["counts"]["ranked"], told["counts"]["failed"]) == (30, 0)
    assert told["counts"]["passages"] == sum(len(row["passages"]) for row in given)


def test_a_pipeline_file_gives_what_it_gives_in_python(tmp_path, rows, write, read):
    pipeline = Lexical()[:5] >> Lexical()[:2]
    (tmp_path / "pipeline.json").write_text(json.dumps(pipeline.to_dict()))
    given = rows(20)
    run(tmp_path / "pipeline.json", write(tmp_path / "in.jsonl", given), tmp_path / "out.jsonl", HERE)
    assert kept(read(tmp_path / "out.jsonl")) == ranked(given, pipeline)


@pytest.mark.parametrize("into", ["parquet", "jsonl"])
def test_what_else_can_be_written(tmp_path, rows, write, read, into):
    given, output = rows(9), tmp_path / f"out.{into}"
    wanted = settings(top_k=2, with_query=True, with_text=True, reasons=True, dropped=True, times=True)
    run("mmr(diversity=0.3)", write(tmp_path / "in.jsonl", given), output, wanted)
    found = read(output)
    assert [each["query"] for each in found] == [row["query"] for row in given]
    for row, record in zip(given, found, strict=True):
        items = [*record["kept"], *record["dropped"]]
        assert sorted(item["index"] for item in items) == list(range(len(row["passages"])))
        assert all(item["text"] == row["passages"][item["index"]]["text"] for item in items)
        assert all(item["why"] for item in record["dropped"])
        assert record["usage"]["seconds"] >= 0.0
    reasons = [item["reasons"] for record in found for item in record["kept"] if item["reasons"]]
    told = [json.loads(each) if into == "parquet" else each for each in reasons]
    assert told
    assert all(isinstance(each, dict) for each in told)


def test_without_times_two_runs_give_the_same_bytes_and_both_formats_of_input_do(tmp_path, rows, write):
    outputs = []
    for name in ("in.parquet", "in.jsonl", "again.jsonl"):
        write(tmp_path / name, rows(25))
        run("lexical", tmp_path / name, tmp_path / f"{name}.out.parquet", HERE)
        outputs.append((tmp_path / f"{name}.out.parquet").read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]


def test_an_input_of_nothing_gives_an_output_of_nothing(tmp_path, rows, write, read):
    write(tmp_path / "in.jsonl", [])
    pq.write_table(pq.read_table(write(tmp_path / "one.parquet", rows(3))).slice(0, 0), tmp_path / "in.parquet")
    for source in ("in.jsonl", "in.parquet"):
        for into in ("parquet", "jsonl"):
            output = tmp_path / f"{source}.out.{into}"
            told = run("lexical", tmp_path / source, output, HERE)
            assert read(output) == []
            assert told["counts"]["rows"] == 0
    assert "kept" in pq.read_schema(tmp_path / "in.jsonl.out.parquet").names


def test_one_huge_row(tmp_path, write, read):
    passages = [{"text": f"word{i} " * 50, "id": str(i)} for i in range(5_000)]
    given = [{"query": "word4999", "passages": passages}, {"query": "a", "passages": ["x" * 2_000_000]}]
    run("lexical", write(tmp_path / "in.jsonl", given), tmp_path / "out.parquet", settings(top_k=1))
    assert [each["kept"][0]["id"] for each in read(tmp_path / "out.parquet")] == ["4999", None]


def test_ids_keep_their_type_from_parquet_and_are_text_from_lines(tmp_path, write):
    given = [{"id": 2**40 + i, "query": "q", "passages": ["a"]} for i in range(3)]
    for source, wanted in (("in.parquet", "int64"), ("in.jsonl", "string")):
        run("lexical", write(tmp_path / source, given), tmp_path / f"{source}.out.parquet", HERE)
        column = pq.read_table(tmp_path / f"{source}.out.parquet")["id"]
        assert str(column.type) == wanted
        assert [str(value) for value in column.to_pylist()] == [str(row["id"]) for row in given]


BAD = ["no json", '{"id": "b1", "query": null, "passages": []}', '{"id": "b2", "query": "q", "passages": [{}]}']


def test_bad_rows_are_all_in_the_file_of_failures_and_nowhere_else(tmp_path, rows, read):
    lines = [json.dumps(row) for row in rows(40)]
    for place, bad in zip((3, 17, 40), BAD, strict=True):
        lines.insert(place, bad)
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n\n")
    told = run("lexical", tmp_path / "in.jsonl", tmp_path / "out.parquet", HERE)
    failures = read(tmp_path / "out.parquet.errors.jsonl")
    assert [(f["row"], f["id"], f["error"]) for f in failures] == [
        (3, None, "InputError"), (17, "b1", "InputError"), (40, "b2", "InputError")
    ]  # fmt: skip
    assert failures[0]["original"] == "no json"
    assert failures[1]["original"] == json.loads(BAD[1])
    assert all(f["message"] for f in failures)
    found = read(tmp_path / "out.parquet")
    assert [each["row"] for each in found] == [i for i in range(43) if i not in (3, 17, 40)]
    assert told["counts"] == {
        "rows": 44, "blank": 1, "ranked": 40, "passages": sum(len(row["passages"]) for row in rows(40)),
        "degraded": 0, "repaired": 0, "failed": 3, "errors": {"InputError": 3},
    }  # fmt: skip


def test_scores_that_are_not_finite_are_mended_and_told(tmp_path, read):
    (tmp_path / "in.jsonl").write_text('{"query": "q", "passages": [{"text": "q", "score": NaN}, {"text": "b"}]}\n')
    told = run("lexical", tmp_path / "in.jsonl", tmp_path / "out.jsonl", HERE)
    assert told["counts"]["repaired"] == 1
    assert "not finite" in read(tmp_path / "out.jsonl")[0]["repairs"][0]


def test_rows_over_a_limit_fail_and_the_others_do_not(tmp_path, rows, write, read):
    told = run("similarity", write(tmp_path / "in.jsonl", rows(14)), tmp_path / "out.jsonl",
               settings(limits=Limits(calls=4)))  # fmt: skip
    failures = read(tmp_path / "out.jsonl.errors.jsonl")
    assert {f["error"] for f in failures} == {"LimitReached"}
    assert [f["row"] for f in failures] == [i for i in range(14) if i % 7 > 3]
    assert failures[0]["original"]["id"] == "q4"
    assert told["counts"]["ranked"] + told["counts"]["failed"] == 14


@dataclass(frozen=True)
class Breaks(Reranker):
    """Breaks down, in the way that it is told to, over queries with this word."""

    name = "breaks"
    error: type = ZeroDivisionError
    word: str = "break"

    def plan(self, query, passages):
        yield from ()
        if self.word in query:
            raise self.error("a defect")
        return Ranking.by_order(passages, range(len(passages)))


def broken(monkeypatch, **how):
    monkeypatch.setattr(Worker, "_pipeline", lambda self: Breaks(**how))


def test_a_defect_that_one_row_brings_out_fails_that_row_only(tmp_path, rows, write, read, monkeypatch):
    given = rows(10)
    given[5]["query"] = "break"
    broken(monkeypatch)
    run("lexical", write(tmp_path / "in.jsonl", given), tmp_path / "out.jsonl", HERE)
    (failure,) = read(tmp_path / "out.jsonl.errors.jsonl")
    assert (failure["row"], failure["error"], failure["original"]) == (5, "ZeroDivisionError", given[5])
    assert [each["row"] for each in read(tmp_path / "out.jsonl")] == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_what_no_row_can_mend_ends_the_job_and_it_goes_on_when_mended(tmp_path, rows, write, read, monkeypatch):
    given = rows(10)
    given[6]["query"] = "break"
    source, output = write(tmp_path / "in.jsonl", given), tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        broken(patch, error=WeightsError)
        with pytest.raises(WeightsError):
            run("keep-order", source, output, HERE)
    assert not output.exists()
    run("keep-order", source, output, HERE)
    assert [each["row"] for each in read(output)] == list(range(10))


def test_a_server_that_is_away_ends_the_job_and_one_failed_row_does_not(tmp_path, rows, write, monkeypatch):
    given = [{**row, "passages": ["a"]} for row in rows(20)]
    given[3]["query"] += " away"
    source = write(tmp_path / "in.jsonl", given)
    broken(monkeypatch, error=ModelUnavailable, word="away")
    told = run("lexical", source, tmp_path / "out.jsonl", settings(shard_size=10))
    assert told["counts"]["errors"] == {"ModelUnavailable": 1}
    broken(monkeypatch, error=ModelUnavailable, word="word")
    with pytest.raises(ModelUnavailable):
        run("lexical", source, tmp_path / "other.jsonl", settings(shard_size=10))


def test_weights_that_are_not_there_are_told_before_anything_begins(tmp_path, rows, write, monkeypatch):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path / "home"))
    source = write(tmp_path / "in.jsonl", rows(3))
    for door in (run, check):
        with pytest.raises(WeightsError):
            door("cross-encoder", source, tmp_path / "out.jsonl", HERE)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


class Killed(BaseException):
    """As nobody catches it."""


def killed_after(monkeypatch, moments):
    """From here on, files are touched so many times and no more. What a shard writes last may be there by half."""
    left = iter(range(moments))

    def tick():
        if next(left, None) is None:
            raise Killed

    whole_write, whole_writing, whole_remove = Place.write, Place.writing, Place.remove

    def write(self, data):
        try:
            whole_write(self, data)
        except Killed:
            if ".work/0" in self.path:
                Path(self.path).write_bytes(data[: len(data) // 2])
            raise

    @contextmanager
    def writing(self):
        tick()
        with whole_writing(self) as sink:
            yield sink
            tick()
        tick()

    def remove(self):
        tick()
        whole_remove(self)
        tick()

    monkeypatch.setattr(Place, "write", write)
    monkeypatch.setattr(Place, "writing", writing)
    monkeypatch.setattr(Place, "remove", remove)


@pytest.mark.slow
@pytest.mark.parametrize("into", ["parquet", "jsonl"])
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(tmp_path, rows, write, monkeypatch, into):
    source = write(tmp_path / "in.jsonl", [*rows(9), {"query": 3}, *rows(2)])
    wanted = tmp_path / f"wanted.{into}"
    run("lexical", source, wanted, HERE)
    failures = (tmp_path / f"wanted.{into}.errors.jsonl").read_bytes()
    moments = 0
    while True:
        folder = tmp_path / str(moments)
        folder.mkdir()
        output = folder / f"out.{into}"
        try:
            with monkeypatch.context() as patch:
                killed_after(patch, moments)
                run("lexical", source, output, HERE)
            break
        except Killed:
            run("lexical", source, output, HERE)
        assert output.read_bytes() == wanted.read_bytes(), moments
        assert (folder / f"out.{into}.errors.jsonl").read_bytes() == failures
        assert {path.name for path in folder.iterdir()} == {
            f"out.{into}", f"out.{into}.errors.jsonl", f"out.{into}.manifest.json"
        }  # fmt: skip
        moments += 1
    assert moments > 30


def test_what_is_done_is_not_done_again(tmp_path, rows, write, monkeypatch):
    source, output = write(tmp_path / "in.jsonl", rows(20)), tmp_path / "out.jsonl"
    done, whole = [], Worker.do

    def do(self, shard):
        if len(done) == 3:
            raise Killed
        done.append(shard.number)
        return whole(self, shard)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "do", do)
        with pytest.raises(Killed):
            run("lexical", source, output, HERE)
    told = []
    monkeypatch.setattr(Worker, "do", lambda self, shard: done.append(shard.number) or whole(self, shard))
    run("lexical", source, output, HERE, progress=lambda tally, rows: told.append((tally.rows, rows)))
    assert done == [0, 1, 2, 3, 4]
    assert told == [(12, 20), (16, 20), (20, 20)]
    run("lexical", source, output, HERE)
    assert done == [0, 1, 2, 3, 4]


def interrupted(monkeypatch, source, output, pipeline="lexical", wanted=HERE):
    def killed(self, shard):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "do", killed)
        with pytest.raises(Killed):
            run(pipeline, source, output, wanted)


CHANGES = {
    "pipeline": lambda source: ("keep-order", source, HERE),
    "settings": lambda source: ("lexical", source, settings(top_k=3)),
    "input": lambda source: ("lexical", source.write_text('{"query": "q", "passages": []}\n') and source, HERE),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("finished", [False, True])
def test_another_job_is_refused_and_nothing_is_changed(tmp_path, rows, write, monkeypatch, what, finished):
    source, output = write(tmp_path / "in.jsonl", rows(8)), tmp_path / "out.jsonl"
    if finished:
        run("lexical", source, output, HERE)
    else:
        interrupted(monkeypatch, source, output)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != source}
    pipeline, changed, wanted = CHANGES[what](source)
    with pytest.raises(InputError, match=f"is that of other {what}"):
        run(pipeline, changed, output, wanted)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != source} == before


def test_other_versions_are_refused_and_told(tmp_path, rows, write, monkeypatch):
    source, output = write(tmp_path / "in.jsonl", rows(8)), tmp_path / "out.jsonl"
    interrupted(monkeypatch, source, output)
    head = tmp_path / "out.jsonl.work" / "head.json"
    told = json.loads(head.read_text())
    head.write_text(json.dumps({**told, "versions": {**told["versions"], "numpy": "1.0"}}))
    with pytest.raises(InputError, match=r"other versions \(numpy 1.0, now"):
        run("lexical", source, output, HERE)


def test_what_is_not_of_a_job_is_left_alone(tmp_path, rows, write):
    source = write(tmp_path / "in.jsonl", rows(3))
    (tmp_path / "mine.jsonl").write_text("mine")
    (tmp_path / "mine2.jsonl.work").mkdir()
    (tmp_path / "mine2.jsonl.work" / "notes.txt").write_text("mine")
    (tmp_path / "mine3.jsonl.errors.jsonl").write_text("mine")
    for name, message in (("mine", "there already"), ("mine2", "in the way"), ("mine3", "there already")):
        with pytest.raises(InputError, match=message):
            run("lexical", source, tmp_path / f"{name}.jsonl", HERE)
    for output, message in ((source, "is the input"), (tmp_path / "out.csv", "must end in")):
        with pytest.raises(InputError, match=message):
            run("lexical", source, output, HERE)
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


def test_a_shard_that_kills_its_workers_is_told_in_the_end(tmp_path, rows, write, monkeypatch):
    source, output = write(tmp_path / "in.jsonl", rows(3)), tmp_path / "out.jsonl"
    interrupted(monkeypatch, source, output)
    made = []
    monkeypatch.setattr(Worker, "do", lambda self, shard: made.append(self) or (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        run("lexical", source, output, HERE)
    monkeypatch.undo()
    worker, shard = made[0], Shard(0, str(source), 0, source.stat().st_size, 0, 3)
    monkeypatch.setattr(worker._reader, "read", lambda shard: (_ for _ in ()).throw(Killed))
    for _ in range(3):
        with pytest.raises(Killed):
            worker.do(shard)
    with pytest.raises(ShortlistError, match="3 workers died over rows 0 to 2"):
        worker.do(shard)


def test_the_manifest_tells_what_was_done(tmp_path, rows, write):
    source, output = write(tmp_path / "in.parquet", rows(10)), tmp_path / "out.parquet"
    told = run("similarity", source, output, settings(top_k=2))
    assert json.loads((tmp_path / "out.parquet.manifest.json").read_text()) == told
    assert told["pipeline"]["reranker"] == "similarity"
    assert told["models"][0]["fingerprint"].startswith("static:")
    assert told["input"][0]["rows"] == 10
    assert told["input"][0]["digest"] == Place.of(source).digest()
    assert told["output"]["bytes"] == output.stat().st_size
    assert told["output"]["sha256"] == Place.of(output).digest().removeprefix("sha256:")
    assert {"shortlist", "python", "pyarrow"} <= set(told["versions"])
    assert told["usage"]["calls"] > 0
    assert run("similarity", source, output, settings(top_k=2)) == told


@pytest.fixture
def store():
    """A store in memory, whose files come whole or not at all."""
    fs = fsspec.filesystem("memory")
    yield fs
    fs.rm("/", recursive=True)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_any_store_that_fsspec_knows(store, tmp_path, rows, write, read, kind):
    write(tmp_path / f"in.{kind}", rows(10))
    store.put(str(tmp_path / f"in.{kind}"), f"/data/in.{kind}")
    told = run("lexical", "memory://data/*", f"memory://results/out.{kind}", HERE)
    store.get(f"/results/out.{kind}", str(tmp_path / f"out.{kind}"))
    assert kept(read(tmp_path / f"out.{kind}")) == ranked(rows(10), Lexical())
    assert told["input"][0]["url"] == f"memory:///data/in.{kind}"
    assert sorted(path.rsplit("/", 1)[1] for path in store.ls("/results", detail=False)) == [
        f"out.{kind}", f"out.{kind}.errors.jsonl", f"out.{kind}.manifest.json"
    ]  # fmt: skip


def test_a_store_keeps_nothing_of_a_file_that_was_not_finished(store):
    def half():
        with Place.of("memory://a/b").writing() as sink:
            sink.write(b"half")
            raise Killed

    with pytest.raises(Killed):
        half()
    assert not Place.of("memory://a/b").exists()


def test_check_looks_at_the_first_rows_and_writes_nothing(tmp_path, rows, write):
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(5)) + BAD[1] + "\n" + "x\n" * 50)
    told = check("similarity", tmp_path / "in.jsonl", tmp_path / "out.parquet", HERE, first=6)
    assert told["read"] == 6
    assert [failure["id"] for failure in told["failures"]] == ["b1"]
    assert told["models"]
    pq_source = write(tmp_path / "in.parquet", rows(5))
    assert check("lexical", pq_source, tmp_path / "out.parquet", HERE)["read"] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "in.parquet"]


@pytest.mark.parametrize(
    "wrong", [{"top_k": 0}, {"concurrency": -1}, {"cpus": 0}, {"shard_size": 0}, {"cache": "memory"}]
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(InputError):
        BatchSettings(**wrong)


def test_a_cache_answers_and_usage_is_then_not_written(tmp_path, rows, write, read):
    source = write(tmp_path / "in.jsonl", rows(8))
    for name in ("first", "second"):
        run("similarity", source, tmp_path / f"{name}.jsonl", settings(cache=str(tmp_path / "cache.db")))
    first, second = (tmp_path / f"{name}.jsonl" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert "usage" not in read(first)[0]
    told = json.loads((tmp_path / "second.jsonl.manifest.json").read_text())
    assert told["usage"]["calls"] == 0
    assert told["usage"]["hits"] > 0


def test_inputs_are_not_changed(tmp_path, rows, write):
    source = write(tmp_path / "in.parquet", rows(5))
    before = source.read_bytes()
    run("lexical", source, tmp_path / "out.parquet", HERE)
    assert source.read_bytes() == before


@pytest.mark.slow
@pytest.mark.models
def test_a_network_in_whole_numbers_gives_the_same_bytes_after_a_kill(tmp_path, rows, write, monkeypatch):
    if find("ms-marco-minilm") is None:
        pytest.skip("the weights of ms-marco-minilm are not here")
    source = write(tmp_path / "in.jsonl", rows(16))
    run("cross-encoder", source, tmp_path / "wanted.parquet", settings(shard_size=8))
    whole, done = Worker.do, []

    def do(self, shard):
        if done:
            raise Killed
        done.append(shard)
        return whole(self, shard)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "do", do)
        with pytest.raises(Killed):
            run("cross-encoder", source, tmp_path / "out.parquet", settings(shard_size=8))
    told = run("cross-encoder", source, tmp_path / "out.parquet", settings(shard_size=8))
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "wanted.parquet").read_bytes()
    assert told["models"][0]["fingerprint"].startswith("onnx-cross-encoder:")
