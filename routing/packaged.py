"""Decides with only what comes in the package (words, rules, places): no server, no database, nothing is logged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from routing.case import Case, parse_case
from routing.decision import Decision, decide
from routing.errors import BadData, Finding, bad_input
from routing.facilities.directory import Directory, national_directory_records, read_directory
from routing.facilities.profile import capability_table
from routing.facilities.public_holidays import dutch_holidays
from routing.log.canonical import canonical, plain
from routing.log.record import answer, make_record
from routing.rules.building import packaged_rulesets, read_ruleset
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.overlay import Overlay, is_overlay, lay_over, overlay_folders, overlay_in_force, read_overlay
from routing.rules.releases import Release, read_release
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Vocabulary, read_vocabulary

NAME_OF_RULESET = "acute-nl"
"""The ruleset that decides, of those that an installation has."""

HOLIDAY_YEARS = (2024, 2050)
"""The years whose public holidays stand in the packaged directory (fixed, so that it does not change by itself)."""


@dataclass(frozen=True)
class Desk:
    """Words, rules and places, ready to decide with; `evaluators` hold the national rules."""

    words: Vocabulary
    evaluators: Evaluators
    directory: Directory
    overlays: tuple[Overlay, ...] = ()
    regional: dict[str, Evaluators] = field(default_factory=dict, repr=False, compare=False)

    def evaluators_for(self, region: str | None, now: datetime) -> Evaluators:
        """The evaluators for a case in `region`: with its agreements if it has any. Raises BadData."""
        national = self.evaluators.ruleset
        overlay = overlay_in_force(self.overlays, region, national, now)
        if overlay is None:
            return self.evaluators
        key = f"{overlay.region}/{overlay.version}"
        if key not in self.regional:
            self.regional[key] = build_evaluators(lay_over(national, overlay), self.evaluators)
        return self.regional[key]


def open_desk(rulesets: Path | None, now: datetime) -> Desk:
    """A desk with the ruleset in `rulesets`: that folder itself if it is a ruleset, which may begin later (it is
    tried), else of those in it (None: the packaged ones) the one that is in force at `now`. Raises BadData."""
    words = read_vocabulary()
    releases = [read_release(folder) for folder in ruleset_folders(rulesets)]
    tried = rulesets is not None and (rulesets / "ruleset.yaml").is_file()
    release = releases[0] if tried else in_force_of(releases, now)
    rules = read_ruleset(release.folder, words)
    return Desk(words, build_evaluators(rules), packaged_directory(words), overlays(rulesets))


def overlays(place: Path | None) -> tuple[Overlay, ...]:
    """The regional overlays at `place` (a folder of rulesets; None: the packaged ones). Raises BadData."""
    return tuple(read_overlay(folder) for folder in overlay_folders(place))


def packaged_directory(words: Vocabulary) -> Directory:
    """The national directory, as revision 0: no database has given it a number."""
    return read_directory(directory_document(), capability_table(words), 0)


def directory_document() -> dict[str, Any]:
    """The national directory that comes with Wegwijs, with the public holidays."""
    return national_directory_records(dutch_holidays(*HOLIDAY_YEARS))


def ruleset_folders(place: Path | None) -> tuple[Path, ...]:
    """The folders of the rulesets at `place`: that folder itself if it is a ruleset, else those in it. Raises BadData
    if there are none."""
    if place is not None and (place / "ruleset.yaml").is_file():
        return (place,)
    folders = packaged_rulesets(place)
    if not folders:
        raise BadData((Finding(str(place), None, "holds no ruleset (`NAME/VERSION/ruleset.yaml`)"),))
    return folders


def folder_of(name: str) -> Path:
    """The folder of a ruleset, by its path or by the version of a packaged one. Raises BadInput."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", name):
        return Path(name)
    packaged = {folder.name: folder for folder in ruleset_folders(None)}
    if name not in packaged:
        raise bad_input(
            name, "unknown_version", "is not the version of a packaged ruleset", allowed=", ".join(packaged)
        )
    return packaged[name]


def national_folder(overlay: Overlay, folder: Path, version: str) -> Path:
    """The folder of the national rules of `version` beside the regions. Raises BadData."""
    found = folder.resolve().parents[2] / overlay.content.ruleset / version
    if not (found / "ruleset.yaml").is_file():
        message = f"there is no `{overlay.content.ruleset}/{version}` beside `regions`"
        raise BadData((overlay.file.finding(("ruleset_versions",), message),))
    return found


def rules_in(folder: Path, words: Vocabulary) -> Ruleset:
    """The ruleset in `folder`; in that of a region the newest national rules that it lies on, with its agreements.
    Raises BadData."""
    if not is_overlay(folder):
        return read_ruleset(folder, words)
    overlay = read_overlay(folder)
    newest = max(overlay.content.ruleset_versions, key=lambda version: [int(part) for part in version.split(".")])
    return lay_over(read_ruleset(national_folder(overlay, folder, newest), words), overlay)


def in_force_of(releases: Iterable[Release], now: datetime) -> Release:
    """The ruleset that decides at `now`: the newest that has taken effect. Raises BadData if there is none."""
    candidates = [each for each in releases if each.name == NAME_OF_RULESET and each.effective_from <= now]
    if not candidates:
        message = f"no ruleset `{NAME_OF_RULESET}` has taken effect at {now.isoformat()}"
        raise BadData((Finding("ruleset.yaml", None, message),))
    # of two that begin together the later version
    return max(candidates, key=lambda each: (each.effective_from, [int(part) for part in each.version.split(".")]))


Deciding = Callable[[Case, Directory, Evaluators, datetime], Decision]
"""A way to decide: with the times of travel that are embedded, or with others."""


def decide_at_desk(
    desk: Desk, body: Any, now: datetime, deciding: Deciding = decide
) -> tuple[Decision, dict[str, Any]]:
    """The decision on the case in `body` at `now`, and how it looks outside (without an id). Raises BadInput."""
    case = parse_case(body, desk.words, now, desk.directory.by_id)
    decision = deciding(case, desk.directory, desk.evaluators_for(case.region, now), now)
    record = make_record(decision, case, desk.words, id="", now=now, asker={}, supersedes=None)
    return decision, {**answer(plain(canonical(record))), "id": None}
