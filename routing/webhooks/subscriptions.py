"""Reads who is told of patients that come, of what and how much, as an operator writes it down, strictly."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from routing.errors import BadInput, Fault
from routing.facilities.profile import Facility
from routing.facilities.regions import in_region
from routing.other_servers import none_twice, read_servers, refused_address
from routing.vocabulary import URGENCIES
from routing.world import World

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Event = Literal["recommended", "accepted", "diverted", "superseded", "cancelled"]
Level = Literal["U0", "U1", "U2", "U3", "U4", "U5"]

MARKED = "whsec_"
"""How every secret begins, so that one in a wrong place is found."""

SECRET_BYTES = range(24, 65)
SECRET_ALLOWED = f"{MARKED} and 24 to 64 bytes in base64, as: echo {MARKED}$(openssl rand -base64 32)"


class SecretPlace(BaseModel):
    """Where a secret is: in a variable of the environment, or in a file beside the one that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    variable: Variable | None = None
    file: str | None = Field(None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _one(self) -> SecretPlace:
        if (self.variable is None) == (self.file is None):
            raise ValueError("say either `variable` or `file`")
        return self


class Subscription(BaseModel):
    """Who is told: an address, and of which places (`places` or `regions`), events and urgencies. `data` is how much is
    told. With two `secrets` everything is signed with both, so that one can be replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Name
    url: str = Field(max_length=2_000, repr=False)
    places: Literal["all"] | list[str] | None = None
    regions: list[str] = Field(default_factory=list)
    events: list[Event] = Field(
        ["recommended", "accepted", "diverted", "superseded", "cancelled"], min_length=1, max_length=5
    )
    urgency_at_least: Level
    data: Literal["minimal", "clinical"] = "minimal"
    secrets: list[SecretPlace] = Field(min_length=1, max_length=2)
    timeout_seconds: int = Field(10, ge=1, le=60)

    @model_validator(mode="after")
    def _together(self) -> Subscription:
        if reason := refused_address(self.url, allow_http=False):
            raise ValueError(reason.replace(" (or say `allow_http: true`)", "").replace("; use `headers`", ""))
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url or urlsplit(self.url).fragment:
            raise ValueError("`url` is not an address: write what is not ASCII with %, and nothing after a #")
        if not self.places and not self.regions:
            raise ValueError("say which `places` (ids, or `all`) or `regions` it is about")
        none_twice([*(self.places if isinstance(self.places, list) else ()), *self.events])
        return self

    def is_about(self, place: Facility) -> bool:
        """Whether it is told of patients who come to this place."""
        named = self.places == "all" or (self.places is not None and place.id in self.places)
        return named or any(in_region(place, region) for region in self.regions)

    def wants(self, event: str, place: Facility, urgency: int) -> bool:
        """Whether it is told of this event at a place, about a patient who is so urgent (0-5)."""
        return event in self.events and urgency <= URGENCIES.index(self.urgency_at_least) and self.is_about(place)


class WebhooksFile(BaseModel):
    """The file: how this server is called outside, and who is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    server: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=500)]
    subscriptions: list[Subscription] = Field(min_length=1, max_length=200)

    @field_validator("subscriptions")
    @classmethod
    def _named_once(cls, subscriptions: list[Subscription]) -> list[Subscription]:
        none_twice([each.id for each in subscriptions])
        return subscriptions


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription with its secrets, and how this server is called outside (without a slash at the end)."""

    subscription: Subscription
    server: str
    secrets: tuple[bytes, ...] = field(repr=False)


def subscribed(world: World) -> tuple[Subscribed, ...]:
    """Who is told, read once by every process. Raises BadData, BadInput."""
    path = world.settings.webhooks
    if path is None:
        return ()
    return world.webhooks.once(path, lambda: read_subscriptions(path, os.environ))


def read_subscriptions(path: Path, environment: Mapping[str, str]) -> tuple[Subscribed, ...]:
    """The subscriptions in the file `path`, with their secrets. Raises BadData with everything that is wrong in the
    file, with its line; BadInput with every secret that is not there."""
    found = read_servers(path, WebhooksFile)
    faults: list[Fault] = []
    made = []
    for each in found.subscriptions:
        secrets = [_secret(each.id, place, path.parent, environment, faults) for place in each.secrets]
        made.append(Subscribed(each, found.server.rstrip("/"), tuple(secret for secret in secrets if secret)))
    if faults:
        raise BadInput(tuple(faults))
    return tuple(made)


def _secret(
    name: str, place: SecretPlace, folder: Path, environment: Mapping[str, str], faults: list[Fault]
) -> bytes | None:
    where = place.variable or str(folder / (place.file or ""))
    try:
        return secret_bytes(environment.get(where, "") if place.variable else _in_file(Path(where)))
    except ValueError as error:
        faults.append(Fault(where, "bad_secret", f"{error} (subscription `{name}`)", None, SECRET_ALLOWED))
        return None


def _in_file(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ValueError(f"can be read by others: chmod 600 {path}")
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error


def secret_bytes(text: str) -> bytes:
    """The secret that `text` writes. Raises ValueError, which does not repeat it."""
    try:
        found = base64.b64decode(text.removeprefix(MARKED), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not text.startswith(MARKED) or len(found) not in SECRET_BYTES:
        raise ValueError("is not a secret as Standard Webhooks writes them" if text else "is not set, or empty")
    return found
