"""What a capsule looks like, and how its file is read: a file that somebody may have written to deceive."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic import Field as Limit

from routing.errors import BadInput, BadRecord, Fault, OtherSoftware
from routing.facilities.record import FacilityId
from routing.log.entry import read_entry
from routing.log.proof import LogForm, PlaceForm, Strict
from routing.strictjson import NotJson, parse

CAPSULE_VERSION = 1
BYTES_MOST = 64 * 1024 * 1024
"""A file that is larger is no capsule."""

LEVELS_MOST = 40
"""Rules are the deepest part of a capsule, with about half as many levels."""

Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ToldForm(Strict):
    """A field of a record with its salt (base64)."""

    path: str = Limit(max_length=200)
    salt: str = Limit(max_length=24)
    value: Any


class WithheldForm(Strict):
    """A field that is not told: what stands for it in the log (base64)."""

    withheld: str = Limit(max_length=44)


class EntryForm(Strict):
    """An entry of a log in its exact bytes, where it stands, and its record: the fields that are told in the order of
    their paths, then what stands for the others in an order that says nothing. `record` is None where there is none, or
    none any more."""

    entry: str = Limit(max_length=20_000)
    place: PlaceForm
    record: list[ToldForm | WithheldForm] | None


class FactsForm(Strict):
    """What was known of one place."""

    profile: dict[str, Any]
    status: list[dict[str, Any]]


class PlacesForm(Strict):
    """The public holidays, the facts of the places that mattered, and the digests of all others."""

    holidays: list[Day]
    facts: dict[FacilityId, FactsForm]
    others: dict[FacilityId, Hex]


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

    @model_validator(mode="after")
    def _together(self) -> CapsuleForm:
        # otherwise leaving out the rules would hide that deciding again gives something else
        without = [part is None for part in (self.vocabulary, self.ruleset, self.places)]
        if any(gone != (self.decision.record is None) for gone in without):
            raise ValueError("vocabulary, ruleset and places are there if the record of the decision is")
        return self


def read_capsule(data: bytes) -> CapsuleForm:
    """The capsule in `data`. Raises BadInput if it is none, is cut off or was damaged beyond reading; OtherSoftware if
    its version, or that of an entry in it, is not known."""
    if len(data) > BYTES_MOST:
        raise _not_a_capsule("is larger than any capsule")
    try:
        found = parse(data, LEVELS_MOST)
    except NotJson as error:
        why = error.faults[0].message
        raise _not_a_capsule(f"is not one whole JSON document, but cut off, damaged or something else: {why}") from None
    if not isinstance(found, dict) or "capsule" not in found:
        raise _not_a_capsule("is no capsule")
    version = found["capsule"]
    if version != CAPSULE_VERSION:
        raise OtherSoftware(f"capsules of version {ascii(version)[:20]} are not known here")
    try:
        capsule = CapsuleForm.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise _not_a_capsule(f"is not as a capsule must be, at `{where[:100] or 'the whole'}`") from None
    _check_entries(capsule)
    return capsule


def _check_entries(capsule: CapsuleForm) -> None:
    """Raises OtherSoftware for an entry that newer software wrote: nothing is wrong with it, and nothing is proven."""
    for form in (capsule.decision, *capsule.others):
        try:
            read_entry(form.entry.encode())
        except BadRecord:
            continue  # that is for `verify` to say


def _not_a_capsule(message: str) -> BadInput:
    harmless = "".join(each if each.isprintable() else "�" for each in message)
    return BadInput((Fault("capsule", "not_a_capsule", harmless, None, "a file of `wegwijs log export`"),))
