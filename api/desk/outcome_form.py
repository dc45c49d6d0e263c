"""The forms in which people say what became of a decision: what they filled in, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.auth import world
from api.desk.moments import moment_of
from api.desk.place_search import destinations, meant
from api.desk.words import t, text
from routing.directory_here import newest_directory
from routing.errors import Fault
from routing.vocabulary import CodedReason

FORMS = ("accept", "override", "confirmed", "refused", "arrived", "cancelled", "withdrawn")
"""What a form is for, as it says itself in `what`."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "accept": ("by",),
    "override": ("by", "reason", "comment", "urgency"),
    "confirmed": ("facility",),
    "refused": ("facility", "reason", "comment"),
    "arrived": ("facility",),
    "cancelled": ("by", "reason", "comment"),
    "withdrawn": ("corrects",),
}
"""Form -> the members of an outcome that it holds as they are."""

KEYS = "123456789abcdefghijklmnopqrstuvwxyz"

MEANT_MOST = 8


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody filled in: in which form, each field, what is wrong by field, and places that may be meant."""

    what: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[tuple[str, str]] = ()

    def value(self, what: str, name: str, otherwise: str = "") -> str:
        """What stands in a field of the form `what`."""
        return self.values.get(name, otherwise) if what == self.what else otherwise

    def fault(self, what: str, name: str) -> str:
        """What is wrong with a field of the form `what`; empty if nothing is."""
        return self.faults.get(name, "") if what == self.what else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A coded reason in a list: by which key it is chosen, and what it needs."""

    code: str
    key: str
    label: str
    comment: bool
    clinician: bool


def choices(reasons: Mapping[str, CodedReason]) -> list[Choice]:
    """The coded reasons with a key for each."""
    pairs = zip(reasons.items(), KEYS, strict=False)
    return [Choice(code, key, text(each.label), each.comment, each.clinician) for (code, each), key in pairs]


def read(form: Mapping[str, str]) -> tuple[dict[str, Any], Filled]:
    """The outcome that was filled in, as `record_outcome` takes it, and the form as it was filled in with what is wrong
    already: a place or a time that cannot be read."""
    what = form.get("what", "")
    values = {name: given.replace("\r\n", "\n").strip() for name, given in form.items() if name not in ("csrf", "key")}
    if what not in FORMS:
        return {}, Filled(faults={"what": t("Kies eerst wat u wilt vastleggen.", "First choose what to record.")})
    body: dict[str, Any] = {name: values[name] for name in FIELDS[what] if values.get(name)}
    if what in ("accept", "override"):
        body |= {"event": "decided", "outcome": "accepted" if what == "accept" else "overridden"}
    else:
        body["event"] = what
    if what == "override":
        return _with_destination(body, values)
    if what == "arrived":
        return _with_arrival(body, values)
    return body, Filled(what, values)


def _with_destination(body: dict[str, Any], values: Mapping[str, str]) -> tuple[dict[str, Any], Filled]:
    going, typed = values.get("going", ""), values.get("place", "")
    if typed and going not in ("", "other"):
        said = t(
            "U koos een plek en typte er ook een. Laat er een staan.", "You chose a place and typed one. Keep one."
        )
        return body, Filled("override", values, {"going": said})
    if typed:
        going = "other"
    if going == "none":
        return {**body, "destination": None}, Filled("override", values)
    if going != "other":
        if not going:
            asked = t("Kies waar de patiënt heen gaat.", "Choose where the patient goes.")
            return body, Filled("override", values, {"going": asked})
        return {**body, "destination": going}, Filled("override", values)
    place, faults, doubtful = _place(typed)
    return {**body, "destination": place}, Filled("override", values, faults, doubtful)


def _with_arrival(body: dict[str, Any], values: Mapping[str, str]) -> tuple[dict[str, Any], Filled]:
    doubtful: Sequence[tuple[str, str]] = ()
    faults: dict[str, str] = {}
    if values.get("place") or "facility" not in body:  # what is typed was meant; the list begins with a place chosen
        body["facility"], faults, doubtful = _place(values.get("place", ""))
    if (at := moment_of(values.get("at", ""), world().clock())) is None:
        faults["at"] = t("Vul in hoe laat de patiënt aankwam.", "Fill in when the patient arrived.")
    else:
        body["at"] = at.isoformat()
    return body, Filled("arrived", values, faults, doubtful)


def _place(typed: str) -> tuple[str | None, dict[str, str], Sequence[tuple[str, str]]]:
    """The place of which the name or a part of it was typed, or what is wrong with it and which may be meant."""
    named = destinations(newest_directory(world()))
    found = meant(typed, named)
    if len(found) == 1:
        return found[0], {}, ()
    if not typed:
        said = t(
            "Typ de naam of de plaats, en kies uit de lijst.", "Type the name or the town, and choose from the list."
        )
    elif not found:
        said = t(
            "Wij kennen deze plek niet. Controleer de naam, of kies ‘geen plek uit de lijst’ en zeg erbij waar.",
            "We do not know this place. Check the name, or choose ‘no place of the list’ and say in the comment where.",
        )
    else:
        said = t(
            f"Welke plek bedoelt u met “{typed}”? Kies er een.", f"Which place do you mean by “{typed}”? Choose one."
        )
    return None, {"place": said}, [(key, named[key]) for key in found[:MEANT_MOST]]


def who_may_say() -> str:
    """Who may give a reason that is for clinicians, and where that is said."""
    return t(
        "Alleen een verpleegkundige, ambulanceprofessional of arts kan dit zeggen: kies die bij ‘besloten door’.",
        "Only a nurse, an ambulance professional or a doctor can say this: choose them at ‘decided by’.",
    )


# -- what is wrong, in words ------------------------------------------------------------------------------------------


def with_faults(filled: Filled, found: Iterable[Fault]) -> Filled:
    """`filled` with what was found to be wrong, beside the field in which it can be mended."""
    faults = dict(filled.faults)
    for each in found:
        name = {"destination": "going", "event": "what", "outcome": "what", "corrects": "what"}.get(
            each.field, each.field
        )
        faults.setdefault(name, _in_words(each))
        if each.code == "clinician_needed":  # it is mended at either of the two
            faults.setdefault("reason", who_may_say())
    return Filled(filled.what, filled.values, faults, filled.choices)


def _in_words(fault: Fault) -> str:
    said = {
        "unknown_reason": ("Kies een reden.", "Choose a reason."),
        "comment_needed": (
            "Bij deze reden hoort een toelichting. Zet er niet in wie de patiënt is.",
            "This reason needs a comment. Do not say in it who the patient is.",
        ),
        "string_too_long": ("Hoogstens 500 tekens.", "At most 500 characters."),
        "clinician_needed": (
            "De gekozen reden is voor een verpleegkundige, ambulanceprofessional of arts. Kies wie dit besloot.",
            "The reason you chose is for a nurse, an ambulance professional or a doctor. Choose who decided this.",
        ),
        "unknown_facility": ("Deze plek kennen wij niet.", "We do not know this place."),
        "not_destination": (
            "Deze plek was niet geadviseerd of gekozen. Leg eerst vast dat de patiënt daarheen gaat.",
            "This place was not advised or chosen. First record that the patient goes there.",
        ),
        "in_the_future": ("Dit tijdstip moet nog komen.", "This time is still to come."),
        "before_decision": ("Dit tijdstip ligt vóór het besluit.", "This time lies before the decision."),
        "contradiction": (
            "Dit past niet bij wat al is vastgelegd. Trek dat eerst in, bij ‘Vastgelegd’.",
            "This does not fit what was recorded already. Take that back first, at ‘Recorded’.",
        ),
        "corrected_already": ("Dit was al ingetrokken.", "This was taken back already."),
        "unknown_outcome": ("Dit kunt u niet intrekken.", "You cannot take this back."),
    }
    if fault.code in said:
        return t(*said[fault.code])
    of_field = {
        "by": ("Kies wie dit besloot.", "Choose who decided this."),
        "facility": ("Kies een plek.", "Choose a place."),
        "at": ("Vul een tijdstip in.", "Fill in a time."),
        "urgency": ("Kies een urgentie, of laat het leeg.", "Choose an urgency, or leave it empty."),
        "reason": ("Kies een reden.", "Choose a reason."),
    }
    return t(*of_field[fault.field]) if fault.field in of_field else t("Dit kan niet.", "This cannot be.")
