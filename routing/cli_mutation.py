"""The command that changes rules a little, one change at a time, and says which worked case notices."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routing.cli_difference import facts_as_record, facts_in_line
from routing.errors import bad_input
from routing.mutation.mutants import KINDS
from routing.mutation.noticing import plain_evaluators
from routing.mutation.trial import Trial, Tried, try_changes
from routing.packaged import Desk, packaged_directory, ruleset_folders
from routing.rules.building import read_ruleset
from routing.rules.releases import read_release
from routing.rules.ruleset import Ruleset
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, say, show
from routing.vocabulary import read_vocabulary
from routing.worked_cases import read_worked_cases

LEAST_PERCENT = 95.0
EVERY = 1000
"""After so many changes it is said how far it is."""


def add_mutate_command(commands: Any) -> None:
    """`wegwijs rules mutate`."""
    text = (
        "Change the rules a little, one change at a time (each limit a step to either side, each comparison turned "
        "round, each choice left out, each urgency one level off), and say which worked case notices. What no case "
        "notices is listed with a case that would. Changes that change no case are proven to, and listed apart."
    )
    made = add_command(commands, "mutate", _mutate, text, "wegwijs rules mutate ./my-ruleset --rule shock-adult")
    made.add_argument("path", nargs="?", type=Path, metavar="PATH", help="folder of a ruleset; of rulesets: the newest")
    made.add_argument("--rule", metavar="ID", help="change this rule only")
    least = f"fail if fewer changes are noticed (default: {LEAST_PERCENT:g})"
    made.add_argument("--least", type=float, default=LEAST_PERCENT, metavar="PERCENT", help=least)
    add_json_option(made)


def _mutate(arguments: argparse.Namespace) -> int:
    folder, desk = open_plain_desk(arguments.path)
    rules = desk.evaluators.ruleset
    if arguments.rule is not None and arguments.rule not in rules.by_id:
        raise bad_input("--rule", "unknown_rule", "is not a rule of this ruleset", arguments.rule)
    if not 0 <= arguments.least <= 100:
        raise bad_input("--least", "out_of_range", "is not a percentage", arguments.least, "0 to 100")
    trial = try_changes(folder, read_worked_cases(folder, desk), desk, arguments.rule, _progress)
    document = trial_as_record(trial, rules)
    if arguments.json:
        show(document)
    else:
        for line in _lines(trial, document):
            print(line)
    return DOES_NOT_HOLD if document["percent"] < arguments.least else FINE


def open_plain_desk(path: Path | None) -> tuple[Path, Desk]:
    """The newest ruleset at `path` (None: of the packaged ones), judged by the plain meaning of its rules: no engine is
    built. Raises BadData."""
    words = read_vocabulary()
    folder = max(ruleset_folders(path), key=lambda each: [int(part) for part in read_release(each).version.split(".")])
    return folder, Desk(words, plain_evaluators(read_ruleset(folder, words)), packaged_directory(words))


def _progress(tried: int, of: int) -> None:
    if tried % EVERY == 0 or tried == of:
        say(f"{tried} of {of} changes tried")


def trial_as_record(trial: Trial, rules: Ruleset) -> dict[str, Any]:
    """What came of a trial, as JSON writes it; `mutants` counts the changes that change something."""
    counted = len(trial.tried) - len(trial.equivalent)
    noticed = len(trial.noticed)
    return {
        "ruleset": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "cases": trial.cases,
        "mutants": counted,
        "noticed": noticed,
        "percent": round(100 * noticed / counted, 2) if counted else 100.0,
        "kinds": {kind: _of_kind(kind, trial) for kind in KINDS},
        "survivors": [_tried(one) for one in trial.survivors],
        "equivalent": [{**_tried(one), "reason": one.same} for one in trial.equivalent],
        "refused": trial.refused,
        "untried": list(trial.untried),
    }


def _of_kind(kind: str, trial: Trial) -> dict[str, int]:
    parts = {"noticed": trial.noticed, "survivors": trial.survivors, "equivalent": trial.equivalent}
    counts = {name: sum(one.mutant.kind == kind for one in part) for name, part in parts.items()}
    return {"mutants": counts["noticed"] + counts["survivors"], **counts}


def _tried(one: Tried) -> dict[str, Any]:
    mutant = one.mutant
    found: dict[str, Any] = {"of": mutant.of, "kind": mutant.kind, "file": mutant.file, "line": one.line}
    found |= {"was": mutant.was, "now": mutant.now}
    if one.example is not None:
        found["example"] = facts_as_record(one.example)
        found["fires"] = one.fires
    return found


def _lines(trial: Trial, document: Mapping[str, Any]) -> Iterator[str]:
    for one in trial.equivalent:
        yield f"{_place(one)}: the same for every case: {one.same}"
    for one in trial.survivors:
        yield f"{_place(one)}: no worked case notices{_example(one)}"
    for kind, about in KINDS.items():
        found = document["kinds"][kind]
        if found["mutants"]:
            yield f"{found['noticed']} of {found['mutants']} noticed: {about}"
    if trial.untried:
        yield f"not tried, because the choice of a place rests on them and no rule: {', '.join(trial.untried)}"
    same = f"{len(trial.equivalent)} more are the same for every case, {trial.refused} cannot be written"
    noticed, counted = document["noticed"], document["mutants"]
    yield f"{noticed} of {counted} changes noticed by {trial.cases} worked cases ({document['percent']:.1f}%); {same}"


def _place(one: Tried) -> str:
    mutant = one.mutant
    return f"{mutant.file}:{one.line}: `{mutant.of}`: {mutant.was} -> {mutant.now}"


def _example(one: Tried) -> str:
    if one.example is None:
        return ""
    return f"; would: {facts_in_line(one.example)} ({'fires' if one.fires else 'does not fire'} as it stands)"
