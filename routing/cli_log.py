"""The commands of the auditor: check one file, check a whole log, take a decision along, and see what signs the log."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from routing import capsules, keys_here, log_check, log_proofs
from routing.errors import bad_input
from routing.keys_here import LOGS
from routing.log.capsule import Verdict, verify
from routing.log.capsule_form import BYTES_MOST, read_capsule
from routing.log.entry import DECISIONS_LOG
from routing.log.note import read_vkey
from routing.terminal import (
    DOES_NOT_HOLD,
    FINE,
    add_command,
    add_json_option,
    add_user_option,
    auditor_here,
    opened_world,
    say,
    show,
)

_SIGNS = {True: "+", False: "!", None: "?"}


def add_verify_command(commands: Any) -> None:
    """`wegwijs verify`."""
    text = (
        "Check a decision that was exported, with nothing but its file: no server, no database, no network. Says in "
        "plain words what holds (+), what does not (!) and what could not be checked (?). Exit code 0: verified, "
        "1: something does not hold, 2: this is no capsule."
    )
    made = add_command(
        commands, "verify", _verify, text, 'wegwijs verify decision.capsule.json --key "$(cat log.vkey)"'
    )
    made.add_argument("capsule", metavar="FILE", help="a file of `wegwijs log export` or GET .../capsule, or -")
    made.add_argument(
        "--key", action="append", default=[], metavar="VKEY", help="a public key of the log that you trust"
    )
    made.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    add_json_option(made)


def add_log_commands(commands: Any) -> None:
    """The commands below `wegwijs log`."""
    text = (
        "Go through the whole log: every entry against what was signed, every checkpoint, and whether each record is "
        "there or was erased."
    )
    check = add_command(commands, "verify", _log_verify, text, "wegwijs log verify --records")
    check.add_argument("--records", action="store_true", help="also open every record and hold it against its entry")
    check.add_argument("--log", choices=LOGS, default=DECISIONS_LOG, help="which log (default: decisions)")
    add_json_option(check)
    text = "Write a decision with all that is needed to check it elsewhere: a capsule for `wegwijs verify`."
    export = add_command(commands, "export", _export, text, "wegwijs log export 0198... --output decision.capsule.json")
    export.add_argument("decision", metavar="ID", help="the id of the decision")
    names = ", ".join(capsules.WITHHELD)
    help_text = f"leave this out, may be given more than once: {names}, or observations.<fact>"
    export.add_argument("--withhold", action="append", default=[], metavar="WHAT", help=help_text)
    export.add_argument("--output", type=Path, metavar="FILE", help="write to FILE instead of standard output")
    add_user_option(export)
    text = "Show the newest checkpoint: how many entries there are, their root, and the signature."
    add_command(commands, "checkpoint", _checkpoint, text, "wegwijs log checkpoint")
    text = "Show the public keys of the log. Give them to auditors by another way than the files that they check."
    add_json_option(add_command(commands, "keys", _keys, text, "wegwijs log keys"))
    text = (
        "Sign with a new key from now on; the old one announces it. With --sealing also seal records with a new key. "
        "The file of keys changes: take it to every machine of this installation."
    )
    rotate = add_command(commands, "rotate", _rotate, text, "wegwijs log rotate")
    rotate.add_argument("--sealing", action="store_true", help="also begin to seal records with a new key")


def _verify(arguments: argparse.Namespace) -> int:
    trusted = [read_vkey(text.strip()) for text in arguments.key]
    verdict = verify(read_capsule(_read(arguments.capsule)), trusted)
    if arguments.json:
        show(_wire(verdict))
    else:
        sys.stdout.write(_as_text(verdict, arguments.language))
    return FINE if verdict.verdict == "verified" else DOES_NOT_HOLD


def _read(place: str) -> bytes:
    try:
        if place == "-":
            return sys.stdin.buffer.read(BYTES_MOST + 1)
        with Path(place).open("rb") as file:
            return file.read(BYTES_MOST + 1)
    except OSError as error:
        raise bad_input(place, "unreadable", f"cannot be read: {error.strerror}") from error


def _wire(verdict: Verdict) -> dict[str, Any]:
    checks = [{"id": check.id, "ok": check.ok, "text": check.text.wire()} for check in verdict.checks]
    return {
        "verdict": verdict.verdict,
        "decision": verdict.decision,
        "checks": checks,
        "differences": list(verdict.differences),
    }


_VERDICTS = {
    ("verified", "nl"): "GECONTROLEERD: alles wat te controleren was, klopt.",
    ("verified", "en"): "VERIFIED: everything that could be checked holds.",
    ("failed", "nl"): "KLOPT NIET: zie wat er met een ! staat.",
    ("failed", "en"): "FAILED: see what is marked with !.",
}


def _as_text(verdict: Verdict, language: str) -> str:
    lines = [_VERDICTS[verdict.verdict, language]]
    lines += [f"  {_SIGNS[check.ok]} {getattr(check.text, language)}" for check in verdict.checks]
    lines += [
        f"    {each['path']}: {str(each['then'])[:200]} -> {str(each['now'])[:200]}"
        for each in verdict.differences[:50]
    ]
    return "".join(f"{_harmless(line)}\n" for line in lines)


def _harmless(line: str) -> str:
    """`line` without anything that could write elsewhere on the screen: a capsule may be made to deceive."""
    return "".join(each if each.isprintable() else "�" for each in line)


def _log_verify(arguments: argparse.Namespace) -> int:
    began, said = time.monotonic(), 0.0

    def progress(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said > 1 and done < of:
            said = time.monotonic()
            say(f"{done} of {of} entries")

    with opened_world() as world:
        found = log_check.check_log(world, arguments.log, with_records=arguments.records, progress=progress)
    wire = {**found.wire(), "seconds": round(time.monotonic() - began, 2)}
    if arguments.json:
        show(wire)
    else:
        print("VERIFIED" if not found.count else f"FAILED: {found.count} things do not hold")
        print(f"  {found.entries} entries, {found.checkpoints} checkpoints, {found.waiting} wait for their place")
        if arguments.log == DECISIONS_LOG:
            how = "opened and held against their entries" if arguments.records else "there"
            print(f"  {found.records} records are {how}, {found.erased} were erased")
        for problem in found.problems:
            print(f"  ! {problem}")
    return FINE if not found.count else DOES_NOT_HOLD


def _export(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        asker = auditor_here(arguments, "log export")
        capsule = orjson.dumps(capsules.capsule_of(world, arguments.decision, asker, arguments.withhold))
    if arguments.output is None:
        sys.stdout.buffer.write(capsule + b"\n")
        sys.stdout.flush()
        return FINE
    try:
        arguments.output.write_bytes(capsule + b"\n")
    except OSError as error:
        raise bad_input(str(arguments.output), "unwritable", f"cannot be written: {error.strerror}") from error
    say(f"{arguments.output}: {len(capsule):,} bytes; check it with: wegwijs verify {arguments.output}")
    return FINE


def _checkpoint(_arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        sys.stdout.write(log_proofs.checkpoint(world))
    return FINE


def _keys(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        found = log_proofs.log_keys(world)
    if arguments.json:
        show(found)
    else:
        for key in found["keys"]:
            print(key["vkey"])
    return FINE


def _rotate(arguments: argparse.Namespace) -> int:
    with opened_world() as world:
        done = keys_here.rotate(world, world.clock(), signing=True, sealing=arguments.sealing)
        for line in done:
            print(line)
        say(f"take {world.settings.keys_file} to every machine of this installation")
    return FINE
