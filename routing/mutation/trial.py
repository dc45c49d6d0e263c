"""Changes every limit and comparison of a ruleset, one at a time, and says which worked case notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from routing.mutation.mutants import Mutant, StepOf, mutants_of
from routing.mutation.noticing import Watch
from routing.mutation.numbers import of_derived, of_parameters, of_score, parameters_of_places
from routing.mutation.same_score import is_same
from routing.mutation.seen import seen_cases
from routing.mutation.steps import steps_of
from routing.packaged import Desk
from routing.rules.condition import Names
from routing.rules.reference import meaning
from routing.rules.rule import Facts
from routing.rules.ruleset import Ruleset
from routing.rules.telling_apart import tell_apart
from routing.worked_cases import WorkedCase
from routing.yamlfile import YamlFile, read

Progress = Callable[[int, int], None]
"""How many changes were tried, of how many."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One small change and what came of it. `noticed_by` is the worked case that notices; `same` why no case can;
    `example` facts under which the rule says something else, for who wants to write that case, and `fires` whether the
    rule as it stands fires then. `line` is where the change is made."""

    mutant: Mutant
    line: int | None
    noticed_by: WorkedCase | None
    same: str | None = None
    example: Facts | None = None
    fires: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """All changes that were tried; `refused` is how many are refused when the rules are read, `untried` the numbers
    that were not changed."""

    tried: tuple[Tried, ...]
    refused: int
    untried: tuple[str, ...]
    cases: int

    @property
    def survivors(self) -> tuple[Tried, ...]:
        """The changes that no worked case notices and that are not the same in meaning."""
        return tuple(one for one in self.tried if one.noticed_by is None and one.same is None)

    @property
    def equivalent(self) -> tuple[Tried, ...]:
        """The changes that change no case at all."""
        return tuple(one for one in self.tried if one.same is not None)

    @property
    def noticed(self) -> tuple[Tried, ...]:
        """The changes that a worked case notices."""
        return tuple(one for one in self.tried if one.noticed_by is not None)


def try_changes(folder: Path, cases: Sequence[WorkedCase], desk: Desk, rule: str | None, progress: Progress) -> Trial:
    """Change the rules in `folder` (only `rule`, if it is named) in all small ways and hold `cases` against each."""
    rules = desk.evaluators.ruleset
    watch = Watch(tuple(seen_cases(cases, desk)), desk)
    files = {name: read(folder / name, name) for name in rules.source}
    made = list(_mutants(rules, files, rule))
    found = [mutant for mutant in made if mutant is not None]
    tried, step_of = [], steps_of(rules)
    for number, mutant in enumerate(found, 1):
        tried.append(_tried(mutant, files[mutant.file].line(mutant.location), watch, step_of))
        progress(number, len(found))
    untried = () if rule is not None else parameters_of_places(rules)
    return Trial(tuple(tried), len(made) - len(found), untried, len(watch.cases))


def _mutants(rules: Ruleset, files: Mapping[str, YamlFile], only: str | None) -> Iterator[Mutant | None]:
    step_of = steps_of(rules)
    names = Names(rules.subjects, rules.parameters)
    places = {
        entry["id"]: ("rules", index)
        for file in dict.fromkeys(rule.file for rule in rules.rules)
        for index, entry in enumerate(files[file].value["rules"])
    }
    for rule in rules.rules:
        if only is None or rule.id == only:
            yield from mutants_of(rule, places[rule.id], names, step_of)
    score_files = {each.value["id"]: name for name, each in files.items() if name.startswith("scores/")}
    if only is None:
        yield from of_parameters(rules, step_of)
        for score in rules.scores.values():
            yield from of_score(score, score_files[score.id], step_of)
        for derived in rules.derived.values():
            yield from of_derived(derived)


def _tried(mutant: Mutant, line: int | None, watch: Watch, step_of: StepOf) -> Tried:
    seen = watch.noticing(mutant)
    if seen is not None:
        return Tried(mutant, line, seen.case)
    if (score := mutant.score) is not None:
        rules = watch.ruleset
        step = min((step_of(item.fact) for item in score.items if item.bands), default=1)
        same = is_same(rules.scores[score.id], score, rules, step)
        return Tried(mutant, line, None, "no rule asks for the score where it would be otherwise" if same else None)
    if len(mutant.rules) != 1 or mutant.kind == "urgency":
        return Tried(mutant, line, None)
    return replace(otherwise(mutant, watch.ruleset, step_of), line=line)


def otherwise(mutant: Mutant, rules: Ruleset, step_of: StepOf) -> Tried:
    """A change of one rule that no case notices: with facts under which the rule says something else, or why there are
    none."""
    ((name, changed),) = mutant.rules.items()
    was, found = rules.by_id[name].when, Tried(mutant, None, None)
    searches = {
        fires: tell_apart(*pair, rules.subjects, step_of)
        for fires, pair in ((True, (was, changed.when)), (False, (changed.when, was)))
    }
    for fires, search in searches.items():
        if search.facts is not None:
            example = _attainable(search.facts, rules)
            apart = (meaning(was)(example) is True) is fires and (meaning(changed.when)(example) is True) is not fires
            return replace(found, example=example if apart else search.facts, fires=fires)
    if all(search.complete for search in searches.values()):
        return replace(found, same="fires for the same values of all that the rule asks: all of them were tried")
    return found


def _attainable(facts: Facts, rules: Ruleset) -> Facts:
    """`facts` where a complaint that names a finding goes with it: said to be absent, as nothing else was asked."""
    named = rules.vocabulary.complaint_facts.get(str(facts.get("complaint")))
    return facts if named is None or named in facts else {**facts, named: False}
