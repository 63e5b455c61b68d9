"""`shortlist serve` as a user starts it: what it says, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode

BODY = {"query": "the moon", "documents": ["bread", "the moon and the tides"]}
KEY = "a key that is long enough to be one"


def refused(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and the words of a command that does not come to serve."""
    told = CliRunner().invoke(app, ["serve", *arguments, "--port", "0"], env=environment)
    return told.exit_code, told.stderr


def test_it_needs_a_pipeline() -> None:
    code, said = refused()
    assert code == ExitCode.USAGE
    assert "PIPELINE" in said


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["no-such-reranker"], "no reranker is named"),
        (["lexical", "lexical"], "given twice"),
        (["nowhere.json"], "cannot read"),
        (["lexical", "--host", "203.0.113.7"], "cannot listen"),
        (["lexical", "--deadline", "0"], "deadline"),
        (["lexical", "--keys", "nowhere.txt"], "cannot read keys"),
        (["lexical", "--documents", "nowhere"], "nowhere is no folder"),
        (["lexical", "--queue", "0"], "queue"),
        (["lexical", "--cache", "/dev/null/x"], "cannot open the cache /dev/null/x"),
        (["lexical", "--origin", "foo"], "no page is of origin 'foo'"),
        (["lexical", "--origin", "https://example.org/"], "no page is of origin"),
        (["lexical", "--origin", "https://example.org:443"], "no page is of origin"),
    ],
)
def test_what_it_refuses_before_it_takes_a_port(arguments: list[str], part: str) -> None:
    code, said = refused(*arguments)
    assert code == ExitCode.USAGE
    assert part in said


def test_a_key_that_is_too_short() -> None:
    code, said = refused("lexical", SHORTLIST_KEYS="short")
    assert code == ExitCode.USAGE
    assert "short" not in said.replace("shorter", "").replace("shortlist", "")


def test_weights_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    from shortlist.models import catalogue

    monkeypatch.setattr(catalogue, "find", lambda name: None)
    code, said = refused("cross-encoder")
    assert code == ExitCode.MISSING
    assert "shortlist models get ms-marco-minilm" in said


def test_a_package_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from shortlist import errors

    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    code, said = refused("lexical")
    assert code == ExitCode.MISSING
    assert "pip install 'shortlist[serve]'" in said


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The command in a process of its own, its address, and the lines that it said until then."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from shortlist.cli import main; main()", "serve", *arguments, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    try:
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"at (http://\S+)", line):
                yield process, found[1], said
                break
        else:
            raise AssertionError("".join(said))
    finally:
        process.kill()
        process.communicate(timeout=20)


def ask(address: str, **given: object) -> httpx.Response:
    """A ranking, once the server is ready."""
    transport = httpx.HTTPTransport(retries=0)
    with httpx.Client(transport=transport, timeout=30, trust_env=False) as client:
        while client.get(f"{address}/ready").status_code != 200:
            pass
        return client.post(f"{address}/v1/rerank", json=BODY, **given)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends_well_when_told_to(sent: signal.Signals) -> None:
    with serving("fast=lexical", "similarity[:1]", "--no-playground") as (process, address, said):
        assert said[-1].startswith("serving fast, similarity[:1] at http://127.0.0.1:")
        reply = ask(address)
        assert [each["index"] for each in reply.json()["results"]] == [1, 0]
        assert "server" not in reply.headers
        process.send_signal(sent)
        out, err = process.communicate(timeout=20)
        assert process.returncode == ExitCode.OK
        assert out == ""
        assert "Traceback" not in err
        assert "the moon" not in err  # no query and no passage in the logs


@pytest.mark.slow
def test_texts_in_logs_only_when_asked_for() -> None:
    with serving("lexical", "--log-texts", "--no-playground") as (process, address, _):
        ask(address)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert "the moon and the tides" in err


@pytest.mark.slow
def test_keys_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# for the shop\n{KEY}\n", encoding="utf-8")
    other = "one more key from the environment".replace(" ", "-")
    with serving("lexical", "--keys", str(file), "--no-playground", SHORTLIST_KEYS=other) as (_, address, _said):
        assert ask(address).status_code == 401
        for key in (KEY, other):
            assert ask(address, headers={"authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.slow
def test_an_open_server_is_warned_of() -> None:
    with serving("lexical", "--host", "0.0.0.0", "--no-playground") as (process, _, said):
        assert process.stderr is not None
        said.append(process.stderr.readline())
        assert "warning: whoever reaches 0.0.0.0 may ask" in said[-1]


@pytest.mark.slow
def test_the_page_is_served_unless_it_is_not_wanted() -> None:
    with serving("lexical") as (_, address, _said):
        assert ask(address).status_code == 200
        assert "text/html" in httpx.get(address, trust_env=False).headers["content-type"]
    with serving("lexical", "--no-playground") as (_, address, _said):
        assert httpx.get(address, trust_env=False).status_code == 404
