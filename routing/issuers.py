"""Reads whose tokens are believed, for whom they must be meant and what their words mean here, strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from routing.other_servers import none_twice, read_servers, refused_address
from routing.rights import ROLES

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""How a token may be signed: only with a pair of keys of which we have the public one. With `none` and `HS256`
whoever knows that public key could write tokens."""

Role = Literal["triagist", "ambulance", "facility", "medical_manager", "auditor", "operator"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Claim = Word | Annotated[list[Word], Field(min_length=1, max_length=8)]
"""The name of a claim, or the names on the way to it: `[realm_access, roles]`."""


class Claims(BaseModel):
    """In which claims of a token stands what; of `client` the first that is there counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    roles: Claim = "roles"
    client: list[Claim] = Field(["client_id", "azp"], min_length=1)
    subject: Claim = "sub"
    organisation: Claim | None = None
    facilities: Claim | None = None


class Login(BaseModel):
    """How people sign in at an issuer: `name` stands in the addresses here, `client_id` is how the issuer knows this
    server. `secret` names the variable of the environment with the secret that goes with that: none stands in the file.
    Without it this server is a public client, and PKCE alone protects the code."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    client_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
    secret: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")] | None = None
    scopes: list[Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]{1,100}$")]] = Field(["openid"], min_length=1)

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: list[str]) -> list[str]:
        if "openid" not in scopes:
            raise ValueError("`openid` must be among them: without it no ID token comes")
        return scopes


class Issuer(BaseModel):
    """An issuer of tokens that is believed. A token must be meant for one of `audience`. `roles` says which roles here
    a role there means; others mean nothing. `keys_url` is where its public keys are, if that is not to be read in its
    discovery document. `subjects` is how the subject of a token is noted as the user: hashed, as given (only if these
    are ids that say nothing), or not at all (tokens for machines, which say themselves who sits there). With a `login`
    people sign in there."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    issuer: str = Field(min_length=1, max_length=500)
    audience: list[Word] = Field(min_length=1)
    roles: dict[Word, list[Role]] = Field(min_length=1)
    claims: Claims = Claims()
    organisation: Annotated[str, StringConstraints(pattern=r"^\S[^\x00-\x1f\x7f]{0,99}$")] | None = None
    subjects: Literal["hashed", "as_given", "none"] = "hashed"
    algorithms: list[str] = Field(list(ALGORITHMS), min_length=1)
    types: list[Word] = Field(["at+jwt", "JWT"], min_length=1)
    hours_most: int = Field(24, ge=1, le=8_760)
    keys_url: str | None = Field(None, max_length=2_000)
    timeout_seconds: int = Field(3, ge=1, le=30)
    allow_http: bool = False
    login: Login | None = None

    @model_validator(mode="after")
    def _together(self) -> Issuer:
        for name, url in (("issuer", self.issuer), ("keys_url", self.keys_url)):
            if url is not None and (reason := refused_address(url, allow_http=self.allow_http)):
                raise ValueError(reason.replace("`url`", f"`{name}`"))
        if unknown := sorted(set(self.algorithms) - set(ALGORITHMS)):
            raise ValueError(f"`{unknown[0]}` is not an algorithm that is believed; there are: {', '.join(ALGORITHMS)}")
        if empty := sorted(name for name, roles in self.roles.items() if not roles):
            raise ValueError(f"`{empty[0]}` means no role here; there are: {', '.join(ROLES)}")
        if self.login is not None and self.subjects == "none":
            raise ValueError("`subjects` must be `hashed` or `as_given` with a `login`: who signs in is noted")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    issuers: list[Issuer] = Field(min_length=1, max_length=20)

    @field_validator("issuers")
    @classmethod
    def _named_once(cls, issuers: list[Issuer]) -> list[Issuer]:
        none_twice([each.issuer for each in issuers])
        none_twice([each.login.name for each in issuers if each.login is not None])
        return issuers


def read_issuers(path: Path) -> tuple[Issuer, ...]:
    """The issuers in the file `path`. Raises BadData with everything that is wrong, with its line."""
    return tuple(read_servers(path, _File).issuers)
