"""Regional overlays: what a region agreed on, laid over the national rules where these leave the choice to a region.

The result is a ruleset like any other: built and checked as a whole, with a digest of its own. What a region may choose
stands in the national rules: parameters with `region_may_choose` and their limits, agreements that may differ. Nothing
else can be touched: no rule, no norm, no text, no deadline.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from routing.errors import BadData, Finding
from routing.rules.agreements import OVERLAY_FILE, agreement_problem
from routing.rules.building import ruleset_from_source
from routing.rules.ruleset import Ruleset
from routing.rules.shapes import AcceptedEntry, Head, OverlayFile, ParametersFile
from routing.vocabulary import Vocabulary, parse_as
from routing.yamlfile import Location, YamlFile, read

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Overlay:
    """The agreements of one region, of one version."""

    region: str
    version: str
    effective_from: datetime
    file: YamlFile = field(repr=False)
    content: OverlayFile = field(repr=False)


def is_overlay(folder: Path | None) -> bool:
    """Whether `folder` is that of one overlay."""
    return folder is not None and (folder / OVERLAY_FILE).is_file()


def overlay_folders(root: Path | None = None) -> tuple[Path, ...]:
    """The folders of the overlays at `root`, sorted: an overlay's own folder, or a folder of rulesets (None: those that
    come with Wegwijs). Raises BadData for files below `regions` that nobody would read."""
    if root is not None and is_overlay(root):
        return (root,)
    base = root if root is not None else Path(str(importlib.resources.files("rulesets")))
    found = sorted({path.parent for path in base.glob("regions/*/*/*") if path.suffix in (".yaml", ".yml")})
    strays = [*_yaml_in(base / "regions", "*"), *_yaml_in(base / "regions", "*/*")]
    lost = [path.parent for path in base.glob("regions/*/*/cases") if path.is_dir() and path.parent not in found]
    problems = [Finding(str(path), None, f"would not be read: {_PLACE}") for path in strays]
    problems += [Finding(str(path), None, f"has worked cases and no `{OVERLAY_FILE}`") for path in lost]
    if problems:
        raise BadData(tuple(problems))
    return tuple(found)


_PLACE = f"agreements lie in `regions/NAME/VERSION/{OVERLAY_FILE}`"


def _yaml_in(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.suffix in (".yaml", ".yml"))


def read_overlay(folder: Path) -> Overlay:
    """The overlay in `folder`. Raises BadData with file and line."""
    if not is_overlay(folder):
        raise BadData((Finding(str(folder), None, f"is not the folder of an overlay: it has no `{OVERLAY_FILE}`"),))
    if strays := [path for path in _yaml_in(folder, "*") if path.name != OVERLAY_FILE]:
        raise BadData(tuple(Finding(path.name, None, f"would not be read: {_PLACE}") for path in strays))
    file = read(folder / OVERLAY_FILE, OVERLAY_FILE)
    content = parse_as(OverlayFile, file)
    try:
        effective_from = datetime.fromisoformat(content.effective_from)
        in_utc = effective_from.astimezone(UTC)
    except (ValueError, OverflowError):
        effective_from = None
    if effective_from is None or effective_from.tzinfo is None:
        message = "must be a time with offset, for example 2026-01-01T00:00:00+01:00"
        raise BadData((file.finding(("effective_from",), message),))
    place = folder.resolve()
    if (content.region, content.version) != (place.parent.name, place.name):
        message = f"`{content.region}` {content.version} lies in a folder `{content.region}/{content.version}`"
        raise BadData((file.finding(("region",), message),))
    if isinstance(content.review, AcceptedEntry):
        try:
            date.fromisoformat(content.review.on)
        except ValueError:
            message = f"`{content.review.on}` is not a date (2026-11-21)"
            raise BadData((file.finding(("review", "on"), message),)) from None
    if len(set(content.ruleset_versions)) < len(content.ruleset_versions):
        raise BadData((file.finding(("ruleset_versions",), "names a version twice"),))
    return Overlay(content.region, content.version, in_utc, file, content)


def overlay_in_force(overlays: Iterable[Overlay], region: str | None, rules: Ruleset, now: datetime) -> Overlay | None:
    """What `region` agreed on for `rules` at `now`: the newest that has taken effect; None if there is nothing."""
    found = [
        overlay
        for overlay in overlays
        if overlay.region == region
        and overlay.content.ruleset == rules.name
        and rules.version in overlay.content.ruleset_versions
        and overlay.effective_from <= now
    ]
    return max(found, key=lambda it: (it.effective_from, [int(part) for part in it.version.split(".")]), default=None)


def lay_over(rules: Ruleset, overlay: Overlay) -> Ruleset:
    """`rules` with what the region chose. Raises BadData that lists everything that a region may not choose."""
    national = _parsed(ParametersFile, rules, "parameters.yaml")
    head = _parsed(Head, rules, "ruleset.yaml")
    problems = tuple(overlay.file.finding(*problem) for problem in _problems(overlay, rules, national, head))
    if problems:
        raise BadData(problems)
    source: dict[str, Any] = dict(rules.source)
    for name in ("parameters.yaml", "ruleset.yaml"):  # nothing else is changed
        source[name] = deepcopy(source[name])
    chosen = overlay.file.value
    for part in ("parameters", "agreements"):
        for key, entry in chosen.get(part, {}).items():
            source["parameters.yaml"][part][key].update(deepcopy(entry))
    source["ruleset.yaml"]["references"].update(deepcopy(chosen["references"]))
    source[OVERLAY_FILE] = deepcopy(chosen)
    return ruleset_from_source(source, rules.vocabulary)


def _parsed(shape: type[Shape], rules: Ruleset, name: str) -> Shape:
    return parse_as(shape, YamlFile(name, rules.source[name], {}))


def _problems(overlay: Overlay, rules: Ruleset, national: ParametersFile, head: Head) -> Iterator[tuple[Location, str]]:
    content = overlay.content
    if content.ruleset != rules.name or rules.version not in content.ruleset_versions:
        yield ("ruleset_versions",), f"was not agreed for `{rules.name}/{rules.version}`"
    if rules.region is not None:
        yield ("region",), f"lies on the national rules, not on those of `{rules.region.name}`"
    yield from _parameters(content, national)
    yield from _agreements(content, national, rules.vocabulary)
    for key, source in content.references.items():
        if key in head.references and head.references[key] != source:
            yield ("references", key), f"`{key}` is another source in the national rules; give it another name"
    known = {*head.references, *content.references}
    cited = [(("parameters", key), entry.reference.source) for key, entry in content.parameters.items()]
    cited += [(("agreements", key), entry.reference.source) for key, entry in content.agreements.items()]
    for place, name in cited:
        if name not in known:
            yield (*place, "reference", "source"), f"there is no reference `{name}`"


def _parameters(content: OverlayFile, national: ParametersFile) -> Iterator[tuple[Location, str]]:
    free = [key for key, entry in national.parameters.items() if entry.region_may_choose]
    for key, chosen in content.parameters.items():
        entry = national.parameters.get(key)
        if entry is None or entry.region_may_choose is None:
            yield (
                ("parameters", key),
                f"a region may not choose `{key}`, only {', '.join(free) or 'nothing'}",
            )
        elif not entry.region_may_choose[0] <= chosen.value <= entry.region_may_choose[1]:
            low, high = entry.region_may_choose
            message = f"`{chosen.value:g}` is not within what a region may choose: {low:g} to {high:g} {entry.unit}"
            yield ("parameters", key, "value"), message
        elif entry.unit == "min" and chosen.value != int(chosen.value):
            yield ("parameters", key, "value"), f"`{chosen.value:g}` is not a whole number of minutes"


def _agreements(
    content: OverlayFile, national: ParametersFile, vocabulary: Vocabulary
) -> Iterator[tuple[Location, str]]:
    free = [key for key, entry in national.agreements.items() if entry.region_may_choose]
    for key, chosen in content.agreements.items():
        if key not in free:
            yield (
                ("agreements", key),
                f"a region may not choose `{key}`, only {', '.join(free) or 'nothing'}",
            )
        elif (problem := agreement_problem(key, chosen.value, vocabulary)) is not None:
            yield ("agreements", key, "value"), problem
