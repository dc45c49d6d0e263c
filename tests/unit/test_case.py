"""What a case may say, and everything that is refused: by field, with what would be right, all at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from routing.case import Case, OnTheWay, case_record, facts_seen, parse_case
from routing.errors import BadInput, Fault
from tests.once import read_vocabulary

WORDS = read_vocabulary()
NOW = datetime(2026, 11, 21, 19, 10, tzinfo=UTC)
PLACES = ("umc-utrecht", "antonius")
UTRECHT = {"lat": 52.0907, "lon": 5.1214}

FULL: dict[str, Any] = {
    "reference": "ZCC-2026-000123",
    "channel": "ambulance",
    "called_at": "2026-11-21T20:04:00+01:00",
    "first_contact_at": "2026-11-21T20:08:00+01:00",
    "assessed_at": "2026-11-21T20:10:00+01:00",
    "patient": {"age_years": 67, "sex": "male"},
    "location": UTRECHT,
    "complaint": "chest_pain",
    "observations": {
        "chest_pain": True,
        "heart_rate": 112,
        "temperature": 38.4,
        "ecg_st_elevation": True,
        "avpu": "V",
        "onset_at": "2026-11-21T19:20:00+01:00",
    },
    "transport": "ambulance",
    "known_at": ["umc-utrecht"],
    "region": "midden-nederland",
    "note": "zit in de tuin",
}


def parse(body: Any) -> Case:
    return parse_case(body, WORDS, NOW, PLACES)


def small(**parts: Any) -> dict[str, Any]:
    return {"patient": {"age_years": 67}, "location": UTRECHT, **parts}


def faults(body: Any) -> tuple[Fault, ...]:
    with pytest.raises(BadInput) as caught:
        parse(body)
    return caught.value.faults


def fault(body: Any) -> Fault:
    (found,) = faults(body)
    return found


def observed(**values: Any) -> dict[str, Any]:
    return small(observations=values)


# -- what is right ----------------------------------------------------------------------------------------------------


def test_a_full_case_is_read_as_it_was_said() -> None:
    case = parse(FULL)
    assert (case.lat, case.lon, case.age_years, case.sex) == (52.0907, 5.1214, 67, "male")
    assert case.called_at == datetime(2026, 11, 21, 19, 4, tzinfo=UTC)
    assert case.observations == FULL["observations"]
    assert (case.complaint, case.channel, case.transport) == ("chest_pain", "ambulance", "ambulance")
    assert (case.known_at, case.region, case.note) == (("umc-utrecht",), "midden-nederland", "zit in de tuin")


def test_only_an_age_and_a_place_are_needed() -> None:
    assert parse({"patient": {"age_months": 7}, "location": {"postcode": "3584CX"}}).age_months == 7
    assert parse(small()) == Case(lat=52.0907, lon=5.1214, age_years=67)


def test_null_means_unknown_everywhere() -> None:
    unknown = {key: None for key in FULL if key not in ("patient", "location")}
    patient, location = {"age_years": 67, "age_months": None, "sex": None}, {**UTRECHT, "postcode": None}
    assert parse({**unknown, "patient": patient, "location": location}) == parse(small())
    assert parse(observed(heart_rate=None, hr=None, onset_at=None, avpu=None)).observations == {}
    assert parse(observed(heart_rate=80, hr=None)).observations == {"heart_rate": 80}


def test_an_alias_is_the_fact_itself() -> None:
    case = parse(observed(hr=112, sbp=88, temp_c=38.4, rr=20))
    assert case.observations == {"heart_rate": 112, "systolic_bp": 88, "temperature": 38.4, "respiratory_rate": 20}
    for alias, fact_id in WORDS.fact_names.items():
        fact = WORDS.facts[fact_id]
        if fact.given == "observations" and fact.type == "boolean":
            assert parse(observed(**{alias: True})).observations == {fact_id: True}


def test_every_alias_of_a_complaint_is_the_complaint() -> None:
    for name, key in WORDS.complaint_names.items():
        assert parse(small(complaint=name)).complaint == key


def test_the_name_of_a_complaint_that_is_a_finding_is_that_finding_too() -> None:
    assert parse(small(complaint="hemoptysis")).observations == {"hemoptysis": True}
    assert parse(small(complaint="scrotal_pain")).observations == {"testicular_pain": True}
    assert parse(small(complaint="upper_back_pain")).observations == {"upper_back_pain": True}
    assert parse(small(complaint="headache")).observations == {"headache": True}
    assert parse(small(complaint="fever_child")).observations == {"fever": True}
    for name in ("allergic_reaction", "bite", "confusion", "hypothermia"):
        assert parse(small(complaint=name)).observations == {}


def test_what_the_observations_say_goes_before_the_name_of_the_complaint() -> None:
    body = {**observed(hemoptysis=False), "complaint": "hemoptysis"}
    assert parse(body).observations == {"hemoptysis": False}
    assert parse({**observed(hemoptysis=None), "complaint": "hemoptysis"}).observations == {"hemoptysis": True}


def test_a_recorded_case_is_taken_as_it_stands() -> None:
    old = parse_case({**small(), "complaint": "headache"}, WORDS, NOW, recorded=True)
    assert old.observations == {}
    new = parse(small(complaint="headache"))
    assert parse_case(case_record(new), WORDS, NOW, recorded=True) == new


def test_a_number_that_is_whole_is_kept_as_one() -> None:
    found = parse(observed(heart_rate=112.0, temperature=38.0)).observations
    assert found == {"heart_rate": 112, "temperature": 38}
    assert all(type(value) is int for value in found.values())
    assert repr(parse(observed(temperature=37)).observations["temperature"]) == "37"


@pytest.mark.parametrize("value", [20, 46])
def test_the_ends_of_a_range_are_inside(value: int) -> None:
    assert parse(observed(temperature=value)).observations == {"temperature": value}


@pytest.mark.parametrize(
    "said",
    ["2026-11-21T19:20:00+01:00", "2026-11-21T18:20:00Z", "2026-11-21T18:20:00.000+00:00", "2026-11-21T13:20:00-05:00"],
)
def test_a_time_is_the_same_moment_in_any_offset(said: str) -> None:
    moment = datetime.fromisoformat(str(parse(observed(onset_at=said)).observations["onset_at"]))
    assert moment == datetime(2026, 11, 21, 18, 20, tzinfo=UTC)


@pytest.mark.parametrize("written", ["3584CX", "3584 cx", " 3584cx ", "\t3584cx\n"])
def test_a_postcode_is_kept_in_one_way_of_writing(written: str) -> None:
    case = parse({"patient": {"age_years": 67}, "location": {"postcode": written}})
    assert case.postcode == "3584CX"
    assert 52.0 < case.lat < 52.2
    assert 5.0 < case.lon < 5.3


def test_coordinates_count_when_a_postcode_is_given_with_them() -> None:
    case = parse({"patient": {"age_years": 67}, "location": {**UTRECHT, "postcode": "3511"}})
    assert (case.lat, case.lon, case.postcode) == (52.0907, 5.1214, "3511")


def test_places_that_are_named_twice_are_known_once_in_any_order() -> None:
    assert parse(small(known_at=["umc-utrecht", "antonius", "umc-utrecht"])).known_at == ("antonius", "umc-utrecht")
    assert parse(small(known_at=[])).known_at == ()


def test_places_are_not_checked_where_no_directory_is_at_hand() -> None:
    assert parse_case(small(known_at=["anywhere"]), WORDS, NOW).known_at == ("anywhere",)


def test_a_clock_that_runs_a_minute_ahead_is_forgiven() -> None:
    ahead = (NOW + timedelta(seconds=90)).isoformat()
    assert parse(small(assessed_at=ahead)).assessed_at == NOW + timedelta(seconds=90)


def test_the_facts_of_a_case_are_its_observations_and_what_is_given_apart() -> None:
    assert dict(facts_seen(parse(FULL))) == {
        **FULL["observations"],
        "sex": "male",
        "complaint": "chest_pain",
        "channel": "ambulance",
        "transport": "ambulance",
    }


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, [], "case", 5, True])
def test_a_case_is_an_object(body: Any) -> None:
    found = fault(body)
    assert (found.field, found.code) == ("", "wrong_type")


def test_an_empty_case_lacks_age_and_place() -> None:
    assert [(found.field, found.code) for found in faults({})] == [
        ("patient.age_years", "missing"),
        ("location", "missing"),
    ]


SHEET: list[tuple[dict[str, Any], str, str, str]] = [
    # body, field, code, part of message or of what is allowed
    # keys that are not there
    (small(bsn="123456782"), "bsn", "unknown_field", "there is no field `bsn` here"),
    (small(patient={"age_years": 67, "name": "J."}), "patient.name", "unknown_field", "age_years, age_months, sex"),
    (small(location={**UTRECHT, "city": "Utrecht"}), "location.city", "unknown_field", "lat, lon, postcode"),
    (small(Observations={}), "Observations", "unknown_field", "observations"),
    # kinds
    (small(observations=[]), "observations", "wrong_type", "fact: value"),
    (small(reference=5), "reference", "wrong_type", "up to 200 characters"),
    (small(reference="x" * 201), "reference", "wrong_type", "up to 200 characters"),
    (small(reference="a\x00b"), "reference", "wrong_type", "up to 200 characters"),
    (small(reference="\ud800"), "reference", "wrong_type", "up to 200 characters"),
    (small(note="x" * 10_001), "note", "wrong_type", "up to 10000 characters"),
    (small(note=["x"]), "note", "wrong_type", "up to 10000 characters"),
    (small(region="Midden Nederland"), "region", "wrong_type", "lower case letters"),
    (small(region=5), "region", "wrong_type", "lower case letters"),
    (small(region=""), "region", "wrong_type", "lower case letters"),
    # age
    (small(patient={}), "patient.age_years", "missing", "age_months"),
    (small(patient={"age_years": None}), "patient.age_years", "missing", "age_months"),
    (small(patient={"sex": "male"}), "patient.age_years", "missing", "age_months"),
    (small(patient={"age_years": "67"}), "patient.age_years", "wrong_type", "a number from 0 to 120 (year)"),
    (small(patient={"age_years": True}), "patient.age_years", "wrong_type", "a number from 0 to 120 (year)"),
    (small(patient={"age_years": -1}), "patient.age_years", "out_of_range", "a number from 0 to 120 (year)"),
    (small(patient={"age_years": 121}), "patient.age_years", "out_of_range", "a number from 0 to 120 (year)"),
    (small(patient={"age_years": float("nan")}), "patient.age_years", "out_of_range", "from 0 to 120"),
    (small(patient={"age_years": 2, "age_months": 36}), "patient.age_months", "contradiction", "24 and the 11 after"),
    (small(patient={"age_years": 2, "age_months": 23}), "patient.age_months", "contradiction", "24 and the 11 after"),
    (small(patient={"age_years": 67, "sex": "m"}), "patient.sex", "unknown_value", "male, female, other"),
    (small(patient={"age_years": 67, "sex": 1}), "patient.sex", "wrong_type", "male, female, other"),
    # place
    (small(location=None), "location", "missing", "`lat` and `lon`, or `postcode`"),
    (small(location={}), "location", "missing", "`lat` and `lon`, or `postcode`"),
    (small(location="3584CX"), "location", "wrong_type", "an object"),
    (small(location={"lat": 52.1}), "location.lon", "missing", "belong together"),
    (small(location={"lon": 5.1}), "location.lat", "missing", "belong together"),
    (small(location={"lon": 5.1, "postcode": "3584"}), "location.lat", "missing", "belong together"),
    (small(location={"lat": "52.1", "lon": 5.1}), "location.lat", "wrong_type", "-90 to 90"),
    (small(location={"lat": True, "lon": 5.1}), "location.lat", "wrong_type", "-90 to 90"),
    (small(location={"lat": 91, "lon": 5.1}), "location.lat", "out_of_range", "-90 to 90"),
    (small(location={"lat": float("nan"), "lon": 5.1}), "location.lat", "out_of_range", "-90 to 90"),
    (small(location={"lat": 52.1, "lon": float("inf")}), "location.lon", "out_of_range", "-180 to 180"),
    (small(location={"lat": 52.1, "lon": 10**400}), "location.lon", "out_of_range", "-180 to 180"),
    (small(location={"lat": 5.1214, "lon": 52.0907}), "location", "outside_area", "are `lat` and `lon` swapped?"),
    (small(location={"lat": 0, "lon": 0}), "location", "outside_area", "lat about 50.7-53.6"),
    (small(location={"lat": 48.85, "lon": 2.35}), "location", "outside_area", "not in the Netherlands"),
    (small(location={"postcode": "358"}), "location.postcode", "unknown_postcode", "3584 or 3584CX"),
    (small(location={"postcode": "0000AA"}), "location.postcode", "unknown_postcode", "3584 or 3584CX"),
    (small(location={"postcode": "1000"}), "location.postcode", "unknown_postcode", "there is no area"),
    (small(location={"postcode": 3584}), "location.postcode", "wrong_type", "3584 or 3584CX"),
    (small(location={**UTRECHT, "postcode": "9712"}), "location.postcode", "contradiction", "which one is right?"),
    # choices
    (small(channel="phone"), "channel", "unknown_value", "meldkamer, ambulance, huisartsenpost"),
    (small(channel=True), "channel", "wrong_type", "meldkamer"),
    (small(transport="helicopter"), "transport", "unknown_value", "ambulance, own, taxi, walk"),
    (small(complaint="chestpain!"), "complaint", "unknown_value", "under `complaints`"),
    (small(complaint=5), "complaint", "unknown_value", "under `complaints`"),
    (observed(avpu="v"), "observations.avpu", "unknown_value", "A, C, V, P, U"),
    (observed(avpu=["V"]), "observations.avpu", "wrong_type", "A, C, V, P, U"),
    # facts
    (observed(heart_rat=80), "observations.heart_rat", "unknown_fact", "did you mean `heart_rate`"),
    (observed(**{"": 1}), "observations.", "unknown_fact", "an id or alias of a fact"),
    (observed(qqqqqqqqqq=1), "observations.qqqqqqqqqq", "unknown_fact", "there is no fact `qqqqqqqqqq`"),
    (observed(heart_rate=80, hr=80), "observations.hr", "given_twice", "are the same fact; give it once"),
    (observed(hr=80, heart_rate=90), "observations.heart_rate", "given_twice", "one of them: `heart_rate`"),
    (observed(age_years=67), "observations.age_years", "wrong_place", "give it as `patient.age_years`"),
    (observed(age=67), "observations.age", "wrong_place", "give it as `patient.age_years`"),
    (observed(sex="male"), "observations.sex", "wrong_place", "give it as `patient.sex`"),
    (observed(complaint="chest_pain"), "observations.complaint", "wrong_place", "give it as `complaint`"),
    (observed(night=True), "observations.night", "wrong_place", "follows by itself"),
    # yes or no
    (observed(pregnant=1), "observations.pregnant", "wrong_type", "true, false, or null for unknown"),
    (observed(pregnant=0), "observations.pregnant", "wrong_type", "true, false, or null for unknown"),
    (observed(pregnant="yes"), "observations.pregnant", "wrong_type", "true, false, or null for unknown"),
    (observed(pregnant=[]), "observations.pregnant", "wrong_type", "true, false, or null for unknown"),
    # numbers
    (observed(heart_rate=True), "observations.heart_rate", "wrong_type", "number from 0 to"),
    (observed(heart_rate="80"), "observations.heart_rate", "wrong_type", "number from 0 to"),
    (observed(heart_rate={"value": 80}), "observations.heart_rate", "wrong_type", "number from 0 to"),
    (observed(heart_rate=-1), "observations.heart_rate", "out_of_range", "number from 0 to"),
    (observed(heart_rate=1000), "observations.heart_rate", "out_of_range", "number from 0 to"),
    (observed(heart_rate=10**400), "observations.heart_rate", "out_of_range", "number from 0 to"),
    (observed(temperature=98.6), "observations.temperature", "out_of_range", "from 20 to 46"),
    (observed(temperature=float("nan")), "observations.temperature", "out_of_range", "from 20 to 46"),
    (observed(temperature=float("inf")), "observations.temperature", "out_of_range", "from 20 to 46"),
    (observed(temperature=float("-inf")), "observations.temperature", "out_of_range", "from 20 to 46"),
    (observed(gcs=14.5), "observations.gcs", "out_of_range", "a whole number from 3 to 15"),
    (observed(gcs=2), "observations.gcs", "out_of_range", "a whole number from 3 to 15"),
    # times
    (small(called_at="2026-11-21T20:04:00"), "called_at", "wrong_type", "a time with offset"),
    (small(called_at="2026-11-21"), "called_at", "wrong_type", "a time with offset"),
    (small(called_at="2026-11-21 20:04:00+01:00"), "called_at", "wrong_type", "a time with offset"),
    (small(called_at="2026-02-30T20:04:00+01:00"), "called_at", "wrong_type", "a time with offset"),
    (small(called_at="T"), "called_at", "wrong_type", "a time with offset"),
    (small(called_at=""), "called_at", "wrong_type", "a time with offset"),
    (small(called_at=1763751840), "called_at", "wrong_type", "a time with offset"),
    (small(called_at="2026-11-21T20:14:00+01:00"), "called_at", "in_the_future", "not after now"),
    (small(first_contact_at="2027-01-01T00:00:00Z"), "first_contact_at", "in_the_future", "not after now"),
    (small(called_at="9999-12-31T23:59:59-14:00"), "called_at", "in_the_future", "not after now"),
    (small(called_at="0001-01-01T00:00:00+14:00"), "called_at", "out_of_range", "a time with offset"),
    (observed(onset_at="2026-11-21T21:00:00+01:00"), "observations.onset_at", "in_the_future", "not after now"),
    (observed(onset_at="1900-01-01T00:00:00Z"), "observations.onset_at", "out_of_range", "a time with offset"),
    (observed(onset_at="19:20"), "observations.onset_at", "wrong_type", "a time with offset"),
    (observed(onset_at=True), "observations.onset_at", "wrong_type", "a time with offset"),
    (
        small(called_at="2026-11-21T20:04:00+01:00", assessed_at="2026-11-21T20:00:00+01:00"),
        "assessed_at",
        "contradiction",
        "before the call",
    ),
    # places where the patient is known
    (small(known_at="umc-utrecht"), "known_at", "wrong_type", "a list of facility ids"),
    (small(known_at=[1]), "known_at", "wrong_type", "a list of facility ids"),
    (small(known_at=["antonius"] * 21), "known_at", "wrong_type", "a list of facility ids"),
    (small(known_at=["antonius", "umcu"]), "known_at.1", "unknown_facility", "/v1/facilities"),
]


@pytest.mark.parametrize(("body", "field", "code", "said"), SHEET)
def test_what_is_wrong_is_refused_with_field_code_and_what_would_be_right(
    body: dict[str, Any], field: str, code: str, said: str
) -> None:
    found = fault(body)
    assert (found.field, found.code) == (field, code)
    assert said in f"{found.message} {found.allowed}"
    assert isinstance(found.message, str)
    assert found.message


def test_a_patient_is_an_object() -> None:
    found = faults(small(patient=67))[0]
    assert (found.field, found.code, found.allowed) == ("patient", "wrong_type", "an object")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = faults(
        {
            "patient": {"age_years": 130, "sex": "x"},
            "location": {"lat": 5.1, "lon": 52.1, "zip": 1},
            "called_at": "now",
            "channel": "phone",
            "complaint": "???",
            "observations": {"heart_rate": "fast", "pregnant": 1, "gcs": 2, "nonsense_fact": 1, "hr": 80},
            "known_at": ["nowhere", "umc-utrecht", "elsewhere"],
            "region": "?",
            "extra": 1,
        }
    )
    assert sorted((entry.field, entry.code) for entry in found) == sorted(
        [
            ("patient.age_years", "out_of_range"),
            ("patient.sex", "unknown_value"),
            ("location", "outside_area"),
            ("location.zip", "unknown_field"),
            ("called_at", "wrong_type"),
            ("channel", "unknown_value"),
            ("complaint", "unknown_value"),
            ("observations.heart_rate", "wrong_type"),
            ("observations.hr", "given_twice"),
            ("observations.pregnant", "wrong_type"),
            ("observations.gcs", "out_of_range"),
            ("observations.nonsense_fact", "unknown_fact"),
            ("known_at.0", "unknown_facility"),
            ("known_at.2", "unknown_facility"),
            ("region", "wrong_type"),
            ("extra", "unknown_field"),
        ]
    )


def test_a_fault_shows_what_was_said_cut_short_and_never_whole_objects() -> None:
    assert fault(observed(avpu="x" * 500)).value == "x" * 79 + "…"
    assert fault(observed(heart_rate={"secret": "name"})).value == "object"
    assert fault(small(known_at=[{"secret": "name"}])).value == "list"
    long_name = fault(observed(**{"y" * 500: 1}))
    assert len(long_name.field) < 100
    assert len(long_name.message) < 200


def test_a_body_full_of_unknown_facts_is_refused_without_delay() -> None:
    body = observed(**{f"fact_{number:05}": 1 for number in range(5_000)})
    start = time.thread_time()
    assert len(faults(body)) > 0
    assert time.thread_time() - start < 2


def test_reading_a_case_leaves_the_body_as_it_was() -> None:
    before = repr(FULL)
    parse(FULL)
    assert repr(FULL) == before


# -- the record -------------------------------------------------------------------------------------------------------


def test_a_case_is_recorded_so_that_it_reads_back_the_same_without_its_note() -> None:
    case = parse(FULL)
    record = case_record(case)
    assert "note" not in record
    assert "tuin" not in repr(record)
    assert parse(record) == case
    assert parse(record).note is None
    assert case_record(parse(record)) == record


def test_a_record_holds_canonical_names_the_resolved_place_and_nothing_unknown() -> None:
    case = parse({"patient": {"age_years": 67.0}, "location": {"postcode": "3584 cx"}, "observations": {"hr": 80.0}})
    record = case_record(case)
    assert record == {
        "patient": {"age_years": 67},
        "location": {"lat": case.lat, "lon": case.lon, "postcode": "3584CX"},
        "observations": {"heart_rate": 80},
    }
    assert case.lat != 0
    assert parse(record) == case


def test_the_note_does_not_make_two_cases_different() -> None:
    assert parse({**FULL, "note": "iets anders"}) == parse(FULL)


def test_a_case_can_be_recorded_at_any_later_moment() -> None:
    case = parse(FULL)
    later = NOW.astimezone(timezone(timedelta(hours=-5))) + timedelta(days=365)
    assert parse_case(case_record(case), WORDS, later, PLACES) == case


# -- on the way -------------------------------------------------------------------------------------------------------


def test_who_is_on_the_way_is_read_as_it_was_said() -> None:
    said = {"since": "2026-11-21T20:02:00+01:00", "heading": 271.5, "heading_to": "antonius"}
    found = parse(small(on_the_way=said))
    assert found.on_the_way == OnTheWay(datetime(2026, 11, 21, 19, 2, tzinfo=UTC), 271.5, "antonius")
    assert parse_case(case_record(found), WORDS, NOW, recorded=True) == found


def test_on_the_way_and_no_more_known_is_something_else_than_nothing_said() -> None:
    found = parse(small(on_the_way={}))
    assert found.on_the_way == OnTheWay()
    assert case_record(found)["on_the_way"] == {}
    assert parse_case(case_record(found), WORDS, NOW, recorded=True) == found
    assert parse(small(on_the_way=None)).on_the_way is None
    assert "on_the_way" not in case_record(parse(small()))


@pytest.mark.parametrize(
    ("way", "field", "code", "allowed"),
    [
        ("yes", "on_the_way", "wrong_type", "an object"),
        (True, "on_the_way", "wrong_type", "an object"),
        ({"direction": 9}, "on_the_way.direction", "unknown_field", "since, heading, heading_to"),
        ({"heading": 360}, "on_the_way.heading", "out_of_range", "from 0 and below 360"),
        ({"heading": -1}, "on_the_way.heading", "out_of_range", "from 0 and below 360"),
        ({"heading": float("nan")}, "on_the_way.heading", "out_of_range", "from 0 and below 360"),
        ({"heading": True}, "on_the_way.heading", "wrong_type", "degrees"),
        ({"heading": "north"}, "on_the_way.heading", "wrong_type", "degrees"),
        ({"heading_to": "nowhere"}, "on_the_way.heading_to", "unknown_facility", "/v1/facilities"),
        ({"heading_to": ["antonius"]}, "on_the_way.heading_to", "wrong_type", "/v1/facilities"),
        ({"since": "14:00"}, "on_the_way.since", "wrong_type", "a time with offset"),
        ({"since": "2026-11-21T21:00:00+01:00"}, "on_the_way.since", "in_the_future", "a time with offset"),
    ],
)
def test_what_cannot_be_meant_by_on_the_way_is_refused(way: Any, field: str, code: str, allowed: str) -> None:
    found = fault(small(on_the_way=way))
    assert (found.field, found.code) == (field, code)
    assert allowed in (found.allowed or "")
