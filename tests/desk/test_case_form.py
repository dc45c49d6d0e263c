"""From a form to a case: nothing is guessed, nothing is dropped, and what is wrong is said at its field."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.desk import complaint_words
from api.desk.case_form import FACT, Read, allowed, complaint_named, form_of, read_form, written_now, wrong_in_form
from api.desk.fact_search import NAMED_MOST, fact_named, facts_meant
from routing.case import case_record, parse_case
from routing.errors import BadInput
from routing.vocabulary import read_vocabulary

NOW = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)  # half past two in the Netherlands
WORDS = read_vocabulary()
OBSERVED = {key: fact for key, fact in WORDS.facts.items() if fact.given == "observations"}


def read(**fields: str) -> Read:
    form = {name.replace("__", "."): (value,) for name, value in {"age": "67", "place": "3511", **fields}.items()}
    return read_form(form, WORDS, "nl", NOW)


def case_of(found: Read) -> Any:
    return parse_case(dict(found.body), WORDS, NOW)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("67", {"age_years": 67}),
        ("67 jaar", {"age_years": 67}),
        ("8 mnd", {"age_months": 8}),
        ("8m", {"age_months": 8}),
        ("0", {"age_years": 0}),
        ("3 weken", {"age_months": 0}),
        ("3 wk", {"age_months": 0}),
        ("3 weeks", {"age_months": 0}),
        ("10 dagen", {"age_months": 0}),
        ("10 d", {"age_months": 0}),
        ("10 days", {"age_months": 0}),
        ("6 weken", {"age_months": 1}),
        ("13 weken", {"age_months": 2}),
        ("52 wk", {"age_months": 11}),
    ],
)
def test_an_age_is_read_in_years_months_weeks_or_days(said: str, expected: dict[str, int]) -> None:
    assert read(age=said).body["patient"] == expected


@pytest.mark.parametrize("said", ["zes", "6 7", "-3", "67,5", "8 welpen", "1e2"])
def test_an_age_that_is_no_age_is_said_and_not_guessed(said: str) -> None:
    found = read(age=said)
    assert [each.field for each in found.wrong] == ["age"]
    assert "patient" not in found.body


def test_a_place_is_a_postcode_or_coordinates() -> None:
    assert read(place="3511 ab").body["location"] == {"postcode": "3511 ab"}
    assert case_of(read(place="3511 ab")).postcode == "3511AB"
    assert read(place="52.09, 5.12").body["location"] == {"lat": 52.09, "lon": 5.12}


@pytest.mark.parametrize("said", ["pijn op de borst", "Pijn op de Borst", "chest_pain", "chest pain"])
def test_a_complaint_is_found_by_label_or_id_in_both_languages(said: str) -> None:
    assert complaint_named(said, WORDS, "nl") == "chest_pain"


def test_every_label_and_synonym_of_a_complaint_leads_to_a_complaint_with_that_name() -> None:
    for complaint in WORDS.complaints.values():
        for name in (complaint.label.nl, *(each for those in complaint.synonyms.values() for each in those)):
            found = complaint_named(name, WORDS, "nl")
            assert found is not None
            named = WORDS.complaints[found]
            assert name in {
                named.label.nl,
                named.label.en,
                *named.synonyms.get("nl", ()),
                *named.synonyms.get("en", ()),
            }


def test_a_complaint_that_nobody_knows_is_said() -> None:
    found = read(complaint="iets heel anders")
    assert [each.field for each in found.wrong] == ["complaint"]
    assert "complaint" not in found.body


def test_unknown_is_not_no_and_not_said() -> None:
    found = read(f__chest_pain="unknown", f__dyspnea="no", f__diaphoresis="yes")
    assert found.body["observations"] == {"dyspnea": False, "diaphoresis": True}


def test_a_number_may_have_a_comma() -> None:
    assert read(f__temperature="38,4").body["observations"] == {"temperature": 38.4}
    assert read(f__heart_rate="112").body["observations"] == {"heart_rate": 112}
    (wrong,) = read(f__heart_rate="hoog").wrong
    assert (wrong.field, wrong.message.nl, wrong.message.en) == (
        "f.heart_rate",
        "Dit is geen getal. Toegestaan: 0 - 350 /min.",
        "This is no number. Allowed: 0 - 350 /min.",
    )


def test_a_diastolic_pressure_above_the_systolic_is_said_and_neither_is_used() -> None:
    found = read(f__systolic_bp="80", f__diastolic_bp="120", f__heart_rate="112")
    (wrong,) = found.wrong
    assert (wrong.field, wrong.message.nl) == (
        "f.diastolic_bp",
        "De onderdruk is hoger dan de bovendruk; kijk of ze zijn verwisseld.",
    )
    assert "swapped" in wrong.message.en
    assert found.body["observations"] == {"heart_rate": 112}, "which of the two is wrong is not known"
    for fields in ({"f__systolic_bp": "120"}, {"f__systolic_bp": "80"}, {"f__systolic_bp": "unknown"}, {}):
        assert read(f__diastolic_bp="80", **fields).wrong == ()


def test_a_time_of_the_clock_is_the_last_time_that_it_was_so_late() -> None:
    assert read(f__onset_at="13:20").body["observations"]["onset_at"] == "2026-11-23T13:20:00+01:00"
    assert read(f__onset_at="2330").body["observations"]["onset_at"] == "2026-11-22T23:30:00+01:00"
    assert read(called_at="2026-11-22 09:05").body["called_at"] == "2026-11-22T09:05:00+01:00"
    assert read(called_at="23:59", f__onset_at="15:00").body["observations"]["onset_at"] == "2026-11-22T15:00:00+01:00"
    for wrong in ("kwart over twee", "25:00", "2026-13-40 09:05"):
        assert [each.field for each in read(called_at=wrong).wrong] == ["called_at"]


def test_now_in_a_field_for_a_time_is_kept_as_the_minute_in_which_it_came() -> None:
    form = dict.fromkeys(("called_at", "first_contact_at", "way_since", "f.onset_at", "reference"), ("nu",))
    kept = written_now({**form, "f.last_known_well_at": (" Now ",)}, WORDS, NOW)
    assert kept.pop("reference") == ("nu",), "no field for a time"
    assert set(kept.values()) == {("14:30",)}
    found = read_form({"age": ("67",), "place": ("3511",), **kept}, WORDS, "nl", NOW + timedelta(minutes=40))
    assert found.wrong == ()
    assert found.body["called_at"] == found.body["first_contact_at"] == "2026-11-23T14:30:00+01:00"
    assert found.body["observations"]["onset_at"] == "2026-11-23T14:30:00+01:00"


def test_a_call_that_has_not_been_yet_is_asked_again_and_not_taken_for_one_of_yesterday() -> None:
    for field in ("called_at", "first_contact_at", "way_since"):
        found = read(**{field: "23:59"})  # it is half past two
        (wrong,) = found.wrong
        assert wrong.field == field
        assert wrong.message.nl == "23:59 is nog niet geweest. Was het gisteren, schrijf dan 2026-11-22 23:59."
        assert "called_at" not in found.body
    assert read(called_at="14:31").body["called_at"] == "2026-11-23T14:31:00+01:00"  # another clock, a minute ahead
    late = datetime(2026, 11, 23, 23, 10, tzinfo=UTC)  # ten past midnight
    shortly_before = read_form({"age": ("67",), "called_at": ("23:50",)}, WORDS, "nl", late)
    assert shortly_before.body["called_at"] == "2026-11-23T23:50:00+01:00"


SAID = (
    "cva", "benauwdheid", "bewusteloos", "suïcide", "zelfmoord", "epilepsie", "collaps", "aanrijding", "ongeluk",
    "hoofdletsel", "breuk", "dyspneu", "allergie", "longembolie", "sepsis", "hypoglykemie", "stroke", "pob",
)  # fmt: skip
"""What a triagist types without thinking."""


@pytest.mark.parametrize("said", SAID)
def test_what_a_triagist_says_leads_to_a_complaint(said: str) -> None:
    assert [key for key, words in complaint_words._NL.items() if said in words]


def test_further_words_are_of_complaints_that_there_are_and_say_nothing_twice() -> None:
    for language, words in (("nl", complaint_words._NL), ("en", complaint_words._EN)):
        assert set(words) <= set(WORDS.complaints)
        for key, further in words.items():
            complaint = WORDS.complaints[key]
            known = {complaint.label.wire()[language], *complaint.synonyms.get(language, ())}
            assert not {*further} & known, key


def test_a_word_that_means_one_complaint_is_taken_for_it_and_one_that_means_two_is_not() -> None:
    assert complaint_named("CVA", WORDS, "nl") == "neurological_deficit"
    assert complaint_named("miskraam", WORDS, "nl") is None
    assert [each.field for each in read(complaint="miskraam").wrong] == ["complaint"]


def test_what_is_missing_is_not_wrong_yet() -> None:
    found = read_form({}, WORDS, "nl", NOW)
    assert (found.missing, found.wrong) == (("age", "place"), ())


def test_a_value_outside_its_range_is_said_at_its_field_in_words() -> None:
    with pytest.raises(BadInput) as caught:
        case_of(read(f__heart_rate="900", place="0123", sex="male"))
    found = {each.field: each.message.nl for each in wrong_in_form(caught.value.faults, WORDS)}
    assert found["f.heart_rate"] == "Buiten de grenzen. Toegestaan: 0 - 350 /min."
    assert "postcode" in found["place"]
    with pytest.raises(BadInput) as caught:
        case_of(read(f__gcs="13,5", f__spo2="140"))
    found = {each.field: each.message.en for each in wrong_in_form(caught.value.faults, WORDS)}
    assert found["f.gcs"] == "This is no whole number. Allowed: 3 - 15 (a whole number)."
    assert found["f.spo2"].startswith("Outside the limits. Allowed: ")


def test_a_fact_is_found_by_what_people_call_it() -> None:
    for name, fact in OBSERVED.items():
        for said in (name, fact.label.nl, fact.label.en.upper(), fact.question.nl, *fact.aliases):
            assert fact_named(said, WORDS) == name
    assert fact_named("iets wat geen gegeven is", WORDS) is None


def test_a_part_of_a_name_that_fits_one_fact_counts_as_that_one() -> None:
    assert fact_named("nekst", WORDS) == "neck_stiffness"
    assert fact_named("Nékst", WORDS) == "neck_stiffness"
    assert fact_named("pijn", WORDS) is None
    assert len(facts_meant("pijn", WORDS)) > NAMED_MOST
    assert facts_meant("x", WORDS) == facts_meant("", WORDS) == []


@pytest.mark.parametrize(("part", "key"), [("milt", "asplenia"), ("opstaan", "cannot_get_up")])
def test_a_part_that_leaves_out_the_denial_of_a_name_is_named_and_not_taken(part: str, key: str) -> None:
    assert facts_meant(part, WORDS) == [key]
    assert fact_named(part, WORDS) is None
    assert fact_named(WORDS.facts[key].label.nl, WORDS) == key


def answer(key: str) -> st.SearchStrategy[Any]:
    fact = OBSERVED[key]
    if fact.type == "boolean":
        return st.booleans()
    if fact.type == "choice":
        return st.sampled_from(sorted(fact.values))
    if fact.type == "time":
        return st.integers(0, 2880).map(lambda ago: datetime.fromtimestamp(NOW.timestamp() - ago * 60, UTC).isoformat())
    assert fact.range is not None
    low, high = fact.range
    return st.integers(math.ceil(low), math.floor(high))


OBSERVATIONS = st.lists(st.sampled_from(sorted(OBSERVED)), max_size=8, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: answer(key) for key in keys})
)


@given(OBSERVATIONS, st.sampled_from([None, *sorted(WORDS.complaints)]), st.sampled_from(["nl", "en"]))
def test_a_case_that_becomes_a_form_is_the_same_case_again(observations: Any, complaint: Any, language: Any) -> None:
    body = {
        "patient": {"age_years": 67, "sex": "female"},
        "location": {"postcode": "3511AB"},
        "channel": "ambulance",
        "observations": observations,
        **({"complaint": complaint} if complaint else {}),
    }
    assume(observations.get("diastolic_bp", 0) <= observations.get("systolic_bp", math.inf))  # the desk asks again
    before = case_record(parse_case(body, WORDS, NOW))
    found = read_form(form_of(before, WORDS, language), WORDS, language, NOW)
    assert found.wrong == ()
    after = case_record(case_of(found))
    for record in (before, after):
        for key in ("onset_at", "last_known_well_at"):
            if key in record.get("observations", {}):
                moment = datetime.fromisoformat(record["observations"][key])
                record["observations"][key] = moment.astimezone(UTC).replace(second=0, microsecond=0).isoformat()
    assert after == before


TYPED = st.sampled_from(["age", "place", "complaint", "called_at", "first_contact_at", "sex"])


@given(st.dictionaries(TYPED, st.text(max_size=20)),
       st.dictionaries(st.sampled_from(sorted(OBSERVED)), st.text(max_size=12), max_size=5))  # fmt: skip
def test_whatever_is_typed_is_a_case_or_is_said_to_be_wrong(fields: dict[str, str], facts: dict[str, str]) -> None:
    form = {name: (value,) for name, value in {**fields, **{FACT + key: value for key, value in facts.items()}}.items()}
    found = read_form(form, WORDS, "nl", NOW)
    for key, said in facts.items():
        taken = key in found.body.get("observations", {})
        wrong = f"{FACT}{key}" in {each.field for each in found.wrong}
        if key == "systolic_bp" and not taken:  # said at the other of the two
            wrong |= f"{FACT}diastolic_bp" in {each.field for each in found.wrong}
        assert taken + wrong == (said.strip() not in ("", "unknown")), "neither taken nor said to be wrong"
    if not found.missing and not found.wrong:
        try:
            case_of(found)
        except BadInput as error:
            assert wrong_in_form(error.faults, WORDS)


def test_every_fact_says_what_may_stand_in_its_field() -> None:
    for fact in OBSERVED.values():
        assert allowed(fact).nl
        assert allowed(fact).en


# -- on the way -------------------------------------------------------------------------------------------------------

PLACES = {
    "umcg": "UMCG, Groningen",
    "antonius": "St. Antonius, Nieuwegein",
    "antonius-utrecht": "St. Antonius, Utrecht",
}


def on_the_way(**fields: str) -> Read:
    form = {name: (value,) for name, value in {"age": "67", "place": "3511", **fields}.items()}
    return read_form(form, WORDS, "nl", NOW, PLACES)


def test_who_is_on_the_way_is_asked_where_to_and_since_when() -> None:
    assert "on_the_way" not in on_the_way().body
    assert on_the_way(on_the_way="yes").body["on_the_way"] == {}
    found = on_the_way(heading_to="UMCG, Groningen", way_since="2026-11-20 14:05")
    assert found.wrong == ()
    assert found.body["on_the_way"]["heading_to"] == "umcg", "who goes somewhere is on the way"
    assert found.body["on_the_way"]["since"].startswith("2026-11-20T14:05")
    assert on_the_way(heading_to="groningen").body["on_the_way"] == {"heading_to": "umcg"}


@pytest.mark.parametrize(
    ("field", "typed"), [("heading_to", "st. antonius"), ("heading_to", "mars"), ("way_since", "soon")]
)
def test_a_place_or_time_that_is_not_one_is_said_at_its_field(field: str, typed: str) -> None:
    found = on_the_way(**{field: typed})
    assert [wrong.field for wrong in found.wrong] == [field]
    assert found.body["on_the_way"] == {}, "on the way all the same"


def test_a_part_of_a_name_that_fits_several_places_names_them() -> None:
    (wrong,) = on_the_way(heading_to="st. antonius").wrong
    assert wrong.message.nl == "Wat bedoelt u: St. Antonius, Nieuwegein; St. Antonius, Utrecht?"
    many = {f"huis-{number}": f"Huis {number}" for number in range(7)}
    form = {"age": ("67",), "place": ("3511",), "heading_to": ("huis",)}
    (wrong,) = read_form(form, WORDS, "nl", NOW, many).wrong
    assert wrong.message.nl == "Wat bedoelt u: Huis 0; Huis 1; Huis 2; Huis 3; Huis 4 (en nog 2)?"
    assert wrong.message.en.endswith("(and 2 more)?")


def test_who_is_on_the_way_stands_in_the_form_that_goes_on() -> None:
    way = {"since": "2026-11-20T13:05:00+00:00", "heading_to": "umcg"}
    form = form_of(
        {"location": {"postcode": "3511"}, "patient": {"age_years": 67}, "on_the_way": way}, WORDS, "nl", PLACES
    )
    assert (form["on_the_way"], form["heading_to"]) == (("yes",), ("UMCG, Groningen",))
    again = read_form(form, WORDS, "nl", NOW, PLACES).body["on_the_way"]
    assert again["heading_to"] == "umcg"
    assert datetime.fromisoformat(again["since"]) == datetime.fromisoformat(way["since"])
