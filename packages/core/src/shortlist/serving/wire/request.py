"""What requests with `documents` have in common."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shortlist.serving.wire.asked import Asked, Extras
from shortlist.serving.wire.documents import NOT_EMPTY, Documents, passages_of, texts_of

EXAMPLE: dict[str, Any] = {
    "model": "lexical",
    "query": "what causes the tides",
    "documents": ["The moon pulls at the water.", {"text": "Bread rises by yeast.", "id": "bread", "score": 0.4}],
}


class DocumentsRequest(Extras):
    """A query and documents."""

    model: str | None = Field(None, description="Name of a pipeline; the first one by default.")
    query: str = Field(description="What the user asked.")
    documents: Documents = Field(
        description="What was found, in the order of the retriever.", json_schema_extra=NOT_EMPTY
    )
    # Xinference's clients send the text.
    return_documents: bool | Literal["true", "false"] | None = Field(
        default=None, description="Whether results repeat their documents; by default they do not."
    )

    @property
    def at_most(self) -> int | None:
        """How many results to return."""
        return None

    def contents(self) -> list[str]:
        """What the documents say."""
        return texts_of(self.documents)

    def asked(self) -> Asked:
        """The request in the words of the house.

        Raises:
            InputError: embeddings differ in size.
        """
        passages = passages_of(self.documents)
        # Some clients send the largest number that they have for "all".
        top_k = None if self.at_most is None else min(self.at_most, len(passages))
        return Asked(self.model, self.query, passages, top_k, self.return_documents in {True, "true"}, self)
