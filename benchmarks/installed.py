"""What a requirement brings along, and how large it is on disk."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(requirement: str) -> dict[str, Distribution]:
    """The distribution and all that it requires here, by name; requirements that are not installed are left out."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        fresh = [extra for extra in ("", *sorted(wanted.extras)) if (name, extra) not in seen]
        seen.update((name, extra) for extra in fresh)
        try:
            part = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = part
        waiting += [each for extra in fresh for each in _needs(part, extra)]
    return found


def _needs(part: Distribution, extra: str) -> list[Requirement]:
    environment = {**default_environment(), "extra": extra}
    needs = map(Requirement, part.requires or ())
    return [each for each in needs if each.marker is None or each.marker.evaluate(environment)]


def megabytes(parts: dict[str, Distribution]) -> float:
    """Size of their files, bytecode left out."""
    return sum(_bytes(part) for part in parts.values()) / 1e6


def _bytes(part: Distribution) -> int:
    source = _editable(part)
    if source is None:
        files = [Path(str(part.locate_file(file))) for file in part.files or ()]
    else:
        files = list((source / "src").rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")


def _editable(part: Distribution) -> Path | None:
    """The folder that an editable installation points to."""
    where = json.loads(part.read_text("direct_url.json") or "{}")
    if not where.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(where["url"]).path))
