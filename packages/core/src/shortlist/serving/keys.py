"""API keys: kept as digests, compared in constant time, never written anywhere."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import InputError

VARIABLE = "SHORTLIST_KEYS"
"""The environment variable that keys are read from: with commas, blanks or lines between them."""

_LEAST = 16  # characters: a key of random letters that is shorter can be guessed
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def digest(key: str | bytes) -> str:
    """SHA-256 of a key, as hex digits. Keys are long and random, so that no slow hash is needed."""
    return hashlib.sha256(key.encode() if isinstance(key, str) else key).hexdigest()


def keys_from(file: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The digests of all keys in the file and in the environment.

    A file has one key a line; empty lines and those that begin with `#` are passed over, and `sha256:` with 64 hex
    digits stands for a key that the file does not tell.

    Raises:
        InputError: the file cannot be read, or has no key, or the variable is there without one, or a key is short; no
            message shows a key.
    """
    # Whoever names a place for keys wants a server that is closed: without one in it, it must not be an open one.
    of_file = () if file is None else _keys(_lines(file), f"{file} has no key: one a line")
    told = environ.get(VARIABLE)
    of_variable = () if told is None else _keys(re.split(r"[,\s]+", told), f"{VARIABLE} is set and has no key")
    return tuple(dict.fromkeys(_digest_of(i, key) for i, key in enumerate((*of_file, *of_variable), 1)))


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The keys that open a server. Without any it is open to all.

    Attributes:
        digests: SHA-256 of each key, as hex digits.
    """

    digests: tuple[str, ...]

    def admits(self, presented: Iterable[bytes]) -> bool:
        """Whether there are no keys, or one of those presented is among them.

        Each is compared with every key, so that the time tells nothing of which one it was.
        """
        found = not self.digests
        for key in presented:
            told = digest(key)
            for known in self.digests:
                found |= hmac.compare_digest(told, known)
        return found


def presented(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The keys that a request shows: `Authorization: Bearer`, `X-API-Key` and `Api-Key`."""
    found = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            found += [key.strip()] if scheme.lower() == b"bearer" else []
        elif name in {b"x-api-key", b"api-key"}:
            found.append(value.strip())
    return found


def _keys(lines: Iterable[str], otherwise: str) -> list[str]:
    told = [line.strip() for line in lines]
    keys = [line for line in told if line and not line.startswith("#")]
    if not keys:
        raise InputError(otherwise)
    return keys


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read keys from {file}: {type(error).__name__}") from error


def _digest_of(place: int, key: str) -> str:
    if known := _DIGEST.fullmatch(key):
        return known[1]
    if len(key) < _LEAST:
        raise InputError(f"key {place} has fewer than {_LEAST} characters: take a longer one, by chance")
    return digest(key)
