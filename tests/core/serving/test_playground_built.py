"""The page as it is in the package: built from the sources that are here, whole, and asking no other host."""

import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from shortlist.drawing.theme import DARK, LIGHT

SOURCES = Path(__file__).parents[3] / "packages" / "playground"
STATIC = files("shortlist.serving.playground").joinpath("static")
MOST = 560_000  # bytes of all files together, which a browser gets packed to less than a third

needs_sources = pytest.mark.skipif(not SOURCES.is_dir(), reason="the sources of the page are not here")


def built():
    """All files but the record, by path."""
    assets = {f"assets/{each.name}": each.read_bytes() for each in STATIC.joinpath("assets").iterdir()}
    return {"index.html": STATIC.joinpath("index.html").read_bytes(), **assets}


@needs_sources
def test_the_page_was_built_from_these_sources():
    recorded = json.loads(STATIC.joinpath("sources.json").read_text())
    alone = [SOURCES / name for name in recorded if "/" not in name]
    present = [
        *alone,
        *(path for folder in ("scripts", "src") for path in (SOURCES / folder).rglob("*") if path.is_file()),
    ]
    now = {path.relative_to(SOURCES).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in present}
    assert now == recorded, "the page is stale: run `npm ci && npm run build` in packages/playground"
    assert {"index.html", "package-lock.json", "src/main.tsx"} <= recorded.keys()


def test_every_file_that_the_page_names_is_there():
    files_ = built()
    named = set(re.findall(r'(?:src|href)="\./([^"]+)"', files_["index.html"].decode()))
    assert named == files_.keys() - {"index.html"}
    assert all(re.search(r"-[\w-]{8}\.(js|css|svg)$", name) for name in named)


def test_the_page_needs_no_exception_from_the_policy():
    html = built()["index.html"].decode()
    assert not re.search(r"<style|style=|\son\w+=|javascript:|https?://|//\w+\.", html)
    assert re.findall(r"<script\b[^>]*>([^<]*)</script>", html) == [""]


def test_nothing_in_the_page_is_loaded_from_elsewhere():
    for name, content in built().items():
        assert not re.search(rb"@import|url\(\s*['\"]?(?:https?:)?//|sourceMappingURL", content), name


def test_the_page_is_small():
    assert sum(map(len, built().values())) < MOST


@needs_sources
def test_colours_are_those_of_the_house():
    sheet = (SOURCES / "src" / "style" / "tokens.css").read_text()
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    for text, colours in ((light, LIGHT), (dark, DARK)):
        assert dict(re.findall(r"--(\w+): (#\w{6});", text)) == colours


@needs_sources
def test_the_lock_file_holds_no_registry():
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    assert len(lock["packages"]) > 20
    assert not any("resolved" in each for each in lock["packages"].values())
    assert all("integrity" in each for name, each in lock["packages"].items() if name)
