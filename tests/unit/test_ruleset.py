"""A ruleset as a whole: what is refused, that everything is said at once and where, and that it comes back the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from routing.errors import BadData, Finding
from routing.rules.building import packaged_rulesets, read_ruleset, ruleset_from_source
from routing.rules.rule import Need
from routing.rules.selection import TEXTS_SINCE
from routing.vocabulary import Text, read_vocabulary
from tests.fixtures_ruleset import FILES, findings, refusals, rule, small_ruleset, small_vocabulary, topic


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[name], old
    return {name: FILES[name].replace(old, new, 1)}


def only(found: tuple[Finding, ...]) -> Finding:
    (finding,) = found
    return finding


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


# -- what is right ----------------------------------------------------------------------------------------------------


def test_the_rulesets_that_come_with_it_can_be_read() -> None:
    folders = packaged_rulesets()
    assert folders
    for folder in folders:
        found = read_ruleset(folder, read_vocabulary())
        assert (found.name, found.version) == (folder.parent.name, folder.name)


def test_everything_that_was_written_is_there(tmp_path: Path) -> None:
    found = small_ruleset(tmp_path)
    assert (found.name, found.version, found.default_urgency) == ("tiny", "1.0.0", 3)
    assert found.effective_from == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert [entry.id for entry in found.rules] == ["old-with-pain", "acs-in-shock", "stemi-needs-pci"]
    shock = found.by_id["acs-in-shock"]
    assert (shock.urgency, shock.condition, shock.status, shock.stage) == (1, "stemi", "suspected", "triage")
    assert (shock.file, shock.line) == ("urgency/heart.yaml", 10)
    assert shock.accepted is not None
    assert (shock.accepted.by, shock.accepted.on) == ("a cardiologist", date(2026, 5, 1))
    assert shock.reference.title == "A book"
    care = found.by_id["stemi-needs-pci"]
    assert (care.stage, care.ambulance, care.needs) == ("care", "A1", (Need("pci", "required", "pci-75"),))
    assert found.pending == ("old-with-pain", "stemi-needs-pci")
    assert found.deadlines["U2"] == 60
    assert found.deadlines["U5"] is None
    assert found.logistics.reach_minutes["U0"] == 60
    assert found.asked_facts["alarm"] == ("heart_rate", "avpu", "age_years")
    assert found.asked_facts["shock_index"] == ("heart_rate", "systolic_bp")


def test_what_is_kept_of_a_ruleset_makes_the_same_one_again(tmp_path: Path) -> None:
    found = small_ruleset(tmp_path)
    again = ruleset_from_source(orjson.loads(orjson.dumps(found.source)), small_vocabulary())
    assert again.digest == found.digest
    assert [(entry.id, entry.when) for entry in again.rules] == [(entry.id, entry.when) for entry in found.rules]
    assert (again.parameters, again.norms, again.selection) == (found.parameters, found.norms, found.selection)
    assert (again.derived, again.scores) == (found.derived, found.scores)


def test_the_digest_names_the_content_and_nothing_else(tmp_path: Path) -> None:
    found = small_ruleset(tmp_path / "one")
    remark = small_ruleset(tmp_path / "two", {"derived.yaml": "# a remark\n" + FILES["derived.yaml"]})
    other = small_ruleset(tmp_path / "three", changed("urgency/heart.yaml", "shock_index > 1", "shock_index > 1.1"))
    assert found.digest == remark.digest
    assert found.digest != other.digest
    assert found.digest.startswith("sha256:")


def test_a_condition_may_be_asked_before_the_rule_that_concludes_it_is_written(tmp_path: Path) -> None:
    early = rule("early", "condition.sepsis")
    late = rule("late", "chest_pain", "{condition: {code: sepsis, status: possible}}")
    assert refusals(tmp_path, early, late) == ()


def test_a_folder_without_ruleset_yaml_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"is not the folder of a ruleset: it has no `ruleset\.yaml`"):
        read_ruleset(tmp_path, small_vocabulary())


# -- rules that are wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("sytolic_bp < 90", "did you mean `systolic_bp`?"),
        ("systolic_bp < 90 kPa", "the unit is `kPa`, but `systolic_bp` is in `mmHg`"),
        ("systolic_bp > 300", "can never be true"),
        ("systolic_bp >= 0", "is always true"),
        ("avpu = C", "allowed: A, V, P, U"),
        ("complaint = chestpain", "allowed: chest_pain, dyspnea"),
        ("chest_pain = 1", "is a boolean, not a number"),
        ("alarm = 3", "use `<`, `<=`, `>` or `>=`"),
        ("alarm.highest_item > 3", "lies between 0 and 3"),
        ("age_months is known", "within limits"),
        ("{any: []}", "(not empty)"),
        ("{all: []}", "(not empty)"),
        ("{all: [systolic_bp < 5, systolic_bp > 10]}", "its parts contradict each other"),
        ("{any: [{all: [chest_pain, not chest_pain]}, {all: [avpu = A, avpu = P]}]}", "contradict each other"),
        ("{not: {any: [pregnant, not pregnant]}}", "its parts contradict each other"),
        ("{not: always}", "can never be true"),
        ("{all: [chest_pain, {not: always}]}", "can never be true"),
        ("urgency at least U2", "cannot ask about the urgency"),
        ("{not: urgency at least U2}", "cannot ask about the urgency"),
        ("not condition.acs", "may not ask that `condition.acs` is absent"),
        ("{not: {all: [chest_pain, {any: [condition.acs, pregnant]}]}}", "may not ask that `condition.acs` is absent"),
        ("condition.sepsis", "no rule concludes the condition `sepsis`"),
        ("condition.flu", "there is no fact, score or conclusion `condition.flu`"),
    ],
)
def test_a_condition_that_is_wrong_is_refused_with_file_line_rule_and_what_would_be_right(
    tmp_path: Path, when: str, said: str
) -> None:
    found = only(refusals(tmp_path, rule("fine", "chest_pain"), rule("wrong", when)))
    assert found.file == "urgency/extra.yaml"
    assert found.line in (10, 11)  # of the rule, or of its `when`
    assert found.rule == "wrong"
    assert said in found.message


def test_a_rule_with_too_many_alternatives_is_refused_with_its_name(tmp_path: Path) -> None:
    pairs = ", ".join(f"{{any: [heart_rate = {2 * n}, heart_rate = {2 * n + 1}]}}" for n in range(9))
    found = only(refusals(tmp_path, rule("huge", f"{{all: [{pairs}]}}")))
    assert (found.line, found.rule) == (4, "huge")
    assert "more than 256 alternatives; split the rule in two" in found.message


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("{}", "the rule concludes nothing"),
        ("{warning: false}", "the rule concludes nothing"),
        ("{urgency: U9}", "`U9` is not an urgency (U0, U1, U2, U3, U4, U5)"),
        ("{condition: {code: flu, status: possible}}", "there is no condition `flu`"),
        ("{condition: {code: acs, status: certain}}", "'suspected' or 'possible'"),
        ("{needs: [{capability: mri, strength: required}]}", "there is no capability `mri`"),
        ("{needs: [{capability: pci, strength: maybe}]}", "'required' or 'preferred'"),
        ("{needs: [{capability: pci, strength: required, within: pci-90}]}", "there is no norm `pci-90`"),
        ("{needs: [{capability: pci, strength: required, bypass_limit: far}]}", "there is no parameter `far`"),
        ("{needs: [{capability: pci, strength: required, bypass_limit: fever}]}", "must be a whole number of minutes"),
        ("{needs: [{capability: pci, strength: preferred, bypass_limit: stop_extra}]}", "bounds what is required"),
        ("{dispatch: {ambulance: A9}}", "`A9` is not an ambulance urgency (A0, A1, A2, B1, B2, C1, C2)"),
        ("{dispatch: {mmt: yes}}", "dispatch.mmt"),
        ("{urgency: U1, urgent: true}", "then.urgent"),
    ],
)
def test_a_conclusion_that_is_wrong_is_refused_with_file_line_and_what_would_be_right(
    tmp_path: Path, then: str, said: str
) -> None:
    found = only(refusals(tmp_path, rule("wrong", "chest_pain", then)))
    assert (found.file, found.line) == ("urgency/extra.yaml", 5)
    assert said in found.message


def test_an_id_stands_once_in_the_whole_ruleset(tmp_path: Path) -> None:
    found = only(refusals(tmp_path, rule("old-with-pain", "chest_pain")))
    assert str(found) == ("urgency/heart.yaml:3: rule `old-with-pain`: the id stands already in urgency/extra.yaml:3")


@pytest.mark.parametrize("name", ["Chest", "chest_pain", "chest--pain", "-chest", "9-lives", ""])
def test_an_id_is_in_kebab_case(tmp_path: Path, name: str) -> None:
    assert "rules.0.id" in only(refusals(tmp_path, rule(f"'{name}'", "chest_pain"))).message


def test_a_reference_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    found = only(refusals(tmp_path, rule("wrong", "chest_pain", reference="bok")))
    assert str(found) == "urgency/extra.yaml:7: rule `wrong`: there is no reference `bok`"


@pytest.mark.parametrize("left_out", ["reference", "why", "text", "review", "when", "then", "id"])
def test_a_rule_without_authority_reason_or_text_is_refused(tmp_path: Path, left_out: str) -> None:
    lines = rule("wrong", "chest_pain").splitlines(keepends=True)
    kept = [line.replace("- ", "  ", 1) for line in lines if line.strip(" -").split(":")[0] != left_out]
    first = kept[0].replace("    ", "  - ", 1)
    found = only(refusals(tmp_path, first + "".join(kept[1:])))
    assert f"rules.0.{left_out}" in found.message
    assert found.line == 3


def test_an_acceptance_names_who_and_when(tmp_path: Path) -> None:
    assert refusals(tmp_path / "1", rule("fine", "chest_pain", review="{by: a doctor, on: 2026-05-01}")) == ()
    found = only(refusals(tmp_path / "2", rule("wrong", "chest_pain", review="{by: a doctor, on: 1-5-2026}")))
    assert "is not a date (2026-11-21)" in found.message
    assert refusals(tmp_path / "3", rule("wrong", "chest_pain", review="done"))
    assert refusals(tmp_path / "4", rule("wrong", "chest_pain", review="{by: a doctor}"))


def test_rules_that_wait_for_each_other_are_refused_by_name(tmp_path: Path) -> None:
    found = only(
        refusals(
            tmp_path,
            rule("hen", "condition.sepsis", "{condition: {code: acs, status: possible}}"),
            rule("egg", "condition.acs", "{condition: {code: sepsis, status: possible}}"),
        )
    )
    assert "egg" in found.message
    assert "hen" in found.message
    assert "wait for each other" in found.message
    assert found.file == "urgency/extra.yaml"


def test_a_rule_that_waits_for_itself_is_refused(tmp_path: Path) -> None:
    found = refusals(tmp_path, rule("narcissus", "condition.sepsis", "{condition: {code: sepsis, status: possible}}"))
    assert "narcissus" in only(found).message


def test_a_care_rule_may_ask_about_urgency_and_about_what_was_not_concluded(tmp_path: Path) -> None:
    need = "{needs: [{capability: seh, strength: preferred}]}"
    assert refusals(tmp_path, rule("care", "{all: [not condition.stemi, urgency at least U2]}", need)) == ()


# -- everything at once -----------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_with_rules_is_said_at_once(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            "urgency/extra.yaml": topic(
                rule("one", "sytolic_bp < 90"),
                rule("two", "systolic_bp > 300", "{urgency: U9}"),
                rule("three", "chest_pain", reference="bok"),
            ),
            "destination/more.yaml": topic(rule("four", "pregnant", "{dispatch: {ambulance: A9}}")),
            "urgency/broken.yaml": topic(rule("five", "chest_pain").replace("why:", "whyy:")),
        },
    )
    said = [(finding.file, finding.line, finding.rule) for finding in found]
    assert ("urgency/extra.yaml", 4, "one") in said
    assert ("urgency/extra.yaml", 11, "two") in said
    assert ("urgency/extra.yaml", 12, "two") in said
    assert ("urgency/extra.yaml", 21, "three") in said
    assert ("destination/more.yaml", 5, "four") in said
    assert sum(file == "urgency/broken.yaml" for file, _, _ in said) == 2  # `why` is missing, `whyy` is unknown


def test_what_is_wrong_in_one_file_does_not_hide_what_is_wrong_in_another(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            **changed("ruleset.yaml", "2026-01-01T00:00:00+01:00", "2026-01-01"),
            **changed("derived.yaml", "unit: min,", "units: min,"),
            **changed("scores/alarm.yaml", "why: made up", "whyy: made up"),
            **changed("selection.yaml", "known_there_from: U2", "known_there_from: U9"),
            "urgency/extra.yaml": topic(rule("one", "sytolic_bp < 90")),
        },
    )
    files = {finding.file for finding in found}
    assert files >= {"ruleset.yaml", "derived.yaml", "scores/alarm.yaml", "selection.yaml", "urgency/extra.yaml"}


def test_one_mistake_is_said_once(tmp_path: Path) -> None:
    for number, files in enumerate(
        (
            changed("parameters.yaml", "PCI norm}, reference: {source: book}", "PCI norm}, reference: {source: bok}"),
            changed("urgency/heart.yaml", "age_years >= $cardiac_age", "age_yeers >= $cardiac_age"),  # the only `acs`
        )
    ):
        only(findings(tmp_path / str(number), files))


# -- numbers, scores and texts that are wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("ruleset.yaml", "version: 1.0.0", "version: 1.0.x", "`version`"),
        ("ruleset.yaml", "name: tiny", "name: Tiny ruleset", "`name`"),
        ("ruleset.yaml", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00", "must be a time with offset"),
        ("ruleset.yaml", "2026-01-01T00:00:00+01:00", "next year", "must be a time with offset"),
        ("ruleset.yaml", "level: U3", "level: U9", "is one of U0, U1, U2, U3, U4, U5"),
        ("ruleset.yaml", "read: read}", "read: maybe}", "'read', 'partly' or 'not'"),
        ("ruleset.yaml", "owner: the tests\n", "", "`owner`"),
        ("parameters.yaml", "en: fever}, reference: {source: book}", "en: fever}, reference: {source: bok}",
         "there is no reference `bok`"),
        ("parameters.yaml", "  A1: {value: 10, reference: {source: book}", "  A1: {value: 10, reference: {source: bok}",
         "there is no reference `bok`"),
        ("parameters.yaml", "    A1: {value", "    A0: {value", "`A1` must be named"),
        ("parameters.yaml", "    A1: {value",
         "    A9: {value: 1, reference: {source: book}, why: assumed}\n    A1: {value", "`A9` is not an ambulance"),
        ("parameters.yaml", "  U5: {minutes: null", "  U6: {minutes: null", "must name exactly U0, U1, U2, U3, U4, U5"),
        ("parameters.yaml", "minutes: 75", "minutes: -75", "minutes"),
        ("parameters.yaml", "minutes: 75", "minutes: 75.5", "minutes"),
        ("parameters.yaml", "clock_start: called_at", "clock_start: dispatched_at", "clock_start"),
        ("selection.yaml", "give_way: [pci-75, pci]", "give_way: [pci-75, pcii]", "`pcii` is not a norm, a capability"),
        ("selection.yaml", "give_way: [pci-75, pci]", "give_way: [pci, pci]", "`pci` stands here twice"),
        ("selection.yaml", "known_there_from: U2", "known_there_from: U7", "is one of U0"),
        ("selection.yaml", "  capability: seh", "  capability: mri", "there is no capability `mri`"),
        ("selection.yaml", "  nearest:", "  nearst:", "differs in: nearest, nearst"),
        ("selection.yaml", "nearest: {text: {nl: nearest", "nearest: {text: {nl: 'na {minuten}'",
         "`{minuten}` cannot be filled in"),
        ("selection.yaml", "nearest: {text: {nl: nearest", "nearest: {text: {nl: 'na {minutes'", "na {minutes"),
        ("selection.yaml", "nearest: {text: {nl: nearest", "nearest: {text: {nl: 'na {minutes.real}'",
         "cannot be filled in"),
        ("selection.yaml", "minutes: 15, reference: {source: book}", "minutes: 15, reference: {source: bok}", "`bok`"),
        ("selection.yaml", "units: {seh: [seh]}", "units: {seh: [seh], sehh: [seh]}", "there is no unit `sehh`"),
        ("selection.yaml", "units: {seh: [seh]}", "units: {seh: [mri]}", "there is no capability `mri`"),
        ("selection.yaml", "goes_anyway: {urgency: U1", "goes_anyway: {urgency: U0", "is U1 or less urgent"),
        ("selection.yaml", "goes_anyway: {urgency: U1", "goes_anyway: {urgency: U2", "less urgent than that"),
        ("selection.yaml", "time_critical: true", "time_critical: false", "time_critical"),
        ("selection.yaml", "extra_minutes: stop_extra", "extra_minutes: fever", "a parameter in minutes"),
        ("selection.yaml", "agreed: stops_agreed", "agreed: something", "an agreement that is a yes/no"),
        ("selection.yaml", "  units: {seh: [seh]}\n  reference: {source: book}",
         "  units: {seh: [seh]}\n  reference: {source: bok}", "there is no reference `bok`"),
        ("parameters.yaml", "en: detour},", "en: detour}, region_may_choose: [20, 30],", "holds the national value 15"),
        ("parameters.yaml", "en: detour},", "en: detour}, region_may_choose: [30, 0],", "runs from low to high"),
    ],
)  # fmt: skip
def test_a_number_or_text_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    found = only(findings(tmp_path, changed(name, old, new)))
    assert found.file == name
    assert found.line is not None
    assert said in found.message


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("{}", "a formula is one of"),
        ("{mean: [heart_rate]}", "a formula is one of"),
        ("{sum: [heart_rate], lowest: [heart_rate]}", "a formula is one of"),
        ("{sum: []}", "a formula is one of"),
        ("{sum: heart_rate}", "a formula is one of"),
        ("{ratio: [heart_rate]}", "a ratio is of two"),
        ("{ratio: [heart_rate, chest_pain]}", "`chest_pain` is not a number among the facts"),
        ("{sum: [heart_rte]}", "`heart_rte` is not a number among the facts"),
        ("{lowest: [{sum: [heart_rate, onset_at]}]}", "`onset_at` is not a number"),
        ("{minutes_since: heart_rate}", "`heart_rate` is not a time"),
        ("{weighted: {heart_rate: 1}}", "`weighted` has `of`"),
        ("{weighted: {of: {heart_rate: 1}, minus: 3}}", "`weighted` has `of`"),
        ("{weighted: {of: {heart_rate: much}}}", "weighted"),
        ("{weighted: {of: {heart_rate: 1}, plus: more}}", "weighted"),
        ("{weighted: {of: {heart_rate: true}}}", "weighted"),
        ("{weighted: {of: {}}}", "weighted"),
    ],
)
def test_a_formula_that_is_wrong_is_refused_with_its_line(tmp_path: Path, formula: str, said: str) -> None:
    extra = (
        f'  made_up: {{unit: "1", range: [0, 20], formula: {formula}, label: {{nl: x, en: x}},\n'
        "    reference: {source: book}, why: made up}\n"
    )
    found = only(findings(tmp_path, {"derived.yaml": FILES["derived.yaml"] + extra}))
    assert (found.file, found.line) == ("derived.yaml", 8)
    assert said in found.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fact: avpu", "fact: avpuu", "there is no fact `avpuu`"),
        ("{A: 0, V: 3", "{A: 0, X: 3", "`values` must give points for exactly A, P, U, V"),
        ("{A: 0, V: 3, ", "{A: 0, ", "`values` must give points for exactly A, P, U, V"),
        ("    values: {A: 0, V: 3, P: 3, U: 3}\n", "", "an item has `bands`"),
        ("{points: 3}]", "{upto: 300, points: 3}]", "the last has neither"),
        ("{below: 100, points: 0}", "{points: 0}", "the last has neither"),
        ("{below: 100, points: 0}", "{below: 50, points: 0}", "bands must rise"),
        ("{below: 100, points: 0}", "{below: 100, upto: 120, points: 0}", "`upto` or `below`"),
        ("fact: avpu\n", "fact: avpu\n    only_if: chest_pain\n    unless: pregnant\n", "not both"),
        ("fact: avpu\n", "fact: avpu\n    only_if: chestpain\n", "did you mean `chest_pain`?"),
        ("fact: avpu\n", "fact: avpu\n    unless: pregnant\n", "needs `pregnant` in `assumed_false`"),
        ("not_for: age_years < 16", "not_for: age_years < 16 month", "the unit is `month`"),
        ("not_for: age_years < 16", "not_for: condition.acs", "`condition.acs`"),
        ("not_for: age_years < 16", "not_for: urgency at least U2", "urgency"),
        ("range: [0, 6]", "range: [6, 0]", "range"),
        ("range: [0, 6]", "range: [0, 6]\nassumed_false: [pregnnt]", "`pregnnt`"),
    ],
)
def test_a_score_that_is_wrong_is_refused_with_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = findings(tmp_path, changed("scores/alarm.yaml", old, new))
    assert any(finding.file == "scores/alarm.yaml" and finding.line and said in finding.message for finding in found)


@pytest.mark.parametrize("taken", ["heart_rate", "shock_index"])
def test_a_score_may_not_take_the_name_of_something_else(tmp_path: Path, taken: str) -> None:
    found = findings(tmp_path, changed("scores/alarm.yaml", "id: alarm", f"id: {taken}"))
    assert str(found[0]) == f"scores/alarm.yaml:1: `{taken}` is the name of something else already"


# -- nothing is left unread -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["urgency/x.yml", "urgency/deeper/x.yaml", "conditions/x.yaml", "x.yaml"])
def test_a_file_that_would_not_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert name in str(only(findings(tmp_path, {name: topic(rule("never-asked", "chest_pain"))})))


def test_a_topic_without_rules_is_refused(tmp_path: Path) -> None:
    found = findings(tmp_path, changed("ruleset.yaml", "topics: [urgency,", "topics: [urgency, urgncy,"))
    assert "urgncy" in str(only(found))


def test_worked_cases_and_remarks_may_lie_beside_the_rules(tmp_path: Path) -> None:
    assert findings(tmp_path, {"cases/heart.yaml": "cases: []\n", "README.md": "# Tiny\n"}) == ()


@pytest.mark.parametrize("name", [name for name in FILES if "/" not in name and name != "ruleset.yaml"])
def test_a_file_that_is_missing_is_refused_by_name(tmp_path: Path, name: str) -> None:
    small_ruleset(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BadData, match=f"^{name}"):
        read_ruleset(tmp_path, small_vocabulary())


@pytest.mark.parametrize("name", list(FILES))
def test_an_empty_file_is_refused_by_name_not_with_a_crash(tmp_path: Path, name: str) -> None:
    found = findings(tmp_path, {name: "# nothing\n"})
    assert found
    assert found[0].file == name


# -- choices that are left to regions, and formats --------------------------------------------------------------------


def test_a_text_names_the_values_of_parameters_in_both_languages(tmp_path: Path) -> None:
    text = rule("warm", "temperature >= $fever").replace(
        "{nl: tekst, en: text}", '{nl: "Vanaf {fever}", en: "From {fever}"}'
    )
    found = small_ruleset(tmp_path, {"urgency/extra.yaml": topic(text)})
    assert found.by_id["warm"].text == Text("Vanaf 38,5", "From 38.5")


@pytest.mark.parametrize("text", ["{nothing}", "{fever", "{fever!r}", "{fever:>9}", "{fever.real}"])
def test_a_text_that_cannot_be_filled_in_is_refused(tmp_path: Path, text: str) -> None:
    wrong = rule("warm", "temperature >= $fever").replace("nl: tekst", f'nl: "{text}"')
    assert only(refusals(tmp_path, wrong)).rule == "warm"


def test_a_rule_may_ask_only_agreements_that_have_a_value(tmp_path: Path) -> None:
    assert refusals(tmp_path, rule("fine", "{all: [chest_pain, stops_agreed]}")) == ()
    files = changed("parameters.yaml", "  stops_agreed: {value", "  lost: {value")
    found = findings(tmp_path / "b", {**files, "urgency/extra.yaml": topic(rule("asks", "stops_agreed"))})
    said = " ".join(finding.message for finding in found)
    assert "asks the agreement `stops_agreed`, which has no value" in said
    assert "`lost` is not a fact with `given: agreement` (those are: stops_agreed)" in said


def test_a_ruleset_of_the_first_format_needs_none_of_what_came_later(tmp_path: Path) -> None:
    selection = FILES["selection.yaml"]
    later = "".join(f"  {name}: {{text: {{nl: {name}, en: {name}}}}}\n" for name in TEXTS_SINCE)
    stops = selection[selection.index("stops:\n") : selection.index("texts:\n")]
    order = selection.replace("unknown, stopped, ", "unknown, ").replace(stops, "")
    for line in later.splitlines(keepends=True):
        order = order.replace(line, "")
    old = {**changed("ruleset.yaml", "format: 2\n", ""), "selection.yaml": order}
    found = small_ruleset(tmp_path, {**old, "urgency/extra.yaml": topic(rule("curly", "chest_pain"))})
    assert found.selection.stops is None
    assert "stopped" not in found.selection.order
    (error,) = findings(tmp_path / "b", {**old, **changed("ruleset.yaml", "format: 2", "format: 5")})[:1]
    assert (error.file, "format" in error.message) == ("ruleset.yaml", True)


def test_a_ruleset_of_the_third_format_says_how_far_live_facts_are_relied_on(tmp_path: Path) -> None:
    later = changed("ruleset.yaml", "format: 2", "format: 3")
    said = " ".join(finding.message for finding in findings(tmp_path, later))
    assert "`status` says how far live facts are relied on; rulesets of format 3 have it" in said
    assert "stop_unknown" in said, "its texts are asked for"
    assert small_ruleset(tmp_path / "b").selection.live is None, "the second format needs none of it"
