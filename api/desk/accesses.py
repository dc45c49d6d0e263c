"""The log of accesses for whoever keeps watch, and what a patient may know of it; that somebody looked is noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.moments import day_of, midnight
from api.desk.page import page
from api.desk.words import t
from routing import access_log
from routing.access_text import ROLE_NAMES
from routing.errors import BadInput, bad_input

pages = Blueprint("accesses", __name__)

SHOWN = 50
PATIENT_SHOWN = 200

FILTERS = ("since", "until", "event", "user", "decision", "patient", "reference")

EVENT_WORDS = {
    "create": ("advies gevraagd en vastgelegd", "asked for advice, which was recorded"),
    "read": ("beslissing bekeken", "looked at a decision"),
    "search": ("beslissingen gezocht", "searched decisions"),
    "export": ("beslissing meegenomen in een bestand", "took a decision along in a file"),
    "replay": ("nagerekend", "decided again"),
    "correct": ("vastgelegd wat ervan werd", "recorded what became of it"),
    "erase": ("gewist", "erased"),
    "verify": ("bewijs gecontroleerd", "checked the proof"),
    "read_access_log": ("toegangslog bekeken", "looked at the log of accesses"),
    "export_access_log": ("toegangslog meegenomen", "took the log of accesses along"),
    "prune_access_log": ("oude regels van het toegangslog verwijderd", "removed old entries of the log of accesses"),
    "sign_in": ("aangemeld", "signed in"),
    "sign_out": ("afgemeld", "signed out"),
}
"""What each event is called for whoever keeps watch; a patient reads other words (`routing.log.access.EVENTS`)."""

PURPOSE_WORDS = {
    "care": ("zorg", "care"),
    "control": ("toezicht en controle", "supervision and checks"),
    "patient_request": ("verzoek van de patiënt", "request of the patient"),
    "records": ("beheer van het dossier", "managing the record"),
}

OUTCOMES = {
    "ok": ("gedaan", "done"),
    "refused": ("geweigerd: geen recht", "refused: no right"),
    "failed": ("niet gelukt: was er niet, of was niet te lezen", "failed: not there, or could not be read"),
}

WRONG = {
    "since": ("Kies bij “vanaf” een datum.", "Choose a date for “from”."),
    "until": ("Kies bij “tot en met” een datum.", "Choose a date for “up to and including”."),
    "event": ("Deze gebeurtenis is er niet.", "There is no such event."),
    "user": ("Dit kan geen id van een gebruiker zijn.", "This cannot be an id of a user."),
    "decision": ("Dit is geen id van een beslissing.", "This is no id of a decision."),
    "patient": (
        "Een pseudoniem is 32 tekens: cijfers en a tot en met f.",
        "A pseudonym is 32 characters: digits and a to f.",
    ),
    "reference": (
        "Geef het kenmerk of het pseudoniem, niet allebei.",
        "Give the reference or the pseudonym, not both.",
    ),
    "cursor": ("Deze pagina is er niet meer; zoek opnieuw.", "This page is gone; search again."),
}


@pages.get("/accesses")
def index() -> Response:
    """The newest accesses, and the form to search by."""
    return _listed({}, None)


@pages.post("/accesses")
def search() -> Response:
    """Accesses that fit a form: what is searched by may be about a patient, and stands in no address."""
    given = _given()
    return _listed(given, request.form.get("cursor") or None)


def _given() -> dict[str, str]:
    given = {name: request.form.get(name, "").strip()[:200] for name in FILTERS}
    return {name: value for name, value in given.items() if value}


def _listed(given: Mapping[str, str], cursor: str | None) -> Response:
    known = _known(given)
    try:
        found = access_log.accesses(world(), g.asker, cursor=cursor, limit=SHOWN, **_filters(given))
    except BadInput as error:
        return page("accesses.html", 422, why=list(_wrong(error)), found=None, **known)
    return page("accesses.html", found=found, later=cursor is not None, **known)


def _known(given: Mapping[str, str]) -> dict[str, Any]:
    of_all = {"events": EVENT_WORDS, "outcomes": OUTCOMES, "roles": ROLE_NAMES, "purposes": PURPOSE_WORDS}
    return {"given": given, **of_all}


def _filters(given: Mapping[str, str]) -> dict[str, Any]:
    """What is searched by. Dates are Dutch days, the last one included. Raises BadInput."""
    found: dict[str, Any] = dict(given)
    for name, days in (("since", 0), ("until", 1)):
        if name in found:
            found[name] = _moment(name, given[name], days)
    return found


def _moment(name: str, text: str, days: int) -> datetime:
    with suppress(ValueError, OverflowError):
        return midnight(day_of(text) + timedelta(days=days))
    raise bad_input(name, "not_a_date", "is no date", allowed="2026-11-18")


def _wrong(error: BadInput) -> Iterator[str]:
    """What is wrong, in words; what was typed is not repeated, as it may be about anybody."""
    for fault in error.faults:
        yield t(*WRONG.get(fault.field, ("Dit kan zo niet worden gezocht.", "This cannot be searched like this.")))


# -- the patient ------------------------------------------------------------------------------------------------------


@pages.post("/accesses/patient")
def patient() -> Response:
    """What the patient of a case may know, to be printed."""
    reference = request.form.get("reference", "").strip()[:200]
    cursor = request.form.get("cursor") or None
    known: dict[str, Any] = {"reference": reference, "outcomes": OUTCOMES, "roles": ROLE_NAMES}
    if not reference:
        why = t("Vul het kenmerk van de casus in.", "Fill in the reference of the case.")
        return page("accesses_patient.html", 422, why=why, view=None, **known)
    try:
        view = access_log.patient_view(world(), g.asker, reference, cursor=cursor, limit=PATIENT_SHOWN)
    except BadInput as error:
        return page("accesses_patient.html", 422, why=" ".join(_wrong(error)), view=None, **known)
    return page("accesses_patient.html", view=view, later=cursor is not None, made_at=world().clock(), **known)


@pages.post("/accesses/export")
def export() -> Response:
    """The accesses that fit, as FHIR R4 AuditEvent, one a line, the oldest first."""
    given = _given()
    try:
        lines = access_log.export(world(), g.asker, **_filters(given))
    except BadInput as error:
        return page("accesses.html", 422, why=list(_wrong(error)), found=None, **_known(given))
    headers = {"Content-Disposition": 'attachment; filename="accesses.ndjson"'}
    return Response(lines, content_type="application/fhir+ndjson", headers=headers)
