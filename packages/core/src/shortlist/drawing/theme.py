"""Colours of pictures, on a light page and on a dark one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

# Blue and orange are told apart by those who see no red or no green, and every use of them has a second sign beside it.
LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "surface": "#fcfcfb",
        "panel": "#f1f3f5",
        "ink": "#1c2126",
        "muted": "#59636d",
        "line": "#d3d9df",
        "first": "#0b5cad",
        "second": "#b34700",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "surface": "#14171a",
        "panel": "#1e2327",
        "ink": "#e7eaed",
        "muted": "#a2adb8",
        "line": "#3b444c",
        "first": "#74b6ff",
        "second": "#ffa361",
    }
)
SURFACE, PANEL, INK, MUTED, LINE, FIRST, SECOND = LIGHT.values()
_NAMES = {value: name for name, value in LIGHT.items()}
_COLOUR = re.compile("|".join(_NAMES))
TAG = re.compile(r"<[^>]*>")


def variables() -> str:
    """A style sheet that gives each colour its name, for both schemes."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in each.items()) for each in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def by_variables(svg: str) -> str:
    """The picture with names in place of colours, for a page that has `variables`. Text between tags stays as it is."""
    return TAG.sub(lambda tag: _COLOUR.sub(lambda found: f"var(--{_NAMES[found[0]]})", tag[0]), svg)


def dark_rules(scope: str) -> str:
    """A style sheet for a picture that stands alone: its light colours become dark ones where the reader prefers that.

    The picture keeps its colours as plain values, so that programs that know no style sheets draw it light.
    """
    rules = "".join(
        f'#{scope} [style*="{what}: {LIGHT[name]}"]{{{what}:{value}!important}}'
        for name, value in DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme:dark){{{rules}}}"
