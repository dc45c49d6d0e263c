"""What the auditor sees of one decision: the evidence, deciding again, the proof, and the file to take along."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.body import answer
from api.desk.audit_words import facts_seen, kind_label, reports_seen, rules_fired, said, short, tree, why_erased
from api.desk.page import page, to
from api.desk.place_words import names_of_places
from api.desk.words import t, text
from api.queries import identifier
from routing import access_log, inspection, log_proofs, service
from routing.capsules import WITHHELD, capsule_of
from routing.errors import BadInput, BadRecord, Erased, NotFound, OtherSoftware, bad_input
from routing.log.note import Verifier, read_vkey
from routing.log.record import SOFTWARE
from routing.log.record import answer as answered
from routing.outcome_state import EVENTS
from routing.replaying.run import replay_one_supposing
from routing.replaying.supposed import supposed_rules
from routing.rules_here import installed_rulesets
from routing.sequencer import log_health

pages = Blueprint("audit", __name__)

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

RULES_MOST = 25
DIFFERENCES_MOST = 200
"""So many differences of a decision that was made again are shown; how many more there are is said."""

WORDS_MOST = 100

WITHHELD_WORDS = {
    "patient": ("alles van de patiënt", "all of the patient"),
    "age": ("leeftijd", "age"),
    "sex": ("geslacht", "sex"),
    "location": ("plaats", "place"),
    "reference": ("kenmerk van de vrager", "reference of who asked"),
    "complaint": ("klacht", "complaint"),
    "observations": ("wat is waargenomen", "what was observed"),
    "times": ("tijdstippen", "times"),
}


@pages.get("/audit")
def index() -> Response:
    """Where an auditor begins: an id, and how the log stands."""
    given = request.args.get("decision", "").strip().lower()
    if ID.fullmatch(given):
        return to("audit.decision", decision_id=given)
    why = None
    if given:
        why = t(
            "Dit is geen id van een beslissing: dat is een reeks als 01a202e0-2f2e-7204-9f58-4f667d0d53f4.",
            "This is no id of a decision: that looks like 01a202e0-2f2e-7204-9f58-4f667d0d53f4.",
        )
    return page("audit.html", 200 if why is None else 422, why=why, **_log_known())


def _log_known() -> dict[str, Any]:
    try:
        checkpoint = log_proofs.checkpoint(world())
    except NotFound:
        checkpoint = None
    keys = log_proofs.log_keys(world())["keys"]
    return {
        "health": log_health(world()),
        "checkpoint": checkpoint,
        "keys": keys,
    }


# -- one decision -----------------------------------------------------------------------------------------------------


@pages.get("/audit/<decision_id>")
def decision(decision_id: str) -> Response:
    """A decision with all that it rests on."""
    found = inspection.inspected(world(), identifier("decision", decision_id), g.asker)
    known: dict[str, Any] = {
        "found": found,
        "withheld": WITHHELD_WORDS,
        "software": SOFTWARE,
        "rulesets": rulesets_to_suppose(),
    }
    if found.record is None:
        return page("audit_decision.html", trouble=found.state, **_words(), **known)
    reports, silent = reports_seen(found.record)
    known |= {"reports": reports, "silent": silent, "names": names_of_places()}
    known |= {"facts": facts_seen(found.record, _worked_out()), "fired": rules_fired(found.record)}
    return page("audit_decision.html", record=found.record, answer=answered(found.record), **_words(), **known)


def _worked_out() -> dict[str, str]:
    """What the numbers and scores that rules work out are called, by the rules that are installed."""
    return {
        key: text(each.label)
        for rules in installed_rulesets(world())
        for part in (rules.derived, rules.scores)
        for key, each in part.items()
    }


def _words() -> dict[str, Any]:
    return {"short": short, "said": said, "events": OUTCOME_WORDS, "why_erased": why_erased}


OUTCOME_WORDS = {
    "decided": ("bestemming gekozen", "destination chosen"),
    "arrived": ("aangekomen", "arrived"),
    "confirmed": ("plek zegt ja", "place says yes"),
    "refused": ("plek zegt nee", "place says no"),
    "cancelled": ("patiënt gaat nergens heen", "patient goes nowhere"),
    "withdrawn": ("teruggenomen: is nooit gebeurd", "withdrawn: never happened"),
}
assert OUTCOME_WORDS.keys() == set(EVENTS)


def rulesets_to_suppose() -> list[dict[str, Any]]:
    """The rulesets that can be chosen to decide by, the newest first."""
    return sorted(service.rulesets(world())["rulesets"], key=lambda each: each["effective_from"])[::-1]


@pages.get("/audit/<decision_id>/record")
def record(decision_id: str) -> Response:
    """The whole record, as it is written, as a tree."""
    found = inspection.inspected(world(), identifier("decision", decision_id), g.asker)
    if found.record is None:
        return page("audit_decision.html", found=found, trouble=found.state, rulesets=rulesets_to_suppose(), **_words())
    return page("audit_record.html", found=found, branches=tree("", found.record).below)


@pages.get("/audit/<decision_id>/rules")
def rules(decision_id: str) -> Response:
    """Why a rule fired in this decision, or did not."""
    about, words = identifier("decision", decision_id), request.args.get("q", "").strip()[:WORDS_MOST]
    if not words:
        return to("audit.decision", decision_id=about)
    known: dict[str, Any] = {"id": about, "q": words, "judged": [], "total": 0, "said": said}
    try:
        _, known["judged"], known["total"] = inspection.rules_judged(world(), about, g.asker, words, RULES_MOST)
    except (Erased, BadRecord, OtherSoftware) as error:
        known["trouble"] = _trouble(error)
    return page("audit_rules.html", **known)


def _trouble(error: Exception) -> inspection.State:
    """What keeps a decision from being shown; the template has the words."""
    return "erased" if isinstance(error, Erased) else "damaged" if isinstance(error, BadRecord) else "other software"


# -- deciding again ---------------------------------------------------------------------------------------------------


@pages.post("/audit/<decision_id>/replay")
def replay(decision_id: str) -> Response:
    """Decide again with what was known then."""
    known: dict[str, Any] = {"id": identifier("decision", decision_id), "short": short, "most": DIFFERENCES_MOST}
    try:
        known["again"] = service.replay(world(), known["id"], g.asker)
    except (Erased, BadRecord, OtherSoftware) as error:
        known["trouble"] = _trouble(error)
    return page("audit_replay.html", software=SOFTWARE, **known)


@pages.post("/audit/<decision_id>/suppose")
def suppose(decision_id: str) -> Response:
    """What other rules would have answered."""
    about = identifier("decision", decision_id)
    supposed = supposed_rules(world(), chosen_ruleset())
    access_log.noted(world(), g.asker, "replay", service.as_id("decision", about), lambda _: None)
    found = replay_one_supposing(world(), about, supposed, 1)
    row = (found["changed"] or [None])[0]
    problem = found["problems"][0]["problem"] if found["problems"] else None
    rules = {rule.id: rule.text for ruleset in installed_rulesets(world()) for rule in ruleset.rules}
    known = {"row_found": row, "problem": problem, "rule_texts": rules, "names": names_of_places(), "kind": kind_label}
    return page("audit_suppose.html", id=about, found=found, trouble="erased" if found["erased"] else None, **known)


def chosen_ruleset() -> str:
    """The ruleset that a form names, one of those that are installed. Raises BadInput."""
    given = request.form.get("ruleset", "")
    known = [each["digest"] for each in service.rulesets(world())["rulesets"]]
    if given not in known:
        raise bad_input("ruleset", "unknown_ruleset", "is not installed here", given, ", ".join(known))
    return given


# -- proof ------------------------------------------------------------------------------------------------------------


@pages.post("/audit/<decision_id>/proof")
def proof(decision_id: str) -> Response:
    """Check the capsule of a decision, as `wegwijs verify` does."""
    about, given = identifier("decision", decision_id), request.form.get("key", "").strip()
    try:
        trusted = _trusted(given)
    except BadInput:
        why = t(
            "Deze sleutel is niet te lezen. Neem de hele regel over die de beheerder bekend heeft gemaakt.",
            "This key cannot be read. Copy the whole line that the operator made known.",
        )
        return page("audit_proof.html", 422, id=about, why=why)
    try:
        verdict = inspection.checked(world(), about, g.asker, trusted)
    except (BadRecord, OtherSoftware) as error:
        return page("audit_proof.html", id=about, trouble=_trouble(error))
    return page("audit_proof.html", id=about, verdict=verdict)


def _trusted(given: str) -> list[Verifier]:
    return [read_vkey(given)] if given else []


@pages.get("/audit/<decision_id>/capsule")
def capsule(decision_id: str) -> Response:
    """One file with which the decision can be checked elsewhere, without what is to be withheld."""
    about = identifier("decision", decision_id)
    withhold = [name for name in request.args.getlist("withhold") if name in WITHHELD]
    found = capsule_of(world(), about, g.asker, withhold)
    return answer(found, headers={"Content-Disposition": f'attachment; filename="{about}.capsule.json"'})
