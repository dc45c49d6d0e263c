"""Promises about the norm variants: scenarios with sources, that never take part in a decision."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from routing.errors import BadData
from routing.norms import read_norm_variants
from routing.packaged import open_desk
from tests.unit.test_overlay import NOW

PACKAGED = Path(str(files("rulesets"))) / "norms"


def test_there_are_five_variants_each_with_sourced_norms() -> None:
    found = read_norm_variants()
    assert [variant.variant for variant in found] == [f"variant-{number}" for number in range(5)]
    for variant in found:
        assert variant.norms
        assert all(norm.reference.section for norm in variant.norms)


def test_only_current_policy_is_in_force() -> None:
    for variant in read_norm_variants()[1:]:
        assert {norm.legal_status for norm in variant.norms} <= {"example", "proposal", "mitigation", "none"}


def test_what_is_still_to_be_developed_has_no_number() -> None:
    (norm,) = [it for it in read_norm_variants()[1].norms if it.id == "other-conditions"]
    assert (norm.value, norm.legal_status) == (None, "none")


def test_norm_variants_never_take_part_in_a_decision() -> None:
    content = json.dumps(dict(open_desk(None, NOW).evaluators.ruleset.source))
    assert "variant-1" not in content


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    unit: min\n", "    unit: null\n", "a value needs `unit` and `comparator`"),
        ("    clock_start: called_at\n", "    clock_start: null\n", "has `clock_start`"),
        ("variant: variant-1\n", "variant: variant-9\n", "the file of `variant-9` is"),
        ("id: pci-75\n", "id: pci-volume\n", "stand here twice"),
        ("source: vws-varianten, section: G1.1", "source: elsewhere, section: G1.1", "references and what is cited"),
        ("    legal_status: example\n", "    legal_status: perhaps\n", "legal_status"),
    ],
)
def test_a_variant_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    shutil.copytree(PACKAGED, tmp_path / "norms")
    path = tmp_path / "norms" / "variant-1.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadData, match=said):
        read_norm_variants(tmp_path)
