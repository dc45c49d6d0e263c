"""What stands in the log of an entry: exactly what must, in exact bytes, and nothing of the patient."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from routing.errors import BadRecord, OtherSoftware
from routing.log.canonical import canonical, is_canonical
from routing.log.commitments import fields_of
from routing.log.entry import decision_entry, outcome_entry, read_entry
from tests.capsules import ASKER, an_id, erasure_of, outcome_of, record_of, record_of_version_1
from tests.small_world import CASES

KEY = bytes(range(32))
RECORD = record_of(1, **CASES["heart attack in shock"])


def entries() -> dict[str, bytes]:
    outcome, old = outcome_of(1, 2), record_of_version_1(3)
    return {
        "decision": decision_entry(RECORD, fields_of(RECORD), KEY),
        "decision of version 1": decision_entry(old, fields_of(old), KEY),
        "outcome": outcome_entry(outcome, fields_of(outcome), KEY),
        "erasure": erasure_of(1, 4),
    }


ENTRIES = entries()


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_canonical_and_can_be_read(name: str) -> None:
    entry = ENTRIES[name]
    assert is_canonical(entry)
    assert canonical(read_entry(entry)) == entry


def test_an_entry_says_who_when_and_with_what_it_was_decided() -> None:
    found = read_entry(ENTRIES["decision"])
    assert (found["id"], found["at"], found["asker"]) == (RECORD["id"], RECORD["decided_at"], ASKER)
    assert found["ruleset"] == {**RECORD["ruleset"], "region": None}
    assert found["directory"] == {name: RECORD["directory"][name] for name in ("revision", "digest", "facts")}
    assert read_entry(ENTRIES["outcome"])["decision"] == RECORD["id"]
    assert read_entry(ENTRIES["erasure"])["decision"] == RECORD["id"]


def test_the_first_outcomes_did_not_say_which_software_wrote_them() -> None:
    outcome = {key: value for key, value in outcome_of(1, 2).items() if key != "software"}
    assert read_entry(outcome_entry(outcome, fields_of(outcome), KEY))["software"] is None


MARKED: dict[str, Any] = {
    "reference": "ZCC-MARK-4711",
    "patient": {"age_months": 1037, "sex": "female"},
    "location": {"lat": 52.07771, "lon": 5.07773},
    "complaint": "wound",
    "called_at": "2026-11-18T13:37:17+01:00",
    "assessed_at": "2026-11-18T13:43:19+01:00",
    "known_at": ["near-hospital"],
    "note": "mevrouw Jansen-MARK",
    "observations": {
        "heart_rate": 237,
        "systolic_bp": 71,
        "temperature": 41.73,
        "burn_tbsa_percent": 93.25,
        "onset_at": "2026-11-18T11:41:23+01:00",
        "contractions": True,
        "pregnant": True,
    },
}
"""A case in which every value can be told apart from everything else."""


def marks(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from (() if name in ("patient", "location", "observations") else (name,))
            yield from marks(member)
    elif isinstance(value, list):
        for member in value:
            yield from marks(member)
    elif not isinstance(value, bool):
        yield str(value)


def test_an_entry_says_nothing_of_the_patient() -> None:
    record = record_of(1, **MARKED)
    outcome = outcome_of(1, 2, comment="dochter-MARK", destination="burn-centre")
    both = decision_entry(record, fields_of(record), KEY) + outcome_entry(outcome, fields_of(outcome), KEY)
    both = re.sub(rb"[0-9a-f]{64}", b"", both)  # the digits of a digest may be any
    told = [*marks(MARKED), "dochter-MARK", "burn-centre", "overridden", "doctor", "U1", "stemi", "obstetrics"]
    told += ["52.0", "5.07", "13:37", "12:37", "11:41", "10:41", record["result"]["recommendation"]["facility"]["id"]]
    assert [mark for mark in told if mark.encode() in both] == []


def test_two_patients_of_whom_all_is_different_have_entries_that_look_the_same() -> None:
    one, other = read_entry(ENTRIES["decision"]), record_of(1, **MARKED)
    second = read_entry(decision_entry(other, fields_of(other), KEY))
    assert {name for name in one if one[name] != second[name]} == {"commitments"}


# -- what is none -----------------------------------------------------------------------------------------------------


def other_members(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in entry:
        if name not in ("version", "kind"):
            yield {key: value for key, value in entry.items() if key != name}
    yield {**entry, "more": 1}
    for name, value in (
        ("id", "1"),
        ("id", an_id(1).upper()),
        ("id", an_id(1) + "\n"),
        ("id", "\u001b[2J"),
        ("id", None),
        ("at", "yesterday"),
        ("at", "2026-11-18T14:00:00"),
        ("at", 7),
        ("asker", []),
        ("asker", None),
        ("software", 1),
        ("version", True),
    ):
        yield {**entry, name: value}


def wrong_decisions(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in (
        ("ruleset", 5),
        ("ruleset", {}),
        ("ruleset", {**entry["ruleset"], "digest": "sha256:0"}),
        ("ruleset", {**entry["ruleset"], "name": "a\nb"}),
        ("ruleset", {**entry["ruleset"], "region": "here"}),
        ("directory", []),
        ("directory", {**entry["directory"], "revision": "3"}),
        ("directory", {**entry["directory"], "facts": 0}),
        ("vocabulary", "none"),
        ("channel", ["self"]),
        ("supersedes", ""),
        ("record", "2"),
        ("commitments", None),
        ("commitments", entry["commitments"][:-1]),
    ):
        yield {**entry, name: value}


def test_an_entry_has_exactly_the_members_that_it_must() -> None:
    wrong = [each for name in ENTRIES for each in other_members(read_entry(ENTRIES[name]))]
    wrong += wrong_decisions(read_entry(ENTRIES["decision"]))
    for each in wrong:
        with pytest.raises(BadRecord) as refused:
            read_entry(canonical(each))
        assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"version": "1"}, {"version": None}, {"kind": "merger"}, {"kind": []}]
)
def test_an_entry_of_another_version_or_kind_is_of_other_software(change: dict[str, Any]) -> None:
    with pytest.raises(OtherSoftware):
        read_entry(canonical({**read_entry(ENTRIES["decision"]), **change}))


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}"[:1],
        b"[]",
        b"null",
        b"\xff",
        ENTRIES["decision"][:-1],
        ENTRIES["decision"] + b"\n",
        b" " + ENTRIES["decision"],
        ENTRIES["decision"].replace(b'":', b'": ', 1),
        ENTRIES["decision"].replace(b"wegwijs", b"wegwi\\u006as", 1),
        ENTRIES["decision"].replace(b"{", b'{"at":"x",', 1),
        orjson.dumps(dict(reversed(read_entry(ENTRIES["decision"]).items()))),
        b"[" * 1000 + b"]" * 1000,
    ],
    ids=lambda entry: repr(entry[:12]),
)
def test_what_is_not_written_as_it_must_be_is_none(entry: bytes) -> None:
    with pytest.raises(BadRecord):
        read_entry(entry)


def test_a_number_that_would_fill_the_memory_when_written_out_is_refused_at_once() -> None:
    began = time.thread_time()
    for text in ("1E+999999999", "1e999999", "9" * 10_000 + ".5", "0." + "1" * 100_000, "NaN", "1_0.5", " 1.5"):
        assert not is_canonical(orjson.dumps({"decimal": text}))
    for value in ([0, [1], -2], 5, None, {"decimal": "1.5"}):
        assert not is_canonical(orjson.dumps({"decimal": value}))
    assert is_canonical(b'{"decimal":"38.7"}')
    assert time.thread_time() - began < 2
