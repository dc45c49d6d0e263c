"""Checks one decision with nothing but its file: no server, no database, no network, and no trust in who wrote it.

A capsule holds the entry of a decision and its proof, the fields of its record as far as they are told, and the rules,
words and places with which it can be decided again. What does not hold is said, and so is what could not be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import orjson

from routing.errors import BadInput, BadRecord, OtherSoftware
from routing.log.canonical import canonical, plain
from routing.log.capsule_form import CapsuleForm, EntryForm, ToldForm, WithheldForm
from routing.log.capsule_form import read_capsule as read_capsule
from routing.log.capsule_places import KnownPlaces
from routing.log.capsule_words import Check, say
from routing.log.commitments import SALT_BYTES, Field, commitment, over_all, record_of
from routing.log.entry import decision_members, outcome_members, read_entry
from routing.log.note import Verifier
from routing.log.proof import Signed, in_tree, read_hash, read_signed
from routing.log.record import RECORD_VERSION, check_version
from routing.log.replay import Difference, decided_again, decision_about, differences_between
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.ruleset import Ruleset
from routing.travel import embedded, found_by, methods_of
from routing.vocabulary import Vocabulary, digest_of, vocabulary_from_source
from routing.way import leaving_at


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out of it. `decision` is the id of the decision, `differences` are those of deciding again, `record` is
    what is told of the decision."""

    checks: tuple[Check, ...]
    decision: str | None = None
    differences: tuple[Difference, ...] = ()
    record: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> Literal["verified", "failed"]:
        """`verified` if nothing failed and the entry is proven to stand in the log."""
        proven = {check.id for check in self.checks if check.ok}
        failed = any(check.ok is False for check in self.checks)
        return "verified" if not failed and {"entry", "signature", "inclusion"} <= proven else "failed"


def verify(capsule: CapsuleForm, trusted: Sequence[Verifier] = ()) -> Verdict:
    """Check everything that the capsule lets one check. Never raises for what stands in it: what cannot be checked
    because it is wrong has failed."""
    checks: list[Check] = []
    signed = _signed(capsule, trusted, checks)
    entry = _entry(capsule.decision, checks)
    _inclusion(capsule.decision, signed, checks)
    record = _record(capsule.decision, entry, checks)
    differences: tuple[Difference, ...] = ()
    if record is not None and entry is not None:
        differences = tuple(_again(capsule, entry, record, checks))
    _others(capsule, entry, signed, checks)
    told = None if record is None else record.told
    return Verdict(tuple(checks), None if entry is None else str(entry["id"]), differences, told)


# -- the log ----------------------------------------------------------------------------------------------------------


def _signed(capsule: CapsuleForm, trusted: Sequence[Verifier], checks: list[Check]) -> Signed | None:
    try:
        signed = read_signed(capsule.log, trusted)
    except (BadRecord, BadInput):
        say(checks, "signature", False)
        return None
    checkpoint = signed.checkpoint
    say(checks, "signature", True, origin=checkpoint.origin, size=checkpoint.size)
    say(checks, "key", signed.trusted, key=f"{signed.by.name}+{signed.by.key_id}")
    return signed


def _read(form: EntryForm) -> Mapping[str, Any] | None:
    try:
        return read_entry(form.entry.encode())
    except (BadRecord, OtherSoftware, UnicodeEncodeError):
        return None


def _entry(form: EntryForm, checks: list[Check]) -> Mapping[str, Any] | None:
    entry = _read(form)
    if entry is None or entry["kind"] != "decision":
        say(checks, "entry", False)
        return None
    say(checks, "entry", True, id=entry["id"], at=entry["at"])
    return entry


def _inclusion(form: EntryForm, signed: Signed | None, checks: list[Check]) -> None:
    if signed is None:
        say(checks, "inclusion", None)
        return
    ok = in_tree(form.entry.encode("utf-8", "replace"), form.place, signed.checkpoint)
    say(checks, "inclusion", ok, position=form.place.position, size=signed.checkpoint.size)


# -- the record -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a record, and whether that is all of it."""

    told: Mapping[str, Any]
    whole: bool


def _record(form: EntryForm, entry: Mapping[str, Any] | None, checks: list[Check]) -> _Told | None:
    if form.record is None:
        say(checks, "erased", None)
        return None
    if entry is None:
        say(checks, "record", None)
        return None
    try:
        told = _told(form.record, str(entry["commitments"]))
    except BadRecord as error:
        say(checks, "record", False, why=str(error))
        return None
    withheld = sum(isinstance(field, WithheldForm) for field in form.record)
    say(checks, "record", True, fields=len(form.record) - withheld)
    if withheld:
        say(checks, "withheld", None, fields=withheld)
    return told


def _told(fields: Sequence[ToldForm | WithheldForm], commitments: str) -> _Told:
    """What is told, after holding it against what stands in the log. Raises BadRecord."""
    told = [field for field in fields if isinstance(field, ToldForm)]
    paths = [field.path for field in told]
    withheld = [read_hash(field.withheld) for field in fields if isinstance(field, WithheldForm)]
    ordered = paths == sorted(paths) and withheld == sorted(withheld)
    if not ordered or not all(isinstance(field, ToldForm) for field in fields[: len(told)]):
        raise BadRecord("the fields are not in their order")
    if over_all([*map(_commitment, told), *withheld]) != commitments:
        raise BadRecord("what is told is not what stands in the log")
    return _Told(record_of((field.path, field.value) for field in told), not withheld)


def _commitment(field: ToldForm) -> bytes:
    # a salt of another length would let bytes go over from it into the path
    salt = read_hash(field.salt, SALT_BYTES)
    try:
        return commitment(Field(field.path, canonical(field.value)), salt)
    except ValueError as error:  # also what has no canonical form
        raise BadRecord("a field is not written as it must be") from error


def _agrees(
    entry: Mapping[str, Any],
    record: _Told,
    members: Callable[[Mapping[str, Any]], dict[str, Any]],
    of_entry: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> bool:
    """Whether `entry` says the same as what is told of its record; where a field is withheld there is nothing to
    contradict."""
    told = record.told if record.whole else _over(of_entry(entry), record.told)
    try:
        said = members(told)
        return canonical(said) == canonical({key: value for key, value in entry.items() if key != "commitments"})
    except _SHAPE:
        return False


def _over(start: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """`start` with what is told in its place, also within `case` and `result`."""
    inner = {
        name: {**start[name], **told[name]}
        for name in ("case", "result")
        if isinstance(start.get(name), Mapping) and isinstance(told.get(name), Mapping)
    }
    return {**start, **told, **inner}


def _decision_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a decision as far as its entry says it."""
    rules = entry["ruleset"]
    return {
        **_alike(entry),
        "decided_at": entry["at"],
        "supersedes": entry["supersedes"],
        "case": {"channel": entry["channel"]},
        "ruleset": {name: rules[name] for name in ("name", "version", "digest")},
        "vocabulary": entry["vocabulary"],
        "directory": entry["directory"],
        "result": {"provenance": {"region": rules["region"]}},
    }


def _outcome_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The record of an outcome as far as its entry says it."""
    return {**_alike(entry), "recorded_at": entry["at"], "decision": entry["decision"]}


def _alike(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: entry[name] for name in ("id", "asker", "software")}, "version": entry["record"]}


# -- deciding again ---------------------------------------------------------------------------------------------------


def _again(capsule: CapsuleForm, entry: Mapping[str, Any], found: _Told, checks: list[Check]) -> Sequence[Difference]:
    """Decide again, if everything that it takes is there and is what stands in the log."""
    say(checks, "same", _agrees(entry, found, decision_members, _decision_of))
    rules = _rules(capsule, entry, checks)
    places = _places(capsule, entry, checks)
    known = entry["record"] in range(1, RECORD_VERSION + 1)
    if not known:
        say(checks, "form", None)
    if not found.whole or rules is None or places is None or not known:
        say(checks, "evaluators", None)
        say(checks, "replay", None)
        return ()
    heard: list[Check] = []
    try:
        differing = _replay(canonical(found.told), places, rules, heard)
    except Exception:  # noqa: BLE001 - made to deceive or not, with such fields nothing can be decided
        say(checks, "decidable", False)
        say(checks, "replay", None)
        return ()
    checks.extend(heard)
    return differing


def _replay(written: bytes, places: KnownPlaces, rules: Evaluators, checks: list[Check]) -> list[Difference]:
    record = plain(written)
    again = made_again(written, places, rules)
    same = canonical(again["evaluators"]) == canonical(record["evaluators"])
    say(checks, "evaluators", same, count=len(record["evaluators"]["fired"]))
    _travel(record, places, rules, checks)
    say(checks, "reach", places.suffice(record, again, rules.ruleset))
    differing = differences_between(written, again)
    say(checks, "replay", not differing, count=len(differing))
    return differing


def made_again(record: bytes, places: KnownPlaces, rules: Evaluators) -> dict[str, Any]:
    """The record that is made now of the case in `record`, with what is known of places. What was known of all places,
    and the times of travel, are taken over: they are checked by their digests and as fields of the record. Raises
    BadInput, BadRecord, OtherSoftware, or what reading another shape raises."""
    then = plain(record)
    check_version(then)
    times = places.times(then)
    methods = () if times is None else methods_of(times[1])
    known = places.directory(rules.ruleset.vocabulary, then)
    again = decided_again(then, known, rules, places.travel(then), methods)
    told = orjson.loads(record)
    return {**again, **{name: told[name] for name in ("directory", "travel") if name in told}}


def _travel(record: Mapping[str, Any], places: KnownPlaces, rules: Evaluators, checks: list[Check]) -> None:
    """Whether the times of travel are those that come out here, where they were worked out and not asked elsewhere."""
    times = places.times(record)
    if times is None:
        say(checks, "travel", None)
        return
    known = times[0]
    directory = places.directory(rules.ruleset.vocabulary, record)
    case, decision = decision_about(record, directory, rules, places.travel(record))
    decided_at = datetime.fromisoformat(record["decided_at"])
    leaving = leaving_at(decision.triage, case, rules.ruleset.logistics, decided_at)
    found: list[bool | None] = []
    for method in methods_of(known) or {record["travel"]["method"]}:
        if (provide := embedded.WORKED_OUT.get(found_by(method))) is None:
            found.append(None)
            continue
        anew = provide((case.lat, case.lon), directory.places, leaving)
        pairs = zip(known, anew, strict=True)
        found.append(all(one[:3] == other[:3] for one, other in pairs if one.method == method))
    say(checks, "travel", False if False in found else None if None in found else True)


_SHAPE = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What reading something of another shape raises: a capsule may be made to deceive."""


def _rules(capsule: CapsuleForm, entry: Mapping[str, Any], checks: list[Check]) -> Evaluators | None:
    named, source, words = entry["ruleset"], capsule.ruleset, capsule.vocabulary
    try:
        fits = digest_of(source) == named["digest"] and digest_of(words) == entry["vocabulary"]
    except TypeError:  # too deep to be rules
        fits = False
    if not fits or source is None or words is None:
        say(checks, "rules", False, name=named["name"], version=named["version"])
        return None
    try:
        vocabulary: Vocabulary = vocabulary_from_source(words)
        rules = build_evaluators(ruleset_from_source(source, vocabulary))
    except Exception:  # noqa: BLE001 - newer rules, or what never were any
        say(checks, "readable", None, name=named["name"], version=named["version"])
        return None
    same = _name(rules.ruleset) == {name: named[name] for name in ("name", "version", "region")}
    say(checks, "rules", same, name=named["name"], version=named["version"])
    return rules if same else None


def _name(rules: Ruleset) -> dict[str, Any]:
    region = {"name": rules.region.name, "version": rules.region.version} if rules.region else None
    return {"name": rules.name, "version": rules.version, "region": region}


def _places(capsule: CapsuleForm, entry: Mapping[str, Any], checks: list[Check]) -> KnownPlaces | None:
    form, named = capsule.places, entry["directory"]["facts"]
    if form is None:
        say(checks, "places", False, known=0, others=0)
        return None
    places = KnownPlaces(form)
    try:
        found = places.digest()
    except _SHAPE:
        found = ""
    if named is None and found:  # records of version 1 say nothing that the places could be held against
        say(checks, "places", None)
        return places
    say(checks, "places", found == named, known=len(form.facts), others=len(form.others))
    return places if found == named else None


# -- what became of it ------------------------------------------------------------------------------------------------


def _others(capsule: CapsuleForm, entry: Mapping[str, Any] | None, signed: Signed | None, checks: list[Check]) -> None:
    """The outcomes, and the erasure if there was one."""
    gone = capsule.decision.record is None
    kinds = [_other(form, entry, signed, gone=gone) for form in capsule.others]
    positions = [form.place.position for form in capsule.others]
    in_order = all(before < after for before, after in pairwise(positions))
    erased, count = "erasure" in kinds, kinds.count("outcome")
    if None in kinds or not in_order or (erased and not gone):
        say(checks, "others", False)
    else:
        say(checks, "others", True if count else None, count=count)
    if gone:
        say(checks, "erasure", erased)


def _other(form: EntryForm, entry: Mapping[str, Any] | None, signed: Signed | None, *, gone: bool) -> str | None:
    """The kind of another entry about this decision; None if it does not hold. `gone`: the decision has no record (any
    more), and then an outcome has none either."""
    other = _read(form)
    if other is None or entry is None or signed is None or other.get("decision") != entry["id"]:
        return None
    if not in_tree(form.entry.encode(), form.place, signed.checkpoint):
        return None
    kind = str(other["kind"])
    if (form.record is None) != (gone or kind == "erasure"):
        return None
    if form.record is None:
        return kind
    try:
        told = _told(form.record, str(other["commitments"]))
    except BadRecord:
        return None
    return kind if _agrees(other, told, outcome_members, _outcome_of) else None
