"""Copies of the newest packaged ruleset with one thing wrong in it, as an author could make it."""

from __future__ import annotations

import shutil
from pathlib import Path

from routing.packaged import ruleset_folders
from tests.rulesets_here import change


def newest() -> Path:
    """The newest packaged ruleset that has properties of its own."""
    folders = [folder for folder in ruleset_folders(None) if (folder / "properties.yaml").is_file()]
    return max(folders, key=lambda folder: [int(part) for part in folder.name.split(".")])


def copied(place: Path, *, cases: bool = False) -> Path:
    """A copy in `place`, without the proof, and without the worked cases: to read them takes longer than what most
    properties take, and much less than to find a case for each rule."""
    folder = place / "rules"
    left_out = ["proof.json"] if cases else ["proof.json", "cases"]
    shutil.copytree(newest(), folder, ignore=shutil.ignore_patterns(*left_out))
    return folder


def gap_in_a_window(place: Path) -> Path:
    """The window of a STEMI ends a minute too soon, and the next begins where it should have."""
    folder = copied(place)
    path = folder / "conditions" / "stemi-acs.yaml"
    change(path, "minutes_since_onset <= $stemi_window_minutes", "minutes_since_onset < $stemi_window_minutes")
    return folder


SHADOWED = """
  - id: shadowed-red-flag
    when: {all: [ecg_st_elevation, onset_at is unknown, diaphoresis]}
    then:
      urgency: U2
    text: {nl: "Een rode vlag die een andere regel al dekt.", en: "A red flag that another rule covers already."}
    reference: {source: nhg-acs, section: C1.7}
    why: Made up for a test.
    review: pending
"""

LOWERING = """
  - id: lowers-the-urgency
    when: {all: [hemoptysis_massive is unknown, stridor]}
    then:
      urgency: U0
    text: {nl: "Een regel die stopt zodra meer bekend is.", en: "A rule that stops as soon as more is known."}
    reference: {source: nhg-acs, section: C1.7}
    why: Made up for a test.
    review: pending
"""


def with_rule(place: Path, rule: str, *, cases: bool = False) -> Path:
    """One more rule."""
    folder = copied(place, cases=cases)
    path = folder / "conditions" / "stemi-acs.yaml"
    path.write_text(path.read_text("utf-8").rstrip("\n") + "\n" + rule, "utf-8")
    return folder
