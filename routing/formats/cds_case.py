"""Makes a case of a call of CDS Hooks: what is not understood is not guessed and not dropped, but named.

Only what was measured lately counts as how the patient is now. Of several measurements of one thing the newest counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from routing.case import CLOCK_SKEW, observation_faults
from routing.case import Observation as Observed
from routing.errors import BadInput, Fault
from routing.facilities.opening import TIME_ZONE
from routing.formats.cds_request import (
    Address,
    Bundle,
    CdsRequest,
    Condition,
    Encounter,
    Location,
    Observation,
    Prefetch,
    Value,
    checked,
    of_other_patient,
    other_patient,
)
from routing.formats.fhir_codes import CHOICES, COMPLAINT, FACT, UCUM, YES_OR_NO, converted, fact_codes
from routing.travel.postcode import PostcodeError, centroid, near_the_netherlands
from routing.vocabulary import Fact, Vocabulary

MEASURED_HOURS_MOST = 24
"""What was observed longer ago says nothing about now."""

MONTHS_BELOW_YEARS = 2
"""Of a child younger than this the age is given in months: rules ask for months of infants only."""

USABLE = frozenset({"final", "amended", "corrected", "preliminary"})
"""Status of an Observation that counts."""

ACTIVE = frozenset({"active", "recurrence", "relapse"})
"""Clinical status of a Condition that is there now."""

WHY: Mapping[str, str] = {
    "unknown_code": "deze code is hier niet bekend",
    "unit": "de eenheid is niet (precies) om te rekenen; stuur de UCUM-eenheid van het gegeven",
    "comparator": "groter of kleiner dan is geen waarde",
    "value": "het antwoord is hier niet te lezen",
    "impossible": "de waarde kan niet",
    "status": "de meting is niet geldig (status)",
    "absent": "niet gemeten",
    "no_time": "wanneer dit is waargenomen staat er niet precies bij",
    "old": f"langer dan {MEASURED_HOURS_MOST} uur geleden",
    "future": "ligt in de toekomst",
    "contradiction": "twee waarden die elkaar tegenspreken",
    "not_active": "niet actief",
    "not_confirmed": "niet bevestigd",
    "other_type": "hier niet gevraagd",
    "more": "er is meer dan is meegestuurd",
    "not_sent": "niet meegestuurd",
    "birth_date": "geen volledige geboortedatum die kan",
    "postcode": "geen Nederlandse postcode die hier bekend is",
    "position": "ligt niet in of bij Nederland",
    "text_only": "alleen als tekst, zonder code",
}
"""Why something was not used, as the reader of a card sees it."""

_SAFE = re.compile(r"[A-Za-z0-9 .:/_%|\-]{1,120}")


@dataclass(frozen=True, slots=True)
class Unused:
    """Something that was sent (or had to be) and was not used, with a key of WHY. `what` is safe as Markdown: a word of
    ours, or a code between backticks."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks: the body of a case as `POST /v1/decisions` takes it; what of the call was not used; what else
    to know of it; and without what nothing can be decided (`age`, `place`)."""

    case: dict[str, Any]
    unused: tuple[Unused, ...]
    remarks: tuple[str, ...]
    lacking: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    """What was found so far. `measured`: fact -> when and what; `stated`: facts that are so without a moment."""

    words: Vocabulary
    now: datetime
    codes: Mapping[str, str]
    measured: dict[str, list[tuple[datetime, Observed]]] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    complaint: str | None = None
    unused: list[Unused] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def skip(self, what: str, why: str) -> None:
        self.unused.append(Unused(what, why))

    def label(self, fact_id: str) -> str:
        return self.words.facts[fact_id].label.nl


def case_of(request: CdsRequest, words: Vocabulary, now: datetime) -> Asked:
    """The case in `request`, as things stand at `now`. Raises BadInput where a resource cannot be read at all or is
    about another patient."""
    reading = _Reading(words, now, fact_codes(words))
    prefetch, extra = request.prefetch, request.extra
    if prefetch.encounter is not None:
        _reasons(prefetch.encounter, reading)
    for name in ("observations", "findings", "complaints", "conditions"):
        _bundle(name, getattr(prefetch, name), request, reading)
    for name in Prefetch.model_fields:
        if name not in prefetch.model_fields_set:
            reading.skip(name, "not_sent")
    if reading.faults:
        raise BadInput(tuple(reading.faults))
    case: dict[str, Any] = {}
    if patient := _patient(request, reading):
        case["patient"] = patient
    place = extra["location"] if extra.get("location") is not None else _place(request, reading)
    if place is not None:
        case["location"] = place
    if reading.complaint is not None:
        case["complaint"] = reading.complaint
    if observations := dict(_observations(reading)):
        case["observations"] = observations
    case |= {name: value for name, value in extra.items() if name not in ("patient", "location")}
    known = {"age_years", "age_months"} & patient.keys()
    lacking = (*(() if known else ("age",)), *(() if place is not None else ("place",)))
    return Asked(case, tuple(dict.fromkeys(reading.unused)), tuple(dict.fromkeys(reading.remarks)), lacking)


# -- who and where ----------------------------------------------------------------------------------------------------


def _patient(request: CdsRequest, reading: _Reading) -> dict[str, Any]:
    said, patient = request.extra.get("patient"), request.prefetch.patient
    found: dict[str, Any] = {}
    if patient is not None:
        found = _age(patient.birth_date, reading)
        if patient.gender not in (None, "unknown"):
            found["sex"] = patient.gender
    if not isinstance(said, Mapping):
        return found if said is None else {"age_years": said}  # parse_case says what is wrong with it
    if {"age_years", "age_months"} & said.keys():
        found = {name: value for name, value in found.items() if name == "sex"}
    return {**found, **said}


def _age(birth_date: str | None, reading: _Reading) -> dict[str, Any]:
    if birth_date is None:
        return {}
    today = reading.now.astimezone(TIME_ZONE).date()
    try:
        born = date.fromisoformat(birth_date) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", birth_date) else None
    except ValueError:
        born = None
    months = -1 if born is None else (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if not 0 <= months <= 120 * 12 + 11:
        reading.skip("geboortedatum", "birth_date")
        return {}
    years = months // 12
    return {"age_months": months} if years < MONTHS_BELOW_YEARS else {"age_years": years}


def _place(request: CdsRequest, reading: _Reading) -> dict[str, Any] | None:
    """Where the patient is: the place of the contact, else the home address."""
    encounter, patient = request.prefetch.encounter, request.prefetch.patient
    if encounter is not None:
        for location in _locations(encounter, reading):
            position, address = location.position, location.address
            if position is not None:
                if near_the_netherlands(position.latitude, position.longitude):
                    return {"lat": position.latitude, "lon": position.longitude}
                reading.skip("plaats van het contact", "position")
                continue
            given = address.postal_code if address is not None else None
            if given is not None and (code := _postcode(given, "plaats van het contact", reading)) is not None:
                return {"postcode": code}
    for address in patient.address if patient is not None else ():
        given = None if _left(address, reading.now) else address.postal_code
        if given is not None and (code := _postcode(given, "adres van de patiënt", reading)) is not None:
            reading.remarks.append("De plaats is die van het woonadres. Is de patiënt ergens anders, geef dat dan.")
            return {"postcode": code}
    return None


def _left(address: Address, now: datetime) -> bool:
    """Whether the patient does not live there any more, or never did."""
    until = address.period.end if address.period is not None else None
    return address.use in ("old", "billing") or (until is not None and until[:10] < now.date().isoformat())


def _locations(encounter: Encounter, reading: _Reading) -> Iterator[Location]:
    contained = {f"#{each.get('id')}": each for each in encounter.contained if each.get("resourceType") == "Location"}
    for entry in encounter.location:
        if entry.status in (None, "active") and entry.location.reference in contained:
            index = encounter.contained.index(contained[entry.location.reference])
            yield checked(Location, encounter.contained[index], f"prefetch.encounter.contained.{index}")


def _postcode(given: str, what: str, reading: _Reading) -> str | None:
    try:
        centroid(given)
    except PostcodeError:
        reading.skip(what, "postcode")
        return None
    return given


# -- what is the matter -----------------------------------------------------------------------------------------------


def _reasons(encounter: Encounter, reading: _Reading) -> None:
    for reason in encounter.reason_code:
        known = False
        for coding in reason.coding:
            if coding.system == COMPLAINT and coding.code in reading.words.complaint_names:
                reading.complaint, known = coding.code, True
            elif (fact_id := reading.codes.get(coding.name)) and reading.words.facts[fact_id].type == "boolean":
                reading.stated.add(fact_id)
                known = True
        if not known:
            reading.skip(f"reden van het contact {_named(reason.names)}".strip(), _unknown(reason.names))


def _bundle(name: str, bundle: Bundle | None, request: CdsRequest, reading: _Reading) -> None:
    for number, entry in enumerate(bundle.entry if bundle is not None else ()):
        where, kind = f"prefetch.{name}.entry.{number}.resource", entry.resource.get("resourceType")
        of_conditions = name in ("complaints", "conditions")
        wanted = "Condition" if of_conditions else "Observation"
        if kind != wanted:
            reading.skip(_shown(kind), "other_type")
            continue
        try:
            if of_conditions:
                found: Condition | Observation = checked(Condition, entry.resource, where)
            else:
                found = checked(Observation, entry.resource, where)
        except BadInput as error:
            reading.faults.extend(error.faults)
            continue
        if of_other_patient(found.subject, request.context.patient_id):
            reading.faults.append(other_patient(f"{where}.subject"))
        elif isinstance(found, Condition):
            _condition(found, request, reading)
        else:
            _observation(found, reading)
    if bundle is not None and any(link.relation == "next" for link in bundle.link):
        reading.skip(name, "more")


def _condition(condition: Condition, request: CdsRequest, reading: _Reading) -> None:
    names = condition.code.names if condition.code is not None else []
    fact_id = _fact_of(names, reading)
    if fact_id is None or reading.words.facts[fact_id].type != "boolean":
        reading.skip(_named(names) or "aandoening", _unknown(names))
        return
    what, fact = reading.label(fact_id), reading.words.facts[fact_id]
    clinical = {coding.code for coding in condition.clinical.coding} if condition.clinical else set()
    verified = {coding.code for coding in condition.verification.coding} if condition.verification else {"confirmed"}
    if not clinical & ACTIVE:
        reading.skip(what, "not_active")
    elif verified != {"confirmed"}:
        reading.skip(what, "not_confirmed")
    elif fact.group == "history" or _of_encounter(condition, request):
        reading.stated.add(fact_id)
    elif (why := _too_old(_moment(condition.recorded, reading), reading)) is not None:
        reading.skip(what, why)
    else:
        reading.stated.add(fact_id)


def _of_encounter(condition: Condition, request: CdsRequest) -> bool:
    wanted, found = request.context.encounter_id, condition.encounter
    return wanted is not None and found is not None and (found.reference or "").endswith(f"Encounter/{wanted}")


def _observation(observation: Observation, reading: _Reading) -> None:
    period = observation.period
    said = observation.effective or observation.instant or (period and (period.end or period.start)) or None
    moment = _moment(said, reading)
    for part in (observation, *observation.component):
        fact_id = _fact_of(part.code.names, reading)
        if part is observation and not _says_something(part) and observation.component:
            continue  # a panel: its parts say it
        if fact_id is None:
            reading.skip(_named(part.code.names) or "waarneming", _unknown(part.code.names))
            continue
        why = "status" if observation.status not in USABLE else _too_old(moment, reading)
        value, unread = _value(part, fact_id, reading.words.facts[fact_id])
        why = why or unread
        if why is None and observation_faults(fact_id, value, reading.words, reading.now):
            why = "impossible"
        if why is not None:
            reading.skip(reading.label(fact_id), why)
        else:
            assert moment is not None
            assert value is not None
            reading.measured.setdefault(fact_id, []).append((moment, value))


def _says_something(part: Value) -> bool:
    values = (part.quantity, part.integer, part.boolean, part.concept, part.moment, part.absent)
    return any(value is not None for value in values)


def _value(part: Value, fact_id: str, fact: Fact) -> tuple[Observed | None, str | None]:
    """The value of the fact, or why there is none (a key of WHY)."""
    if part.absent is not None:
        return None, "absent"
    match fact.type:
        case "number" if part.integer is not None:
            return (part.integer, None) if fact.unit == "1" else (None, "unit")
        case "number" if part.quantity is not None and part.quantity.value is not None:
            if part.quantity.comparator is not None:
                return None, "comparator"
            if part.quantity.system != UCUM or part.quantity.code is None:
                return None, "unit"
            number = converted(part.quantity.value, part.quantity.code, fact)
            return (number, None) if number is not None else (None, "unit")
        case "boolean" if part.boolean is not None:
            return part.boolean, None
        case "boolean" if part.concept is not None:
            answers = {YES_OR_NO[name] for name in part.concept.names if name in YES_OR_NO}
            return (answers.pop(), None) if len(answers) == 1 else (None, "value")
        case "choice" if part.concept is not None:
            own = {coding.code for coding in part.concept.coding if coding.system == f"{FACT}:{fact_id}"}
            chosen = {
                value for name in part.concept.names for of, value in [CHOICES.get(name, ("", ""))] if of == fact_id
            }
            values = {value for value in (*own, *chosen) if value in fact.values}
            return (values.pop(), None) if len(values) == 1 else (None, "value")
        case "time" if part.moment is not None:
            return part.moment, None
    return None, "value"


def _observations(reading: _Reading) -> Iterator[tuple[str, Observed]]:
    """Of every fact the newest value; where two of the same moment differ, or a complaint that is there was found to be
    absent, none."""
    for fact_id in dict.fromkeys((*reading.measured, *sorted(reading.stated))):
        found = reading.measured.get(fact_id, [])
        newest = max((moment for moment, _ in found), default=None)
        values = {value for moment, value in found if moment == newest} | ({True} & {fact_id in reading.stated})
        if len(values) > 1:
            reading.skip(reading.label(fact_id), "contradiction")
            continue
        if any(moment != newest for moment, _ in found):
            reading.remarks.append(f"Van «{reading.label(fact_id)}» telt de nieuwste waarde.")
        yield fact_id, values.pop()


# -- when -------------------------------------------------------------------------------------------------------------


def _moment(text: str | None, reading: _Reading) -> datetime | None:
    """The moment that FHIR writes; a date alone counts only if it is today."""
    try:
        if text is not None and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = datetime.fromisoformat(text).replace(tzinfo=TIME_ZONE)
            return day if day.date() == reading.now.astimezone(TIME_ZONE).date() else None
        found = datetime.fromisoformat(text) if text is not None and "T" in text else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def _too_old(moment: datetime | None, reading: _Reading) -> str | None:
    if moment is None:
        return "no_time"
    if moment > reading.now + CLOCK_SKEW:
        return "future"
    return "old" if reading.now - moment > timedelta(hours=MEASURED_HOURS_MOST) else None


# -- names ------------------------------------------------------------------------------------------------------------


def _fact_of(names: list[str], reading: _Reading) -> str | None:
    """The one fact that these codes mean; None where they mean none, or more than one."""
    found = {reading.codes[name] for name in names if name in reading.codes}
    return found.pop() if len(found) == 1 else None


def _unknown(names: list[str]) -> str:
    return "unknown_code" if names else "text_only"


def _named(names: list[str]) -> str:
    return _shown(names[0]) if names else ""


def _shown(text: Any) -> str:
    # only what can be a code comes back: never words, and nothing that a page could take for a command
    return f"`{text}`" if isinstance(text, str) and _SAFE.fullmatch(text) else "een onleesbare code"
