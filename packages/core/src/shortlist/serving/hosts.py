"""Who a browser says it speaks for, where no key does: pages of strangers must not ask by way of their visitors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

from shortlist.serving.heads import Head
from shortlist.serving.refusals import Refusal, Scope
from shortlist.serving.settings import ServingSettings

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?")


class Callers:
    """Which names and origins may ask a server."""

    def __init__(self, settings: ServingSettings) -> None:
        """With keys all may: no page has its visitors' keys, and none of these checks is made."""
        self._keyed = bool(settings.keys)
        self._loopback = is_loopback(settings.host)
        self._origins = settings.origins

    def check(self, scope: Scope, head: Head) -> None:
        """Whether this one may ask.

        Raises:
            Refusal: a server of this machine alone is asked by another name, as it is when a page has its own name lead
                here (421); or a page of another origin asks (403).
        """
        if self._keyed:
            return
        host = head.value(b"host").decode("latin-1")
        # Mounted in another server it may have any name: what counts is where the connection came in.
        if self._loopback and is_loopback(_reached_at(scope)) and not is_loopback(_name(host)):
            raise Refusal(421, "this server has no keys, and answers as localhost only: see Host in docs/serving.md")
        origin = head.value(b"origin").decode("latin-1")
        if head.method == "POST" and origin and not _is_own(origin, host) and not _is_listed(origin, self._origins):
            raise Refusal(403, "pages of this origin may not ask: --origin lists those that may")


def is_loopback(host: str) -> bool:
    """Whether it is a name or an address of the machine itself, to itself."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _reached_at(scope: Scope) -> str:
    """The address of this end of the connection; empty where it has none, as a Unix socket."""
    server = scope.get("server")
    return str(server[0]) if server else ""


def _name(host: str) -> str:
    """A Host without its port; empty where it is none."""
    found = _HOST.fullmatch(host)
    return found[1] if found else ""


def _is_own(origin: str, host: str) -> bool:
    """A proxy may have taken the TLS off, so that the scheme tells nothing."""
    scheme, _, name = origin.lower().partition("://")
    return scheme in {"http", "https"} and name == host.lower()


def _is_listed(origin: str, origins: Sequence[str]) -> bool:
    return origin in origins or "*" in origins
