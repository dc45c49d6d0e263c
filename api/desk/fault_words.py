"""What is wrong with a case that somebody pasted as JSON, in words: where it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from api.auth import world
from api.desk.words import language, t
from routing.errors import BadInput, Fault
from routing.rules.reading import amount
from routing.strictjson import NotJson

FAULTS_MOST = 5
"""So many faults are said at once; who mends these sees the rest."""

_NOT_CLEAN: Mapping[str, tuple[str, str]] = {
    "empty_body": ("er staat niets in het veld. Plak de hele casus.", "the field is empty. Paste the whole case."),
    "not_utf8": (
        "er staan tekens in die geen tekst zijn. Kopieer de casus opnieuw.",
        "some characters are no text. Copy the case again.",
    ),
    "too_deep": (
        "haakjes staan te diep in elkaar; dit is geen casus. Plak de hele casus en niets eromheen.",
        "brackets stand too deep in each other; this is no case. Paste the whole case and nothing around it.",
    ),
}
"""Code of a document that is not clean JSON as a whole -> what to do."""

_DUTCH: Mapping[str, str] = {
    "contradiction": "spreekt iets anders in de casus tegen; laat weg wat niet klopt",
    "duplicate_key": "staat er twee keer; laat er één staan",
    "given_twice": "staat er twee keer, onder twee namen; laat er één staan",
    "in_the_future": "ligt in de toekomst; geef een tijd die voorbij is",
    "missing": "ontbreekt; vul het aan",
    "not_a_number": "is geen getal; geef een getal, of null als het onbekend is",
    "not_an_object": "moet tussen accolades staan: {…}",
    "out_of_range": "kan deze waarde niet hebben",
    "outside_area": "ligt niet in of bij Nederland; zijn lat en lon verwisseld?",
    "unknown_case": "is geen werkvoorbeeld van deze versie; zoek er een in de lijst",
    "unknown_facility": "is geen plek uit de lijst",
    "unknown_fact": "is geen gegeven dat Wegwijs kent; controleer de naam",
    "unknown_field": "is geen veld van een casus; controleer de naam",
    "unknown_postcode": "is geen Nederlandse postcode",
    "unknown_value": "is geen waarde die hier kan staan",
    "wrong_place": "hoort niet bij observations",
    "wrong_type": "heeft niet de goede vorm",
}
"""Code of a fault -> what is wrong with the field, and what to do."""

_OF_VALUES = frozenset({"out_of_range", "unknown_value", "wrong_type"})
_TIMES = frozenset({"called_at", "first_contact_at", "assessed_at", "since"})


def why_unreadable(error: BadInput) -> str:
    """What is wrong with a pasted case, in the language of the page."""
    return t("De casus kan niet worden gelezen:", "The case cannot be read:") + f" {_what_is_wrong(error)}"


def _what_is_wrong(error: BadInput) -> str:
    if isinstance(error, NotJson) and error.at is not None:
        line, column = error.at
        return t(
            f"op regel {line}, teken {column} is het geen JSON meer. Kijk daar en vlak ervoor: vaak ontbreekt een "
            "komma, een aanhalingsteken of een haakje, of staat er een komma te veel.",
            f"at line {line}, character {column} it is no JSON any more. Look there and just before it: often a "
            "comma, a quotation mark or a bracket is missing, or there is a comma too many.",
        )
    if (whole := _NOT_CLEAN.get(error.faults[0].code)) is not None:
        return t(*whole)
    return "; ".join(_said(fault) for fault in error.faults[:FAULTS_MOST]) + "."


def _said(fault: Fault) -> str:
    field = fault.field or t("de casus", "the case")
    if language() == "en":
        return f"{field} ({fault.message})"
    said = f"{field} {_DUTCH.get(fault.code, 'kan zo niet')}"
    right = _right(fault.field.rpartition(".")[2]) if fault.code in _OF_VALUES else None
    return said if right is None else f"{said}; goed is {right}"


def _right(name: str) -> str | None:
    """What may stand in a field, in Dutch; None where that is not known here."""
    fact = world().words.facts.get(name)
    if name in _TIMES or (fact is not None and fact.type == "time"):
        return "een tijd die voorbij is, met tijdzone: 2026-11-21T20:04:00+01:00"
    if fact is None:
        return None
    if fact.type == "number" and fact.range is not None:
        low, high = fact.range
        whole = "een heel getal" if fact.whole else "een getal"
        return f"{whole} van {amount(low, None, 'nl')} tot {amount(high, fact.unit, 'nl')}"
    return ", ".join(fact.values) if fact.type == "choice" else "true, false, of null als het onbekend is"
