"""Promises about the place: nothing disappears, nothing unknown is claimed, and the nearest that fits comes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from routing.candidate import Candidate, Match
from routing.facilities.status import Beds, Report, stop
from routing.packaged import packaged_directory
from routing.rules.building import packaged_rulesets, ruleset_from_source
from routing.rules.ruleset import Ruleset
from routing.way import way_of
from tests.once import read_ruleset, read_vocabulary
from tests.small_world import (
    AFTERNOON,
    EVENING,
    GIVE_WAY,
    HERE,
    case,
    directory,
    ids,
    matched,
    place,
    ruleset,
    ruleset_of_format_2,
    said,
    texts,
    travel_of,
    triaged,
    vocabulary,
    windows,
)

SEH = ("seh", "required")
PCI = ("pci", "required")
PCI_IN_TIME = ("pci", "required", "pci-75")
IVT_IN_TIME = ("ivt", "required", "ivt-270")
LOGISTICS = ruleset().logistics


def only(found: Match, place_id: str) -> list[str]:
    """The names of the reasons for which `place_id` was ruled out."""
    (place_out,) = [out for out in found.ruled_out if out.facility.id == place_id]
    return said(place_out.failed)


def recommended(found: Match) -> Candidate:
    return found.candidates[0]


def candidate(found: Match, place_id: str) -> Candidate:
    (one,) = [item for item in found.candidates if item.facility is not None and item.facility.id == place_id]
    return one


# -- nothing disappears


def test_the_nearest_place_that_has_it_comes_first() -> None:
    found = matched([(20, place("far", "seh")), (10, place("near", "seh")), (15, place("middle", "seh"))], SEH)
    assert ids(found.candidates) == ["near", "middle", "far"]
    assert [item.rank for item in found.candidates] == [1, 2, 3]


def test_nothing_disappears_silently() -> None:
    found = matched(
        [(10, place("a", "seh")), (11, place("b")), (12, place("c", "seh", opening=windows("20:00", "21:00")))], SEH
    )
    assert sorted([*ids(found.candidates), *ids(found.ruled_out)]) == ["a", "b", "c"]
    assert all(out.failed for out in found.ruled_out)


def test_a_place_beyond_reach_is_left_out_when_one_within_reach_qualifies() -> None:
    found = matched([(LOGISTICS.reach_minutes["U2"], place("at-the-edge", "seh")), (121, place("beyond", "seh"))], SEH)
    assert ids(found.candidates) == ["at-the-edge"]
    assert ids(found.ruled_out) == []


def test_every_failed_criterion_is_named() -> None:
    worst = place(
        "worst", "pci", opening=windows("20:00", "21:00"), patients="children", referral_only=True,
        unknown=["icu"], status="unknown",
    )  # fmt: skip
    found = matched(
        [(5, place("good", "seh", "icu", "pci", "ivt")), (119, worst)],
        SEH, ("icu", "required"), PCI_IN_TIME, ("ivt", "required"),
        called_at=AFTERNOON.isoformat(), channel="self",
    )  # fmt: skip
    assert sorted(only(found, "worst")) == sorted(
        ["lacks", "lacks", "closed", "wrong_patients", "referral_only", "too_late", "capability_unknown",
         "place_uncertain"]
    )  # fmt: skip


def test_every_missing_capability_is_named() -> None:
    found = matched([(5, place("good", "seh", "icu", "pci")), (6, place("poor"))], SEH, ("icu", "required"), PCI)
    (out,) = found.ruled_out
    assert {reason.because["capability"] for reason in out.failed} == {"seh", "icu", "pci"}
    assert "emergency department" in texts(out.failed)


def test_what_would_change_it_is_said_of_every_failure() -> None:
    found = matched(
        [(5, place("good", "seh", "pci")), (6, place("poor", "seh", opening=windows("20:00", "21:00")))], SEH, PCI
    )
    (out,) = found.ruled_out
    assert len(out.would_change) == len(out.failed) == 2
    assert any("20:00" in change.nl for change in out.would_change)


def test_a_place_that_never_opens_again_is_not_said_to_open_at_an_unknown_hour() -> None:
    opens_at_christmas = [{"days": ["holiday"], "from": "08:00", "to": "18:00"}]
    found = matched([(5, place("good", "seh")), (6, place("holidays-only", "seh", opening=opens_at_christmas))], SEH)
    (out,) = found.ruled_out
    assert "?" not in "".join(change.nl + change.en for change in out.would_change)


# -- unknown is not false, and is not true


def test_unknown_capability_never_ranks_higher_than_a_known_one() -> None:
    found = matched([(5, place("unsure", "seh", unknown=["pci"])), (40, place("sure", "seh", "pci"))], SEH, PCI)
    assert ids(found.candidates) == ["sure", "unsure"]


def test_unknown_capability_never_ranks_higher_than_a_known_one_for_the_sake_of_a_norm() -> None:
    """Perhaps in time is better than perhaps no PCI at all; and so is too late."""
    unsure, sure = place("unsure", "seh", unknown=["pci"]), place("sure", "seh", "pci")
    for minutes in (60, 70, 100):  # in time at best or not, and too late
        found = matched([(5, unsure), (minutes, sure)], SEH, PCI_IN_TIME, called_at=AFTERNOON.isoformat())
        assert ids(found.candidates)[0] == "sure", minutes


def test_unknown_capability_is_said_and_asks_to_call_first() -> None:
    found = matched([(5, place("unsure", "seh", unknown=["pci"]))], SEH, PCI)
    assert ids(found.candidates) == ["unsure"]
    assert found.badge == "call_first"
    assert said(found.because) == ["capability_unknown"]
    assert "capability_unknown" in said(recommended(found).reasons)


def test_unknown_capability_is_never_claimed() -> None:
    found = matched([(5, place("unsure", "seh", unknown=["pci"]))], SEH, PCI)
    has = [reason.because["capability"] for reason in recommended(found).reasons if said([reason]) == ["has"]]
    assert has == ["seh"]


def test_unknown_opening_is_said() -> None:
    found = matched([(5, place("unsure", "seh", opening="unknown"))], SEH)
    assert found.badge == "call_first"
    assert "opening_unknown" in said(recommended(found).reasons)


def test_unknown_opening_ranks_after_open() -> None:
    found = matched([(5, place("unsure", "seh", opening="unknown")), (15, place("open", "seh"))], SEH)
    assert ids(found.candidates) == ["open", "unsure"]


def test_a_place_that_may_not_exist_any_more_is_said_to_be_uncertain() -> None:
    found = matched([(5, place("gone", "seh", status="unknown")), (25, place("there", "seh"))], SEH)
    assert ids(found.candidates) == ["there", "gone"]
    assert "place_uncertain" in said(candidate(found, "gone").reasons)
    assert matched([(5, place("gone", "seh", status="unknown"))], SEH).badge == "call_first"


def test_an_unknown_preferred_capability_counts_as_missing_but_is_not_denied() -> None:
    found = matched([(5, place("unsure", "seh", unknown=["evt"])), (10, place("sure", "seh", "evt"))], SEH,
                    ("evt", "preferred"))  # fmt: skip
    assert ids(found.candidates) == ["sure", "unsure"]
    assert "lacks" not in said(candidate(found, "unsure").reasons)


# -- closed is closed


def test_a_closed_place_is_never_recommended() -> None:
    found = matched([(5, place("closed", "seh", opening=windows("20:00", "21:00"))), (50, place("open", "seh"))], SEH)
    assert ids(found.candidates) == ["open"]
    assert only(found, "closed") == ["closed"]
    assert "14:05" in texts(found.ruled_out[0].failed)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_place_whose_needed_unit_is_closed_is_not_recommended_because_another_unit_is_unknown(
    order: tuple[int, int],
) -> None:
    needs = (SEH, ("icu", "required"))
    half = place("half", "seh", "icu", opening="unknown", opening_of={"seh": windows("20:00", "21:00")})
    found = matched([(5, half), (50, place("open", "seh", "icu"))], *(needs[index] for index in order))
    assert ids(found.candidates) == ["open"]
    assert "closed" in only(found, "half")


def test_what_counts_is_whether_it_is_open_on_arrival() -> None:
    until_20_15 = place("until-20-15", "seh", opening=windows("08:00", "20:15"))
    opens_20_20 = place("opens-20-20", "seh", opening=windows("20:20", "23:00"))
    found = matched([(20, until_20_15), (25, opens_20_20)], SEH, now=EVENING)
    assert ids(found.candidates) == ["opens-20-20"]
    assert ids(found.ruled_out) == ["until-20-15"]


def test_the_ambulance_comes_first_and_only_then_the_drive_to_a_place_that_may_have_closed() -> None:
    until_20_30 = [(20, place("until-20-30", "seh", opening=windows("08:00", "20:30"))), (60, place("open", "seh"))]
    assert ids(matched(until_20_30, SEH, now=EVENING, transport="own").candidates)[0] == "until-20-30"
    by_ambulance = matched(until_20_30, SEH, now=EVENING, transport="ambulance", ambulance="A1")
    assert ids(by_ambulance.candidates) == ["open"]


def test_arrival_over_midnight_is_on_the_next_day() -> None:
    late = datetime.fromisoformat("2026-11-20T23:50:00+01:00")  # a Friday
    weekdays = place("weekdays", "seh", opening=windows("00:00", "24:00", "mo", "tu", "we", "th", "fr"))
    weekend = place("weekend", "seh", opening=windows("00:00", "24:00", "sa", "su"))
    found = matched([(5, weekdays), (20, weekend)], SEH, now=late)
    assert ids(found.candidates) == ["weekdays", "weekend"]
    found = matched([(15, weekdays), (20, weekend)], SEH, now=late)
    assert ids(found.candidates) == ["weekend"]
    assert "00:05" in texts(found.ruled_out[0].failed)
    assert "23-11 00:00" in found.ruled_out[0].would_change[0].nl


@pytest.mark.parametrize("zone", ["fixed", "Europe/Amsterdam"])
def test_arrival_over_the_end_of_summer_time_is_an_hour_of_waiting_not_of_driving(zone: str) -> None:
    before = datetime.fromisoformat("2026-10-25T02:50:00+02:00")  # ten minutes before the clock goes back to 02:00
    now = before if zone == "fixed" else before.astimezone(ZoneInfo(zone))
    first = place("until-half-past-two", "seh", opening=windows("00:00", "02:30"))
    found = matched([(30, first), (45, place("always", "seh"))], SEH, now=now)
    # 30 minutes on it is 02:20 for the second time
    assert ids(found.candidates)[0] == "until-half-past-two"
    arrival = recommended(found).arrival_at
    assert arrival is not None
    assert arrival.timestamp() - before.timestamp() == 30 * 60


def test_a_preferred_unit_that_is_closed_on_arrival_is_not_preferred() -> None:
    by_day = place("by-day", "seh", "evt", opening_of={"evt": windows("08:00", "18:00")})
    found = matched([(10, place("near", "seh")), (15, by_day)], SEH, ("evt", "preferred"), now=EVENING)
    assert ids(found.candidates) == ["near", "by-day"]
    assert "prefers" not in said(candidate(found, "by-day").reasons)


# -- who is taken


def test_children_only_place_refuses_adults() -> None:
    places = [(5, place("children", "seh", patients="children")), (50, place("all", "seh"))]
    found = matched(places, SEH, patient={"age_years": 18})
    assert ids(found.candidates) == ["all"]
    assert only(found, "children") == ["wrong_patients"]
    assert ids(matched(places, SEH, patient={"age_years": 17}).candidates) == ["children", "all"]
    assert ids(matched(places, SEH, patient={"age_months": 30}).candidates) == ["children", "all"]


def test_an_adult_whose_age_was_given_in_months_is_an_adult() -> None:
    places = [(5, place("children", "seh", patients="children")), (50, place("all", "seh"))]
    assert ids(matched(places, SEH, patient={"age_months": 480}).candidates) == ["all"]


def test_referral_only_refuses_who_comes_by_himself() -> None:
    places = [(5, place("on-referral", "seh", referral_only=True)), (50, place("walk-in", "seh"))]
    found = matched(places, SEH, channel="self")
    assert ids(found.candidates) == ["walk-in"]
    assert only(found, "on-referral") == ["referral_only"]
    for professional in ("huisarts", "ambulance", "meldkamer"):
        assert ids(matched(places, SEH, channel=professional).candidates) == ["on-referral", "walk-in"]


def test_that_a_place_takes_referrals_only_is_said_when_it_is_not_known_who_asks() -> None:
    found = matched([(5, place("on-referral", "seh", referral_only=True))], SEH)
    assert ids(found.candidates) == ["on-referral"]
    assert "referral_only" in said(recommended(found).reasons)


# -- norms and their clocks


def test_a_norm_with_time_to_spare_is_met() -> None:
    called = (AFTERNOON - timedelta(minutes=10)).isoformat()
    (check,) = recommended(matched([(20, place("a", "pci"))], PCI_IN_TIME, called_at=called)).norms
    assert (check.verdict, check.elapsed, check.margin, check.counted) == ("met", 30, 45, True)


@pytest.mark.parametrize(("minutes", "verdict"), [(59, "met"), (60, "met"), (61, "uncertain"), (74, "uncertain"),
                                                  (75, "uncertain"), (100, "uncertain"), (102, "not_met")])  # fmt: skip
def test_a_norm_that_straddles_its_limit_is_uncertain(minutes: int, verdict: str) -> None:
    quarter = travel_of(minutes, low=int(minutes * 0.75), high=-(-minutes * 5 // 4))
    found = matched([(quarter, place("a", "pci"))], PCI_IN_TIME, called_at=AFTERNOON.isoformat())
    best = recommended(found)
    assert best.norms[0].verdict == verdict
    assert {"met": "in_time", "uncertain": "not_sure_in_time", "not_met": "too_late"}[verdict] in said(best.reasons)
    if verdict == "uncertain":
        assert found.badge == "sensitive"
        assert "not_sure_in_time" in said(found.because)


def test_a_place_that_is_in_time_for_sure_comes_before_a_nearer_one_that_perhaps_is_not() -> None:
    perhaps, sure = travel_of(40, 20, 90), travel_of(50, 45, 55)
    found = matched([(perhaps, place("perhaps", "pci")), (sure, place("sure", "pci"))], PCI_IN_TIME,
                    called_at=AFTERNOON.isoformat())  # fmt: skip
    assert ids(found.candidates) == ["sure", "perhaps"]


def test_the_clock_counts_from_the_call_not_from_departure() -> None:
    called = (AFTERNOON - timedelta(minutes=7)).isoformat()
    response, on_scene = LOGISTICS.response_minutes["A1"], LOGISTICS.on_scene_minutes

    def elapsed(**how: str) -> int:
        found = matched([(20, place("a", "pci"))], PCI_IN_TIME, called_at=called, ambulance="A1", **how)
        return recommended(found).norms[0].elapsed

    assert elapsed(channel="meldkamer", transport="ambulance") == 7 + response + on_scene + 20
    assert elapsed(channel="ambulance", transport="ambulance") == 7 + on_scene + 20
    assert elapsed(channel="meldkamer", transport="own") == 7 + 20


def test_the_arrival_counts_the_same_minutes_as_the_clock() -> None:
    found = matched([(20, place("a", "pci"))], PCI_IN_TIME, called_at=AFTERNOON.isoformat(), ambulance="A1",
                    channel="meldkamer", transport="ambulance")  # fmt: skip
    best = recommended(found)
    assert best.arrival_at is not None
    assert best.arrival_at - AFTERNOON == timedelta(minutes=best.norms[0].elapsed)


@pytest.mark.parametrize("level", ["A0", "A1", "A2", "B1", "B2"])
def test_every_ambulance_urgency_has_its_own_response(level: str) -> None:
    triage = triaged([PCI], ambulance=level)
    lead = way_of(triage, case(channel="meldkamer"), LOGISTICS).lead
    assert lead == LOGISTICS.response_minutes[level] + LOGISTICS.on_scene_minutes


def test_referral_by_the_dispatch_centre_brings_no_ambulance() -> None:
    assert way_of(triaged([PCI], ambulance="C1"), case(channel="meldkamer"), LOGISTICS).lead == 0


def test_an_ambulance_that_is_with_the_patient_counts_its_time_at_the_scene() -> None:
    """Also where nobody said `transport` and no rule named an ambulance: the crew stands beside the patient."""
    assert way_of(triaged([PCI]), case(channel="ambulance"), LOGISTICS).lead == LOGISTICS.on_scene_minutes


def test_last_seen_well_unknown_is_never_called_met() -> None:
    found = matched([(1, place("a", "ivt"))], IVT_IN_TIME, called_at=AFTERNOON.isoformat())
    best = recommended(found)
    assert best.norms[0].verdict == "uncertain"
    assert not best.norms[0].counted
    assert "clock_open" in said(best.reasons)
    assert "in_time" not in said(best.reasons)


def test_last_seen_well_known_starts_the_clock_then() -> None:
    seen = (AFTERNOON - timedelta(minutes=200)).isoformat()
    found = matched([(20, place("a", "ivt"))], IVT_IN_TIME, observations={"last_known_well_at": seen})
    assert (recommended(found).norms[0].elapsed, recommended(found).norms[0].verdict) == (220, "met")


def test_a_window_that_has_passed_is_too_late_everywhere_and_it_is_said() -> None:
    seen = (AFTERNOON - timedelta(minutes=600)).isoformat()
    found = matched([(20, place("a", "ivt")), (30, place("b", "ivt"))], IVT_IN_TIME,
                    observations={"last_known_well_at": seen})  # fmt: skip
    assert ids(found.candidates) == ["a", "b"]
    assert said(found.warnings) == ["gave_way"]
    assert "thrombolysis within 270 minutes" in texts(found.warnings)


def test_a_call_of_unknown_time_that_an_ambulance_already_answered_is_never_called_met() -> None:
    """The crew is with the patient, so the call was some time ago: counting from now is too kind."""
    found = matched([(40, place("a", "pci"))], PCI_IN_TIME, channel="ambulance", transport="ambulance", ambulance="A1")
    assert recommended(found).norms[0].verdict != "met"


def test_contact_before_now_is_the_least_that_has_passed_since_an_unknown_call() -> None:
    contact = (AFTERNOON - timedelta(minutes=70)).isoformat()
    found = matched([(20, place("a", "pci"))], PCI_IN_TIME, first_contact_at=contact)
    assert recommended(found).norms[0].verdict == "not_met"


def test_a_norm_about_a_capability_is_not_called_met_at_a_place_that_lacks_it() -> None:
    found = matched([(10, place("no-pci", "seh"))], SEH, PCI_IN_TIME, called_at=AFTERNOON.isoformat())
    best = recommended(found)
    assert "lacks" in said(best.reasons)
    assert "in_time" not in said(best.reasons)
    assert [check.verdict for check in best.norms] != ["met"]


# -- needs that give way


def test_needs_give_way_in_the_order_of_the_ruleset_and_it_is_said() -> None:
    places = [(10, place("no-pci", "seh", "icu")), (12, place("no-icu", "seh", "pci")), (5, place("neither", "seh"))]
    found = matched(places, SEH, PCI, ("icu", "required"))  # icu gives way before pci
    assert ids(found.candidates) == ["no-icu"]
    assert said(found.warnings) == ["gave_way"]
    assert "intensive care" in texts(found.warnings)
    assert "lacks" in said(recommended(found).reasons)
    assert found.badge == "call_first"
    other_way = (*(name for name in GIVE_WAY if name not in ("icu", "pci")), "pci", "icu")
    assert ids(matched(places, SEH, PCI, ("icu", "required"), give_way=other_way).candidates) == ["no-pci"]


def test_a_norm_gives_way_before_the_capability_does() -> None:
    places = [(110, place("late", "seh", "pci")), (5, place("no-pci", "seh"))]
    found = matched(places, SEH, PCI_IN_TIME, called_at=AFTERNOON.isoformat())
    assert ids(found.candidates) == ["late"]
    assert only(found, "no-pci") == ["lacks"]


def test_a_place_that_gives_up_less_comes_before_one_that_gives_up_the_same_and_more() -> None:
    places = [(5, place("a-lacks-three", "seh")), (8, place("b-lacks-one", "seh", "icu", "ivt"))]
    found = matched(places, SEH, PCI, ("icu", "required"), ("ivt", "required"))
    assert ids(found.candidates)[0] == "b-lacks-one"


def test_what_never_gives_way_does_not() -> None:
    found = matched([(5, place("no-seh", "pci")), (90, place("seh", "seh"))], SEH, PCI)
    assert ids(found.candidates) == ["seh"]
    assert only(found, "no-seh") == ["lacks"]


def test_giving_up_a_need_never_sends_an_emergency_to_a_place_without_emergency_care() -> None:
    home = place("nursing-home", "elv", kind="nursing_home")
    found = matched([(5, home), (15, place("hospital", "seh"))], PCI, urgency="U1")
    assert ids(found.candidates)[0] == "hospital"


def test_nearest_that_meets_everything_is_only_said_of_a_place_that_meets_everything() -> None:
    for places in (
        [(5, place("no-pci", "seh"))],
        [(5, place("unsure", "seh", unknown=["pci"])), (20, place("sure", "seh", "pci"))],
        [(5, place("unsure", "seh", "pci", opening="unknown")), (20, place("sure", "seh", "pci"))],
    ):
        for item in matched(places, SEH, PCI).candidates:
            doubtful = {"lacks", "capability_unknown", "opening_unknown"} & set(said(item.reasons))
            assert not doubtful or "nearest" not in said(item.reasons), ids([item])


def test_the_nearest_that_meets_everything_is_said_to_be_so() -> None:
    found = matched([(5, place("near", "seh")), (20, place("far", "seh"))], SEH)
    assert said(recommended(found).reasons)[0] == "nearest"
    assert said(candidate(found, "far").reasons)[0] == "distance"


def test_the_place_where_the_patient_is_known_is_not_called_the_nearest_when_it_is_not() -> None:
    places = [(10, place("near", "seh")), (20, place("known", "seh"))]
    found = matched(places, SEH, known_at=["known"])
    assert ids(found.candidates) == ["known", "near"]
    assert "nearest" not in said(recommended(found).reasons)
    assert "nearest" not in said(
        recommended(
            matched([(10, place("near", "seh")), (20, place("better", "seh", "evt"))], SEH, ("evt", "preferred"))
        ).reasons
    )


# -- further away, and nobody


def test_beyond_reach_is_searched_and_said() -> None:
    found = matched([(5, place("no-seh")), (300, place("island-ferry", "seh"))], SEH)
    assert ids(found.candidates) == ["island-ferry"]
    assert said(found.warnings) == ["beyond_reach"]
    assert ids(found.ruled_out) == ["no-seh"]
    assert "120" in texts(found.warnings)


def test_reach_depends_on_the_urgency() -> None:
    found = matched([(90, place("far", "seh"))], SEH, urgency="U4")
    assert said(found.warnings) == ["beyond_reach"]
    assert said(matched([(90, place("far", "seh"))], SEH, urgency="U1").warnings) == []


def test_nobody_qualifies_gives_the_cautious_fallback() -> None:
    places = [(5, place("post", "hap", kind="huisartsenpost")), (15, place("hospital", "seh"))]
    found = matched(places, ("ggz_crisis", "required"))
    assert ids(found.candidates) == ["hospital"]
    assert "fallback" in said(found.warnings)
    assert found.badge == "call_first"
    assert "fallback" in said(found.because)


def test_the_fallback_never_claims_what_it_lacks() -> None:
    found = matched([(15, place("hospital", "seh"))], ("ggz_crisis", "required"), ("elv", "required"))
    has = {reason.because["capability"] for reason in recommended(found).reasons if said([reason]) == ["has"]}
    assert has <= {"seh"}


def test_the_fallback_says_what_it_lacks() -> None:
    """Whoever is sent there as a precaution must read what was needed and is not there."""
    places = [(15, place("hospital", "seh")), (5, place("home"))]
    found = matched(places, ("ggz_crisis", "required"), ("elv", "required"))
    lacking = {reason.because.get("capability") for reason in recommended(found).reasons if said([reason]) == ["lacks"]}
    assert lacking == {"ggz_crisis", "elv"}
    assert only(found, "home") == ["lacks", "lacks", "lacks"]  # both that were needed, and the emergency department


def test_the_fallback_does_not_call_itself_certain() -> None:
    found = matched([(15, place("hospital", "seh"))], ("ggz_crisis", "required"), urgency="U1")
    assert found.badge == "call_first"
    assert "confident" not in said(found.because)


def test_the_fallback_is_open_and_fits_too() -> None:
    places = [(5, place("closed", "seh", opening=windows("20:00", "21:00"))),
              (6, place("children", "seh", patients="children")), (15, place("open", "seh"))]  # fmt: skip
    assert ids(matched(places, ("ggz_crisis", "required")).candidates) == ["open"]


def test_empty_directory_names_the_dispatch_centre() -> None:
    for needs in ([], [SEH], [PCI_IN_TIME, SEH]):
        found = matched([], *needs)
        assert ids(found.candidates) == ["meldkamer"]
        assert "112" in recommended(found).name.nl
        assert found.badge == "call_first"
        assert "nobody" in said(found.warnings)


def test_the_dispatch_centre_is_not_contradicted_by_a_fallback_that_was_not_found() -> None:
    found = matched([], PCI_IN_TIME, SEH)
    assert "fallback" not in said(found.warnings)
    assert "fallback" not in said(found.because)


def test_where_nobody_qualifies_the_dispatch_centre_answers_and_every_place_says_why_not() -> None:
    found = matched([(5, place("closed", "seh", opening=windows("20:00", "21:00"))), (7, place("home", "elv"))], SEH)
    assert ids(found.candidates) == ["meldkamer"]
    assert only(found, "closed") == ["closed"]
    assert only(found, "home") == ["lacks"]


def test_no_rule_that_says_what_is_needed_means_an_emergency_department_as_a_precaution() -> None:
    found = matched([(5, place("home", "elv")), (10, place("hospital", "seh"))])
    assert ids(found.candidates) == ["hospital"]
    assert said(found.warnings) == ["no_need"]


# -- care that is no place


def test_care_without_a_place_has_no_facility_and_no_travel() -> None:
    found = matched([(5, place("hospital", "seh"))], ("huisarts", "required"), urgency="U5")
    best = recommended(found)
    assert (best.facility, best.travel, best.arrival_at, best.kind) == (None, None, None, "huisarts")
    assert only(found, "hospital") == ["without_place"]


def test_in_office_hours_the_practice_takes_over_from_a_post_that_closed() -> None:
    before_eight = datetime.fromisoformat("2026-11-18T07:50:00+01:00")
    posts = [(15, place("post", "hap", opening="out_of_hours")), (2, place("hospital", "seh"))]
    found = matched(posts, ("hap", "required"), now=before_eight, urgency="U4")
    assert ids(found.candidates) == ["huisarts"]
    assert only(found, "post") == ["closed"]
    assert ids(matched(posts, ("hap", "required"), now=EVENING, urgency="U4").candidates) == ["post"]


def test_an_emergency_is_never_left_to_the_practice_because_a_post_is_closed() -> None:
    before_eight = datetime.fromisoformat("2026-11-18T07:50:00+01:00")
    posts = [(15, place("post", "hap", opening="out_of_hours")), (20, place("hospital", "seh"))]
    for urgency in ("U0", "U1", "U2"):
        found = matched(posts, ("hap", "required"), now=before_eight, urgency=urgency)
        assert ids(found.candidates) == ["hospital"], urgency


def test_care_without_a_place_is_not_compared_with_places() -> None:
    found = matched([(5, place("hospital", "seh"))], ("huisarts", "required"), urgency="U5")
    assert "confident" not in said(found.because)  # "no other place is about as fast" means nothing here


def test_care_beside_a_place_is_not_forgotten() -> None:
    """A pharmacy beside the hospital is no place in the directory, but somebody must still be told to go there."""
    found = matched([(5, place("hospital", "seh"))], SEH, ("pharmacy", "required"))
    assert ids(found.candidates)[0] == "hospital"
    shown = [*found.warnings, *recommended(found).reasons]
    assert "pharmacy" in texts(shown) or "pharmacy" in ids(found.candidates)


# -- preferences


def test_preferred_capability_is_worth_a_limited_detour() -> None:
    limit = ruleset().selection.preferred_detour.minutes
    near, better = place("near", "seh"), place("better", "seh", "evt")
    prefers = ("evt", "preferred")
    assert ids(matched([(10, near), (10 + limit, better)], SEH, prefers).candidates) == ["better", "near"]
    assert ids(matched([(10, near), (11 + limit, better)], SEH, prefers).candidates) == ["near", "better"]
    assert "prefers" in said(recommended(matched([(10, near), (12, better)], SEH, prefers)).reasons)


def test_required_beats_preferred() -> None:
    found = matched([(5, place("preferred", "seh", "evt", "nicu")), (50, place("required", "seh", "pci"))],
                    SEH, PCI, ("evt", "preferred"), ("nicu", "preferred"))  # fmt: skip
    assert ids(found.candidates) == ["required"]
    assert only(found, "preferred") == ["lacks"]


def test_a_detour_is_measured_from_a_place_that_would_be_chosen() -> None:
    """A nearer place of which nothing is certain is not what a detour is a detour from."""
    places = [(5, place("unsure", "seh", unknown=["pci"])), (25, place("plain", "seh", "pci")),
              (27, place("better", "seh", "pci", "evt"))]  # fmt: skip
    found = matched(places, SEH, PCI, ("evt", "preferred"))
    assert ids(found.candidates)[0] == "better"


def test_known_hospital_counts_from_u2_down_only() -> None:
    places = [(10, place("near", "seh")), (20, place("known", "seh"))]
    for urgency, first in (("U0", "near"), ("U1", "near"), ("U2", "known"), ("U3", "known"), ("U4", "known")):
        found = matched(places, SEH, urgency=urgency, known_at=["known"])
        assert ids(found.candidates)[0] == first, urgency
        assert ("known_there" in said(candidate(found, "known").reasons)) is (first == "known")


def test_a_known_hospital_is_worth_a_limited_detour() -> None:
    limit = ruleset().selection.known_there_detour.minutes
    near, known = place("near", "seh"), place("known", "seh")
    assert ids(matched([(5, near), (5 + limit, known)], SEH, known_at=["known"]).candidates)[0] == "known"
    assert ids(matched([(5, near), (6 + limit, known)], SEH, known_at=["known"]).candidates)[0] == "near"


def test_a_known_hospital_that_lacks_what_is_required_is_not_chosen() -> None:
    found = matched([(50, place("sure", "seh", "pci")), (5, place("known", "seh"))], SEH, PCI, known_at=["known"])
    assert ids(found.candidates) == ["sure"]


# -- how sure


def test_a_clear_choice_for_a_patient_whom_no_stop_holds_back_is_certain() -> None:
    found = matched([(10, place("near", "seh")), (60, place("far", "seh"))], SEH, urgency="U1")
    assert (found.badge, said(found.because)) == ("certain", ["confident"])


def test_a_choice_that_hangs_on_a_stop_nobody_reported_is_sensitive_and_says_so() -> None:
    places = [(10, place("near", "seh")), (60, place("far", "seh"))]
    found = matched(places, SEH, urgency="U3")
    assert (found.badge, said(found.because)) == ("sensitive", ["stop_unknown"])
    assert "Near" in texts(found.because)
    assert matched(places, SEH, urgency="U3", suspected=["cva"]).badge == "certain"
    assert matched(places, SEH, urgency="U2").badge == "certain", "the other is too far, with a stop or without"


def test_rules_from_before_live_status_say_the_same_of_everybody_whom_a_stop_could_hold_back() -> None:
    places, rules = [(10, place("near", "seh")), (60, place("far", "seh"))], ruleset_of_format_2()
    found = matched(places, SEH, urgency="U2", rules=rules)
    assert (found.badge, said(found.because)) == ("sensitive", ["status_unknown"])
    assert matched(places, SEH, urgency="U2", suspected=["cva"], rules=rules).badge == "certain"
    full = {"near": (Report("seh", "beds", Beds(available=0), AFTERNOON),)}
    assert ids(matched(places, SEH, urgency="U3", status=full, rules=rules).candidates) == ["near", "far"]
    reported = stop("seh", AFTERNOON)
    assert ids(matched(places, SEH, urgency="U3", status={"near": (reported,)}, rules=rules).candidates)[0] == "far"


def test_a_near_tie_is_said_and_names_the_other_place() -> None:
    found = matched([(10, place("one", "seh")), (12, place("other", "seh"))], SEH, urgency="U1")
    assert (found.badge, said(found.because)) == ("sensitive", ["near_tie"])
    assert "Other" in texts(found.because)


@pytest.mark.parametrize("other", [5, 11, 12, 13, 40])
def test_certain_means_that_no_other_place_is_about_as_fast(other: int) -> None:
    """Also where the other one ranks third, and where the best one is the further one."""
    places = [
        (10, place("best", "seh", "evt")),
        (10 + other, place("middle", "seh", "evt")),
        (other, place("no-evt", "seh")),
    ]
    found = matched(places, SEH, ("evt", "preferred"), urgency="U1")
    assert ids(found.candidates)[0] == "best"
    assert (found.badge == "certain") is (other > 12)


def test_a_faster_place_is_not_called_about_as_fast() -> None:
    """A stroke that goes fifteen minutes further for what is preferred: whoever reads it must see what it costs."""
    places = [(25, place("preferred", "seh", "evt")), (10, place("faster", "seh"))]
    found = matched(places, SEH, ("evt", "preferred"), urgency="U1")
    assert ids(found.candidates) == ["preferred", "faster"]
    assert found.badge == "sensitive"
    assert "near_tie" not in said(found.because)
    assert "Faster" in texts(found.because)


# -- the order is the same whatever the order of what goes in


def test_the_order_of_places_and_of_needs_makes_no_difference() -> None:
    places = [(10, place("a", "seh", "pci")), (10, place("b", "seh", "pci")), (5, place("c", "seh", unknown=["pci"])),
              (7, place("d", "seh", "pci", opening="unknown"))]  # fmt: skip
    expected = ids(matched(places, SEH, PCI, ("evt", "preferred")).candidates)
    assert expected[:2] == ["a", "b"]
    for shuffled in permutations(places):
        assert ids(matched(shuffled, PCI, ("evt", "preferred"), SEH).candidates) == expected


def test_the_criteria_shown_are_the_order_they_were_ranked_in() -> None:
    found = matched([(10, place("a", "seh")), (8, place("b", "seh", unknown=["pci"])), (5, place("c", "seh", "pci"))],
                    SEH, PCI, known_at=["b"])  # fmt: skip
    keys = [tuple(value for _, value in item.criteria) for item in found.candidates]
    assert keys == sorted(keys)
    assert [name for name, _ in recommended(found).criteria] == list(ruleset().selection.order)


def test_the_small_directory_lies_where_the_tests_say() -> None:
    assert len(directory().facilities) == 11
    assert HERE == (52.0, 5.0)


# -- very many places


def searching(able: int, others: int) -> Ruleset:
    """Rules that look at so many places."""
    source = dict(ruleset().source)
    search = {**source["selection.yaml"]["search"], "able_most": able, "others_most": others}
    source["selection.yaml"] = {**source["selection.yaml"], "search": search}
    return ruleset_from_source(source, vocabulary())


MANY = [
    *((10 + number, place(f"able-{number}", "seh")) for number in range(6)),
    *((1 + number, place(f"other-{number}", "ivt")) for number in range(6)),
]


def test_of_very_many_places_the_nearest_are_looked_at_and_the_rest_is_counted() -> None:
    found = matched(MANY, SEH, rules=searching(2, 3))
    assert ids(found.candidates) == ["able-0", "able-1"]
    assert ids(found.ruled_out) == ["other-0", "other-1", "other-2"]
    (said_so,) = [warning for warning in found.warnings if warning.rule.endswith("/not_looked_at")]
    assert dict(said_so.because) == {"count": 7}


def test_a_place_that_may_have_what_is_needed_is_never_left_out_for_one_that_has_it_not() -> None:
    unsure = (90, place("unsure", unknown=["seh"]))
    found = matched([*MANY[6:], unsure], SEH, rules=searching(1, 1))
    assert ids(found.candidates) == ["unsure"]


def test_where_nobody_of_very_many_places_can_do_it_the_way_out_is_found_among_all() -> None:
    found = matched(MANY, ("hap", "required"), rules=searching(2, 3))
    assert ids(found.candidates) == ["able-0", "able-1"]
    assert found.badge == "call_first"
    assert "fallback" in said(found.warnings)
    beyond = [(200 + number, place(f"beyond-{number}", "seh")) for number in range(3)]
    assert ids(matched([*MANY[6:], *beyond], ("hap", "required"), rules=searching(1, 1)).candidates)[0] == "beyond-0"


def test_where_there_are_not_very_many_places_all_are_looked_at() -> None:
    all_of_them = matched(MANY, SEH, rules=searching(6, 6))
    assert len(all_of_them.candidates) + len(all_of_them.ruled_out) == len(MANY)
    assert "not_looked_at" not in said(all_of_them.warnings)


def test_the_national_directory_has_fewer_places_than_are_looked_at() -> None:
    places = packaged_directory(read_vocabulary())
    search = read_ruleset(packaged_rulesets()[-1], read_vocabulary()).selection.search
    assert search is not None
    for bit in places.bits.values():
        may_have = [has | perhaps for has, perhaps in zip(places.mask_true, places.mask_unknown, strict=True)]
        able = sum(bool(mask & bit) for mask in may_have)
        assert able <= search.able_most
        assert len(places.facilities) - able <= search.others_most
