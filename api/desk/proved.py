"""What is proved of a version of the rules, in the words of a page: what holds for every case, and where not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.desk.audit_words import case_in_words
from api.desk.words import decimal, t, text
from routing.proofs_here import KeptProof, counts, shown
from routing.rules.ruleset import Ruleset

CASES_MOST = 5
"""So many counterexamples of a property are shown; how many more there are is said."""

SIGNS = {"proved": "✓", "refuted": "✗", "undecided": "?"}
"""A sign for each verdict, for who cannot see its colour."""


def in_short(proof: KeptProof | None) -> str:
    """What is proved, in a few words, for beside the title of a version."""
    if proof is None:
        return t("geen bewijs bij deze versie", "no proof beside this version")
    if proof.stale is not None:
        why = text(proof.stale)
        return t(f"het bewijs telt niet meer: {why}", f"the proof does not count any more: {why}")
    found = counts(proof)
    return ", ".join(f"{found[verdict]} {verdict_word(verdict)}" for verdict in SIGNS)


def verdict_word(verdict: str) -> str:
    """What a verdict is called."""
    words = {
        "proved": t("bewezen", "proved"),
        "refuted": t("weerlegd", "refuted"),
        "undecided": t("onbeslist", "undecided"),
    }
    return words[verdict]


def proved(ruleset: Ruleset, proof: KeptProof | None) -> dict[str, Any]:
    """What the page shows: `there` (whether a proof lies there), `why_stale`, `solver`, `proved_of`, `properties` in
    the order refuted, undecided, proved, and `tested`."""
    if proof is None:
        return {"there": False}
    found = shown(proof)
    order = ("refuted", "undecided", "proved")
    properties = sorted(found["properties"], key=lambda one: order.index(one["verdict"]))
    return {
        "there": True,
        "why_stale": found["why_stale"],
        "in_short": in_short(proof),
        "solver": found["solver"],
        "proved_of": found["proved_of"],
        "properties": [_property(ruleset, one) for one in properties],
        "tested": found["tested"],
    }


def _property(ruleset: Ruleset, one: Mapping[str, Any]) -> dict[str, Any]:
    cases, then = one["counterexamples"], one["verdict_then"]
    return {
        **one,
        "sign": SIGNS[one["verdict"]],
        "word": verdict_word(one["verdict"]),
        "word_then": verdict_word(then) if then is not None else None,
        "how_word": _how(one["how"]),
        "seconds_word": decimal(f"{one['seconds']:.2f}"),
        "cases": [_case(ruleset, case) for case in cases[:CASES_MOST]],
        "more": max(0, len(cases) - CASES_MOST),
        "failing": [_named(ruleset, name) for name in one["failing"]],
    }


def _how(how: str) -> str:
    return {
        "proved": t("door een oplosser, over alle gevallen tegelijk", "by a solver, over all cases at once"),
        "enumerated": t("alles wat er is, is geprobeerd", "all that there is was tried"),
    }[how]


def _case(ruleset: Ruleset, case: Mapping[str, Any]) -> dict[str, Any]:
    before = case_in_words(case["case"])
    after = case_in_words(case["after"]) if case["after"] is not None else None
    return {
        **case,
        "facts": [*before.values()],
        "changes": _changes(before, after) if after is not None else [],
        "rules": [_named(ruleset, name) for name in case["fires"]],
        "bodies": [json.dumps(body, ensure_ascii=False) for body in (case["case"], case["after"]) if body is not None],
    }


def _changes(before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    """What differs between two cases: what the fact is called, its value before and after."""
    unknown = t("onbekend", "unknown")
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [
        ((before.get(key) or after[key])[0], before.get(key, ("", unknown))[1], after.get(key, ("", unknown))[1])
        for key in keys
    ]


def _named(ruleset: Ruleset, name: str) -> tuple[str | None, str]:
    """A rule or fact as (its id for a link, what it is called); what is neither stands as it is, without a link."""
    if (rule := ruleset.by_id.get(name)) is not None:
        return name, text(rule.text)
    if (fact := ruleset.vocabulary.facts.get(name)) is not None:
        return name, text(fact.label)
    return None, name
