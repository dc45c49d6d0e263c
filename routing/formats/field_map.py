"""Reads the mapping of fields that an operator writes for formats whose names differ between senders, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from routing.errors import BadInput, Fault, shown

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
"""A unit, a kind of bed, a reason: a word of the vocabulary, which the service holds against it."""
Path = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
"""Names of members with dots between them, from the outside in: `status.spoed.waarde`."""


class StrictMap(BaseModel):
    """A part of a mapping: no field too many, no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


MapModel = TypeVar("MapModel", bound=StrictMap)


def checked_map(model: type[MapModel], field_map: Mapping[str, Any] | None) -> MapModel:
    """`field_map` (nothing is an empty one) as `model`. Raises BadInput with every field that is wrong."""
    try:
        return model.model_validate(dict(field_map or {}))
    except ValidationError as error:
        raise BadInput(tuple(_fault(problem) for problem in error.errors(include_url=False))) from None


def _fault(problem: Any) -> Fault:
    field = ".".join(["field_map", *(str(shown(str(part))) for part in problem["loc"])])
    return Fault(field, problem["type"], problem["msg"].removeprefix("Value error, "), shown(problem["input"]))
