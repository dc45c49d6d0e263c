"""The commands about what became of decisions: what is overruled and why, and one decision as a worked case."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from routing import reports, service
from routing.case_writing import Written, added_to, wanted_case_of, worked_case_of
from routing.errors import bad_input
from routing.log.canonical import plain
from routing.outcomes import standing_of
from routing.overrules import FEW, LEAST, most_overridden
from routing.packaged import Desk, packaged_directory, rules_in, ruleset_folders
from routing.rules.evaluation import build_evaluators
from routing.rules.overlay import overlay_folders
from routing.terminal import (
    DOES_NOT_HOLD,
    FINE,
    add_command,
    add_json_option,
    add_user_option,
    auditor_here,
    moment_of,
    opened_world,
    say,
    show,
)
from routing.vocabulary import Text
from routing.world import World

RULES_MOST = 20
PARTS_MOST = 5
PLACES_MOST = 15

_PARTS = (
    ("by_reason", "why"),
    ("by_chosen", "instead"),
    ("by_urgency", "urgency"),
    ("by_block", "when"),
    ("by_region", "region"),
    ("by_recommended", "advised"),
    ("by_ruleset", "version"),
)


def add_overrules_command(commands: Any) -> None:
    """`wegwijs overrules`."""
    text = (
        "Say which rules get overruled, where, when and why: of every rule that fired, in how many decisions somebody "
        "decided otherwise. A decision without an outcome counts for neither side. A rule that fired need not be the "
        f"reason: hold its share against that of all decisions. Of fewer than {LEAST} decisions no share is given, and "
        f"within a rule fewer than {FEW} are not told apart: they could be somebody. "
        "Also: patients who arrived where there was a stop, or where they were refused. Nothing is said of persons."
    )
    example = "wegwijs overrules --since 2026-11-01T00:00:00+01:00 --region utrecht"
    made = add_command(commands, "overrules", _overrules, text, example)
    made.add_argument("--since", metavar="TIME", help="from this moment, with offset (default: 31 days before the end)")
    made.add_argument("--until", metavar="TIME", help="up to this moment, with offset (default: now)")
    made.add_argument("--rule", help="only this rule, with or without the name of its ruleset")
    made.add_argument("--region", help="only decisions in this region, by name or like hollands-midden")
    add_json_option(made)


def _overrules(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = reports.overrules(
            world,
            since=moment_of("--since", arguments.since),
            until=moment_of("--until", arguments.until),
            rule=arguments.rule,
            region=arguments.region,
            progress=_progress,
        )
    if arguments.json:
        show(found)
    else:
        sys.stdout.write("\n".join(_overrules_lines(found)) + "\n")
    return DOES_NOT_HOLD if found["damaged"] else FINE


def _progress(done: int, count: int) -> None:
    if done % 5_000 < reports.PAGE or done == count:
        say(f"{done} of {count} decisions")


def _overrules_lines(found: Mapping[str, Any]) -> Iterator[str]:
    period, whole = found["period"], found["all"]
    where = f" in {found['region']}" if found["region"] else ""
    yield f"{found['decisions']} decisions{where} from {period['since']} to {period['until']}"
    if found["erased"]:
        yield f"{found['erased']} more were erased and cannot be counted"
    if found["damaged"]:
        yield f"{found['damaged']} more are damaged and count nowhere (see `wegwijs log verify --records`):"
        yield f"  {', '.join(found['damaged_ids'])}"
    yield f"{whole['with_outcome']} have an outcome, {whole['overridden']} were overridden{_share(whole)}"
    rows = most_overridden(found, RULES_MOST)
    for row in rows:
        yield ""
        yield f"{row['rule']}: {row['overridden']} of {row['with_outcome']} overridden{_share(row)}"
        if row["text"] is not None:
            yield f"  {row['text']['nl']}"
        for part, what in _PARTS:
            if told := _parts(row[part]):
                yield f"  {what:<8} {told}"
    left = sum(bool(row["overridden"]) for row in found["rules"]) - len(rows)
    if left:
        yield f"and {left} more rules; --json has all"
    yield from _place_lines([place for place in found["places"] if place["in_spite"] or place["refusals"]])


def _share(counts: Mapping[str, Any]) -> str:
    if counts["share"] is None:
        return f" (too few for a share: fewer than {LEAST})"
    return f" ({_percent(counts['share'])}; {_percent(counts['low'])} to {_percent(counts['high'])})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    """The values that were overridden, most first: `capacity 12, no_staff 3`."""
    told = [part for part in parts if part["overridden"] != 0 and (part["value"] is not None or len(parts) > 1)]
    words = [
        f"{_value(part['value'])} {_few(part['overridden'])}"
        + (f" of {_few(part['with_outcome'])}" if "with_outcome" in part else "")
        for part in told[:PARTS_MOST]
    ]
    return ", ".join([*words, *([f"and {len(told) - PARTS_MOST} more"] if len(told) > PARTS_MOST else [])])


def _value(value: str | None) -> str:
    return "none" if value is None else value


def _few(count: int | None) -> str:
    return f"<{FEW}" if count is None else str(count)


def _place_lines(places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not places:
        return
    yield ""
    yield "Places with a stop or a refusal (a stop asks to be spared and closes nothing: going there may be right):"
    for place in sorted(places, key=lambda each: (-each["in_spite"], -each["refusals"], each["place"]))[:PLACES_MOST]:
        arrived = f"{place['in_spite']} of {place['arrivals']} arrivals in spite of it"
        yield f"  {place['place']}: {arrived}{_reasons(place['in_spite_for'])}"
        if place["refusals"]:
            yield f"    refused {place['refusals']}{_reasons(place['refused_for'])}"
    if len(places) > PLACES_MOST:
        yield f"  and {len(places) - PLACES_MOST} more; --json has all"


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> str:
    told = ", ".join(f"{each['reason'] or 'no reason'} {_few(each['count'])}" for each in reasons)
    return f" ({told})" if told else ""


# -- a worked case ----------------------------------------------------------------------------------------------------


def add_case_command(commands: Any) -> None:
    """`wegwijs rules case`."""
    text = (
        "Turn a logged decision into a worked case for a ruleset, without anything of the patient: no reference, a "
        "fixed town of the region, a fixed moment, times rounded, a round age, and the rest as far as the answer hangs "
        "on it. Says what was changed, and runs the case. Look at it all the same: rare findings can point to somebody."
    )
    example = "wegwijs rules case 0198... --ruleset ./my-ruleset --write ./my-ruleset/cases/from-the-log.yaml"
    made = add_command(commands, "case", _case, text, example)
    made.add_argument("decision", metavar="ID", help="the id of the decision")
    help_text = "folder of a ruleset, or of a region's agreements, that the case is for (default: the packaged one)"
    made.add_argument("--ruleset", type=Path, metavar="PATH", help=help_text)
    made.add_argument("--name", metavar="TEXT", help="what the case says, as a sentence; nothing about the patient")
    made.add_argument("--name-en", metavar="TEXT", help="the same in English")
    help_text = "expect what was decided instead of what was answered: such a case fails until the rules change"
    made.add_argument("--expect-outcome", action="store_true", help=help_text)
    help_text = "add the case to FILE, which is made if need be; - is standard output (default)"
    made.add_argument("--write", metavar="FILE", default="-", help=help_text)
    add_user_option(made)
    add_json_option(made)


def _case(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        record = plain(service.record_of(world, arguments.decision, auditor_here(arguments, "rules case"), "read"))
        desk = _desk(world, record, arguments.ruleset)
        if arguments.expect_outcome:
            decided = standing_of(world, arguments.decision).decided
            written = wanted_case_of(record, decided, desk, _name(arguments))
        else:
            written = worked_case_of(record, desk, _name(arguments))
    for change in written.changes:
        say(change)
    _write(arguments, written, desk)
    say(_verdict(written, desk))
    return FINE if written.wanted or not written.mismatches else DOES_NOT_HOLD


def _name(arguments: argparse.Namespace) -> Text | None:
    if arguments.name is None:
        return None
    if arguments.name_en is None:
        say("the name stands there in both languages; say it in English too with --name-en")
    return Text(nl=arguments.name, en=arguments.name_en or arguments.name)


def _desk(world: World, record: Mapping[str, Any], folder: Path | None) -> Desk:
    """The rules that the case is for: those in `folder`, else the packaged ones that decided, else the newest."""
    rules = rules_in(folder if folder is not None else _deciding(record), world.words)
    if rules.digest != record["ruleset"]["digest"]:
        say(f"these are not the rules that decided: {rules.name} {rules.version}")
    return Desk(world.words, build_evaluators(rules), packaged_directory(world.words))


def _deciding(record: Mapping[str, Any]) -> Path:
    region, version = record["result"]["provenance"].get("region"), record["ruleset"]["version"]
    if region is not None:
        for folder in overlay_folders():
            if (folder.parent.name, folder.name) == (region["name"], region["version"]):
                return folder
    folders = ruleset_folders(None)
    return next((folder for folder in folders if folder.name == version), folders[-1])


def _write(arguments: argparse.Namespace, written: Written, desk: Desk) -> None:
    if arguments.json:
        show(_wire(written, desk))
    if arguments.write != "-":
        path = Path(arguments.write)
        try:
            path.write_text(added_to(path.read_text("utf-8") if path.exists() else None, written.text), "utf-8")
        except OSError as error:
            raise bad_input("--write", "unwritable", f"cannot be written: {error.strerror}", arguments.write) from error
        say(f"added to {arguments.write}")
    elif not arguments.json:
        sys.stdout.write(f"cases:\n{written.text}")


def _wire(written: Written, desk: Desk) -> dict[str, Any]:
    rules = desk.evaluators.ruleset
    return {
        "case": written.text,
        "changes": list(written.changes),
        "ruleset": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "passes": not written.mismatches,
        "mismatches": [
            {"what": each.what, "expected": each.expected, "seen": each.seen} for each in written.mismatches
        ],
    }


def _verdict(written: Written, desk: Desk) -> str:
    rules = desk.evaluators.ruleset
    about = f"{rules.name} {rules.version}"
    if not written.mismatches:
        return f"with {about} the case passes" + (": these rules decide like that already" if written.wanted else "")
    seen = "; ".join(f"{each.what}: expected {each.expected}, seen {each.seen}" for each in written.mismatches)
    return f"with {about} the case fails{', as it should' if written.wanted else ''}: {seen}"
