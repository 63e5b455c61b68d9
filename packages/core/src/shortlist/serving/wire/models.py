"""`/v1/models`: what there is to ask for, in the shape that clients of OpenAI's interface read."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, Field

from shortlist.drawing.reading import number
from shortlist.reranker.base import Reranker
from shortlist.serving.knobs import Kind, knobs
from shortlist.serving.pipelines import Pipelines

Value: TypeAlias = bool | int | float | str | None


class Setting(BaseModel):
    """What of a pipeline a request may turn."""

    path: str = Field(description="Its name in `settings` of a request.")
    kind: Kind = Field(description="What its values are.")
    value: Value = Field(description="Where it stands; null where the pipeline decides by itself.")
    low: float | None = Field(None, description="The least value of a number.")
    high: float | None = Field(None, description="The largest.")
    choices: list[str | int] = Field(default=[], description="Of a choice, all there are.")
    optional: bool = Field(default=False, description="Whether null may be sent.")
    summary: str = Field(default="", description="What it is for.")


class Model(BaseModel):
    """A pipeline."""

    id: str = Field(description="What `model` in a request says.")
    object: str = "model"
    created: int = 0
    owned_by: str = "shortlist"
    default: bool = Field(description="Whether it ranks where a request names none.")
    settings: list[Setting] = Field(description="What a request may turn.")


class ModelList(BaseModel):
    """All pipelines, the default first."""

    object: str = "list"
    data: list[Model]


def models(pipelines: Pipelines) -> ModelList:
    """All that the server offers."""
    return ModelList(
        data=[
            Model(id=name, default=name == pipelines.default, settings=settings_of(reranker))
            for name, reranker in pipelines.items()
        ]
    )


def settings_of(reranker: Reranker) -> list[Setting]:
    """What of a pipeline a request may turn, outermost stage first."""
    return [
        Setting(
            path=knob.path,
            kind=knob.kind,
            value=number(knob.value) if isinstance(knob.value, float) else knob.value,
            low=number(knob.low),
            high=number(knob.high),
            choices=list(knob.choices),
            optional=knob.optional,
            summary=knob.summary,
        )
        for knob in knobs(reranker)
    ]
