"""Trying one case against two versions of the rules: a worked case, one that is pasted, or a logged decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.fault_words import why_unreadable
from api.desk.page import page
from api.desk.words import language, t, text
from routing import rule_trials as trials
from routing import strictjson
from routing.errors import BadInput, Erased, NotFound
from routing.publishing import releases_order
from routing.rule_book import cases_of, ruleset_named
from routing.rules.ruleset import Ruleset
from routing.rules_here import installed_rulesets
from routing.worked_cases import WorkedCase

pages = Blueprint("rule_trials", __name__)

CASES_MOST = 40
"""So many worked cases are listed; a word more makes it fewer."""


@pages.get("/rules/try")
def form() -> Response:
    """Choose a case and two versions; of a worked case, which is nobody, the answers as well."""
    old, new = _versions()
    given = request.args
    of, name = _named(given.get("of", "")) or new, given.get("case", "")
    found, compared, why = _listed(of, given.get("find", "")), None, None
    if name:
        try:
            case = trials.worked_case_named(world(), of, name)
            compared = trials.try_worked_case(world(), case, old, new)
        except BadInput as error:
            why = why_unreadable(error)
        else:
            return _page(old, new, of=of, found=found, compared=compared, what=text(case.name))
    return _page(old, new, of=of, found=found, compared=compared, why=why)


@pages.post("/rules/try")
def pasted() -> Response:
    """The answers of two versions to a case that was pasted; it is not kept."""
    old, new = _versions()
    written = request.form.get("body", "")
    try:
        compared = trials.try_case(world(), strictjson.parse(written.encode()), old, new)
    except BadInput as error:
        return _page(old, new, 422, written=written, why=why_unreadable(error))
    return _page(old, new, written=written, compared=compared, what=t("Geplakte casus", "Pasted case"))


@pages.post("/rules/try/decision")
def decision() -> Response:
    """The answers of two versions to the case of a logged decision, with the places of then."""
    old, new = _versions()
    decision_id = request.form.get("decision", "").strip()
    try:
        compared = trials.try_decision(world(), decision_id, old, new, g.asker)
    except (NotFound, Erased):
        why = t("Deze beslissing is er niet, of is gewist.", "This decision is not there, or was erased.")
        return _page(old, new, 404, decision_id=decision_id, why=why)
    except BadInput as error:
        return _page(old, new, 422, decision_id=decision_id, why=why_unreadable(error))
    what = t(f"Beslissing {decision_id}", f"Decision {decision_id}")
    return _page(old, new, decision_id=decision_id, compared=compared, what=what)


def _page(old: Ruleset, new: Ruleset, status: int = 200, **known: Any) -> Response:
    empty = {"of": new, "found": [], "compared": None, "why": None, "what": None, "written": "", "decision_id": ""}
    empty["found"] = _listed(new, "") if "found" not in known else []
    compared = known.get("compared")
    told = {"rows": _rows(compared), "only": _only(compared)} if compared else {"rows": [], "only": []}
    versions = [_version(rules) for rules in sorted(installed_rulesets(world()), key=releases_order)]
    chosen = {"old": _version(old), "new": _version(new), "find": request.args.get("find", "")}
    decision_id = known.get("decision_id") or request.args.get("decision", "")
    known = {**empty, **known, **told, **chosen, "versions": versions, "decision_id": decision_id}
    return page("rule_trials.html", status, **known, name_of=trials.name_of, version_of=_version)


# -- what is asked ----------------------------------------------------------------------------------------------------


def _version(rules: Ruleset) -> str:
    return f"{rules.name}/{rules.version}"


def _named(asked: str) -> Ruleset | None:
    name, _, version = asked.partition("/")
    return ruleset_named(world(), name, version) if version else None


def _versions() -> tuple[Ruleset, Ruleset]:
    """The two versions that are asked for; without that the newest and the one before it."""
    given = request.values
    ordered = sorted(installed_rulesets(world()), key=releases_order)
    return _named(given.get("old", "")) or ordered[-2:][0], _named(given.get("new", "")) or ordered[-1]


def _listed(of: Ruleset, find: str) -> list[WorkedCase]:
    wanted = find.casefold().split()
    cases = cases_of(world(), of) if wanted else ()
    fits = (case for case in cases if all(word in _searched(case) for word in wanted))
    return [case for case, _ in zip(fits, range(CASES_MOST), strict=False)]


def _searched(case: WorkedCase) -> str:
    return f"{text(case.name)} {case.file} {' '.join(case.expect.fires)}".casefold()


# -- side by side -----------------------------------------------------------------------------------------------------


def _rows(compared: trials.Comparison) -> list[dict[str, Any]]:
    labels = {
        "urgency": t("Urgentie", "Urgency"),
        "conditions": t("Aandoeningen", "Conditions"),
        "needs": t("Nodig", "Needs"),
        "dispatch": t("Ambulance", "Ambulance"),
        "place": t("Plek", "Place"),
        "confidence": t("Zekerheid", "Certainty"),
    }
    sides = [_told(side.answer) for side in (compared.old, compared.new)]
    return [
        {
            "part": part,
            "label": labels[part],
            "sides": [side[part] for side in sides],
            "differs": part in compared.differs,
        }
        for part in trials.PARTS
    ]


def _told(found: Mapping[str, Any]) -> dict[str, list[str]]:
    status = {"suspected": t("vermoed", "suspected"), "possible": t("mogelijk", "possible")}
    strength = {"required": t("nodig", "needed"), "preferred": t("liefst", "preferred")}
    dispatch, recommended = found["dispatch"], found["recommendation"]
    travel = recommended["travel"]
    minutes = f" ({travel['minutes']} min)" if travel else ""
    return {
        "urgency": [found["urgency"]["level"]],
        "conditions": [f"{text(each['label'])} ({status[each['status']]})" for each in found["conditions"]],
        "needs": [_need(each, strength) for each in found["needs"]],
        "dispatch": [
            *([f"{dispatch['ambulance']}"] if dispatch["ambulance"] else []),
            *([t("mobiel medisch team", "mobile medical team")] if dispatch["mmt"] else []),
        ],
        "place": [f"{text(recommended['facility']['label'])}{minutes}"],
        "confidence": [found["confidence"]["badge"]],
    }


def _need(need: Mapping[str, Any], strength: Mapping[str, str]) -> str:
    norms = ", ".join(text(norm["label"]) for norm in need["all_norms"])
    return f"{text(need['label'])} ({strength[need['strength']]}{'; ' if norms else ''}{norms})"


def _only(compared: trials.Comparison) -> list[dict[str, Any]]:
    """The rules that fired on one side alone: `{version, place, rules: [{id, text}]}` for each side."""
    return [
        {
            "version": _version(side.ruleset),
            "place": {"name": side.ruleset.name, "version": side.ruleset.version},
            "rules": [
                {"id": rule, "text": side.ruleset.by_id[rule].text.wire()[language()]}
                for rule in compared.only_in(side)
            ],
        }
        for side in (compared.old, compared.new)
    ]
