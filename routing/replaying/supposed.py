"""The rules that a comparison supposes to have been in force, with what the regions agreed on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from routing.errors import BadData, OtherSoftware, bad_input
from routing.packaged import NAME_OF_RULESET
from routing.rules.agreements import OVERLAY_FILE
from routing.rules.building import read_ruleset, ruleset_from_source
from routing.rules.overlay import Overlay, is_overlay, overlay_in_force
from routing.rules.ruleset import Ruleset
from routing.rules.shapes import OverlayFile
from routing.rules_here import installed_overlays, installed_rulesets
from routing.store import database, sources
from routing.vocabulary import Vocabulary, digest_of, parse_as
from routing.world import World
from routing.yamlfile import YamlFile

ALLOWED = "the folder of a ruleset, NAME/VERSION or a digest that is known here"
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Supposed:
    """National rules, and for each region the newest agreements that fit them, whenever these take effect."""

    ruleset: Ruleset
    overlays: Mapping[str, Overlay]

    def digest(self) -> str:
        """A digest of all of it."""
        return digest_of({"ruleset": self.ruleset.digest, "overlays": _values(self)})


def supposed_rules(world: World, asked: str) -> Supposed:
    """The rules that `asked` names: a folder, `name/version`, a version, or a digest of rules that are installed or
    that decided something. Raises BadInput, BadData, BadRecord, OtherSoftware, StoreUnavailable."""
    rules = _named(world, asked)
    if rules.region is not None:
        message = f"are the rules of a region, on {rules.name}/{rules.version}: name those, regions are laid over them"
        raise bad_input("--ruleset", "regional_rules", message, asked, ALLOWED)
    regions = {overlay.region for overlay in installed_overlays(world)}
    found = {region: overlay_in_force(installed_overlays(world), region, rules, _EVER) for region in sorted(regions)}
    return Supposed(rules, {region: overlay for region, overlay in found.items() if overlay is not None})


def _named(world: World, asked: str) -> Ruleset:
    if (Path(asked) / "ruleset.yaml").is_file():
        return read_ruleset(Path(asked), world.words)
    if is_overlay(Path(asked)):
        message = "holds the agreements of a region: name the rules they lie on, regions are laid over them"
        raise bad_input("--ruleset", "regional_rules", message, asked, ALLOWED)
    name, _, version = asked.rpartition("/")
    for rules in installed_rulesets(world):
        if asked == rules.digest or (name or NAME_OF_RULESET, version) == (rules.name, rules.version):
            return rules
    with database.reading(world.engine) as connection:
        kept = sources.national_rulesets(connection, asked, name or NAME_OF_RULESET, version)
    if len(kept) > 1:
        message = f"{len(kept)} rulesets of this version have decided: name the digest of one"
        raise bad_input("--ruleset", "several", message, asked, ", ".join(sorted(kept)))
    for source in kept.values():
        return _built(source, world.words, asked)
    raise bad_input("--ruleset", "unknown_ruleset", "is not a ruleset that is known here", asked, ALLOWED)


def _built(source: Mapping[str, Any], words: Vocabulary, asked: str) -> Ruleset:
    try:
        return ruleset_from_source(source, words)
    except BadData as error:
        raise OtherSoftware(f"the ruleset `{asked}` of then does not fit the words of today:\n{error}") from error


# -- to another process -----------------------------------------------------------------------------------------------


def supposed_record(supposed: Supposed) -> dict[str, Any]:
    """`supposed` as plain values."""
    return {"ruleset": dict(supposed.ruleset.source), "overlays": _values(supposed), "digest": supposed.digest()}


def read_supposed(record: Mapping[str, Any], words: Vocabulary) -> Supposed:
    """What `supposed_record` was given. Raises OtherSoftware if it is not exactly the same here."""
    try:
        ruleset = ruleset_from_source(record["ruleset"], words)
        found = Supposed(ruleset, {region: _overlay(value) for region, value in record["overlays"].items()})
    except BadData as error:
        raise OtherSoftware(
            "another version of Wegwijs, or of its words, is installed where the work is done"
        ) from error
    if found.digest() != record["digest"]:
        raise OtherSoftware("the rules to suppose are not the same where the work is done")
    return found


def _values(supposed: Supposed) -> dict[str, Any]:
    return {region: overlay.file.value for region, overlay in sorted(supposed.overlays.items())}


def _overlay(value: Any) -> Overlay:
    file = YamlFile(OVERLAY_FILE, value, {})
    content = parse_as(OverlayFile, file)
    effective_from = datetime.fromisoformat(content.effective_from).astimezone(UTC)
    return Overlay(content.region, content.version, effective_from, file, content)
