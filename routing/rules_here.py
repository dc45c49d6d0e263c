"""Which rules decide here, where and when: the installed rulesets, and what regions agreed on, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from routing.errors import BadData
from routing.packaged import in_force_of, overlays, ruleset_folders
from routing.rules.building import read_ruleset
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.overlay import Overlay, lay_over, overlay_in_force
from routing.rules.releases import Release, read_release
from routing.rules.ruleset import Ruleset
from routing.world import World


def installed_rulesets(world: World) -> tuple[Ruleset, ...]:
    """The rulesets that this installation may use. Raises BadData."""
    return tuple(_read(world, release) for release in _releases(world))


def _releases(world: World) -> tuple[Release, ...]:
    """Which rulesets are installed. Most never decide again, and reading all their rules takes seconds."""
    return world.memory.once("releases", lambda: tuple(map(read_release, ruleset_folders(world.settings.rulesets))))


def _read(world: World, release: Release) -> Ruleset:
    return world.memory.once(("ruleset", release.folder), lambda: read_ruleset(release.folder, world.words))


def in_force(world: World, now: datetime) -> Ruleset:
    """The ruleset that decides at `now`: the newest that has taken effect. Raises BadData if there is none."""
    return _read(world, in_force_of(_releases(world), now))


def in_force_in(world: World, region: str | None, now: datetime) -> Ruleset:
    """The ruleset that decides in `region` at `now`: the national one, with what the region agreed. Raises BadData."""
    rules = in_force(world, now)
    overlay = overlay_in_force(installed_overlays(world), region, rules, now)
    if overlay is None:
        return rules
    return _overlaid(world, rules, overlay)


def _overlaid(world: World, rules: Ruleset, overlay: Overlay) -> Ruleset:
    key = ("overlaid", rules.digest, rules.vocabulary.digest, overlay.region, overlay.version)
    return world.regional.once(key, lambda: lay_over(rules, overlay))


def check_rules(world: World) -> None:
    """Read the rules that decide now or later, also those of every region that has agreements: a mistake is found when
    Wegwijs starts, and not at the moment from which it counts. Raises BadData."""
    deciding = in_force_of(_releases(world), world.clock())
    for release in _releases(world):
        later = release.name == deciding.name and release.effective_from > deciding.effective_from
        if release == deciding or later:
            rules = _read(world, release)
            for overlay in installed_overlays(world):
                if overlay.content.ruleset == rules.name and rules.version in overlay.content.ruleset_versions:
                    _overlaid(world, rules, overlay)


def installed_overlays(world: World) -> tuple[Overlay, ...]:
    """The regional overlays that this installation may use. Raises BadData."""
    return world.memory.once("overlays", lambda: overlays(world.settings.rulesets))


def evaluators_of(world: World, rules: Ruleset) -> Evaluators:
    """Both evaluators for `rules`; those that were built before a fork serve after it as well, under the watch of the
    process. Raises EngineRefusal."""
    memory = world.memory if rules.region is None else world.regional
    key = ("evaluators", rules.digest, rules.vocabulary.digest)

    def build() -> Evaluators:
        national = _national(world, rules) if rules.region is not None else None
        return build_evaluators(rules, evaluators_of(world, national) if national is not None else None)

    if world.watch is None:
        return memory.once(key, build)
    return memory.once(("watched", *key), lambda: replace(memory.once(key, build), watch=world.watch))


def _national(world: World, rules: Ruleset) -> Ruleset | None:
    """The installed ruleset that the agreements of a region lie on, which deciding keeps ready anyway; None if it is
    not there, as a replay may find."""
    with suppress(BadData):
        for release in _releases(world):
            if (release.name, release.version) == (rules.name, rules.version):
                found = _read(world, release)
                return found if found.vocabulary is rules.vocabulary else None
    return None


def regional_rulesets(world: World) -> Iterator[Ruleset]:
    """The rulesets that decide now in the regions that have agreements."""
    now = world.clock()
    for region in sorted({overlay.region for overlay in installed_overlays(world)}):
        if (rules := in_force_in(world, region, now)).region is not None:
            yield rules
