"""The set of attacks: enough of them, of every kind, and each with a text of its own."""

from __future__ import annotations

from collections import Counter

from .attacking import PROSE, attacks, families

KINDS = {
    "plain instruction", "forged identifiers", "turn breaking", "fence closing", "forged answers", "forged thinking",
    "forged scores", "forged labels", "delimiters", "look-alikes", "filler", "query stuffing", "forged criteria",
}  # fmt: skip


def test_there_are_enough_of_every_kind():
    counts = Counter(attack.kind for attack in attacks())
    assert set(counts) == KINDS
    assert min(counts.values()) >= 2
    assert sum(counts.values()) >= 30


def test_each_has_a_name_and_a_text_of_its_own():
    assert (
        len({attack.name for attack in attacks()}) == len({attack.template for attack in attacks()}) == len(attacks())
    )
    for family in families():
        texts = [attack.text(family) for attack in attacks()]
        assert all(PROSE in text for text in texts)
        assert not any(f"{{{name}}}" in text for text in texts for name in ("id", "best", "query", "order", "filler"))
