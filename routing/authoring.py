"""The life of a ruleset as files: a new version begun from another one, and a rule taken out of it.

A folder that was published is never touched. What would leave a ruleset that cannot be read is not written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from routing.errors import bad_input
from routing.rules.building import read_ruleset, ruleset_from_source
from routing.rules.loose_ends import found_loose, loose_ends
from routing.rules.publication import read_published
from routing.rules.releases import read_release
from routing.rules.ruleset import Ruleset
from routing.tested import TESTED
from routing.vocabulary import Vocabulary
from routing.yaml_edit import with_value, without_entries
from routing.yamlfile import Location, read

CHANGES = "changes.md"
A_YEAR = timedelta(days=365)


# -- a new version ----------------------------------------------------------------------------------------------------


def begin_version(folder: Path, name: str, version: str, source: Path, effective_from: datetime | None) -> datetime:
    """Make `folder`, a copy of the ruleset in `source` as `version` of `name`, with its reviews and worked cases, that
    counts from `effective_from` (None: a year after its source does), and begin what changed. The moment from which it
    counts. Raises BadInput, BadData."""
    before = read_release(source)
    begins = effective_from or before.effective_from + A_YEAR
    if folder.exists():
        raise bad_input("NAME/VERSION", "exists", "is there already", str(folder))
    if begins <= before.effective_from:
        raise bad_input(
            "--effective-from", "too_early", f"must be after that of {before.name}/{before.version}", begins.isoformat()
        )
    head = (source / "ruleset.yaml").read_text("utf-8")
    for key, value in (("name", name), ("version", version), ("effective_from", begins.isoformat())):
        head = with_value(head, "ruleset.yaml", (key,), value)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("proof.json", TESTED))
    (folder / "ruleset.yaml").write_text(head, "utf-8")
    path = folder / CHANGES
    former = path.read_text("utf-8") if path.is_file() else f"# Changes in {name}\n"
    title, _, rest = former.partition("\n")
    begun = f"## {version}, from {begins.date().isoformat()}\n\nSince {before.version}. Nothing yet.\n"
    path.write_text(f"{title}\n\n{begun}\n{rest.lstrip()}", "utf-8")
    return begins


TEACHING_TOPIC = """\
topic: {nl: Voorbeeld, en: Example}
rules:
  - id: chest-pain-example
    when: {all: [chest_pain, age_years >= 16]}
    then: {urgency: U2}
    text:
      nl: Pijn op de borst bij een volwassene.
      en: Chest pain in an adult.
    reference: {source: example}
    why: An example of how a rule is written; it rests on no source.
    review: pending
"""

TEACHING_CASES = """\
cases:
  - name:
      nl: Pijn op de borst vanaf 16 jaar is spoed
      en: Chest pain from 16 years is an emergency
    at: 2026-11-18T14:00:00+01:00
    given:
      patient: {age_years: 16}
      location: {postcode: "3511"}
      observations: {chest_pain: true}
    expect:
      urgency: U2
      fires: [chest-pain-example]

  - name:
      nl: Pijn op de borst bij 15 jaar geldt niet als pijn van een volwassene
      en: Chest pain at 15 years does not count as that of an adult
    at: 2026-11-18T14:00:00+01:00
    given:
      patient: {age_years: 15}
      location: {postcode: "3511"}
      observations: {chest_pain: true}
    expect:
      does_not_fire: [chest-pain-example]
"""

_EXAMPLE_SOURCE = '  example: {title: Nothing but an example, href: "https://example.org/", read: not}\n'


def begin_empty(
    folder: Path, name: str, version: str, source: Path, effective_from: datetime | None, words: Vocabulary
) -> datetime:
    """Make `folder`, a ruleset of one rule to learn with: the norms, texts and assumptions of the ruleset in `source`,
    none of its rules and scores, and of its thresholds and references those that are still used. Raises BadInput,
    BadData."""
    begins = begin_version(folder, name, version, source, effective_from)
    topics = read(source / "ruleset.yaml").value["topics"]
    for part in (*topics, "scores", "cases"):
        shutil.rmtree(folder / part, ignore_errors=True)
    head = (folder / "ruleset.yaml").read_text("utf-8")
    head = with_value(head, "ruleset.yaml", ("topics",), "[urgency]")
    head = head.replace("references:\n", f"references:\n{_EXAMPLE_SOURCE}", 1)
    (folder / "ruleset.yaml").write_text(head, "utf-8")
    for file, text in (("urgency/example.yaml", TEACHING_TOPIC), ("cases/example.yaml", TEACHING_CASES)):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text, "utf-8")
    (folder / CHANGES).write_text(f"# Changes in {name}\n\n## {version}\n\nThe first rules, to learn with.\n", "utf-8")
    (folder / "derived.yaml").write_text("derived: {}\n", "utf-8")
    _trim(folder, read_ruleset(folder, words), words)
    return begins


def _trim(folder: Path, rules: Ruleset, words: Vocabulary) -> None:
    """Take out thresholds and references that nothing uses, until nothing is left over."""
    while True:
        unused = list(unused_entries(rules))
        if not unused:
            return
        for file in dict.fromkeys(file for file, _ in unused):
            path = folder / file
            path.write_text(
                without_entries(path.read_text("utf-8"), file, [where for each, where in unused if each == file]),
                "utf-8",
            )
        rules = read_ruleset(folder, words)


def unused_entries(rules: Ruleset) -> Iterator[tuple[str, Location]]:
    """The thresholds and references that nothing uses: the file of each, and where it stands."""
    for found in found_loose(rules):
        if found.location is not None and found.location[0] in ("parameters", "references"):
            yield found.finding.file, found.location


# -- a rule taken out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retired:
    """What taking out a rule changes: the new texts of files (None: the file goes), the names of the worked cases that
    went with it, places where the rule is still named and somebody must look, and what is left that nothing uses."""

    files: Mapping[str, str | None]
    cases: tuple[str, ...]
    still_named: tuple[str, ...]
    loose: tuple[str, ...]


def refuse_published(folder: Path, rules: Ruleset) -> None:
    """Raises BadInput if the ruleset in `folder` was published."""
    name = f"{rules.name}/{rules.version}"
    if (found := read_published(folder.resolve().parent.parent).get(name)) is not None:
        message = f"was published on {found.published_on}: make a new version with `wegwijs rules new`"
        raise bad_input("FOLDER", "published", message, name)


def retire(rule: str, folder: Path, words: Vocabulary) -> Retired:
    """What taking `rule` out of the ruleset in `folder` would change; nothing is written yet. Raises BadInput, and
    BadData if the others could not be read without it."""
    rules = read_ruleset(folder, words)
    if rule not in rules.by_id:
        raise bad_input("RULE", "unknown_rule", "is not a rule of this ruleset", rule)
    refuse_published(folder, rules)
    file = rules.by_id[rule].file
    entries = rules.source[file]["rules"]
    index = next(number for number, entry in enumerate(entries) if entry["id"] == rule)
    alone = len(entries) == 1
    if alone and sum(each.startswith(f"{Path(file).parent}/") for each in rules.source) == 1:
        message = "is the last rule of its topic: take the topic out of `topics` in ruleset.yaml, and its folder away"
        raise bad_input("RULE", "last_of_topic", message, rule)
    written = (folder / file).read_text("utf-8")
    files: dict[str, str | None] = {file: None if alone else without_entries(written, file, [("rules", index)])}
    source = {name: value for name, value in rules.source.items() if name != file}
    if not alone:
        source[file] = {**rules.source[file], "rules": [entry for entry in entries if entry["id"] != rule]}
    left = ruleset_from_source(source, words)
    cases, still_named = [], []
    for path in sorted((folder / "cases").glob("*.yaml")):
        name = f"cases/{path.name}"
        text, gone, named = _without_cases(rule, path, name)
        cases += gone
        still_named += named
        if gone:
            files[name] = text
    known = set(loose_ends(rules))
    return Retired(files, tuple(cases), tuple(still_named), tuple(one for one in loose_ends(left) if one not in known))


def _without_cases(rule: str, path: Path, name: str) -> tuple[str | None, list[str], list[str]]:
    """The file at `path` without the worked cases that expect nothing but something of `rule` (None: no case is left),
    the names of those, and the places of others that name it."""
    file = read(path, name)
    gone: list[Location] = []
    named = []
    for index, case in enumerate(file.value["cases"]):
        about = [part for part in ("fires", "does_not_fire") if rule in case["expect"].get(part, ())]
        if not about:
            continue
        only = all(case["expect"][part] == [rule] for part in about) and len(about) == len(case["expect"])
        if only:
            gone.append(("cases", index))
        else:
            named += [
                f"{name}:{file.line(('cases', index, 'expect', part))}: names `{rule}` in `{part}`" for part in about
            ]
    names = [f"{name}:{file.line(where)}: {_name(file.value, where)}" for where in gone]
    if len(gone) == len(file.value["cases"]):
        return None, names, named
    return without_entries(path.read_text("utf-8"), name, gone) if gone else None, names, named


def _name(value: Any, where: Location) -> str:
    return str(value["cases"][where[1]]["name"]["nl"])


def write_retired(rule: str, folder: Path, found: Retired) -> None:
    """Write what was found, and a line in `changes.md`."""
    for name, text in found.files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text, "utf-8")
    path = folder / CHANGES
    former = path.read_text("utf-8") if path.is_file() else "# Changes\n\n"
    head, newest, rest = former.partition("\n## ")
    line = f"- Retired: `{rule}`. Say here why, and what holds instead.\n"
    if not newest:
        path.write_text(f"{former.rstrip()}\n\n{line}", "utf-8")
        return
    section, following, older = rest.partition("\n## ")
    path.write_text(f"{head}{newest}{section.rstrip()}\n{line}{following}{older}", "utf-8")


def version_of(text: str) -> tuple[str, str]:
    """`NAME/VERSION` in its two parts. Raises BadInput."""
    name, _, version = text.partition("/")
    parts = version.split(".")
    if not name or len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise bad_input(
            "NAME/VERSION", "wrong_value", "is not the name and version of a ruleset", text, "acute-nl/1.5.0"
        )
    return name, version
