"""A picture as a value, and how matplotlib makes one that is the same every time."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.drawing.theme import INK, LINE, MUTED, SURFACE, TAG, by_variables, dark_rules
from shortlist.errors import InputError, require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 360
"""Units across a picture: pixels of a phone held upright, so that its letters can be read there."""
_SHOWN = 1.5
"""Pixels for a unit where a picture stands alone."""


@dataclass(frozen=True)
class Drawing:
    """A picture in SVG, light or dark as its reader prefers, with words for those who cannot see it.

    Attributes:
        title: what it is of.
        description: what is to be seen in it.
        markup: the `<svg>` element, in light colours.
    """

    title: str
    description: str
    markup: str

    @property
    def svg(self) -> str:
        """The picture as a file of its own."""
        head, _, body = self.markup.partition("</desc>")
        return f"{head}</desc><style>{dark_rules(_scope(head))}</style>{body}"

    @property
    def inline(self) -> str:
        """The element for a page that has the style sheet `theme.variables`."""
        return by_variables(self.markup)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write `svg`.

        Raises:
            InputError: the file would not be called `.svg`, or cannot be written.
        """
        if Path(path).suffix.lower() != ".svg":
            raise InputError(f"a drawing is saved as .svg, not as {Path(path).suffix or 'a file without a suffix'!r}")
        try:
            Path(path).write_text(self.svg + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error


def drawn(title: str, description: str, height: float, paint: Callable[[Figure], None]) -> Drawing:
    """The picture that `paint` makes on a figure `WIDTH` wide and `height` high.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    require("evaluate", "matplotlib")
    with _settings():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
        paint(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return Drawing(title, description, _tidied(file.getvalue(), title, description, height))


@contextmanager
def _settings() -> Iterator[None]:
    """The defaults of matplotlib and ours, whatever the user has set; ids that do not change from run to run."""
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context():
        # It measures text with a font of its own; the reader's has the letters that this one lacks.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_OURS)
        yield


_OURS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "shortlist",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 11,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    **dict.fromkeys(("figure.facecolor", "savefig.facecolor", "axes.facecolor"), SURFACE),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    "grid.color": LINE,
}
_FONTS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
# Matplotlib's comments, and what it says about itself and to the page around.
_NOISE = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
# A marker has its colour twice, where it is defined and where it is used; style sheets do not reach the first.
_DEFS, _STROKE = re.compile(r"<defs>.*?</defs>", re.DOTALL), re.compile(r"stroke: #\w{6}(?:; )?")
_REFERENCE = re.compile(r'(?<=\sid=")|(?<=url\(#)|(?<=href="#)')
# All characters that XML 1.0 does not have.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def speakable(text: str) -> str:
    """The text with a sign in place of each character that neither XML nor HTML can hold."""
    return _UNSPEAKABLE.sub("\ufffd", text)


def clean(text: str, width: int) -> str:
    """The start of a text on one line, `speakable`."""
    line = " ".join(speakable(text[: 4 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _tidied(svg: str, title: str, description: str, height: float) -> str:
    body = _NOISE.sub("", svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")])
    body = _DEFS.sub(lambda found: _STROKE.sub("", found[0]), body)
    name = "p" + hashlib.sha256("\0".join((title, description, body)).encode(errors="replace")).hexdigest()[:10]
    body = TAG.sub(lambda tag: _REFERENCE.sub(f"{name}-", tag[0]).replace("'DejaVu Sans'", _FONTS), body)
    words = f'<title id="{name}-title">{_xml(title)}</title><desc id="{name}-desc">{_xml(description)}</desc>'
    return (
        f'<svg id="{name}" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH * _SHOWN:g}" '
        f'height="{height * _SHOWN:g}" style="stroke-linejoin: round; stroke-linecap: butt">{words}{body.strip()}</svg>'
    )


def _xml(text: str) -> str:
    return escape(speakable(text), quote=False)


def _scope(head: str) -> str:
    return head[len('<svg id="') : head.index('"', len('<svg id="'))]
