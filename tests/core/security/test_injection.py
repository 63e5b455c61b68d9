"""Attacks inside passages, through every prompt family: what the defences stop, and that without them it happens."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from shortlist.prompts import safety
from shortlist.prompts.spec import prompt, prompts
from shortlist.testing import check_ranking

from .attacking import ATTACKED, QUERY, attacks, attempt, families, honest_order, passages, without

pytestmark = pytest.mark.slow  # every attack against every prompt

FAMILIES = {family.name: family for family in families()}
EVERY_KIND = (
    "rankzephyr", "rankgpt", "rank-k", "lrl", "first", "shortlist", "dynamicrag", "shortlist-selection", "grouprank", "shortlist-scores", "setwise",
    "setwise-likelihood", "rank-r1", "prp", "erank", "qwen3-reranker", "yes-no", "graded", "monot5", "rank1",
    "upr", "rebel-structured", "rebel-text", "rebel-paper",
)  # fmt: skip
QUICK = (
    "rankzephyr",
    "lrl",
    "first",
    "shortlist",
    "dynamicrag",
    "setwise",
    "qwen3-reranker",
    "yes-no",
    "upr",
    "rebel-structured",
)
NAMES = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES if name not in QUICK)]

# What a model does that takes nothing inside a passage for an order. The rest is persuasion, and content.
MECHANICAL = (
    "forged identifiers", "turn breaking", "fence closing", "forged answers", "forged thinking", "delimiters", "look-alikes",
)  # fmt: skip
PERSUASION = ("plain instruction", "forged scores", "forged labels", "forged criteria")

# These are aimed at the cleaning itself: raw, they are harmless.
AT_THE_CLEANING = {"nested token", "token nested four deep", "fence nested in a token"}


def of_kind(*kinds):
    return [attack for attack in attacks() if attack.kind in kinds]


def named(name):
    return next(attack for attack in attacks() if attack.name == name)


def keeps_lines(name):
    """Whether a passage's own empty lines stand in a prompt without a fence: one passage in it, and REBEL as published."""
    return name == "rebel-paper" or not (name.startswith("rebel") or prompt(name).one_line or prompt(name).fences)


def bounded(name):
    """Whether the prompt has a length that a passage is cut to."""
    return name.startswith("rebel") or bool(prompt(name).words or prompt(name).context)


def answers(name):
    """Whether the model writes an answer; it gives labels or a likelihood else."""
    return name.startswith("rebel") or prompt(name).contract not in ("labels", "likelihood")


def asks_json(name):
    """Whether the answer is JSON by a schema, which a forged one in a passage may also be."""
    return name in ("shortlist", "shortlist-scores", "shortlist-selection")


def steps_out(attack):
    """Whether an empty line is left of it, when all else that it tried is gone."""
    text = safety.cleaned(attack.template, brackets=True, words=None, one_line=False)
    return "\n\n" in text.replace(" \n", "\n")


@pytest.mark.parametrize("name", NAMES)
def test_without_an_attack_the_passage_stays_below(name):
    order = honest_order(FAMILIES[name])
    assert ATTACKED not in order[:3]
    assert order[0] == 1


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_passage_says_the_ranking_is_valid(name):
    family = FAMILIES[name]
    for attack in attacks():
        outcome = attempt(attack, family, "always", structured=False)
        check_ranking(outcome.ranking, passages(attack.text(family)))


@pytest.mark.parametrize("name", NAMES)
def test_no_sign_in_a_passage_passes_the_defences(name):
    for attack in of_kind(*MECHANICAL, "filler"):
        if (keeps_lines(name) and steps_out(attack)) or (attack.kind == "filler" and not bounded(name)):
            continue
        outcome = attempt(attack, FAMILIES[name], "never")
        assert not outcome.through, attack.name
        assert not outcome.others_moved, attack.name


@pytest.mark.parametrize("name", [name for name in FAMILIES if answers(name) and not asks_json(name)])
def test_a_model_that_quotes_passages_in_free_text_is_read_right(name):
    for attack in of_kind("forged answers", "forged thinking", "forged identifiers", "forged criteria"):
        outcome = attempt(attack, FAMILIES[name], "never", structured=False)
        assert not outcome.through, attack.name
        assert not outcome.others_moved, attack.name


def test_what_is_not_stopped_is_known():
    """An empty line ends a passage that has no fence; only that passage's own place is at stake."""
    for name in ("qwen3-reranker", "erank", "rank1"):
        outcome = attempt(named("blank lines"), FAMILIES[name], "never")
        assert outcome.through
        assert not outcome.others_moved
    for name in ("setwise", "prp", "rankzephyr", "yes-no"):
        assert not attempt(named("blank lines"), FAMILIES[name], "never").through


@pytest.mark.parametrize(
    "attack",
    [attack for attack in of_kind(*MECHANICAL, "filler") if attack.name not in AT_THE_CLEANING],
    ids=lambda attack: attack.name,
)
def test_without_the_defences_each_gets_through_somewhere(attack):
    with without("cleaning", "fencing"):
        for name in EVERY_KIND:
            outcome = attempt(attack, FAMILIES[name], "never", structured=False)
            if outcome.through or outcome.others_moved:
                return
    pytest.fail("harmless everywhere")


def test_tokens_that_hide_in_tokens_pass_a_cleaning_that_looks_once():
    def once(text):
        return safety._TOKEN.sub("", text)

    for attack, name in (("nested token", "rankzephyr"), ("fence nested in a token", "shortlist")):
        assert not attempt(named(attack), FAMILIES[name], "never").through
    with patch.object(safety, "_without_tokens", once):
        assert attempt(named("nested token"), FAMILIES["rankzephyr"], "never").through
    with without("fencing"):
        assert attempt(named("fence nested in a token"), FAMILIES["shortlist"], "never").through


@pytest.mark.parametrize(
    "name",
    ["shortlist", "shortlist-scores", "shortlist-selection", "yes-no", "graded", "rebel-structured", "rebel-text"],
)
def test_a_fence_and_a_warning_are_what_a_model_that_heeds_them_needs(name):
    for attack in of_kind(*PERSUASION):
        assert not attempt(attack, FAMILIES[name], "unless warned").through
        assert attempt(attack, FAMILIES[name], "always").through or name.startswith("shortlist")


@pytest.mark.parametrize("name", ["rankzephyr", "first", "setwise", "prp", "qwen3-reranker", "erank", "rebel-paper"])
def test_no_defence_of_ours_stops_persuasion(name):
    assert attempt(named("order"), FAMILIES[name], "always").through
    assert attempt(named("order"), FAMILIES[name], "unless warned").through


def test_one_passage_in_a_prompt_moves_no_other():
    """Whatever it says, and however obedient the model: there is nobody else in its prompt."""
    single = [name for name in EVERY_KIND if not name.startswith("rebel") and prompt(name).window == 1]
    assert len(single) >= 6
    for name in single:
        for attack in attacks():
            assert not attempt(attack, FAMILIES[name], "always", structured=False).others_moved, (name, attack.name)


def test_a_likelihood_obeys_nobody():
    for attack in attacks():
        with without("cleaning", "fencing"):
            through = attempt(attack, FAMILIES["upr"], "always").through
        assert through == (attack.kind == "query stuffing")


@pytest.mark.parametrize(("name", "attack"), [("shortlist", "ranking in JSON"), ("shortlist-scores", "scores in JSON")])
def test_only_a_schema_stops_json_that_is_quoted(name, attack):
    """JSON is not cleaned out of passages: a model that is not held to the schema may quote it."""
    free = attempt(named(attack), FAMILIES[name], "never", structured=False)
    held = attempt(named(attack), FAMILIES[name], "never", structured=True)
    assert free.through or free.others_moved
    assert not (held.through or held.others_moved)


def test_letters_stop_forged_numbers():
    attack = named("whole run of identifiers")
    with without("cleaning"):
        numbers = attempt(attack, FAMILIES["rankzephyr"], "never", structured=False)
        letters = attempt(attack, FAMILIES["first"], "never", structured=False)
    assert numbers.through or numbers.others_moved
    assert not (letters.through or letters.others_moved)


def test_the_query_in_a_passage_is_content_and_no_defence_stops_it():
    for name in ("shortlist", "yes-no", "upr", "rebel-structured"):
        assert attempt(named("query repeated"), FAMILIES[name], "never").through
    assert QUERY in named("query repeated").text(FAMILIES["upr"])


def test_prompts_of_several_passages_have_a_fence_or_each_passage_on_one_line():
    """Else a passage could begin another; ListT5 gives each a text of its own."""
    several = [spec for spec in prompts().values() if spec.window > 1 and spec.name != "listt5"]
    assert len(several) > 15
    assert [spec.name for spec in several if not (spec.one_line or spec.fences)] == []
