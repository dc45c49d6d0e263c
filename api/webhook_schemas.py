"""The names on the wire of pre-alerts: what the systems of places are sent, and what was told of a decision."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas import Answer, Level, Seen, Words

AlertState = Literal["waiting", "taken", "given_up", "stopped", "erased"]
AlertEvent = Literal["recommended", "accepted", "diverted", "superseded", "cancelled"]


class PreAlert(Answer):
    """What one system was told, or is to be told. `state`: waiting, taken, given_up (too late by now), stopped (it
    wants nothing any more), erased."""

    id: str
    subscription: str
    event: AlertEvent
    place: str | None
    state: AlertState
    attempts: int
    error: str | None
    made_at: str
    expires_at: str
    attempted_at: str | None
    settled_at: str | None


class PreAlerts(Answer):
    """What was told of a decision, in order. `state` is that of the newest thing: none (nobody is subscribed), waiting,
    late, told, not_told; `call`: somebody must call the place if its team is to be ready."""

    decision: str
    state: Literal["none", "waiting", "late", "told", "not_told"]
    call: bool
    advice: Words
    pre_alerts: list[PreAlert]


# -- what is sent -----------------------------------------------------------------------------------------------------


class AlertPlace(Answer):
    """The place that the event is about."""

    id: str | None
    name: str | None
    city: str | None


class AlertCode(Answer):
    """A pre-alert in the words of another system."""

    system: str
    code: str


class AlertCondition(Answer):
    """A condition that is suspected; `pre_alert` is the team that is meant, where there is a code for it."""

    code: str
    label: Words
    status: str
    time_critical: str | None
    pre_alert: AlertCode | None


class AlertNeed(Answer):
    """What the patient needs, and within how many minutes if there is a norm."""

    capability: str
    label: Words
    strength: Literal["required", "preferred"]
    within_minutes: int | None


class AlertExpected(Answer):
    """When the patient comes (`at`; null if that is not known), by a way of so many minutes that lies between `low` and
    `high`; worked out at `as_of`, when it was decided."""

    minutes: int
    low: int
    high: int
    at: str | None
    as_of: str


class AlertLinks(Answer):
    """Where the decision can be read, by who may, and where the place says whether it takes the patient."""

    decision: str
    outcome: str


class AlertClinical(Answer):
    """What is told besides where a subscription is `clinical`: `findings` are facts by their ids in the vocabulary."""

    age_years: int | None
    sex: str | None
    complaint: str | None
    findings: dict[str, Seen]


class AlertData(Answer):
    """What is told. `coming` is false where it is taken back, and `because` then says why. `urgency` is what counts,
    `urgency_advised` what was advised. `review`: pending as long as a clinician has not accepted every rule behind it.
    Never who the patient is, and never where."""

    event: AlertEvent
    test: Literal[False]
    level: Literal["minimal", "clinical"]
    decision: str
    decided_at: str
    supersedes: str | None
    superseded_by: str | None
    coming: bool
    because: Literal["diverted", "cancelled", "refused", "arrived_elsewhere", "corrected"] | None
    place: AlertPlace
    urgency: Level
    urgency_advised: Level
    conditions: list[AlertCondition]
    needs: list[AlertNeed]
    expected: AlertExpected | None
    review: Literal["pending", "accepted"]
    links: AlertLinks
    clinical: AlertClinical | None


class PreAlertEvent(Answer):
    """A CloudEvent (1.0, structured mode) that says that a patient comes, or does not come after all. `id` is the same
    whenever it is sent again; of one `subject` (the decision) the event with the greatest `sequence` counts; after
    `expirytime` it must not be acted upon."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str = Field(pattern=r"^nl\.wegwijs\.pre-alert\.(recommended|accepted|diverted|superseded|cancelled)$")
    subject: str
    time: str
    datacontenttype: Literal["application/json"]
    dataschema: str
    expirytime: str
    sequence: str
    data: AlertData


class AlertTest(Answer):
    """Says that it is a test."""

    event: Literal["test"]
    test: Literal[True]
    message: Words


class PreAlertTest(Answer):
    """An event that an operator sends to try the way: no patient comes."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Literal["nl.wegwijs.pre-alert.test"]
    time: str
    datacontenttype: Literal["application/json"]
    expirytime: str
    data: AlertTest
