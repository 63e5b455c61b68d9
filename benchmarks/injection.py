"""Written attacks inside passages: what gets through to whom, and what each defence stops.

python benchmarks/injection.py            on the obedient fake, about four minutes
python benchmarks/injection.py --real     on SmolLM2-135M instead, about fifteen
python benchmarks/injection.py --write    and put the tables into docs/security.md
"""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "core" / "security"))

from attacking import (  # noqa: E402
    KINDS,
    PROSE,
    TOP,
    Attack,
    Family,
    attacks,
    attempt,
    families,
    without,
)

from data import dl19  # noqa: E402
from shortlist import MemoryCache, Passage, Pointwise, Prompted, Runtime  # noqa: E402
from shortlist.models.obedient import Obedience  # noqa: E402
from shortlist.prompts.spec import prompt  # noqa: E402
from table import Table, skipped  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
CLASSES = tuple(dict.fromkeys(attack.kind for attack in attacks()))
PERSUASION = ("plain instruction", "forged scores", "forged labels", "forged criteria")
SIGNS = tuple(kind for kind in CLASSES if kind not in (*PERSUASION, "query stuffing"))
WEIGHTS = "smollm2-135m"


def harmed(kind: str, chosen: Sequence[Family], obedience: Obedience, *, structured: bool = True) -> str:
    """How many attacks of a class did harm, of all; a dot for none."""
    tried = [
        attempt(attack, family, obedience, structured=structured).harm
        for family in chosen
        for attack in attacks()
        if attack.kind == kind
    ]
    return f"{sum(tried)} of {len(tried)}" if any(tried) else "·"


def by_prompt(chosen: Sequence[Family]) -> Table:
    """All defences on; a model that takes nothing inside a passage for an order."""
    kinds = [kind for kind in KINDS if any(family.kind == kind for family in chosen)]
    shown = (*SIGNS, "query stuffing")
    rows = [(kind, *(harmed(each, [f for f in chosen if f.kind == kind], "never") for each in shown)) for kind in kinds]
    return Table(
        "Signs, by kind of prompt, all defences on",
        ("prompt", *shown),
        tuple(rows),
        (f"{len(attacks())} attacks, {len(chosen)} prompts. A dot: no attack of the class did any harm.",),
    )


def by_firmness(chosen: Sequence[Family]) -> Table:
    """All defences on; what the model makes of orders and claims inside a passage is its own affair."""
    levels: tuple[Obedience, ...] = ("never", "unless warned", "always")
    kinds = [kind for kind in KINDS if any(family.kind == kind for family in chosen)]
    rows = [
        (kind, *(_persuaded([f for f in chosen if f.kind == kind], obedience) for obedience in levels))
        for kind in kinds
    ]
    return Table(
        "Orders and claims, by how obedient the model is, all defences on",
        ("prompt", *(f"obeys: {level}" for level in levels)),
        tuple(rows),
        (f"Classes: {', '.join(PERSUASION)}.",),
    )


def _persuaded(chosen: Sequence[Family], obedience: Obedience) -> str:
    tried = [attempt(a, family, obedience).harm for family in chosen for a in attacks() if a.kind in PERSUASION]
    return f"{sum(tried)} of {len(tried)}" if any(tried) else "·"


@dataclass(frozen=True)
class Condition:
    """One defence by itself: what is taken away, whether answers are held to a form, and which prompts have it."""

    title: str
    off: tuple[str, ...]
    has: Callable[[Family], bool]
    structured: bool = False


def _numbers(family: Family) -> bool:
    return family.kind == "listwise, numbers"


def _formed(family: Family) -> bool:
    if family.name.startswith("rebel"):
        return family.name == "rebel-structured"
    return bool(prompt(family.name).grammar) and prompt(family.name).guided and prompt(family.name).grammar != "names"


def _own(family: Family) -> bool:
    return "fence" in family.kind or family.name == "rebel-structured"


CONDITIONS = (
    Condition("nothing: numbers, free text", ("cleaning", "fencing"), _numbers),
    Condition("cleaning", ("fencing",), _numbers),
    Condition("fences", ("cleaning",), lambda family: "fence" in family.kind),
    Condition("schema or pattern", ("cleaning", "fencing"), _formed, structured=True),
    Condition("letters as labels", ("cleaning", "fencing"), lambda family: family.kind == "listwise, letters"),
    Condition(
        "label logits, one passage", ("cleaning", "fencing"), lambda family: family.kind == "labels, one passage"
    ),
    Condition("likelihood", ("cleaning", "fencing"), lambda family: family.kind == "likelihood"),
    Condition("all, prompts of our own", (), _own, structured=True),
)


def by_defence(chosen: Sequence[Family]) -> Table:
    """Each defence alone, on the prompts that have it."""
    columns = [list(_column(condition, chosen)) for condition in CONDITIONS]
    return Table(
        "What each defence stops by itself",
        ("class", *(condition.title for condition in CONDITIONS)),
        tuple(zip(SIGNS, *columns, strict=True)),
        ("All but the first and the last column: this defence alone, on the prompts that have it, the others off.",),
    )


def _column(condition: Condition, chosen: Sequence[Family]) -> Iterator[str]:
    having = [family for family in chosen if condition.has(family)]
    with without(*condition.off):
        for kind in SIGNS:
            yield harmed(kind, having, "never", structured=condition.structured)


def on_a_real_model(queries: int) -> Table:
    """SmolLM2-135M, one passage a prompt: the first nine of BM25 on dl19, and the attacked one."""
    from shortlist.models.catalogue import find
    from shortlist.models.torch_language import TorchChat, TorchLikelihood

    title = "A real model of 135 M parameters"
    collection = dl19()
    if collection is None or find(WEIGHTS) is None:
        return skipped(title, "needs dl19 and `shortlist models get smollm2-135m`")
    chat, likelihood = TorchChat(WEIGHTS, max_length=1024), TorchLikelihood(WEIGHTS, max_length=1024)
    scorers = {"yes-no": Prompted(chat, "yes-no"), "query-likelihood": Prompted(likelihood, "query-likelihood")}
    topics = [(query, collection.candidates[qid][:9]) for qid, query in list(collection.queries.items())[:queries]]
    tried = [attack for attack in attacks() if attack.kind != "filler"]
    rows = []
    for name, scorer in scorers.items():
        for defences, off in (("on", ()), ("off", ("cleaning", "fencing"))):
            with without(*off):
                rows.append((name, defences, *_places(Pointwise(scorer), name, topics, tried)))
    columns = (
        "prompt",
        "defences",
        "place without an attack",
        "into the first three",
        "of them signs",
        "orders, claims",
    )
    notes = (
        f"The first {queries} queries of dl19, {len(tried)} attacks each; no filler. Places are of ten.",
        f"Counted are attacks after which the passage stands among the first {TOP}, and without which it does not.",
    )
    return Table(title, (*columns, "query stuffing", "higher score", "higher place"), tuple(rows), notes)


def _places(
    reranker: Pointwise, name: str, topics: Sequence[tuple[str, list[Passage]]], tried: Sequence[Attack]
) -> tuple[str, ...]:
    runtime = Runtime(cache=MemoryCache())
    family = next(family for family in families() if family.name == name)

    def place(query: str, good: list[Passage], text: str) -> tuple[int, float]:
        ranking = reranker.rank(query, [*good, Passage(text)], runtime=runtime)
        return next((i, item.score or 0.0) for i, item in enumerate(ranking.kept, 1) if item.index == len(good))

    before = [place(query, good, PROSE) for query, good in topics]
    after = {attack: [place(query, good, attack.text(family, query)) for query, good in topics] for attack in tried}

    def raised(*kinds: str) -> str:
        pairs = [pair for attack in tried if attack.kind in kinds for pair in zip(before, after[attack], strict=True)]
        open_to = [(old, new) for (old, _), (new, _) in pairs if old > TOP]
        return f"{sum(new <= TOP for _, new in open_to)} of {len(open_to)}"

    pairs = [pair for places in after.values() for pair in zip(before, places, strict=True)]
    return (
        ", ".join(str(old) for old, _ in before),
        raised(*CLASSES),
        raised(*SIGNS),
        raised(*PERSUASION),
        raised("query stuffing"),
        f"{sum(new > old for (_, old), (_, new) in pairs)} of {len(pairs)}",
        f"{sum(new < old for (old, _), (new, _) in pairs)} of {len(pairs)}",
    )


def put(page: str, name: str, table: Table) -> str:
    """The page with the table between its marks, which it must have."""
    marks = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    body = table.markdown().replace("## ", "### ", 1)
    return re.sub(marks, lambda found: f"{found[1]}{body}\n{found[2]}", page, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one prompt of each kind")
    parser.add_argument("--real", action="store_true", help="SmolLM2-135M only")
    parser.add_argument("--queries", type=int, default=3, help="for the real model")
    parser.add_argument("--write", action="store_true", help="the tables into docs/security.md")
    options = parser.parse_args()
    chosen = list({family.kind: family for family in families()}.values()) if options.quick else families()
    made: dict[str, Callable[[], Table]] = {
        "prompts": lambda: by_prompt(chosen),
        "firmness": lambda: by_firmness(chosen),
        "defences": lambda: by_defence(chosen),
    }
    if options.real:
        made = {"real": lambda: on_a_real_model(options.queries)}
    for name, make in made.items():
        table = make()
        print(table.text(), end="\n\n", flush=True)
        if options.write:
            PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), name, table), encoding="utf-8")


if __name__ == "__main__":
    main()
