"""Writes a decision as a card of CDS Hooks 2.0, in Dutch: what is most urgent first, and what was not used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from routing.formats.cds_case import WHY, Asked, Unused
from routing.formats.cds_request import HOOK, SERVICE
from routing.formats.fhir_codes import FACT, LOINC, fact_codes
from routing.vocabulary import Vocabulary

Json = dict[str, Any]

SUMMARY_MOST = 139
PLACES_MOST = 5
QUESTIONS_MOST = 5
REASONS_MOST = 3
OVERRIDE = "urn:wegwijs:override-reason"
"""System of our reasons not to follow an advice."""

INDICATORS: Mapping[str, str] = {
    "U0": "critical",
    "U1": "critical",
    "U2": "warning",
    "U3": "warning",
    "U4": "info",
    "U5": "info",
}
"""Urgency -> how a card stands out."""

_BADGES = {
    "certain": "zeker",
    "sensitive": "gevoelig: een kleine verandering kan een andere plek geven",
    "call_first": "bel eerst",
}
_LACKING = {
    "age": "de leeftijd (Patient.birthDate, of `patient.age_years` in de extensie)",
    "place": "de plaats van de patiënt (Encounter.location, Patient.address.postalCode, of `location` in de extensie)",
}
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def services(words: Vocabulary) -> Json:
    """What discovery says: the one service, when it is to be called and what it wants to know."""
    return {
        "services": [
            {
                "hook": HOOK,
                "title": "Wegwijs: triage en plaats van zorg",
                "description": "Hoe dringend, welke aandoening en welke plek: met redenen, en vastgelegd.",
                "id": SERVICE,
                "prefetch": prefetch_templates(words),
            }
        ]
    }


def prefetch_templates(words: Vocabulary) -> dict[str, str]:
    """Key of prefetch -> the search that a client answers for it: no more than is read."""
    facts = {code: words.facts[key] for code, key in fact_codes(words).items() if not code.startswith(FACT)}
    measured = [code for code, fact in facts.items() if fact.type != "boolean" and code.startswith(LOINC)]
    found = [code.rpartition("|")[2] for code, fact in facts.items() if fact.type == "boolean"]
    lasting = [code for code, fact in facts.items() if fact.type == "boolean" and fact.group == "history"]
    of_contact = "patient={{context.patientId}}&encounter={{context.encounterId}}"
    return {
        "patient": "Patient/{{context.patientId}}",
        "encounter": "Encounter/{{context.encounterId}}",
        "observations": f"Observation?{of_contact}&code={','.join(sorted((*measured, _PRESSURE)))}&_sort=-date",
        "findings": f"Observation?{of_contact}&code={FACT}|,{','.join(sorted(found))}&_sort=-date",
        "complaints": f"Condition?{of_contact}",
        "conditions": f"Condition?patient={{{{context.patientId}}}}&code={','.join(sorted(lasting))}",
    }


_PRESSURE = f"{LOINC}|85354-9"
"""Blood pressure as one Observation, of which the parts are read."""


def suggestion_id(decision_id: str, candidate: Mapping[str, Any]) -> str:
    """The id of the suggestion of a place: the same one whenever the card of this decision is made."""
    place = candidate["facility"]
    return str(uuid5(UUID(decision_id), place["id"] or f"{place['kind']} {place['name']}"))


def candidates_of(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The places that a card suggests, the recommended one first."""
    return [decision["recommendation"], *decision["alternatives"]][:PLACES_MOST]


def card_of(decision: Mapping[str, Any], asked: Asked, words: Vocabulary, base: str) -> Json:
    """The card of a recorded `decision`; `base` is the address of this server, which ends in a slash. The card has the
    id of the decision."""
    level, unsure = decision["urgency"]["level"], bool(asked.unused)
    indicator = INDICATORS[level]
    return {
        "uuid": decision["id"],
        "summary": _summary(decision, words, asked.unused),
        "detail": "\n\n".join(_detail(decision, asked, words)),
        "indicator": "warning" if indicator == "info" and unsure else indicator,
        "source": _source(base),
        "suggestions": [
            {
                "label": _place(candidate),
                "uuid": suggestion_id(decision["id"], candidate),
                "isRecommended": candidate["rank"] == 1,
            }
            for candidate in candidates_of(decision)
        ],
        "selectionBehavior": "at-most-one",
        "overrideReasons": [
            {"code": code, "system": OVERRIDE, "display": reason.label.nl}
            for code, reason in words.override_reasons.items()
        ],
        "links": [
            {
                "label": "Dit besluit, zoals het is vastgelegd (vraagt een sleutel)",
                "url": f"{base}v1/decisions/{decision['id']}",
                "type": "absolute",
            },
            {
                "label": "Dit besluit in FHIR R4 (vraagt een sleutel)",
                "url": f"{base}fhir/GuidanceResponse/{decision['id']}",
                "type": "absolute",
            },
        ],
    }


def lacking_card(asked: Asked, base: str) -> Json:
    """The card of a call about which nothing can be decided: it says what is not there. It has no id, for nothing was
    recorded."""
    missing = " en ".join({"age": "de leeftijd", "place": "de plaats"}[name] for name in asked.lacking)
    lines = [
        "Er is niets besloten. **Beslis volgens uw eigen protocol.**",
        "\n".join(("Nodig is:", *(f"- {_LACKING[name]}" for name in asked.lacking))),
        *_unused(asked.unused),
    ]
    return {
        "summary": _short(f"Wegwijs kan niet adviseren: {missing} van de patiënt ontbreekt"),
        "detail": "\n\n".join(lines),
        "indicator": "warning",
        "source": _source(base),
    }


def _source(base: str) -> Json:
    topic = {"system": "urn:wegwijs:topic", "code": "triage", "display": "Triage en plaats van zorg"}
    return {"label": "Wegwijs", "url": base, "topic": topic}


# -- what stands on it ------------------------------------------------------------------------------------------------


def _summary(decision: Mapping[str, Any], words: Vocabulary, unused: Sequence[Unused]) -> str:
    level = decision["urgency"]["level"]
    suspected = [found["label"]["nl"] for found in decision["conditions"] if found["status"] == "suspected"]
    parts = [
        f"{level} {words.urgencies[level].label.nl}",
        *([f"vermoeden: {suspected[0]}"] if suspected else []),
        *(["bel eerst"] if decision["confidence"]["badge"] == "call_first" else []),
        *([f"{len(unused)} {'gegeven' if len(unused) == 1 else 'gegevens'} niet gebruikt"] if unused else []),
    ]
    place, rest = decision["recommendation"]["facility"]["name"], "; ".join(parts)
    return _short(f"{rest}; naar: {place}")


def _short(text: str) -> str:
    return text if len(text) <= SUMMARY_MOST else text[: SUMMARY_MOST - 1] + "…"


def _detail(decision: Mapping[str, Any], asked: Asked, words: Vocabulary) -> Iterator[str]:
    urgency = decision["urgency"]
    within = urgency["deadline_minutes"]
    begin = "" if within is None else " Zorg moet nu beginnen." if within == 0 else f" Zorg binnen {within} minuten."
    yield f"**{urgency['level']} {words.urgencies[urgency['level']].label.nl}.**{begin}"
    yield from _list("", _texts(urgency["reasons"]))
    yield from _unused(asked.unused)
    yield from _list("Let op:", [*_texts(decision["warnings"], len(decision["warnings"])), *map(_plain, asked.remarks)])
    yield from _list("Aandoeningen:", [_condition(found) for found in decision["conditions"]])
    needs = [f"{_plain(need['label']['nl'])}{_strength(need)}" for need in decision["needs"]]
    yield from _list("Nodig:", needs)
    if decision["dispatch"]["ambulance"] is not None:
        mmt = ", met MMT" if decision["dispatch"]["mmt"] else ""
        yield f"Ambulance: {decision['dispatch']['ambulance']}{mmt}"
    yield from _list("Plaats van zorg:", [_with_reasons(candidate) for candidate in candidates_of(decision)])
    yield f"Hoe vast dit staat: {_BADGES[decision['confidence']['badge']]}."
    yield from _list("", _texts(decision["confidence"]["because"]))
    questions = [_plain(each["question"]["nl"]) for each in decision["open_questions"][:QUESTIONS_MOST]]
    yield from _list("Dit is niet bekend en kan het advies veranderen:", questions)
    rules = decision["provenance"]["ruleset"]
    yield f"Regels: {rules['name']} {rules['version']}; besluit {decision['id']}."


def _list(head: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield "\n".join((*([head, ""] if head else []), *(f"- {line}" for line in lines)))


def _texts(reasons: Sequence[Mapping[str, Any]], most: int = REASONS_MOST) -> list[str]:
    return [_plain(reason["text"]["nl"]) for reason in reasons[:most]]


def _unused(unused: Sequence[Unused]) -> Iterator[str]:
    lines = [f"{each.what}: {WHY[each.why]}" for each in unused]
    yield from _list("**Niet gebruikt, en dus onbekend:**", lines)


def _condition(found: Mapping[str, Any]) -> str:
    status = {"suspected": "vermoeden", "possible": "mogelijk"}[found["status"]]
    return f"{_plain(found['label']['nl'])} ({status})"


def _strength(need: Mapping[str, Any]) -> str:
    within = "" if need["within"] is None else f", binnen {need['within']['minutes']} minuten"
    return f"{'' if need['strength'] == 'required' else ' (liefst)'}{within}"


def _place(candidate: Mapping[str, Any]) -> str:
    travel, name = candidate["travel"], str(candidate["facility"]["name"])
    return f"{name} ({travel['minutes']} minuten)" if travel else name


def _with_reasons(candidate: Mapping[str, Any]) -> str:
    return f"{_plain(_place(candidate))}: {' '.join(_texts(candidate['reasons']))}"


def _plain(text: str) -> str:
    """`text` as Markdown that shows exactly this."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
