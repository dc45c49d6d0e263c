"""How something that is wrong in a data file is mended, for who wrote it: one sentence beside what is wrong.

Most messages say themselves what would be right, behind a semicolon; for the others the first that fits counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routing.errors import Finding

_MENDS: tuple[tuple[str, str], ...] = (
    (r"there is no reference", "add the source to `references` of ruleset.yaml, or name one that stands there"),
    (r"there is no (?:fact|score|condition|capability)", "write a name that `wegwijs rules show NAME` finds"),
    (r"there is no norm", "add the norm to parameters.yaml, or name one that stands there"),
    (r"there is no parameter", "add the threshold to `parameters` of parameters.yaml, or name one that stands there"),
    (r"there is no rule", "write the id of a rule of this ruleset, or take the name out of the worked case"),
    (r"there is no facility", "write the id of a place: `wegwijs facilities list` shows them"),
    (r"no rule concludes the condition", "add a rule that concludes it, or do not ask for it"),
    (r"can never be true", "move the limit into the range, or take out one of the parts that exclude each other"),
    (r"is always true", "move the limit into the range, or leave the comparison out"),
    (r"the id stands already", "give the rule an id of its own, that was never used before"),
    (r"would not be read", "move the file to such a folder, or take it away"),
    (r"has no rules", "add a file of rules, or take the topic out of `topics`"),
    (r"concludes nothing", "say under `then` what follows: `urgency`, `condition`, `needs`, `dispatch` or `warning`"),
    (r"cannot ask about the urgency", "ask for the findings themselves, or make it a rule about care"),
    (r"may not ask that", "ask for findings that exclude it: a finding can be known to be absent"),
    (r"wait for each other", "let one of them ask for findings instead of the other's condition"),
    (r"is not a date", "write it as 2026-11-21"),
    (r"is not an urgency|is one of", "write one of those"),
    (r"multiplies out|split rule", "make two rules of it"),
    (r"is not valid YAML", "look at the line before too: quotes, brackets and the depth of lines must match"),
    (r"Field required|field required", "add the key"),
    (r"Extra inputs|extra inputs", "take the key out, or correct its spelling (docs/reference/rule-format.md)"),
    (r"no rule uses the parameter|no need asks for the norm|nothing cites|nothing asks for", "take it out, or use it"),
    (r"accepted before its source", "let a clinician look at the source, and write the new date"),
    (r"no kind of place can have", "add the capability to a kind of place in the vocabulary, or ask for another"),
    (r"no worked case fires it", "add a worked case in which it fires: `wegwijs rules mutate --rule ID` gives values"),
    (r"says the same in", "translate it"),
    (r"stands twice", "leave one of them out"),
    (r"was published on", "put the files back, and make a new version with `wegwijs rules new`"),
)
FORMAT = "compare it with docs/reference/rule-format.md"


def mend_of(message: str) -> str:
    """How what `message` says is mended."""
    _, semicolon, rest = message.partition("; ")
    if semicolon:
        return rest
    return next((mend for pattern, mend in _MENDS if re.search(pattern, message)), FORMAT)


def as_problem(finding: Finding, level: str) -> Mapping[str, Any]:
    """A finding in its parts: `{level, file, line, rule, cause, mend}`."""
    return {
        "level": level,
        "file": finding.file,
        "line": finding.line,
        "rule": finding.rule,
        "cause": finding.message.partition("; ")[0],
        "mend": mend_of(finding.message),
    }


def with_mend(finding: Finding) -> str:
    """A finding as a line, and how it is mended on the next where the line itself does not say so."""
    return str(finding) if "; " in finding.message else f"{finding}\n  mend: {mend_of(finding.message)}"
