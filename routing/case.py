"""A case: one patient, where, when, what is complained of and what was observed. What is not said is unknown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from routing.errors import BadInput, Fault, shown
from routing.geography import distance_km
from routing.travel.postcode import PostcodeError, centroid, near_the_netherlands
from routing.vocabulary import Fact, Vocabulary

Observation = bool | int | float | str
"""A yes/no, a number in the unit of the fact, a choice, or a time as RFC 3339 text."""

CLOCK_SKEW = timedelta(minutes=2)
"""How far a clock of other software may run ahead of ours before a time counts as impossible."""

PLACES_DISAGREE_KM = 15.0
"""Coordinates further than this from the centre of the postcode given with them are taken for a mistake: the largest
Dutch four-digit postcode areas reach about ten kilometres from their centre."""

SUGGESTIONS_MOST = 10
KNOWN_AT_MOST = 20

KEYS = (
    "reference", "channel", "called_at", "first_contact_at", "assessed_at", "patient", "location", "complaint",
    "observations", "transport", "on_the_way", "known_at", "region", "note",
)  # fmt: skip
"""What a case may hold over HTTP, beside `supersedes`."""

_PATIENT_KEYS = ("age_years", "age_months", "sex")
_LOCATION_KEYS = ("lat", "lon", "postcode")
_WAY_KEYS = ("since", "heading", "heading_to")
_TIMES = ("called_at", "first_contact_at", "assessed_at")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Who is on the way already: since when, in which direction (degrees clockwise from the north), and to which place
    of the directory. All of it may be unknown; where they are now is the location of the case."""

    since: datetime | None = None
    heading: int | float | None = None
    heading_to: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A checked case. Times are aware; `lat`/`lon` are WGS84 degrees; `observations` has canonical ids only.

    `note` is free text for people: it takes no part in rules and does not enter the record.
    """

    lat: float
    lon: float
    postcode: str | None = None
    age_years: int | float | None = None
    age_months: int | float | None = None
    sex: str | None = None
    reference: str | None = None
    channel: str | None = None
    called_at: datetime | None = None
    first_contact_at: datetime | None = None
    assessed_at: datetime | None = None
    complaint: str | None = None
    observations: Mapping[str, Observation] = field(default_factory=dict)
    transport: str | None = None
    on_the_way: OnTheWay | None = None
    known_at: tuple[str, ...] = ()
    region: str | None = None
    note: str | None = field(default=None, compare=False)


def parse_case(
    body: Any,
    vocabulary: Vocabulary,
    now: datetime,
    facility_ids: Collection[str] | None = None,
    *,
    recorded: bool = False,
) -> Case:
    """Check `body` (a case as in the contract) at the moment `now`.

    The name of a complaint that is also a finding counts as that finding, unless the observations say otherwise. A body
    from a record (`recorded`) is taken as it stands: what its complaint said was added then, or was not yet.

    `facility_ids` are the places that `known_at` and `on_the_way` may name (`None`: not checked). Raises BadInput with
    every fault that was found; nothing is guessed, nothing is dropped.
    """
    if not isinstance(body, dict):
        raise BadInput((Fault("", "wrong_type", "a case is a JSON object", shown(body), "an object"),))
    reader = _Reader(vocabulary, now)
    values: dict[str, Any] = {}
    reader.unknown_keys(body, KEYS, "")
    values |= reader.patient(body.get("patient"))
    values |= reader.location(body.get("location"))
    for key in _TIMES:
        values[key] = reader.moment(body.get(key), key)
    for key in ("reference", "note"):
        values[key] = reader.text(body.get(key), key, 200 if key == "reference" else 10_000)
    for key in ("channel", "transport"):
        values[key] = reader.choice(body.get(key), key, vocabulary.facts[key])
    values["complaint"] = reader.complaint(body.get("complaint"))
    values["observations"] = reader.observations(body.get("observations"))
    if not recorded:
        reader.named_by_complaint(body.get("complaint"), values["observations"])
    values["on_the_way"] = reader.on_the_way(body.get("on_the_way"), facility_ids)
    values["known_at"] = reader.known_at(body.get("known_at"), facility_ids)
    values["region"] = reader.region(body.get("region"))
    reader.order_of_times(values)
    if reader.faults:
        raise BadInput(tuple(reader.faults))
    return Case(**values)


def observation_faults(fact_id: str, value: Any, vocabulary: Vocabulary, now: datetime) -> tuple[Fault, ...]:
    """What `parse_case` would find wrong with this one observation."""
    reader = _Reader(vocabulary, now)
    reader.observation(value, f"observations.{fact_id}", vocabulary.facts[fact_id])
    return tuple(reader.faults)


def case_record(case: Case) -> dict[str, Any]:
    """`case` as a body that `parse_case` reads back to the same case (without its note)."""
    times = {key: getattr(case, key) for key in _TIMES}
    body: dict[str, Any] = {
        "patient": {key: getattr(case, key) for key in _PATIENT_KEYS},
        "location": {"lat": case.lat, "lon": case.lon, "postcode": case.postcode},
        **{key: value.isoformat() for key, value in times.items() if value is not None},
        **{key: getattr(case, key) for key in ("reference", "channel", "complaint", "transport", "region")},
        "observations": dict(case.observations),
        "known_at": list(case.known_at),
    }
    for part in ("patient", "location"):
        body[part] = {key: value for key, value in body[part].items() if value is not None}
    told = {key: value for key, value in body.items() if value not in (None, [], {})}
    return told if case.on_the_way is None else {**told, "on_the_way": _way_record(case.on_the_way)}


def _way_record(way: OnTheWay) -> dict[str, Any]:
    # empty too it says something: nobody has to come for this patient any more
    since = way.since.isoformat() if way.since is not None else None
    found = {"since": since, "heading": way.heading, "heading_to": way.heading_to}
    return {key: value for key, value in found.items() if value is not None}


class _Reader:
    """Collects the faults while the parts of a body are read one after the other."""

    def __init__(self, vocabulary: Vocabulary, now: datetime) -> None:
        self.vocabulary = vocabulary
        self.now = now
        self.faults: list[Fault] = []

    def fault(self, field: str, code: str, message: str, value: Any = None, allowed: str | None = None) -> None:
        self.faults.append(Fault(field, code, message, shown(value), allowed))

    def unknown_keys(self, body: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
        for key in body:
            if key not in allowed:
                name = shown(str(key))
                message = f"there is no field `{name}` here"
                self.fault(f"{where}{name}", "unknown_field", message, allowed=", ".join(allowed))

    def section(self, body: Any, name: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        if body is None:
            return {}
        if not isinstance(body, dict):
            self.fault(name, "wrong_type", f"`{name}` is an object", body, "an object")
            return {}
        self.unknown_keys(body, allowed, f"{name}.")
        return body

    def patient(self, body: Any) -> dict[str, Any]:
        part = self.section(body, "patient", _PATIENT_KEYS)
        facts = self.vocabulary.facts
        values = {key: self.number(part.get(key), f"patient.{key}", facts[key]) for key in ("age_years", "age_months")}
        given = [key for key in ("age_years", "age_months") if part.get(key) is not None]
        if not given:
            message = "the age of the patient is needed: `age_years`, or `age_months` for a small child"
            self.fault("patient.age_years", "missing", message, allowed="a number of years from 0 to 120")
        years, months = values["age_years"], values["age_months"]
        if years is not None and months is not None and int(months // 12) != int(years):
            message = "`age_years` and `age_months` contradict each other"
            self.fault("patient.age_months", "contradiction", message, months, f"{int(years) * 12} and the 11 after it")
        return {**values, "sex": self.choice(part.get("sex"), "patient.sex", facts["sex"])}

    def location(self, body: Any) -> dict[str, Any]:
        part = self.section(body, "location", _LOCATION_KEYS)
        lat = self.degrees(part.get("lat"), "location.lat", 90.0)
        lon = self.degrees(part.get("lon"), "location.lon", 180.0)
        postcode, centre = self.postcode(part.get("postcode"))
        values = {"lat": lat or 0.0, "lon": lon or 0.0, "postcode": postcode}
        if lat is None or lon is None:
            if (part.get("lat") is None) != (part.get("lon") is None):
                missing = "lat" if part.get("lat") is None else "lon"
                self.fault(f"location.{missing}", "missing", "`lat` and `lon` belong together", allowed="degrees")
            elif centre is not None:
                values |= {"lat": centre[0], "lon": centre[1]}
            elif part.get("postcode") is None and lat is None and lon is None and not self.about("location"):
                message = "the place of the patient is needed: `lat` and `lon`, or `postcode`"
                self.fault("location", "missing", message, allowed="degrees (WGS84), or 1234 or 1234AB")
            return values
        if not near_the_netherlands(lat, lon):
            message = "this place is not in the Netherlands or within 30 km of it (are `lat` and `lon` swapped?)"
            self.fault("location", "outside_area", message, f"{lat}, {lon}", "lat about 50.7-53.6, lon about 3.3-7.3")
        elif centre is not None and distance_km((lat, lon), centre) > PLACES_DISAGREE_KM:
            message = f"the coordinates lie more than {PLACES_DISAGREE_KM:g} km from the postcode; which one is right?"
            self.fault("location.postcode", "contradiction", message, postcode, "one of the two, or two that agree")
        return values

    def about(self, field: str) -> bool:
        return any(fault.field == field or fault.field.startswith(f"{field}.") for fault in self.faults)

    def degrees(self, value: Any, name: str, most: float) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(name, "wrong_type", "a coordinate is a number of degrees", value, f"-{most:g} to {most:g}")
            return None
        if not -most <= value <= most:
            self.fault(name, "out_of_range", "no such coordinate", value, f"-{most:g} to {most:g}")
            return None
        return float(value)

    def postcode(self, value: Any) -> tuple[str | None, tuple[float, float] | None]:
        if value is None:
            return None, None
        allowed = "four digits, with or without two letters: 3584 or 3584CX"
        if not isinstance(value, str):
            self.fault("location.postcode", "wrong_type", "a postcode is text", value, allowed)
            return None, None
        try:
            return "".join(value.split()).upper(), centroid(value)
        except PostcodeError as error:
            self.fault("location.postcode", "unknown_postcode", str(error), value, allowed)
            return None, None

    def moment(self, value: Any, name: str) -> datetime | None:
        if value is None:
            return None
        allowed = "a time with offset, for example 2026-11-21T20:04:00+01:00, not after now"
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            message = "is not a time with an offset from UTC"
            self.fault(name, "wrong_type", message, value, allowed)
            return None
        if found > self.now + CLOCK_SKEW:
            self.fault(name, "in_the_future", "this time lies after now", value, allowed)
            return None
        if found.year < self.now.year - 121:
            self.fault(name, "out_of_range", "this time lies more than a lifetime ago", value, allowed)
            return None
        return found

    def order_of_times(self, values: Mapping[str, Any]) -> None:
        called, assessed = values["called_at"], values["assessed_at"]
        if called and assessed and assessed < called - CLOCK_SKEW:
            message = "the assessment lies before the call"
            self.fault("assessed_at", "contradiction", message, assessed.isoformat(), "at or after called_at")

    def text(self, value: Any, name: str, most: int) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > most or not _writable(value):
            self.fault(
                name, "wrong_type", f"is not text of at most {most} characters", value, f"up to {most} characters"
            )
            return None
        return value

    def choice(self, value: Any, name: str, fact: Fact) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or value not in fact.values:
            code = "wrong_type" if not isinstance(value, str) else "unknown_value"
            self.fault(name, code, f"is not a value of `{name}`", value, ", ".join(fact.values))
            return None
        return value

    def complaint(self, value: Any) -> str | None:
        if value is None:
            return None
        known = self.vocabulary.complaint_names
        if not isinstance(value, str) or value not in known:
            message = "is not a complaint of the vocabulary; leave it out if none fits"
            self.fault(
                "complaint", "unknown_value", message, value, "an id or alias under `complaints` (/v1/vocabulary)"
            )
            return None
        return known[value]

    def observations(self, body: Any) -> dict[str, Observation]:
        if body is None:
            return {}
        if not isinstance(body, dict):
            self.fault("observations", "wrong_type", "`observations` is an object", body, "fact: value")
            return {}
        found: dict[str, Observation] = {}
        said: dict[str, str] = {}
        for name, value in body.items():
            key = self.vocabulary.fact_names.get(name)
            if key is None or (fact := self.vocabulary.facts[key]).given != "observations":
                self.unknown_fact(name, key)
                continue
            if value is None:  # said to be unknown
                continue
            if key in said:
                message = f"`{name}` and `{said[key]}` are the same fact; give it once"
                self.fault(f"observations.{name}", "given_twice", message, value, f"one of them: `{key}`")
                continue
            said[key] = name
            if (observed := self.observation(value, f"observations.{name}", fact)) is not None:
                found[key] = observed
        return found

    def named_by_complaint(self, complaint: Any, observations: dict[str, Observation]) -> None:
        """`hemoptysis` as the complaint is a cough, and says coughing blood too: nothing that was named is lost."""
        if isinstance(complaint, str) and (fact := self.vocabulary.complaint_facts.get(complaint)) is not None:
            observations.setdefault(fact, True)

    def unknown_fact(self, name: Any, key: str | None) -> None:
        if key is not None:
            given = self.vocabulary.facts[key].given
            place = {"patient": f"; give it as `patient.{key}`", "case": f"; give it as `{key}`"}
            place["agreement"] = " but was agreed in the region; name the `region`"
            message = f"`{key}` is not an observation" + place.get(given, " but follows by itself")
            self.fault(f"observations.{shown(name)}", "wrong_place", message)
            return
        # finding names that look alike takes a millisecond; a body full of nonsense gets no suggestions
        near = _near(str(name), self.vocabulary.fact_names) if len(self.faults) < SUGGESTIONS_MOST else ""
        message = f"there is no fact `{shown(name)}`{near}"
        allowed = "an id or alias of a fact (/v1/vocabulary)"
        self.fault(f"observations.{shown(name)}", "unknown_fact", message, allowed=allowed)

    def observation(self, value: Any, name: str, fact: Fact) -> Observation | None:
        if fact.type == "number":
            return self.number(value, name, fact)
        if fact.type == "choice":
            return self.choice(value, name, fact)
        if fact.type == "time":
            found = self.moment(value, name)
            return found.isoformat() if found is not None else None
        if not isinstance(value, bool):
            self.fault(name, "wrong_type", "is answered with true or false", value, "true, false, or null for unknown")
            return None
        return value

    def number(self, value: Any, name: str, fact: Fact) -> int | float | None:
        if value is None:
            return None
        assert fact.range is not None
        low, high = fact.range
        allowed = f"a {'whole ' if fact.whole else ''}number from {low:g} to {high:g} ({fact.unit})"
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(name, "wrong_type", "is a number", value, allowed)
            return None
        if not low <= value <= high:  # not-a-number fails this as well
            self.fault(name, "out_of_range", "lies outside what is possible", value, allowed)
            return None
        if value == int(value):
            return int(value)
        if fact.whole:
            self.fault(name, "out_of_range", "is a whole number", value, allowed)
            return None
        return value

    def on_the_way(self, body: Any, facility_ids: Collection[str] | None) -> OnTheWay | None:
        if body is None:
            return None
        part = self.section(body, "on_the_way", _WAY_KEYS)
        heading, to = part.get("heading"), part.get("heading_to")
        degrees, place = "degrees clockwise from the north, from 0 and below 360", "a facility id (/v1/facilities)"
        if heading is not None and (isinstance(heading, bool) or not isinstance(heading, int | float)):
            self.fault("on_the_way.heading", "wrong_type", "a heading is a number of degrees", heading, degrees)
        elif heading is not None and not 0 <= heading < 360:
            self.fault("on_the_way.heading", "out_of_range", "no such heading", heading, degrees)
        if to is not None and not isinstance(to, str):
            self.fault("on_the_way.heading_to", "wrong_type", "is not a facility id", to, place)
        elif to is not None and facility_ids is not None and to not in facility_ids:
            self.fault("on_the_way.heading_to", "unknown_facility", "there is no such place", to, place)
        return OnTheWay(self.moment(part.get("since"), "on_the_way.since"), heading, to)

    def known_at(self, value: Any, facility_ids: Collection[str] | None) -> tuple[str, ...]:
        if value is None:
            return ()
        allowed = "a list of facility ids (/v1/facilities)"
        of_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not of_texts or len(value) > KNOWN_AT_MOST:
            message = f"is not a list of at most {KNOWN_AT_MOST} facility ids"
            self.fault("known_at", "wrong_type", message, value, allowed)
            return ()
        for index, item in enumerate(value):
            if facility_ids is not None and item not in facility_ids:
                self.fault(f"known_at.{index}", "unknown_facility", "there is no such place", item, allowed)
        return tuple(sorted(set(value)))

    def region(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not _REGION.fullmatch(value):
            self.fault("region", "wrong_type", "is not the id of a region", value, "lower case letters, digits, `-`")
            return None
        return value


def _writable(text: str) -> bool:
    """Whether `text` can stand in a record: no half characters, no zero bytes."""
    try:
        return b"\x00" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _near(name: str, known: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(name[:64], known, n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(f'`{other}`' for other in close)}?" if close else ""


def facts_seen(case: Case) -> Iterator[tuple[str, Observation]]:
    """What the case says as facts: the observations and what is given apart (age in years, sex, complaint ...)."""
    yield from case.observations.items()
    for key in ("sex", "complaint", "channel", "transport"):
        if (value := getattr(case, key)) is not None:
            yield key, value
