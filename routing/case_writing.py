"""Makes a worked case of a logged decision, without anything in it that says who the patient was.

Each step takes something away and is only kept if these rules answer the same: the same rules fire, with the same
urgency, conditions, needs and ambulance. What could not be taken away is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from routing.case import parse_case
from routing.errors import BadData, BadInput, Finding, bad_input
from routing.facilities.opening import TIME_ZONE, night, office_hours
from routing.facilities.profile import Facility
from routing.facilities.regions import ambulance_region, region_id
from routing.geography import Point
from routing.log.record import result_of
from routing.packaged import Desk
from routing.travel.postcode import nearest_area
from routing.triage import Triage, triage
from routing.vocabulary import Text, parse_as
from routing.worked_cases import Expectation, Mismatch, WorkedCase, run
from routing.yamlfile import YamlFile, parse

MOMENTS = tuple(
    map(
        datetime.fromisoformat,
        (
            "2026-11-18T14:00:00+01:00",
            "2026-11-18T20:30:00+01:00",
            "2026-11-22T11:00:00+01:00",
            "2026-11-21T03:10:00+01:00",
        ),
    )
)
"""The moments at which all such cases are decided: office hours, an evening, a weekend and a night."""

_DECADE, _FIVE_YEARS = 10, 5
_ADULT, _OLDEST = 20, 90
_CHILD_BANDS = ((2, 5, 3), (6, 11, 8), (12, 17, 14), (12, 15, 13), (16, 17, 17), (18, 19, 18))
"""From, up to and including, and the age that stands for it; the wider before the narrower."""

_QUARTER_OF_A_YEAR = 3
_MONTHS = 12
_TIMES = ("called_at", "first_contact_at", "assessed_at")
_ROUNDED_TO = (60, 15, 5, 1)
"""Minutes to which a time ago is rounded, the coarsest first; to an hour only what is some hours ago."""

_HOURS_FROM = 180
_SATURDAY = 5
_PLAIN = re.compile(r"(?!(true|false|null)$)[A-Za-z][A-Za-z0-9_]*")
_ORDER = ("patient", "location", "channel", "region", *_TIMES, "complaint", "transport", "observations")


@dataclass(frozen=True, slots=True)
class Draft:
    """A worked case in the making: what is given and when, as a case file has it, and what was done to get there."""

    given: Mapping[str, Any]
    at: datetime
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A worked case as text, with what was changed and what these rules make of it: nothing in `mismatches` if it
    passes. `wanted` says that it holds what a clinician decided, and not what was answered."""

    text: str
    changes: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    wanted: bool


def worked_case_of(record: Mapping[str, Any], desk: Desk, name: Text | None = None) -> Written:
    """The decision in the plain `record` as a worked case: it expects what was answered. Raises BadInput if the case
    cannot be read with the words of today."""
    draft = _without_patient(record, desk)
    expect, said = _answered(record, draft, desk)
    return _written(replace(draft, changes=(*draft.changes, *said)), expect, name or _name(record, desk), desk)


def wanted_case_of(
    record: Mapping[str, Any], outcome: Mapping[str, Any] | None, desk: Desk, name: Text | None = None
) -> Written:
    """The same case, but it expects what was decided instead, by the plain `outcome`. Raises BadInput if nobody decided
    otherwise, or in a way that a worked case cannot say."""
    if outcome is None or outcome["outcome"] != "overridden":
        raise bad_input("--expect-outcome", "not_overridden", "nobody decided otherwise")
    expect = _decided(record, outcome, desk)
    if not expect:
        message = "what was decided differs in nothing that a worked case can expect: urgency, or kind or capability"
        raise bad_input("--expect-outcome", "nothing_to_expect", message)
    draft = _without_patient(record, desk)
    return _written(draft, expect, name or _name(record, desk), desk, outcome["reason"])


# -- without the patient ----------------------------------------------------------------------------------------------


class _Same:
    """Whether a draft still is the same case to these rules."""

    def __init__(self, record: Mapping[str, Any], desk: Desk) -> None:
        self.desk = desk
        at = datetime.fromisoformat(record["decided_at"])
        self.wanted = self._told(triage_of(record["case"], at, desk))

    def __call__(self, draft: Draft) -> bool:
        try:
            return self._told(triage_of(draft.given, draft.at, self.desk)) == self.wanted
        except BadInput:
            return False

    @staticmethod
    def _told(found: Triage) -> tuple[object, ...]:
        conditions = {each.code: each.status for each in found.conditions}
        needs = {need.capability: (need.strength, need.bypass_minutes) for need in found.needs}
        fired = frozenset(rule.id for rule in found.evaluation.fired)
        return found.urgency.rank, conditions, needs, found.dispatch.ambulance, found.dispatch.mmt, fired


def triage_of(given: Mapping[str, Any], at: datetime, desk: Desk) -> Triage:
    """The triage of a case at this desk. Raises BadInput."""
    case = parse_case(dict(given), desk.words, at)
    return triage(case, desk.evaluators, at, desk.directory.holidays)


def _without_patient(record: Mapping[str, Any], desk: Desk) -> Draft:
    same = _Same(record, desk)
    draft = Draft(record["case"], datetime.fromisoformat(record["decided_at"]))
    draft = _without_names(draft, desk)
    draft = _moved(draft, desk)
    draft = _at_another_moment(draft, same)
    draft = _rounded(draft, same)
    draft = _of_an_age(draft, same)
    return _without_sex(draft, same)


def _without_names(draft: Draft, desk: Desk) -> Draft:
    """Without reference, note, the places where the patient is known, and a region that these rules do not ask for."""
    region = desk.evaluators.ruleset.region
    gone = [
        key
        for key in ("reference", "note", "known_at", "region")
        if key in draft.given and not (key == "region" and region is not None and draft.given[key] == region.name)
    ]
    given = {key: value for key, value in draft.given.items() if key not in gone}
    return Draft(given, draft.at, (*draft.changes, *(f"{key}: left out" for key in gone)))


def _moved(draft: Draft, desk: Desk) -> Draft:
    """In the town with the most places of care of the same ambulance region."""
    location = draft.given["location"]
    region = ambulance_region(desk.directory, location["lat"], location["lon"])
    middle = _town([place for place in desk.directory.facilities if region_id(place.regions.get("rav", "")) == region])
    given = {**draft.given, "location": {"postcode": nearest_area(*middle)}}
    return Draft(given, draft.at, (*draft.changes, f"location: a fixed town in the region {region}"))


def _town(places: list[Facility]) -> Point:
    cities: dict[str, list[Facility]] = {}
    for place in places:
        cities.setdefault(place.city, []).append(place)
    _, found = min(cities.items(), key=lambda city: (-len(city[1]), city[0]))
    return sum(each.lat for each in found) / len(found), sum(each.lon for each in found) / len(found)


def _at_another_moment(draft: Draft, same: _Same) -> Draft:
    """At one of the fixed moments, with every time as long before it as it was."""
    holidays = same.desk.directory.holidays
    then = draft.at.astimezone(TIME_ZONE)
    alike = sorted(
        MOMENTS,
        key=lambda moment: (
            (office_hours(moment, holidays), night(moment)) != (office_hours(draft.at, holidays), night(draft.at)),
            (moment.weekday() >= _SATURDAY) != (then.weekday() >= _SATURDAY),
        ),
    )
    for moment in alike:
        moved = Draft(_shifted(draft.given, moment - draft.at, same.desk), moment, draft.changes)
        if same(moved):
            return replace(moved, changes=(*draft.changes, "times: moved to a fixed moment, as long before it"))
    raise bad_input("decision", "cannot_be_moved", "at any other moment these rules would answer otherwise")


def _shifted(given: Mapping[str, Any], by: timedelta, desk: Desk) -> dict[str, Any]:
    found = dict(given)
    for path in _times(given, desk):
        found = _with_time(found, path, _time(given, path) + by)
    return found


def _times(given: Mapping[str, Any], desk: Desk) -> Iterator[str]:
    """The members that are a time."""
    yield from (key for key in _TIMES if key in given)
    facts = desk.words.facts
    for key in given.get("observations", {}):
        if key in facts and facts[key].type == "time":
            yield f"observations.{key}"


def _time(given: Mapping[str, Any], path: str) -> datetime:
    part, _, name = path.rpartition(".")
    return datetime.fromisoformat(given[part][name] if part else given[name])


def _with_time(given: Mapping[str, Any], path: str, moment: datetime) -> dict[str, Any]:
    part, _, name = path.rpartition(".")
    text = moment.astimezone(TIME_ZONE).isoformat()
    return {**given, part: {**given[part], name: text}} if part else {**given, name: text}


def _rounded(draft: Draft, same: _Same) -> Draft:
    for path in _times(draft.given, same.desk):
        minutes = (draft.at - _time(draft.given, path)).total_seconds() / 60
        for unit in _ROUNDED_TO:
            if unit == _ROUNDED_TO[0] and minutes < _HOURS_FROM:
                continue
            moment = draft.at - timedelta(minutes=round(minutes / unit) * unit)
            tried = Draft(_with_time(draft.given, path, moment), draft.at)
            if same(tried):
                said = f"{path}: rounded to {unit} minutes"
                draft = replace(tried, changes=(*draft.changes, said))
                break
        else:
            draft = replace(draft, changes=(*draft.changes, f"{path}: KEPT to the second, the answer hangs on it"))
    return draft


def _of_an_age(draft: Draft, same: _Same) -> Draft:
    patient = draft.given["patient"]
    rest = {key: value for key, value in patient.items() if not key.startswith("age_")}
    for key, age, band in _ages(patient):
        tried = Draft({**draft.given, "patient": {key: age, **rest}}, draft.at)
        if same(tried):
            return replace(tried, changes=(*draft.changes, f"{key}: {age} stands for {band}"))
    return replace(draft, changes=(*draft.changes, "age: KEPT as it was, the answer hangs on it"))


def _ages(patient: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Ages that can stand for that of the patient, the widest band first: member, age, band."""
    months: float = patient.get("age_months") or 0
    years: float = patient.get("age_years", months / _MONTHS)
    if years < _CHILD_BANDS[0][0]:
        first = int(months or years * _MONTHS) // _QUARTER_OF_A_YEAR * _QUARTER_OF_A_YEAR
        yield "age_months", first + 1, f"{first} to {first + _QUARTER_OF_A_YEAR - 1} months"
        return
    if years >= _OLDEST:
        yield "age_years", _OLDEST + 2, f"{_OLDEST} and older"
    elif years >= _ADULT:
        for wide in (_DECADE, _FIVE_YEARS):
            first = int(years) // wide * wide
            yield "age_years", first + wide // 2, f"{first} to {first + wide - 1}"
    for first, last, age in _CHILD_BANDS:
        if first <= years < last + 1:
            yield "age_years", age, f"{first} to {last}"


def _without_sex(draft: Draft, same: _Same) -> Draft:
    patient = draft.given["patient"]
    if "sex" not in patient:
        return draft
    rest = {key: value for key, value in patient.items() if key != "sex"}
    tried = Draft({**draft.given, "patient": rest}, draft.at, (*draft.changes, "sex: left out, it changes nothing"))
    return tried if same(tried) else replace(draft, changes=(*draft.changes, "sex: kept, the answer hangs on it"))


# -- what is expected -------------------------------------------------------------------------------------------------


def _answered(record: Mapping[str, Any], draft: Draft, desk: Desk) -> tuple[dict[str, Any], list[str]]:
    """What was answered, as a case file expects it, and what of it is left out."""
    result = result_of(record)
    dispatch = {key: value for key, value in result["dispatch"].items() if key != "reasons" and value}
    expect = {
        "urgency": result["urgency"]["level"],
        "conditions": {each["code"]: each["status"] for each in result["conditions"]},
        "needs": {need["capability"]: need["strength"] for need in result["needs"]},
        "dispatch": dispatch,
    }
    expect = {key: value for key, value in expect.items() if value}
    place = _kind_of_place(result, desk)
    if not _mismatches(draft, {"recommended": place}, desk):
        return {**expect, "recommended": place}, []
    return expect, ["place: nothing is expected of it; in the fixed town, without live status, it is another kind"]


def _kind_of_place(result: Mapping[str, Any], desk: Desk) -> dict[str, str]:
    """The place that was advised, by the rarest thing that it had to be able to do, else by its kind."""
    facility = result["recommendation"]["facility"]
    known = desk.directory.by_id.get(facility["id"] or "")
    able = [
        need["capability"]
        for need in result["needs"]
        if need["strength"] == "required" and known is not None and known.capabilities.get(need["capability"])
    ]
    return {"capability": min(able, key=lambda name: _how_many(name, desk))} if able else {"kind": facility["kind"]}


def _how_many(capability: str, desk: Desk) -> tuple[int, str]:
    return sum(bool(place.capabilities.get(capability)) for place in desk.directory.facilities), capability


def _decided(record: Mapping[str, Any], outcome: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    """What was decided instead, as far as a case file can expect it."""
    result, places = result_of(record), desk.directory.by_id
    expect: dict[str, Any] = {}
    if outcome["urgency"] not in (None, result["urgency"]["level"]):
        expect["urgency"] = outcome["urgency"]
    advised = result["recommendation"]["facility"]
    chosen = places.get(outcome["destination"] or "")
    if chosen is not None and chosen.id != advised["id"]:
        other = places.get(advised["id"] or "")
        more = [
            name
            for name, has in chosen.capabilities.items()
            if has and other is not None and other.capabilities.get(name) is not True
        ]
        if chosen.kind != advised["kind"]:
            expect["recommended"] = {"kind": chosen.kind}
        elif more:
            expect["recommended"] = {"capability": min(more, key=lambda name: _how_many(name, desk))}
    return expect


def _name(record: Mapping[str, Any], desk: Desk) -> Text:
    result = result_of(record)
    level, labels = result["urgency"]["level"], desk.words.conditions
    found = [labels[each["code"]].label for each in result["conditions"][:2] if each["code"] in labels]
    nl = ", ".join(label.nl for label in found) or "geen aandoening"
    en = ", ".join(label.en for label in found) or "no condition"
    return Text(nl=f"Uit het logboek: {level}, {nl}", en=f"From the log: {level}, {en}")


# -- as text ----------------------------------------------------------------------------------------------------------


def _written(
    draft: Draft, expect: Mapping[str, Any], name: Text, desk: Desk, overridden_for: str | None = None
) -> Written:
    mismatches = _mismatches(draft, expect, desk)
    wanted = overridden_for is not None
    kept = [change for change in draft.changes if "KEPT" in change]
    remarks = ["Made of a decision in the log, without anything that says who it was.", *kept]
    if wanted and mismatches:
        remarks.append(f"FAILS NOW: it expects what was decided instead ({overridden_for}), not what the rules say.")
    lines = [
        *(f"  # {remark}" for remark in remarks),
        "  - name:",
        f"      nl: {_scalar(name.nl)}",
        f"      en: {_scalar(name.en)}",
        f"    at: {draft.at.isoformat()}",
        "    given:",
        *(f"      {key}: {_value(draft.given[key])}" for key in _ORDER if key in draft.given),
        "    expect:",
        *(f"      {key}: {_value(value)}" for key, value in expect.items()),
    ]
    text = "\n".join(lines) + "\n"
    read = parse(f"cases:\n{text}", "the worked case").value["cases"][0]
    assert read["given"] == draft.given, "what is written reads back as it was"
    return Written(text, draft.changes, mismatches, wanted)


def _mismatches(draft: Draft, expect: Mapping[str, Any], desk: Desk) -> tuple[Mismatch, ...]:
    wanted = parse_as(Expectation, YamlFile("the worked case", dict(expect), {}))
    case = WorkedCase(Text(nl="-", en="-"), draft.at, draft.given, wanted, "the worked case", None)
    return run(case, desk).mismatches


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(each)}" for key, each in value.items()) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{Decimal(repr(value)):f}"
    return value if _PLAIN.fullmatch(value) else orjson.dumps(value).decode()


def added_to(file_text: str | None, case: str) -> str:
    """The text of a case file with `case` at its end; None: of a new file. Raises BadData if that is no case file."""
    text = f"cases:\n{case}" if file_text is None or not file_text.strip() else f"{file_text.rstrip()}\n\n{case}"
    before = _count(file_text) if file_text is not None else 0
    if _count(text) != before + 1:
        message = "`cases` must be the only and last part of it, with `  - name:` for each, as the case is written"
        raise BadData((Finding("the case file", None, message),))
    return text


def _count(text: str) -> int:
    value = parse(text, "the case file").value
    cases = value.get("cases") if isinstance(value, dict) else None
    return len(cases) if isinstance(cases, list) else 0
