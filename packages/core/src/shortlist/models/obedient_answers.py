"""Answers of a fake model in the forms that prompts ask for, from grades by name, the best first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Grades: TypeAlias = Mapping[str, float]


def written(grades: Grades, schema: str | None, asked: str) -> str:
    """The answer by the schema, or in the form that the prompt shows."""
    if schema:
        return json.dumps(_filled(json.loads(schema), grades))
    write = next((write for shown, write in _FORMS if shown in asked), _pick)
    return write(grades)


def logits(labels: Sequence[str], grades: Grades, places: Sequence[str]) -> dict[str, float]:
    """Of several passages the first label is the first's, and so on; of one, they are numbers, or best first."""
    if len(places) > 1:
        return dict(zip(labels, (10.0 * grades[name] for name in places), strict=False))
    best_first = sorted(labels, key=float, reverse=True) if all(map(str.isdecimal, labels)) else labels
    place = (1.0 - max(grades.values(), default=0.0)) * max(1, len(labels) - 1)
    return {label: -4.0 * abs(place - best_first.index(label)) for label in labels}


def _filled(schema: Any, grades: Grades, grade: float = 0.0) -> Any:
    """A value that the schema allows: names in their order, numbers by the grade of the passage they stand under."""
    if schema["type"] == "object":
        fields = schema["properties"].items()
        return {key: _filled(part, grades, grades.get(key.strip("[]"), grade)) for key, part in fields}
    if schema["type"] == "array":
        allowed = schema["items"]["enum"]
        known = [name for name in grades if name in allowed]
        return [*known, *(name for name in allowed if name not in known)]
    low, high = schema["minimum"], schema["maximum"]
    return low + grade * (high - low)


def _ranking(grades: Grades) -> str:
    return " > ".join(f"[{name}]" for name in grades)


def _listed(grades: Grades) -> str:
    return json.dumps({"ranking": list(grades)})


def _chosen_list(grades: Grades) -> str:
    return json.dumps({"selected": list(grades)})


def _enumerated(grades: Grades) -> str:
    return ", ".join(f"[{name}]" for name in grades) or "None"


def _scored(grades: Grades) -> str:
    scores = json.dumps({f"[{name}]": round(10 * grade, 2) for name, grade in grades.items()})
    return f"<answer>{scores}</answer>"


def _lines(grades: Grades) -> str:
    return "\n".join(f"Doc: {name}, Relevance: {10 * grade:.2f}" for name, grade in grades.items())


def _named(grades: Grades) -> str:
    return "[" + ", ".join(f"PASSAGE{name}" for name in grades) + "]"


def _chosen(grades: Grades) -> str:
    return f"<answer>[{next(iter(grades), '')}]</answer>"


def _pick(grades: Grades) -> str:
    return f"Passage {next(iter(grades), '')}"


# By what a prompt shows of the answer it wants.
_FORMS: tuple[tuple[str, Callable[[Grades], str]], ...] = (
    ('{"ranking"', _listed),
    ('{"selected"', _chosen_list),
    ('[1], [2] or "None"', _enumerated),
    ('{"[1]"', _scored),
    ('{"<id>"', _scored),
    ("<answer>[", _chosen),
    ("Doc: ", _lines),
    ("[PASSAGE", _named),
    ("] > [", _ranking),
)
