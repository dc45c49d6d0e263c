"""Erases a decision over HTTP: what is about the patient is destroyed, that there was a decision stays in the log."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, WithJsonSchema

from api.auth import asker, world
from api.body import answer, json_object
from api.queries import identifier
from routing import erasure as erasing
from routing.errors import BadInput, Fault, bad_input


class ErasureBody(BaseModel):
    """What `POST /v1/decisions/{id}/erasure` must be asked: why, which stands in the log for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: Annotated[str, WithJsonSchema({"enum": list(erasing.WHY)})]


erasure = Blueprint("erasure", __name__, url_prefix="/v1/decisions")


@erasure.post("/<decision_id>/erasure")
def erase(decision_id: str) -> Response:
    """Erase one decision with all its outcomes; asked again it says the same."""
    why = _why(json_object())
    (done,) = erasing.erase(world(), [identifier("decision", decision_id)], why, asker())
    return answer(done)


def _why(body: dict[str, object]) -> str:
    allowed = ", ".join(erasing.WHY)
    if unknown := [Fault(name, "extra_forbidden", "is not known here", None, "why") for name in body if name != "why"]:
        raise BadInput(tuple(unknown))
    if not isinstance(why := body.get("why"), str):
        raise bad_input("why", "missing" if why is None else "wrong_type", "must say why", why, allowed)
    return why
