"""What calls about signing in take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas import Answer
from routing.passwords import ALLOWED

Secret = Annotated[str, StringConstraints(min_length=1, max_length=1_024, strict=True)]
UserName = Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]


class SignIn(BaseModel):
    """What `POST /v1/session` must be told: who, and the password."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: UserName = Field(description="the name of the account, as the operator gave it")
    password: Secret = Field(description="the password, at most 1,024 characters")


class NewPassword(BaseModel):
    """What `POST /v1/session/password` must be told: who, the present password or the one-time code, and the next
    password."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: UserName = Field(description="the name of the account, as the operator gave it")
    password: Secret = Field(description="the present password, or the one-time code that the operator gave")
    new_password: Secret = Field(description=ALLOWED)


class GoingQuery(BaseModel):
    """What `GET /v1/session/oidc/{login}` may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    next: str | None = Field(None, max_length=500, description="where to go once signed in: a path here, as /desk")


class ComingBackQuery(BaseModel):
    """What an issuer sends people back with; whatever else it adds is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: str | None = Field(None, description="what this server sent along")
    code: str | None = Field(None, description="what is changed for an ID token")
    iss: str | None = Field(None, description="the issuer (RFC 9207)")
    error: str | None = Field(None, description="that nobody was let in there")


class SessionAnswer(Answer):
    """Who is signed in, what they may do, and for how long; `csrf` goes into the header `Wegwijs-CSRF` of every change.
    `login` is the issuer at which they signed in, null for an account of this server; `idle_ends_at` is when it ends
    if nothing is asked until then."""

    user: str
    roles: list[str]
    facilities: list[str] | None
    organisation: str | None
    login: str | None
    began_at: str
    ends_at: str
    idle_ends_at: str
    csrf: str
