"""Requests made from the server's own document: none may end in a 500, every reply is what the document says."""

from collections.abc import Iterator
from typing import Any

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
# Now, and not beside a server's thread: Python 3.11 may stumble over two threads that parse at once.
pytest.importorskip("schemathesis.specs.openapi.schemas")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402
from tests.core.serving.live import Live, Moody, live  # noqa: E402

from shortlist import CrossEncoder, Lexical, Mmr  # noqa: E402

pytestmark = pytest.mark.slow
SERVED = {"lexical": Lexical(), "moody": CrossEncoder(Moody()), "varied": Lexical() >> Mmr()}
# What no JSON schema can say: the names of the settings are those of a pipeline, and vectors have one length.
NOT_IN_THE_DOCUMENT = ("that can be turned", "embeddings of one size")
EXAMPLES = 30  # for each endpoint


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with live(SERVED, playground=True, max_passages=50, deadline=2.0) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Live) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")


ENDPOINTS = [
    "POST /v1/rerank", "POST /v2/rerank", "POST /voyage/v1/rerank", "POST /rerank", "GET /v1/models", "GET /info",
    "GET /health", "GET /ready", "GET /metrics",
]  # fmt: skip


# A GET without parameters can be asked in one way only.
ASKED = [(each, False) for each in ENDPOINTS] + [(each, True) for each in ENDPOINTS if each.startswith("POST")]


@pytest.mark.parametrize(("endpoint", "wrong"), ASKED)
def test_every_endpoint(document: Any, endpoint: str, wrong: bool) -> None:
    operations = {f"{each.method.upper()} {each.path}": each for each in _operations(document)}
    mode = schemathesis.GenerationMode.NEGATIVE if wrong else schemathesis.GenerationMode.POSITIVE
    operation = operations[endpoint]

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    def check(case: Any) -> None:
        reply = case.call()
        unsaid = reply.status_code == 422 and any(word in reply.text for word in NOT_IN_THE_DOCUMENT)
        case.validate_response(reply, excluded_checks=[positive_data_acceptance] if unsaid else [])
        assert reply.status_code < 500 or reply.status_code in {503, 504}

    check()


def test_no_endpoint_is_left_out(document: Any) -> None:
    assert {f"{each.method.upper()} {each.path}" for each in _operations(document)} == {*ENDPOINTS}


def _operations(document: Any) -> Iterator[Any]:
    for found in document.get_all_operations():
        yield found.ok()


def test_the_document_is_whole(server: Live) -> None:
    with server.client() as client:
        document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert {"/v1/rerank", "/v2/rerank", "/rerank", "/health", "/ready", "/metrics"} <= {*document["paths"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary") or operation.get("description"), f"{method} {path}"
    assert "servers" not in document
