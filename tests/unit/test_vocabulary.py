"""The vocabulary: what may not stand in it, on which line, and what is kept of it."""

from __future__ import annotations

import orjson
import pytest

from routing.errors import BadData, Finding
from routing.vocabulary import Text, build_vocabulary, read_vocabulary, vocabulary_from_source
from routing.yamlfile import parse
from tests.fixtures_ruleset import VOCABULARY, small_vocabulary


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def wrong(*changes: tuple[str, str]) -> tuple[str, tuple[Finding, ...]]:
    """The changed text and what is found wrong with it."""
    text = VOCABULARY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(BadData) as caught:
        build_vocabulary(parse(text, "vocabulary.yaml"))
    assert all(finding.file == "vocabulary.yaml" for finding in caught.value.findings)
    return text, caught.value.findings


def test_the_vocabulary_that_comes_with_it_is_complete() -> None:
    words = read_vocabulary()
    assert set(words.fact_names) >= {"heart_rate", "hr", "systolic_bp", "sbp", "onset_at", "age_years"}
    assert words.implied["trauma_1"] >= {"trauma_1", "trauma_2", "trauma_3"}
    assert {"stemi", "cva", "multitrauma", "raaa", "obstetric"} <= set(words.conditions)


def test_an_unknown_key_is_refused_with_its_line() -> None:
    text, (found,) = wrong(("unit: mmHg, range", "units: mmHg, unit: mmHg, range"))
    assert found.line == line_of(text, "units:")
    assert "facts.systolic_bp.units" in found.message


def test_an_alias_belongs_to_one_fact() -> None:
    text, (found,) = wrong(("aliases: [sbp]", "aliases: [hr]"))
    assert found.line == line_of(text, "aliases: [hr],\n     label: {nl: bovendruk")
    assert found.message == "the alias `hr` already belongs to `heart_rate`"


def test_an_alias_may_not_be_the_id_of_a_fact_nor_stand_twice_with_one() -> None:
    assert "`chest_pain` already belongs to `chest_pain`" in wrong(("[sbp]", "[chest_pain]"))[1][0].message
    assert "`sbp` already belongs to `systolic_bp`" in wrong(("[sbp]", "[sbp, sbp]"))[1][0].message
    assert "`systolic_bp` already belongs to" in wrong(("[sbp]", "[systolic_bp]"))[1][0].message


def test_an_alias_of_a_complaint_belongs_to_one_complaint() -> None:
    _, (found,) = wrong(("[thoracic_pain]", "[dyspnea]"))
    assert "`dyspnea` already belongs to `dyspnea`" in found.message


def test_a_capability_may_not_imply_itself_over_others() -> None:
    text, found = wrong(("implies: [seh]", "implies: [pci]"))
    assert {finding.message for finding in found} == {"`pci` implies itself", "`cardiac_care` implies itself"}
    assert {finding.line for finding in found} == {
        line_of(text, "  pci: {label"),
        line_of(text, "  cardiac_care: {label"),
    }


@pytest.mark.parametrize("old", ["implies: [seh]", "has: [seh]", "may_have: [pci]"])
def test_a_capability_that_does_not_exist_is_refused_where_it_is_named(old: str) -> None:
    new = old[: old.index("[")] + "[sehh]"
    text, (found,) = wrong((old, new))
    assert found.line == line_of(text, new)
    assert found.message == "there is no capability `sehh`"


@pytest.mark.parametrize(
    "left_out", ["unit: mmHg, ", "range: [0, 300], whole: true, group: circulation, aliases: [sbp]"]
)
def test_a_number_needs_unit_and_range(left_out: str) -> None:
    instead = "whole: true, group: circulation" if left_out.startswith("range") else ""
    text, (found,) = wrong((left_out, instead))
    assert "a number needs `unit` and `range`" in found.message
    assert found.line in (line_of(text, "  systolic_bp:"), line_of(text, "  systolic_bp:") + 1)


def test_a_range_runs_upwards() -> None:
    _, (found,) = wrong(("unit: mmHg, range: [0, 300]", "unit: mmHg, range: [300, 0]"))
    assert "range" in found.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{type: time, group", "{type: time, unit: min, group", "belong to a number"),
        ("{type: boolean, group: heart", "{type: boolean, whole: true, group: heart", "belong to a number"),
        (
            "{type: boolean, group: heart",
            "{type: boolean, values: {A: {nl: a, en: a}}, group: heart",
            "belong to a choice",
        ),
        ("{type: time, group", "{type: choice, group", "a choice needs `values`"),
        ("{type: time, group", "{type: date, group", "facts.onset_at.type"),
        ("{type: time, group: history", "{type: time, group: past", "facts.onset_at.group"),
        ("label: {nl: begin, en: onset}", "label: {nl: begin}", "exactly `nl` and `en`"),
        ("label: {nl: begin, en: onset}", "label: {nl: begin, en: 1}", "are words"),
        ("label: {nl: begin, en: onset}", "label: {nl: begin, en: ''}", "are words"),
        ("  onset_at:", "  Onset-at:", "Onset-at"),
        ("  C2: {label", "  C3: {label", "must be exactly A0, A1, A2, B1, B2, C1, C2, in this order"),
        ("  U0: {label: {nl: reanimatie, en: resuscitation}}\n", "", "must be exactly U0, U1, U2, U3, U4, U5"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(old: str, new: str, said: str) -> None:
    _, found = wrong((old, new))
    assert said in found[0].message
    assert found[0].line is not None


def test_everything_that_is_wrong_is_said_at_once() -> None:
    _, found = wrong(
        ("aliases: [sbp]", "aliases: [hr]"), ("has: [seh]", "has: [sehh]"), ("implies: [seh]", "implies: [pci]")
    )
    assert len(found) == 4
    _, found = wrong(("unit: mmHg, ", ""), ("type: time, ", ""))
    assert len(found) == 2


def test_an_empty_file_is_refused_as_data_not_with_a_crash() -> None:
    with pytest.raises(BadData):
        build_vocabulary(parse("", "vocabulary.yaml"))


def test_what_a_place_has_it_has_with_all_that_follows() -> None:
    assert small_vocabulary().implied["pci"] == {"pci", "cardiac_care", "seh"}
    assert small_vocabulary().implied["seh"] == {"seh"}


def test_names_and_aliases_lead_to_the_id() -> None:
    words = small_vocabulary()
    assert words.fact_names["hr"] == words.fact_names["364075005"] == words.fact_names["heart_rate"] == "heart_rate"
    assert words.complaint_names["thoracic_pain"] == "chest_pain"
    assert tuple(words.choices("complaint")) == ("chest_pain", "dyspnea")
    assert words.choices("avpu")["A"] == Text("alert", "alert")


def test_what_is_kept_of_a_vocabulary_makes_the_same_one_again() -> None:
    for words in (small_vocabulary(), read_vocabulary()):
        again = vocabulary_from_source(orjson.loads(orjson.dumps(words.source)))
        assert again == words
        assert again.digest == words.digest


def test_a_changed_word_changes_the_digest() -> None:
    changed = build_vocabulary(parse(VOCABULARY.replace("nl: begin,", "nl: aanvang,"), "vocabulary.yaml"))
    assert changed.digest != small_vocabulary().digest
