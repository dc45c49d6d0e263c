"""What is published here, where only that may decide: the rulesets that `published.yaml` names with the digest of their
files.

The file is looked at again at every decision: whoever changes it changes what decides, in every process and without a
restart. Only what it says counts, and never a database. A file that cannot be used is said loudly, refuses a start, and
changes nothing in a process that runs.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from routing.errors import BadData, Finding, NotPublished
from routing.packaged import NAME_OF_RULESET, ruleset_folders
from routing.rules.building import digest_of_folder
from routing.rules.publication import FILE, Publication, changed, published_file, read_published
from routing.rules.releases import Release, read_release
from routing.world import World

TRIED_EVERY = timedelta(seconds=10)
"""A file that could not be used is tried again after so long, also if it is as it was: folders may come after it."""

log = logging.getLogger("wegwijs.rules")

Stamp = tuple[int, ...] | None
Stamps = tuple[tuple[str, Stamp], ...]
Check = Callable[["Published"], None]


@dataclass(frozen=True, slots=True)
class Published:
    """The rulesets that may decide, and under which digest the files in each folder were published."""

    releases: tuple[Release, ...]
    digests: Mapping[Path, str]


@dataclass(slots=True)
class _Seen:
    """What this process last saw of the file. One thread looks anew; the others go on with what was there before."""

    stamp: Stamp = None
    tried: datetime | None = None
    usable: Published | None = None
    fault: NotPublished | None = None
    digests: dict[Path, tuple[Stamps, str]] = field(default_factory=dict)
    """Of each folder how its files were when their digest was worked out, which takes a while."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def published_here(world: World, check: Check) -> Published:
    """What may decide here by what `published.yaml` says now, of which `check` finds nothing wrong; where it cannot be
    used, by what it said before. Raises NotPublished if it never could."""
    seen = _looked(world, check)
    if seen.usable is None:
        assert seen.fault is not None
        raise seen.fault
    return seen.usable


def refuse_unusable(world: World, check: Check) -> None:
    """Raises NotPublished if `published.yaml` cannot be used as it is now, whatever decides meanwhile."""
    if (fault := _looked(world, check).fault) is not None:
        raise fault


def _looked(world: World, check: Check) -> _Seen:
    seen = world.published.once("seen", _Seen)
    if not _to_look(world, seen, _stamp(published_file(world.settings.rulesets))):
        return seen
    if not seen.lock.acquire(blocking=seen.usable is None):
        return seen
    try:
        stamp = _stamp(published_file(world.settings.rulesets))  # before it is read: what comes later is seen later
        if _to_look(world, seen, stamp):
            _look(world, seen, check)
            seen.stamp, seen.tried = stamp, world.clock()
    finally:
        seen.lock.release()
    return seen


def _to_look(world: World, seen: _Seen, stamp: Stamp) -> bool:
    if seen.tried is None or stamp != seen.stamp:
        return True
    return seen.fault is not None and world.clock() - seen.tried >= TRIED_EVERY


def _look(world: World, seen: _Seen, check: Check) -> None:
    try:
        found = _read(world, seen)
        check(found)
    except NotPublished as error:
        seen.fault = error
    except BadData as error:
        seen.fault = NotPublished(error.findings)
    except OSError as error:  # a drive that went away, or rights that were taken
        seen.fault = _not_published(f"or a folder beside it cannot be read: {error.strerror}")
    else:
        seen.usable, seen.fault = found, None
        return
    log.error("what published.yaml says cannot be used, so it changes nothing: %s", seen.fault)


def _read(world: World, seen: _Seen) -> Published:
    """What the file and the folders say now. Raises BadData."""
    place = world.settings.rulesets
    if not published_file(place).is_file():
        raise _not_published("is not there, and only what it names may decide (WEGWIJS_ONLY_PUBLISHED)")
    published = read_published(place)
    installed = tuple(map(read_release, ruleset_folders(place)))
    world.memory.forget("releases")
    world.memory.once("releases", lambda: installed)
    found = {release: published[name] for release in installed if (name := _name(release)) in published}
    for release, publication in found.items():
        _hold(world, seen, release, publication)
    _refuse_missing(installed, published)
    return Published(tuple(found), {release.folder: each.digest for release, each in found.items()})


def _name(release: Release) -> str:
    return f"{release.name}/{release.version}"


def _hold(world: World, seen: _Seen, release: Release, publication: Publication) -> None:
    """Hold the files in a folder to the digest with which they were published, and forget what was read of others."""
    stamps = _stamps(release.folder)
    before, digest = seen.digests.get(release.folder, (None, ""))
    if stamps != before:
        digest = digest_of_folder(release.folder)
        seen.digests[release.folder] = stamps, digest
    if digest != publication.digest:
        raise NotPublished((changed(_name(release), digest, publication),))
    if (known := world.memory.things.get(("ruleset", release.folder))) is not None and known.digest != digest:
        world.memory.forget(("ruleset", release.folder))


def _refuse_missing(installed: tuple[Release, ...], published: Mapping[str, Publication]) -> None:
    """Versions that are retired may be gone; one that is newer than all that is here must not be missed silently."""
    newest = max((_numbers(each.version) for each in installed if each.name == NAME_OF_RULESET), default=[])
    for name in published:
        title, _, version = name.partition("/")
        if title == NAME_OF_RULESET and _numbers(version) > newest:
            raise _not_published(f"names `{name}`, and its folder is not here")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _not_published(message: str) -> NotPublished:
    return NotPublished((Finding(FILE, None, message),))


def _stamp(path: Path) -> Stamp:
    """What is another for another file at `path`; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  at every decision, and twice as fast as by a Path
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _stamps(folder: Path) -> Stamps:
    return tuple((str(path), _stamp(path)) for path in sorted(folder.rglob("*.y*ml")))
