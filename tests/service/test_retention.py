"""Promises about keeping: shown before it is erased, no more than is due, and never because a clock is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from routing import erasure, outcomes, retention, service
from routing.errors import BadData, BadInput, Erased, NotFound
from routing.log.entry import read_entry
from routing.rights import Asker
from routing.service import World
from routing.store.tables import LOG_ENTRIES
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock, Run
from tests.service.test_erasure import OVERRIDDEN, everything, rows

POLICY = """
decisions:
  - name: rest
    keep_years: 2
    why: long enough for this test
    reference: {title: nothing, source_read: false}
  - name: self
    channels: [self]
    keep_years: 1
    why: shorter
    reference: {title: nothing, source_read: false}
"""


@pytest.fixture
def policy(tmp_path: Path, world: World) -> retention.Policy:
    (tmp_path / "policy.yaml").write_text(POLICY)
    return retention.read_policy(tmp_path / "policy.yaml", world.words)


def made(world: World, asker: Asker, clock: Clock) -> list[str]:
    """Four decisions: two of November, one of these `self`, one of December, and one of the day before yesterday."""
    ids = []
    for channel, days in (("ambulance", 0), ("self", 1), ("ambulance", 30), ("self", 740)):
        clock.forward(days=days)
        ids.append(str(service.decide(world, {**STEMI, "channel": channel}, asker)["id"]))
    clock.forward(days=2)
    return ids


def told(_done: int) -> None:
    """Nobody listens."""


def gone(world: World, decision_id: str) -> bool:
    try:
        service.decision(world, decision_id, AUDITOR)
    except Erased:
        return True
    return False


def test_retention_shows_before_it_erases(
    world: World, asker: Asker, clock: Clock, policy: retention.Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = made(world, asker, clock)
    before = everything(world)
    shown = retention.due(world, policy)
    assert [(each.period, each.month, each.decisions) for each in shown] == [
        ("rest", "2026-11", 1),
        ("rest", "2026-12", 1),
        ("self", "2026-11", 1),
    ]
    assert everything(world) == before
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    seen: list[int] = []
    assert retention.run(world, policy, seen.append) == sum(each.decisions for each in shown)
    assert seen == [1, 2, 3]
    assert [gone(world, each) for each in ids] == [True, True, True, False]
    assert retention.due(world, policy) == []
    assert retention.run(world, policy, seen.append) == 0
    entries = [read_entry(row["entry"]) for row in rows(world, LOG_ENTRIES) if row["kind"] == "erasure"]
    assert [(entry["why"], entry["asker"]) for entry in entries] == [("retention", {})] * 3, "nobody asked for it"


def test_a_run_that_is_stopped_goes_on_where_it_was(
    world: World, asker: Asker, clock: Clock, policy: retention.Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = made(world, asker, clock)
    monkeypatch.setattr(retention, "AT_ONCE", 1)

    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.run(world, policy, stop)
    assert [gone(world, each) for each in ids] == [True, False, False, False]
    assert retention.run(world, policy, told) == 2


def test_a_hold_keeps_a_decision(world: World, asker: Asker, clock: Clock, policy: retention.Policy) -> None:
    ids = made(world, asker, clock)
    retention.hold(world, ids[0], "claim")
    retention.hold(world, ids[0], "complaint")
    assert [(each.decisions, each.held) for each in retention.due(world, policy)] == [(1, 1), (1, 0), (1, 0)]
    assert retention.run(world, policy, told) == 2
    assert [gone(world, each) for each in ids] == [False, True, True, False]
    assert retention.release(world, ids[0])
    assert not retention.release(world, ids[0])
    assert retention.run(world, policy, told) == 1
    with pytest.raises(Erased):
        retention.hold(world, ids[0], "claim")
    with pytest.raises(NotFound):
        retention.hold(world, "x", "claim")
    with pytest.raises(BadInput):
        retention.hold(world, ids[3], "a whim")


def test_what_changed_since_is_kept_from_that_change_on(
    world: World, asker: Asker, clock: Clock, policy: retention.Policy
) -> None:
    decision_id = service.decide(world, SORE_THROAT, asker)["id"]
    clock.forward(days=365)
    outcomes.record_outcome(world, decision_id, OVERRIDDEN, asker)
    clock.forward(days=370)
    sure = {"clock_is_right": True}
    assert retention.run(world, policy, told, **sure) == 0
    clock.forward(days=365)
    assert retention.run(world, policy, told, **sure) == 1
    assert gone(world, decision_id)


@pytest.mark.parametrize(("days", "code"), [(-1, "clock_behind"), (40_000, "clock_ahead"), (31, "clock_ahead")])
def test_a_clock_that_cannot_be_right_erases_nothing(
    world: World, asker: Asker, clock: Clock, policy: retention.Policy, days: int, code: str
) -> None:
    made(world, asker, clock)
    clock.forward(days=days - 2)
    before = everything(world)
    for ask in (
        lambda: retention.due(world, policy),
        lambda: retention.run(world, policy, told),
    ):
        with pytest.raises(BadInput) as raised:
            ask()
        assert raised.value.faults[0].code == code
    assert everything(world) == before


def test_a_clock_that_steps_back_during_a_run_stops_it(
    world: World, asker: Asker, clock: Clock, policy: retention.Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = made(world, asker, clock)
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    with pytest.raises(BadInput):
        retention.run(world, policy, lambda _done: clock.forward(days=-900))
    assert [gone(world, each) for each in ids].count(True) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("keep_years: 2", "keep_years: 0", "greater than or equal to 1"),
        ("keep_years: 2", "keep_years: two", "valid integer"),
        ("    why: shorter\n", "", "Field required"),
        ("channels: [self]", "channels: [telephone]", "no channel: telephone"),
        ("    channels: [self]\n", "", "exactly one period"),
        ("name: self", "name: rest", "stand twice: rest"),
        ("name: self", "name: self\n    forever: true", "Extra inputs"),
        ("source_read: false}\n  - name: self", "}\n  - name: self", "Field required"),
    ],
)
def test_a_policy_that_is_not_right_is_refused(old: str, new: str, said: str, tmp_path: Path, words: Any) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace(old, new))
    with pytest.raises(BadData, match=said):
        retention.read_policy(tmp_path / "policy.yaml", words)


@pytest.fixture(scope="module")
def words() -> Any:
    from routing.vocabulary import read_vocabulary

    return read_vocabulary()


def test_the_policy_of_the_guide_is_one(tmp_path: Path, words: Any) -> None:
    guide = (Path(__file__).parents[2] / "docs/how-to/erase-and-keep.md").read_text("utf-8")
    (tmp_path / "policy.yaml").write_text(guide.partition("<!-- policy -->\n```yaml\n")[2].partition("```")[0])
    found = retention.read_policy(tmp_path / "policy.yaml", words)
    assert not any(period.reference.source_read for period in found.decisions), "we did not read that law"


def test_the_leap_day_is_not_kept_shorter() -> None:
    from datetime import UTC, datetime

    reference = retention.Source(title="x", source_read=False)
    period = retention.Period(name="x", keep_years=1, why="x", reference=reference)
    before = retention._years_before(datetime(2028, 2, 29, 12, tzinfo=UTC), period)
    assert before == datetime(2027, 2, 28, 12, tzinfo=UTC)


# -- at the terminal


def test_the_commands_show_first(run: Run, tmp_path: Path) -> None:
    run("keys", "create", "--label", "x", "--role", "triagist")
    ids = decided_here(tmp_path)
    code, out, err = run("erase", ids[0], "--why", "test_data")
    assert (code, out.startswith("1 decisions with 0 outcomes; from 20")) == (0, True)
    assert "--yes" in err
    code, out, _ = run("erase", ids[0], "--why", "test_data", "--yes", "--json")
    assert (code, '"to_erase": 1' in out, ids[0] in out) == (0, True, True)
    code, out, _ = run("erase", "--reference-file", "-", "--why", "patient_request", stdin=b"ZCC-2026-7\n")
    assert (code, out.startswith("1 decisions")) == (0, True)
    assert run("retention", "hold", ids[1], "--why", "claim")[0] == 0
    code, _, err = run("erase", ids[1], "--why", "test_data", "--yes")
    assert (code, "must not be erased" in err) == (2, True)
    assert run("retention", "release", ids[1])[0] == 0
    (tmp_path / "policy.yaml").write_text(POLICY)
    code, out, err = run("retention", "run", "--policy", "policy.yaml", "--yes")
    assert (code, out) == (0, "")
    assert run("erase", "--why", "test_data")[0] == 2
    assert run("erase", "x", "--why", "test_data")[0] == 2
    assert run("erase", "--reference-file", "nowhere", "--why", "test_data")[0] == 2
    assert run("erase", "--reference-file", "-", "--why", "test_data", stdin=b"\n")[0] == 2


def decided_here(folder: Path) -> list[str]:
    """Two decisions in the database of the commands."""
    from routing.settings import Settings

    world = service.open_world(Settings(database_url=f"sqlite:///{folder}/data/wegwijs.sqlite3"))
    try:
        key = service.create_key(world, "test", frozenset({"triagist"}))
        asker = service.authenticate(world, key)
        assert asker is not None
        return [service.decide(world, {**STEMI, "reference": f"ZCC-2026-{n}"}, asker)["id"] for n in (6, 7)]
    finally:
        service.close_world(world)


def test_codes_fit_their_tables() -> None:
    assert erasure.DESPITE_HOLD in erasure.WHY
    assert "retention" in erasure.WHY
