"""Figures and measures in words."""

from __future__ import annotations

import math
import re

CORRECTIONS = {
    "holm": "corrected by Holm's method, which keeps the chance of even one false claim small",
    "benjamini-hochberg": "corrected by Benjamini and Hochberg's method, which keeps the share of false claims low",
    "none": "not corrected",
}
"""How p was corrected, in words."""
_MEASURES = {
    "nDCG": "rewards relevant passages near the top, the more relevant the more; 1 is the best possible order",
    "AP": "is the mean of precision at each relevant passage; 1 is all relevant passages before all others",
    "RR": "is one divided by the rank of the first relevant passage; 1 is a relevant passage on top",
    "MTRR": "is the mean over relevant passages of one divided by the rank, where equal scores share their ranks",
    "P": "is the share of the first{n} passages that is relevant",
    "R": "is the share of all relevant passages that is among the first{n}",
    "Success": "says whether a relevant passage is among the first{n}",
    "AllSupport": "says whether all that is relevant is among the first{n}",
    "TMHits": "is the share of relevant passages among the first{n}, where equal scores share their ranks",
    "UnDCG": "rewards useful passages near the top, the more useful the more; 1 is the best possible order",
    "StRecall": "is the share of the question's aspects that the first{n} passages answer",
    "NRBP": "rewards passages near the top that answer aspects not answered above them",
    "nAUC": "tells how well the best score of a list says how good the list is; 1 is as well as can be",
    "RPP": "is quality for each PetaFLOP of work",
    "QPP": "is questions for each PetaFLOP of work",
    "Judged": "is the share of the first{n} passages that judges have seen",
    "alpha_nDCG": "rewards passages near the top that answer aspects of the question not answered above them",
    "ERR_IA": "tells how soon a reader with one of the question's aspects in mind is satisfied",
    "ERR": "tells how soon a reader who stops at a good passage is satisfied",
}


def meaning(measure: str) -> str:
    """What a measure tells, in a half sentence; as a verb and what follows."""
    family = re.split(r"[@(]", measure)[0]
    text, cut = _MEASURES.get(family, "is the better the higher it is"), re.search(r"@(\d+)", measure)
    if cut and "{n}" not in text:
        return f"{text}; it looks at the first {cut[1]} passages"
    return text.format(n=f" {cut[1]}" if cut else "")


def depth(measure: str, otherwise: int = 10) -> int:
    """The rank down to which a measure looks."""
    found = re.search(r"@(\d+)", measure)
    return int(found[1]) if found else otherwise


def figure(value: float | None) -> str:
    """To three places, from 10,000 on to three digits; a dash for none."""
    return _told(value, "")


def signed(value: float | None) -> str:
    """As `figure`, with its sign."""
    return _told(value, "+")


def _told(value: float | None, sign: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    digits = ".3f" if abs(value) < 1e4 else ".3g"
    return f"{value:{sign}{digits}}".replace("-", "−")


def chance(value: float) -> str:
    """A p to three places."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def seconds(value: float | None) -> str:
    """A time for people."""
    if value is None or math.isnan(value):
        return "unknown"
    if value < 0.001:
        return f"{_two(value * 1e6)} µs" if value else "0 s"
    return f"{_two(value * 1e3)} ms" if value < 1.0 else f"{_two(value)} s"


def large(value: float | None) -> str:
    """A large number for people, such as 1.2 million."""
    if value is None or math.isnan(value):
        return "unknown"
    for size, name in ((1e15, "× 10¹⁵"), (1e12, "× 10¹²"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{_two(value / size)} {name}"
    return f"{value:.3g}"


def short(value: float | None) -> str:
    """A large number in little room, such as 1.2M."""
    if value is None or math.isnan(value):
        return "unknown"
    for size, name in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{_two(value / size)}{name}"
    return f"{value:.3g}"


def _two(value: float) -> str:
    """Two digits that count."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def times(ratio: float) -> str:
    """A ratio as `3.2 times`."""
    return f"{_two(ratio)} times"


def share(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.0f} %".replace("-", "−")


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def counted(n: int, one: str, many: str | None = None) -> str:
    """`1 question`, `2 questions`."""
    return f"{n} {one if n == 1 else many or one + 's'}"
