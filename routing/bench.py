"""How much processor time a decision costs, measured beside a bare evaluation of the same rules in the same run.

Figures of one machine mean little; ratios within one run do. Processor time is measured, not the clock on the wall.
"""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from routing.bench_zen import in_zen
from routing.case import Case, parse_case
from routing.decision import decide
from routing.facilities.directory import Directory
from routing.rules.condition import All, Condition, Not, Test, negation_normal
from routing.rules.evaluation import Evaluators, build_evaluators
from routing.rules.rule import Facts, Interval, Rule, conditions_asked, strata
from routing.rules.ruleset import Ruleset
from routing.triage import facts_of

Progress = Callable[[str], None]

RULES = 200
"""How many rules the comparison of the evaluators is made with."""


def core(
    evaluators: Evaluators,
    directory: Directory,
    cases: Sequence[tuple[Mapping[str, Any], datetime]],
    *,
    decisions: int,
    memory_decisions: int,
    progress: Progress,
) -> dict[str, Any]:
    """Measure decisions over `cases` (body, moment) with the whole `directory`.

    `decisions` are timed; `memory_decisions` more are made to see whether memory grows. Raises AssertionError if the
    generated code does not name the rules that the evaluators name: then the comparison would be worth nothing.
    """
    words = evaluators.ruleset.vocabulary
    parsed = [(parse_case(body, words, moment, directory.by_id), moment) for body, moment in cases]
    progress(f"{len(parsed)} cases, {len(evaluators.ruleset.rules)} rules, {len(directory.facilities)} places")
    engine = _first_case(evaluators)
    decision_us = _median(_each(parsed, decisions, lambda case, now: decide(case, directory, evaluators, now)))
    progress(f"a decision: {decision_us:.0f} us")
    doubled = _doubled(evaluators.ruleset, directory, parsed, decisions, progress)
    compared = _compare(_first_rules(evaluators.ruleset, RULES), directory, parsed, decisions, progress)
    progress(f"both evaluators, {RULES} rules: {compared['evaluators_cpu_us_p50']:.0f} us")
    growth = _growth(parsed, memory_decisions, lambda case, now: decide(case, directory, evaluators, now), progress)
    return {
        "rules": len(evaluators.ruleset.rules),
        "facilities": len(directory.facilities),
        "cases": len(parsed),
        "decisions": decisions,
        **engine,
        "decision_cpu_us_p50": round(decision_us, 1),
        **doubled,
        **compared,
        "memory_decisions": memory_decisions,
        "rss_growth_mb": round(growth, 2),
    }


def _first_case(evaluators: Evaluators) -> dict[str, float | int]:
    """What the engine takes at its first case, when it makes what it keeps."""
    gc.collect()
    before = resident_mb()
    spent = _us(evaluators.engine.fired, {})
    return {
        "engine_alternatives": evaluators.engine.alternatives,
        "engine_mb": round(resident_mb() - before, 1),
        "engine_first_case_cpu_ms": round(spent / 1000, 1),
    }


Parsed = Sequence[tuple[Case, datetime]]


def _doubled(
    ruleset: Ruleset, directory: Directory, parsed: Parsed, count: int, progress: Progress
) -> dict[str, float | int]:
    """What a decision costs with twice as many rules: both are asked about every case in turn."""
    few, many = (_first_rules(ruleset, number) for number in (RULES, 2 * RULES))
    asked = [build_evaluators(rules) for rules in (few, many)]
    times: tuple[list[float], list[float]] = ([], [])
    for index in range(count):
        for evaluators, spent in zip(asked, times, strict=True):
            spent.extend(_each([parsed[index % len(parsed)]], 1, _deciding(directory, evaluators)))
    small, large = (_median(spent) for spent in times)
    progress(f"a decision: {len(few.rules)} rules {small:.0f} us, {len(many.rules)} rules {large:.0f} us")
    return {
        "few_rules": len(few.rules),
        "many_rules": len(many.rules),
        "decision_few_rules_cpu_us_p50": round(small, 1),
        "decision_many_rules_cpu_us_p50": round(large, 1),
        "ratio_many_to_few": round(large / small, 2),
    }


def _deciding(directory: Directory, evaluators: Evaluators) -> Callable[[Case, datetime], object]:
    return lambda case, now: decide(case, directory, evaluators, now)


def _compare(ruleset: Ruleset, directory: Directory, parsed: Parsed, count: int, progress: Progress) -> dict[str, Any]:
    evaluators = build_evaluators(ruleset)
    facts = [evaluators.with_numbers(facts_of(case, now, directory.holidays), now) for case, now in parsed]
    bare = generated(ruleset)
    for found in facts:
        named, judged = frozenset(bare(found)), evaluators.reference.judge(found).fired
        assert named == judged == evaluators.engine.fired(found), f"rules differ: {sorted(named ^ judged)}"
    asked: dict[str, Callable[[Facts], object]] = {
        "engine": evaluators.engine.fired, "reference": evaluators.reference.judge, "bare": bare,
    }  # fmt: skip
    if find_spec("zen") is None:
        progress("zen-engine is not installed, so nothing is compared with it: pip install 'wegwijs[bench]'")
    else:
        given, fired = in_zen(ruleset)
        for found in facts[:count]:
            named, ours = fired(given(found)), evaluators.reference.judge(found).fired
            assert named == ours, f"rules differ in zen-engine: {sorted(named ^ ours)}"
        asked["zen"] = lambda found: fired(given(found))
    times: dict[str, list[float]] = {name: [] for name in asked}
    for index in range(count):  # one after the other on the same case, so that all see the same machine
        for name, ask in asked.items():
            times[name].append(_us(ask, facts[index % len(facts)]))
    engine, reference, alone = (statistics.median(times[name]) for name in ("engine", "reference", "bare"))
    both = engine + reference
    zen = statistics.median(times["zen"]) if "zen" in times else None
    measured = {} if zen is None else {"zen_engine_cpu_us_p50": round(zen, 1)}
    return {
        "compared_rules": len(ruleset.rules),
        "engine_cpu_us_p50": round(engine, 1),
        "reference_cpu_us_p50": round(reference, 1),
        "evaluators_cpu_us_p50": round(both, 1),
        "generated_python_cpu_us_p50": round(alone, 1),
        "ratio_to_generated_python": round(both / alone, 2),
        **measured,
        "peers": {} if zen is None else {"zen-engine": round(zen / both, 2)},
    }


def _us(ask: Callable[[Facts], object], facts: Facts) -> float:
    begin = time.process_time_ns()
    ask(facts)
    return (time.process_time_ns() - begin) / 1000


def _each(parsed: Parsed, count: int, work: Callable[[Case, datetime], object]) -> Iterator[float]:
    for index in range(count):
        case, now = parsed[index % len(parsed)]
        begin = time.process_time_ns()
        work(case, now)
        yield (time.process_time_ns() - begin) / 1000


def _median(times: Iterable[float]) -> float:
    return statistics.median(times)


def _growth(parsed: Parsed, count: int, work: Callable[[Case, datetime], object], progress: Progress) -> float:
    """Megabytes by which the resident set grew over `count` decisions after a warm-up."""
    for case, now in parsed:
        work(case, now)
    gc.collect()
    before = resident_mb()
    for index in range(count):
        case, now = parsed[index % len(parsed)]
        work(case, now)
        if (index + 1) % 5000 == 0:
            progress(f"{index + 1} of {count} decisions, {resident_mb() - before:+.1f} MB")
    gc.collect()
    return resident_mb() - before


def resident_mb() -> float:
    """Megabytes of memory that this process holds."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # elsewhere only the peak is known: bytes on macOS
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _first_rules(ruleset: Ruleset, count: int) -> Ruleset:
    """The ruleset with its first `count` rules that do not wait for a condition that then nobody concludes."""
    kept: list[Rule] = list(ruleset.rules)
    while len(kept) > count:
        kept.pop()
        codes = {rule.condition for rule in kept}
        kept = [rule for rule in kept if conditions_asked(rule) <= codes]
    return replace(ruleset, rules=tuple(kept))


# -- the bare evaluation to compare with ------------------------------------------------------------------------------


def generated(ruleset: Ruleset) -> Callable[[Facts], Sequence[str]]:
    """Plain Python code made of the rules: says which fire, and nothing of what is unknown, possible, or why."""
    names: dict[str, str] = {}
    lines = ["def fired(facts):", "    found = []"]
    body: list[str] = []
    for layer in strata(ruleset.rules):
        if layer and layer[0].stage == "care":
            body.append("    urgency = min(ranks) if ranks else " + str(ruleset.default_urgency))
        for rule in layer:
            body.append(f"    if {_code(negation_normal(rule.when), names, rule.stage)}:")
            body.append(f"        found.append({rule.id!r})")
            if rule.condition is not None:
                body.append(f"        c_{rule.condition} = True")
            if rule.urgency is not None:
                body.append(f"        ranks.append({rule.urgency})")
    lines += [f"    {variable} = facts.get({name!r})" for name, variable in names.items()]
    codes = {code for rule in ruleset.rules for code in (*conditions_asked(rule), rule.condition) if code}
    lines += [f"    c_{code} = False" for code in sorted(codes)]
    lines += ["    ranks = []", *body, "    return found"]
    space: dict[str, Any] = {"Interval": Interval}
    exec(compile("\n".join(lines), "<generated rules>", "exec"), space)  # noqa: S102 - made of checked conditions
    made: Callable[[Facts], Sequence[str]] = space["fired"]
    return made


def _code(condition: Condition, names: dict[str, str], stage: str) -> str:
    if isinstance(condition, Test):
        return _test_code(condition, names)
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    word = " and " if isinstance(condition, All) else " or "
    if not condition.parts:
        return "True"
    return "(" + word.join(_code(part, names, stage) for part in condition.parts) + ")"


def _test_code(test: Test, names: dict[str, str]) -> str:
    if test.subject == "urgency":
        return f"urgency {'<=' if test.op == 'at least' else '>'} {test.value}"
    if test.subject.startswith("condition."):
        variable = "c_" + test.subject.removeprefix("condition.")
        return variable if test.op == "true" else f"not {variable}"
    value = names.setdefault(test.subject, f"v{len(names)}")
    if test.op in ("known", "unknown"):
        return f"{value} is {'not ' if test.op == 'known' else ''}None"
    if test.op in ("true", "false"):
        return f"{value} is {test.op == 'true'}"
    if isinstance(test.value, tuple):
        return f"({value} is not None and {value} {test.op} {test.value!r})"
    sign = "==" if test.op == "=" else test.op
    end = "low" if test.op in (">", ">=") else "high"
    plain = f"{value} {sign} {test.value!r}"
    return f"({value} is not None and ({value}.{end} {sign} {test.value!r} if type({value}) is Interval else {plain}))"
