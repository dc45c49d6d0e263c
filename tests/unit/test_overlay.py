"""Promises about regional overlays: a region chooses only what is left to it, and what it chose decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from routing.errors import BadData
from routing.packaged import open_desk, overlays
from routing.rules.building import ruleset_from_source
from routing.rules.overlay import Overlay, lay_over, overlay_folders, overlay_in_force, read_overlay
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
