"""Total readers of what language models write: any text comes to an order of the window and a list of repairs.

Each grammar is read by the same rules. Thinking is taken out; the content of `<answer>` is preferred; then the last run
that is well formed; then names that stand as the grammar declares them, wherever they are. A number or a letter of
ordinary prose is never a name. Names that the window does not have are dropped, and of repeated ones the first is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from shortlist.errors import InputError
from shortlist.prompts.read_order import read_json, read_names, read_ranking
from shortlist.prompts.read_pick import read_answer, read_number, read_pick
from shortlist.prompts.read_scores import read_lines, read_map
from shortlist.prompts.read_selection import read_selected, read_selection
from shortlist.prompts.replies import Reply, answer
from shortlist.prompts.window import Parsed, Window, window

__all__ = ["GRAMMARS", "SELECTIONS", "Parsed", "completed", "parse"]

_READERS: Mapping[str, Callable[[Reply, Window], Parsed]] = MappingProxyType(
    {
        "ranking": read_ranking,
        "names": read_names,
        "order-json": read_json,
        "selection": read_selection,
        "selection-json": read_selected,
        "answer": read_answer,
        "pick": read_pick,
        "score-map": read_map,
        "number": read_number,
        "doc-lines": read_lines,
    }
)
GRAMMARS = tuple(_READERS)
"""The names of the grammars.

ranking `[2] > [1] = [3]`, names `PASSAGE2, PASSAGE1`, order-json `{"ranking": ["2", "1"]}`, selection `[2], [1]` or
`None`, selection-json `{"selected": ["2", "1"]}`, answer `<answer>[2]</answer>`, pick `Passage B`, score-map
`{"[1]": 5, "[2]": 9}`, number `7`, doc-lines `Doc: 2, Relevance: 9.5`.
"""
SELECTIONS = ("selection", "selection-json")
"""Those that tell an answer that names none from one that cannot be read."""


def parse(grammar: str, text: str, ids: Sequence[str]) -> Parsed:
    """Read a reply, in time linear in its length.

    `ids` are the names that passages had in the prompt, by place; of the grammar `number`, the allowed values, of which
    the nearest is the one place of the order.

    Raises:
        InputError: there is no such grammar. No text raises anything.
    """
    if grammar not in _READERS:
        raise InputError(f"no grammar is called {grammar!r}; there are {', '.join(GRAMMARS)}")
    reply = answer(text)
    if not reply.text:
        return Parsed((), {}, (*reply.notes, "the reply is empty"))
    parsed = _READERS[grammar](reply, window(tuple(ids)))
    return parsed if parsed.order or parsed.none else parsed._replace(repairs=(*parsed.repairs, "nothing named"))


def completed(order: Sequence[int], n: int) -> tuple[int, ...]:
    """A permutation of n places: those of the order, then the others as they came."""
    named = dict.fromkeys(place for place in order if 0 <= place < n)
    return (*named, *(place for place in range(n) if place not in named))
