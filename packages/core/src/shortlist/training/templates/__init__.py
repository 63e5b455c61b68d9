"""What generators and judges of answers are told: no ranking prompts, so they stand apart from `shortlist.prompts`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def template(name: str) -> str:
    """The text of a template, without its last line break."""
    return files(__name__).joinpath(f"{name}.txt").read_text("utf-8").removesuffix("\n")
