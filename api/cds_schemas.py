"""The names on the wire of CDS Hooks 2.0: what discovery, a card and the answer to feedback hold."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from api.schemas import Answer, told_only


class CdsPart(Answer):
    """A part of CDS Hooks: what is not said is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, json_schema_extra=told_only())


class CdsService(CdsPart):
    """A service: on which hook to call it, and what it wants to know."""

    hook: str
    title: str
    description: str
    id: str
    prefetch: dict[str, str]


class CdsServices(CdsPart):
    """Which services there are."""

    services: list[CdsService]


class CdsCoding(CdsPart):
    """A code of a system, in words too."""

    code: str
    system: str
    display: str


class CdsSource(CdsPart):
    """Where a card comes from."""

    label: str
    url: str
    topic: CdsCoding


class CdsSuggestion(CdsPart):
    """A place to go to."""

    label: str
    uuid: str
    is_recommended: bool


class CdsLink(CdsPart):
    """Where more is to be read."""

    label: str
    url: str
    type: Literal["absolute"]


class CdsCard(CdsPart):
    """A decision, or why there is none: then the card has no `uuid` and no suggestions."""

    uuid: str | None = None
    summary: str
    detail: str
    indicator: Literal["info", "warning", "critical"]
    source: CdsSource
    suggestions: list[CdsSuggestion] | None = None
    selection_behavior: Literal["at-most-one"] | None = None
    override_reasons: list[CdsCoding] | None = None
    links: list[CdsLink] | None = None


class CdsCards(CdsPart):
    """The answer to a call."""

    cards: list[CdsCard]


class CdsOutcome(Answer):
    """What was recorded of a card, as an outcome of its decision."""

    card: str
    id: str
    outcome: Literal["accepted", "overridden"]
    reason: str | None
    destination: str | None


class CdsOutcomes(Answer):
    """What was recorded of feedback."""

    outcomes: list[CdsOutcome]
