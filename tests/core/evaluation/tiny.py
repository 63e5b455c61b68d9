"""Collections and runs that need no data."""

from shortlist import Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.outcome import Outcome, Run

WORDS = ("fish", "bird", "stone", "river", "cloud")


def question(i, candidates=6, grades=None):
    """Asks for one word; the candidate at place i (modulo their number) answers, and those beside it do not."""
    word = WORDS[i % len(WORDS)]
    passages = tuple(
        Passage(
            f"{word} and more" if place == i % candidates else f"nothing {place}", f"q{i}p{place}", 1.0 / (place + 1)
        )
        for place in range(candidates)
    )
    found = {f"q{i}p{i % candidates}": 2, f"q{i}p0": 1} if grades is None else grades
    return Question(f"q{i}", word, passages, found)


def collection(n=12, name="tiny", **settings):
    return Collection(name, tuple(question(i, **settings) for i in range(n)))


def as_run(name, orders):
    """A run of the ids in these orders, by question id."""
    return Run(name, {key: Outcome(tuple(ids), tuple(range(len(ids), 0, -1)), "rank") for key, ids in orders.items()})
