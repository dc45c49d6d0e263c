"""Which rules decide here, where and when: the installed rulesets, and what regions agreed on, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import cast

from routing.errors import BadData, EngineFault, Finding, NotPublished
from routing.packaged import NAME_OF_RULESET, in_force_of, overlays, ruleset_folders
from routing.published_here import Published, published_here, refuse_unusable
from routing.rules.building import read_ruleset
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.overlay import Overlay, lay_over, overlay_in_force
from routing.rules.publication import FILE
from routing.rules.releases import Release, read_release
from routing.rules.ruleset import Ruleset
from routing.world import World


def installed_rulesets(world: World) -> tuple[Ruleset, ...]:
    """The rulesets that this installation may use. Raises BadData."""
    return tuple(_read(world, release) for release in _releases(world))


def installed_folders(world: World) -> tuple[tuple[Path, Ruleset], ...]:
    """The rulesets that this installation may use, each with the folder in which it lies. Raises BadData."""
    return tuple((release.folder, _read(world, release)) for release in _releases(world))


def _releases(world: World) -> tuple[Release, ...]:
    """Which rulesets are installed. Most never decide again, and reading all their rules takes seconds."""
    return world.memory.once("releases", lambda: tuple(map(read_release, ruleset_folders(world.settings.rulesets))))


def _read(world: World, release: Release) -> Ruleset:
    return world.memory.once(("ruleset", release.folder), lambda: read_ruleset(release.folder, world.words))


def in_force(world: World, now: datetime) -> Ruleset:
    """The ruleset that decides at `now`: the newest that has taken effect, of those that are published where only these
    may decide. Raises BadData if there is none."""
    if not world.settings.only_published:
        return _read(world, in_force_of(_releases(world), now))
    return _published_in_force(world, published_here(world, partial(_check_published, world)), now)


def published_fault(world: World) -> tuple[Finding, ...]:
    """Why `published.yaml` cannot be used as it is now, where only published rules may decide; nothing if it can."""
    if not world.settings.only_published:
        return ()
    try:
        refuse_unusable(world, partial(_check_published, world))
    except NotPublished as error:
        return error.findings
    return ()


def deciding_now(world: World) -> Ruleset | None:
    """What decides now; None where only published rules may and none does: for whoever shows it. Raises BadData."""
    try:
        return in_force(world, world.clock())
    except NotPublished:
        return None


def _published_in_force(world: World, published: Published, now: datetime) -> Ruleset:
    try:
        release = in_force_of(published.releases, now)
    except BadData as error:
        message = f"names no ruleset that may decide at {now.isoformat()}, and no other may (WEGWIJS_ONLY_PUBLISHED)"
        raise NotPublished((Finding(FILE, None, message),)) from error
    return _held(_read(world, release), published.digests[release.folder])


def _held(rules: Ruleset, digest: str) -> Ruleset:
    if rules.digest != digest:  # files that changed since they were looked at
        raise NotPublished((Finding(FILE, None, f"`{rules.name}/{rules.version}` was published with other files"),))
    return rules


def _check_published(world: World, published: Published) -> None:
    """Read those of the published rules that decide now or later, and make ready what decides now. Raises BadData; that
    none decides now is for whoever asks what does."""
    if not any(each.name == NAME_OF_RULESET and each.effective_from <= world.clock() for each in published.releases):
        return
    for release in _deciding_or_later(world, published.releases):
        _held(_read_beside(world, release), published.digests[release.folder])
    rules = _published_in_force(world, published, world.clock())
    try:
        make_ready_beside(world, rules)
    except EngineFault as error:
        raise NotPublished((Finding(FILE, None, f"the rule engine cannot take `{rules.version}`"),)) from error
    _check_releases(world, published.releases)


def _read_beside(world: World, release: Release) -> Ruleset:
    """The rules of a release, read while others go on deciding: what is made in the memory keeps all others waiting."""
    key = ("ruleset", release.folder)
    if (known := world.memory.things.get(key)) is not None:
        return cast(Ruleset, known)
    rules = read_ruleset(release.folder, world.words)
    return world.memory.once(key, lambda: rules)


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
    if not world.settings.only_published:
        _check_releases(world, _releases(world))
        return
    refuse_unusable(world, partial(_check_published, world))
    in_force(world, world.clock())


def _check_releases(world: World, releases: tuple[Release, ...]) -> None:
    for release in _deciding_or_later(world, releases):
        rules = _read(world, release)
        for overlay in installed_overlays(world):
            if overlay.content.ruleset == rules.name and rules.version in overlay.content.ruleset_versions:
                _overlaid(world, rules, overlay)


def _deciding_or_later(world: World, releases: tuple[Release, ...]) -> Iterator[Release]:
    deciding = in_force_of(releases, world.clock())
    for release in releases:
        later = release.name == deciding.name and release.effective_from > deciding.effective_from
        if release == deciding or later:
            yield release


def installed_overlays(world: World) -> tuple[Overlay, ...]:
    """The regional overlays that this installation may use. Raises BadData."""
    return world.memory.once("overlays", lambda: overlays(world.settings.rulesets))


def evaluators_of(world: World, rules: Ruleset) -> Evaluators:
    """Both evaluators for `rules`; those that were built before a fork serve after it as well, under the watch of the
    process. Raises EngineRefusal."""
    memory = world.memory if rules.region is None else world.regional
    key = _evaluators_key(rules)

    def build() -> Evaluators:
        national = _national(world, rules) if rules.region is not None else None
        return build_evaluators(rules, evaluators_of(world, national) if national is not None else None)

    if world.watch is None:
        return memory.once(key, build)
    return memory.once(("watched", *key), lambda: replace(memory.once(key, build), watch=world.watch))


def make_ready_beside(world: World, rules: Ruleset) -> None:
    """Build both evaluators for national `rules` while others go on deciding. Raises EngineRefusal."""
    key = _evaluators_key(rules)
    if key not in world.memory.things:
        built = build_evaluators(rules)
        world.memory.once(key, lambda: built)


def _evaluators_key(rules: Ruleset) -> tuple[str, str, str]:
    return ("evaluators", rules.digest, rules.vocabulary.digest)


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
