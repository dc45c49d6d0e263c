"""The command that proves what holds of the rules for every case, or shows a case for which it does not."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from routing.errors import BadData, Finding, bad_input
from routing.packaged import Desk, folder_of, packaged_directory, rules_in, ruleset_folders
from routing.proving import kept
from routing.proving.properties import Properties, Property
from routing.rules.evaluation import build_evaluators
from routing.rules.ruleset import Ruleset
from routing.terminal import DOES_NOT_HOLD, FINE, add_command, add_json_option, say, show
from routing.vocabulary import Vocabulary, read_vocabulary
from routing.worked_cases import WorkedCase, read_worked_cases

if TYPE_CHECKING:
    from routing.proving.earlier import Earlier

TIMEOUT_SECONDS = 300.0


def add_proving_command(commands: Any) -> None:
    """`wegwijs rules prove`."""
    text = (
        "Prove what `properties.yaml` beside the rules says, for every case there can be, or show a case for which it "
        "does not hold. Fails if something is refuted or undecided. Needs the extra `verify`."
    )
    made = add_command(commands, "prove", _prove, text, "wegwijs rules prove ./my-ruleset --property stemi-reaches-pci")
    made.add_argument(
        "path", nargs="?", type=Path, metavar="PATH", help="folder of a ruleset (default: the newest packaged one)"
    )
    made.add_argument("--property", action="append", default=[], metavar="ID", help="only this one; may stand twice")
    made.add_argument(
        "--timeout", type=float, default=TIMEOUT_SECONDS, metavar="SECONDS",
        help="for each property; what is not decided by then is undecided (default: %(default)g)",
    )  # fmt: skip
    made.add_argument(
        "--changed-since", metavar="OLD",
        help="folder or version of a ruleset with a proof: what rests on nothing that changed is not proved again",
    )  # fmt: skip
    made.add_argument("--write", action="store_true", help="keep what came out as proof.json beside the rules")
    made.add_argument(
        "--kept",
        action="store_true",
        help="fail only if something else comes out than proof.json beside the rules says",
    )
    made.add_argument("--keep", type=Path, metavar="FILE", help="write the counterexamples as worked cases (YAML)")
    add_json_option(made)


def _prove(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("z3") is None:
        raise bad_input("rules prove", "not_installed", "needs a solver", allowed="pip install 'wegwijs[verify]'")
    if not arguments.timeout > 0:
        raise bad_input("--timeout", "out_of_range", "is a number of seconds above 0", arguments.timeout)
    words = read_vocabulary()
    folder = _folder(arguments.path)
    proof = _proved(folder, words, arguments)
    if arguments.json:
        show(proof)
    else:
        for line in _lines(proof, folder):
            print(line)
    if arguments.keep is not None:
        _keep(arguments.keep, proof)
    if arguments.write:
        say(f"wrote {kept.write(folder, proof)}")
    if arguments.kept:
        return _as_kept(folder, proof)
    return DOES_NOT_HOLD if proof["counts"]["refuted"] or proof["counts"]["undecided"] else FINE


def _folder(path: Path | None) -> Path:
    """The one ruleset at `path`, else the newest in it."""
    folders = ruleset_folders(path)
    return max(folders, key=lambda folder: [int(part) if part.isdecimal() else -1 for part in folder.name.split(".")])


def _proved(folder: Path, words: Vocabulary, arguments: argparse.Namespace) -> Mapping[str, Any]:
    from routing.proving.numbers import CannotEncode
    from routing.proving.run import proof_of, prove

    rules = rules_in(folder, words)
    properties = kept.properties_for(folder, rules)
    if properties is None:
        message = "has no `properties.yaml`, and no version before it has one: there is nothing to prove"
        raise BadData((Finding(str(folder), None, message),))
    wanted = _wanted(properties, arguments.property)
    if arguments.write and len(wanted) < len(properties.properties):
        raise bad_input("--write", "wrong_value", "keeps the proof of all properties: leave out `--property`")
    evaluators, directory = build_evaluators(rules), packaged_directory(words)
    try:
        results = prove(
            properties, wanted, evaluators, directory,
            timeout=arguments.timeout, clock=time.monotonic, say=say,
            earlier=_earlier(arguments, folder, rules, properties),
            worked=_worked(folder, Desk(words, evaluators, directory)),
        )  # fmt: skip
    except CannotEncode as error:
        raise BadData((Finding(str(folder), None, str(error)),)) from error
    return proof_of(properties, evaluators, results)


def _worked(folder: Path, desk: Desk) -> tuple[WorkedCase, ...]:
    """The worked cases beside the rules; none where they cannot be read, which the proof does not need."""
    try:
        return read_worked_cases(folder, desk)
    except BadData as error:
        say(f"the worked cases are left out: {error.findings[0]}")
        return ()


def _earlier(arguments: argparse.Namespace, proved: Path, rules: Ruleset, properties: Properties) -> Earlier:
    """What the proof of the ruleset `--changed-since` still says about `rules`; without it hints from the proof that
    lies beside them. Raises BadData, BadInput."""
    from routing.proving.earlier import earlier, hinted

    old, beside = arguments.changed_since, hinted(kept.proof_beside(proved))
    if old is None:
        return beside
    folder = folder_of(old)
    before = rules_in(folder, rules.vocabulary)
    stated, proof = kept.properties_for(folder, before), kept.proof_beside(folder)
    if stated is None or proof is None:
        raise bad_input("--changed-since", "wrong_value", f"has no {kept.PROOF} beside its rules", old)
    if (why := kept.stale(proof, before, stated)) is not None:
        raise bad_input("--changed-since", "wrong_value", f"has a stale {kept.PROOF}: {why.en}", old)
    found = earlier(before, proof, stated, rules, properties)
    return replace(found, hints={**found.hints, **beside.hints})


def _wanted(properties: Properties, names: list[str]) -> tuple[Property, ...]:
    known = {one.id: one for one in properties.properties}
    for name in names:
        if name not in known:
            raise bad_input("--property", "unknown_value", "is not a property", name, ", ".join(known))
    return tuple(one for key, one in known.items() if not names or key in names)


def _as_kept(folder: Path, proof: Mapping[str, Any]) -> int:
    before = kept.proof_beside(folder)
    if before is None:
        say(f"{folder / kept.PROOF} is not there: `wegwijs rules prove --write` makes it")
        return DOES_NOT_HOLD
    found = [*kept.differing(before, proof)]
    for part in ("ruleset", "vocabulary", "properties_digest"):
        if before.get(part) != proof[part]:
            found.append(f"{kept.PROOF} is stale: `{part}` differs")
    for line in found:
        say(line)
    return DOES_NOT_HOLD if found else FINE


def _keep(path: Path, proof: Mapping[str, Any]) -> None:
    """The counterexamples as worked cases: with what comes out now, which is what somebody has to judge."""
    cases = []
    for one in proof["properties"]:
        for found in filter(None, [one["counterexample"], *one.get("counterexamples", [])]):
            fires = found.get("fires", [])
            expect = {
                "urgency": found["urgency"],
                **({"fires": [found["about"]]} if found.get("about") in fires else {}),
            }
            cases.append({"name": found["text"], "at": found["at"], "given": found["case"], "expect": expect})
            if "after" in found:
                name = {"nl": f"{found['text']['nl']} Daarna.", "en": f"{found['text']['en']} After."}
                expect = {"urgency": found["urgency_after"]}
                cases.append({"name": name, "at": found["at"], "given": found["after"], "expect": expect})
    with path.open("w", encoding="utf-8") as file:
        file.write("# Counterexamples of `wegwijs rules prove`: what comes out now, for a clinician to judge.\n")
        yaml.safe_dump({"cases": cases}, file, allow_unicode=True, sort_keys=False)
    say(f"wrote {len(cases)} worked cases to {path}")


def _to_run(case: Mapping[str, Any], at: str, urgency: str, folder: Path) -> Iterator[str]:
    """What shows that `case` comes out as `urgency`: two lines for a shell."""
    written = json.dumps(case, ensure_ascii=False).replace("'", "'\\''")
    yield f"             {urgency}: echo '{written}' |"
    yield f"                 wegwijs decide - --at {at} --ruleset {shlex.quote(str(folder))}"


def _lines(proof: Mapping[str, Any], folder: Path) -> Iterator[str]:
    for one in proof["properties"]:
        yield f"{one['verdict'].upper():9}  {one['id']}  ({one['how']}, {one['seconds']:.1f} s)"
        yield f"           {one['text']['en']}"
        for part, words in (("failing", "does not hold for"), ("undecided", "undecided"), ("excepted", "but for")):
            if one.get(part):
                yield f"           {words}: {', '.join(one[part])}"
        for found in filter(None, [one["counterexample"], *one.get("counterexamples", [])]):
            yield f"           - {found['text']['en']}"
            yield f"             {found['text']['nl']}"
            yield from _to_run(found["case"], found["at"], found["urgency"], folder)
            if "after" in found:
                yield from _to_run(found["after"], found["at"], found["urgency_after"], folder)
    counts = proof["counts"]
    rules = proof["ruleset"]
    yield (
        f"{rules['name']} {rules['version']}: {counts['proved']} proved, {counts['refuted']} refuted, "
        f"{counts['undecided']} undecided ({proof['solver']})"
    )
    for one in proof["tested"]:
        yield f"tested, not proved: {one['text']['en']}"
