"""Answers calls of CDS Hooks: the same decision and the same outcome as over `/v1`, in the words of that standard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from routing import outcomes, service
from routing.access_log import refused
from routing.errors import BadInput, Fault, NotAllowed, NotFound, WegwijsError
from routing.formats.cds_cards import card_of, lacking_card, services
from routing.formats.cds_case import case_of
from routing.formats.cds_feedback import FIELDS, Feedback, outcome_of, read_feedback
from routing.formats.cds_request import EXTENSION, EXTRA, CdsRequest, instance_of, read_request
from routing.log.access import opaque_id
from routing.log.record import answer
from routing.rights import Asker
from routing.world import World

NOT_KEPT = ("fhirServer", "fhirAuthorization")
"""Members of a call of which no fingerprint is kept: a client that asks again may have another access token."""


class PrefetchMissing(WegwijsError):
    """What is needed to decide did not come along, and is not fetched from here."""

    def __init__(self, key: str) -> None:
        super().__init__(f"`prefetch.{key}` is needed")
        self.key = key


def discovery(world: World) -> dict[str, Any]:
    """Which services there are."""
    return services(world.words)


def triage(
    world: World,
    body: Mapping[str, Any],
    asker: Asker,
    base: str,
    count: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Decide on the patient of a call and record it: `{"cards": [card]}`. A call with the same `hookInstance` is
    carried out once. Where the age or the place is not known nothing is decided, and the card says so. `base` is the
    address of this server. Raises PrefetchMissing, and what `service.decide` raises."""
    request = read_request(body)
    asked = case_of(request, world.words, now := world.clock())
    if "age" in asked.lacking and "patient" not in request.prefetch.model_fields_set:
        raise PrefetchMissing("patient")
    if asked.lacking:
        return {"cards": [lacking_card(asked, base)]}
    sent = {name: value for name, value in body.items() if name not in NOT_KEPT}
    try:
        decision = service.decide(
            world, asked.case, _with_user(asker, request), instance_of(request), count, {"cds-hooks": sent}
        )
    except BadInput as error:
        raise BadInput(tuple(_where_it_came_from(error))) from None
    if (at := datetime.fromisoformat(decision["decided_at"])) < now:
        asked = case_of(request, world.words, at)  # it was decided before: say of it what was true then
    return {"cards": [card_of(decision, asked, world.words, base)]}


def _with_user(asker: Asker, request: CdsRequest) -> Asker:
    """`asker` with who sits at the client, as the call says; what cannot be noted as an id is left out."""
    said = (request.context.user_id or "").rpartition("/")[2]
    if asker.user is not None or not said:
        return asker
    try:
        return replace(asker, user=opaque_id("context.userId", said))
    except BadInput:
        return asker


def _where_it_came_from(error: BadInput) -> Iterator[Fault]:
    # all that came from FHIR was looked at before: what is still wrong came in the extension
    for fault in error.faults:
        ours = fault.field.partition(".")[0] in EXTRA
        yield replace(fault, field=f"extension.{EXTENSION}.{fault.field}") if ours else fault


# -- what became of it ------------------------------------------------------------------------------------------------


def feedback(world: World, body: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
    """Record what became of cards, each as an outcome of its decision; all of them or, where one is wrong, none:
    `{"outcomes": [{card, id, outcome, reason, destination}]}`. The same feedback counts once, however often it is sent.
    Raises BadInput, and what `outcomes.record_outcome` raises."""
    told = read_feedback(body)
    faults: list[Fault] = []
    said = []
    for number, each in enumerate(told):
        try:
            said.append(_said(world, each, asker))
        except BadInput as error:
            faults += [_of_feedback(fault, number) for fault in error.faults]
    if faults:
        raise BadInput(tuple(faults))
    recorded = [
        outcomes.record_outcome(world, each.card, outcome, asker, _once(each))
        for each, outcome in zip(told, said, strict=True)
    ]
    names = ("id", "outcome", "reason", "destination")
    return {"outcomes": [{"card": each["decision"], **{name: each[name] for name in names}} for each in recorded]}


def _said(world: World, each: Feedback, asker: Asker) -> dict[str, Any]:
    try:
        about = outcomes.about_decision(world, service.as_id("decision", each.card), asker)
        outcome = outcome_of(each, answer(about.record), world.words)
        outcomes.check_outcome(world, about, outcome, asker)
    except (NotAllowed, NotFound):
        refused(world, asker, "correct", each.card)
        raise
    return outcome


def _of_feedback(fault: Fault, number: int) -> Fault:
    return replace(fault, field=f"feedback.{number}.{FIELDS.get(fault.field, fault.field)}")


def _once(each: Feedback) -> str:
    told = orjson.dumps(each.model_dump(mode="json", by_alias=True), option=orjson.OPT_SORT_KEYS)
    return f"cds-feedback:{hashlib.sha256(told).hexdigest()}"
