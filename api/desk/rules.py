"""The rules to read: which there are, by topic, one name with all that is known of it, and what worked cases show."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, request

from api.auth import world
from api.desk import answer_words
from api.desk.evidence import label
from api.desk.page import page, to
from api.desk.proved import in_short, proved
from api.desk.words import language, t, text
from routing import coverage as counting
from routing import proofs_here, publishing, rule_book
from routing.errors import InFlight
from routing.publishing_words import WHAT_DECIDES
from routing.rules.reading import amount, label_of, outline
from routing.rules.ruleset import Ruleset
from routing.rules.usage import source_states, subjects_asked

pages = Blueprint("rules", __name__)

SEARCH_MOST = 200
"""So many characters of what is searched for are read."""

SELECTION, NUMBERS, PROOF = "selection", "numbers", "proof"
"""Topics that are no files of rules."""


@pages.get("/rules")
def overview() -> Response:
    """The rulesets that are installed here."""
    found = publishing.standings(world())
    what = text(WHAT_DECIDES[world().settings.only_published])
    return page(
        "rules.html", found=publishing.newest_first(found), what_decides=what, faults=publishing.file_faults(world())
    )


@pages.get("/rules/<name>/<version>")
def read(name: str, version: str) -> Response:
    """One ruleset: its topics, the rules of one of them, or what was found in all of it."""
    ruleset = rule_book.ruleset_named(world(), name, version)
    topics = rule_book.topics(ruleset)
    wanted, asked = request.args.get("topic", ""), request.args.get("q", "")[:SEARCH_MOST].strip()
    found = rule_book.search(world(), ruleset, asked, language()) if asked else []
    chosen = next((topic for topic in topics if topic.file == wanted), None)
    of_topic = rule_book.in_short(ruleset, chosen.rules) if chosen else []
    lines = {rule.id: outline(rule.when, ruleset, language()) for rule in chosen.rules} if chosen else {}
    shown: dict[str, Any] = {"chosen": chosen, "rules": of_topic, "lines": lines}
    if wanted == SELECTION:
        shown["selection"] = {**rule_book.choice_of_place(ruleset), "texts": ruleset.selection.texts}
    if wanted == NUMBERS:
        shown["numbers"] = rule_book.numbers(ruleset)
    proof = proofs_here.proof_of(world(), ruleset)
    if wanted == PROOF:
        shown["proved"] = proved(ruleset, proof)
    return page(
        "rule_book.html",
        **_known(ruleset),
        proof_in_short=in_short(proof),
        topics=topics,
        wanted=wanted,
        asked=asked,
        found=found[: rule_book.FOUND_MOST],
        found_more=max(0, len(found) - rule_book.FOUND_MOST),
        sources=source_states(ruleset)["rules"],
        order_words=_order_words(),
        kinds=_kinds(),
        written=_written,
        amount=_amount,
        **shown,
    )


@pages.get("/rules/<name>/<version>/<path:entry>")
def entry(name: str, version: str, entry: str) -> Response:
    """All that is known of one name of a ruleset, most often a rule, so that reasons elsewhere can lead here."""
    ruleset = rule_book.ruleset_named(world(), name, version)
    if entry.startswith(f"{SELECTION}/"):
        anchor = entry.removeprefix(f"{SELECTION}/")
        return to("rules.read", name=name, version=version, topic=SELECTION, _anchor=f"text-{anchor}")
    found = rule_book.look_up(world(), ruleset, entry)
    rule = ruleset.by_id.get(entry)
    lines = outline(rule.when, ruleset, language()) if rule is not None else ()
    labels = {name: label_of(name, ruleset) for name in subjects_asked(rule)} if rule is not None else {}
    known = {
        **_known(ruleset),
        "kinds": _kinds(),
        "written": _written,
        "amount": _amount,
        "names": answer_words,
        "label": label,
    }
    return page("rule_entry.html", **known, found=found, lines=lines, labels=labels, entry=entry)


@pages.get("/rules/<name>/<version>/coverage")
def coverage(name: str, version: str) -> Response:
    """What the worked cases show of the rules; they are run when somebody asks, which takes a while."""
    ruleset = rule_book.ruleset_named(world(), name, version)
    told: dict[str, Any] = {"figures": None, "busy": False}
    try:
        found = rule_book.coverage_of(world(), ruleset, run="run" in request.args)
    except InFlight:
        found, told = None, {**told, "busy": True}
    if found is not None:
        silent = list(counting.not_fired(found))
        told |= {
            "figures": counting.figures(found),
            "silent": [each for each in silent if each["branch"] is None],
            "branches": [each for each in silent if each["branch"] is not None],
            "no_near_miss": list(counting.no_near_miss(found)),
            "no_edge": list(counting.no_edge(found)),
        }
    return page("rule_coverage.html", **_known(ruleset), cases=len(rule_book.cases_of(world(), ruleset)), **told)


def _known(ruleset: Ruleset) -> dict[str, Any]:
    standing = publishing.standing_of(world(), f"{ruleset.name}/{ruleset.version}")
    return {"ruleset": ruleset, "standing": standing, "place": {"name": ruleset.name, "version": ruleset.version}}


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _amount(value: Any, unit: str | None) -> str:
    return amount(value, unit, language()) if isinstance(value, int | float) else str(value)


def _kinds() -> dict[str, str]:
    return {
        "rule": t("Regel", "Rule"),
        "condition": t("Aandoening", "Condition"),
        "complaint": t("Klacht", "Complaint"),
        "score": t("Score", "Score"),
        "derived": t("Berekend getal", "Computed number"),
        "parameter": t("Grens", "Threshold"),
        "norm": t("Norm", "Norm"),
        "fact": t("Gegeven", "Fact"),
    }


def _order_words() -> dict[str, str]:
    return {
        "gave_way": t("wat er wordt opgegeven, zie de lijst hiernaast", "what is given up, see the list beside this"),
        "unknown": t(
            "openingstijden of plek niet zeker bekend", "opening hours or the place itself are not certainly known"
        ),
        "norms_not_sure": t("normen waarvan niet zeker is dat ze gehaald worden", "norms that are not surely met"),
        "stopped": t("een stop die voor deze patiënt telt", "a stop that counts for this patient"),
        "preferred_missing": t("wat liefst, maar niet, aanwezig is", "what is preferred and not there"),
        "not_known_there": t("de patiënt is elders bekend", "the patient is known elsewhere"),
        "minutes": t("reistijd", "travel time"),
        "referral": t("dat een plek alleen na verwijzing ontvangt", "that a place takes patients on referral only"),
        "gestation": t(
            "de zwangerschapsduur vanaf waar een plek ontvangt", "the weeks from which a place takes patients"
        ),
        "patients": t("voor welke leeftijden een plek is", "which ages a place is for"),
        "open": t("dat een plek open is", "that a place is open"),
        "id": t("de naam, zodat de volgorde altijd gelijk is", "the id, so that the order is always the same"),
    }
