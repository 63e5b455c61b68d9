import json
import os
import signal
import subprocess
import sys
import time

import pytest

from shortlist import Ranking
from shortlist.cli.exits import ExitCode

pytestmark = pytest.mark.slow  # processes, servers or simulations: seconds in all

COMMAND = [sys.executable, "-c", "from shortlist.cli import main; main()", "rerank"]


def lines_of(n, start=1):
    return [
        json.dumps({"id": f"q{i}", "query": f"word{i % 7} fish", "passages": [f"word{j}" for j in range(i % 9)]})
        for i in range(start, start + n)
    ]


def rerank(stdin, *arguments, **environment):
    data = stdin if isinstance(stdin, bytes) else "".join(f"{line}\n" for line in stdin).encode()
    return subprocess.run(
        [*COMMAND, "-r", "lexical", *map(str, arguments)],
        input=data,
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
    )


def records(data):
    return [json.loads(line) for line in data.splitlines()]


def without_seconds(data):
    return [{**record, "usage": {**record["usage"], "seconds": 0}} for record in records(data)]


def test_one_ranking_a_line_in_the_order_of_the_input():
    run = rerank(lines_of(75), "--batch", 8, "--top-k", 3)
    found = records(run.stdout)
    assert run.returncode == ExitCode.OK
    assert run.stderr == b""
    assert [(r["line"], r["id"]) for r in found] == [(i, f"q{i}") for i in range(1, 76)]
    assert all(len(Ranking.from_dict(r).kept) <= 3 for r in found)


BAD = [
    "no json",
    "[]",
    '{"passages": []}',
    '{"query": 5, "passages": []}',
    '{"query": "q"}',
    '{"query": "q", "passages": "text"}',
    '{"query": "q", "passages": [3]}',
    '{"query": "q", "passages": [{"txt": "x"}]}',
    '{"query": "q", "passages": [{"text": "x", "score": "high"}]}',
    '{"query": "q", "passages": [{"text": "x", "position": 1.5}]}',
    '{"query": "q", "passages": [{"text": "x", "metadata": 5}]}',
    '{"query": "q", "passages": [{"text": "x", "embedding": ["a"]}]}',
    '{"query": "q", "passages": [{"text": "x", "image": "a"}]}',
    '{"query": "q", "passages": [{"text": "x", "metadata": {"a": NaN}}]}',
    "[" * 100_000,
]


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_bad_line_is_reported_and_the_rest_go_on(bad, tmp_path):
    errors = tmp_path / "errors.jsonl"
    run = rerank([*lines_of(1), "", bad, *lines_of(1, 2)], "--errors", errors)
    assert run.returncode == ExitCode.SOME_FAILED
    assert [r["line"] for r in records(run.stdout)] == [1, 4]
    assert run.stderr.decode().startswith("line 3: ")
    assert len(run.stderr.splitlines()) == 1
    (failure,) = records(errors.read_bytes())
    assert (failure["line"], failure["error"]) == (3, "InputError")


def test_bytes_that_are_no_utf8_are_a_bad_line():
    run = rerank(b'{"query": "caf\xe9", "passages": []}\n{"query": "q", "passages": []}\n')
    assert [r["line"] for r in records(run.stdout)] == [2]


def test_a_line_that_reaches_a_limit_is_reported_with_its_id(tmp_path):
    errors = tmp_path / "errors.jsonl"
    run = rerank(lines_of(3), "-r", "similarity", "--limit-calls", 0, "--errors", errors)
    assert run.returncode == ExitCode.SOME_FAILED
    assert [(r["line"], r["id"], r["error"]) for r in records(errors.read_bytes())] == [
        (i, f"q{i}", "LimitReached") for i in (1, 2, 3)
    ]


def test_half_an_emoji_comes_back_as_it_came():
    run = rerank(['{"query": "q", "passages": ["\\ud83d", "naïve ☃"]}'])
    texts = {item["passage"]["text"] for item in records(run.stdout)[0]["kept"]}
    assert texts == {"\ud83d", "naïve ☃"}


def test_output_is_utf8_whatever_the_locale():
    run = rerank(['{"query": "q", "passages": ["☃"]}'], LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "☃" in run.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-r", "nonsense"], "no reranker"),
        (["--resume"], "--output"),
        (["--batch", "0"], "batch"),
        (["--errors", "/dev/null/x"], "cannot write"),
        (["--output", "/dev/null/x"], "cannot write"),
        (["--cache", "/dev/null/x"], "cache"),
    ],
)
def test_usage(arguments, says):
    run = rerank(lines_of(1), *arguments)
    assert run.returncode == ExitCode.USAGE
    assert says in run.stderr.decode()
    assert b"Traceback" not in run.stderr


def test_missing_weights_end_the_run(tmp_path):
    pytest.importorskip("onnxruntime")
    run = rerank(lines_of(30), "-r", "cross-encoder", SHORTLIST_HOME=str(tmp_path))
    assert run.returncode == ExitCode.MISSING
    assert len(run.stderr.splitlines()) == 1


def test_a_second_run_over_a_cache_asks_nothing(tmp_path):
    first, second = (records(rerank(lines_of(9), "-r", "similarity", "--cache", tmp_path / "c").stdout) for _ in "ab")
    assert sum(r["usage"]["calls"] for r in first) > 0
    assert sum(r["usage"]["calls"] for r in second) == 0


def test_an_output_that_is_there_is_not_overwritten(tmp_path):
    output = tmp_path / "out.jsonl"
    output.write_text("precious")
    for resume in ([], ["--resume"]):
        run = rerank(lines_of(3), "--output", output, *resume)
        assert run.returncode == ExitCode.USAGE
        assert output.read_text() == "precious"


def test_resume_over_the_end_writes_nothing_more(tmp_path):
    output = tmp_path / "out.jsonl"
    rerank(lines_of(5), "--output", output)
    before = output.read_bytes()
    assert rerank(lines_of(5), "--output", output, "--resume").returncode == ExitCode.OK
    assert output.read_bytes() == before


def test_resume_refuses_another_input(tmp_path):
    output = tmp_path / "out.jsonl"
    rerank(lines_of(5), "--output", output)
    before = output.read_bytes()
    for other in (lines_of(5, start=2), lines_of(3)):
        run = rerank(other, "--output", output, "--resume")
        assert run.returncode == ExitCode.USAGE
        assert output.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("cut", [1, 7, 60, 200])
def test_a_truncated_last_line_is_repaired(tmp_path, cut):
    output, errors = tmp_path / "out.jsonl", tmp_path / "errors.jsonl"
    data = [*lines_of(4), "bad", *lines_of(4, 6), "bad", *lines_of(1, 11)]
    rerank(data, "--output", output, "--errors", errors)
    whole, failures = output.read_bytes(), errors.read_bytes()
    output.write_bytes(whole[:-cut])
    errors.write_bytes(failures if cut == 1 else failures[:-5])
    run = rerank(data, "--output", output, "--errors", errors, "--resume")
    assert run.returncode == ExitCode.SOME_FAILED
    assert without_seconds(output.read_bytes()) == without_seconds(whole)
    assert errors.read_bytes() == failures


@pytest.mark.slow
@pytest.mark.parametrize("sent", [700, 1200, 1900])
def test_killed_in_the_middle_and_resumed_nothing_is_lost_and_nothing_twice(tmp_path, sent):
    output, errors = tmp_path / "out.jsonl", tmp_path / "errors.jsonl"
    data = [line if i % 5 else "bad line" for i, line in enumerate(lines_of(2000), 1)]
    arguments = ["-r", "lexical", "--batch", "4", "--output", str(output), "--errors", str(errors)]
    with subprocess.Popen([*COMMAND, *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdin.write("".join(f"{line}\n" for line in data[:sent]).encode())
        process.stdin.flush()  # a pipe's buffer holds what is left: it is in the middle of it
        _wait(lambda: output.exists() and _last_line(output) > 0, process)
        process.send_signal(signal.SIGKILL)
    done = output.read_bytes()
    with output.open("ab") as file:
        file.write(b"" if not done.endswith(b"\n") else b'{"line": 9')  # what a write that was cut short leaves
    run = rerank(data, "--batch", 4, "--output", output, "--errors", errors, "--resume")
    assert run.returncode == ExitCode.SOME_FAILED
    assert output.read_bytes().startswith(done[: done.rindex(b"\n") + 1])
    assert [r["line"] for r in records(output.read_bytes())] == [i for i in range(1, 2001) if i % 5]
    assert [r["line"] for r in records(errors.read_bytes())] == list(range(5, 2001, 5))


def _wait(condition, process):
    while not condition():  # the test's own timeout ends it
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)


def _last_line(path):
    whole = [line for line in path.read_bytes().split(b"\n")[:-1] if line]
    return json.loads(whole[-1])["line"] if whole else 0


def test_it_streams():
    """With a batch of one, an answer comes before the next question is asked."""
    command = [*COMMAND, "-r", "lexical", "--batch", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for i, line in enumerate(lines_of(3), 1):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == i
        process.stdin.close()
    assert process.returncode == ExitCode.OK


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input():
    """Peak memory of a run over 4,000 lines of 20 kB is that of one over 400, within 20 MB; the input grows by 72."""
    line = json.dumps({"query": "fish", "passages": ["word " * 4000]}).encode() + b"\n"
    few, many = (_peak_kilobytes(line, count) for count in (400, 4000))
    assert many - few < 20_000


def _peak_kilobytes(line, count):
    code = (
        "import resource, sys; from shortlist.cli import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "rerank", "-r", "keep-order"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        for _ in range(count):
            process.stdin.write(line)
        process.stdin.close()
        return int(process.stderr.read())


def test_progress_only_where_somebody_looks():
    leader, follower = os.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, "-r", "lexical"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=follower, env=environment
    ) as process:
        found = process.communicate("".join(f"{line}\n" for line in lines_of(40)).encode())[0]
    os.close(follower)
    shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert "40 ranked, 0 failed" in shown
    assert [r["line"] for r in records(found)] == list(range(1, 41))


def test_a_reader_that_leaves_is_no_error_to_speak_of():
    endless = subprocess.Popen(["yes", lines_of(1)[0]], stdout=subprocess.PIPE)
    process = subprocess.Popen(
        [*COMMAND, "-r", "lexical"], stdin=endless.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    head = subprocess.run(["head", "-n", "1"], stdin=process.stdout, capture_output=True, check=True)
    process.stdout.close()
    endless.stdout.close()
    told = process.communicate()[1]
    endless.wait()
    assert json.loads(head.stdout)["line"] == 1
    assert process.returncode == ExitCode.UNREAD
    assert told == b""


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="a shell's background job ignores it")
def test_interrupted_from_the_keyboard(tmp_path):
    output = tmp_path / "out.jsonl"
    with subprocess.Popen(
        [*COMMAND, "-r", "lexical", "--batch", "1", "-o", str(output)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(f"{lines_of(1)[0]}\n".encode())
        process.stdin.flush()
        _wait(lambda: output.exists() and _last_line(output) == 1, process)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        process.wait()
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in told
