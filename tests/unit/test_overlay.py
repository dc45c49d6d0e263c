"""Promises about regional overlays: a region chooses only what is left to it, and what it chose decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from routing.errors import BadData, BadInput
from routing.packaged import decide_at_desk, open_desk, overlays
from routing.rules.agreements import with_numbers
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import build_evaluators
from routing.rules.overlay import Overlay, lay_over, overlay_folders, overlay_in_force, read_overlay
from routing.vocabulary import Text
from tests.small_world import ruleset, vocabulary

NOW = datetime(2026, 11, 18, 13, tzinfo=UTC)
OVERLAY = """\
region: somewhere
version: 1.0.0
title: {nl: Ergens, en: Somewhere}
effective_from: 2026-11-01T00:00:00+01:00
owner: somebody
ruleset: small
ruleset_versions: [1.0.0]
review: pending
references:
  talk: {title: A talk, href: https://example.org, read: not}
parameters:
  stop_longest: {value: 120, reference: {source: talk}, why: two hours}
agreements:
  stops_agreed: {value: false, reference: {source: talk}, why: too far apart}
"""


def home(folder: Path, region: str = "somewhere", version: str = "1.0.0") -> Path:
    """The folder below `folder` in which the agreements of `region` lie."""
    found = folder / "regions" / region / version
    found.mkdir(parents=True, exist_ok=True)
    return found


def written(folder: Path, text: str, **where: str) -> Path:
    """The folder of an overlay with this text."""
    found = home(folder, **where)
    (found / "overlay.yaml").write_text(text, "utf-8")
    return found


def overlay(folder: Path, **changes: str) -> Overlay:
    text = OVERLAY
    for old, new in changes.items():
        assert old.replace("_", " ") in text or old in text
        text = text.replace(old.replace("_", " "), new).replace(old, new)
    return read_overlay(written(folder, text))


def refusal(folder: Path, old: str, new: str) -> str:
    place = written(folder, OVERLAY.replace(old, new))
    assert old in OVERLAY
    with pytest.raises(BadData) as caught:
        lay_over(ruleset(), read_overlay(place))
    (finding,) = caught.value.findings
    assert finding.file == "overlay.yaml"
    assert finding.line is not None
    return finding.message


def test_what_a_region_chose_decides(tmp_path: Path) -> None:
    found = lay_over(ruleset(), overlay(tmp_path))
    assert found.agreements["stops_agreed"] is False
    assert found.selection.stops is not None
    assert (found.selection.stops.agreed, found.selection.stops.longest_minutes) == (False, 120)
    assert found.region is not None
    assert (found.region.name, found.region.version, found.region.accepted) == ("somewhere", "1.0.0", False)


def test_all_else_stays_as_the_national_rules_have_it(tmp_path: Path) -> None:
    found = lay_over(ruleset(), overlay(tmp_path))
    assert found.rules == ruleset().rules
    assert found.norms == ruleset().norms
    assert {**found.parameters, "stop_longest": None} == {**ruleset().parameters, "stop_longest": None}
    assert (found.name, found.version) == (ruleset().name, ruleset().version)


def test_the_digest_tells_national_and_regional_rules_apart(tmp_path: Path) -> None:
    found = lay_over(ruleset(), overlay(tmp_path))
    assert found.digest != ruleset().digest
    again = ruleset_from_source(found.source, vocabulary())  # as a replay reads it
    assert (again.digest, again.region, again.agreements) == (found.digest, found.region, found.agreements)
    assert ruleset().source["parameters.yaml"]["agreements"]["stops_agreed"]["value"] is True  # untouched


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stop_longest:", "fever:", "a region may not choose `fever`, only stop_extra, stop_longest"),
        ("stop_longest:", "longest:", "a region may not choose `longest`"),
        ("value: 120", "value: 600", "`600` is not within what a region may choose: 30 to 480 min"),
        ("stops_agreed:", "stops:", "a region may not choose `stops`, only stops_agreed"),
        ("[1.0.0]", "[1.1.0]", "was not agreed for `small/1.0.0`"),
        ("ruleset: small", "ruleset: other", "was not agreed for"),
    ],
)
def test_an_overlay_touches_only_what_is_left_to_regions(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in refusal(tmp_path, old, new)


@pytest.mark.parametrize("part", ["norms: {}", "rules: []", "deadlines: {}", "texts: {}", "urgency: U5"])
def test_an_overlay_holds_no_rules_norms_or_texts(tmp_path: Path, part: str) -> None:
    place = written(tmp_path, OVERLAY + part + "\n")
    with pytest.raises(BadData, match="Extra inputs are not permitted"):
        read_overlay(place)


def test_a_value_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    place = written(tmp_path, OVERLAY.replace("value: false", "value: maybe"))
    with pytest.raises(BadData, match=r"overlay.yaml:14: `maybe` is not a value of `stops_agreed`"):
        lay_over(ruleset(), read_overlay(place))


def test_a_source_of_the_same_name_must_be_the_same_source(tmp_path: Path) -> None:
    assert "is another source in the national rules" in refusal(
        tmp_path, "  talk:", "  talk: {title: A talk, href: https://example.org, read: not}\n  made-up:"
    )


def test_an_overlay_without_a_time_offset_is_refused(tmp_path: Path) -> None:
    place = written(tmp_path, OVERLAY.replace("+01:00", ""))
    with pytest.raises(BadData, match="time with offset"):
        read_overlay(place)


def test_overlays_do_not_lie_on_each_other(tmp_path: Path) -> None:
    once = lay_over(ruleset(), overlay(tmp_path))
    with pytest.raises(BadData, match="lies on the national rules"):
        lay_over(once, overlay(tmp_path))


def test_the_newest_agreement_that_has_taken_effect_counts(tmp_path: Path) -> None:
    found = []
    for version, start in (("1.0.0", "2026-11-01"), ("1.1.0", "2026-11-10"), ("2.0.0", "2027-01-01")):
        text = OVERLAY.replace("version: 1.0.0", f"version: {version}").replace("2026-11-01", start)
        found.append(read_overlay(written(tmp_path, text, version=version)))

    def in_force(region: str | None, now: datetime) -> str | None:
        chosen = overlay_in_force(found, region, ruleset(), now)
        return chosen.version if chosen else None

    assert in_force("somewhere", NOW) == "1.1.0"
    assert in_force("somewhere", NOW - timedelta(days=15)) == "1.0.0"
    assert in_force("somewhere", NOW - timedelta(days=40)) is None
    assert in_force("elsewhere", NOW) is None
    assert in_force(None, NOW) is None


def test_a_folder_without_an_overlay_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="is not the folder of an overlay"):
        read_overlay(tmp_path)


# -- the examples that come with Wegwijs


def warnings(answer: Mapping[str, Any]) -> list[str]:
    return [reason["rule"].rsplit("/", 1)[-1] for reason in answer["warnings"]]


def test_every_packaged_overlay_lies_on_the_national_rules() -> None:
    desk = open_desk(None, NOW)
    assert len(overlay_folders()) == len(overlays(None)) >= 2
    for found in desk.overlays:
        assert desk.evaluators_for(found.region, NOW).ruleset.region is not None


def test_a_region_without_agreements_gets_the_national_rules() -> None:
    desk = open_desk(None, NOW)
    assert desk.evaluators_for("nowhere", NOW) is desk.evaluators
    assert desk.evaluators_for(None, NOW) is desk.evaluators


# -- what is wrong is found, with its line, before it decides


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: 120", "value: 45.5", "overlay.yaml:12: `45.5` is not a whole number of minutes"),
        ("value: 120", "value: 1000000000000000000", "more digits|is not within"),
        ("value: false", "value: 0", "overlay.yaml:14: `0.0` is not a value of `stops_agreed`"),
        ("{source: talk}, why: two", "{source: tlak}, why: two", "overlay.yaml:12: there is no reference `tlak`"),
        ("{source: talk}, why: too", "{source: tlak}, why: too", "overlay.yaml:14: there is no reference `tlak`"),
        ("region: somewhere", "region: Somewhere", "overlay.yaml:1: .*pattern"),
        ("[1.0.0]", "[1.0.0, 1.0.0]", "overlay.yaml:7: names a version twice"),
        ("[1.0.0]", "['../1.0.0']", "overlay.yaml:7: .*pattern"),
        ("[1.0.0]", "[]", "overlay.yaml:7: .*at least 1 item"),
        ("ruleset: small", "ruleset: ../small", "overlay.yaml:6: .*pattern"),
        ("review: pending", "review: {by: somebody, on: soon}", "overlay.yaml:8: `soon` is not a date"),
        ("review: pending", "review: {by: '', on: 2026-11-01}", "overlay.yaml:8: .*at least 1 character"),
        ("2026-11-01T00:00:00+01:00", "0001-01-01T00:00:00+14:00", "overlay.yaml:4: must be a time with offset"),
    ],
)
def test_a_mistake_in_an_overlay_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in OVERLAY
    place = written(tmp_path, OVERLAY.replace(old, new))
    with pytest.raises(BadData, match=said):
        lay_over(ruleset(), read_overlay(place))


@pytest.mark.parametrize("text", ["", "- a\n", "region: [\n", "region: somewhere\nregion: somewhere\n"])
def test_a_broken_overlay_is_bad_data_and_no_crash(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadData, match=r"overlay\.yaml"):
        read_overlay(written(tmp_path, text))


def test_an_overlay_written_on_another_system_is_the_same(tmp_path: Path) -> None:
    place = written(tmp_path, OVERLAY)
    plain = lay_over(ruleset(), read_overlay(place))
    (place / "overlay.yaml").write_bytes(b"\xef\xbb\xbf" + OVERLAY.replace("\n", "\r\n").encode())
    assert lay_over(ruleset(), read_overlay(place)).digest == plain.digest


@pytest.mark.parametrize(
    "name", ["overlay.yml", "Overlay.yaml", "regions/overlay.yaml", "somewhere/overlay.yaml", "cases/stops.yaml"]
)
def test_agreements_that_nobody_would_read_are_an_error(tmp_path: Path, name: str) -> None:
    home(tmp_path)
    above = {"regions": "regions", "somewhere": "regions/somewhere", "cases": "regions/somewhere/1.0.0/cases"}
    folder, _, file = name.rpartition("/")
    place = tmp_path / above.get(folder, "regions/somewhere/1.0.0")
    place.mkdir(parents=True, exist_ok=True)
    (place / file).write_text(OVERLAY, "utf-8")
    with pytest.raises(BadData, match=r"would not be read|is not the folder of an overlay|has worked cases and no"):
        overlays(tmp_path)


def test_files_beside_an_overlay_are_an_error(tmp_path: Path) -> None:
    place = written(tmp_path, OVERLAY)
    (place / "parameters.yaml").write_text("parameters: {}\n", "utf-8")
    with pytest.raises(BadData, match=r"parameters.yaml: would not be read"):
        read_overlay(place)


def test_an_overlay_can_be_read_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(written(tmp_path, OVERLAY))
    assert read_overlay(Path()).region == "somewhere"


# -- what a region chose reaches texts, needs and the engine


LVO = {
    "patient": {"age_years": 71, "sex": "female"},
    "location": {"postcode": "1781"},
    "channel": "ambulance",
    "called_at": "2026-11-18T13:45:00+01:00",
    "complaint": "neurological_deficit",
    "observations": {
        "facial_droop": True,
        "arm_weakness": True,
        "speech_disturbance": True,
        "gaze_deviation": True,
        "last_known_well_at": "2026-11-18T13:30:00+01:00",
    },
}


def test_a_bypass_limit_that_a_region_chose_is_that_of_the_need_and_of_the_text() -> None:
    desk = open_desk(None, NOW)
    for region, minutes in (("example-drip-and-ship", 15), ("example-no-stops", 60)):
        rules = desk.evaluators_for(region, NOW).ruleset
        rule = rules.by_id["large-occlusion-early"]
        assert {need.capability: need.bypass_minutes for need in rule.needs}["evt"] == minutes
        assert f" {minutes} " in rule.text.nl
        assert f" {minutes}" in " ".join(rule.text.en.split())
        national = desk.evaluators.ruleset.by_id["large-occlusion-early"]
        assert national.text != rule.text
    _, answer = decide_at_desk(desk, {**LVO, "region": "example-drip-and-ship"}, NOW)
    assert answer["provenance"]["region"] == {"name": "example-drip-and-ship", "version": "1.1.0"}
    (need,) = [need for need in answer["needs"] if need["capability"] == "evt"]
    assert need["bypass_limit_minutes"] == 15


def test_regions_share_the_engine_unless_their_rules_ask_otherwise() -> None:
    desk = open_desk(None, NOW)
    for found in desk.overlays:
        regional = desk.evaluators_for(found.region, NOW)
        alone = build_evaluators(regional.ruleset)
        assert regional.engine is desk.evaluators.engine
        assert regional.ruleset is not desk.evaluators.ruleset
        facts: dict[str, Any] = {"facial_droop": True, "gaze_deviation": True, "age_years": 71}
        assert regional.evaluate(facts, NOW).fired == alone.evaluate(facts, NOW).fired
    small = ruleset()
    source = dict(small.source)
    numbers = dict(source["parameters.yaml"])
    name = "fever"
    numbers["parameters"] = {**numbers["parameters"], name: {**numbers["parameters"][name], "value": 39.5}}
    other = ruleset_from_source({**source, "parameters.yaml": numbers}, vocabulary())
    like = build_evaluators(small)
    assert build_evaluators(other, like).engine is not like.engine  # a threshold differs
    assert build_evaluators(small, like).engine is like.engine


def test_a_region_in_capitals_is_refused_and_not_taken_for_another() -> None:
    desk = open_desk(None, NOW)
    with pytest.raises(BadInput, match="region"):
        decide_at_desk(desk, {**LVO, "region": "Example-No-Stops"}, NOW)


def test_what_a_region_agreed_is_not_an_observation() -> None:
    desk = open_desk(None, NOW)
    agreed = [name for name, fact in desk.words.facts.items() if fact.given == "agreement"]
    assert agreed
    for name in agreed:
        with pytest.raises(BadInput) as caught:
            decide_at_desk(desk, {**LVO, "observations": {name: True}}, NOW)
        (fault,) = caught.value.faults
        assert (fault.field, fault.code) == (f"observations.{name}", "wrong_place")
        assert "agreed in the region" in fault.message


@pytest.mark.parametrize(
    ("value", "nl", "en"),
    [
        (15.0, "15", "15"),
        (38.5, "38,5", "38.5"),
        (1234567.0, "1234567", "1234567"),
        (0.00001, "0,00001", "0.00001"),
        (1e18, "1" + "0" * 18, "1" + "0" * 18),
        (123456.75, "123456,75", "123456.75"),
        (-100.0, "-100", "-100"),
        (0.0, "0", "0"),
    ],
)
def test_numbers_in_texts_keep_all_their_digits(value: float, nl: str, en: str) -> None:
    found = with_numbers(Text("{x} minuten", "{x} minutes"), {"x": value})
    assert (found.nl, found.en) == (f"{nl} minuten", f"{en} minutes")
