"""What a server offers: names, expressions, files; and what it refuses to start with."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi")

from shortlist.errors import InputError, WeightsError
from shortlist.models import catalogue
from shortlist.reranker.expression import load
from shortlist.serving.pipelines import Pipelines, UnknownPipeline
from shortlist.serving.run import address_of, listening
from shortlist.serving.settings import ServingSettings


def test_names_expressions_and_files(tmp_path: Path) -> None:
    file = tmp_path / "careful.json"
    file.write_text(json.dumps(load("lexical[:3]").to_dict()), encoding="utf-8")
    offered = Pipelines.of(
        ["lexical", "best=similarity[:5] >> mmr(diversity=0.3)", str(file), f"again={file}", "lexical[:2]"]
    )
    assert offered.names == ("lexical", "best", "careful", "again", "lexical[:2]")
    assert offered.get("best") == load("similarity[:5] >> mmr(diversity=0.3)")
    assert offered.get("careful") == offered.get("again") == load("lexical[:3]")
    assert [*offered] == [name for name, _ in offered.items()]
    assert len(offered) == 5


def test_an_equals_sign_inside_an_expression_names_nothing() -> None:
    assert Pipelines.of(["blend(similarity, prior=0.5)"]).names == ("blend(similarity, prior=0.5)",)


def test_names_that_clients_have_built_in() -> None:
    offered = Pipelines.of(["rerank-v3.5=lexical", "BAAI/bge-reranker-base=similarity"])
    assert offered.get("rerank-v3.5") == load("lexical")
    assert offered.get("BAAI/bge-reranker-base") == load("similarity")


def test_the_first_is_the_default() -> None:
    offered = Pipelines.of(["b=similarity", "a=lexical"])
    assert offered.default == "b"
    assert offered.get(None) is offered.get("") is offered.get("b")


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(UnknownPipeline, match=r"'c'; there are: b, a"):
        Pipelines.of(["b=similarity", "a=lexical"]).get("c")
    with pytest.raises(UnknownPipeline) as told:
        Pipelines.of(["a=lexical"]).get("x" * 10_000)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    ("specs", "why"),
    [
        ([], "nothing to serve"),
        (["lexical", "lexical"], "given twice"),
        (["a=lexical", "a=similarity"], "given twice"),
        (["no-such-reranker"], "no reranker is named"),
        (["a=mmr(diversity=7)"], "diversity"),
        (["__import__('os')"], "cannot read"),
        (["nowhere.json"], "cannot read nowhere.json"),
        (["a\nb=lexical"], "cannot be the name"),
        ([" =lexical"], "cannot be the name"),
    ],
)
def test_what_cannot_be_served(specs: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        Pipelines.of(specs)


def test_the_mapping_cannot_be_changed() -> None:
    given = {"a": load("lexical")}
    offered = Pipelines(given)
    given["b"] = load("similarity")
    assert offered.names == ("a",)
    with pytest.raises(TypeError):
        offered.rerankers["b"] = load("similarity")  # type: ignore[index]


def test_weights_that_are_not_here_are_seen_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    offered = Pipelines.of(["lexical[:5] >> cross-encoder(scorer='ms-marco-minilm') | lexical"])
    monkeypatch.setattr(catalogue, "find", lambda name: None)
    with pytest.raises(WeightsError, match="shortlist models get ms-marco-minilm"):
        offered.check_weights()
    Pipelines.of(["lexical", "similarity"]).check_weights()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_passages": 0},
        {"max_bytes": -1},
        {"max_tokens": 1.5},
        {"queue": True},
        {"deadline": 0.0},
        {"deadline": float("nan")},
        {"drain": float("inf")},
        {"body_seconds": -1.0},
        {"port": 65_536},
        {"port": -1},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        ServingSettings(**wrong)  # type: ignore[arg-type]


def test_the_runtime_of_a_server(tmp_path: Path) -> None:
    assert ServingSettings(deadline=7.0).runtime().limits.seconds == 7.0
    assert ServingSettings(cache=None).runtime().cache is None
    kept = ServingSettings(cache=str(tmp_path / "answers.sqlite")).runtime().cache
    assert kept is not None
    assert kept.location.endswith("answers.sqlite")


def test_a_socket_that_waits_before_the_server_is_there() -> None:
    with listening(ServingSettings(port=0)) as bound:
        address = address_of(bound)
        assert address.startswith("http://127.0.0.1:")
        outcome: list[Exception] = []

        def ask() -> None:
            try:
                httpx.get(address, timeout=0.2, trust_env=False)
            except httpx.ReadTimeout as error:  # connected, and nobody answers yet
                outcome.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(10)
        assert outcome


def test_an_address_that_is_taken() -> None:
    with listening(ServingSettings(port=0)) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1, port {port}"):
            listening(ServingSettings(port=port))
    with pytest.raises(InputError, match=r"cannot listen at 203\.0\.113\.7"):
        listening(ServingSettings(host="203.0.113.7", port=0))
