"""The command that says what differs between two versions of the rules: as they are written, and in what they mean."""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from routing import version_trials
from routing.errors import BadData
from routing.mutation.noticing import plain_evaluators
from routing.mutation.steps import steps_of
from routing.packaged import Desk, folder_of, packaged_directory, rules_in
from routing.rules.difference import Change, Difference, differences, kept_acceptances
from routing.rules.difference_in_meaning import Meaning, Region, differences_in_meaning
from routing.rules.rule import Facts, FactValue, Interval
from routing.rules.ruleset import Ruleset
from routing.terminal import FINE, add_command, add_json_option, say, show
from routing.vocabulary import URGENCIES, read_vocabulary
from routing.worked_cases import read_worked_cases

DECIDING = ("rules", "parameters", "agreements", "scores", "derived", "head")
"""The parts on which urgency, conditions and needs rest."""


def add_diff_command(commands: Any) -> None:
    """`wegwijs rules diff`."""
    text = (
        "Show what differs between two rulesets, as they are written (rules, numbers, norms, scores and the rest), and "
        "in what they mean: for each changed rule the cases in which it fires otherwise, with an example, and which "
        "worked cases of NEW get another urgency, condition or need."
    )
    made = add_command(commands, "diff", _diff, text, "wegwijs rules diff 1.0.0 ./my-ruleset")
    for name in ("old", "new"):
        made.add_argument(name, metavar=name.upper(), help="folder of a ruleset, or the version of a packaged one")
    add_json_option(made)


def _diff(arguments: argparse.Namespace) -> int:
    words = read_vocabulary()
    folder = folder_of(arguments.new)
    old, new = (rules_in(each, words) for each in (folder_of(arguments.old), folder))
    found, kept = differences(old, new), kept_acceptances(old, new)
    meanings = tuple(differences_in_meaning(old, new, steps_of(new)))
    cases = _cases(folder, old, new) if _decides(found) else None
    every = _every_case(old, new) if _decides(found) else None
    if arguments.json:
        ends = {
            name: {"name": rules.name, "version": rules.version, "digest": rules.digest}
            for name, rules in (("old", old), ("new", new))
        }
        parts = {part: _difference(one) for part, one in found.items()}
        meaning = {"meaning": [_meaning(one) for one in meanings], "worked_cases": cases, "every_case": every}
        show({**ends, **parts, **meaning, "kept_acceptances": list(kept)})
        return FINE
    for part, one in found.items():
        for line in _diff_lines(one):
            print(f"{part}: {line}")
    for line in (*_meaning_lines(meanings), *_case_lines(cases), *_every_lines(every)):
        print(line)
    counts = [
        f"{len(one.added)} added, {len(one.removed)} removed, {len(one.changed)} changed" for one in found.values()
    ]
    print(
        "; ".join(f"{part}: {count}" for (part, one), count in zip(found.items(), counts, strict=True) if one) or "same"
    )
    return FINE


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "added": [{"id": key, "new": entry} for key, entry in one.added.items()],
        "removed": [{"id": key, "old": entry} for key, entry in one.removed.items()],
        "changed": [
            {
                "id": change.id,
                "what": list(change.what),
                "old": {key: old for key, (old, _) in change.what.items()},
                "new": {key: new for key, (_, new) in change.what.items()},
            }
            for change in one.changed
        ],
    }


def _diff_lines(one: Difference) -> Iterator[str]:
    for key, entry in one.added.items():
        yield f"+ {key}{_about(entry)}"
    for key, entry in one.removed.items():
        yield f"- {key}{_about(entry)}"
    for change in one.changed:
        yield from _change_lines(change)


def _about(entry: Any) -> str:
    """The words of an entry, where it has any."""
    text = entry.get("text") or entry.get("label") if isinstance(entry, dict) else None
    return f": {text['en']}" if isinstance(text, dict) and "en" in text else ""


def _change_lines(change: Change) -> Iterator[str]:
    yield f"~ {change.id}: {', '.join(change.what)}"
    for old, new in change.what.values():
        yield f"    was {old}"
        yield f"    is  {new}"


# -- in what they mean ------------------------------------------------------------------------------------------------


def _decides(found: Mapping[str, Difference]) -> bool:
    return any(found[part] for part in DECIDING if part in found)


def _cases(folder: Path, old: Ruleset, new: Ruleset) -> dict[str, Any]:
    """What becomes of the worked cases of the new version under the old one; none are compared if they are wrong."""
    directory = packaged_directory(new.vocabulary)
    before, after = (Desk(new.vocabulary, plain_evaluators(rules), directory) for rules in (old, new))
    try:
        cases = read_worked_cases(folder, after)
    except BadData as error:
        return {"compared": 0, "wrong": [str(finding) for finding in error.findings], "otherwise": {}}
    say(f"deciding {len(cases)} worked cases by both versions")
    found = version_trials.otherwise(cases, before, after)
    return {
        "compared": len(cases),
        "wrong": [],
        "otherwise": {
            part: {
                "count": one.count,
                "example": f"{one.example.file}:{one.example.line}",
                "name": one.example.name.wire(),
                "old": one.old,
                "new": one.new,
            }
            for part, one in found.items()
        },
    }


def _every_case(old: Ruleset, new: Ruleset) -> dict[str, Any]:
    """Whether some case at all gets something else, as far as the solver is there and can say it."""
    if importlib.util.find_spec("z3") is None:
        return {"searched": False, "missing": "pip install 'wegwijs[verify]'", "questions": []}
    from routing.proving.between import between
    from routing.proving.numbers import CannotEncode

    say("asking the solver about every case that there can be")
    holidays = packaged_directory(new.vocabulary).holidays
    try:
        found = list(between(plain_evaluators(old), plain_evaluators(new), holidays, time.monotonic))
    except CannotEncode as error:
        return {"searched": False, "missing": str(error), "questions": []}
    return {"searched": True, "missing": None, "questions": [asdict(one) for one in found]}


def _every_lines(every: Mapping[str, Any] | None) -> Iterator[str]:
    if every is None:
        return
    if not every["searched"]:
        yield f"every case: not searched, which needs a solver: {every['missing']}"
    for one in every["questions"]:
        about = _PARTS[one["part"]]
        if one["verdict"] == "same":
            yield f"every case: none {about}"
        elif one["verdict"] == "undecided":
            yield f"every case: undecided whether one {about}: {one['why']}"
        else:
            yield f"every case: some case {about}, for example {json.dumps(one['case'])} at {one['at']}"
            yield f"    was {one['old']}"
            yield f"    is  {one['new']}"


_PARTS = {
    "less urgent": "becomes less urgent",
    "more urgent": "becomes more urgent",
    "conditions": "gets other conditions",
    "needs": "gets other needs",
}


def _meaning(one: Meaning) -> dict[str, Any]:
    ends = {"only_old": _region(one.only_old), "only_new": _region(one.only_new)}
    return {"id": one.rule, "same": one.same, "complete": one.complete, **ends}


def _region(region: Region | None) -> dict[str, Any] | None:
    if region is None:
        return None
    return {"written": region.written, "text": region.text.wire(), "example": facts_as_record(region.example)}


def facts_as_record(facts: Facts) -> dict[str, Any]:
    """Facts as JSON writes them: an urgency as `U2`, a number that is only known within limits as its two ends."""
    return {name: _value(name, value) for name, value in facts.items()}


def _value(name: str, value: FactValue) -> Any:
    if isinstance(value, Interval):
        return [value.low, value.high]
    return URGENCIES[value] if name == "urgency" and isinstance(value, int) else value


def facts_in_line(facts: Facts) -> str:
    """Facts on one line, as they would be written in a case."""
    return ", ".join(f"{name}: {_said(value)}" for name, value in facts_as_record(facts).items()) or "nothing said"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return f"between {value[0]:g} and {value[1]:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning_lines(found: Sequence[Meaning]) -> Iterator[str]:
    for one in found:
        if one.same:
            yield f"meaning: {one.rule}: written otherwise, fires in the same cases"
            continue
        for region, what in ((one.only_old, "fires no more"), (one.only_new, "fires now")):
            if region is not None:
                yield f"meaning: {one.rule}: {what} where {region.written}"
                yield f"    for example {facts_in_line(region.example)}"
        if not one.complete:
            yield f"meaning: {one.rule}: not all was searched; there may be more cases in which it differs"


def _case_lines(cases: Mapping[str, Any] | None) -> Iterator[str]:
    if cases is None:
        return
    if cases["wrong"]:
        yield f"worked cases: not compared, {len(cases['wrong'])} things are wrong with them: `wegwijs rules check`"
        return
    for part, one in cases["otherwise"].items():
        many = f"{one['count']} of {cases['compared']}"
        yield f"worked cases: {part} is not the same in {many}, for example {one['example']}"
        yield f"    was {one['old']}"
        yield f"    is  {one['new']}"
    if not cases["otherwise"]:
        yield f"worked cases: urgency, conditions, needs and ambulance are the same in all {cases['compared']}"
