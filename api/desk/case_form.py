"""From what stands in the form of a new case to a case, and what is wrong with it in words beside the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.desk.complaint_words import complaint_meant
from api.desk.place_search import meant
from routing.errors import Fault
from routing.facilities.opening import TIME_ZONE
from routing.rules.reading import LANGUAGES, amount
from routing.vocabulary import Fact, Language, Text, Vocabulary

FACT = "f."
"""Begins the name of a field with the value of a fact."""

UNKNOWN = "unknown"
"""What is kept of a question that was asked and that nobody could answer. In a case it is not said."""

UNKNOWN_WRITTEN = frozenset({UNKNOWN, "onbekend"})
"""What somebody writes for it in a field for a number or a time."""

ANSWERS = {"yes": True, "no": False}

PLAIN = ("channel", "transport", "region", "reference", "supersedes")
"""Fields that go into the case as they stand."""

FIELDS = ("complaint", "age", "sex", "place", "called_at", "on_the_way", "heading_to", "way_since", *PLAIN)

OF_CASE = {
    "patient.age_years": "age", "patient.age_months": "age", "patient.sex": "sex", "location": "place",
    "location.lat": "place", "location.lon": "place", "location.postcode": "place",
    "on_the_way.since": "way_since", "on_the_way.heading_to": "heading_to",
}  # fmt: skip
"""A field of the case -> the field of the form in which it stands."""

JUST_NOW = ("called_at", "way_since")
"""Moments of what goes on now; others, as when somebody fell ill, may well be of yesterday."""

YESTERDAY_MOST = timedelta(hours=12)
"""A time of the clock of one of these that is longer ago is rather a slip of the hand than a time of yesterday."""

_MONTHS = re.compile(r"(\d{1,4})\s*(?:m|mnd|maand|maanden|mo|month|months)")
_YEARS = re.compile(r"(\d{1,3})\s*(?:j|jr|jaar|y|yr|years?)?")
_DEGREES = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,8})?)")
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,6})?")
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})")

NO_PLACES: Mapping[str, str] = {}

Form = Mapping[str, tuple[str, ...]]
"""What stands in the fields: name -> values."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field of the form, in words for whoever filled it in."""

    field: str
    message: Text


@dataclass(frozen=True, slots=True)
class Read:
    """A case as `service.decide` takes it, and what could not be read."""

    body: Mapping[str, Any]
    wrong: tuple[Wrong, ...] = ()
    missing: tuple[str, ...] = field(default=())


def first(form: Form, name: str) -> str:
    """The value of a field with one value."""
    return form.get(name, ("",))[0].strip()


def read_form(
    form: Form, words: Vocabulary, language: Language, now: datetime, places: Mapping[str, str] = NO_PLACES
) -> Read:
    """The case that stands in `form` at the moment `now`; `places` (id -> name) are those one may be going to. What
    is `missing` of age and place is not wrong yet: somebody is still typing."""
    reader = _Reader(words, now)
    body: dict[str, Any] = {name: value for name in PLAIN if (value := first(form, name))}
    body["patient"] = reader.age(first(form, "age"))
    if sex := first(form, "sex"):
        body["patient"]["sex"] = sex
    body["location"] = reader.place(first(form, "place"))
    if said := first(form, "complaint"):
        if (found := complaint_named(said, words, language)) is not None:
            body["complaint"] = found
        else:
            reader.fault("complaint", "Kies een klacht uit de lijst.", "Choose a complaint from the list.")
    if said := first(form, "called_at"):
        body["called_at"] = reader.moment("called_at", said)
    body["observations"] = reader.facts(form)
    way = reader.way(form, places)
    missing = tuple(name for name in ("age", "place") if not first(form, name))
    told = {name: value for name, value in body.items() if value}
    # on the way says something even where nothing more is known of it
    return Read(told if way is None else {**told, "on_the_way": way}, tuple(reader.wrong), missing)


def complaint_named(said: str, words: Vocabulary, language: Language) -> str | None:
    """The complaint with this label, synonym or id, however it is capitalised; None if there is none."""
    wanted = said.strip().casefold()
    for key, complaint in words.complaints.items():
        names = [key, complaint.label.nl, complaint.label.en]
        names += [name for spoken in complaint.synonyms.values() for name in spoken]
        if wanted in map(str.casefold, names):
            return key
    return words.complaint_names.get(said.strip()) or complaint_meant(said)


def fact_named(said: str, words: Vocabulary) -> str | None:
    """The observation with this label, question or id; None if there is none."""
    wanted = said.strip().casefold()
    for key, fact in words.facts.items():
        texts = (fact.label.nl, fact.label.en, fact.question.nl, fact.question.en)
        if fact.given == "observations" and wanted in (key, *map(str.casefold, texts), *fact.aliases):
            return key
    return None


def answers(form: Form, words: Vocabulary) -> dict[str, str]:
    """Each fact that was asked and answered, also with unknown -> what stands in its field."""
    return {
        name.removeprefix(FACT): UNKNOWN if values[0].strip().casefold() in UNKNOWN_WRITTEN else values[0].strip()
        for name, values in form.items()
        if name.startswith(FACT) and values[0].strip() and name.removeprefix(FACT) in words.facts
    }


class _Reader:
    """Collects what is wrong while the fields are read one after the other."""

    def __init__(self, words: Vocabulary, now: datetime) -> None:
        self.words, self.now = words, now
        self.wrong: list[Wrong] = []

    def fault(self, name: str, nl: str, en: str) -> None:
        self.wrong.append(Wrong(name, Text(nl, en)))

    def age(self, said: str) -> dict[str, Any]:
        said = said.casefold()
        if not said:
            return {}
        if found := _MONTHS.fullmatch(said):
            return {"age_months": int(found[1])}
        if found := _YEARS.fullmatch(said):
            return {"age_years": int(found[1])}
        self.fault("age", "Een getal: 67, of 8 mnd voor een baby.", "A number: 67, or 8 mo for a baby.")
        return {}

    def place(self, said: str) -> dict[str, Any]:
        if found := _DEGREES.fullmatch(said):
            return {"lat": float(found[1]), "lon": float(found[2])}
        return {"postcode": said} if said else {}

    def moment(self, name: str, said: str) -> str | None:
        """A time of the clock is the last time that it was so late, if that is not too long ago to be sure; a day may
        stand before it."""
        try:
            if found := _DAY.fullmatch(said):
                return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=TIME_ZONE).isoformat()
        except ValueError:
            pass
        else:
            if found := _CLOCK.fullmatch(said):
                today = self.now.astimezone(TIME_ZONE)
                at = today.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
                if at <= today + timedelta(minutes=1):
                    return at.isoformat()
                before = at - timedelta(days=1)
                if name not in JUST_NOW or today - before <= YESTERDAY_MOST:
                    return before.isoformat()
                written = f"{before:%Y-%m-%d %H:%M}"
                nl = f"{said} is nog niet geweest. Was het gisteren, schrijf dan {written}."
                self.fault(name, nl, f"{said} has not been yet. If it was yesterday, write {written}.")
                return None
        nl, en = "Een tijd: 14:05, of met de dag ervoor: 2026-11-29 14:05.", "A time: 14:05, or with the day before it."
        self.fault(name, nl, en)
        return None

    def way(self, form: Form, places: Mapping[str, str]) -> dict[str, Any] | None:
        """Who is on the way, since when and where to; one who is said to go somewhere is on the way."""
        to, since = first(form, "heading_to"), first(form, "way_since")
        if first(form, "on_the_way") != "yes" and not (to or since):
            return None
        found: dict[str, Any] = {}
        if since and (left := self.moment("way_since", since)) is not None:
            found["since"] = left
        ids = [to] if to in places else meant(to, places) if to else []
        if len(ids) == 1:
            found["heading_to"] = ids[0]
        elif to:
            self.fault("heading_to", "Kies een plek uit de lijst.", "Choose a place from the list.")
        return found

    def facts(self, form: Form) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, said in answers(form, self.words).items():
            fact = self.words.facts[key]
            if said != UNKNOWN and fact.given == "observations":
                value = self.value(f"{FACT}{key}", fact, said)
                if value is not None:
                    found[key] = value
        return found

    def value(self, name: str, fact: Fact, said: str) -> Any:
        if fact.type == "boolean" and said in ANSWERS:
            return ANSWERS[said]
        if fact.type == "choice" and said in fact.values:
            return said
        if fact.type == "time":
            return self.moment(name, said)
        if fact.type == "number" and _NUMBER.fullmatch(said):
            number = float(said.replace(",", "."))
            return int(number) if number == int(number) else number
        self.wrong.append(Wrong(name, allowed(fact)))
        return None


# -- what `service.decide` finds wrong ---------------------------------------------------------------------------------


def allowed(fact: Fact) -> Text:
    """What may stand in the field of this fact."""
    if fact.type == "number" and fact.range is not None:
        low, high = fact.range
        nl, en = (f"{amount(low, None, each)} - {amount(high, fact.unit, each)}" for each in LANGUAGES)
        whole = (" (een heel getal)", " (a whole number)") if fact.whole else ("", "")
        return Text(f"Toegestaan: {nl}{whole[0]}.", f"Allowed: {en}{whole[1]}.")
    if fact.type == "time":
        return Text("Een tijd die voorbij is: 14:05.", "A time that has passed: 14:05.")
    return Text("Kies een van de antwoorden.", "Choose one of the answers.")


_OF_FIELDS: Mapping[str, Text] = {
    "age": Text("Een leeftijd van 0 tot 120 jaar, of van een kind in maanden: 8 mnd.", "An age of 0 to 120, or 8 mo."),
    "place": Text(
        "Een Nederlandse postcode (3511 of 3511AB), of coördinaten in of bij Nederland (52.09, 5.12).",
        "A Dutch postcode (3511 or 3511AB), or coordinates in or near the Netherlands (52.09, 5.12).",
    ),
    "called_at": Text("Een tijd die voorbij is: 14:05.", "A time that has passed: 14:05."),
    "way_since": Text("Een tijd die voorbij is: 14:05.", "A time that has passed: 14:05."),
    "heading_to": Text("Kies een plek uit de lijst.", "Choose a place from the list."),
    "reference": Text("Hoogstens 200 tekens. Geen naam en geen BSN.", "At most 200 characters. No name, no BSN."),
    "supersedes": Text("De eerdere beslissing is er niet.", "The earlier decision is not there."),
}
_OTHER = Text("Dit kan niet worden gebruikt.", "This cannot be used.")


def wrong_in_form(faults: Iterable[Fault], words: Vocabulary) -> tuple[Wrong, ...]:
    """What a use case found wrong with a case, each said once at its field of the form."""
    found: dict[str, Wrong] = {}
    for fault in faults:
        name, fact = fault.field, fault.field.removeprefix("observations.")
        if name.startswith("observations.") and fact in words.facts:
            found.setdefault(f"{FACT}{fact}", Wrong(f"{FACT}{fact}", allowed(words.facts[fact])))
        else:
            place = OF_CASE.get(name, name)
            found.setdefault(place, Wrong(place, _OF_FIELDS.get(place, _OTHER)))
    return tuple(found.values())


def without(read: Read, wrong: Iterable[Wrong]) -> dict[str, Any]:
    """The case without the observations that are wrong, to show at least what follows from the others."""
    left_out = {each.field.removeprefix(FACT) for each in wrong}
    body = dict(read.body)
    body["observations"] = {key: value for key, value in body.get("observations", {}).items() if key not in left_out}
    return {name: value for name, value in body.items() if name not in left_out}


# -- from a case to the form -------------------------------------------------------------------------------------------


def form_of(
    case: Mapping[str, Any], words: Vocabulary, language: Language, places: Mapping[str, str] = NO_PLACES
) -> dict[str, tuple[str, ...]]:
    """What stands in the form where `case` (as in a record) goes on; `places`: id -> name."""
    found = {name: str(case[name]) for name in ("channel", "transport", "region", "reference") if case.get(name)}
    patient, location = case.get("patient", {}), case.get("location", {})
    if patient.get("age_years") is not None:
        found["age"] = f"{patient['age_years']:g}"
    elif patient.get("age_months") is not None:
        found["age"] = f"{patient['age_months']:g} mnd"
    found["sex"] = patient.get("sex") or ""
    found["place"] = location.get("postcode") or ", ".join(f"{location[key]:.5f}" for key in ("lat", "lon"))
    if (complaint := words.complaints.get(case.get("complaint", ""))) is not None:
        found["complaint"] = complaint.label.wire()[language]
    if case.get("called_at"):
        found["called_at"] = _written(case["called_at"])
    if (way := case.get("on_the_way")) is not None:
        to = way.get("heading_to", "")
        found |= {"on_the_way": "yes", "heading_to": places.get(to, to)}
        found["way_since"] = _written(way["since"]) if "since" in way else ""
    for key, value in case.get("observations", {}).items():
        found[f"{FACT}{key}"] = _answer(words.facts[key], value) if key in words.facts else str(value)
    return {name: (value,) for name, value in found.items() if value}


def _answer(fact: Fact, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if fact.type == "time":
        return _written(value)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _written(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(TIME_ZONE).strftime("%Y-%m-%d %H:%M")
