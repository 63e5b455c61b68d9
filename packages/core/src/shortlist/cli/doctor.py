"""`shortlist doctor`: what is here, and what to type for what is not."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from shortlist.cli.options import AsJson
from shortlist.cli.output import plain, print_json, print_table, table

_REQUIREMENT = re.compile(r"([\w.-]+).*?(?:extra\s*==\s*['\"]([\w-]+)['\"])?$")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        what: its name.
        ok: whether it is here.
        found: a version, a folder, or a number.
        install: what to type when it is not here.
    """

    what: str
    ok: bool
    found: str
    install: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Show what is installed, which weights are here, and how to get what is missing."""
    findings = [*_base(), *_extras(), *_weights()]
    if as_json:
        print_json([asdict(each) for each in findings])
        return
    shown = table("", "what", "found", "to get it")
    for each in findings:
        shown.add_row(*plain("OK" if each.ok else "missing", each.what, each.found, each.install))
    print_table(shown)


def _base() -> Iterator[Finding]:
    yield Finding("python", ok=True, found=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("shortlist", ok=True, found=_version("shortlist") or "not installed as a distribution")
    yield Finding("cores (threads of local models)", ok=True, found=str(_cores()))
    for name, extra in _requirements():
        if not extra:
            yield Finding(name, ok=_version(name) is not None, found=_version(name) or "")


def _extras() -> Iterator[Finding]:
    """One finding for each extra, from what the installed distribution says that it needs."""
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra:
            extras.setdefault(extra, []).append(name)
    for extra, names in extras.items():
        versions = {name: _version(name) for name in names}
        found = ", ".join(f"{name} {here}" if here else f"no {name}" for name, here in versions.items())
        ok = all(versions.values())
        yield Finding(f"extra {extra}", ok, found, "" if ok else f"pip install 'shortlist[{extra}]'")


def _weights() -> Iterator[Finding]:
    from shortlist.models.catalogue import catalogue, find

    for name, weights in catalogue().items():
        folder = find(name)
        install = "" if folder else f"shortlist models get {name}"
        yield Finding(f"weights {name}", folder is not None, str(folder or weights.kind), install)


def _requirements() -> Iterator[tuple[str, str]]:
    """The names of what the distribution needs, each with its extra; the extra of the base is empty."""
    for requirement in _required():
        match = _REQUIREMENT.match(requirement)
        if match:
            yield match[1], match[2] or ""


def _required() -> list[str]:
    try:
        return requires("shortlist") or []
    except PackageNotFoundError:
        return []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
