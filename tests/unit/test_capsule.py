"""A capsule is believed for nothing that it cannot prove, whatever is done to it, and says what was not checked."""

from __future__ import annotations

import base64
import copy
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import orjson
import pytest

from routing.errors import BadInput, OtherSoftware
from routing.facilities.directory import Directory
from routing.log.canonical import canonical
from routing.log.capsule import verify
from routing.log.capsule_form import BYTES_MOST, CapsuleForm, read_capsule
from routing.log.commitments import commitment, fields_of, over_all, salts
from routing.log.entry import decision_members
from routing.log.note import verifier_of, vkey
from routing.log.record import as_version_1
from tests import small_world
from tests.capsules import (
    SmallLog,
    a_signer,
    an_id,
    checked,
    erasure_of,
    found,
    leaves,
    outcome_of,
    record_of,
    record_of_version_1,
    trusted_keys,
)
from tests.small_world import CASES, EVENING

KEY = bytes(range(32))
FIRST, SECOND = a_signer(1), a_signer(2)
Capsule = dict[str, Any]


@cache
def a_log() -> SmallLog:
    """Every case of the small world, one of them with two outcomes and one erased with its outcome."""
    log = SmallLog(signers=(FIRST, SECOND))
    for number, case in enumerate(CASES.values(), 1):
        log.decision(record_of(number, **case))
    log.outcome(outcome_of(3, 101))
    log.outcome(outcome_of(3, 102, outcome="accepted"))
    log.outcome(outcome_of(1, 103))
    for position in (0, len(log.entries) - 1):
        log.records[position] = None
    log.add(erasure_of(1, 104))
    return log


SHOCK, OUTCOMES = 2, (len(CASES), len(CASES) + 1)
ERASED, ERASURE = 0, (len(CASES) + 2, len(CASES) + 3)


@cache
def written(withheld: str = "") -> bytes:
    return orjson.dumps(a_log().capsule(SHOCK, OUTCOMES, withheld.split() if withheld else ()))


def the_capsule(withheld: str = "") -> Capsule:
    made: Capsule = orjson.loads(written(withheld))
    return made


def refused_or(capsule: Any) -> dict[str, bool | None] | None:
    """The checks that failed; None if the file was refused with a clear error. Nothing else may happen."""
    try:
        verdict = checked(capsule)
    except (BadInput, OtherSoftware) as refused:
        assert str(refused).isprintable()
        assert len(str(refused)) < 500
        return None
    failed = {check.id: check.ok for check in verdict.checks if check.ok is False}
    assert (verdict.verdict == "failed") == bool(failed)
    return failed


# -- what is true verifies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, len(CASES)), ids=[*CASES][1:])
def test_a_capsule_verifies_and_decides_again(number: int) -> None:
    verdict = checked(a_log().capsule(number))
    assert verdict.verdict == "verified", verdict.checks
    assert verdict.decision == an_id(number + 1)
    held = {
        "signature",
        "entry",
        "inclusion",
        "record",
        "same",
        "rules",
        "places",
        "evaluators",
        "travel",
        "reach",
        "replay",
    }
    assert found(verdict) == {**dict.fromkeys(held, True), "key": None, "others": None}


def test_a_capsule_is_always_the_same_file() -> None:
    assert orjson.dumps(a_log().capsule(SHOCK, OUTCOMES)) == written()
    first = [check.text for check in checked(written()).checks]
    assert [check.text for check in checked(written()).checks] == first


def test_a_trusted_key_is_said_to_be_and_another_one_fails() -> None:
    for signer in (FIRST, SECOND):
        verdict = checked(written(), [vkey(verifier_of(signer))])
        assert (verdict.verdict, found(verdict)["key"]) == ("verified", True)
    verdict = checked(written(), [vkey(verifier_of(a_signer(9)))])
    assert (verdict.verdict, found(verdict)["key"]) == ("failed", False)


def test_an_older_checkpoint_is_not_vouched_for_by_a_newer_key() -> None:
    log = SmallLog(signers=(FIRST,))
    log.decision(record_of(1))
    capsule = log.capsule(0)
    capsule["log"]["keys"] = the_capsule()["log"]["keys"]
    assert verify(read_capsule(orjson.dumps(capsule)), trusted_keys(SECOND)).verdict == "failed"
    assert verify(read_capsule(orjson.dumps(capsule)), trusted_keys(FIRST)).verdict == "verified"


@pytest.mark.parametrize("withheld", ["patient", "age", "location", "times", "observations", "reference complaint"])
def test_what_is_withheld_is_counted_and_the_rest_still_checked(withheld: str) -> None:
    log = SmallLog()
    log.decision(record_of(1, **CASES["heart attack in shock"], reference="A-1", called_at="2026-11-18T13:50:00+01:00"))
    verdict = checked(log.capsule(0, withhold=withheld.split()))
    assert verdict.verdict == "verified", verdict.checks
    assert found(verdict)["replay"] is None
    assert found(verdict)["evaluators"] is None
    assert found(verdict)["withheld"] is None
    assert found(verdict)["same"] is True


def test_withholding_what_was_never_given_withholds_nothing() -> None:
    verdict = checked(a_log().capsule(SHOCK, OUTCOMES, ["reference", "complaint", "observations.avpu"]))
    assert verdict.verdict == "verified"
    assert found(verdict)["replay"] is True


def test_an_erased_decision_is_proven_to_have_been_there() -> None:
    verdict = checked(a_log().capsule(ERASED, ERASURE))
    assert verdict.verdict == "verified", verdict.checks
    assert found(verdict)["erasure"] is True
    assert found(verdict)["erased"] is None
    assert "replay" not in found(verdict)


def test_data_that_is_missing_without_an_erasure_fails() -> None:
    for others in ((), ERASURE[:1]):
        verdict = checked(a_log().capsule(ERASED, others))
        assert verdict.verdict == "failed"
        assert found(verdict)["erasure"] is False


def test_what_was_erased_can_not_be_told_as_if_it_were_there() -> None:
    log = SmallLog()
    log.decision(record_of(1))
    log.outcome(outcome_of(1, 2))
    log.add(erasure_of(1, 3))
    assert found(checked(log.capsule(0, (1, 2))))["others"] is False
    capsule = log.capsule(0, (1,))
    capsule["others"][0]["record"] = None
    assert found(checked(capsule))["others"] is False, "an outcome without its record was erased with its decision"


def test_a_record_of_version_1_is_decided_again_and_its_places_are_not_proven() -> None:
    log, places = SmallLog(), small_world.directory()
    log.decision(record_of_version_1(1, **CASES["heart attack in shock"]))
    verdict = checked(log.capsule(0, wanted=places.by_id))
    assert verdict.verdict == "verified", verdict.checks
    assert (found(verdict)["places"], found(verdict)["replay"], found(verdict)["travel"]) == (None, True, None)
    assert found(checked(log.capsule(0)))["reach"] is False, "how far the others are stands nowhere"
    withheld = checked(log.capsule(0, withhold=["location"]))
    assert (withheld.verdict, found(withheld)["replay"]) == ("verified", None)


# -- what is changed is found, and named ------------------------------------------------------------------------------

NAMED: tuple[tuple[tuple[str | int, ...], frozenset[str]], ...] = (
    (("log", "checkpoint"), frozenset({"signature"})),
    (("log", "keys"), frozenset({"signature"})),
    (("decision", "entry"), frozenset({"entry", "inclusion"})),
    (("decision", "place"), frozenset({"inclusion"})),
    (("decision", "record"), frozenset({"record"})),
    (("others",), frozenset({"others"})),
    (("vocabulary",), frozenset({"rules"})),
    (("ruleset",), frozenset({"rules"})),
    (("places",), frozenset({"places"})),
)
"""Where something was changed -> at least one of these checks says so, if the file is not refused."""


def changes(value: Any, number: int) -> Iterator[Any]:
    """Other values in the place of one; of the many that a text can become, a few that differ from leaf to leaf."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        if number % 5 == 0:
            yield from (str(value), -value - 1, value + 0.5)
    elif isinstance(value, str):
        at = number * 7919 % len(value) if value else 0
        yield value[:at] + ("A" if value[at : at + 1] != "A" else "B") + value[at + 1 :]
        if number % 5 == 0:
            yield from (value + " ", value[:-1] + ("B" if value[-1:] != "B" else "C"))
    elif value is None:
        yield "x"
    else:
        yield {"x": 1} if isinstance(value, dict) else ["x"]
    if value is not None and number % 5 == 0:
        yield None


def changed(capsule: Capsule, path: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> Capsule:
    """`capsule` with `change` made at `path`; only the parts on the way are copied."""
    made = copy.copy(capsule)
    inner: Any = made
    for step in path[:-1]:
        inner[step] = copy.copy(inner[step])
        inner = inner[step]
    change(inner, path[-1])
    return made


def put(value: Any) -> Callable[[Any, Any], None]:
    return lambda inner, step: inner.__setitem__(step, value)


def drop(inner: Any, step: Any) -> None:
    del inner[step]


def named(path: tuple[str | int, ...]) -> frozenset[str]:
    return next((checks for start, checks in NAMED if path[: len(start)] == start), frozenset())


def survives(capsule: Capsule, path: tuple[str | int, ...]) -> str | None:
    """What is wrong with how a change at `path` was taken."""
    failed = refused_or(capsule)
    if failed is None:
        return None
    if not failed:
        return f"{path}: verified"
    return None if named(path) & failed.keys() else f"{path}: found by {sorted(failed)}"


def every_leaf(withheld: str = "") -> Iterator[tuple[int, tuple[str | int, ...], Any]]:
    # of rules and words, which one digest covers, a part will do; of all else every leaf
    for number, (path, value) in enumerate(leaves(the_capsule(withheld))):
        if path[0] not in ("vocabulary", "ruleset") or number % 40 == 0:
            yield number, path, value


@pytest.mark.parametrize("withheld", ["", "patient"])
def test_one_changed_byte_is_found_and_named(withheld: str) -> None:
    capsule = the_capsule(withheld)
    wrong = [
        problem
        for number, path, value in every_leaf(withheld)
        if not withheld or path[0] in ("decision", "others")
        for other in changes(value, number)
        if (problem := survives(changed(capsule, path, put(other)), path))
    ]
    assert wrong == []


def test_a_member_that_is_left_out_is_found_and_named() -> None:
    capsule = the_capsule()
    ways = {path[:depth] for _, path, _ in every_leaf() for depth in range(1, len(path) + 1)}
    ways = {way for way in ways if way[0] not in ("vocabulary", "ruleset") or len(way) < 3}
    # whether there are more outcomes no capsule proves, and says so
    ways -= {("others", 0), ("others", 1)}
    # a key that only announces what nobody signed with yet: SECOND signed, so none here
    wrong = [problem for way in sorted(ways, key=repr) if (problem := survives(changed(capsule, way, drop), way))]
    assert wrong == []
    for number in (0, 1):
        assert found(checked(changed(capsule, ("others", number), drop)))["others"] is True


def objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict | list):
        yield path, value
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from objects(member, (*path, key))


def test_a_member_too_many_or_another_order_is_found_and_named() -> None:
    capsule, wrong = the_capsule(), []
    for number, (path, value) in enumerate(objects(capsule)):
        if path[:1] in (("vocabulary",), ("ruleset",)) and number % 40:
            continue
        others: list[Any] = []
        if isinstance(value, dict):
            others.append({**value, "x": 1})
        elif value:
            others += [[*value, value[0]], [value[-1], *value], [*value, "x"]]
            others += [value[::-1]] if value[::-1] != value else []
            others += [[value[1], value[0], *value[2:]]] if len(value) > 1 and value[0] != value[1] else []
        for other in others:
            made = changed(capsule, path, put(other)) if path else other
            wrong += [problem] if (problem := survives(made, path or ("x",))) and path else []
            assert path or refused_or(made) is None
    assert wrong == []


def test_parts_of_another_capsule_do_not_fit() -> None:
    one, other, wrong = the_capsule(), a_log().capsule(3), []
    apart = {
        path
        for path, value in objects(other)
        if path and path[0] in ("decision", "others", "places", "log") and value != _at(one, path)
    }
    fields = {path for path, value in leaves(other) if path[:2] == ("decision", "record") and value != _at(one, path)}
    for path in sorted(apart | fields, key=repr):
        if _at(one, path) is not None and path[:1] != ("others",) and path != ("decision",):
            wrong += [problem] if (problem := survives(changed(one, path, put(_at(other, path))), path)) else []
    assert wrong == []
    assert len(apart) > 60
    whole = {**one, "decision": other["decision"]}
    assert refused_or(whole) == {"others": False}, "these outcomes are of the first one"
    assert checked({**whole, "others": []}).decision == other_id(other)


def other_id(capsule: Capsule) -> str:
    found: str = orjson.loads(capsule["decision"]["entry"])["id"]
    return found


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        else:
            value = value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
    return value


def test_the_outcome_of_another_decision_does_not_belong_to_this_one() -> None:
    assert found(checked(a_log().capsule(3, OUTCOMES)))["others"] is False
    assert found(checked(a_log().capsule(3, (SHOCK,))))["others"] is False
    assert found(checked(a_log().capsule(SHOCK, (OUTCOMES[0], OUTCOMES[0]))))["others"] is False
    assert found(checked(a_log().capsule(SHOCK, OUTCOMES[::-1])))["others"] is False


# -- files that are none ----------------------------------------------------------------------------------------------


def test_a_file_that_was_cut_off_is_refused_with_a_clear_error() -> None:
    data = written()
    for part in range(200):
        with pytest.raises(BadInput, match="capsule") as refused:
            read_capsule(data[: len(data) * part // 200])
        assert refused.value.faults[0].code == "not_a_capsule"


HUGE: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "another file": b'{"name":"wegwijs"}',
    "text": b"wegwijs",
    "not UTF-8": b'{"capsule":1,"x":"\xff"}',
    "a lone surrogate": b'{"capsule":1,"x":"\\ud800"}',
    "not a number": b'{"capsule":1,"x":NaN}',
    "a number without end": b'{"capsule":1,"x":1e999}',
    "a number with many digits": b'{"capsule":1,"x":' + b"9" * 5_000 + b"}",
    "nested deeply": b'{"capsule":1,"x":' + b"[" * 900 + b"]" * 900 + b"}",
    "nested more deeply": b'{"capsule":1,"x":' + b"[" * 200_000,
    "its version nested": b'{"capsule":' + b"[" * 900 + b"]" * 900 + b"}",
    "spaces": b" " * 100_000_000,
    "spaces within the limit": b" " * (BYTES_MOST - 1),
    "twice": written() * 2,
    "a member twice": written().replace(b'{"capsule":1,', b'{"capsule":1,"capsule":1,', 1),
    "a member twice deep inside": written().replace(b'"proof":', b'"proof":[],"proof":', 1),
}


@pytest.mark.parametrize("what", HUGE)
def test_what_is_no_capsule_is_refused_at_once(what: str) -> None:
    began = time.thread_time()
    with pytest.raises((BadInput, OtherSoftware)):
        read_capsule(HUGE[what])
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("version", [2, 0, "1", None, 1e9, [1], {"a": 1}])
def test_a_capsule_of_another_version_is_of_other_software(version: Any) -> None:
    with pytest.raises(OtherSoftware, match="capsules of version"):
        read_capsule(orjson.dumps({**the_capsule(), "capsule": version}))


def test_an_entry_of_newer_software_is_not_called_wrong() -> None:
    for way in (("decision",), ("others", 0)):
        capsule = the_capsule()
        form = _at(capsule, way)
        form["entry"] = canonical({**orjson.loads(form["entry"]), "version": 2}).decode()
        with pytest.raises(OtherSoftware, match="entries of version 2"):
            read_capsule(orjson.dumps(capsule))


# -- logs that lie: whoever holds the key may write what they like, and must not be believed for it --------------------


def lying(record: dict[str, Any], entry: Callable[[dict[str, Any]], None] = lambda _entry: None) -> SmallLog:
    """A log with one decision of which the entry was changed before it was signed."""
    log, fields = SmallLog(), fields_of(orjson.loads(canonical(record)))
    members = decision_members(orjson.loads(canonical(record)))
    commitments = over_all(map(commitment, fields, salts(KEY, len(fields))))
    made: dict[str, Any] = orjson.loads(canonical({**members, "commitments": commitments}))
    entry(made)
    log.add(canonical(made), record, KEY)
    return log


LIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another moment": lambda entry: entry.update(at="2026-11-18T15:00:00+01:00"),
    "another id": lambda entry: entry.update(id=an_id(9)),
    "another asker": lambda entry: entry.update(asker={}),
    "other software": lambda entry: entry.update(software="wegwijs 9"),
    "another channel": lambda entry: entry.update(channel="ambulance"),
    "another decision before it": lambda entry: entry.update(supersedes=an_id(8)),
    "another revision": lambda entry: entry["directory"].update(revision=9),
    "another directory": lambda entry: entry["directory"].update(digest=f"sha256:{'0' * 64}"),
    "another form": lambda entry: entry.update(record=1),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_entry_that_says_something_else_than_its_record_is_found(lie: str) -> None:
    log = lying(record_of(1, **CASES["heart attack in shock"]), LIES[lie])
    assert found(checked(log.capsule(0)))["same"] is False
    partly = found(checked(log.capsule(0, withhold=["observations"])))
    # a case of which the channel is not told may have one
    assert partly["same"] is (None if lie == "" else lie == "another channel")


def test_the_rules_are_called_what_they_are_called_in_the_log() -> None:
    log = lying(record_of(1), lambda entry: entry["ruleset"].update(version="9.9.9"))
    for withhold in ((), ("patient",)):
        assert found(checked(log.capsule(0, withhold=withhold)))["rules"] is False


def test_a_record_of_a_form_that_is_not_known_is_not_called_wrong() -> None:
    record = {**record_of(1), "version": 3}
    verdict = checked(lying(record).capsule(0))
    assert (verdict.verdict, found(verdict)["form"], found(verdict)["replay"]) == ("verified", None, None)


def other_answers() -> Iterator[tuple[str, dict[str, Any]]]:
    record: dict[str, Any] = orjson.loads(canonical(record_of(1, **CASES["heart attack in shock"])))
    for number, (path, value) in enumerate(leaves(record)):
        if path[0] == "case" or number % 3:
            continue  # of another patient there may be the same answer
        if path[0] in ("id", "asker", "supersedes", "version", "vocabulary", "ruleset", "decided_at", "software"):
            continue  # those the entry says as well
        if path[0] == "directory" or path[:3] == ("result", "provenance", "software"):
            continue
        other = changed(record, path, put(next(changes(value, 1))))
        yield ".".join(map(str, path)), other
    yield "one more", {**record, "more": 1}
    yield "without an answer", {**record, "result": {"provenance": record["result"]["provenance"]}}
    yield "nothing found", {**record, "evaluators": {}}


def test_an_answer_that_the_rules_do_not_give_is_found() -> None:
    believed = [
        what
        for what, record in other_answers()
        if checked(lying(record).capsule(0, wanted=small_world.directory().by_id)).verdict == "verified"
    ]
    assert believed == []


def test_times_of_travel_that_were_made_up_are_found() -> None:
    record = record_of(1, **CASES["heart attack in shock"])
    minutes = [*record["travel"]["minutes"]]
    record["travel"] = {**record["travel"], "minutes": [*minutes[:-3], *(each + 1 for each in minutes[-3:])]}
    verdict = checked(lying(record).capsule(0, wanted=small_world.directory().by_id))
    assert found(verdict)["travel"] is False


def without(directory: Directory, *ids: str) -> Directory:
    return small_world.directory_of(*(p for p in small_world_records() if p["id"] not in ids))


def small_world_records() -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = orjson.loads(small_world._DIRECTORY)["facilities"]
    return places


def test_a_place_within_reach_can_not_be_kept_out_of_sight() -> None:
    """Decided as if the nearest hospital were not there, while the log says that it was."""
    everything = small_world.directory()
    honest, blind = record_of(1), record_of(1, places=without(everything, "near-hospital"))
    blind["directory"], blind["travel"] = honest["directory"], honest["travel"]
    log = lying(blind)
    hidden = log.capsule(0, wanted=[key for key in everything.by_id if key != "near-hospital"])
    assert found(checked(hidden))["reach"] is False
    shown = log.capsule(0, wanted=everything.by_id)
    assert found(checked(shown))["replay"] is False


@pytest.mark.parametrize("name", ["decimal", "minutes", "case", "travel", "depth", "times"])
def test_a_record_that_was_never_one_is_no_crash(name: str) -> None:
    record: dict[str, Any] = orjson.loads(canonical(record_of(1, **CASES["heart attack in shock"])))
    if name == "decimal":
        record["case"]["observations"]["temperature"] = {"decimal": "9" * 300 + ".5"}
    elif name == "minutes":
        record["travel"]["minutes"] = [2**53 - 1] * len(record["travel"]["minutes"])
    elif name == "case":
        record["case"] = {"channel": None, "patient": [], "location": 5}
    elif name == "travel":
        record["travel"] = {"method": 1, "minutes": "many"}
    elif name == "depth":
        record["result"]["needs"] = orjson.loads(b"[" * 30 + b"]" * 30)
    else:
        record["directory"]["reserved"] = {"near-hospital": {"seh": ["never"]}}
    verdict = checked(lying(record).capsule(0, wanted=small_world.directory().by_id))
    assert verdict.verdict == "failed"
    assert {"decidable", "replay", "evaluators", "travel"} & {check.id for check in verdict.checks if check.ok is False}


def test_words_of_a_capsule_can_not_write_elsewhere_on_the_screen() -> None:
    from routing.cli_log import _as_text

    capsule = the_capsule()
    capsule["decision"]["record"][0]["path"] = "\u001b[2J\u202evoila\r"
    text = _as_text(checked(capsule), "en")
    assert all(line.isprintable() for line in text.split("\n"))


# -- withheld is withheld ---------------------------------------------------------------------------------------------

FULL: dict[str, Any] = {
    "reference": "ZCC-4711",
    "patient": {"age_years": 81, "sex": "female"},
    "location": {"lat": 52.03771, "lon": 5.01973},
    "channel": "ambulance",
    "transport": "ambulance",
    "complaint": "wound",
    "called_at": "2026-11-18T19:17:00+01:00",
    "assessed_at": "2026-11-18T19:43:00+01:00",
    "known_at": ["near-hospital"],
    "observations": {
        "ecg_st_elevation": True,
        "facial_droop": True,
        "systolic_bp": 83,
        "temperature": 41.7,
        "laceration": True,
        "last_known_well_at": "2026-11-18T18:41:00+01:00",
    },
}


def told_of(withheld: str, record: dict[str, Any] | None = None) -> dict[str, Any]:
    log = SmallLog()
    log.decision(record or record_of(1, EVENING, **FULL))
    log.outcome(outcome_of(1, 2, at="2026-11-18T20:41:00+01:00"))
    capsule = log.capsule(0, (1,), withheld.split())
    assert checked(capsule).verdict == "verified"
    told = {each["path"]: each["value"] for each in capsule["decision"]["record"] if "path" in each}
    return {
        **told,
        "outcome": {each["path"]: each["value"] for each in capsule["others"][0]["record"] if "path" in each},
    }


def texts_of(told: Any) -> str:
    return re.sub("[0-9a-f]{64}", "", orjson.dumps(told).decode())  # the digits of a digest may be any


def test_where_the_patient_is_can_not_be_told_from_the_rest() -> None:
    told = texts_of(told_of("location"))
    whole = told_of("")
    record = record_of(1, EVENING, **FULL)
    for mark in (
        "52.0377",
        "5.0197",
        '"known_at"',
        '"travel":{',
        '"arrival_at"',
        '"low"',
        '"high"',
        "minuten sneller",
        "minutes away",
        "minutes sooner",
    ):
        assert mark not in told, mark
    assert texts_of(whole) != told
    assert record["result"]["recommendation"]["facility"]["id"] in told, "the place that is recommended is the decision"


def test_how_old_the_patient_is_can_not_be_told_from_the_rest() -> None:
    told = told_of("age")
    assert not [path for path in told if path.startswith(("result.alternatives", "result.ruled_out", "evaluators"))]
    assert "/selection/" not in texts_of(told), "a place for children says that this was an adult"
    assert "texts" not in told


def test_since_when_can_not_be_told_from_clocks_that_ran() -> None:
    for withheld in ("times", "observations", "observations.last_known_well_at"):
        told = texts_of(told_of(withheld))
        for mark in ('"elapsed_minutes"', '"margin_minutes"', "minutes_since", '"arrival_at"'):
            assert mark not in told, (withheld, mark)


@pytest.mark.parametrize(
    ("withheld", "marks"),
    [
        ("observations", ("ecg_st", "facial_droop", "systolic_bp", "83", "41.7", "heart-attack", "low-pressure")),
        ("observations.systolic_bp", ("systolic_bp", "83", "low-pressure", '"evaluators"')),
        ("observations.facial_droop", ("facial_droop", "small/stroke", "open_questions")),
        ("sex", ("female", '"evaluators"')),
        ("complaint", ("wound",)),
        ("reference", ("4711",)),
        ("patient", ("4711", "81", "female", "52.03", "known_at", "small/", "channel", "because\":{\"")),
    ],
)  # fmt: skip
def test_what_is_withheld_stands_nowhere(withheld: str, marks: tuple[str, ...]) -> None:
    told = texts_of(told_of(withheld))
    assert [mark for mark in marks if mark in told] == []


def test_a_record_of_version_1_withholds_its_reasons_too() -> None:
    record = as_version_1(record_of(1, EVENING, **FULL))
    told = texts_of(told_of("observations", record))
    for mark in ("because", "systolic_bp", "83", "41.7", "minutes"):
        assert mark not in told
    assert '"rule"' not in texts_of(told_of("location", record))


def test_other_patients_who_were_sent_somewhere_do_not_tell_where_this_one_is() -> None:
    record = record_of(1, EVENING, **FULL)
    record["directory"] = {**record["directory"], "reserved": {"near-hospital": {"seh": ["2026-11-18T19:55:00+01:00"]}}}
    for withheld in ("location", "age"):
        told = texts_of(told_of(withheld, record))
        assert "reserved" not in told
        assert "19:55" not in told
    assert "reserved" in texts_of(told_of("reference", record))


def test_what_became_of_it_is_told_in_codes_where_anything_is_withheld() -> None:
    assert told_of("reference")["outcome"].keys() & {"comment", "at"} == set()
    assert told_of("")["outcome"]["comment"] == "an aunt said 112"


def test_where_a_withheld_field_stood_is_not_told() -> None:
    for withheld in ("observations.systolic_bp", "sex"):
        log = SmallLog()
        log.decision(record_of(1, EVENING, **FULL))
        fields = log.capsule(0, (), [withheld])["decision"]["record"]
        kinds = ["path" in field for field in fields]
        assert kinds == sorted(kinds, reverse=True)
        hidden = [field["withheld"] for field in fields if "withheld" in field]
        assert len(hidden) > 1


def test_only_a_fact_by_its_own_id_can_be_withheld() -> None:
    for name in ("observations.hr", "observations.", "observations", "everything", "case.patient", "observations.x.y"):
        if name == "observations":
            continue
        with pytest.raises(BadInput, match="cannot be withheld"):
            told_of(name)


# -- ways around the salts --------------------------------------------------------------------------------------------


def first_told(capsule: Capsule) -> dict[str, Any]:
    field: dict[str, Any] = capsule["decision"]["record"][0]
    return field


def test_no_byte_goes_over_from_the_salt_into_the_path() -> None:
    for count in (1, 2):
        capsule = the_capsule()
        field = first_told(capsule)
        salt = base64.b64decode(field["salt"]) + field["path"][:count].encode()
        field.update(salt=base64.b64encode(salt).decode(), path=field["path"][count:])
        assert found(checked(capsule))["record"] is False


def test_more_fields_can_not_be_called_withheld_than_are() -> None:
    capsule = the_capsule("patient")
    fields = capsule["decision"]["record"]
    for extra in ([{"withheld": ""}], [{"withheld": "AA=="}]):
        assert (
            found(checked({**capsule, "decision": {**capsule["decision"], "record": [*fields, *extra]}}))["record"]
            is False
        )
    told = [field for field in fields if "path" in field]
    joined = b"".join(base64.b64decode(field["withheld"]) for field in fields if "withheld" in field)
    for cut in (31, 33):
        parts = [joined[:cut], *(joined[at : at + 32] for at in range(cut, len(joined), 32))]
        again = [*told, *({"withheld": base64.b64encode(part).decode()} for part in parts)]
        assert refused_or({**capsule, "decision": {**capsule["decision"], "record": again}}) in (
            None,
            {"record": False},
        )


def test_places_are_not_hidden_in_the_name_of_another_one() -> None:
    capsule = the_capsule()
    others = capsule["places"]["others"]
    (key, digest), *_ = others.items()
    day = capsule["places"]["holidays"][0]
    for made in ({f"x {digest}\n{key}": digest}, {f"{day}\n{key}": digest}, {key: f"{digest}\nx {digest}"}):
        assert refused_or({**capsule, "places": {**capsule["places"], "others": made}}) is None


def test_verify_never_raises_for_what_stands_in_a_form() -> None:
    """Also where somebody made the form without the file."""
    form = read_capsule(written())
    deep: dict[str, Any] = {}
    for _ in range(600):
        deep = {"x": deep}
    made = form.model_copy(update={"ruleset": deep})
    assert verify(made).verdict == "failed"
    assert isinstance(made, CapsuleForm)
