"""The commands of the life of a ruleset: a new version, a rule taken out, a version published by two people."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from routing import authoring
from routing.cli_rules import check_folder
from routing.errors import bad_input
from routing.green_light import not_green
from routing.packaged import ruleset_folders
from routing.publishing_files import add_entry, entry_lines
from routing.rules.building import read_ruleset
from routing.rules.releases import read_release
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, moment_of, say, show
from routing.vocabulary import read_vocabulary


def add_authoring_commands(commands: Any) -> None:
    """`wegwijs rules new`, `retire` and `publish`."""
    text = (
        "Begin a new version of a ruleset in a folder of its own: a copy of the newest with its reviews and worked "
        "cases and a later moment from which it counts; or, with --empty, a ruleset of one rule to learn with."
    )
    made = add_command(commands, "new", _new, text, "wegwijs rules new acute-nl/1.5.0 --to ./my-rulesets")
    made.add_argument(
        "name", metavar="NAME/VERSION", help="its name and version; the folder is NAME/VERSION under --to"
    )
    made.add_argument("--from", dest="source", type=Path, metavar="FOLDER", help="the ruleset to begin from")
    made.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="folder of rulesets (default: this one)"
    )
    when = "from when it counts, with offset (default: a year after what it is begun from)"
    made.add_argument("--effective-from", metavar="TIME", help=when)
    made.add_argument("--empty", action="store_true", help="one rule to learn with, and two worked cases")
    add_json_option(made)

    text = (
        "Take a rule out of a version that is not published yet, with the worked cases that are about it alone, and "
        "say what is left loose. A line is added to changes.md: say there why."
    )
    example = "wegwijs rules retire general-weakness ./my-rulesets/acute-nl/1.5.0"
    made = add_command(commands, "retire", _retire, text, example)
    made.add_argument("rule", metavar="RULE", help="id of the rule")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the ruleset")
    add_json_option(made)

    text = (
        "Publish the ruleset in a folder: if check, worked cases and coverage are green and two different people stand "
        "for it, its lines are added to published.yaml beside the rulesets. What stands there is never changed. That "
        "puts nothing into force where every installed folder decides from its effective_from; a server with "
        "WEGWIJS_ONLY_PUBLISHED decides with what stands there."
    )
    example = (
        "wegwijs rules publish ./my-rulesets/acute-nl/1.5.0 --author 'A. de Boer' --approved-by 'B. Smit' "
        "--on 2026-12-01 --note 'For evaluation'"
    )
    made = add_command(commands, "publish", _publish, text, example)
    made.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the ruleset")
    made.add_argument("--author", required=True, metavar="NAME", help="who wrote it")
    made.add_argument("--approved-by", required=True, metavar="NAME", help="who approves it: somebody else")
    made.add_argument("--on", required=True, metavar="DATE", help="the day on which it is published (2026-12-01)")
    made.add_argument("--note", required=True, metavar="TEXT", help="what this version is for, and what not")
    add_json_option(made)


def _new(arguments: argparse.Namespace) -> int:
    name, version = authoring.version_of(arguments.name)
    source = arguments.source or _newest(name, arguments.to)
    folder = arguments.to / name / version
    begins = moment_of("--effective-from", arguments.effective_from)
    if arguments.empty:
        begun = authoring.begin_empty(folder, name, version, source, begins, read_vocabulary())
    else:
        begun = authoring.begin_version(folder, name, version, source, begins)
    found = check_folder(folder, run_cases=False)
    document = {
        "folder": str(folder),
        "from": str(source),
        "effective_from": begun.isoformat(),
        "errors": found.errors,
        "warnings": found.warnings,
    }
    if arguments.json:
        show(document)
    else:
        print(f"{folder}: made of {source}, counts from {begun.isoformat()} (effective_from in ruleset.yaml)")
        _print_errors(found.errors)
        print("next: write worked cases and rules, say what changed in changes.md, and `wegwijs rules check`")
    return DOES_NOT_HOLD if found.errors else FINE


def _newest(name: str, to: Path) -> Path:
    """The newest version of `name` under `to`, else of the packaged ones. Raises BadInput."""
    beside = sorted(path.parent for path in (to / name).glob("*/ruleset.yaml"))
    found = [folder for folder in beside or ruleset_folders(None) if read_release(folder).name == name or not beside]
    if not found:
        raise bad_input("NAME/VERSION", "unknown_ruleset", "there is nothing to begin from: name it with --from", name)
    return max(found, key=lambda each: [int(part) for part in read_release(each).version.split(".")])


def _retire(arguments: argparse.Namespace) -> int:
    found = authoring.retire(arguments.rule, arguments.folder, read_vocabulary())
    authoring.write_retired(arguments.rule, arguments.folder, found)
    checked = check_folder(arguments.folder, run_cases=not found.still_named)
    failing = list(dict.fromkeys(f"{one['place']}: {one['case']['nl']}" for one in checked.failures))
    document = {
        "retired": arguments.rule,
        "cases_removed": list(found.cases),
        "still_named": list(found.still_named),
        "loose": list(found.loose),
        "failing": failing,
    }
    if arguments.json:
        show(document)
        return DOES_NOT_HOLD if found.still_named or failing else FINE
    print(f"took out rule `{arguments.rule}`; say why in {authoring.CHANGES}")
    for what, lines in (
        ("worked case removed", found.cases),
        ("left loose", found.loose),
        ("still named, decide what it expects now", found.still_named),
        ("comes out otherwise now, decide what is right", failing),
    ):
        for line in lines:
            print(f"{what}: {line}")
    if found.still_named:
        print("the worked cases were not run: take the name out of these first, and then `wegwijs rules test`")
    return DOES_NOT_HOLD if found.still_named or failing else FINE


def _publish(arguments: argparse.Namespace) -> int:
    rules = read_ruleset(arguments.folder, read_vocabulary())
    authoring.refuse_published(arguments.folder, rules)
    try:
        on = date.fromisoformat(arguments.on)
    except ValueError:
        raise bad_input("--on", "wrong_type", "is not a date", arguments.on, "2026-12-01") from None
    lines = entry_lines(rules, arguments.author, arguments.approved_by, on, arguments.note)
    reasons = [*_not_tried(arguments.folder), *(each.en for each in not_green(arguments.folder, rules, on))]
    root = arguments.folder.resolve().parent.parent
    if not reasons:
        path = add_entry(root, rules, lines)
        say(f"{path}: added; {len(rules.pending)} rules are pending" if rules.pending else f"{path}: added")
    name = f"{rules.name}/{rules.version}"
    document = {
        "ruleset": name,
        "digest": rules.digest,
        "effective_from": rules.effective_from.isoformat(),
        "pending": len(rules.pending),
        "published": not reasons,
        "reasons": reasons,
        "entry": lines,
    }
    if arguments.json:
        show(document)
    elif reasons:
        print(f"{name} was not published:")
        _print_errors(reasons)
    else:
        print(lines, end="")
    return DOES_NOT_HOLD if reasons else FINE


def _not_tried(folder: Path) -> Sequence[str]:
    """What check, worked cases and coverage say that keeps the ruleset in `folder` from being published."""
    found = check_folder(folder, run_cases=True)
    failed = dict.fromkeys(f"{one['place']}: this worked case comes out otherwise" for one in found.failures)
    silent = [warning for warning in found.warnings if warning.endswith("no worked case fires it")]
    return [*found.errors, *failed, *silent]


def _print_errors(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"error: {line}")
