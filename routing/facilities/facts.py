"""What was known of all places when something was decided, under one digest that can be checked place by place.

The digest of a directory is over its whole history. This one is over what counts in a decision alone, so that whoever
has the places that mattered, and only the digests of the others, can check that nothing was changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from routing.facilities.directory import Directory
from routing.facilities.profile import Facility
from routing.facilities.record import facility_record, without_fractions
from routing.facilities.status import Report, report_record

_ALL = ""


def facts_digest(directory: Directory) -> str:
    """`sha256:` and the digest of the facts of `directory`. What was worked out of a place is kept for the next
    snapshot, in which most places are the same."""
    seen = directory.digests
    if (known := seen.get(_ALL)) is not None and known[0] is directory.facilities and known[1] is directory.status:
        return str(known[2])
    digests = {place.id: _digest_of(directory, place) for place in directory.facilities}
    found = combined((day.isoformat() for day in sorted(directory.holidays)), digests)
    seen[_ALL] = (directory.facilities, directory.status, found)
    return found


def place_digests(directory: Directory) -> dict[str, str]:
    """Id of a place -> digest of its facts, in hexadecimal digits."""
    return {place.id: _digest_of(directory, place) for place in directory.facilities}


def place_facts(directory: Directory, place: Facility) -> dict[str, Any]:
    """The facts of one place: `profile` as in the directory, and `status`, what was reported of it."""
    return _facts(place, directory.status.get(place.id, ()))


def digest_of_facts(facts: Mapping[str, Any]) -> str:
    """The digest of what `place_facts` gives, also after it was written as JSON and read again."""
    plain = {**facts, "profile": without_fractions(facts["profile"])}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def combined(holidays: Iterable[str], digests: Mapping[str, str]) -> str:
    """The digest over public holidays (`2026-12-25`) and the digests of all places."""
    lines = ["wegwijs facts 1", *holidays, *(f"{key} {digests[key]}" for key in sorted(digests)), ""]
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _facts(place: Facility, reports: Iterable[Report]) -> dict[str, Any]:
    return {"profile": facility_record(place), "status": list(map(report_record, reports))}


def _digest_of(directory: Directory, place: Facility) -> str:
    seen, reports = directory.digests, directory.status.get(place.id, ())
    known = seen.get(place.id)
    if known is None or known[0] is not place or known[1] is not reports:
        known = seen[place.id] = (place, reports, digest_of_facts(_facts(place, reports)))
    return str(known[2])
