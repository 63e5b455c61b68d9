"""API keys: where they come from, and that none is told."""

import hashlib
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.core.serving.live import ASK, inside

from shortlist import InputError
from shortlist.serving.keys import Keyring, digest, keys_from, presented

ONE, TWO = "correct-horse-battery", "staple-zebra-violin"


def opened_by(*keys: str) -> AbstractAsyncContextManager[tuple[httpx.AsyncClient, FastAPI]]:
    return inside(keys=tuple(map(digest, keys)))


def test_keys_of_a_file_and_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# two teams\n\n  {ONE}  \nsha256:{digest(TWO)}\n{ONE}\n")
    assert keys_from(file, {}) == (digest(ONE), digest(TWO))
    assert keys_from(None, {"SHORTLIST_KEYS": f"{TWO}, {ONE}\n"}) == (digest(TWO), digest(ONE))
    assert keys_from(file, {"SHORTLIST_KEYS": "a-third-key-of-some-length"})[2:] == (
        digest("a-third-key-of-some-length"),
    )
    assert keys_from(None, {}) == ()
    assert digest(ONE) == hashlib.sha256(ONE.encode()).hexdigest()


@pytest.mark.parametrize("content", ["", "# nothing\n \n", "  # add keys below\n\t#\n", "short\n"])
def test_a_file_without_a_usable_key_is_an_error_that_shows_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(InputError) as caught:
        keys_from(file, {})
    assert "short\n".strip() not in str(caught.value).replace(str(file), "")


@pytest.mark.parametrize("value", ["", " ", ",\n, ", "#"])
def test_a_variable_without_a_key_does_not_open_the_server(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match="SHORTLIST_KEYS is set and has no key"):
        keys_from(None, {"SHORTLIST_KEYS": value})
    (tmp_path / "keys").write_text(ONE)
    with pytest.raises(InputError, match="SHORTLIST_KEYS"):
        keys_from(tmp_path / "keys", {"SHORTLIST_KEYS": value})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read keys"):
        keys_from(tmp_path / "none", {})


def test_a_key_is_compared_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (compared.append(b), real(a, b))[1])
    ring = Keyring((digest(ONE), digest(TWO)))
    assert ring.admits([ONE.encode()])
    assert compared == [digest(ONE), digest(TWO)]
    assert not ring.admits([ONE.encode()[:-1]])
    assert not ring.admits([])
    assert not ring.admits([digest(ONE).encode()])
    assert Keyring(()).admits([])


def test_a_keyring_does_not_show_its_digests() -> None:
    assert digest(ONE) not in repr(Keyring((digest(ONE),)))


def test_where_a_key_may_stand() -> None:
    assert presented([(b"authorization", b"bearer  abc ")]) == [b"abc"]
    assert presented([(b"authorization", b"Basic abc"), (b"x-api-key", b" d "), (b"api-key", b"e")]) == [b"d", b"e"]
    assert presented([(b"cookie", b"key=abc")]) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": f"Bearer {ONE}"}, 200),
        ({"authorization": f"BEARER {TWO}"}, 200),
        ({"x-api-key": ONE}, 200),
        ({"api-key": TWO}, 200),
        ({}, 401),
        ({"authorization": ONE}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {ONE}x"}, 401),
        ({"authorization": f"Bearer {ONE},{TWO}"}, 401),
        ({"authorization": f"Bearer {digest(ONE)}"}, 401),
        ({"x-api-key": "\u00e9" * 20}, 401),
        ({"cookie": f"x-api-key={ONE}"}, 401),
    ],
)
async def test_only_a_key_opens(headers: dict[str, str], status: int) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    async with opened_by(ONE, TWO) as (asking, _):
        reply = await asking.post("/v1/rerank", json=ASK, headers=sent)
    assert reply.status_code == status
    if status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.json()["message"]
        assert ONE not in reply.text


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_probes_need_no_key(path: str) -> None:
    async with opened_by(ONE) as (asking, _):
        assert (await asking.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/info"), ("GET", "/v1/models"), ("POST", "/health/"),
        ("POST", "/rerank"), ("GET", "/no/such/path"), ("GET", "/health/../metrics"), ("POST", "/assets/x"),
        ("GET", "/healthx"), ("GET", "/HEALTH"), ("GET", "/ready;/metrics"), ("OPTIONS", "/v1/rerank"),
    ],
)  # fmt: skip
async def test_all_else_does(method: str, path: str) -> None:
    async with opened_by(ONE) as (asking, _):
        assert (await asking.request(method, path)).status_code in {400, 401}


async def test_no_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened_by(ONE) as (asking, _):
        await asking.post("/v1/rerank", json=ASK, headers={"authorization": f"Bearer {TWO}"})
        await asking.post(f"/v1/rerank?key={ONE}", json=ASK, headers={"authorization": f"Bearer {ONE}"})
    ours = [record for record in caplog.records if record.name.startswith("shortlist")]
    assert len([record for record in ours if record.getMessage() == "request"]) >= 2
    for record in ours:
        assert not any(secret in str(vars(record)) for secret in (ONE, TWO, digest(ONE), digest(TWO)))
