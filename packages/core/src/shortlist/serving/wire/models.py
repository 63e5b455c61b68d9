"""`/v1/models`: what there is to ask for, in the shape that clients of OpenAI's interface read."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shortlist.serving.pipelines import Pipelines


class Model(BaseModel):
    """A pipeline."""

    id: str = Field(description="What `model` in a request says.")
    object: str = "model"
    created: int = 0
    owned_by: str = "shortlist"
    default: bool = Field(description="Whether it ranks where a request names none.")


class ModelList(BaseModel):
    """All pipelines, the default first."""

    object: str = "list"
    data: list[Model]


def models(pipelines: Pipelines) -> ModelList:
    """All that the server offers."""
    return ModelList(data=[Model(id=name, default=name == pipelines.default) for name in pipelines])
