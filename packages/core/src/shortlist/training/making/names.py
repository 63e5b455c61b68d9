"""What a document's chunks are about without saying so: names found by how they are written, with no model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from shortlist.algorithms.bm25 import tokenize
from shortlist.training.making.library import Library, Term

_WORD = re.compile(r"[^\W_]\w*(?:[-'’.]\w+)*|[^\w\s]|\n")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+|\n+")
_NUMBERING = re.compile(r"^(?:chapter|section|appendix|part)?\s*[\dA-Z]{0,3}(?:\.\d+)*[.:]?\s+", re.IGNORECASE)
_JOINING = frozenset({"of", "de", "la", "the", "and", "for", "von", "van", "del", "da", "di", "le", "al"})
_LONGEST = 5
_STEM = 4
_SHORTEST = 3
_FEW = 3
_FAMILIAR = 0.1
"""A name that so many documents, and more than this share of them, have tells nothing."""


def sentences(text: str) -> list[str]:
    """The text cut after full stops and at line ends."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


@dataclass(frozen=True, eq=False)
class Namer:
    """Finds names in the chunks of a library.

    Attributes:
        library: whose chunks.
        reach: how many chunks away a name that is no title may stand.
        opening: so many chunks at the start of a document say what it is about.
    """

    library: Library
    reach: int = 3
    opening: int = 2

    def absent(self, chunk: int) -> dict[Term, str]:
        """Names that the chunk has no form of a word of, and that chunks near it or its document's opening have.

        The document's title stands first; what many documents have is none, but for that title. The values are the
        names as written.
        """
        own, near = self.library.tokens[chunk], self.near(chunk)
        written = [self._heading(chunk), *(name for each in near for name in self._found(each))]
        names = self._names(chunk, written, near)
        return {term: name for term, name in names.items() if not any(_has(own, token) for token in _content(term))}

    def present(self, chunk: int) -> dict[Term, str]:
        """The same of the chunk itself: names that it has."""
        return self._names(chunk, self._found(chunk), [chunk])

    def _names(self, chunk: int, written: Sequence[str], where: Sequence[int]) -> dict[Term, str]:
        """The document's titles and what else is written, as far as one of these chunks has them."""
        titles = {tuple(tokenize(title)): title for title in self._titles(chunk)}
        others = {tuple(tokenize(name)): name for name in reversed(written)}
        known = {**titles, **{term: name for term, name in reversed(others.items()) if not self._familiar(term)}}
        return {
            term: name
            for term, name in known.items()
            if _says_something(term) and any(self.library.names(each, term) for each in where)
        }

    def _familiar(self, term: Term) -> bool:
        if term and term not in self._familiar_terms:
            documents = {self.library.passages[chunk].document_id for chunk in self.library.naming(term)}
            most = max(_FEW, _FAMILIAR * len(self.library.documents))
            self._familiar_terms[term] = len(documents) > most
        return not term or self._familiar_terms[term]

    @cached_property
    def _familiar_terms(self) -> dict[Term, bool]:
        return {}

    def near(self, chunk: int) -> list[int]:
        """The chunks of its document within reach, and those of its opening; not itself."""
        beside = self.library.beside(chunk)
        place = beside.index(chunk)
        within = beside[max(0, place - self.reach) : place + self.reach + 1]
        return [each for each in dict.fromkeys([*beside[: self.opening], *within]) if each != chunk]

    def _titles(self, chunk: int) -> Iterator[str]:
        """The document's title and file name."""
        passage = self.library.passages[chunk]
        stem = PurePosixPath(str(passage.document_id)).stem.replace("_", " ")
        yield from (_named(text) for text in (passage.metadata.get("title"), stem) if isinstance(text, str))

    def _heading(self, chunk: int) -> str:
        """The innermost heading above."""
        return _named(str(self.library.passages[chunk].metadata.get("heading", "")).rpartition(" > ")[2])

    def _found(self, chunk: int) -> list[str]:
        """Names as they are written in the chunk: runs of words that begin with a capital, and identifiers."""
        cache = self._cache
        if chunk not in cache:
            cache[chunk] = [
                name for sentence in sentences(self.library.passages[chunk].text) for name in self._runs(sentence)
            ]
        return cache[chunk]

    @cached_property
    def _cache(self) -> dict[int, list[str]]:
        return {}

    @cached_property
    def _ordinary(self) -> frozenset[str]:
        """Words that somewhere stand in lower case, and are no identifiers."""
        words = (word for passage in self.library.passages for word in _WORD.findall(passage.text))
        return frozenset(word for word in words if not _capital(word))

    def _runs(self, sentence: str) -> Iterator[str]:
        run: list[str] = []
        for place, word in enumerate([*_WORD.findall(sentence), "."]):
            if (_capital(word) and (place > 0 or word.lower() not in self._ordinary)) or (run and word in _JOINING):
                run.append(word)
            else:
                yield from self._closed(run)
                run = []

    def _closed(self, run: list[str]) -> Iterator[str]:
        while run and run[-1] in _JOINING:
            run.pop()
        if len(run) > 1 or (run and run[0].lower() not in self._ordinary):
            yield " ".join(run)


def _capital(word: str) -> bool:
    return any(letter.isupper() for letter in word) or ("_" in word and len(word) > _SHORTEST)


def _says_something(term: Term) -> bool:
    content = [token for token in _content(term) if len(token) >= _SHORTEST and not token.isdigit()]
    return len(term) <= _LONGEST and bool(content)


def _content(term: Term) -> list[str]:
    return [token for token in term if token not in _JOINING]


def _has(tokens: Sequence[str], token: str) -> bool:
    """Whether some word is a form of the token: has its beginning."""
    return any(each.startswith(token[: max(_STEM, len(token) - 2)]) for each in tokens)


def _named(text: str) -> str:
    """A title or heading without its number."""
    return _NUMBERING.sub("", text).strip() or text
