"""What the models expect at each place, as far as reading YAML must know it before pydantic checks the values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr

from daemon.settings.models import Model, Ref
from daemon.settings.secrets import NEVER, Secret

Kind = Literal["model", "list", "map", "text", "value", "secret", "path"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One place: its kind, what is inside, whether it may be empty, and what it refers to."""

    kind: Kind
    models: tuple[type[Model], ...] = ()
    inner: Shape | None = None
    nullable: bool = False
    ref: Ref | None = None
    secret: Secret = NEVER

    def model_for(self, keys: set[str]) -> type[Model]:
        """The model that is meant: of several, the one that knows most of these keys."""
        return max(self.models, key=lambda model: len(keys & members(model).keys()))


@cache
def members(model: type[Model]) -> dict[str, Shape]:
    """The keys of a mapping as they are written, and the shape of each."""
    return {
        field.alias or name: shape_of(field.annotation, *field.metadata) for name, field in model.model_fields.items()
    }


def shape_of(annotation: Any, *marks: object) -> Shape:
    """The shape of an annotation; `marks` are what pydantic has split off from its Annotated."""
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        marks = (*more, *marks)
    shape = _bare(annotation)
    ref = next((mark for mark in marks if isinstance(mark, Ref)), shape.ref)
    secret = next((mark for mark in marks if isinstance(mark, Secret)), shape.secret)
    return replace(shape, ref=ref, secret=secret)


def _bare(annotation: Any) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        options = [shape_of(option) for option in arguments if option is not NoneType]
        models = tuple(model for option in options for model in option.models)
        return replace(options[0], models=models, nullable=len(options) < len(arguments) or options[0].nullable)
    if origin is tuple:
        return Shape("list", inner=shape_of(arguments[0]))
    if origin is dict:
        return Shape("map", inner=shape_of(arguments[1]))
    if isinstance(annotation, type):
        if issubclass(annotation, Model):
            return Shape("model", models=(annotation,))
        if annotation is SecretStr:
            return Shape("secret")
        if issubclass(annotation, Path):
            return Shape("path")
        if issubclass(annotation, (bool, int, float)):
            return Shape("value")
    return Shape("text")
