"""The worked cases of the newest ruleset notice that a limit moves, a comparison turns round or a choice is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from routing import cli

LEAST_PERCENT = 95


@pytest.fixture(scope="module")
def tried() -> Mapping[str, Any]:
    """What `wegwijs rules mutate` says of the newest packaged ruleset."""
    with pytest.MonkeyPatch.context() as patch:
        found: list[Any] = []
        patch.setattr("routing.cli_mutation.show", found.append)
        assert cli.main(("rules", "mutate", "--json", "--least", str(LEAST_PERCENT))) == 0
    record: Mapping[str, Any] = json.loads(json.dumps(found[0]))
    return record


def test_at_least_95_percent_of_all_changes_are_noticed(tried: Mapping[str, Any]) -> None:
    assert tried["mutants"] > 10_000
    assert tried["noticed"] >= LEAST_PERCENT / 100 * tried["mutants"]
    assert len(tried["survivors"]) == tried["mutants"] - tried["noticed"]


def test_at_least_95_percent_of_limits_and_operators_are_noticed(tried: Mapping[str, Any]) -> None:
    kinds = [tried["kinds"][kind] for kind in ("threshold", "operator", "connective", "number")]
    mutants, noticed = (sum(kind[part] for kind in kinds) for part in ("mutants", "noticed"))
    assert mutants > 5_000
    assert noticed >= LEAST_PERCENT / 100 * mutants


def test_what_survives_says_where_it_stands_and_what_is_the_same_says_why(tried: Mapping[str, Any]) -> None:
    assert all(one["line"] and one["was"] != one["now"] for one in (*tried["survivors"], *tried["equivalent"]))
    assert all(one["reason"] for one in tried["equivalent"])
    assert len(tried["equivalent"]) < 0.05 * tried["mutants"], "that is too many to be chance"
