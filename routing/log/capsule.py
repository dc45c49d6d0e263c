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
from routing.log.commitments import Field, commitment, over_all, record_of
from routing.log.entry import read_entry
from routing.log.note import Verifier
from routing.log.proof import LogForm, PlaceForm, Signed, Strict, in_tree, read_signed
from routing.log.record import check_version, travel_of
from routing.log.replay import Difference, decided_again, differences_between
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.travel import Travel
from routing.vocabulary import Text, Vocabulary, digest_of, vocabulary_from_source

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
class Check:
    """One thing that was checked; `ok` is None where it could not be."""

    id: str
    ok: bool | None
    text: Text


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
        check_version(record)
        matches = {"id": record["id"], "at": record["decided_at"], "asker": record["asker"]}
        say(checks, "same", all(entry[name] == value for name, value in matches.items()))
        again = decided_again(record, places.directory(words, record), rules, places.travel(record))
        yield from _compared(found.told, record, again, checks)
    except (BadData, BadInput, BadRecord, OtherSoftware, EngineFault, *_SHAPE):
        say(checks, "replay", False, count=0)


_SHAPE = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What reading something of another shape raises: a capsule may be made to deceive."""


def _compared(
    told: Mapping[str, Any], record: Mapping[str, Any], again: dict[str, Any], checks: list[Check]
) -> Iterator[Difference]:
    # the places and times that were taken from the capsule are checked by their digests, and by the record
    for name in ("directory", "travel"):
        if name in record:
            again[name] = told[name]
    same = again["evaluators"] == record["evaluators"]
    say(checks, "evaluators", same, count=len(record["evaluators"]["fired"]))
    found = differences_between(canonical(told), again)
    say(checks, "replay", not found, count=len(found))
    yield from found


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
class _KnownPlaces:
    """The places of a capsule, and the ids of all places that there were."""

    form: PlacesForm
    ids: tuple[str, ...]

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
        known = tuple(travel for key, travel in zip(self.ids, recorded, strict=True) if key in self.form.facts)
        return lambda _origin, _places, _at: known


def _places(capsule: CapsuleForm, entry: Mapping[str, Any], checks: list[Check]) -> _KnownPlaces | None:
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
    return _KnownPlaces(form, tuple(sorted((*form.facts, *form.others))))


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


# -- words ------------------------------------------------------------------------------------------------------------


def say(checks: list[Check], name: str, ok: bool | None, **words: Any) -> None:
    """Add a check with what it means."""
    nl, en = _WORDS[name, ok]
    checks.append(Check(name, ok, Text(nl.format(**words), en.format(**words))))


_WORDS: Mapping[tuple[str, bool | None], tuple[str, str]] = {
    ("signature", True): (
        "De handtekening onder het logboek {origin} met {size} regels klopt.",
        "The signature under the log {origin} with {size} entries holds.",
    ),
    ("signature", False): (
        "De handtekening onder het logboek klopt niet: dit bewijst niets.",
        "The signature under the log does not hold: this proves nothing.",
    ),
    ("key", True): (
        "Getekend met {key}, een sleutel die u vertrouwt of die door zo'n sleutel is aangekondigd.",
        "Signed with {key}, a key that you trust or that was announced by one.",
    ),
    ("key", False): (
        "Getekend met {key}, en dat is geen sleutel die u vertrouwt.",
        "Signed with {key}, which is not a key that you trust.",
    ),
    ("key", None): (
        (
            "Getekend met {key}. Of dat de sleutel van dit logboek is, staat niet in dit bestand: vergelijk hem met wat de "
            "beheerder bekend heeft gemaakt (`--key`)."
        ),
        (
            "Signed with {key}. Whether that is the key of this log cannot be told from this file: hold it against what the "
            "operator made known (`--key`)."
        ),
    ),
    ("entry", True): (
        "De regel van beslissing {id} van {at} is te lezen.",
        "The entry of decision {id} of {at} can be read.",
    ),
    ("entry", False): (
        "De regel van de beslissing is niet te lezen, of is van een onbekende soort.",
        "The entry of the decision cannot be read, or is of an unknown kind.",
    ),
    ("inclusion", True): (
        "De regel staat onveranderd in het logboek, op plaats {position} van {size}.",
        "The entry stands unaltered in the log, at position {position} of {size}.",
    ),
    ("inclusion", False): (
        "De regel staat niet zo in het logboek: iets is veranderd, weggelaten of toegevoegd.",
        "The entry does not stand like this in the log: something was changed, left out or added.",
    ),
    ("inclusion", None): (
        "Of de regel in het logboek staat, is zonder handtekening niet te zeggen.",
        "Whether the entry stands in the log cannot be said without a signature.",
    ),
    ("record", True): (
        "Alle {fields} velden die worden getoond, zijn die waarmee de regel is gemaakt.",
        "All {fields} fields that are told are those of which the entry was made.",
    ),
    ("record", False): (
        "De getoonde velden zijn niet die waarmee de regel is gemaakt ({why}).",
        "The fields that are told are not those of which the entry was made ({why}).",
    ),
    ("record", None): (
        "De velden zijn zonder regel niet te controleren.",
        "The fields cannot be checked without an entry.",
    ),
    ("withheld", None): (
        "{fields} velden worden niet getoond; dat ze er waren, staat vast.",
        "{fields} fields are withheld; that they were there is certain.",
    ),
    ("erased", None): (
        "Wat over de patiënt was vastgelegd, zit er niet bij: het is gewist.",
        "What was recorded about the patient is not in it: it was erased.",
    ),
    ("erasure", True): (
        "Dat het met opzet is gewist, staat zelf in het logboek.",
        "That it was erased on purpose stands in the log itself.",
    ),
    ("erasure", False): (
        "Er is niets vastgelegd over het wissen: de gegevens ontbreken zonder uitleg.",
        "Nothing was recorded of an erasure: the data is missing without an explanation.",
    ),
    ("rules", True): (
        "De regels ({name} {version}) en de woordenlijst zijn die van toen.",
        "The rules ({name} {version}) and the vocabulary are those of then.",
    ),
    ("rules", False): (
        "De regels of de woordenlijst zijn niet die van toen ({name} {version}).",
        "The rules or the vocabulary are not those of then ({name} {version}).",
    ),
    ("rules", None): (
        "De regels ({name} {version}) zitten er niet bij.",
        "The rules ({name} {version}) are not in it.",
    ),
    ("readable", None): (
        "De regels zijn die van toen, maar deze versie van Wegwijs kan ze niet lezen: opnieuw beslissen kan hier niet.",
        "The rules are those of then, but this version of Wegwijs cannot read them: it cannot decide again.",
    ),
    ("places", True): (
        "Wat van {known} plekken bekend was, is onveranderd; van {others} andere staat alleen het kenmerk erin.",
        "What was known of {known} places is unaltered; of {others} others only the digest is in it.",
    ),
    ("places", False): (
        "Wat van de plekken wordt gezegd, is niet wat toen bekend was.",
        "What is said of the places is not what was known then.",
    ),
    ("places", None): (
        "Wat van de plekken bekend was, is niet te controleren.",
        "What was known of the places cannot be checked.",
    ),
    ("same", True): (
        "Kenmerk, moment en vrager zijn in de regel en in de velden dezelfde.",
        "Id, moment and asker are the same in the entry and in the fields.",
    ),
    ("same", False): (
        "Kenmerk, moment of vrager zijn in de regel anders dan in de velden.",
        "Id, moment or asker are different in the entry and in the fields.",
    ),
    ("evaluators", True): (
        "Beide evaluatoren noemen opnieuw dezelfde {count} regels.",
        "Both evaluators name the same {count} rules again.",
    ),
    ("evaluators", False): (
        "De evaluatoren noemen nu andere regels dan toen.",
        "The evaluators name other rules now than then.",
    ),
    ("evaluators", None): (
        "De regels zijn niet opnieuw toegepast: daarvoor zijn alle velden nodig.",
        "The rules were not applied again: that needs all fields.",
    ),
    ("replay", True): (
        "Opnieuw beslissen geeft dezelfde uitkomst, tot op de laatste byte.",
        "Deciding again gives the same answer, to the last byte.",
    ),
    ("replay", False): (
        "Opnieuw beslissen geeft iets anders ({count} verschillen).",
        "Deciding again gives something else ({count} differences).",
    ),
    ("replay", None): (
        "Er is niet opnieuw beslist: daarvoor zijn alle velden nodig.",
        "It was not decided again: that needs all fields.",
    ),
    ("others", True): (
        (
            "{count} keer is vastgelegd wat ervan werd; elke regel staat in het logboek. Of er meer zijn, bewijst dit "
            "bestand niet."
        ),
        (
            "What became of it was recorded {count} times; each entry stands in the log. Whether there are more is not "
            "proven by this file."
        ),
    ),
    ("others", False): (
        "Wat ervan werd, staat niet zo in het logboek, of hoort bij een andere beslissing.",
        "What became of it does not stand like this in the log, or belongs to another decision.",
    ),
}
