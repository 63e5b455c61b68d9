"""Models that an option names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.models.base import ChatModel
    from shortlist.plan import Model

NAMES = "openai:NAME, a local model (`shortlist models list`) or folder, or a model as JSON."


def model_of(kinds: tuple[type[Model[Any, Any]], ...], name: str) -> Model[Any, Any]:
    """The model of a name, of `openai:` and a name, or of a JSON object.

    Raises:
        InputError: there is none, or it is of no such kind.
    """
    from shortlist.models.named import as_model

    if name.startswith("openai:"):
        return as_model(kinds, {"model": "openai-chat", "name": name.removeprefix("openai:")})
    if not name.startswith("{"):
        return as_model(kinds, name)
    try:
        return as_model(kinds, json.loads(name))
    except json.JSONDecodeError as error:
        raise InputError(f"a model in JSON that is none: {error}") from error


def chat_of(name: str) -> ChatModel:
    """The same for a model that writes.

    Raises:
        InputError: there is none, or it does not write.
    """
    from shortlist.models.base import ChatModel

    return cast(ChatModel, model_of((ChatModel,), name))
