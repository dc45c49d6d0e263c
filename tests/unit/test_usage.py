"""What rests on what, in plain words, and what changed: seen on a ruleset of three rules."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.coverage import coverage, figures, no_edge, no_near_miss, not_fired
from routing.rules.condition import ALWAYS, Names, read_condition
from routing.rules.difference import differences, kept_acceptances
from routing.rules.loose_ends import loose_ends
from routing.rules.reading import amount, as_written, conclusions, outline, sentence
from routing.rules.rule import Facts
from routing.rules.ruleset import Ruleset
from routing.rules.usage import (
    asking,
    asking_for_value,
    decided_numbers,
    left_to_ask,
    parameters_named,
    resting_on,
    source_states,
    written_rules,
)
from routing.vocabulary import Text
from routing.worked_cases import Expectation, Outcome, WorkedCase
from tests.fixtures_ruleset import FILES, rule, small_ruleset, topic

CASE = WorkedCase(Text("a", "a"), datetime(2026, 1, 1, tzinfo=UTC), {}, Expectation(), "cases/a.yaml", 1)


@pytest.fixture
def rules(tmp_path: Path) -> Ruleset:
    return small_ruleset(tmp_path)


# -- words


def test_a_condition_is_said_in_both_languages(rules: Ruleset) -> None:
    when = rules.by_id["acs-in-shock"].when
    assert sentence(when, rules).en == "ACS suspected or possible and (shock index above 1 or alarm at least 5)"
    assert sentence(when, rules).nl == "ACS vermoed of mogelijk en (shockindex hoger dan 1 of alarm minstens 5)"
    assert as_written(when) == "condition.acs and (shock_index > 1 or alarm >= 5)"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("not pregnant", "not: pregnant"),
        ("onset_at is unknown", "not known: onset"),
        ("onset_at is known", "known: onset"),
        ("avpu in [V, P]", "AVPU: pain or voice"),
        ("avpu != A", "AVPU known, and not: alert"),
        ("complaint = dyspnea", "complaint: short of breath"),
        ("minutes_since_onset <= 720", "minutes at most 12 hours (720 min)"),
        ("age_years < 1", "age below 1 years"),
        ("alarm.highest_item >= 3", "highest item of alarm at least 3"),
        ("urgency at least U2", "urgency U2 or more urgent"),
        ("not urgency at least U2", "less urgent than U2"),
        ("not condition.stemi", "STEMI not suspected"),
        ("always", "always"),
    ],
)
def test_every_form_of_a_comparison_has_words(rules: Ruleset, written: str, said: str) -> None:
    condition = read_condition(written, Names(rules.subjects, rules.parameters))
    assert sentence(condition, rules).en == said
    assert outline(condition, rules, "en") == ((0, said),)


def test_an_outline_shows_what_belongs_together(rules: Ruleset) -> None:
    assert outline(rules.by_id["acs-in-shock"].when, rules, "nl") == (
        (0, "ACS vermoed of mogelijk"),
        (0, "een van:"),
        (1, "shockindex hoger dan 1"),
        (1, "alarm minstens 5"),
    )


def test_what_follows_is_said_with_its_norm(rules: Ruleset) -> None:
    said = [text.en for text in conclusions(rules.by_id["stemi-needs-pci"], rules)]
    assert said == ["needed: PCI (PCI norm)", "ambulance A1"]
    said = [text.nl for text in conclusions(rules.by_id["old-with-pain"], rules)]
    assert said == ["mogelijk ACS", "urgentie U2"]


def test_a_number_keeps_its_digits() -> None:
    assert amount(38.5, "degC", "en") == "38.5 degC"
    assert amount(1_234_567, None, "en") == "1234567"
    assert amount(45, "min", "nl") == "45 min"


# -- who uses what


def test_who_uses_a_number_a_fact_or_a_value_is_known(rules: Ruleset) -> None:
    written = written_rules(rules)
    assert [key for key, entry in written.items() if "cardiac_age" in parameters_named(entry)] == ["old-with-pain"]
    assert [found.id for found in asking("alarm", rules.rules)] == ["acs-in-shock"]
    assert asking_for_value("complaint", "dyspnea", rules.rules) == ()
    assert resting_on("heart_rate", rules) == ("shock_index", "alarm")


def test_a_number_is_found_in_a_condition_a_text_and_a_limit() -> None:
    need = {"capability": "pci", "bypass_limit": "detour"}
    written = {"when": "age_years >= $old", "text": {"nl": "na {hours} uur", "en": "a"}, "then": {"needs": [need]}}
    assert parameters_named(written) == {"old", "hours", "detour"}


def test_sources_are_counted_for_rules_and_for_numbers(tmp_path: Path) -> None:
    unread = FILES["ruleset.yaml"] + "  web: {title: A site, href: 'https://example.org', read: not}\n"
    numbers = FILES["parameters.yaml"].replace("{source: book}, why: from then on", "{source: web}, why: guess", 1)
    rules = small_ruleset(tmp_path, {"ruleset.yaml": unread, "parameters.yaml": numbers})
    total = len(rules.parameters) + len(rules.norms)
    assert source_states(rules) == {"rules": Counter(read=3), "numbers": Counter({"read": total - 1, "not": 1})}
    assert dict(decided_numbers(rules))["cardiac_age"] == "web"


def test_what_is_left_to_ask_once_a_condition_is_concluded(rules: Ruleset) -> None:
    names = Names(rules.subjects, rules.parameters)

    def left(written: object, code: str = "acs") -> str | None:
        found = left_to_ask(read_condition(written, names), code)
        return None if found is None else as_written(found)

    assert left_to_ask(rules.by_id["stemi-needs-pci"].when, "stemi") == ALWAYS
    assert left({"all": ["condition.acs", "pregnant"]}) == "pregnant"
    assert left({"any": ["condition.acs", "pregnant"]}) == "always"
    assert left({"any": [{"all": ["not condition.acs", "pregnant"]}, "chest_pain"]}) == "chest_pain"
    assert left({"all": [{"not": {"any": ["condition.acs", "condition.stemi"]}}, "pregnant"]}) is None
    assert left({"all": ["condition.stemi", "pregnant"]}) == "condition.stemi and pregnant"


def test_an_acceptance_before_its_source_appeared_is_noticed(tmp_path: Path) -> None:
    head = FILES["ruleset.yaml"].replace("title: A book", "title: 'A book, 2009 and 2027'")
    (said,) = [text for text in loose_ends(small_ruleset(tmp_path, {"ruleset.yaml": head})) if "accepted" in text]
    assert said.startswith("urgency/heart.yaml:10: rule `acs-in-shock`: was accepted before its source appeared")


# -- coverage


def outcome(facts: Facts, *fired: str) -> Outcome:
    return Outcome(CASE, (), frozenset(fired), facts)


def test_rules_and_branches_that_no_case_fires_are_named(rules: Ruleset) -> None:
    shock = {"condition.acs": True, "shock_index": 1.2, "condition.stemi": False}
    found = coverage(rules, [outcome(shock, "acs-in-shock")])
    assert [(one["rule"], one["branch"]) for one in not_fired(found)] == [
        ("old-with-pain", None),
        ("acs-in-shock", "alarm >= 5"),
        ("stemi-needs-pci", None),
    ]
    counts = figures(found)
    assert (counts["rules_fired"], counts["branches"], counts["branches_fired"]) == (1, 4, 1)


def test_a_case_just_outside_a_limit_is_one_with_the_number_on_the_other_side(rules: Ruleset) -> None:
    def limits(*facts: Facts) -> list[str]:
        return [one["limit"] for one in no_edge(coverage(rules, [outcome(each) for each in facts]))]

    young = {"chest_pain": True, "age_years": 39, "condition.acs": False, "condition.stemi": False}
    assert limits() == ["age_years >= 40", "shock_index > 1", "alarm >= 5"]
    assert limits(young) == ["shock_index > 1", "alarm >= 5"]
    assert limits({**young, "chest_pain": False}) == limits()
    assert limits({"chest_pain": True}) == limits(), "a number that nobody measured is on no side"


def test_a_rule_without_a_case_just_outside_is_named(rules: Ruleset) -> None:
    def without(*facts: Facts) -> list[str]:
        return [one["rule"] for one in no_near_miss(coverage(rules, [outcome(each) for each in facts]))]

    assert without({}) == ["old-with-pain", "acs-in-shock", "stemi-needs-pci"]
    assert without({"condition.stemi": False}) == ["old-with-pain", "acs-in-shock"]
    assert without({"age_years": 50}) == ["acs-in-shock", "stemi-needs-pci"], "pain was not said, and the age fits"


# -- what changed


def test_what_came_went_and_changed_is_told_apart(tmp_path: Path) -> None:
    old = small_ruleset(tmp_path / "old")
    heart = FILES["urgency/heart.yaml"].replace("urgency: U2", "urgency: U1")
    numbers = FILES["parameters.yaml"].replace("value: 40", "value: 45")
    care = topic(rule("new-one", "condition.stemi", "{warning: true}"))
    files = {"urgency/heart.yaml": heart, "parameters.yaml": numbers, "destination/where.yaml": care}
    found = differences(old, small_ruleset(tmp_path / "new", files))
    rules = found["rules"]
    assert (list(rules.added), list(rules.removed)) == (["new-one"], ["stemi-needs-pci"])
    (change,) = rules.changed
    assert (change.id, list(change.what)) == ("old-with-pain", ["then"])
    (number,) = found["parameters"].changed
    assert (number.id, number.what) == ("cardiac_age", {"value": (40, 45)})
    assert [part for part, one in found.items() if one] == ["rules", "topics", "parameters"]


def test_an_acceptance_does_not_outlive_what_was_accepted(tmp_path: Path) -> None:
    old = small_ruleset(tmp_path / "old")

    def kept(before: str, after: str) -> tuple[str, ...]:
        heart = FILES["urgency/heart.yaml"]
        assert before in heart
        folder = tmp_path / after.replace("/", "")
        return kept_acceptances(old, small_ruleset(folder, {"urgency/heart.yaml": heart.replace(before, after)}))

    assert kept("shock_index > 1", "shock_index > 0.9") == ("acs-in-shock",)
    assert kept("urgency: U1", "urgency: U2") == ("acs-in-shock",)
    assert kept("why: shock is", "why: a shock is") == ()
    assert kept("on: 2026-05-01", "on: 2026-06-01") == ()
    assert kept("urgency: U2", "urgency: U3") == (), "that rule was never accepted"


def test_a_changed_number_ends_the_acceptance_of_who_uses_it(tmp_path: Path) -> None:
    heart = FILES["urgency/heart.yaml"].replace("review: pending", "review: {by: a, on: 2026-05-01}")
    accepted = {"urgency/heart.yaml": heart}
    old = small_ruleset(tmp_path / "old", accepted)
    numbers = {"parameters.yaml": FILES["parameters.yaml"].replace("value: 40", "value: 45")}
    assert kept_acceptances(old, small_ruleset(tmp_path / "new", {**accepted, **numbers})) == ("old-with-pain",)


@pytest.mark.parametrize("file", FILES)
def test_no_change_of_any_file_goes_unseen(file: str, tmp_path: Path) -> None:
    old = small_ruleset(tmp_path / "old")
    text = FILES[file].replace("a cardiologist", "a nurse")
    for before, after in (
        ("why: ", "why: truly "),
        ("owner: ", "owner: all "),
        ("title: A", "title: B"),
        ("nl: hart", "nl: har"),
    ):
        text = text.replace(before, after)
    new = small_ruleset(tmp_path / "new", {file: text})
    assert old.digest != new.digest
    assert any(differences(old, new).values())
    assert not any(differences(old, old).values())
