"""Checks one decision with nothing but its file: no server, no database, no network, and no trust in who wrote it.

A capsule holds the entry of a decision and its proof, the fields of its record as far as they are told, and the rules,
words and places with which it can be decided again. What does not hold is said, and so is what could not be checked.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
from pydantic import ConfigDict, ValidationError
from pydantic import Field as Limit

from routing.errors import BadData, BadInput, BadRecord, EngineFault, Fault, OtherSoftware
from routing.facilities.directory import Directory, read_directory
from routing.facilities.facts import combined, digest_of_facts
from routing.facilities.profile import capability_table
from routing.geography import Places, Point
from routing.log.canonical import canonical, plain
from routing.log.capsule_words import Check, say
from routing.log.commitments import Field, commitment, over_all, record_of
from routing.log.entry import read_entry
from routing.log.note import Verifier
from routing.log.proof import LogForm, PlaceForm, Signed, Strict, in_tree, read_signed
from routing.log.record import check_version, travel_of
from routing.log.replay import Difference, decided_again, differences_between
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.travel import Travel
from routing.vocabulary import Vocabulary, digest_of, vocabulary_from_source

CAPSULE_VERSION = 1
BYTES_MOST = 256 * 1024 * 1024
"""A file that is larger is no capsule."""


class ToldForm(Strict):
    """A field of a record with its salt (base64)."""

    path: str = Limit(max_length=200)
    salt: str = Limit(max_length=24)
    value: Any


class WithheldForm(Strict):
    """A field that is not told: what stands for it in the log (base64)."""

    withheld: str = Limit(max_length=44)


class EntryForm(Strict):
    """An entry of a log in its exact bytes, where it stands, and its record; `record` is None where there is none, or
    none any more."""

    entry: str
    place: PlaceForm
    record: list[ToldForm | WithheldForm] | None


class PlacesForm(Strict):
    """The public holidays, the facts of the places that mattered, and the digests of all others."""

    holidays: list[str]
    facts: dict[str, Any]
    others: dict[str, str]


class CapsuleForm(Strict):
    """The whole file. Without the record of the decision there are no rules and places either."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    capsule: int
    log: LogForm
    decision: EntryForm
    others: list[EntryForm] = Limit(max_length=10_000)
    vocabulary: dict[str, Any] | None
    ruleset: dict[str, Any] | None
    places: PlacesForm | None


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


def read_capsule(data: bytes) -> CapsuleForm:
    """The capsule in `data`. Raises BadInput if it is none, is cut off or was damaged beyond reading; OtherSoftware if
    its version is not known."""
    if len(data) > BYTES_MOST:
        raise _not_a_capsule("is larger than any capsule")
    try:
        found = orjson.loads(data)
    except ValueError:
        raise _not_a_capsule("is not a whole JSON document: it is cut off, or damaged") from None
    if not isinstance(found, dict) or "capsule" not in found:
        raise _not_a_capsule("is no capsule")
    if found["capsule"] != CAPSULE_VERSION:
        raise OtherSoftware(f"capsules of version `{str(found['capsule'])[:20]}` are not known here")
    try:
        return CapsuleForm.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise _not_a_capsule(f"is not as a capsule must be, at `{where[:100]}`") from None


def _not_a_capsule(message: str) -> BadInput:
    return BadInput((Fault("capsule", "not_a_capsule", message, None, "a file of `wegwijs log export`"),))


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
    return Verdict(tuple(checks), None if entry is None else str(entry.get("id")), differences, told)


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


def _entry(form: EntryForm, checks: list[Check]) -> Mapping[str, Any] | None:
    try:
        entry = read_entry(form.entry.encode())
    except (BadRecord, OtherSoftware, UnicodeEncodeError):
        entry = {}
    if entry.get("kind") != "decision":
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
    if over_all(map(_commitment, fields)) != commitments:
        raise BadRecord("what is told is not what stands in the log")
    told = [(field.path, field.value) for field in fields if isinstance(field, ToldForm)]
    return _Told(record_of(told), len(told) == len(fields))


def _commitment(field: ToldForm | WithheldForm) -> bytes:
    try:
        if isinstance(field, WithheldForm):
            return base64.b64decode(field.withheld, validate=True)
        salt = base64.b64decode(field.salt, validate=True)
        return commitment(Field(field.path, canonical(field.value)), salt)
    except ValueError as error:  # also what has no canonical form
        raise BadRecord("a field is not written as it must be") from error


# -- deciding again ---------------------------------------------------------------------------------------------------


def _again(capsule: CapsuleForm, entry: Mapping[str, Any], found: _Told, checks: list[Check]) -> Iterator[Difference]:
    words, rules = _rules(capsule, entry, checks)
    places = _places(capsule, entry, checks)
    if not found.whole:
        say(checks, "evaluators", None)
        say(checks, "replay", None)
        return
    if words is None or rules is None or places is None:
        return
    try:
        record = plain(canonical(found.told))
        matches = {"id": record["id"], "at": record["decided_at"], "asker": record["asker"]}
        say(checks, "same", all(entry[name] == value for name, value in matches.items()))
        again = made_again(canonical(found.told), places, words, rules)
        same = again["evaluators"] == record["evaluators"]
        say(checks, "evaluators", same, count=len(record["evaluators"]["fired"]))
        differing = differences_between(canonical(found.told), again)
    except (BadData, BadInput, BadRecord, OtherSoftware, EngineFault, *_SHAPE):
        say(checks, "replay", False, count=0)
        return
    say(checks, "replay", not differing, count=len(differing))
    yield from differing


_SHAPE = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What reading something of another shape raises: a capsule may be made to deceive."""


def made_again(record: bytes, places: KnownPlaces, words: Vocabulary, rules: Evaluators) -> dict[str, Any]:
    """The record that is made now of the case in `record`, with what is known of places. What was known of all places,
    and the times of travel, are taken over: they are checked by their digests and as fields of the record. Raises
    BadInput, BadRecord, OtherSoftware, or what reading another shape raises."""
    then = plain(record)
    check_version(then)
    again = decided_again(then, places.directory(words, then), rules, places.travel(then))
    told = orjson.loads(record)
    return {**again, **{name: told[name] for name in ("directory", "travel") if name in told}}


def _rules(
    capsule: CapsuleForm, entry: Mapping[str, Any], checks: list[Check]
) -> tuple[Vocabulary | None, Evaluators | None]:
    source, words = capsule.ruleset, capsule.vocabulary
    named = entry["ruleset"]
    if source is None or words is None:
        say(checks, "rules", None, name=named["name"], version=named["version"])
        return None, None
    fits = digest_of(source) == named["digest"] and digest_of(words) == entry["vocabulary"]
    say(checks, "rules", fits, name=named["name"], version=named["version"])
    if not fits:
        return None, None
    try:
        vocabulary = vocabulary_from_source(words)
        return vocabulary, build_evaluators(ruleset_from_source(source, vocabulary))
    except (BadData, BadInput, EngineFault, *_SHAPE):
        say(checks, "readable", None)
        return None, None


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The places of a capsule."""

    form: PlacesForm

    def directory(self, words: Vocabulary, record: Mapping[str, Any]) -> Directory:
        """The directory as far as it is known. Raises BadInput."""
        facts = self.form.facts
        document = {
            "reference_date": "2000-01",
            "holidays": self.form.holidays,
            "facilities": [each["profile"] for each in facts.values()],
            "status": {key: each["status"] for key, each in facts.items() if each["status"]},
        }
        return read_directory(document, capability_table(words), record["directory"]["revision"])

    def travel(self, record: Mapping[str, Any]) -> Callable[[Point, Places, datetime], tuple[Travel, ...]] | None:
        """The times that counted then, to the places that are known; None: worked out anew."""
        if (recorded := travel_of(record)) is None:
            return None
        ids = sorted((*self.form.facts, *self.form.others))
        known = tuple(travel for key, travel in zip(ids, recorded, strict=True) if key in self.form.facts)
        return lambda _origin, _places, _at: known


def _places(capsule: CapsuleForm, entry: Mapping[str, Any], checks: list[Check]) -> KnownPlaces | None:
    form = capsule.places
    if form is None:
        say(checks, "places", None)
        return None
    try:
        digests = {key: digest_of_facts(facts) for key, facts in form.facts.items()}
        [date.fromisoformat(day) for day in form.holidays]
        sound = not digests.keys() & form.others.keys() and all(
            facts["profile"]["id"] == key for key, facts in form.facts.items()
        )
        everything = {**form.others, **digests}
        found = combined(form.holidays, everything) if sound else ""
    except _SHAPE:
        found = ""
    if entry["directory"]["facts"] is None and found:
        say(checks, "places", None)
    else:
        say(checks, "places", found == entry["directory"]["facts"], known=len(form.facts), others=len(form.others))
        if found != entry["directory"]["facts"]:
            return None
    return KnownPlaces(form)


# -- what became of it ------------------------------------------------------------------------------------------------


def _others(capsule: CapsuleForm, entry: Mapping[str, Any] | None, signed: Signed | None, checks: list[Check]) -> None:
    """The outcomes, and the erasure if there was one."""
    held, erased = 0, False
    for form in capsule.others:
        try:
            other = read_entry(form.entry.encode())
            ok = entry is not None and other.get("decision") == entry["id"]
            ok = ok and signed is not None and in_tree(form.entry.encode(), form.place, signed.checkpoint)
            if form.record is not None:
                _told(form.record, str(other["commitments"]))
        except (BadRecord, OtherSoftware, UnicodeEncodeError, KeyError):
            ok = False
        if not ok:
            say(checks, "others", False)
            return
        held += other["kind"] == "outcome"
        erased = erased or other["kind"] == "erasure"
    if held:
        say(checks, "others", True, count=held)
    if capsule.decision.record is None:
        say(checks, "erasure", erased)
