"""The page of a decision: what was advised and why, why no other place, and what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk import answer_words, guard, handover, outcome_form, place_search, way_words
from api.desk.moments import in_field
from api.desk.outcome_form import Filled
from api.desk.page import asked_by_script, page, to
from api.desk.place_words import contact_word, place_of
from api.desk.words import t, text
from api.queries import identifier
from routing import case_file, outcomes
from routing.access_log import uuid_of
from routing.directory_here import newest_directory
from routing.errors import BadInput, InFlight, KeyReused
from routing.service import as_id
from routing.shared_decisions import may_see

pages = Blueprint("answer", __name__)

ALTERNATIVES_AT_ONCE = 3
"""So many alternatives stand in the list of destinations; all others can be typed."""

TYPED_MOST = 100

WHY_NOT = "why-not-found"
"""The part of the page that is asked for again while somebody types."""

FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "triagist": ("triagist", "triagist"),
    "nurse": ("verpleegkundige", "nurse"),
    "paramedic": ("ambulanceprofessional", "ambulance professional"),
    "doctor": ("arts", "doctor"),
}


@pages.get("/decisions/<decision_id>")
def read(decision_id: str) -> Response:
    """All of one decision, in the order in which somebody under stress needs it."""
    return _shown(identifier("decision", decision_id), Filled())


@pages.post("/decisions/<decision_id>/outcome")
def record(decision_id: str) -> Response:
    """Record what became of a decision, once however often the form is sent, and go back to its page."""
    about = identifier("decision", decision_id)
    body, filled = outcome_form.read(request.form)
    if filled.faults:
        return _again(about, _with_all_faults(about, body, filled))
    try:
        outcomes.record_outcome(world(), about, body, g.asker, _key())
    except BadInput as error:
        return _again(about, outcome_form.with_faults(filled, error.faults))
    except KeyReused:
        said = t(
            "Dit formulier was al verstuurd, met iets anders erin. Kijk eerst wat is vastgelegd.",
            "This form was sent already, with something else in it. First look at what was recorded.",
        )
        return _again(about, Filled(filled.what, filled.values, {"what": said}), 409)
    except InFlight:
        return _back(about, under_way=1)
    return _back(about, recorded=filled.what)


@pages.get("/decisions/<decision_id>/handover")
def sheet(decision_id: str) -> Response:
    """One sheet of paper for who takes the patient over."""
    about = identifier("decision", decision_id)
    found = case_file.decision_file(world(), about, g.asker)
    return page("handover.html", **_known(found), sheet=handover.sheet(found))


@pages.get("/decisions/<decision_id>/timeline")
def timeline(decision_id: str) -> Response:
    """All decisions about one case in their order, with what became of each."""
    about = identifier("decision", decision_id)
    steps = case_file.timeline(world(), about, g.asker)
    return page("timeline.html", steps=steps, here=about, said=outcome_words, function=function)


@pages.get("/reception")
def reception() -> Response:
    """Where a place says what becomes of a patient who was announced to it. It shows nothing of the decision."""
    return _reception(request.args.get("decision", "")[:TYPED_MOST].strip(), Filled())


# -- going on ---------------------------------------------------------------------------------------------------------


def _key() -> str | None:
    """The key of the form, under which it is carried out once; None for one that is no key of ours."""
    given = request.form.get("key", "")
    return given if given.isascii() and given.replace("-", "").replace("_", "").isalnum() and len(given) < 100 else None


def _back(about: str, **said: Any) -> Response:
    if _reads(about):
        return to("answer.read", decision_id=about, **said, _anchor="outcome")
    return to("answer.reception", decision=about, **said)


def _reads(about: str) -> bool:
    """Whether who asks may read this decision; a place that only answers for the patient may not."""
    if not guard.may("read_decisions"):
        return False
    return not guard.may("answer_for_place") or may_see(world(), as_id("decision", about), g.asker)


def _with_all_faults(about: str, body: Mapping[str, Any], filled: Filled) -> Filled:
    """`filled` with what else is wrong, so that nobody mends it one by one; of a place that is not chosen yet nothing
    more is said. Raises NotFound, Erased."""
    if not filled.what or not guard.may("choose_destination"):
        return filled
    try:
        decision = outcomes.about_decision(world(), as_id("decision", about), g.asker)
        outcomes.check_outcome(world(), decision, body, g.asker)
    except BadInput as error:
        known = {"facility"} if "place" in filled.faults else set()
        return outcome_form.with_faults(filled, (each for each in error.faults if each.field not in known))
    return filled


def _again(about: str, filled: Filled, status: int = 422) -> Response:
    return _shown(about, filled, status) if _reads(about) else _reception(about, filled, status)


def _reception(about: str, filled: Filled, status: int = 200) -> Response:
    unreadable = bool(about) and uuid_of(about) is None
    named = place_search.destinations(newest_directory(world()))
    own = {key: named[key] for key in sorted(g.asker.facilities or ()) if key in named}
    known = {"about": about, "unreadable": unreadable, "own": own, "filled": filled, "key": secrets.token_urlsafe(18)}
    reasons = outcome_form.choices(world().words.refusal_reasons)
    return page(
        "reception.html", 422 if unreadable else status, **known, reasons=reasons, wall=in_field(world().clock())
    )


# -- the page ---------------------------------------------------------------------------------------------------------


def _shown(about: str, filled: Filled, status: int = 200) -> Response:
    found = case_file.decision_file(world(), about, g.asker)
    typed = request.args.get("why_not", "")[:TYPED_MOST]
    others = place_search.why_not(found["decision"], typed)
    if asked_by_script() and request.headers.get("HX-Target") == WHY_NOT:
        return page("why_not.html", others=others, about=about, names=answer_words)
    directory = newest_directory(world())
    return page(
        "answer.html",
        status,
        **_known(found),
        others=others,
        filled=filled,
        key=secrets.token_urlsafe(18),
        places=place_search.destinations(directory) if guard.may("outcome") else {},
        quick=found["decision"]["alternatives"][:ALTERNATIVES_AT_ONCE],
        override_reasons=outcome_form.choices(world().words.override_reasons),
        refusal_reasons=outcome_form.choices(world().words.refusal_reasons),
        cancel_reasons=outcome_form.choices(world().words.cancel_reasons),
        functions=FUNCTIONS,
        usual=_usual_function(),
        wall=in_field(world().clock()),
        just_decided="decided" in request.args,
        under_way="under_way" in request.args,
    )


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages about one decision show."""
    decision, now = found["decision"], world().clock()
    status = found["state"]["status"]
    return {
        **found,
        "about": decision["id"],
        "best": decision["recommendation"],
        "names": answer_words,
        "way": way_words,
        "now": now,
        "clocks": answer_words.clocks(decision, found["case"], status, now),
        "norm_labels": answer_words.norm_labels(decision),
        "short_norms": answer_words.short_norms(decision),
        "conditions": answer_words.conditions(decision),
        "warnings": answer_words.warnings(decision),
        "groups": answer_words.case_groups(found["case"]),
        "contacts": _contacts(found["state"]["place"]),
        "best_contacts": _contacts(decision["recommendation"]["facility"]["id"]),
        "aimed": _aimed(found),
        "counting": _counting(found),
        "said": outcome_words,
        "function": function,
    }


def _usual_function() -> str:
    """The function that whoever asks most likely has."""
    roles: frozenset[str] = g.asker.roles
    return "triagist" if "triagist" in roles else "nurse" if "ambulance" in roles else ""


def _contacts(place: str | None) -> list[tuple[str, str]]:
    """The telephone numbers of a place, as far as the directory has them: what for, and the number."""
    facility = newest_directory(world()).by_id.get(place or "")
    contacts = facility.contacts if facility is not None else {}
    return [(contact_word(purpose), number) for purpose, number in sorted(contacts.items())]


def _aimed(found: Mapping[str, Any]) -> list[str]:
    """Where was advised or ever chosen to go, the newest first."""
    chosen = [each["destination"] for each in found["outcomes"] if each["event"] == "decided"]
    advised = found["decision"]["recommendation"]["facility"]["id"]
    return list(dict.fromkeys(place for place in (*chosen, advised) if place is not None))


# -- what became of it, in words --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counting:
    """Which outcome of each event counts now: the choice, the arrival, that it was cancelled."""

    decided: Mapping[str, Any] | None
    arrived: Mapping[str, Any] | None
    cancelled: Mapping[str, Any] | None


def _counting(found: Mapping[str, Any]) -> Counting:
    ids = set(found["state"]["counting"])
    of_event = {each["event"]: each for each in found["outcomes"] if each["id"] in ids}
    return Counting(*(of_event.get(event) for event in ("decided", "arrived", "cancelled")))


def function(name: str | None) -> str:
    """What somebody is who decided something; empty where that was not said."""
    return t(*FUNCTIONS[name]) if name is not None and name in FUNCTIONS else ""


def outcome_words(outcome: Mapping[str, Any]) -> str:
    """What was recorded, in one line."""
    return ". ".join(_parts(outcome)) + "."


def _parts(outcome: Mapping[str, Any]) -> Iterator[str]:
    event, words = outcome["event"], world().words
    reasons = {"decided": words.override_reasons, "refused": words.refusal_reasons, "cancelled": words.cancel_reasons}
    place = place_of(outcome["facility"] if event != "decided" else outcome["destination"])
    if event == "decided":
        accepted = outcome["outcome"] == "accepted"
        yield t("Advies gevolgd", "Advice followed") if accepted else t("Anders besloten", "Decided otherwise")
        yield t(f"Bestemming: {place}", f"Destination: {place}")
    else:
        yield {
            "arrived": t(f"Aangekomen bij {place}", f"Arrived at {place}"),
            "confirmed": t(f"{place} verwacht de patiënt", f"{place} expects the patient"),
            "refused": t(f"{place} neemt de patiënt niet", f"{place} does not take the patient"),
            "cancelled": t("Afgezegd: de patiënt gaat nergens heen", "Cancelled: the patient goes nowhere"),
            "withdrawn": t("Ingetrokken: dit was niet zo", "Taken back: this was not so"),
        }[event]
    if (code := outcome["reason"]) is not None:
        known = reasons.get(event, {})
        said = text(known[code].label) if code in known else code
        yield t(f"Reden: {said}", f"Reason: {said}")
    if outcome["urgency"] is not None:
        yield t(f"Urgentie: {outcome['urgency']}", f"Urgency: {outcome['urgency']}")
