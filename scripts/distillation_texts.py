"""Texts to distil the static embedder on: only those whose licence lets the resulting weights be shipped.

| source | texts | licence |
|---|---|---|
| Natural Questions (lost-in-the-middle subset) | questions, titles, gold passages and their sentences | CC-BY-SA-3.0 |
| MuSiQue (MIGRES subset) | paragraphs and their sentences | CC-BY-4.0 |
| WordNet 3.0 | nouns, verbs, adjectives with their glosses | WordNet 3.0 |
| Qulac | topics, facets, clarifying questions | MIT |
| Python standard library | docstrings | PSF-2.0 |

MS MARCO and the TREC judgments made on it are left out on purpose: MS MARCO is for non-commercial research, and
it is what the result is measured on. `--held-out` names files whose every string is removed from the training texts,
whole or as a sentence, so that a set used for measuring is never trained on.
"""

from __future__ import annotations

import ast
import gzip
import json
import random
import re
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
SHORTEST_SENTENCE = 40
LONGEST_QUERY = 12
SYNSETS = 50_000
SENTENCES = 10_000
MADE_UP = 6_000


def sentences(text: str) -> list[str]:
    """The sentences of a text that are long enough to say something."""
    return [part for part in SENTENCE_END.split(text) if len(part) >= SHORTEST_SENTENCE]


def natural_questions(path: Path) -> Iterator[str]:
    """Questions, titles and passages."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["question"]
            for passage in row["ctxs"]:
                yield passage["title"]
                yield passage["text"]


def question_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Each Natural Questions question with its gold passage."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["question"], row["ctxs"][0]["text"]


def musique(path: Path) -> Iterator[str]:
    """Paragraphs."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            for paragraph in json.loads(line)["paragraphs"]:
                yield paragraph["paragraph_text"]


def wordnet(folder: Path, limit: int, rng: random.Random) -> list[str]:
    """`lemma, lemma: gloss` of a random sample of synsets (file format: wndb(5WN))."""
    synsets = [
        line
        for name in ("data.noun", "data.verb", "data.adj")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
        if not line.startswith("  ")
    ]
    return [gloss(line) for line in rng.sample(synsets, min(limit, len(synsets)))]


def gloss(line: str) -> str:
    """One synset as `lemma, lemma: gloss`."""
    fields, _, text = line.partition(" | ")
    words = fields.split(" ")
    lemmas = words[4 : 4 + 2 * int(words[3], 16) : 2]
    return ", ".join(lemmas).replace("_", " ") + ": " + text.strip()


def qulac(path: Path) -> Iterator[str]:
    """Topics, their facets, and questions about them."""
    data = json.loads(path.read_text(encoding="utf-8"))
    for field in ("topic", "topic_desc", "facet_desc", "question"):
        yield from data[field].values()


def docstrings() -> Iterator[str]:
    """Paragraphs of the docstrings of the Python standard library that runs this script."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                    if len(paragraph) >= SHORTEST_SENTENCE and ">>>" not in paragraph:
                        yield " ".join(paragraph.split())


QUESTION_FORMS = (
    "what is {}", "what is a {}", "define {}", "{} definition", "{} meaning", "what does {} mean", "types of {}",
    "how does {} work", "what causes {}", "{}", "{} facts", "where is {}", "who was {}", "what are {}", "cost of {}",
)  # fmt: skip
DULL = {
    "the", "a", "an", "of", "in", "to", "and", "is", "was", "were", "are", "by", "for", "on", "with", "as", "at",
    "from", "it", "its", "that", "this", "which", "be", "or",
}  # fmt: skip


def made_up_queries(glosses: Iterable[str], passages: Iterable[str], rng: random.Random) -> Iterator[str]:
    """What a searcher might type: a lemma or a few words in a row of a passage, alone or in a common question form."""
    for text in glosses:
        yield rng.choice(QUESTION_FORMS).format(text.partition(":")[0].split(", ")[0].lower())
    for passage in passages:
        words = re.findall(r"[\w'-]+", passage.lower())
        for _ in range(2):
            span = trimmed(words, rng.randrange(max(1, len(words) - 6)), rng.randint(3, 7))
            if len(span) >= 2:
                form = "{}" if rng.random() < 0.6 else rng.choice(QUESTION_FORMS)
                yield form.format(" ".join(span))


def trimmed(words: list[str], start: int, length: int) -> list[str]:
    """Some words in a row, with no dull word at either end."""
    span = words[start : start + length]
    while span and span[0] in DULL:
        span = span[1:]
    while span and span[-1] in DULL:
        span = span[:-1]
    return span


def strings(value: Any) -> Iterator[str]:
    """Every string inside parsed JSON, sentences of it included."""
    if isinstance(value, str):
        yield value
        yield from sentences(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def held_out_strings(paths: Iterable[Path]) -> set[str]:
    """Every string in the JSON files, in normal form."""
    return {normal(text) for path in paths for text in strings(json.loads(path.read_text(encoding="utf-8")))}


def normal(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())


def without(texts: Iterable[str], held_out: set[str]) -> list[str]:
    """The distinct texts, in order, that share neither the whole nor a sentence with what is held out."""
    return [
        text
        for text in dict.fromkeys(texts)
        if text.strip()
        and normal(text) not in held_out
        and not any(normal(part) in held_out for part in sentences(text))
    ]


def query_like(texts: Iterable[str]) -> list[str]:
    """Texts short enough to be a query, without the glosses."""
    return [text for text in texts if len(text.split()) <= LONGEST_QUERY and ": " not in text]


def gather(given: Any, rng: random.Random, development: int) -> tuple[list[str], list[tuple[str, str]]]:
    """All texts to read, and the pairs of question and gold passage among them that are kept for measuring."""
    passages = [*natural_questions(given.questions), *musique(given.musique)]
    glosses = wordnet(given.wordnet, SYNSETS, rng)
    parts = [part for text in passages for part in sentences(text)]
    rng.shuffle(parts)
    documents = list(docstrings())
    queries = [*qulac(given.qulac), *documents]
    held_out = held_out_strings(given.held_out)
    plain = without([*passages, *queries, *glosses, *parts[:SENTENCES]], held_out)
    known = set(plain)
    pairs = [pair for pair in dict.fromkeys(question_pairs(given.questions)) if known.issuperset(pair)]
    kept = rng.sample(pairs, development)
    measured = {text for pair in kept for text in pair}
    seeds = [text for text in passages if text in known - measured and len(text.split()) > LONGEST_QUERY]
    made_up = made_up_queries(rng.sample(glosses, MADE_UP), dict.fromkeys(seeds), rng)
    return list(dict.fromkeys([*plain, *without(made_up, held_out)])), kept


def facts(teacher_sha256: str, texts: int, seed: int) -> dict[str, object]:
    """What the config file beside the weights says."""
    return {
        "teacher": "sentence-transformers/all-MiniLM-L6-v2",
        "teacher_licence": "Apache-2.0",
        "teacher_sha256": teacher_sha256,
        "licence": "Apache-2.0",
        "script": "scripts/distil_static_embedder.py",
        "seed": seed,
        "training_texts": texts,
        "training_sources": {
            "Natural Questions, lost-in-the-middle subset": "CC-BY-SA-3.0",
            "MuSiQue, MIGRES subset": "CC-BY-4.0",
            "WordNet 3.0": "WordNet 3.0 licence",
            "Qulac": "MIT",
            "Python standard library docstrings": "PSF-2.0",
        },
        "not_trained_on": ["MS MARCO", "TREC Deep Learning 2019", "HotpotQA", "MuSiQue, HippoRAG subset"],
    }
