"""From what stands in the form of a new case to a case, and what is wrong with it in words beside the field."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.desk.complaint_words import complaint_meant
from api.desk.fact_search import which
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

FIELDS = (
    "complaint",
    "age",
    "sex",
    "place",
    "called_at",
    "first_contact_at",
    "on_the_way",
    "heading_to",
    "way_since",
    *PLAIN,
)

OF_CASE = {
    "patient.age_years": "age", "patient.age_months": "age", "patient.sex": "sex", "location": "place",
    "location.lat": "place", "location.lon": "place", "location.postcode": "place",
    "on_the_way.since": "way_since", "on_the_way.heading_to": "heading_to",
}  # fmt: skip
"""A field of the case -> the field of the form in which it stands."""

JUST_NOW = ("called_at", "first_contact_at", "way_since")
"""Moments of what goes on now; others, as when somebody fell ill, may well be of yesterday."""

YESTERDAY_MOST = timedelta(hours=12)
"""A time of the clock of one of these that is longer ago is rather a slip of the hand than a time of yesterday."""

_MONTHS = re.compile(r"(\d{1,4})\s*(?:m|mnd|maand|maanden|mo|month|months)")
_WEEKS = re.compile(r"(\d{1,3})\s*(?:w|wk|wkn|week|weken|weeks)")
_DAYS = re.compile(r"(\d{1,4})\s*(?:d|dg|dag|dagen|day|days)")
_YEARS = re.compile(r"(\d{1,3})\s*(?:j|jr|jaar|y|yr|years?)?")
_DEGREES = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,8})?)")
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,6})?")
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})")

DAYS_OF_A_MONTH = 30.4375

NOW_WRITTEN = frozenset({"nu", "now"})
"""What somebody writes in a field for a time for the minute in which it is sent."""

SWAPPED = Text(
    "De onderdruk is hoger dan de bovendruk; kijk of ze zijn verwisseld.",
    "Diastolic is higher than systolic; see whether they were swapped.",
)

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
    for name in ("called_at", "first_contact_at"):
        if said := first(form, name):
            body[name] = reader.moment(name, said)
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


def written_now(form: Form, words: Vocabulary, now: datetime) -> dict[str, tuple[str, ...]]:
    """`form` with the time of the clock in place of `nu` in a field for a time, so that it does not move along with
    whoever looks at it later."""
    minute = f"{now.astimezone(TIME_ZONE):%H:%M}"

    def is_now(name: str, value: str) -> bool:
        fact = words.facts.get(name.removeprefix(FACT)) if name.startswith(FACT) else None
        is_time = name in JUST_NOW or (fact is not None and fact.type == "time")
        return is_time and written_as_now(value)

    return {name: tuple(minute if is_now(name, value) else value for value in values) for name, values in form.items()}


def written_as_now(value: str) -> bool:
    """Whether that is how somebody writes the minute in which it is sent."""
    return value.strip().casefold() in NOW_WRITTEN


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
        if found := _WEEKS.fullmatch(said) or _DAYS.fullmatch(said):
            days = int(found[1]) * (7 if _WEEKS.fullmatch(said) else 1)
            return {"age_months": int(days / DAYS_OF_A_MONTH)}  # whole months, as people count them
        if found := _YEARS.fullmatch(said):
            return {"age_years": int(found[1])}
        nl, en = "Een getal: 67, of van een baby 8 mnd, 3 wk of 10 d.", "A number: 67, or of a baby 8 mo, 3 wk or 10 d."
        self.fault("age", nl, en)
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
        elif ids:
            self.wrong.append(Wrong("heading_to", which([Text(places[each], places[each]) for each in ids])))
        elif to:
            self.wrong.append(Wrong("heading_to", _OF_FIELDS["heading_to"]))
        return found

    def facts(self, form: Form) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, said in answers(form, self.words).items():
            fact = self.words.facts[key]
            if said != UNKNOWN and fact.given == "observations":
                value = self.value(f"{FACT}{key}", fact, said)
                if value is not None:
                    found[key] = value
        if found.get("diastolic_bp", 0) > found.get("systolic_bp", math.inf):  # which of the two is wrong is not known
            self.wrong.append(Wrong(f"{FACT}diastolic_bp", SWAPPED))
            del found["diastolic_bp"], found["systolic_bp"]
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
        no_number = Text("Dit is geen getal.", "This is no number.") if fact.type == "number" else None
        self.wrong.append(Wrong(name, _with_allowed(no_number, fact)))
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


def _with_allowed(why: Text | None, fact: Fact) -> Text:
    """What is wrong, if that is known, before what may stand in the field of this fact."""
    may = allowed(fact)
    return may if why is None else Text(f"{why.nl} {may.nl}", f"{why.en} {may.en}")


def _why(fault: Fault, fact: Fact) -> Text | None:
    """Why a number was refused: it is no whole number, or it lies outside the limits; None for all else."""
    if fact.type != "number" or fact.range is None or fault.code != "out_of_range":
        return None
    low, high = fact.range
    if isinstance(fault.value, int | float) and low <= fault.value <= high:
        return Text("Dit is geen heel getal.", "This is no whole number.")
    return Text("Buiten de grenzen.", "Outside the limits.")


_OF_FIELDS: Mapping[str, Text] = {
    "age": Text(
        "Een leeftijd van 0 tot 120 jaar, of van een kind 8 mnd, 3 wk of 10 d.", "0 to 120, or 8 mo, 3 wk, 10 d."
    ),
    "place": Text(
        "Een Nederlandse postcode (3511 of 3511AB), of coördinaten in of bij Nederland (52.09, 5.12).",
        "A Dutch postcode (3511 or 3511AB), or coordinates in or near the Netherlands (52.09, 5.12).",
    ),
    "called_at": Text("Een tijd die voorbij is: 14:05.", "A time that has passed: 14:05."),
    "first_contact_at": Text("Een tijd die voorbij is: 14:05.", "A time that has passed: 14:05."),
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
            message = _with_allowed(_why(fault, words.facts[fact]), words.facts[fact])
            found.setdefault(f"{FACT}{fact}", Wrong(f"{FACT}{fact}", message))
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
    found |= {name: _written(case[name]) for name in ("called_at", "first_contact_at") if case.get(name)}
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
